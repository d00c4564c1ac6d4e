"""Stacks of layers: networks that Hypothesis draws, and what is said about compressing a convolution."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Disagreement, Trial
from conformance.model import Case, Cost, Law, Operation, Shape, torch
from conformance.operations.laws import assert_same
from conformance.strategies import Data, data_of
from oracles.stack import Layer, Sight, parameter_shapes, sights, stack, stack_shape, stack_work

# The call.


def network(x: Any, values: Any, *, layers: Any) -> Any:
    """The layers one after the other, without values of their own."""
    with torch.device("meta"):
        return torch.nn.Sequential(*[getattr(torch.nn, name)(*arguments) for name, *arguments in layers])


def call(x: Any, values: Any, *, layers: Any) -> Any:
    """The network's forward, its parameters cut from `values` in order."""
    layers_on_meta, parameters, start = network(x, values, layers=layers), {}, 0
    for name, parameter in layers_on_meta.named_parameters():
        parameters[name] = values[start : start + parameter.numel()].reshape(parameter.shape)
        start += parameter.numel()
    return torch.func.functional_call(layers_on_meta, parameters, (x,))


# The formulas, composed layer by layer.


def shape(x: Shape, values: Shape, *, layers: tuple[Layer, ...]) -> Mapping[str, Shape]:
    """The last of the layers' shapes."""
    return {"output": stack_shape(x, layers)}


def cost(x: Shape, values: Shape, *, layers: tuple[Layer, ...]) -> Cost:
    """The sums of the layers' costs."""
    work = stack_work(x, layers)
    return Cost(work.parameters, work.macs)


def reach(case: Case) -> tuple[Case, tuple[Sight, ...]]:
    """Sample j is 1 at pixel j and 0 elsewhere, weights are 1 and biases 0, so that every path shows, maxima included; what outputs see."""
    x = case.arrays["x"]
    assert x is not None
    pixels = math.prod(x.shape[2:])
    probe = np.repeat(np.eye(pixels).reshape(pixels, 1, *x.shape[2:]), x.shape[1], 1)
    ones = [np.full(math.prod(s), float(len(s) > 1)) for layer in layers_of(case) for s in parameter_shapes(layer)]
    values = np.concatenate([np.zeros(0), *ones])
    return case.but(x=probe.astype(x.dtype), values=values.astype(x.dtype)), sights(x.shape, layers_of(case))


# The cases.

REGIMES = ("integers", "normal", "constant", "cancelling")
MOST = 12  # cells along a side


def layers_of(case: Case) -> tuple[Layer, ...]:
    """The layers of a case."""
    layers: tuple[Layer, ...] = case.options["layers"]
    return layers


def both(draw: st.DrawFn, least: int, most: int) -> Any:
    """One number for both axes, or two."""
    number = st.integers(least, most)
    return draw(st.one_of(number, st.tuples(number, number)))


def conv(draw: st.DrawFn, channels: int, sides: Shape) -> Layer:
    groups = draw(st.sampled_from([g for g in (1, 1, 2, 3) if channels % g == 0]))
    out = groups * draw(st.integers(1, 2 if groups > 1 else 4))
    kernel, stride, dilation = both(draw, 1, 3), both(draw, 1, 2), both(draw, 1, 2)
    return ("Conv2d", channels, out, kernel, stride, both(draw, 0, 2), dilation, groups, draw(st.booleans()))


def transposed(draw: st.DrawFn, channels: int, sides: Shape) -> Layer:
    groups = draw(st.sampled_from([g for g in (1, 1, 2) if channels % g == 0]))
    stride = both(draw, 1, 2)
    extra = draw(st.integers(0, (min(stride) if isinstance(stride, tuple) else stride) - 1))
    out = groups * draw(st.integers(1, 2))
    return ("ConvTranspose2d", channels, out, both(draw, 1, 3), stride, draw(st.integers(0, 1)), extra, groups, draw(st.booleans()), 1)


