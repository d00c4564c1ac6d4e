"""The results of a run: as JSON, as files that show each failure, as a table in the terminal."""

from __future__ import annotations

import io
import json
import platform
import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from conformance.witness import draft

SCHEMA = 1
NODE = re.compile(r"(?:.*/)?(test_\w+)\.py::(test_\w+)\[([^\[\]]+)\]$")
FIELDS = (
    "property",
    "operation",
    "dtype",
    "backend",
    "outcome",
    "examples",
    "budget",
    "seconds",
    "message",
    "reproducer",
    "case",
    "coverage",
    "free",
    "tally",
    "digest",
    "unasked",
)
BAD = ("failed", "fixed", "crashed", "timeout")
MARKS = {"failed": "✗", "fixed": "fixed", "crashed": "crash", "timeout": "hang"}
NARROW = 5  # characters of a column
SHOWN = 4  # operations that are named beside a reason; report.json has them all
LEGEND = (
    "✓ exact; a number is the largest used share of the accepted error (1 is its edge); k: known failures are set aside; "
    "✗, fixed, crash, hang: see above; – no case could be asked; · cannot be asked:"
)


def id_of(nodeid: str) -> str | None:
    """The id that users rely on, wherever the package lies: `conformance/test_forward.py::test_forward[Conv2d-float32-cpu]`."""
    match = NODE.match(nodeid)
    return f"conformance/{match[1]}.py::{match[2]}[{match[3]}]" if match else None


def environment(backends: Iterable[Any]) -> dict[str, Any]:
    """Versions of what was running, for the report."""
    packages = {}
    for name in ("cnn-conformance", "numpy", "hypothesis", "pytest"):
        try:
            packages[name] = version(name)
        except PackageNotFoundError:
            packages[name] = "not installed"
    subjects = {backend.name: dict(getattr(backend, "environment", dict)()) for backend in backends}
    return {"python": platform.python_version(), "platform": platform.platform(), **packages, "backends": subjects}


