"""The strategies of resampling draw the inputs on which real libraries have failed; the numbers are those of PyTorch's tracker."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from conformance.model import Case, Operation
from conformance.operations import affine, grid_sampling, upsampling
from oracles.sampling_grid import sides_after
from tests.reach.pool import drawn

RESAMPLING = {operation.id: operation for operation in upsampling.OPERATIONS}
NEAREST, LINEAR = RESAMPLING["interpolate_nearest"], RESAMPLING["interpolate_linear"]


def axes(case: Case) -> list[tuple[int, int, float | None]]:
    """The old side, the new one and the scale factor of every axis."""
    sides, scale = case.arrays["x"].shape[2:], case.options["scale_factor"]
    scales = scale if isinstance(scale, tuple) else (scale,) * len(sides)
    return list(zip(sides, sides_after(sides, case.options["size"], scale), scales, strict=True))


@pytest.mark.parametrize("operation", [NEAREST, LINEAR, RESAMPLING["Upsample"]], ids=repr)
def test_198201_an_axis_whose_size_the_scale_does_not_change(operation: Operation) -> None:
    drawn(operation, lambda c: any(s and n == m and s != 1 for n, m, s in axes(c)) and not c.options["recompute_scale_factor"])


@pytest.mark.parametrize("operation", [NEAREST, LINEAR], ids=repr)
def test_96236_a_ratio_whose_product_is_less_than_the_side_asked_for(operation: Operation) -> None:
    drawn(operation, lambda c: any(s and 0 < round(n * s) - n * s < 2.0**-40 for n, _, s in axes(c)))


@pytest.mark.parametrize("operation", [o for name, o in RESAMPLING.items() if name.startswith("interpolate")], ids=repr)
def test_targets_of_one_cell_and_less_than_a_cell_of_every_two(operation: Operation) -> None:
    drawn(operation, lambda c: 1 in [m for _, m, _ in axes(c)] and max(n for n, _, _ in axes(c)) > 1)
    drawn(operation, lambda c: any(n > 2 * m for n, m, _ in axes(c)))
    drawn(operation, lambda c: any(m > 2 * n for n, m, _ in axes(c)))


@pytest.mark.parametrize("again", [None, False, True])
@pytest.mark.parametrize("mode", ["nearest", "nearest-exact"])
def test_the_scale_is_recomputed_or_not(mode: str, again: bool | None) -> None:
    drawn(NEAREST, lambda c: c.options["mode"] == mode and c.options["scale_factor"] and c.options["recompute_scale_factor"] is again)


@pytest.mark.parametrize("ndim", [4, 5])
@pytest.mark.parametrize("mode", ["bilinear", "nearest"])
def test_sampling_reads_images_and_volumes(ndim: int, mode: str) -> None:
    drawn(grid_sampling.GridSample, lambda c: c.arrays["input"].ndim == ndim and c.options["mode"] == mode)


def test_sampling_combines_every_mode_and_padding() -> None:
    for mode, padding_mode in itertools.product(("bilinear", "nearest", "bicubic"), ("zeros", "border", "reflection")):
        drawn(grid_sampling.GridSample, lambda c, o=(mode, padding_mode): (c.options["mode"], c.options["padding_mode"]) == o)


def test_sampling_reads_inside_and_outside_and_empty_batches() -> None:
    drawn(grid_sampling.GridSample, lambda c: c.arrays["grid"].size > 0 and bool((np.abs(c.arrays["grid"]) > 2).any()))
    drawn(grid_sampling.GridSample, lambda c: len(c.arrays["input"]) == 0)
    drawn(affine.AffineGrid, lambda c: 1 in c.options["size"][2:])
