"""torch.compile on trial: that something is compiled, that a wrong compiler dies, and that few shapes are."""

from dataclasses import replace
from pathlib import Path

import hypothesis
import pytest
import torch
from hypothesis import HealthCheck, Phase
from torch._inductor import config

from conformance import backends
from conformance.__main__ import properties
from conformance.backends.torch_compile import TorchCompile, device_reason
from conformance.grid import Grid, Pair
from conformance.harness import search
from conformance.known import KnownFailure
from conformance.operations import all_operations
from conformance.options import time_limit
from conformance.plugin import _record
from conformance.report import Run
from conformance.structures import few_structures, structure

OPERATIONS = {operation.id: operation for operation in all_operations()}
PROPERTIES = {declared.name: declared for declared in properties().values()}


def verdict(backend, operation, verb="forward", dtype="float32", examples=20, known=()):
    return search(PROPERTIES[verb], OPERATIONS[operation], dtype, backend, examples=examples, seed=0, known=known, shrink=False)


def looking(seen):
    """A compiler that compiles nothing, and notes what it was given."""

    def compiler(graph, examples):
        seen.append([node.target for node in graph.graph.nodes if node.op.startswith("call")])
        return graph.forward

    return TorchCompile(name="looking", compiler=compiler)


@pytest.mark.parametrize(
    ("operation", "function"),
    [
        ("ReLU", torch.nn.functional.relu),
        ("Conv2d", torch.conv2d),
        ("BatchNorm2d", torch.nn.functional.batch_norm),
        ("interpolate_bicubic", torch.nn.functional.interpolate),
        ("scaled_dot_product_attention", torch._C._nn.scaled_dot_product_attention),
        ("CrossEntropyLoss", torch.nn.functional.cross_entropy),
        ("Conv2d_SpatialAttention", torch.conv2d),
    ],
)
def test_a_compiler_is_given_what_an_operation_computes(operation, function):
    seen = []
    found = verdict(looking(seen), operation)
    assert found.outcome in ("passed", "known"), found.message
    assert any(function in graph for graph in seen), seen
    assert found.tally["shapes compiled"] == len(seen) > 0
    assert found.tally["calls uncompiled"] == 0 < found.tally["calls"]


def wrong(change):
    """A compiler that changes every node of a graph."""

    def compiler(graph, examples):
        for node in list(graph.graph.nodes):
            change(graph, node)
        graph.recompile()
        return graph.forward

    return TorchCompile(name="wrong", compiler=compiler)


def instead(function, other):
    """One function in place of another."""

    def change(graph, node):
        if node.target is function:
            node.target = other

    return change


def half_of_the_gradient(x, *rest, **options):
    y = torch.nn.functional.relu(x)
    return y / 2 + (y / 2).detach()


def folded(x, *rest, **options):
    """A kernel that takes data for constants: what it saw first is what it returns."""
    if (key := tuple(x.shape)) not in folded.seen:
        folded.seen[key] = torch.nn.functional.relu(x).detach()
    return folded.seen[key]


def in_bfloat16(function):
    return lambda x, *rest, **options: function(x.bfloat16(), *rest, **options).to(x.dtype)


def memory_in_order(x, *rest, **options):
    """A kernel that ignores strides."""
    return torch.nn.functional.relu(torch.empty(0, dtype=x.dtype).set_(x.untyped_storage())[: x.numel()].reshape(x.shape))


WRONG = {
    "nan is zero": ("forward", "ReLU", instead(torch.nn.functional.relu, lambda x, inplace=False: x.nan_to_num(0, None, None).relu())),
    "negative numbers stay": ("forward", "ReLU", instead(torch.nn.functional.relu, lambda x, inplace=False: x)),
    "data are constants": ("forward", "ReLU", instead(torch.nn.functional.relu, folded)),
    "half of the gradient": ("gradient", "ReLU", instead(torch.nn.functional.relu, half_of_the_gradient)),
    "strides are ignored": ("layout", "ReLU", instead(torch.nn.functional.relu, memory_in_order)),
    "computed in bfloat16": ("forward", "Softmax", instead(torch.nn.functional.softmax, in_bfloat16(torch.nn.functional.softmax))),
    "interpolated otherwise": (
        "forward",
        "interpolate_bicubic",
        instead(torch.nn.functional.interpolate, lambda x, *rest, **options: torch.nn.functional.interpolate(x, *rest, **options) * 1.001),
    ),
}
folded.seen = {}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_compiler_dies_and_an_honest_one_is_spared(name):
    verb, operation, change = WRONG[name]
    assert verdict(wrong(change), operation, verb).outcome == "failed"
    honest = verdict(looking([]), operation, verb)
    assert honest.outcome in ("passed", "known"), honest.message


def test_inductor_is_spared_and_dies_when_it_is_told_to_be_wrong():
    if (reason := backends.missing("inductor")) is not None:
        assert "compiler" in reason
        return
    inductor = backends.form("inductor")
    right = verdict(inductor, "ReLU", examples=5)
    assert right.outcome == "passed", right.message
    assert right.tally == {"calls": 10, "calls uncompiled": 0, "shapes compiled": 1, "graph breaks": 0}
    with config.patch({"cpp.inject_relu_bug_TESTING_ONLY": "accuracy"}):
        found = verdict(backends.form("inductor"), "ReLU", examples=5)
    assert found.outcome == "failed"
    assert "accepted is" in found.message


