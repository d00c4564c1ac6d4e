"""What a run may be asked: the options of pytest, the profiles, the seed."""

from __future__ import annotations

import random
import zlib

import pytest

PROFILES = {"dev": 25, "gate": 200, "deep": 2000}  # examples per test
SECONDS = 120.0  # a test of the dev profile that runs longer is a hang


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("conformance", "conformance of PyTorch and OpenCV")
    group.addoption(
        "--backend",
        action="append",
        default=[],
        metavar="NAME",
        help="a subject: cpu, cuda, opencv, a torch device, or module:attribute",
    )
    group.addoption(
        "--operation",
        action="append",
        default=[],
        metavar="GLOB",
        help="only operations whose id or public name matches",
    )
    group.addoption("--dtype", action="append", default=[], metavar="NAME", help="only this dtype")
    group.addoption(
        "--examples",
        metavar="N",
        help="examples per test, instead of the profile's (dev 25, gate 200, deep 2000)",
    )
    group.addoption("--known-failures", action="append", default=[], metavar="FILE", help="a file of further known failures")
    group.addoption("--baseline", metavar="FILE", help="a report to compare with: only failures that it does not have fail the run")
    group.addoption("--report", metavar="DIR", help="write report.json and the reproducers of failures into DIR")
    group.addoption(
        "--time-limit",
        metavar="SECONDS",
        help="a test that runs longer is a hang (default: 120, more with more examples)",
    )


def seed_of(config: pytest.Config) -> int:
    """The seed of all tests: given, fixed for the gate, or drawn and reported."""
    given = config.getoption("--hypothesis-seed", None)
    if given is not None:
        return int(given) if str(given).isdigit() else zlib.crc32(str(given).encode())
    return 0 if config.getoption("--hypothesis-profile", None) == "gate" else random.SystemRandom().randrange(2**32)


def examples_of(config: pytest.Config) -> int:
    """Examples per test: the option, or the profile's."""
    given = config.getoption("--examples")
    return int(given) if given else PROFILES.get(config.getoption("--hypothesis-profile", None) or "dev", PROFILES["dev"])


def time_limit(config: pytest.Config, patience: float = 1.0) -> float:
    """Seconds after which a test counts as a hang: the option, or more with more examples, and by the backend's patience."""
    given = config.getoption("--time-limit")
    return float(given) if given else SECONDS * patience * max(1.0, examples_of(config) / PROFILES["dev"])


def register_profile(name: str | None) -> None:
    """Hypothesis's profile of a name of ours; another one must exist already."""
    if name is None:
        return
    import hypothesis

    if name in PROFILES:
        hypothesis.settings.register_profile(name, max_examples=PROFILES[name], derandomize=name == "gate", database=None, deadline=None)
    try:
        hypothesis.settings.get_profile(name)
    except hypothesis.errors.InvalidArgument:
        pytest.exit(f"unknown --hypothesis-profile {name!r}: it is none of {', '.join(PROFILES)}", returncode=2)


def check_numbers(config: pytest.Config) -> None:
    """End a run whose numbers are none."""
    for option, kind, least in (("--examples", int, 1), ("--time-limit", float, 0.001)):
        given = config.getoption(option)
        try:
            fine = given is None or kind(given) >= least
        except ValueError:
            fine = False
        if not fine:
            pytest.exit(f"{option} {given}: must be a positive {'whole ' if kind is int else ''}number", returncode=2)
