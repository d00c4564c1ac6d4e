"""Errors planted in the library: in the formulas of its counter, and in the parameters of its layers; the cost property must see each."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import conv_flop_count, flop_registry

from conformance.backends.torch_eager import TorchEager
from conformance.grid import Grid, Pair
from conformance.harness import Verdict, search
from conformance.operations import all_operations
from conformance.test_cost import test_cost as cost_property

OPERATIONS = {operation.id: operation for operation in all_operations()}
aten = torch.ops.aten


def judged(name: str, seed: int) -> Verdict:
    """The verdict on the cost of an operation."""
    backend = TorchEager()
    known = Grid(("cpu",)).entries(cost_property.property, Pair(OPERATIONS[name], "float32", backend))
    return search(cost_property.property, OPERATIONS[name], "float32", backend, examples=25, seed=seed, known=known, shrink=False)


def times(right: Callable[..., int], factor: float) -> Callable[..., int]:
    """A formula that is off by a factor."""
    return lambda *arguments, **options: int(right(*arguments, **options) * factor)


def at_outputs(x: Any, w: Any, bias: Any, stride: Any, padding: Any, dilation: Any, transposed: bool, *more: Any, out_val: Any) -> int:
    """A transposed convolution counted like a convolution: what torch did before pytorch pull request 119874."""
    return conv_flop_count(x.shape, w.shape, out_val.shape, transposed=False)


def one_image(x: Any, w: Any, bias: Any, stride: Any, padding: Any, dilation: Any, transposed: bool, *more: Any, out_val: Any) -> int:
    """The first of the batch only."""
    return conv_flop_count([1, *x.shape[1:]], w.shape, out_val.shape, transposed=transposed)


def without_weight(dy: Any, x: Any, w: Any, *options: Any, out_val: Any) -> int:
    """The gradient of the input only."""
    return conv_flop_count(dy.shape, w.shape, x.shape, transposed=True)


FORMULAS: dict[str, tuple[str, Any, Callable[..., int]]] = {
    "a product is one operation": ("Linear", aten.addmm, times(flop_registry[aten.addmm], 0.5)),
    "products without a bias are free": ("Linear", aten.mm, times(flop_registry[aten.mm], 0)),
    "a convolution counts one image": ("Conv2d", aten.convolution, one_image),
    "a transposed convolution counts its outputs": ("ConvTranspose2d", aten.convolution, at_outputs),
    "a convolution's weight has no gradient": ("Conv1d", aten.convolution_backward, without_weight),
    "a batch of products is one product": ("one_hot_HardAttention", aten.bmm, lambda a, b, **_: 2 * a.shape[1] * a.shape[2] * b.shape[2]),
    "products in a batch count twice": ("MultiheadAttention", aten.bmm, times(flop_registry[aten.bmm], 2)),
}


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("planted", FORMULAS, ids=lambda name: name.replace(" ", "_"))
def test_an_error_in_the_librarys_counter_dies(planted, seed, monkeypatch):
    name, function, wrong = FORMULAS[planted]
    monkeypatch.setitem(flop_registry, function, wrong)
    verdict = judged(name, seed)
    assert verdict.outcome == "failed"
    assert "the library counts" in verdict.message
    assert "FLOPs" in verdict.message


def one_more(layer: type[nn.Module]) -> type[nn.Module]:
    """The layer with a parameter more."""

    class Larger(layer):  # type: ignore[misc,valid-type]
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self.more = nn.Parameter(torch.zeros(1))

    return Larger


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("name", ["Linear", "Conv2d", "ConvTranspose3d", "BatchNorm2d", "PReLU", "Embedding", "Bilinear"])
def test_a_parameter_more_in_a_layer_dies(name, seed, monkeypatch):
    monkeypatch.setattr(nn, name, one_more(getattr(nn, name)))
    verdict = judged(name, seed)
    assert verdict.outcome == "failed"
    assert "parameters" in verdict.message


@pytest.mark.parametrize("name", sorted({name for name, *_ in FORMULAS.values()}))
def test_the_honest_library_is_spared(name):
    assert judged(name, 0).outcome in ("passed", "known")


def test_the_script_of_a_wrong_count_counts(tmp_path, monkeypatch):
    monkeypatch.setitem(flop_registry, aten.addmm, times(flop_registry[aten.addmm], 0.5))
    verdict = judged("Linear", 0)
    (tmp_path / "shown.py").write_text(verdict.reproducer)
    shown = subprocess.run([sys.executable, "shown.py"], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=120).stdout
    wanted = int(re.search(r"formula gives ([\d,]+)", verdict.message)[1].replace(",", ""))
    assert f"forward: {wanted}" in shown or f"backward: {wanted}" in shown  # the error was planted here, not there


class ForwardOnly:
    """A backend from outside that counts the forward pass, and nothing without computing."""

    name, library, refusals = "outside", "torch", (RuntimeError,)

    def __init__(self, factor: int) -> None:
        self.factor = factor

    def count(self, operation: Any, case: Any) -> dict[str, int]:
        counted = TorchEager().count(operation, case.asking(""))
        return {"parameters": counted["parameters"], "flops": self.factor * counted["flops"]}


@pytest.mark.parametrize(("factor", "outcome"), [(1, "passed"), (2, "failed")])
def test_a_backend_may_count_the_forward_pass_only(factor, outcome):
    verdict = search(cost_property.property, OPERATIONS["Conv2d"], "float32", ForwardOnly(factor), examples=25, shrink=False)
    assert verdict.outcome == outcome, verdict.message