@dataclass
class Run:
    """Everything that a run said, by id."""

    seed: int
    examples: int
    backends: tuple[str, ...] = ()  # as they were asked for
    results: dict[str, dict[str, Any]] = field(default_factory=dict)
    environment: dict[str, Any] = field(default_factory=dict)
    empty: list[dict[str, str]] = field(default_factory=list)
    started: dict[str, float] = field(default_factory=dict)

    def start(self, nodeid: str) -> None:
        """Note when a test began, for those that never report back."""
        self.started[nodeid] = time.time()

    def add(self, nodeid: str, record: Mapping[str, Any]) -> None:
        """A verdict from a worker."""
        name = id_of(nodeid) or nodeid
        self.results[name] = {"id": name, **record}

    def add_death(
        self, nodeid: str, limit: Callable[[str], float], case: Any, public: Callable[[str], str], script: Callable[..., str]
    ) -> str:
        """A test whose process died, by a crash of the library or ended because it ran too long; the sentence that says so.

        `limit` gives the seconds that a test of a backend may run, `public` the public name of an operation by its id, `script` the
        reproducer of a case.
        """
        name = id_of(nodeid)
        if name is None or name.count("-") < 2:  # a test of another suite
            return f"the process died while it ran {nodeid}"
        seconds = time.time() - self.started.get(nodeid, time.time())
        verb = name.partition("::test_")[2].partition("[")[0]
        label, dtype, backend = name.partition("[")[2].rstrip("]").rsplit("-", 2)
        most = limit(backend)
        hung = seconds >= most
        what = f"ran longer than {most:.0f} s" if hung else "crashed the process"
        message = f"{public(label)} on {backend}, {dtype}: {what}\nthe case: {case!r}"
        self.results[name] = {
            "id": name,
            "property": verb,
            "operation": public(label),
            "label": label,
            "dtype": dtype,
            "backend": backend,
            "outcome": "timeout" if hung else "crashed",
            "examples": 0,
            "budget": 0.0,
            "free": 0.0,
            "seconds": seconds,
            "message": message,
            "reproducer": script(verb, label, backend, case, what) if case is not None else "",
            "case": draft(case) if case is not None else {},
            "coverage": {},
            "tally": {},
            "digest": "",
            "unasked": {},
        }
        return message

    def document(self) -> dict[str, Any]:
        """The report as the contract says."""
        results = [{"id": r["id"], **{name: r[name] for name in FIELDS}} for r in sorted(self.results.values(), key=lambda r: str(r["id"]))]
        return {
            "schema": SCHEMA,
            "seed": self.seed,
            "examples": self.examples,
            "backends": list(self.backends),
            "environment": self.environment,
            "results": results,
            "empty": self.empty,
        }

    def write(self, directory: Path) -> None:
        """report.json, and a script for every failure that has one."""
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "report.json").write_text(json.dumps(self.document(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        for result in self.results.values():
            if result["reproducer"]:
                name = re.sub(r"\W+", "_", result["id"].partition("::")[2]).strip("_")
                (directory / f"{name}.py").write_text(result["reproducer"], encoding="utf-8")

    def table(self, width: int, colour: bool) -> str:
        """Operations × properties: the worst outcome over dtypes, and the largest used share of the accepted error."""
        from rich.console import Console
        from rich.table import Table

        cells: dict[tuple[str, str, str], list[dict[str, Any]]] = defaultdict(list)
        for result in self.results.values():
            cells[result["label"], result["backend"], result["property"]].append(result)
        rows = sorted({key[:2] for key in cells}, key=lambda row: (row[1], row[0].lower()))
        properties = sorted({key[2] for key in cells}, key=_order)
        table = Table(box=None, padding=(0, 1, 0, 0))
        for heading in ("operation", "backend", *(name[:NARROW] for name in properties)):
            table.add_column(heading, no_wrap=True)
        for operation, backend in rows:
            table.add_row(operation, backend, *(_cell(cells.get((operation, backend, name), [])) for name in properties))
        needed = sum(max(len(row[i]) for row in rows) + 1 for i in (0, 1)) + 10 + len(properties) * (NARROW + 1)
        console = Console(file=io.StringIO(), width=max(width, needed), force_terminal=colour, no_color=not colour)
        console.print(table)
        console.print(LEGEND, highlight=False, soft_wrap=True)
        for reason, who in self._reasons().items():
            console.print(f"· {reason}: {_several(who)}", highlight=False, soft_wrap=True)
        for said, (cases, who) in self._unasked().items():
            console.print(f"not asked, {cases} cases of {_several(who)}: {said}", highlight=False, markup=False, soft_wrap=True)
        for backend, counted in self._tallies().items():
            told = ", ".join(f"{count} {what}" for what, count in counted.items())
            console.print(f"{backend}: {told}", highlight=False, soft_wrap=True)
        return str(console.file.getvalue())  # type: ignore[attr-defined]

    def _tallies(self) -> dict[str, Counter[str]]:
        """What each backend counted in all its tests."""
        tallies: dict[str, Counter[str]] = {}
        for result in self.results.values():
            if result["tally"]:
                tallies.setdefault(result["backend"], Counter()).update(result["tally"])
        return tallies

    def _unasked(self) -> dict[str, tuple[int, list[str]]]:
        """What backends said of cases that they could not be asked: how many, of which operations; the commonest first."""
        found: dict[str, tuple[int, list[str]]] = {}
        for result in self.results.values():
            for said, cases in result["unasked"].items():
                before, who = found.get(said, (0, []))
                found[said] = before + cases, list(dict.fromkeys([*who, result["label"]]))
        return dict(sorted(found.items(), key=lambda item: -item[1][0]))

    def _reasons(self) -> dict[str, list[str]]:
        """Why cells are empty: each reason with its cells."""
        reasons: dict[str, list[str]] = defaultdict(list)
        for cell in self.empty:
            reasons[f"{cell['property']}: {cell['reason']}"].append(cell["operation"])
        return reasons


ORDER = (
    "forward",
    "gradient",
    "shape",
    "cost",
    "rejects",
    "laws",
    "layout",
    "purity",
    "determinism",
    "distribution",
    "state",
    "receptive_field",
)


def _order(name: str) -> tuple[int, str]:
    return (ORDER.index(name) if name in ORDER else len(ORDER), name)


def _several(who: list[str]) -> str:
    """The first operations of several."""
    return f"{', '.join(who[:SHOWN])}, and {len(who) - SHOWN} more" if len(who) > SHOWN + 1 else ", ".join(who)


def _cell(results: list[dict[str, Any]]) -> str:
    """One cell, at most NARROW characters: what is bad counts, else the largest budget."""
    if not results:
        return "·"
    bad = [result["outcome"] for result in results if result["outcome"] in BAD]
    if bad:
        return f"[red]{MARKS[bad[0]]}[/red]"
    if all(result["outcome"] == "unasked" for result in results):
        return "–"
    budget = max(result["budget"] for result in results)
    known = "k" if any(result["outcome"] == "known" for result in results) else ""
    return f"[green]{f'{budget:.2f}'.removeprefix('0') if budget else '✓'}[/green]{known}"
