"""Operations on JAX's arrays, tried with a stand-in for torchax; with torchax itself only where it is installed."""

import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from conformance import backends
from conformance.__main__ import properties
from conformance.backends import torchax
from conformance.backends.torchax import ELSEWHERE, UNDECIDED, Torchax
from conformance.grid import Grid
from conformance.harness import search
from conformance.model import Case, NotAsked
from conformance.operations import all_operations

OPERATIONS = {operation.id: operation for operation in all_operations()}
PROPERTIES = {declared.name: declared for declared in properties().values()}
FORWARD = PROPERTIES["forward"]
MISSING = backends.missing("torchax")


class OperatorNotFound(Exception):
    """As torchax's: it is no kin of the errors by which torch refuses."""


class Moved(torch.Tensor):
    """A tensor that is elsewhere; what is computed of it is elsewhere too."""

    def jax(self):
        with torch._C.DisableTorchFunctionSubclass():
            return self.detach().numpy()


class Environment(torch.overrides.TorchFunctionMode):
    """Operators: torch's own, but for those that are given by name, of which None is missing."""

    def __init__(self, changed=()):
        super().__init__()
        self.changed = dict(changed)

    def to_xla(self, tensor):
        return tensor.as_subclass(Moved)

    def __torch_function__(self, function, types, args=(), kwargs=None):
        name = getattr(function, "__name__", "")
        if name not in self.changed:
            return function(*args, **(kwargs or {}))
        if self.changed[name] is None:
            raise OperatorNotFound(f"Operator with name aten::{name} has no lowering\nand more")
        return self.changed[name](function(*args, **(kwargs or {})))


@pytest.fixture
def standing_in(monkeypatch):
    """A function that installs a stand-in for torchax, with some operators changed."""

    def install(**changed):
        environment = Environment(changed)
        library = SimpleNamespace(default_env=lambda: environment, enable_accuracy_mode=lambda: None)
        monkeypatch.setitem(sys.modules, "torchax", library)
        monkeypatch.setitem(sys.modules, "torchax.tensor", SimpleNamespace(OperatorNotFound=OperatorNotFound))
        torchax.torchax.cache_clear()
        return Torchax(examined=None)

    yield install
    torchax.torchax.cache_clear()


def searched(backend, name, examples=15):
    return search(FORWARD, OPERATIONS[name], "float32", backend, examples=examples, seed=0, shrink=False)


@pytest.mark.parametrize("name", ["Conv2d", "ReLU", "Linear", "MaxPool1d"])
def test_an_honest_library_is_spared(standing_in, name):
    verdict = searched(standing_in(), name)
    assert verdict.outcome == "passed", verdict.message


def test_a_scaled_operator_dies(standing_in):
    assert searched(standing_in(linear=lambda y: y * 1.001), "Linear").outcome == "failed"


def test_subnormal_numbers_may_be_read_as_zero_and_others_may_not(standing_in):
    def flushing(limit):
        return lambda y: torch.where(y.abs() < limit, torch.zeros_like(y), y)

    least = float(np.finfo(np.float32).tiny)
    assert searched(standing_in(relu=flushing(least)), "ReLU", 60).outcome == "passed"
    assert searched(standing_in(relu=flushing(2 * least)), "ReLU", 60).outcome == "failed"

    class Keeping(Torchax):
        def arithmetic(self, operation, dtype):
            return super().arithmetic(operation, dtype).but(reads_zero=False)

    standing_in(relu=flushing(least))
    assert searched(Keeping(examined=None), "ReLU", 60).outcome == "failed"


def test_an_operator_that_is_missing_is_not_asked(standing_in):
    verdict = searched(standing_in(relu=None), "ReLU")
    assert (verdict.outcome, list(verdict.unasked)) == ("unasked", ["OperatorNotFound: Operator with name aten::relu has no lowering"])


def test_cases_without_the_operator_are_asked(standing_in):
    verdict = searched(standing_in(pad=None), "Conv2d", 40)
    assert verdict.outcome == "passed"
    assert 0 < sum(verdict.unasked.values()) < verdict.examples


