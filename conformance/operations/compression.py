"""What is said about making a convolution cheaper at an equal receptive field, as laws of the library's own counts and outputs.

Each takes its sizes from a drawn case: the rank r, the channels, the sides, a number from its seed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from conformance.judgement import Disagreement, Trial
from conformance.model import Case, Law
from conformance.operations.laws import assert_same
from conformance.strategies import Data
from oracles.layers import Layer, parameter_shapes

TURNS = 4  # the laws that run and count several networks are asked of one case in so many


def layers_of(case: Case) -> tuple[Layer, ...]:
    """The layers of a case."""
    layers: tuple[Layer, ...] = case.options["layers"]
    return layers


def input_of(case: Case) -> np.ndarray:
    """The images of a case."""
    x = case.arrays["x"]
    assert x is not None
    return x


def with_layers(case: Case, *layers: Layer) -> Case:
    """The case with other layers."""
    length = sum(math.prod(s) for layer in layers for s in parameter_shapes(layer))
    data = Data(case.dtype, "integers", case.seed)
    return case.but(layers=layers, values=data.array("values", length))


def measured(trial: Trial, case: Case, *layers: Layer) -> Mapping[str, int]:
    """What the library counts for other layers on the case's input."""
    counted: Mapping[str, int] = trial.backend.count(trial.operation, with_layers(case, *layers))  # type: ignore[attr-defined]
    return counted


def seen(trial: Trial, case: Case, *layers: Layer) -> np.ndarray:
    """What the library's outputs see of the input: the outputs, by which pixel was 1."""
    assert trial.operation.reach is not None
    probe, _ = trial.operation.reach(with_layers(case, *layers))
    return np.asarray(trial.run(probe)["output"] != 0)


def number_of(case: Case) -> int:
    """A number that does not depend on whose turn it is."""
    return case.seed // TURNS


