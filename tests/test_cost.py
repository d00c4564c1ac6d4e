"""The cost table: published networks to the digit, whatever `forward` does, and what is wrong on purpose dies."""

from __future__ import annotations

import argparse
import json
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import HealthCheck, given, settings
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import conformance.cost
import conformance.receptive_field
from conformance import cost_command
from conformance.backends.torch_eager import TorchEager
from conformance.cost import CostError, Part, Row, cost_table, total
from conformance.grid import Misuse
from conformance.harness import search
from conformance.operations import stack
from conformance.operations.stack import cases, network
from conformance.test_cost import test_cost as cost_property
from conformance.test_laws import test_laws as laws_property
from conformance.test_receptive_field import test_receptive_field as field_property
from conformance.test_shape import test_shape as shape_property
from oracles import costs, receptive_field
from oracles.costs import Work
from oracles.receptive_field import Field, Look
from oracles.stack import sights
from tests import networks
from tests.layers import COUNTED, LAYERS

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


def named(rows: list[Row]) -> dict[str, Row]:
    """The rows by name."""
    return {row.name: row for row in rows}


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


@several
@given(LAYERS)
def test_the_table_tells_every_layer(drawn):
    check_layer(drawn)


@several
@given(cases("float32"))
def test_the_table_sees_what_the_formula_of_the_stack_sees(case):
    module = network(**case.arrays, **case.options)
    row = cost_table(module, case.arrays["x"].shape)[-1]
    fields = [formula for formula, _ in sights(case.arrays["x"].shape, case.options["layers"])]
    by_hand = tuple(f.size for f in fields), tuple(float(f.jump) for f in fields), tuple(float(f.start) for f in fields)
    found = row.receptive_field, tuple(map(float, row.jump)), tuple(map(float, row.start))
    whole = [layer for layer in case.options["layers"] if layer == ("AdaptiveAvgPool2d", (1, 1))]
    assert found == by_hand or whole, (module, found, by_hand)


# Whatever forward does.


class Anything(nn.Module):
    """Products and parameters of its own, tensors made on the way, a layer called twice, one never, keywords, a mapping as the result."""

    def __init__(self) -> None:
        super().__init__()
        self.twice = nn.Conv2d(4, 4, 3, padding=1)
        self.never = nn.Linear(5, 6)
        self.free = nn.Conv2d(4, 8, 1)
        self.scale = nn.Parameter(torch.ones(4, 1, 1))
        self.loose = torch.ones(4, 1, 1)

    def forward(self, x: torch.Tensor, *, keyword: bool = True) -> dict[str, Any]:
        x = self.twice(self.twice(x)) * self.scale + self.loose + torch.zeros(1)
        if x.shape[-1] > 2 and keyword:
            x = F.conv2d(x, self.free.weight, self.free.bias)
        return {"maps": [x], "name": "anything"}


def test_the_table_follows_whatever_forward_does():
    module = Anything()
    rows = named(cost_table(module, (1, 4, 8, 8)))
    assert rows["twice"].macs == 2 * 9 * 16 * 64
    assert rows["twice"].calls == 2
    assert rows["twice"].parameters == 148
    assert rows["twice"].receptive_field == (5, 5)
    assert (rows["never"].parameters, rows["never"].macs, rows["never"].calls, rows["never"].output_shape) == (36, 0, 0, None)
    assert (rows["free"].parameters, rows["free"].macs) == (40, 0)
    assert (rows["Anything"].parameters, rows["Anything"].macs) == (4, 4 * 8 * 64)
    assert sum(row.parameters for row in rows.values()) == sum(p.numel() for p in module.parameters())


def test_tied_weights_count_once():
    module = nn.Sequential(nn.Linear(8, 8, bias=False), nn.ReLU(), nn.Linear(8, 8, bias=False))
    module[2].weight = module[0].weight
    rows = cost_table(module, (2, 8))
    assert [row.parameters for row in rows] == [64, 0, 0]
    assert [row.macs for row in rows] == [128, 0, 128]


def test_a_layer_that_stands_in_two_places_has_one_row():
    layer = nn.Conv2d(4, 4, 3, padding=1)
    (row,) = cost_table(nn.Sequential(layer, layer), (1, 4, 8, 8))
    assert (row.parameters, row.macs, row.calls) == (148, 2 * 9 * 16 * 64, 2)


def test_attention_and_transformers_are_known():
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    rows = named(cost_table(layer, (2, 6, 8)))
    assert rows["self_attn"].macs == 4 * 12 * 64 + 2 * 2 * 6 * 6 * 8
    assert total(list(rows.values()))["parameters"] == sum(p.numel() for p in layer.parameters())