def max_pool(draw: st.DrawFn, channels: int, sides: Shape) -> Layer:
    kernel = draw(st.integers(1, 3))
    return ("MaxPool2d", kernel, draw(st.integers(1, 3)), draw(st.integers(0, kernel // 2)))


def average_pool(draw: st.DrawFn, channels: int, sides: Shape) -> Layer:
    kernel = draw(st.integers(1, 3))
    return ("AvgPool2d", kernel, draw(st.integers(1, 3)), draw(st.integers(0, kernel // 2)))


def adaptive(draw: st.DrawFn, channels: int, sides: Shape) -> Layer:
    return ("AdaptiveAvgPool2d", tuple(draw(st.integers(1, min(side, 4))) for side in sides))


def upsample(draw: st.DrawFn, channels: int, sides: Shape) -> Layer:
    return ("Upsample", None, 2, draw(st.sampled_from(("nearest", "bilinear"))))


def movement(draw: st.DrawFn, channels: int, sides: Shape) -> Layer:
    shuffles = [("ChannelShuffle", groups) for groups in (1, 2, 3) if channels % groups == 0]
    return draw(st.sampled_from([("ReLU",), *shuffles, *([("PixelShuffle", 2)] if channels % 4 == 0 else [])]))


KINDS: tuple[Callable[[st.DrawFn, int, Shape], Layer], ...] = (conv, conv, max_pool, average_pool, transposed, upsample, adaptive, movement)


@st.composite
def cases(draw: st.DrawFn, dtype: str) -> Case:
    """Up to five layers, each fitting on what the one before it gives."""
    data = draw(data_of(dtype, REGIMES))
    x = (draw(st.integers(1, 2)), draw(st.integers(1, 4)), draw(st.integers(1, MOST)), draw(st.integers(1, MOST)))
    layers: list[Layer] = []
    y: Shape = x
    for kind in draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=5)):
        layer = kind(draw, y[1], y[2:])
        new = stack_shape(y, [layer])
        if min(new) > 0 and max(new[2:]) <= MOST:
            layers.append(layer)
            y = new
    layers = layers or [("Conv2d", x[1], 2, 1, 1, 0, 1, 1, True)]
    length = sum(math.prod(s) for layer in layers for s in parameter_shapes(layer))
    return data.case({"x": data.array("x", *x), "values": data.array("values", length)}, layers=tuple(layers))


# The laws of compression, measured on the library; each takes its sizes from the case's input.


def measured(trial: Trial, case: Case, *layers: Layer) -> Mapping[str, int]:
    """What the library counts for other layers on the case's input."""
    return trial.backend.count(trial.operation, with_layers(case, *layers))  # type: ignore[attr-defined,no-any-return]


def with_layers(case: Case, *layers: Layer) -> Case:
    """The case with other layers."""
    length = sum(math.prod(s) for layer in layers for s in parameter_shapes(layer))
    data = Data(case.dtype, "integers", case.seed)
    return case.but(layers=layers, values=data.array("values", length))


def input_of(case: Case) -> np.ndarray:
    """The images of a case."""
    x = case.arrays["x"]
    assert x is not None
    return x


def seen(trial: Trial, case: Case, *layers: Layer) -> np.ndarray:
    """What the library's outputs see of the input: the outputs, by which pixel was 1."""
    probe, _ = reach(with_layers(case, *layers))
    return np.asarray(trial.run(probe)["output"] != 0)


def same_padding(channels: int, out: int, kernel: int, stride: int = 1, groups: int = 1) -> Layer:
    """A convolution without bias that keeps the size."""
    return ("Conv2d", channels, out, kernel, stride, kernel // 2, 1, groups, False)


def agrees(what: str, found: Any, wanted: Any) -> None:
    """Raise Disagreement unless two numbers are the same."""
    if found != wanted:
        raise Disagreement(f"{what}: {found}, not {wanted}")


def small_filters_see_as_much(trial: Trial, case: Case) -> None:
    """n filters of 3×3 see what one of (2n + 1)×(2n + 1) sees, with 9n/(2n + 1)² of its parameters and products."""
    c = input_of(case).shape[1]
    n = 2 + case.seed % 3
    small, large = [same_padding(c, c, 3)] * n, [same_padding(c, c, 2 * n + 1)]
    assert_same(
        seen(trial, case, *small), seen(trial, case, *large), f"{n} filters of 3×3 do not see what one of {2 * n + 1}×{2 * n + 1} sees"
    )
    few, many = measured(trial, case, *small), measured(trial, case, *large)
    for name in ("parameters", "flops"):
        agrees(f"the share of {name} of {n} filters of 3×3", Fraction(few[name], many[name]), Fraction(9 * n, (2 * n + 1) ** 2))


def separable_costs_less(trial: Trial, case: Case) -> None:
    """A depthwise filter and a 1×1 convolution see the same for 1/Cout + 1/K² of the parameters and products."""
    c, (out, k) = input_of(case).shape[1], (1 + case.seed % 5, (1, 3, 5)[case.seed % 3])
    whole, parts = [same_padding(c, out, k)], [same_padding(c, c, k, groups=c), same_padding(c, out, 1)]
    see = [np.asarray(seen(trial, case, *layers).any(axis=1)) for layers in (whole, parts)]
    assert_same(see[1], see[0], "a depthwise separable convolution does not see what the whole one sees")
    few, many = measured(trial, case, *parts), measured(trial, case, *whole)
    for name in ("parameters", "flops"):
        agrees(
            f"the share of {name} of a depthwise separable convolution",
            Fraction(few[name], many[name]),
            Fraction(1, out) + Fraction(1, k * k),
        )


def groups_divide_the_cost(trial: Trial, case: Case) -> None:
    """g groups cost 1/g of the parameters and products."""
    groups, c = 1 + case.seed % 4, input_of(case).shape[1]
    wide = case.but(x=np.tile(input_of(case), (1, groups, 1, 1)))
    few, many = (measured(trial, wide, same_padding(groups * c, groups, 3, groups=g)) for g in (groups, 1))
    for name in ("parameters", "flops"):
        agrees(f"the share of {name} of {groups} groups", Fraction(few[name], many[name]), Fraction(1, groups))


def shuffle_is_free(trial: Trial, case: Case) -> None:
    """A channel shuffle is a permutation of the channels that another one undoes; it costs nothing."""
    groups, c = 1 + case.seed % 4, input_of(case).shape[1]
    x = np.tile(input_of(case), (1, groups, 1, 1)) + np.arange(groups * c).reshape(1, -1, 1, 1).astype(case.dtype)
    wide = case.but(x=x)
    once = trial.run(with_layers(wide, ("ChannelShuffle", groups)))["output"]
    back = trial.run(with_layers(wide, ("ChannelShuffle", groups), ("ChannelShuffle", c)))["output"]
    assert_same(back, x, "shuffling by groups, then by channels of a group, is not the identity")
    moved = np.concatenate([x[:, start::c] for start in range(c)], axis=1)
    assert_same(once, moved, "channel shuffle does not deal out the groups in turn")
    agrees("the cost of a channel shuffle", dict(measured(trial, wide, ("ChannelShuffle", groups))), {"parameters": 0, "flops": 0})


def halving_quarters_the_cost(trial: Trial, case: Case) -> None:
    """Pooling before, or stride 2 instead of 1, leaves a quarter of the products and all of the parameters."""
    c = input_of(case).shape[1]
    even = case.but(x=np.repeat(np.repeat(input_of(case), 2, 2), 2, 3))
    whole = measured(trial, even, same_padding(c, 2, 3))
    for less in (
        [("MaxPool2d", 2, 2, 0), same_padding(c, 2, 3)],
        [("AvgPool2d", 2, 2, 0), same_padding(c, 2, 3)],
        [same_padding(c, 2, 3, 2)],
    ):
        counted = measured(trial, even, *less)
        agrees("the share of products at half the size", Fraction(counted["flops"], whole["flops"]), Fraction(1, 4))
        agrees("parameters at half the size", counted["parameters"], whole["parameters"])


def bottleneck_costs_less(trial: Trial, case: Case) -> None:
    """1×1 to a quarter, 3×3, 1×1 back see what one 3×3 sees, with 2·C·C/4 + 9·(C/4)² parameters in place of 9·C²."""
    c = 4 * input_of(case).shape[1]
    wide = case.but(x=np.tile(input_of(case), (1, 4, 1, 1)))
    narrow = [same_padding(c, c // 4, 1), same_padding(c // 4, c // 4, 3), same_padding(c // 4, c, 1)]
    assert_same(seen(trial, wide, *narrow), seen(trial, wide, same_padding(c, c, 3)), "a bottleneck does not see what its 3×3 sees")
    few, many = measured(trial, wide, *narrow), measured(trial, wide, same_padding(c, c, 3))
    for name in ("parameters", "flops"):
        agrees(f"the share of {name} of a bottleneck", Fraction(few[name], many[name]), Fraction(17, 144))


def fire_costs_less(trial: Trial, case: Case) -> None:
    """Squeezing C channels to s before a 3×3 to C leaves (C·s + 9·s·C) of 9·C² parameters."""
    c, squeezed = 2 * input_of(case).shape[1], input_of(case).shape[1]
    wide = case.but(x=np.tile(input_of(case), (1, 2, 1, 1)))
    few, many = (
        measured(trial, wide, *layers) for layers in ([same_padding(c, squeezed, 1), same_padding(squeezed, c, 3)], [same_padding(c, c, 3)])
    )
    for name in ("parameters", "flops"):
        agrees(f"the share of {name} of a squeezed convolution", Fraction(few[name], many[name]), Fraction(10 * squeezed, 9 * c))


LAWS = tuple(
    Law(check.__name__.replace("_", " "), check)
    for check in (
        small_filters_see_as_much,
        separable_costs_less,
        groups_divide_the_cost,
        shuffle_is_free,
        halving_quarters_the_cost,
        bottleneck_costs_less,
        fire_costs_less,
    )
)

Sequential = Operation(
    name="torch.nn.Sequential",
    call=call,
    oracle=stack,
    shape=shape,
    cost=cost,
    module=network,
    reach=reach,
    cases=cases,
    laws=LAWS,
    dtypes=("float64", "float32"),
)

OPERATIONS = (Sequential,)
