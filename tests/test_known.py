"""Known-failures files: what is read, what is refused with one clear sentence."""

import os
import time
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import strategies as st

from conformance.backends import form
from conformance.harness import Property, search
from conformance.judgement import Expectation, assert_accepted
from conformance.known import KnownFailuresError, entries_for, findings, read_known_failures
from conformance.model import Case, Operation
from conformance.proposal import proposals
from conformance.strategies import data_of
from conformance.witness import witness
from oracles.bounded import exact

ROOT = Path(__file__).parents[1]
FILES = {"cpu": "torch_eager", "opencv": "opencv"}
ENTRY = """
[[known_failure]]
test = "test_forward[blur-uint8-opencv]"
where = {where}
reason = "adds one"
link = "unreported"
versions = ">=4.5.5,<=5.0.0"
witness = {{ image = [[0, 0], [0, 0]], ksize = [1, 2] }}
"""


def written(tmp_path, text):
    path = tmp_path / "known.toml"
    path.write_text(text, encoding="utf-8")
    return path


def box(image, *, ksize):
    """An oracle's signature: arrays are positional, options keyword-only."""


BLUR = Operation("cv2.blur", call=box, oracle=box, cases=data_of, dtypes=("uint8",))


def test_an_entry_is_read_and_found_by_test_and_version(tmp_path):
    entries = read_known_failures(written(tmp_path, ENTRY.format(where="{ ksize = [1, 2] }")))
    assert entries_for("test_forward[blur-uint8-opencv]", entries, "cv2", {"cv2": "4.10.0"}) == entries
    assert entries_for("test_forward[blur-uint8-opencv]", entries, "cv2", {"cv2": "5.1.0"}) == []
    assert entries_for("test_forward[blur-uint16-opencv]", entries, "cv2", {"cv2": "4.10.0"}) == []
    assert entries_for("test_gradient[blur-uint8-opencv]", entries, "cv2", {"cv2": "4.10.0"}) == []


def test_an_entry_may_require_a_processor(tmp_path):
    text = ENTRY.format(where="{}") + 'requires = { avx512_bf16 = "yes" }\n'
    entries = read_known_failures(written(tmp_path, text))
    for answer, found in (("yes", entries), ("no", [])):
        assert entries_for("test_forward[blur-uint8-opencv]", entries, "cv2", {"cv2": "4.10.0", "avx512_bf16": answer}) == found


def test_an_entry_may_require_one_of_several_answers(tmp_path):
    text = ENTRY.format(where="{}") + 'requires = { capability = ["AVX2", "AVX512"] }\n'
    entries = read_known_failures(written(tmp_path, text))
    for answer, found in (("AVX512", entries), ("AVX2", entries), ("DEFAULT", [])):
        assert entries_for("test_forward[blur-uint8-opencv]", entries, "cv2", {"cv2": "4.10.0", "capability": answer}) == found


def test_a_witness_may_say_what_data_a_property_adds(tmp_path):
    text = ENTRY.format(where="{}").replace("ksize = [1, 2] }", 'ksize = [1, 2], regime = "special", from_seed = 7 }')
    (entry,) = read_known_failures(written(tmp_path, text))
    case = entry.witness_of(BLUR, "uint8")
    assert (case.regime, case.seed, dict(case.options)) == ("special", 7, {"ksize": (1, 2)})
    assert entry.witness == {**witness(case), "image": entry.witness["image"], "ksize": [1, 2]}


def test_a_witness_that_ends_its_process_is_tried_in_a_child(tmp_path):
    (entry,) = read_known_failures(written(tmp_path, ENTRY.format(where='"True"') + "crash = true\n"))
    assert entry.still_fails(os.abort)
    assert entry.still_fails(lambda: int("none"))
    assert not entry.still_fails(lambda: None)


def test_a_witness_that_never_comes_back_fails(tmp_path, monkeypatch):
    monkeypatch.setattr("conformance.known.PATIENCE", 1)
    (entry,) = read_known_failures(written(tmp_path, ENTRY.format(where='"True"') + "crash = true\n"))
    assert entry.still_fails(lambda: time.sleep(60))


def test_what_a_witness_gives_is_not_compared_between_runs(tmp_path):
    (entry,) = read_known_failures(written(tmp_path, ENTRY.format(where="{ ksize = [1, 2] }")))
    others = replace(BLUR, cases=lambda dtype: st.just(Case({}, {"ksize": (3, 3)}, dtype)))
    backend, zero, memory = form("opencv"), np.zeros(1, np.uint8), iter(range(1, 99))

    def check(operation, case, backend):
        observed = zero + np.uint8(next(memory)) if entry.describes(case) else zero
        accepted = {"output": exact(zero, backend.arithmetic(operation, "uint8"))}
        assert_accepted({"output": observed}, Expectation(iter([accepted]), {}, "uint8"))

    once, again = (search(Property("forward", check), others, "uint8", backend, examples=1, known=[entry]) for _ in range(2))
    never = search(Property("forward", check), others, "uint8", backend, examples=1)
    assert once.outcome == "known"
    assert once.digest == again.digest == never.digest


def test_the_same_case_with_other_data_is_another_case():
    declared = Property("forward", lambda *_: None)

    def digest(value):
        case = Case({"image": np.full((2, 2), value, np.uint8)}, {"ksize": (3, 3)}, "uint8")
        return search(declared, replace(BLUR, cases=lambda _: st.just(case)), "uint8", form("opencv"), examples=1).digest

    assert digest(1) == digest(1) != digest(2)