def test_products_in_a_forward_without_layers_are_counted():
    class Attention(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return F.scaled_dot_product_attention(x, x, x)

    (row,) = cost_table(Attention(), (2, 3, 5, 8))
    assert row.macs == costs.attention((2, 3, 5, 8), (2, 3, 5, 8), (2, 3, 5, 8)).macs


def test_weight_norm_is_still_the_layer_it_normalises():
    layer = nn.utils.parametrizations.weight_norm(nn.Conv2d(4, 8, 3))
    (row,) = cost_table(layer, (1, 4, 8, 8))
    assert row.macs == 9 * 4 * 8 * 36
    assert row.parameters == sum(p.numel() for p in layer.parameters())


def test_indices_and_several_inputs():
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.words, self.mix = nn.Embedding(10, 4), nn.Bilinear(4, 3, 2)

        def forward(self, words: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
            return self.mix(self.words(words), x)

    rows = named(cost_table(Two(), torch.zeros(5, dtype=torch.int64), (5, 3)))
    assert rows["words"].parameters == 40
    assert rows["mix"].macs == 5 * 2 * (12 + 4)


def test_the_network_is_left_as_it_was():
    module = networks.resnet18()
    module[1].eval()
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    modes = [layer.training for layer in module.modules()]
    cost_table(module, (1, 3, 32, 32))
    assert [layer.training for layer in module.modules()] == modes
    assert all(torch.equal(before[name], tensor) for name, tensor in module.state_dict().items())
    assert not any(layer._forward_hooks or layer._forward_pre_hooks for layer in module.modules())
    assert all(p.device.type == "cpu" for p in module.parameters())


# What layers see, through any graph.


class Branches(nn.Module):
    """A residual, a concatenation and a gate that sees everything."""

    def __init__(self) -> None:
        super().__init__()
        self.wide, self.narrow, self.after = nn.Conv2d(2, 2, 5, padding=2), nn.Conv2d(2, 2, 1), nn.Conv2d(6, 2, 3, padding=1)
        self.gate, self.last = nn.Linear(2, 2), nn.Conv2d(2, 2, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        a, b = self.wide(x), self.narrow(x)
        y = self.after(torch.cat([a, b, a + x], 1).relu())
        return self.last(y * torch.sigmoid(self.gate(y.mean((2, 3))))[:, :, None, None])


def test_what_layers_see_through_branches():
    rows = named(cost_table(Branches(), (1, 2, 16, 16)))
    assert rows["narrow"].receptive_field == (1, 1)
    assert (rows["after"].receptive_field, rows["after"].start) == ((7, 7), (-3, -3))
    assert (rows["last"].receptive_field, rows["last"].jump) == ((7 + 15, 7 + 15), (0, 0))


@pytest.mark.parametrize(
    ("layer", "wanted"),
    [
        (nn.Conv2d(4, 4, 3, padding=1, padding_mode="reflect"), (3, 3)),
        (nn.Conv2d(4, 4, 3, padding="same", dilation=2), (5, 5)),
        (nn.Conv2d(4, 4, 3, padding=1, padding_mode="circular"), (8, 8)),
        (nn.Upsample(scale_factor=2, mode="bilinear"), (2, 2)),
        (nn.ConvTranspose2d(4, 4, 4, 2, 1), (2, 2)),
        (nn.ChannelShuffle(2), (1, 1)),
        (nn.PixelShuffle(2), (1, 1)),
        (nn.PixelUnshuffle(2), (2, 2)),
        (nn.GroupNorm(2, 4), (8, 8)),
        (nn.BatchNorm2d(4), (1, 1)),
        (nn.Flatten(), (8, 8)),
        (nn.AdaptiveAvgPool2d(1), (8, 8)),
        (nn.AdaptiveAvgPool2d(2), (4, 4)),
        (nn.Softmax2d(), (1, 1)),
        (nn.LPPool2d(2, 3, 2), (3, 3)),
        (nn.Linear(8, 3), (1, 8)),
    ],
    ids=repr,
)
def test_what_single_layers_see(layer, wanted):
    (row,) = cost_table(layer, (1, 4, 8, 8))
    assert row.receptive_field == wanted


@several
@given(cases("float32"))
def test_gradients_stay_inside_of_what_the_table_says(case):
    """Through a residual around the stack: no pixel that reaches an output lies outside of its field."""
    probe, _ = stack.reach(case)
    layers = network(**probe.arrays, **probe.options).to_empty(device="cpu").double()
    for parameter in layers.parameters():
        nn.init.ones_(parameter)
    x = torch.ones(case.arrays["x"].shape, dtype=torch.float64, requires_grad=True)
    y = layers(x + F.avg_pool2d(x, 3, 1, 1))
    at = tuple(case.seed % side for side in y.shape[2:])
    y[(slice(None), slice(None), *at)].sum().backward()
    reached = np.argwhere(x.grad.abs().sum((0, 1)).numpy() > 0)

    class Whole(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers, self.last = layers, nn.Identity()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.last(self.layers(x + F.avg_pool2d(x, 3, 1, 1)))

    row = named(cost_table(Whole(), x.shape))["last"]
    for axis in range(2):
        low = row.start[axis] + at[axis] * row.jump[axis]
        assert all(low - 1e-9 <= j <= low + row.receptive_field[axis] for j in reached[:, axis])


# What cannot be told.


class Mine(nn.Module):
    """A leaf of which the table cannot know what it does."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.weight


def test_an_unknown_leaf_that_holds_parameters_is_an_error_that_names_it():
    with pytest.raises(CostError, match=r"the cost of 1, a Mine with 3 parameters, is not known; tell it with known="):
        cost_table(nn.Sequential(nn.ReLU(), Mine()), (2, 3))
    _, row = cost_table(nn.Sequential(nn.ReLU(), Mine()), (2, 3), known={Mine: conformance.cost.elementwise})
    assert (row.parameters, row.macs) == (3, 0)


def test_a_leaf_that_is_told_is_known():
    _, row = cost_table(nn.Sequential(nn.ReLU(), Mine()), (2, 3), known={Mine: lambda layer, inputs, y: Work(3, 6, 6, 6)})
    assert row.macs == 6


@pytest.mark.parametrize(
    ("module", "inputs", "words"),
    [
        (nn.Linear(3, 4), ((2, 5),), "cannot be run on meta tensors of shape"),
        (nn.Linear(3, 4), (), "cannot be run on meta tensors of shape nothing"),
        (nn.LazyLinear(4), ((2, 5),), "weight has no shape yet"),
        (nn.Linear(3, 4), (2, 3), "given as a tuple of sides"),
        (nn.Linear(3, 4), ("2,3",), "given as a tuple of sides"),
    ],
    ids=["wrong", "none", "lazy", "numbers", "text"],
)
def test_what_cannot_be_run_is_an_error_that_says_so(module, inputs, words):
    with pytest.raises(CostError, match=words):
        cost_table(module, *inputs)


# The command line.


def command(*arguments: str) -> int:
    """`conformance cost` with these arguments."""
    parser = argparse.ArgumentParser()
    cost_command.add_parser(parser.add_subparsers())
    chosen = parser.parse_args(["cost", *arguments])
    return int(chosen.run(chosen))


def test_the_command_prints_a_table_that_a_person_can_read(capsys):
    assert command("tests.networks:vgg16", "--input", "1,3,224,224") == 0
    printed = capsys.readouterr().out
    assert all(text in printed for text in ("138,357,544", "15,470,264,320", "1×4096", "212×212", "Conv2d", "parameters", "MACs", "FLOPs"))


def test_the_command_prints_json(capsys):
    assert command("torch.nn:Identity", "--input", "1,3:int64", "--json") == 0
    command("tests.networks:resnet18", "--input", "1,3,224,224", "--json")
    document = json.loads(capsys.readouterr().out.partition("}\n}\n")[2] or "{}")
    assert document["total"]["macs"] == 1_814_073_344
    assert document["rows"][0]["receptive_field"] == [7, 7]
    assert {"name", "output_shape", "parameters", "macs", "flops", "bytes", "receptive_field"} <= set(document["rows"][0])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["tests.networks:vgg16"], "no input was given"),
        (["tests.networks", "--input", "1,3"], "does not name a network"),
        (["no_such_module:vgg16", "--input", "1,3"], "cannot be imported"),
        (["tests.networks:vgg99", "--input", "1,3"], "has no attribute"),
        (["tests.networks:Residual", "--input", "1,3"], "cannot be called without arguments"),
        (["builtins:dict", "--input", "1,3"], "not a torch.nn.Module"),
        (["tests.networks:vgg16", "--input", "1,x"], "is not a shape"),
        (["tests.networks:vgg16", "--input", "1,3:int99"], "is no dtype of torch"),
        (["tests.networks:vgg16", "--input", "1,4,8,8"], "cannot be run on meta tensors"),
        (["tests.test_cost:Mine", "--input", "1,3"], "is not known"),
    ],
    ids=lambda value: None if isinstance(value, list) else value.replace(" ", "_"),
)
def test_misuse_is_one_sentence(arguments, words):
    with pytest.raises(Misuse, match=words) as caught:
        command(*arguments)
    assert "\n" not in str(caught.value)


# The counter on trial: errors planted in the formulas and in the count.


def verdict() -> None:
    """Everything that the table and its formulas promise, on a few networks and drawn layers; raises where one is broken."""
    for factory in PUBLISHED:
        test_published_networks_cost_what_is_published(factory)
    test_tied_weights_count_once()
    test_the_table_follows_whatever_forward_does()
    test_what_layers_see_through_branches()
    test_a_row_says_what_the_articles_formulas_say()

    @settings(max_examples=60, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(COUNTED)
    def layers(drawn: Any) -> None:
        check_layer(drawn)

    layers()
    for declared in (cost_property, shape_property, field_property, laws_property):
        found = search(declared.property, stack.Sequential, "float32", TorchEager(), examples=25, shrink=False)
        assert found.outcome == "passed", found.message


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
    "products outside of layers are free": (conformance.cost, "_counter", dict),
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
