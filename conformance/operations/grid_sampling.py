"""Images and volumes read at any positions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Trial, set_aside
from conformance.model import FLOATS, Case, Law, Operation, Shape, torch
from conformance.operations.laws import assert_same, keeps
from conformance.strategies import Data, data_of
from oracles.grid_sampling import grid_sample, grid_sample_gradient


def call(input: Any, grid: Any, **options: Any) -> Any:
    """The function."""
    return torch.nn.functional.grid_sample(input, grid, **options)


def shape(input: Shape, grid: Shape, **_: Any) -> Mapping[str, Shape]:
    """(N, C, H, W), (N, H′, W′, 2) → (N, C, H′, W′)."""
    return {"output": (*input[:2], *grid[1:-1])}


SIDE, POINTS = st.integers(1, 5), st.integers(1, 5)
WIDE = st.sampled_from((7, 8, 9, 16, 17))


def positions(data: Data, kind: str, shape: tuple[int, ...]) -> np.ndarray:
    """Positions within the image, a little or far outside, nowhere, or on a lattice of quarters, where kernels have corners."""
    rng, reach = data.rng("grid"), {"inside": 1.0, "around": 1.5, "far": 3.5, "lattice": 1.5, "nowhere": 1.0, "infinite": 1.0}[kind]
    grid = rng.uniform(-reach, reach, shape)
    if kind in ("nowhere", "infinite"):
        odd = rng.choice([np.inf, -np.inf] if kind == "infinite" else [np.inf, -np.inf, np.nan, 1000.0, -1500.0], shape)
        grid = np.where(rng.random(shape) < 0.3, odd, grid)
    grid = np.rint(grid * 4) / 4 if kind == "lattice" else grid
    return grid.astype(data.array("x", 0).dtype)


@st.composite
def cases(draw: st.DrawFn, dtype: str) -> Case:
    """Images and volumes, read inside and outside."""
    data, rank, n = draw(data_of(dtype)), draw(st.sampled_from((2, 2, 3))), draw(st.sampled_from((1, 2, 1, 2, 0)))
    sides = [draw(SIDE) for _ in range(rank)]
    points = [draw(POINTS if rank == 2 else st.integers(1, 3)) for _ in range(rank)]
    if draw(st.integers(0, 3)) == 0 and rank == 2:
        (sides if draw(st.booleans()) else points)[draw(st.integers(0, 1))] = draw(WIDE)
    kind = draw(st.sampled_from(("inside", "around", "far", "lattice", "nowhere", "infinite")))
    arrays = {
        "input": data.array("input", n, draw(st.integers(1, 3)), *sides),
        "grid": positions(data, kind, (n, *points, rank)),
    }
    return data.case(
        arrays,
        mode=draw(st.sampled_from(("bilinear", "nearest", "bicubic") if rank == 2 else ("bilinear", "nearest"))),
        padding_mode=draw(st.sampled_from(("zeros", "border", "reflection"))),
        align_corners=draw(st.sampled_from((False, True))),
    )


def array(case: Case, name: str) -> np.ndarray:
    """An array that every case has."""
    found = case.arrays[name]
    assert found is not None
    return found


REJECTS: Mapping[str, Callable[[Case], Case | None]] = {
    "mode must be one of the three": lambda case: case.but(mode="linear"),
    "padding_mode must be one of the three": lambda case: case.but(padding_mode="constant"),
    "grid must have a position for every axis": lambda case: case.but(grid=array(case, "grid")[..., 1:]),
    "grid must be of as many images": lambda case: (
        case.but(grid=np.concatenate([array(case, "grid")] * 2)) if len(array(case, "grid")) else None
    ),
    "grid must have as many axes as input": lambda case: case.but(grid=array(case, "grid")[:, 0]),
    "input and grid must have one dtype": lambda case: case.but(grid=array(case, "grid").astype("float16")),
    "input must not have an empty side": lambda case: case.but(input=array(case, "input")[..., :0]),
    "bicubic must not go with volumes": lambda case: case.but(mode="bicubic") if array(case, "input").ndim == 5 else None,
}


def far_away_is_nothing(trial: Trial, case: Case) -> None:
    """Outside of everything zeros are read; an image of one cell, whose corners are its centre, lies everywhere."""
    if case.options["align_corners"] and max(array(case, "input").shape[2:]) == 1:
        return
    grid = np.full_like(array(case, "grid"), 40)
    y = trial.run(case.but(grid=grid, padding_mode="zeros"))["output"]
    assert_same(y, np.zeros_like(y), "outside of everything there is something")


def nan_is_the_first_corner(trial: Trial, case: Case) -> None:
    """A position that is NaN is read as −1."""
    grid = array(case, "grid").copy()
    odd = np.random.default_rng(case.seed).random(grid.shape) < 0.3
    case = case.but(input=Data(case.dtype, "integers", case.seed).array("input", *array(case, "input").shape))
    with_nan = case.but(grid=np.where(odd, np.nan, grid).astype(grid.dtype))
    if odd.any() and not set_aside(with_nan):
        y = trial.run(case.but(grid=np.where(odd, -1, grid).astype(grid.dtype)))["output"]
        assert_same(trial.run(with_nan)["output"], y, "NaN in the grid is not read as −1")


GridSample = Operation(
    name="torch.nn.functional.grid_sample",
    call=call,
    oracle=grid_sample,
    gradient=grid_sample_gradient,
    shape=shape,
    cases=cases,
    rejects=REJECTS,
    laws=(
        Law("far away there is nothing", far_away_is_nothing),
        Law("NaN in the grid is −1", nan_is_the_first_corner),
        keeps("input"),
    ),
    dtypes=FLOATS,
    share=0.8,
)

OPERATIONS = (GridSample,)