def test_an_operator_that_fails_in_another_way_is_a_failure(standing_in):
    def fail(y):
        raise IndexError("list index out of range")

    verdict = searched(standing_in(relu=fail), "ReLU")
    assert verdict.outcome == "failed"
    assert "raised IndexError" in verdict.message


def test_what_torch_computes_itself_is_not_asked(standing_in):
    verdict = searched(standing_in(relu=lambda y: y.as_subclass(torch.Tensor)), "ReLU")
    assert (verdict.outcome, list(verdict.unasked)) == ("unasked", [ELSEWHERE])


def test_which_of_two_subnormal_numbers_is_larger_is_not_asked(standing_in):
    backend, options = standing_in(), {"kernel_size": 2, "stride": 1, "padding": 0, "dilation": 1, "ceil_mode": False}
    case = Case({"x": np.array([[1e-40, 2e-40]], np.float32)}, {**options, "return_indices": True}, "float32")
    with pytest.raises(NotAsked, match=UNDECIDED):
        backend.run(OPERATIONS["MaxPool1d"], case)
    assert backend.run(OPERATIONS["MaxPool1d"], case.but(return_indices=False))["output"].shape == (1, 1)
    assert backend.run(OPERATIONS["MaxPool1d"], case.but(x=np.array([[0, 2e-38]], np.float32)))["indices"].tolist() == [[1]]


@pytest.mark.parametrize("before", [True, False])
def test_attention_has_its_fast_path_back(standing_in, monkeypatch, before):
    seen = []

    def call(x):
        seen.append(torch.backends.mha.get_fastpath_enabled())
        raise IndexError

    backend, kept = standing_in(), torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(before)
    try:
        with pytest.raises(IndexError):
            backend.run(replace(OPERATIONS["ReLU"], call=call), Case({"x": np.zeros(1, np.float32)}, {}, "float32"))
        assert (seen, torch.backends.mha.get_fastpath_enabled()) == ([False], before)
    finally:
        torch.backends.mha.set_fastpath_enabled(kept)


def test_without_torchax_the_backend_says_what_is_missing():
    assert "torchax" not in backends.default()
    assert MISSING is None or MISSING.endswith("is not installed (the extra “torchax”)")


def test_only_what_was_examined_is_asked():
    backend = Torchax()
    assert backend.lacks(OPERATIONS["ReLU"], "float32") is None
    assert backend.lacks(OPERATIONS["ReLU"], "float64") == "its float64 has not been examined"
    assert backend.lacks(OPERATIONS["CTCLoss"], "float32") == "the operation has not been examined on it"
    assert backend.lacks(OPERATIONS["SGD"], "float32") == "it is no function of arrays"
    assert backend.lacks(OPERATIONS["Dropout"], "float32") == "it draws random numbers"


def test_every_operation_that_is_examined_exists():
    assert set(OPERATIONS) >= torchax.EXAMINED


@pytest.mark.skipif(MISSING is not None, reason=str(MISSING))
@pytest.mark.parametrize("name", ["Conv2d", "Linear", "Hardswish"])
def test_torchax_is_spared_and_a_scaled_one_dies(name, monkeypatch):
    grid = Grid(("torchax",), (name,))
    pair = next(grid.pairs(FORWARD))
    known = grid.entries(FORWARD, pair)
    assert search(FORWARD, *pair, examples=15, seed=0, known=known).outcome == ("known" if known else "passed")
    honest = torchax.array_of
    monkeypatch.setattr(torchax, "array_of", lambda result: honest(result) * np.float32(1.001))
    assert search(FORWARD, *pair, examples=15, seed=0, known=known, shrink=False).outcome == "failed"


@pytest.mark.skipif(MISSING is not None, reason=str(MISSING))
def test_torchax_computes_in_64_bits_where_it_is_asked_to():
    case = Case({"x": np.array([1 + 2.0**-50, -1.0])}, {}, "float64")
    assert backends.form("torchax").run(OPERATIONS["ReLU"], case)["output"].tolist() == [1 + 2.0**-50, 0.0]
