"""Margins around an image."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Trial
from conformance.model import FLOATS, Case, Law, Operation, Shape, torch
from conformance.operations.laws import assert_same
from conformance.operations.sliding import BATCH, FLAGS, LARGE, WIDE, image, nothing, pooling_data, rowless, speckled, too_many_axes
from conformance.strategies import is_float
from oracles.padding import margins, pad, pad_gradient
from oracles.shapes import padded

WHOLE_NUMBERS = ("int64", "int32", "int16", "int8", "uint8")


def call(x: Any, *, mode: str, rank: int, **options: Any) -> Any:
    """The module's forward."""
    return getattr(torch.nn, f"{mode}Pad{rank}d")(**options)(x)


def shape(x: Shape, *, padding: Any, mode: str, rank: int, value: Any = 0) -> Mapping[str, Shape]:
    """L + before + after along every axis."""
    return {"output": padded(x, padding, rank=rank)}


# The cases.

SIDE, SMALL = st.integers(1, 6), st.integers(1, 4)
VALUES = st.sampled_from((0.0, 3.5, -1, 0.1, np.inf, 3e4))
COUNTS = st.sampled_from((0, 3, 1, 127))
FURTHEST = {"Constant": 4, "Zero": 4, "Replication": 5}  # elsewhere the image's side is the limit


def both_margins(draw: st.DrawFn, side: int, mode: str) -> tuple[int, int]:
    """Margins of either sign that leave a cell at least; of one sign where it matters whether padding or cutting off comes first."""
    most = {"Reflection": min(side - 1, 4), "Circular": min(side, 4)}.get(mode, FURTHEST.get(mode, 0))
    before = draw(st.integers(0, most)) if draw(FLAGS) else draw(st.integers(1 - side, most))
    least = max(1 - side - before, 1 - side)
    after = draw(st.integers(0, most)) if draw(FLAGS) else draw(st.integers(min(least, most), most))
    after = max(after, 1 - side - before)
    return before, max(after, 0) if mode == "Circular" and before > 0 else min(after, 0) if mode == "Circular" and before < 0 else after


def cases(mode: str, ranks: tuple[int, ...]) -> Callable[[str], st.SearchStrategy[Case]]:
    """Strategies of cases by dtype: an integer or a tuple, margins of either sign, now and then a large side."""

    @st.composite
    def drawn(draw: st.DrawFn, dtype: str) -> Case:
        data, large, rank = draw(pooling_data(dtype)), draw(LARGE), draw(st.sampled_from(ranks))
        sides = [draw(SIDE if rank < 3 else SMALL) for _ in range(rank)]
        if large == "sides":
            sides[draw(st.integers(0, rank - 1))] = draw(WIDE)
        pairs = [both_margins(draw, side, mode) for side in sides]
        alone = pairs[int(np.argmin(sides))][0]
        valid = all(side + 2 * alone > 0 for side in sides)
        padding = alone if valid and draw(FLAGS) else tuple(margin for pair in pairs[::-1] for margin in pair)
        n, channels = draw(BATCH), draw(WIDE if large == "channels" and rank < 3 else SMALL)
        options = {"value": draw(VALUES if is_float(dtype) else COUNTS)} if mode == "Constant" else {}
        x = speckled(data, *(() if n is None else (n,)), channels, *sides)
        return data.case({"x": x}, padding=padding, mode=mode, rank=rank, **options)

    return drawn


# What must be refused.


def with_first_margins(before: Callable[[int], int]) -> Callable[[Case], Case]:
    """The last axis padded on its left as a function of its side, the others not at all."""

    def broken(case: Case) -> Case:
        return case.but(padding=(before(image(case).shape[-1]), 0) + (0, 0) * (case.options["rank"] - 1))

    return broken


def rejects(mode: str, rank: int) -> Mapping[str, Callable[[Case], Case | None]]:
    """Every documented constraint."""
    odd = {"padding must have two margins for every axis": lambda case: case.but(padding=(1,) * (2 * rank - 1))}
    axes = {"x must have a batch axis at most": too_many_axes(rank), "x must have channels": rowless(rank)}
    own: Mapping[str, Mapping[str, Callable[[Case], Case | None]]] = {
        "Constant": {"no more may be cut off than there is": with_first_margins(lambda side: -side - 1)},
        "Zero": {"no more may be cut off than there is": with_first_margins(lambda side: -side - 1)},
        "Reflection": {"padding must be less than the side": with_first_margins(lambda side: side), **axes},
        "Replication": {"the output's sides must be positive": with_first_margins(lambda side: -side), **axes},
        "Circular": {"padding must be at most the side": with_first_margins(lambda side: side + 1), **axes},
    }
    return {**odd, **own[mode]}


# The laws.


def holds_the_image(trial: Trial, case: Case) -> None:
    """What is not margin is the image, or what was left of it."""
    x, y, rank = image(case), trial.run(case)["output"], case.options["rank"]
    there, here = [slice(None)] * x.ndim, [slice(None)] * x.ndim
    for axis, (before, after) in enumerate(margins(case.options["padding"], rank), x.ndim - rank):
        side = x.shape[axis]
        there[axis] = slice(max(-before, 0), side - max(-after, 0))
        here[axis] = slice(max(before, 0), y.shape[axis] - max(after, 0))
    assert_same(y[tuple(here)], x[tuple(there)], "what is not margin is not the image")


def axes_one_by_one(trial: Trial, case: Case) -> None:
    """Padding every axis is padding one after the other."""
    x, rank = image(case), case.options["rank"]
    for axis, pair in enumerate(margins(case.options["padding"], rank)[::-1]):
        x = trial.run(case.but(x=x, padding=(0, 0) * axis + tuple(pair) + (0, 0) * (rank - 1 - axis)))["output"]
    assert_same(trial.run(case)["output"], x, "it is not padding along one axis after the other")


LAWS = (Law("what is not margin is the image", holds_the_image), Law("axes go one by one", axes_one_by_one))


def floating(mode: str, rank: int) -> Operation:
    """Margins around signals, images or volumes."""
    return Operation(
        name=f"torch.nn.{mode}Pad{rank}d",
        call=call,
        oracle=pad,
        gradient=pad_gradient,
        shape=shape,
        cost=nothing,
        cases=cases(mode, (rank,)),
        rejects=rejects(mode, rank),
        laws=LAWS,
        dtypes=FLOATS,
        share=1.0,
    )


def whole_numbers(mode: str) -> Operation:
    """The same of integers, of any rank."""
    return Operation(
        name=f"torch.nn.{mode}Pad2d",
        variant="Integers",
        call=call,
        oracle=pad,
        shape=shape,
        cases=cases(mode, (2, 1, 3)),
        plain=("x",),
        dtypes=WHOLE_NUMBERS,
        share=1.0,
    )


MODES = ("Constant", "Zero", "Reflection", "Replication", "Circular")

OPERATIONS = (*(floating(mode, rank) for mode in MODES for rank in (1, 2, 3)), *(whole_numbers(mode) for mode in MODES))
