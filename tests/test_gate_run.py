"""A whole run against a baseline, and what a report is good for afterwards: the gate, the difference, proposed exceptions, JUnit."""

import json
import tomllib
from xml.etree import ElementTree

import pytest

from tests.test_run import run

PAIR = ("--operation", "ReLU", "--operation", "SiLU", "--dtype", "float32", "--backend", "tests.backends.deadly:planted")
FEW = ("--examples", 7, "--hypothesis-seed", 1, "-k", "test_forward or test_layout")


@pytest.fixture(scope="module")
def honest(tmp_path_factory):
    """The report of a run in which nothing is wrong."""
    directory = tmp_path_factory.mktemp("honest")
    status, output = run(*PAIR, *FEW, "--report", directory)
    assert status == 0, output
    return directory


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """The report of a run with a bug in ReLU, its results as JUnit has them beside it."""
    directory = tmp_path_factory.mktemp("planted")
    status, output = run(*PAIR, *FEW, "--report", directory, f"--junitxml={directory / 'junit.xml'}", PLANTED="1")
    assert status == 1, output
    return directory


def failures(directory):
    results = json.loads((directory / "report.json").read_text())["results"]
    return {result["id"] for result in results if result["outcome"] == "failed"}


def test_the_honest_run_passes_against_its_own_baseline_and_differs_in_nothing(honest, tmp_path):
    status, output = run(*PAIR, *FEW, "--report", tmp_path, "--baseline", honest / "report.json")
    assert status == 0, output
    assert "No difference." in output
    status, output = run("diff", honest, tmp_path, command=("conformance",))
    assert status == 0
    assert output.strip() == "No difference."


def test_a_planted_bug_fails_the_gate_which_names_exactly_the_new_failures(honest, planted, tmp_path):
    status, output = run(*PAIR, *FEW, "--baseline", honest / "report.json", PLANTED="1")
    assert status == 1
    expected = failures(planted)
    assert expected
    assert all("[ReLU-" in name for name in expected)
    told = output.partition("New failures")[2]
    assert f"({len(expected)})" in told
    assert all(f"`{name}`" in told for name in expected)
    status, output = run("diff", honest, planted, "--output", tmp_path / "written", command=("conformance",))
    assert status == 1
    assert (tmp_path / "written" / "diff.md").read_text() == output
    document = json.loads((tmp_path / "written" / "diff.json").read_text())
    assert {failure["id"] for failure in document["new_failures"]} == expected


def test_a_run_that_fails_as_its_baseline_does_passes_the_gate(planted):
    status, output = run(*PAIR, *FEW, "--baseline", planted / "report.json", PLANTED="1")
    assert status == 0, output
    assert "Still failing" in output


def test_proposed_exceptions_set_the_failures_aside_and_say_when_they_are_fixed(planted, tmp_path):
    status, text = run("known", "--update", planted, command=("conformance",))
    assert status == 0
    entries = tomllib.loads(text)["known_failure"]
    assert {f"conformance/{entry['test'].partition('[')[0]}.py::{entry['test']}" for entry in entries} == failures(planted)
    file = tmp_path / "mine.toml"
    file.write_text(text, encoding="utf-8")
    status, output = run(*PAIR, *FEW, "--known-failures", file, PLANTED="1")
    assert status == 1  # the other regimes are still guarded
    assert "is fixed" not in output
    status, output = run(*PAIR, *FEW, "--known-failures", file)
    assert status == 1
    assert "is fixed: its witness passes" in output


def test_a_report_without_failures_has_nothing_to_propose(honest):
    status, output = run("known", "--update", honest, command=("conformance",))
    assert (status, output.strip()) == (0, "# the report has no failure with a case")


def test_junit_keeps_ids_and_messages(planted):
    cases = ElementTree.parse(planted / "junit.xml").getroot().iter("testcase")
    failed = {case.get("name"): case.find("failure") for case in cases if case.find("failure") is not None}
    assert {f"conformance/{name.partition('[')[0]}.py::{name}" for name in failed} == failures(planted)
    message = failed["test_forward[ReLU-float32-planted]"].text
    assert "torch.nn.ReLU on planted, float32: output[" in message
    assert "the case: x=float32" in message
