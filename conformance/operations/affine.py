"""Sampling grids from affine maps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Trial
from conformance.model import FLOATS, Case, Law, Operation, Shape, torch
from conformance.operations.laws import assert_same
from conformance.strategies import data_of
from oracles.affine import affine_grid, affine_grid_gradient


def call(theta: Any, **options: Any) -> Any:
    """The function."""
    return torch.nn.functional.affine_grid(theta, **options)


def shape(theta: Shape, *, size: Shape, align_corners: bool) -> Mapping[str, Shape]:
    """(N, 2, 3) → (N, H, W, 2)."""
    return {"output": (size[0], *size[2:], theta[1])}


SIDE = st.one_of(st.integers(1, 6), st.integers(1, 6), st.sampled_from((7, 8, 9, 16, 17, 33)))


@st.composite
def cases(draw: st.DrawFn, dtype: str) -> Case:
    """Two and three axes, sides of one cell too."""
    data, rank, n = draw(data_of(dtype)), draw(st.sampled_from((2, 3))), draw(st.integers(1, 3))
    size = (n, draw(st.integers(1, 3)), *(draw(SIDE if rank == 2 else st.integers(1, 5)) for _ in range(rank)))
    return data.case({"theta": data.array("theta", n, rank, rank + 1)}, size=size, align_corners=draw(st.booleans()))


def matrices(case: Case) -> np.ndarray:
    """The array of affine maps."""
    theta = case.arrays["theta"]
    assert theta is not None
    return theta


REJECTS: Mapping[str, Callable[[Case], Case | None]] = {
    "theta must have three axes": lambda case: case.but(theta=matrices(case)[0]),
    "theta must have a matrix for every image": lambda case: case.but(theta=np.concatenate([matrices(case)] * 2)),
    "theta must have a row for every axis": lambda case: case.but(theta=matrices(case)[:, 1:]),
    "theta must have a column for every axis and one more": lambda case: case.but(theta=matrices(case)[..., 1:]),
    "theta must be of a floating dtype": lambda case: case.but(theta=np.ones(matrices(case).shape, np.int64)),
    "size must be positive": lambda case: case.but(size=(*case.options["size"][:-1], 0)),
    "size must have four or five numbers": lambda case: case.but(size=case.options["size"][:3]),
}


def translation_is_copied(trial: Trial, case: Case) -> None:
    """A map that is a translation only puts every cell there."""
    theta = np.zeros_like(matrices(case))
    theta[..., -1] = np.arange(1, theta.shape[1] + 1)
    y = trial.run(case.but(theta=theta))["output"]
    assert_same(y, np.broadcast_to(np.arange(1, theta.shape[1] + 1).astype(y.dtype), y.shape), "a translation is not everywhere the same")


AffineGrid = Operation(
    name="torch.nn.functional.affine_grid",
    call=call,
    oracle=affine_grid,
    gradient=affine_grid_gradient,
    shape=shape,
    cases=cases,
    rejects=REJECTS,
    laws=(Law("a translation is everywhere the same", translation_is_copied),),
    dtypes=FLOATS,
)

OPERATIONS = (AffineGrid,)
