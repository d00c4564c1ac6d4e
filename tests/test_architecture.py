"""The rules of the house that a reader relies on."""

import re
from pathlib import Path

import pytest

from conformance.__main__ import properties
from conformance.operations import all_operations

ROOT = Path(__file__).parents[1]
SOURCES = sorted([*ROOT.glob("conformance/**/*.py"), *ROOT.glob("oracles/**/*.py")])


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_rooms_are_small_and_hold_no_tolerances_and_no_skips(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 350
    assert not re.search(r"\b(atol|rtol|abs_tol|rel_tol)\b", text), "a bound is derived, not tuned"
    assert not re.search(r"pytest\.(mark\.)?skip", text), "an exception is a known failure"


def test_ids_are_unique_and_hold_no_dash():
    ids = [operation.id for operation in all_operations()]
    assert len(set(ids)) == len(ids)
    assert not [name for name in ids if set("-[]/ ") & set(name)]


@pytest.mark.parametrize("operation", all_operations(), ids=repr)
def test_an_oracle_says_its_source(operation):
    assert "Source:" in (operation.oracle.__doc__ or "")


@pytest.mark.parametrize("operation", all_operations(), ids=repr)
def test_the_documented_constraints_are_sentences(operation):
    assert all(len(sentence.split()) > 2 for sentence in operation.rejects)


def test_every_property_is_one_file_of_its_name():
    assert {name.partition("::")[2] for name in properties()} == {path.stem for path in ROOT.glob("conformance/test_*.py")}
