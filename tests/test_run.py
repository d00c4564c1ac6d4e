"""A whole run, as a user starts it: misuse, crashes, hangs, the report, the script that shows a failure."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
GELU = ("--operation", "GELU", "--dtype", "float32")


def run(*arguments, command=("pytest", "conformance", "-q", "-p", "no:cacheprovider"), **environment):
    """Run a command in the checkout; → (exit status, output)."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, "-m", *command, *map(str, arguments)],
        cwd=ROOT, env={**clean, **environment}, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--backend", "nix"), "unknown backend 'nix'"),
        (("--backend", "no.such.module:thing"), "cannot be imported"),
        (("--backend", "os:path"), "is not a backend"),
        (("--operation", "Nix*"), "no operation matches 'Nix*'"),
        (("--dtype", "float99"), "unknown dtype 'float99'"),
        (("--operation", "GELU", "--dtype", "uint8"), "no selected operation takes the dtype uint8"),
    ],
)
def test_misuse_is_one_sentence_and_status_2(arguments, complaint):
    for command in (("pytest", "conformance", "-q"), ("conformance", "list")):
        status, output = run(*arguments, command=command)
        assert status == 2, output
        assert sum(complaint in line for line in output.splitlines()) == 1
        assert "Traceback" not in output


@pytest.mark.parametrize(
    ("option", "complaint"),
    [
        ("--examples=0", "--examples 0: must be a positive whole number"),
        ("--examples=many", "--examples many: must be a positive whole number"),
        ("--time-limit=-3", "--time-limit -3: must be a positive number"),
        ("--hypothesis-profile=nix", "unknown --hypothesis-profile 'nix'"),
        ("--baseline=nix.json", "nix.json: cannot be read"),
        ("--known-failures=nix.toml", "nix.toml: cannot be read"),
        ("--report=pyproject.toml/here", "--report pyproject.toml/here: cannot be written"),
    ],
)
def test_a_wrong_option_is_one_sentence_and_status_2(option, complaint):
    status, output = run(option)
    assert status == 2, output
    assert sum(complaint in line for line in output.splitlines()) == 1
    assert "Traceback" not in output


def test_a_malformed_known_failures_file_is_one_sentence_and_status_2(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text("[[known_failure]]\ntest = 1\n", encoding="utf-8")
    status, output = run("--known-failures", file)
    assert status == 2
    assert f"{file}: entry 1: needs exactly the fields" in output


def test_a_run_that_collects_nothing_fails():
    status, _ = run("--operation", "GELU", "--backend", "cpu", "-k", "no_such_test")
    assert status not in (0, 1)


def test_the_report_says_what_the_contract_says(tmp_path):
    only = ("--operation", "Conv2d", "--dtype", "float64", "--backend", "cpu")
    status, output = run(*only, "--examples", 5, "--report", tmp_path, "-n", 1)
    assert status == 0, output
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["schema"] == 1
    assert report["environment"]["backends"]["cpu"]["torch"]
    (forward,) = [result for result in report["results"] if result["property"] == "forward"]
    assert forward["id"] == "conformance/test_forward.py::test_forward[Conv2d-float64-cpu]"
    assert (forward["operation"], forward["dtype"], forward["backend"]) == ("torch.nn.Conv2d", "float64", "cpu")
    assert forward["outcome"] == "passed"
    assert forward["examples"] == 5
    assert 0 <= forward["budget"] <= 1
    assert sum(forward["coverage"]["regime"].values()) == 5
    assert {
        "property": "distribution",
        "operation": "Conv2d",
        "backend": "cpu",
        "reason": "the operation draws no random numbers",
    } in report["empty"]
    assert "the largest used share of the accepted error" in output


@pytest.mark.parametrize(
    ("backend", "outcome", "words"),
    [("crashing", "crashed", "crashed the process"), ("hanging", "timeout", "ran longer than 4 s")],
)
def test_a_library_that_dies_is_a_verdict_and_the_run_goes_on(tmp_path, backend, outcome, words):
    status, output = run(
        *GELU,
        "--backend",
        f"tests.backends.deadly:{backend}",
        "--time-limit",
        4,
        "--report",
        tmp_path,
        "-k",
        "forward or cost or shape",
    )
    assert status == 1, output
    results = {result["property"]: result for result in json.loads((tmp_path / "report.json").read_text())["results"]}
    assert results["forward"]["outcome"] == outcome
    assert words in results["forward"]["message"]
    assert "the case: x=float32[" in results["forward"]["message"]
    assert results["forward"]["reproducer"]
    assert set(results) == {"forward", "shape", "cost"}  # the run went on


def test_a_failure_is_a_sentence_with_the_case_and_a_script_that_runs_alone(tmp_path):
    status, output = run(*GELU, "--backend", "tests.backends.deadly:wrong", "--report", tmp_path, "-k", "forward", "--hypothesis-seed", 1)
    assert status == 1
    (result,) = json.loads((tmp_path / "report.json").read_text())["results"]
    lines = result["message"].splitlines()
    assert lines[0].startswith("torch.nn.GELU on wrong, float32: output[")
    assert "accepted is" in lines[0]
    assert lines[1].startswith("the case: x=float32[1")
    assert lines[0] in output
    (script,) = tmp_path.glob("*.py")
    imported = {line.split()[1] for line in script.read_text().splitlines() if line.startswith(("import", "from"))}
    assert imported - {"__future__", "typing"} == {"numpy", "torch"}
    status, output = _alone(script)
    assert status == 0, output
    assert "accepted is" in output


def _alone(script):
    done = subprocess.run([sys.executable, "-I", str(script)], cwd=script.parent, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_a_report_is_enough_to_replay_its_failures(tmp_path):
    run(*GELU, "--backend", "tests.backends.deadly:wrong", "--report", tmp_path, "-k", "forward", "--examples", 7)
    (result,) = json.loads((tmp_path / "report.json").read_text())["results"]
    for arguments in ((tmp_path,), (tmp_path, result["id"])):
        status, output = run("replay", *arguments, command=("conformance",))
        assert status == 1
        assert result["message"].splitlines()[0] in output
    status, output = run("replay", tmp_path, "conformance/test_forward.py::test_forward[nix-float32-cpu]", command=("conformance",))
    assert status == 2
    assert "has no failure" in output


def test_list_names_every_test_with_its_public_name():
    status, output = run("--json", "--operation", "GELU", "--backend", "cpu", command=("conformance", "list"))
    assert status == 0
    tests = json.loads(output)
    assert {"forward", "gradient", "shape"} <= {test["property"] for test in tests}
    assert {test["operation"] for test in tests} == {"torch.nn.GELU"}
    assert all(set(test) == {"id", "property", "operation", "dtype", "backend"} for test in tests)


def test_list_uncovered_gives_each_name_a_reason():
    status, output = run("--uncovered", command=("conformance", "list"))
    assert status == 0
    assert "torch.nn.GELU:" not in output
    assert "torch.nn.ModuleList: a container: it computes nothing" in output


def test_list_backends_says_what_is_missing():
    status, output = run("--backends", command=("conformance", "list"))
    assert status == 0
    assert "cpu: can be formed" in output
    assert "cuda: " in output
