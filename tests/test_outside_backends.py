"""Backends from outside: the two examples conform, as a user would ask for them, and a wrong one does not."""

from dataclasses import replace

import pytest

from conformance.__main__ import properties
from conformance.grid import Grid
from conformance.harness import search
from tests.backends.not_torch import FUNCTIONS, Plain

LAYERS = ("Conv2d", "GELU", "MaxPool2d", "Softmax", "Linear")
PROPERTIES = list(properties().values())


def asked(backend, operations):
    """Every test of a backend on some operations, with its known failures."""
    grid = Grid((backend,), operations)
    return [(declared, pair, grid.entries(declared, pair)) for declared in PROPERTIES for pair in grid.pairs(declared)]


def named(test):
    declared, pair, _ = test
    return f"{declared.name}-{pair.id}"


@pytest.mark.parametrize("test", asked("tests.backends.torch_like:Wide", LAYERS), ids=named)
def test_a_device_that_is_like_torch_conforms(test):
    declared, pair, known = test
    verdict = search(declared, *pair, examples=10, seed=0, known=known)
    assert verdict.outcome == ("known" if known else "passed"), verdict.message


@pytest.mark.parametrize("test", asked("tests.backends.not_torch:Plain", ()), ids=named)
def test_a_library_that_is_not_torch_conforms(test):
    declared, pair, known = test
    verdict = search(declared, *pair, examples=10, seed=0, known=known)
    assert verdict.outcome == ("known" if known else "passed"), verdict.message


def test_a_library_that_is_not_torch_is_asked_for_what_it_maps():
    assert {pair.operation.name for _, pair, _ in asked("tests.backends.not_torch:Plain", ())} == set(FUNCTIONS)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_wrong_library_does_not_conform(name):
    honest = FUNCTIONS[name]
    wrong = replace(Plain(), functions={name: lambda *arrays, **options: honest(*arrays, **options) * 1.0001})
    tests = [(declared, pair) for declared, pair, _ in asked("tests.backends.not_torch:Plain", ()) if pair.operation.name == name]
    declared, pair = next((declared, pair) for declared, pair in tests if declared.name == "forward")
    verdict = search(declared, pair.operation, pair.dtype, wrong, examples=10, seed=0)
    assert verdict.outcome == "failed"
    assert "accepted is" in verdict.message
