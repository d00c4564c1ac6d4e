"""Channels that change places, with each other or with cells."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Trial
from conformance.model import FLOATS, Case, Cost, Law, Operation, Shape, torch
from conformance.operations.laws import assert_same
from conformance.strategies import data_of, side
from oracles.shuffling import (
    channel_shuffle,
    channel_shuffle_gradient,
    exactly,
    pixel_shuffle,
    pixel_shuffle_gradient,
    pixel_unshuffle,
    pixel_unshuffle_gradient,
)

# The calls.


def call_pixel_shuffle(x: Any, **options: Any) -> Any:
    """The module's forward."""
    return torch.nn.PixelShuffle(**options)(x)


def call_pixel_unshuffle(x: Any, **options: Any) -> Any:
    """The module's forward."""
    return torch.nn.PixelUnshuffle(**options)(x)


def call_channel_shuffle(x: Any, **options: Any) -> Any:
    """The module's forward."""
    return torch.nn.ChannelShuffle(**options)(x)


# The formulas.


def pixel_shuffle_shape(x: Shape, *, upscale_factor: int) -> Mapping[str, Shape]:
    """(…, C, H, W) → (…, C / r², H·r, W·r)."""
    return {"output": (*x[:-3], x[-3] // upscale_factor**2, x[-2] * upscale_factor, x[-1] * upscale_factor)}


def pixel_unshuffle_shape(x: Shape, *, downscale_factor: int) -> Mapping[str, Shape]:
    """(…, C, H, W) → (…, C·r², H / r, W / r)."""
    return {"output": (*x[:-3], x[-3] * downscale_factor**2, x[-2] // downscale_factor, x[-1] // downscale_factor)}


def channel_shuffle_shape(x: Shape, *, groups: int) -> Mapping[str, Shape]:
    """The same shape."""
    return {"output": x}


def nothing(**_: Any) -> Cost:
    """No parameters and no products."""
    return Cost(0, 0)


# The cases.

FACTOR, CHANNELS, SMALL = st.integers(1, 4), st.integers(1, 3), st.integers(1, 4)
LEADING = st.sampled_from(((1,), (2,), (), (0,), (2, 3), (1, 2, 2)))


@st.composite
def pixel_shuffle_cases(draw: st.DrawFn, dtype: str) -> Case:
    """C·r² channels under any leading axes."""
    data, factor = draw(data_of(dtype)), draw(FACTOR)
    x = data.array("x", *draw(LEADING), draw(CHANNELS) * factor**2, draw(side(1, 4)), draw(SMALL))
    return data.case({"x": x}, upscale_factor=factor)


@st.composite
def pixel_unshuffle_cases(draw: st.DrawFn, dtype: str) -> Case:
    """Sides that are multiples of r under any leading axes."""
    data, factor = draw(data_of(dtype)), draw(FACTOR)
    x = data.array("x", *draw(LEADING), draw(CHANNELS), draw(SMALL) * factor, draw(side(1, 4)) * factor)
    return data.case({"x": x}, downscale_factor=factor)


@st.composite
def channel_shuffle_cases(draw: st.DrawFn, dtype: str) -> Case:
    """Channels in groups, with one to three axes behind."""
    data, groups, rank = draw(data_of(dtype)), draw(st.integers(1, 5)), draw(st.integers(1, 3))
    sides = [draw(side(1, 4)) if axis == 0 else draw(CHANNELS) for axis in range(rank)]
    return data.case({"x": data.array("x", draw(st.sampled_from((1, 2, 0))), groups * draw(side(1, 4)), *sides)}, groups=groups)


# What must be refused.


def image(case: Case) -> np.ndarray:
    """The array that is rearranged."""
    x = case.arrays["x"]
    assert x is not None
    return x


def longer(axis: int, option: str) -> Callable[[Case], Case | None]:
    """The case with one more along an axis, which the option then does not divide."""

    def broken(case: Case) -> Case | None:
        x = image(case)
        grown = np.concatenate([x, np.take(x, [0], axis)], axis)
        return case.but(x=grown) if case.options[option] > 1 else None

    return broken


def two_axes(case: Case) -> Case:
    """A plane without channels."""
    return case.but(x=np.zeros((4, 4), image(case).dtype))


PIXEL_SHUFFLE_REJECTS: Mapping[str, Callable[[Case], Case | None]] = {
    "upscale_factor² must divide the channels": longer(-3, "upscale_factor"),
    "upscale_factor² must not overflow": lambda case: case.but(
        x=np.zeros((0, 0, 9), image(case).dtype), upscale_factor=4323455642275676160
    ),
    "upscale_factor must be positive": lambda case: case.but(upscale_factor=0),
    "upscale_factor must not be negative": lambda case: case.but(upscale_factor=-case.options["upscale_factor"]),
    "x must have three axes at least": two_axes,
}
PIXEL_UNSHUFFLE_REJECTS: Mapping[str, Callable[[Case], Case | None]] = {
    "downscale_factor must divide the height": longer(-2, "downscale_factor"),
    "downscale_factor must divide the width": longer(-1, "downscale_factor"),
    "downscale_factor must be positive": lambda case: case.but(downscale_factor=0),
    "downscale_factor must not be negative": lambda case: case.but(downscale_factor=-case.options["downscale_factor"]),
    "x must have three axes at least": two_axes,
}
CHANNEL_SHUFFLE_REJECTS: Mapping[str, Callable[[Case], Case | None]] = {
    "groups must divide the channels": longer(1, "groups"),
    "groups must be positive": lambda case: case.but(groups=0),
    "groups must not be negative": lambda case: case.but(groups=-case.options["groups"]),
    "x must have three axes at least": two_axes,
}

# The laws.


def unchanged_by_one(option: str) -> Law:
    """A factor of one changes nothing."""

    def check(trial: Trial, case: Case) -> None:
        assert_same(trial.run(case.but(**{option: 1}))["output"], image(case), f"{option}=1 changes x")

    return Law(f"{option}=1 changes nothing", check)


def keeps_elements(trial: Trial, case: Case) -> None:
    """Every element is there once: a numbered image keeps its numbers."""
    numbers = np.arange(image(case).size).reshape(image(case).shape).astype(np.float64)
    y = trial.run(case.but(x=numbers))["output"]
    assert_same(np.sort(y.ravel()), numbers.ravel(), "an element is lost or twice there")


def taken_back(trial: Trial, case: Case) -> None:
    """Dealing in C/g groups takes dealing in g groups back."""
    y = trial.run(case)["output"]
    again = trial.run(case.but(x=y, groups=image(case).shape[1] // case.options["groups"]))["output"]
    assert_same(again, image(case), "the other number of groups does not take it back")


def turned_back(back: Callable[..., np.ndarray], option: str) -> Law:
    """The inverse rearrangement, by index, takes it back."""

    def check(trial: Trial, case: Case) -> None:
        x = image(case)
        if x.size:
            assert_same(back(trial.run(case)["output"], case.options[option]), x, "the inverse does not take it back")

    return Law("the inverse takes it back", check)


def gathered(y: np.ndarray, r: int) -> np.ndarray:
    """x[…, (c·r + i)·r + j, h, w] = y[…, c, h·r + i, w·r + j], one block cell after the other."""
    cells = [y[..., i::r, j::r] for i in range(r) for j in range(r)]
    return np.stack(cells, axis=-3).reshape(*y.shape[:-3], y.shape[-3] * r**2, y.shape[-2] // r, y.shape[-1] // r)


def spread_out(y: np.ndarray, r: int) -> np.ndarray:
    """x[…, c, h·r + i, w·r + j] = y[…, (c·r + i)·r + j, h, w], one block cell after the other."""
    x = np.empty((*y.shape[:-3], y.shape[-3] // r**2, y.shape[-2] * r, y.shape[-1] * r), y.dtype)
    for i in range(r):
        for j in range(r):
            x[..., i::r, j::r] = y[..., i * r + j :: r**2, :, :]
    return x


KEEPS = Law("every element is kept", keeps_elements)

PixelShuffle = Operation(
    name="torch.nn.PixelShuffle",
    call=call_pixel_shuffle,
    oracle=pixel_shuffle,
    gradient=pixel_shuffle_gradient,
    shape=pixel_shuffle_shape,
    cost=nothing,
    cases=pixel_shuffle_cases,
    rejects=PIXEL_SHUFFLE_REJECTS,
    laws=(unchanged_by_one("upscale_factor"), KEEPS, turned_back(gathered, "upscale_factor")),
    dtypes=FLOATS,
)

PixelUnshuffle = Operation(
    name="torch.nn.PixelUnshuffle",
    call=call_pixel_unshuffle,
    oracle=pixel_unshuffle,
    gradient=pixel_unshuffle_gradient,
    shape=pixel_unshuffle_shape,
    cost=nothing,
    cases=pixel_unshuffle_cases,
    rejects=PIXEL_UNSHUFFLE_REJECTS,
    laws=(unchanged_by_one("downscale_factor"), KEEPS, turned_back(spread_out, "downscale_factor")),
    dtypes=FLOATS,
)

ChannelShuffle = Operation(
    name="torch.nn.ChannelShuffle",
    call=call_channel_shuffle,
    oracle=channel_shuffle,
    gradient=channel_shuffle_gradient,
    shape=channel_shuffle_shape,
    cost=nothing,
    cases=channel_shuffle_cases,
    rejects=CHANNEL_SHUFFLE_REJECTS,
    laws=(unchanged_by_one("groups"), KEEPS, Law("the other number of groups takes it back", taken_back)),
    dtypes=FLOATS,
)


def of_integers(operation: Operation) -> Operation:
    """The operation on integers, which have no gradient."""
    return replace(
        operation,
        variant="Integers",
        oracle=exactly(operation.oracle),
        plain=("x",),
        gradient=None,
        dtypes=("uint8", "int8", "int16", "int32", "int64"),
        share=0.3,
    )


FLOATING = (PixelShuffle, PixelUnshuffle, ChannelShuffle)
OPERATIONS = (*FLOATING, *(of_integers(operation) for operation in FLOATING))
