"""Axes joined into one, and one axis split into several."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Trial
from conformance.model import FLOATS, Case, Law, Operation, torch
from conformance.operations.laws import assert_same
from conformance.operations.sliding import FLAGS, image, nothing, pooling_data, speckled
from oracles.flattening import flatten, flattening_gradient, unflatten, unflattened
from oracles.shapes import flattened


def call_flatten(x: Any, **options: Any) -> Any:
    """The module's forward."""
    return torch.nn.Flatten(**options)(x)


def call_unflatten(x: Any, **options: Any) -> Any:
    """The module's forward."""
    return torch.nn.Unflatten(**options)(x)


SIDES = st.lists(st.sampled_from((2, 1, 3, 4, 0, 17)), min_size=1, max_size=4)


@st.composite
def flatten_cases(draw: st.DrawFn, dtype: str) -> Case:
    """One to four axes, counted from either end."""
    data, sides = draw(pooling_data(dtype)), draw(SIDES)
    first = draw(st.integers(0, len(sides) - 1))
    last = draw(st.integers(first, len(sides) - 1))
    first, last = (axis - len(sides) if draw(FLAGS) else axis for axis in (first, last))
    return data.case({"x": speckled(data, *sides)}, start_dim=first, end_dim=last)


@st.composite
def unflatten_cases(draw: st.DrawFn, dtype: str) -> Case:
    """One axis of one to three into up to three, one of them perhaps to be found."""
    data, sides = draw(pooling_data(dtype)), draw(st.lists(st.integers(1, 4), max_size=2))
    parts = draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    at = draw(st.integers(0, len(sides)))
    whole = [*sides[:at], int(np.prod(parts)), *sides[at:]]
    if draw(FLAGS):
        parts[draw(st.integers(0, len(parts) - 1))] = -1
    return data.case({"x": speckled(data, *whole)}, dim=at - len(whole) if draw(FLAGS) else at, unflattened_size=tuple(parts))


def in_order(trial: Trial, case: Case) -> None:
    """The elements follow each other as before."""
    assert_same(trial.run(case)["output"].ravel(), image(case).ravel(), "the elements are in another order")


def one_too_many(case: Case) -> Case:
    """Sides whose product is not the axis's."""
    side = image(case).shape[case.options["dim"]]
    return case.but(unflattened_size=(side + 1, 1))


ORDER = Law("the elements keep their order", in_order)

Flatten = Operation(
    name="torch.nn.Flatten",
    call=call_flatten,
    oracle=flatten,
    gradient=flattening_gradient,
    shape=lambda x, *, start_dim, end_dim: {"output": flattened(x, start_dim, end_dim)},
    cost=nothing,
    cases=flatten_cases,
    rejects={
        "start_dim must not lie behind end_dim": lambda case: case.but(start_dim=1, end_dim=0) if image(case).ndim > 1 else None,
        "start_dim must be an axis": lambda case: case.but(start_dim=image(case).ndim),
        "end_dim must be an axis": lambda case: case.but(end_dim=-image(case).ndim - 1),
    },
    laws=(ORDER,),
    dtypes=FLOATS,
    share=0.6,
)

Unflatten = Operation(
    name="torch.nn.Unflatten",
    call=call_unflatten,
    oracle=unflatten,
    gradient=flattening_gradient,
    shape=lambda x, *, dim, unflattened_size: {"output": unflattened(x, dim, unflattened_size)},
    cost=nothing,
    cases=unflatten_cases,
    rejects={
        "the product of the sides must be the axis's": one_too_many,
        "one side at most may be left to be found": lambda case: case.but(unflattened_size=(-1, -1)),
        "dim must be an axis": lambda case: case.but(dim=image(case).ndim),
        "unflattened_size must not be empty": lambda case: case.but(unflattened_size=()),
    },
    laws=(ORDER,),
    dtypes=FLOATS,
    share=0.6,
)

OPERATIONS = (Flatten, Unflatten)