def same_padding(case: Case, channels: int, out: int, kernel: int, stride: int = 1, groups: int = 1) -> Layer:
    """A convolution without bias that keeps the size."""
    return (f"Conv{rank_of(case)}d", channels, out, kernel, stride, kernel // 2, 1, groups, False)


def rank_of(case: Case) -> int:
    """How many axes there are behind batch and channels."""
    return input_of(case).ndim - 2


def with_channels(case: Case, times: int) -> Case:
    """The case with so many times its channels."""
    return case.but(x=np.concatenate([input_of(case)] * times, axis=1))


def agrees(what: str, found: Any, wanted: Any) -> None:
    """Raise Disagreement unless two numbers are the same."""
    if found != wanted:
        raise Disagreement(f"{what}: {found}, not {wanted}")


def shares(trial: Trial, case: Case, parts: list[Layer], whole: Layer, wanted: Fraction, what: str) -> None:
    """Raise Disagreement unless the parts see what the whole sees, for a share of its parameters and of its products."""
    see = [np.asarray(seen(trial, case, *layers).any(axis=1)) for layers in ([whole], parts)]
    assert_same(see[1], see[0], f"{what} does not see what the whole convolution sees")
    few, many = measured(trial, case, *parts), measured(trial, case, whole)
    for name in ("parameters", "flops"):
        agrees(f"the share of {name} of {what}", Fraction(few[name], many[name]), wanted)


def small_filters_see_as_much(trial: Trial, case: Case) -> None:
    """n filters of 3ʳ see what one of (2n + 1)ʳ sees, with n·3ʳ/(2n + 1)ʳ of its parameters and products: fewer from n = 2, r = 2 on."""
    c, r, n = input_of(case).shape[1], rank_of(case), 2 + number_of(case) % (3 if rank_of(case) < 3 else 1)
    small, large = [same_padding(case, c, c, 3)] * n, same_padding(case, c, c, 2 * n + 1)
    share = Fraction(n * 3**r, (2 * n + 1) ** r)
    agrees("more parameters than the large filter", share < 1, r > 1)
    shares(trial, case, small, large, share, f"{n} filters of side 3 in place of one of side {2 * n + 1}")


def separable_costs_less(trial: Trial, case: Case) -> None:
    """A depthwise filter and a 1×1 convolution see the same for 1/Cout + 1/Kʳ of the parameters and products."""
    c, r, (out, k) = input_of(case).shape[1], rank_of(case), (1 + number_of(case) % 5, (1, 3, 5)[number_of(case) % 3])
    parts = [same_padding(case, c, c, k, groups=c), same_padding(case, c, out, 1)]
    share = Fraction(1, out) + Fraction(1, k**r)
    shares(trial, case, parts, same_padding(case, c, out, k), share, "a depthwise separable convolution")


def groups_divide_the_cost(trial: Trial, case: Case) -> None:
    """g groups cost 1/g of the parameters and products."""
    groups, c = 1 + number_of(case) % 4, input_of(case).shape[1]
    wide = with_channels(case, groups)
    few, many = (measured(trial, wide, same_padding(case, groups * c, groups, 3, groups=g)) for g in (groups, 1))
    for name in ("parameters", "flops"):
        agrees(f"the share of {name} of {groups} groups", Fraction(few[name], many[name]), Fraction(1, groups))


def shuffle_is_free(trial: Trial, case: Case) -> None:
    """A channel shuffle is a permutation of the channels that another one undoes; it costs nothing."""
    groups, c = 1 + number_of(case) % 4, 2 * input_of(case).shape[1]
    wide = with_channels(case, 2 * groups)
    channels = np.arange(groups * c).reshape(1, -1, *[1] * rank_of(case)).astype(case.dtype)
    x = (input_of(wide) + channels).astype(case.dtype)
    wide = wide.but(x=x)
    once = trial.run(with_layers(wide, ("ChannelShuffle", groups)))["output"]
    back = trial.run(with_layers(wide, ("ChannelShuffle", groups), ("ChannelShuffle", c)))["output"]
    assert_same(back, x, "shuffling by groups, then by channels of a group, is not the identity")
    moved = np.concatenate([x[:, start::c] for start in range(c)], axis=1)
    assert_same(once, moved, "channel shuffle does not deal out the groups in turn")
    agrees("the cost of a channel shuffle", dict(measured(trial, wide, ("ChannelShuffle", groups))), {"parameters": 0, "flops": 0})


def shuffles_anywhere_change_no_count(trial: Trial, case: Case) -> None:
    """A shuffle of the input's channels before the drawn stack leaves its parameters, its products and the sides of its receptive field."""
    layers, c = layers_of(case), input_of(case).shape[1]
    shuffled = (("ChannelShuffle", c if number_of(case) % 2 else 1), *layers)
    agrees("the cost of a stack behind a channel shuffle", dict(measured(trial, case, *shuffled)), dict(measured(trial, case, *layers)))
    assert_same(seen(trial, case, *shuffled), seen(trial, case, *layers), "behind a channel shuffle, a stack sees something else")


def halving_divides_the_cost(trial: Trial, case: Case) -> None:
    """Pooling before a convolution, or stride 2 instead of 1, leaves 1/2ʳ of the products, a quarter in images, and all parameters."""
    c, r = input_of(case).shape[1], rank_of(case)
    x = input_of(case)
    for axis in range(2, r + 2):
        x = np.repeat(x, 2, axis)
    even, after = case.but(x=x), same_padding(case, c, 2, 3)
    whole = measured(trial, even, after)
    pools: list[list[Layer]] = [[(f"MaxPool{r}d", 2, 2, 0, 1, False, False), after], [(f"AvgPool{r}d", 2, 2, 0, False, True), after]]
    for less in [*pools, [same_padding(case, c, 2, 3, 2)]]:
        counted = measured(trial, even, *less)
        agrees("the share of products at half the size", Fraction(counted["flops"], whole["flops"]), Fraction(1, 2**r))
        agrees("parameters at half the size", counted["parameters"], whole["parameters"])


def bottleneck_costs_less(trial: Trial, case: Case) -> None:
    """1×1 to a quarter, 3ʳ, 1×1 back see what one 3ʳ sees, with 2·C·C/4 + 3ʳ·(C/4)² parameters in place of 3ʳ·C²."""
    wide, c, taps = with_channels(case, 4), 4 * input_of(case).shape[1], 3 ** rank_of(case)
    narrow = [same_padding(case, c, c // 4, 1), same_padding(case, c // 4, c // 4, 3), same_padding(case, c // 4, c, 1)]
    share = Fraction(8 + taps, 16 * taps)
    shares(trial, wide, narrow, same_padding(case, c, c, 3), share, "a bottleneck")


def fire_costs_less(trial: Trial, case: Case) -> None:
    """A fire module, C channels squeezed to C/2, then one half of C by 1×1 and one by 3ʳ, as the block-diagonal stack that it is.

    The squeeze takes C·C/2 parameters, the expansion C/2·C/2·(1 + 3ʳ), where the whole convolution takes 3ʳ·C².
    """
    wide, half, taps = with_channels(case, 2), input_of(case).shape[1], 3 ** rank_of(case)
    squeeze, point, filters = (same_padding(case, *sizes) for sizes in ((2 * half, half, 1), (half, half, 1), (half, half, 3)))
    whole = measured(trial, wide, same_padding(case, 2 * half, 2 * half, 3))
    paths = [measured(trial, wide, squeeze, expand) for expand in (point, filters)]
    shared = measured(trial, wide, squeeze)
    for name in ("parameters", "flops"):
        fire = sum(path[name] for path in paths) - shared[name]
        agrees(f"the share of {name} of a fire module", Fraction(fire, whole[name]), Fraction(3 + taps, 4 * taps))
    see = [np.asarray(seen(trial, wide, *layers).any(axis=1)) for layers in ([squeeze, filters], [same_padding(case, 2 * half, half, 3)])]
    assert_same(see[0], see[1], "a fire module does not see what its 3×3 sees")


CHECKS = (
    small_filters_see_as_much,
    separable_costs_less,
    groups_divide_the_cost,
    shuffle_is_free,
    shuffles_anywhere_change_no_count,
    halving_divides_the_cost,
    bottleneck_costs_less,
    fire_costs_less,
)


def in_turn(number: int, check: Callable[[Trial, Case], None]) -> Callable[[Trial, Case], None]:
    """The law for some of the cases, by their seeds."""

    def sometimes(trial: Trial, case: Case) -> None:
        if (case.seed + number) % TURNS == 0 or check is shuffle_is_free:
            check(trial, case)

    return sometimes


LAWS = tuple(Law(check.__name__.replace("_", " "), in_turn(number, check)) for number, check in enumerate(CHECKS))
