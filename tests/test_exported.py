"""Operations as models of another runtime, tried with TorchScript; ONNX Runtime and OpenVINO only where they are installed."""

import importlib
import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from conformance import backends
from conformance.__main__ import properties
from conformance.backends import openvino
from conformance.backends.exported import Exported, sentence
from conformance.grid import Grid
from conformance.harness import search
from conformance.model import Case, NotAsked
from conformance.operations import all_operations
from conformance.report import Run
from oracles.bounded import ieee

OPERATIONS = {operation.id: operation for operation in all_operations()}
PROPERTIES = {declared.name: declared for declared in properties().values()}
FORWARD = PROPERTIES["forward"]
RUNTIMES = ("onnxruntime", "openvino")


class Scripted(Exported):
    """Models that TorchScript runs, which it traces as the exporters do."""

    def arithmetic(self, operation, dtype):
        return ieee(dtype)

    def load(self, call):
        traced = torch.jit.trace(call.module, call.tensors, check_trace=False)
        return lambda arrays: [result.numpy() for result in traced(*(torch.from_numpy(arrays[name].copy()) for name in call.names))]


class Refusing(Exported):
    """A runtime that takes odd images only."""

    def arithmetic(self, operation, dtype):
        return ieee(dtype)

    def load(self, call):
        if call.tensors[0].numel() % 2 == 0:
            raise NotImplementedError("an even number of elements\nand more")
        return Scripted("s").load(call)


class Scaled(Scripted):
    """One output is a little too large."""

    def load(self, call):
        honest = super().load(call)
        return lambda arrays: [result * 1.001 for result in honest(arrays)]


class Overwriting(Scripted):
    """The runtime writes over its inputs."""

    def load(self, call):
        honest = super().load(call)

        def run(arrays):
            found = honest(arrays)
            arrays["x"][...] += 1
            return found

        return run


def relu(values):
    return Case({"x": np.array(values, np.float32)}, {}, "float32")


@pytest.mark.parametrize("name", ["Conv1d", "Conv2d", "MaxPool2d", "Linear", "ReLU"])
def test_an_honest_runtime_is_spared(name):
    verdict = search(FORWARD, OPERATIONS[name], "float32", Scripted("scripted"), examples=15, seed=0)
    assert verdict.outcome == "passed", verdict.message
    assert not verdict.unasked


@pytest.mark.parametrize("name", ["Conv2d", "Linear"])
def test_a_scaled_output_dies(name):
    verdict = search(FORWARD, OPERATIONS[name], "float32", Scaled("scaled"), examples=15, seed=0, shrink=False)
    assert verdict.outcome == "failed"


def test_a_wrong_padding_dies():
    conv = OPERATIONS["Conv2d"]
    wrong = replace(conv, call=lambda x, weight, bias, **options: conv.call(x, weight, bias, **{**options, "padding_mode": "zeros"}))
    verdict = search(FORWARD, wrong, "float32", Scripted("scripted"), examples=40, seed=0, shrink=False)
    assert verdict.outcome == "failed"


def test_arrays_are_inputs_of_a_session_that_serves_them_all():
    backend, case = Scripted("scripted"), relu([1, -1, 2])
    first, second = (backend.run(OPERATIONS["ReLU"], c)["output"] for c in (case, relu([-3, 5, 7])))
    assert (first.tolist(), second.tolist()) == ([1, 0, 2], [0, 5, 7])
    assert len(backend.sessions) == 1


def test_a_call_that_reads_values_has_a_session_for_each():
    def call(x):
        return x * (2 if x[0] > 0 else 3)

    backend, operation = Scripted("scripted"), replace(OPERATIONS["ReLU"], call=call)
    for value, wanted in ((1.0, 2.0), (-1.0, -3.0), (1.0, 2.0)):
        assert backend.run(operation, Case({"x": np.array([value], np.float32)}, {}, "float32"))["output"] == [wanted]


def test_shapes_are_numbers_of_the_model():
    def call(x):
        assert type(x.shape[0]) is int
        return x.reshape(x.shape[1], -1)

    operation = replace(OPERATIONS["ReLU"], call=call)
    assert Scripted("scripted").run(operation, Case({"x": np.zeros((2, 3), np.float32)}, {}, "float32"))["output"].shape == (3, 2)


def test_an_input_that_is_written_over_is_seen():
    with pytest.raises(RuntimeError, match="wrote over its input x"):
        Overwriting("overwriting").run(OPERATIONS["ReLU"], relu([1, 2, 3]))


def test_what_cannot_be_asked_is_counted_with_its_sentence():
    verdict = search(FORWARD, OPERATIONS["Conv2d"], "float32", Refusing("refusing"), examples=20, seed=0)
    assert verdict.outcome == "passed"
    assert list(verdict.unasked) == ["NotImplementedError: an even number of elements"]
    assert 0 < verdict.unasked["NotImplementedError: an even number of elements"] < verdict.examples