def test_a_test_of_which_nothing_is_compiled_fails():
    @torch._dynamo.disable
    def hidden(x):
        return torch.relu(x)

    uncaptured = replace(OPERATIONS["ReLU"], call=hidden)
    found = search(PROPERTIES["forward"], uncaptured, "float32", looking([]), examples=3, seed=0, shrink=False)
    assert found.outcome == "failed"
    assert "nothing of" in found.message


@pytest.mark.parametrize(("operation", "reason"), [("StepLR", "plain numbers"), ("Adam", "loop"), ("CTCLoss", "_ctc_loss")])
def test_what_cannot_be_compiled_is_refused_with_a_reason(operation, reason):
    pair = Pair(OPERATIONS[operation], "float32", backends.form("inductor") if device_reason("inductor") is None else TorchCompile())
    assert reason in pair.backend.lacks(pair.operation, pair.dtype)


@pytest.mark.parametrize("operation", ["CTCLoss", "CrossMapLRN2d"])
def test_what_is_said_to_be_uncaptured_is(operation):
    backend = looking([])
    backend.run(OPERATIONS[operation], structure(OPERATIONS[operation].cases("float32"), 3))
    assert backend.untested(backend.tally())


def test_backends_that_compile_are_asked_for_by_name():
    assert {"inductor", "inductor_cuda"} <= set(backends.available())
    assert not {"inductor", "inductor_cuda"} & set(backends.default())
    assert torch.cuda.is_available() or backends.missing("inductor_cuda")


# Few structures.


@pytest.mark.parametrize("operation", ["Conv2d", "GELU", "BCELoss", "AvgPool2d"])
def test_few_structures_have_much_data(operation):
    drawn = []

    @hypothesis.seed(0)
    @hypothesis.settings(max_examples=25, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck), deadline=None)
    @hypothesis.given(few_structures(OPERATIONS[operation].cases("float32"), 3, 7))
    def draw(case):
        drawn.append(case)

    draw()
    shapes = {repr([None if a is None else a.shape for a in case.arrays.values()]) + repr(case.options) for case in drawn}
    assert 2 <= len(shapes) <= 5
    assert len({case.regime for case in drawn}) >= 4
    assert len({case.seed for case in drawn}) >= 10


def test_structures_differ_in_every_option():
    seen = {structure(OPERATIONS["GELU"].cases("float32"), seed).options["approximate"] for seed in range(12)}
    assert seen == {"none", "tanh"}


# What is inherited.

ENTRY = KnownFailure("test_forward[ReLU-float32-cpu]", "x.size == 1", "seen in eager", "unreported", ">=2.0", {"x": [1.0]}, file="theirs")


def test_an_entry_inherited_or_seen_somewhere_that_does_not_fail_here_is_dropped_and_one_of_ones_own_is_told():
    backend = looking([])
    dropped = verdict(backend, "ReLU", known=[replace(ENTRY, inherited=True)])
    assert (dropped.outcome, dropped.message) == ("passed", "")
    dropped = verdict(backend, "ReLU", known=[replace(ENTRY, somewhere=True)])
    assert (dropped.outcome, dropped.message) == ("passed", "")
    told = verdict(backend, "ReLU", known=[ENTRY])
    assert told.outcome == "fixed"


def test_cases_of_an_inherited_entry_that_was_dropped_are_guarded():
    backend = wrong(instead(torch.nn.functional.relu, lambda x, inplace=False: x.abs()))
    assert verdict(backend, "ReLU", known=[replace(ENTRY, where="True", inherited=True)]).outcome == "failed"


def test_entries_of_its_kin_are_inherited_and_its_own_are_not():
    grid = Grid(("tests.test_torch_compile:Looking",), ("MaxPool1d",))
    (backend,) = grid.backends
    entries = grid.entries(PROPERTIES["forward"], Pair(OPERATIONS["MaxPool1d"], "float32", backend))
    assert entries
    assert all(entry.inherited and Path(entry.file).name == "torch_eager.toml" for entry in entries)


Looking = looking([])


def test_a_test_that_compiles_is_given_time(pytestconfig):
    assert time_limit(pytestconfig, TorchCompile().patience) == TorchCompile().patience * time_limit(pytestconfig)


def test_the_report_says_how_many_shapes_were_compiled():
    backend, declared = looking([]), PROPERTIES["forward"]
    pair, found, run = Pair(OPERATIONS["Conv2d"], "float32", backend), verdict(backend, "Conv2d"), Run(0, 20)
    run.add("conformance/test_forward.py::test_forward[Conv2d-float32-looking]", _record(declared, pair, found))
    assert run.document()["results"][0]["tally"] == {"calls": 20, "calls uncompiled": 0, "shapes compiled": 2, "graph breaks": 0}
    assert "looking: 20 calls, 0 calls uncompiled, 2 shapes compiled, 0 graph breaks" in run.table(120, colour=False)
