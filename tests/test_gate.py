"""Two reports compared by set difference."""

import json

import pytest

from conformance.__main__ import main
from conformance.gate import ReportError, compare, read_report


def report(**outcomes):
    """A report of tests by name: an outcome, or an outcome and a budget."""
    pairs = {name: value if isinstance(value, tuple) else (value, 0.0) for name, value in outcomes.items()}
    return {"schema": 1, "results": [{"id": n, "outcome": o, "budget": b, "message": f"{n} is wrong"} for n, (o, b) in pairs.items()]}


def test_a_run_against_itself_is_empty_and_passes():
    same = compare(report(a="passed", b="known"), report(a="passed", b="known"))
    assert same.empty
    assert same.passes
    assert same.markdown() == "No difference."


def test_new_fixed_still_failing_and_not_run_are_told_apart():
    comparison = compare(
        report(new="passed", fixed="failed", still="failed", gone="passed"),
        report(new="crashed", fixed="passed", still="timeout", extra="failed"),
    )
    assert set(comparison.new_failures) == {"new", "extra"}
    assert comparison.fixed == ("fixed",)
    assert comparison.still_failing == ("still",)
    assert comparison.not_run == ("gone",)
    assert not comparison.passes
    assert "`new`: new is wrong" in comparison.markdown()


@pytest.mark.parametrize(("before", "after", "grown"), [(0.2, 0.5, True), (0.2, 0.3, False), (0.01, 0.09, False), (0.04, 0.11, True)])
def test_a_budget_that_doubled_above_a_tenth_is_told(before, after, grown):
    comparison = compare(report(a=("passed", before)), report(a=("passed", after)))
    assert ("a" in comparison.grown) == grown
    assert comparison.passes


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{", "is not JSON"),
        ("[]", "not a report"),
        ('{"schema": 2, "results": []}', "schema 1"),
        ('{"schema": 1, "results": [{}]}', "result 1"),
    ],
)
def test_a_malformed_report_gets_one_sentence(tmp_path, text, complaint):
    file = tmp_path / "report.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ReportError, match=complaint):
        read_report(file)


def test_the_command_compares_and_says_so_by_its_status(tmp_path, capsys):
    for name, outcome in (("old", "passed"), ("new", "failed")):
        (tmp_path / f"{name}.json").write_text(json.dumps(report(a=outcome)), encoding="utf-8")
    old, new = str(tmp_path / "old.json"), str(tmp_path / "new.json")
    assert main(["diff", old, old]) == 0
    assert main(["diff", old, new, "--json"]) == 1
    assert '"id": "a"' in capsys.readouterr().out
    assert main(["diff", old, str(tmp_path / "none.json")]) == 2
    assert "none.json: cannot be read" in capsys.readouterr().err