def test_where_no_case_could_be_asked_nothing_has_passed():
    class Nothing(Refusing):
        def load(self, call):
            raise NotAsked("no kernel")

    verdict = search(FORWARD, OPERATIONS["ReLU"], "float32", Nothing("nothing"), examples=5, seed=0)
    assert (verdict.outcome, verdict.unasked) == ("unasked", {"no kernel": verdict.examples})
    assert "no case could be asked: no kernel" in verdict.message


def test_the_report_says_what_was_not_asked():
    run = Run(0, 5)
    record = {"property": "forward", "operation": "torch.nn.ReLU", "label": "ReLU", "dtype": "float32", "backend": "b", "budget": 0.0}
    run.add(
        "conformance/test_forward.py::test_forward[ReLU-float32-b]",
        {**record, "outcome": "unasked", "tally": {}, "unasked": {"no [kernel]": 5}},
    )
    table = run.table(200, False)
    assert "not asked, 5 cases of ReLU: no [kernel]" in table
    assert "–" in table.splitlines()[1]


def test_properties_that_cannot_be_asked_are_empty_cells_with_a_reason():
    grid, backend = Grid(("tests.test_exported:formed",), ("Conv2d",)), formed()
    assert grid.empty(PROPERTIES["rejects"], OPERATIONS["Conv2d"], backend) == "an exported model has no checks of arguments"
    assert "keeps no state" in Exported("e").without["state"]
    assert not list(grid.pairs(PROPERTIES["gradient"]))


def formed():
    """A backend, as a user names one."""
    return Scripted("scripted")


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_without_the_runtime_the_backend_says_what_is_missing(runtime):
    missing = backends.available()[runtime]
    assert runtime not in backends.default()
    assert missing is None or missing.endswith(f"is not installed (the extra “{runtime}”)")


def test_only_what_was_examined_is_asked():
    backend = Scripted("scripted", examined=frozenset({"ReLU"}))
    assert backend.lacks(OPERATIONS["ReLU"], "float32") is None
    assert backend.lacks(OPERATIONS["ReLU"], "float16") == "its float16 has not been examined"
    assert backend.lacks(OPERATIONS["Tanh"], "float32") == "the operation has not been examined on it"


def test_of_a_long_refusal_the_line_that_tells_most_is_counted():
    error = RuntimeError("failed at file.cpp:151\n\nSummary:\n-- No rule for aten::bell\n-- Conversion is failed for: aten::bell")
    assert sentence(error) == "RuntimeError: failed at file.cpp:151"
    assert sentence(error, ("is silent", "No rule", "is failed")) == "RuntimeError: No rule for aten::bell"


def installed(runtime):
    """The runtime as a parameter that is skipped, with the reason, where it is not there."""
    missing = backends.missing(runtime)
    return pytest.param(runtime, marks=pytest.mark.skipif(missing is not None, reason=str(missing)))


@pytest.mark.parametrize("runtime", [installed(runtime) for runtime in RUNTIMES])
@pytest.mark.parametrize("name", ["Conv2d", "Linear", "AvgPool1d"])
def test_a_runtime_is_spared_and_a_scaled_one_dies(runtime, name):
    honest = backends.form(runtime)
    grid = Grid((runtime,), (name,))
    pair = next(pair for pair in grid.pairs(FORWARD) if pair.dtype == "float32")
    known = grid.entries(FORWARD, pair)
    assert search(FORWARD, *pair, examples=15, seed=0, known=known).outcome in ("passed", "known")

    class Wrong(type(honest)):
        def load(self, call):
            right = super().load(call)
            return lambda arrays: [result * 1.001 for result in right(arrays)]

    assert search(FORWARD, *pair[:2], Wrong(), examples=15, seed=0, shrink=False).outcome == "failed"
    assert importlib.import_module(runtime).__version__.startswith(honest.environment()[runtime])


def test_openvino_says_which_instructions_its_kernels_may_use(monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", SimpleNamespace(__version__="2026.4.1-22982"))
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX2")
    said = openvino.form("openvino").environment()
    assert said["openvino"] == "2026.4.1"
    assert said["avx512"] == said["amx"] == "no"


@pytest.mark.parametrize("runtime", [installed("openvino")])
def test_openvino_computes_in_float32(runtime):
    exact = np.array([1 + 2.0**-20, 3.0], np.float32)
    found = backends.form(runtime).run(OPERATIONS["LeakyReLU"], Case({"x": exact}, {"negative_slope": 0.5}, "float32"))["output"]
    assert found.dtype == np.float32
    assert found.tolist() == exact.tolist()
