"""The cost table: published networks to the digit, whatever `forward` does, and what is wrong on purpose dies."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import conformance.cost
from conformance import cost_trace
from conformance.backends.torch_eager import TorchEager
from conformance.cost import Part, cost_table, total
from conformance.grid import Grid, Pair
from conformance.harness import search
from conformance.operations import stack
from conformance.test_cost import test_cost as cost_property
from conformance.test_laws import test_laws as laws_property
from conformance.test_receptive_field import test_receptive_field as field_property
from conformance.test_shape import test_shape as shape_property
from oracles import costs, receptive_field
from oracles.costs import Work
from oracles.receptive_field import Field, Look
from tests import networks, test_cost_fields, test_cost_graphs
from tests.layers import LAYERS, exacting

IMAGE = (1, 3, 224, 224)
PUBLISHED = {  # parameters and MACs of convolutions and linear layers; the field of the last map with its jump
    networks.vgg16: (138_357_544, 15_470_264_320, 212, 32),
    networks.resnet18: (11_689_512, 1_814_073_344, 435, 32),
    networks.mobilenet_v2: (3_504_872, 300_774_272, 491, 32),
}
several = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def made(factory: Callable[[], nn.Module]) -> nn.Module:
    """A network without values."""
    with torch.device("meta"):
        return factory()


# Published counts.


@pytest.mark.parametrize("factory", PUBLISHED, ids=lambda f: f.__name__)
def test_published_networks_cost_what_is_published(factory):
    module = made(factory)
    rows = cost_table(module, IMAGE)
    parameters, macs, size, jump = PUBLISHED[factory]
    assert sum(row.parameters for row in rows) == parameters == sum(p.numel() for p in module.parameters())
    assert sum(row.macs for row in rows if row.kind in ("Conv2d", "Linear")) == macs == sum(row.macs for row in rows)
    largest = max((row for row in rows if row.output_shape[-2:] == (7, 7)), key=lambda row: row.receptive_field)
    assert (largest.receptive_field, largest.jump) == ((size, size), (jump, jump))
    assert len(rows) == sum(not list(layer.children()) for layer in module.modules())


@pytest.mark.parametrize("factory", PUBLISHED, ids=lambda f: f.__name__)
def test_published_networks_cost_what_torch_counts(factory):
    module = made(factory)
    x = torch.zeros(IMAGE, device="meta")
    with FlopCounterMode(display=False) as forward:
        y = module(x)
    with FlopCounterMode(display=False) as backward:
        y.sum().backward()
    rows = cost_table(module, IMAGE)
    assert total(rows)["flops"] == forward.get_total_flops()
    if factory is not networks.mobilenet_v2:  # torch counts grouped weights without their groups
        assert total(rows)["backward_flops"] - rows[0].flops == backward.get_total_flops()  # nobody asks for the image's gradient


def test_a_row_says_what_the_articles_formulas_say():
    (row,) = cost_table(nn.Conv2d(3, 16, 5, padding=2), (1, 3, 32, 32))
    assert (row.name, row.kind, row.output_shape, row.calls) == ("Conv2d", "Conv2d", (1, 16, 32, 32), 1)
    assert row.parameters == (3 * 5 * 5 + 1) * 16
    assert (row.macs, row.flops, row.backward_flops) == (1_228_800, 2_457_600, 4_915_200)
    assert row.bytes == 4 * (3 * 32 * 32 + 1216 + 16 * 32 * 32)
    assert (row.receptive_field, row.jump, row.start) == ((5, 5), (1, 1), (-2, -2))
    assert row.intensity == row.flops / row.bytes
    (half,) = cost_table(nn.Conv2d(3, 16, 5, padding=2).half(), (1, 3, 32, 32))
    assert half.bytes * 2 == row.bytes


# Every layer.


def check_layer(drawn: Any) -> None:
    """The row of a drawn layer is what the formulas, the layer's own parameters and torch's counter say."""
    layer = drawn.make()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        inputs = [torch.zeros(shape, dtype=torch.int64 if drawn.integers else torch.float32, device="meta") for shape in drawn.inputs]
        (row,) = cost_table(layer, *inputs)
        with FlopCounterMode(display=False) as counter:
            layer.to("meta")(*inputs)
    held = sum(p.numel() for p in layer.parameters())
    assert row.parameters == held == drawn.work.parameters, drawn
    assert row.output_shape == drawn.output, drawn
    assert row.macs == drawn.work.macs, drawn
    if not isinstance(layer, nn.Bilinear):
        assert row.flops == counter.get_total_flops(), drawn
    if not drawn.integers:
        assert row.bytes == drawn.work.bytes(), drawn


@pytest.mark.parametrize("drawn", exacting(), ids=lambda drawn: type(drawn.make()).__name__)
def test_the_table_tells_exacting_layers(drawn):
    check_layer(drawn)


@several
@given(LAYERS)
def test_the_table_tells_every_layer(drawn):
    check_layer(drawn)


# The counter on trial: errors planted in the formulas and in the count.


def verdict() -> None:
    """Everything that the table and its formulas promise, on a few networks and drawn layers; raises where one is broken."""
    for factory in PUBLISHED:
        test_published_networks_cost_what_is_published(factory)
    test_cost_graphs.test_tied_weights_count_once()
    test_cost_graphs.test_the_table_follows_whatever_forward_does()
    test_cost_fields.test_what_layers_see_through_branches()
    test_cost_fields.test_what_single_layers_see(nn.ConvTranspose2d(4, 4, 4, 2, 1), (2, 2))
    test_a_row_says_what_the_articles_formulas_say()

    for drawn in exacting():
        check_layer(drawn)
    backend = TorchEager()
    for declared in (cost_property, shape_property, field_property, laws_property):
        known = Grid(("cpu",)).entries(declared.property, Pair(stack.Sequential, "float32", backend))
        found = search(declared.property, stack.Sequential, "float32", backend, examples=25, shrink=False, known=known)
        assert found.outcome in ("passed", "known"), found.message


def plus(function: Callable[..., Work], **wrong: Callable[[Work], int]) -> Callable[..., Work]:
    """The formula with some of its numbers changed."""

    def planted(*arguments: Any, **options: Any) -> Work:
        right = function(*arguments, **options)
        return replace(right, **{name: change(right) for name, change in wrong.items()})

    return planted


def ignoring(function: Callable[..., Work], position: int, value: Any) -> Callable[..., Work]:
    """The formula with one of its arguments always the same."""
    return lambda *arguments: function(*arguments[:position], value, *arguments[position + 1 :])


def counting_twice(module: nn.Module, known: Any) -> list[Part]:
    """Parameters counted wherever they are met."""
    parts = RIGHT["parts_of"](module, known)
    for part in parts:
        part.parameters = sum(p.numel() for p in part.module.parameters(recurse=part.leaf))
    return parts


def counting_buffers(module: nn.Module, known: Any) -> list[Part]:
    """Running statistics counted as parameters."""
    parts = RIGHT["parts_of"](module, known)
    for part in parts:
        part.parameters += sum(b.numel() for b in part.module.buffers(recurse=part.leaf))
    return parts


def counting_trainable_layers_only(module: nn.Module, known: Any) -> list[Part]:
    """Parameters of containers forgotten."""
    parts = RIGHT["parts_of"](module, known)
    for part in parts:
        part.parameters *= part.leaf
    return parts


RIGHT: dict[str, Any] = {"parts_of": conformance.cost.parts_of}
PLANTED: dict[str, tuple[Any, str, Any]] = {
    "a convolution forgets its bias": (costs, "convolution", plus(costs.convolution, parameters=lambda w: w.parameters - 1)),
    "a convolution ignores its groups": (costs, "convolution", ignoring(costs.convolution, 5, 1)),
    "a convolution has square filters": (
        costs,
        "convolution",
        lambda x, y, i, o, k, *more: RIGHT["convolution"](x, y, i, o, (k[0],) * len(k), *more),
    ),
    "a convolution counts inputs in place of outputs": (costs, "convolution", lambda x, y, *more: RIGHT["convolution"](y, x, *more)),
    "a convolution adds its bias to the products": (costs, "convolution", plus(costs.convolution, macs=lambda w: w.macs + w.outputs)),
    "a transposed convolution counts outputs": (
        costs,
        "transposed_convolution",
        lambda x, y, *more: RIGHT["transposed_convolution"](y, x, *more),
    ),
    "a linear layer forgets the rows before the last axis": (costs, "linear", lambda x, y, *more: RIGHT["linear"](x[-1:], y[-1:], *more)),
    "a product is one operation": (Work, "flops", property(lambda work: work.macs)),
    "attention forgets the values": (costs, "multihead_attention", plus(costs.multihead_attention, macs=lambda w: w.macs * 3 // 4)),
    "attention ignores add_bias_kv": (costs, "multihead_attention", ignoring(costs.multihead_attention, 7, False)),
    "a recurrence has one direction": (costs, "recurrence", ignoring(costs.recurrence, 7, False)),
    "an LSTM has three gates": (costs, "GATES", {**costs.GATES, "LSTM": 3}),
    "bytes forget the parameters": (Work, "bytes", lambda work, itemsize=4: (work.inputs + work.outputs) * itemsize),
    "shared parameters count twice": (conformance.cost, "parts_of", counting_twice),
    "running statistics are parameters": (conformance.cost, "parts_of", counting_buffers),
    "containers hold nothing": (conformance.cost, "parts_of", counting_trainable_layers_only),
    "products outside of layers are free": (cost_trace, "_counter", dict),
    "a field ignores dilation": (
        receptive_field,
        "window",
        lambda kernel, stride=1, padding=0, dilation=1: RIGHT["window"](kernel, stride, padding),
    ),
    "a field grows by the new jump": (
        Field,
        "through",
        lambda f, look: Field(f.jump * look.step, f.start + f.jump * look.first, f.span + f.jump * look.step * look.span),
    ),
    "a field starts without its padding": (
        Field,
        "through",
        lambda f, look: Field(f.jump * look.step, f.start, f.span + f.jump * look.span),
    ),
    "branches see what the first of them sees": (Field, "joined", lambda f, other: f),
    "a field is one too small": (Field, "size", property(lambda f: int(f.span))),
    "a transposed convolution looks like a convolution": (
        receptive_field,
        "transposed",
        lambda kernel, stride=1, padding=0, dilation=1: Look(*(RIGHT["window"](kernel, stride, padding, dilation).__dict__.values())),
    ),
}
RIGHT |= {name: getattr(costs, name) for name in ("convolution", "transposed_convolution", "linear")} | {"window": receptive_field.window}


def test_the_verdict_is_good():
    verdict()


@pytest.mark.parametrize("planted", PLANTED, ids=lambda name: name.replace(" ", "_"))
def test_a_planted_error_dies(planted, monkeypatch):
    where, name, wrong = PLANTED[planted]
    monkeypatch.setattr(where, name, wrong)
    with pytest.raises(AssertionError):
        verdict()