def test_a_proposal_is_about_the_version_that_the_backend_says_first():
    failure = {"id": "f.py::test_forward[ReLU-float32-other]", "backend": "other", "outcome": "failed", "message": "ReLU: is 1"}
    failure["case"] = {"where": {}, "witness": {}}
    for environment, library in (({"torch": "2.13.0"}, None), ({"other": "1.0", "torch": "2.13.0"}, "other")):
        report = {"results": [failure], "environment": {"backends": {"other": environment}}}
        (entry,) = tomllib.loads(proposals(report))["known_failure"]
        assert (entry["versions"], entry.get("library")) == (f"=={next(iter(environment.values()))}", library)


def test_wildcards_stand_for_parts_of_the_id(tmp_path):
    text = ENTRY.format(where="{}").replace("blur-uint8", "blur-*")
    entries = read_known_failures(written(tmp_path, text))
    assert entries_for("test_forward[blur-uint16-opencv]", entries, "cv2", {}) == entries
    assert entries_for("test_forward[erode-uint16-opencv]", entries, "cv2", {}) == []


def test_a_table_sets_aside_the_cases_with_equal_options(tmp_path):
    (entry,) = read_known_failures(written(tmp_path, ENTRY.format(where="{ ksize = [1, 2] }")))
    assert entry.describes(Case({}, {"ksize": (1, 2), "anchor": (0, 0)}, "uint8"))
    assert not entry.describes(Case({}, {"ksize": (2, 2)}, "uint8"))
    assert not entry.describes(Case({}, {}, "uint8"))


def test_an_expression_sees_options_arrays_and_the_dtype(tmp_path):
    where = "'ksize[0] * ksize[1] in (2, 4) and image.shape[0] > 1 and dtype == \"uint8\"'".replace("'", '"""')
    (entry,) = read_known_failures(written(tmp_path, ENTRY.format(where=where)))
    assert entry.describes(Case({"image": np.zeros((2, 2))}, {"ksize": (2, 2)}, "uint8"))
    assert not entry.describes(Case({"image": np.zeros((1, 2))}, {"ksize": (2, 2)}, "uint8"))


def test_an_expression_that_cannot_be_asked_is_said_to_be_so(tmp_path):
    (entry,) = read_known_failures(written(tmp_path, ENTRY.format(where='"1 / fx > 1"')))
    with pytest.raises(KnownFailuresError, match="“1 / fx > 1” cannot be asked of this case: ZeroDivisionError"):
        entry.describes(Case({"image": np.zeros((2, 2))}, {"fx": 0.0}, "uint8"))


def test_the_witness_becomes_a_case_by_the_oracles_signature(tmp_path):
    (entry,) = read_known_failures(written(tmp_path, ENTRY.format(where="{}")))
    case = entry.witness_of(BLUR, "uint8")
    assert case.arrays["image"].dtype == np.uint8
    assert case.arrays["image"].tolist() == [[0, 0], [0, 0]]
    assert case.options == {"ksize": (1, 2)}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[[known_failure]", "is not TOML"),
        ("[[known_failures]]", "not 'known_failures'"),
        ("known_failure = 3", "written as [[known_failure]] tables"),
        ('[[known_failure]]\ntest = "test_forward[a-b-c]"', "needs exactly the fields"),
        (ENTRY.format(where="{}") + "\nbecause = 1", "'because'"),
        (ENTRY.format(where="3"), "where has the wrong type, int"),
        (ENTRY.format(where="'1 +'"), "invalid syntax"),
        (ENTRY.format(where="{}").replace("test_forward[blur-uint8-opencv]", "blur"), "not of the form"),
        (ENTRY.format(where="{}").replace(">=4.5.5", "around 4"), "Invalid specifier"),
    ],
)
def test_a_malformed_file_gets_one_clear_sentence(tmp_path, text, complaint):
    path = written(tmp_path, text)
    with pytest.raises(KnownFailuresError) as error:
        read_known_failures(path)
    assert str(path) in str(error.value)
    assert complaint in str(error.value)


def test_a_missing_file_gets_one_clear_sentence(tmp_path):
    with pytest.raises(KnownFailuresError, match="cannot be read"):
        read_known_failures(tmp_path / "none.toml")


def test_an_entry_may_be_about_several_tests(tmp_path):
    text = ENTRY.format(where="{}").replace(
        '"test_forward[blur-uint8-opencv]"', '["test_forward[blur-*-opencv]", "test_laws[blur-*-opencv]"]'
    )
    entries = read_known_failures(written(tmp_path, text))
    for verb, found in (("forward", entries), ("laws", entries), ("shape", [])):
        assert entries_for(f"test_{verb}[blur-uint8-opencv]", entries, "cv2", {}) == found
    with pytest.raises(KnownFailuresError, match="entry 1: 7 is not of the form"):
        read_known_failures(written(tmp_path, text.replace('"test_laws[blur-*-opencv]"', "7")))


def test_the_documented_findings_are_the_known_failures():
    subjects = {name: read_known_failures(ROOT / f"conformance/backends/{file}.toml") for name, file in FILES.items()}
    table = (ROOT / "docs/findings.md").read_text(encoding="utf-8").partition("| backend")
    assert table[1] + table[2] == findings(subjects), "write it anew: docs/findings.md ends with what `conformance known` prints"


@pytest.mark.parametrize("where", ["\"'backward' in asked\"", '{ asked = "backward pass" }'])
def test_what_is_asked_of_a_case_tells_it_apart(tmp_path, where):
    text = ENTRY.format(where=where).replace("ksize = [1, 2] }", 'ksize = [1, 2], asked = "backward pass" }')
    (entry,) = read_known_failures(written(tmp_path, text))
    case = entry.witness_of(BLUR, "uint8")
    assert (case.asked, case.options) == ("backward pass", {"ksize": (1, 2)})
    assert entry.describes(case)
    assert not entry.describes(case.asking("forward pass"))
    assert not entry.describes(case.asking(""))
