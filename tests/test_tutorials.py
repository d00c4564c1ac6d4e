"""The tutorials, done as a new user would: what they say comes out."""

import re
import sys
from pathlib import Path

import pytest

from conformance.grid import Grid
from conformance.harness import search
from conformance.test_determinism import test_determinism as determinism
from conformance.test_forward import test_forward as forward
from conformance.test_laws import test_laws as laws

DOCS = Path(__file__).parents[1] / "docs"


def parts(name):
    """The Python blocks of a tutorial and the sentences that it quotes."""
    text = (DOCS / name).read_text(encoding="utf-8")
    quoted = [" ".join(line.removeprefix("> ") for line in quote.splitlines()) for quote in re.findall(r"(?:^> .*\n)+", text, re.M)]
    return re.findall(r"^```python\n(.*?)^```", text, re.M | re.S), quoted


def sentences(module, tmp_path, monkeypatch, source, operation):
    """What the suite says of a backend that a file of a user's own makes: the first line of each failure."""
    (tmp_path / f"{module}.py").write_text(source, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, module, raising=False)
    said = []
    for declared in (forward.property, determinism.property, laws.property):
        grid = Grid((f"{module}:Mine",), (operation,), ("float32",))
        for pair in grid.pairs(declared):
            verdict = search(declared, *pair, examples=25, seed=0, known=grid.entries(declared, pair))
            said += verdict.message.splitlines()[:1] if verdict.outcome != "known" else []
    return said


@pytest.mark.parametrize("version", [0, 1, 2])
def test_a_library_of_ones_own_gets_the_answers_of_the_tutorial(version, tmp_path, monkeypatch):
    (first, *others), quoted = parts("tutorial-library.md")
    source = first + (f"\n\n{others[version - 1]}" if version else "")
    said = sentences(f"mine{version}", tmp_path, monkeypatch, source, "Softmax")
    if version < 2:
        assert quoted[version] in said
    else:
        assert said == []


DEVICE, PROMISING, COMPILER, CORRECTED = range(4)


@pytest.mark.parametrize(
    ("module", "blocks", "operation", "quoted"),
    [
        ("device", (DEVICE,), "Hardswish", 0),
        ("device_promising", (DEVICE, PROMISING), "Hardswish", None),
        ("compiler", (COMPILER,), "GELU", 1),
        ("compiler_corrected", (COMPILER, CORRECTED), "GELU", None),
    ],
)
def test_a_device_or_compiler_of_ones_own_gets_the_answers_of_the_tutorial(module, blocks, operation, quoted, tmp_path, monkeypatch):
    python, told = parts("tutorial-device-or-compiler.md")
    said = sentences(module, tmp_path, monkeypatch, "\n\n".join(python[block] for block in blocks), operation)
    if quoted is None:
        assert said == []
    else:
        assert told[quoted] in said
