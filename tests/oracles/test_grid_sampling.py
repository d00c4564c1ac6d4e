"""The oracles of sampling at any positions against SciPy, loops in plain Python, and differences."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from oracles.affine import affine_grid, affine_grid_gradient
from oracles.bounded import exact, ieee
from oracles.grid_sampling import grid_sample, grid_sample_gradient

FLOAT64 = ieee("float64")
SCIPY = {"zeros": ("grid-constant",) * 2, "border": ("nearest",) * 2, "reflection": ("reflect", "mirror")}  # by align_corners


def places(grid: np.ndarray, sides: tuple[int, ...], align_corners: bool) -> list[np.ndarray]:
    """Where the points of a grid lie, counted in cells, one array for every axis."""
    found = []
    for axis, n in enumerate(sides):
        g = grid[..., -1 - axis]
        found.append((g + 1) / 2 * (n - 1) if align_corners else (g + 1) / 2 * n - 0.5)
    return found


def data(rank: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two images of two channels, and points inside and outside."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal((2, 2, *(4, 3, 5)[:rank])), rng.uniform(-2.5, 2.5, (2, *(3, 4, 2)[:rank], rank))


@pytest.mark.parametrize("rank", [2, 3])
@pytest.mark.parametrize("padding_mode", sorted(SCIPY))
@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("mode", ["bilinear", "nearest"])
def test_sampling_is_map_coordinates_of_scipy(rank: int, padding_mode: str, align_corners: bool, mode: str) -> None:
    x, grid = data(rank)
    found = grid_sample(exact(x, FLOAT64), exact(grid, FLOAT64), mode=mode, padding_mode=padding_mode, align_corners=align_corners)
    options = {"order": int(mode == "bilinear"), "mode": SCIPY[padding_mode][align_corners]}
    at = [places(g, x.shape[2:], align_corners) for g in grid]
    wanted = np.array([[ndimage.map_coordinates(plane, at[n], **options) for plane in image] for n, image in enumerate(x)])
    if mode == "nearest":
        assert found.accepts(wanted).all()
    else:
        np.testing.assert_allclose(found.value, wanted, rtol=1e-12, atol=1e-12)
        other = grid_sample.formulations[0](x, grid, mode=mode, padding_mode=padding_mode, align_corners=align_corners)
        np.testing.assert_allclose(other, wanted, rtol=1e-12, atol=1e-12)


def keys(t: float) -> float:
    """Keys' kernel of a = −3/4."""
    t = abs(t)
    return 1.25 * t**3 - 2.25 * t**2 + 1 if t <= 1 else -0.75 * (t**3 - 5 * t**2 + 8 * t - 4) if t < 2 else 0.0


def cell(i: int, n: int, padding_mode: str, align_corners: bool) -> int | None:
    """The cell that stands for one outside."""
    if 0 <= i < n or padding_mode == "zeros":
        return i if 0 <= i < n else None
    if padding_mode == "border":
        return min(max(i, 0), n - 1)
    return (
        cell(-i if align_corners else -1 - i, n, padding_mode, align_corners)
        if i < 0
        else cell(2 * (n - 1) - i if align_corners else 2 * n - 1 - i, n, padding_mode, align_corners)
    )


@pytest.mark.parametrize("padding_mode", sorted(SCIPY))
@pytest.mark.parametrize("align_corners", [False, True])
def test_bicubic_sampling_sums_sixteen_cells(padding_mode: str, align_corners: bool) -> None:
    x, grid = data(2)
    found = grid_sample(x, grid, mode="bicubic", padding_mode=padding_mode, align_corners=align_corners)
    for n, p, q in np.ndindex(2, 3, 4):
        row, column = (float(at[p, q]) for at in places(grid[n], (4, 3), align_corners))
        wanted = np.zeros(2)
        for i in range(math.floor(row) - 1, math.floor(row) + 3):
            for j in range(math.floor(column) - 1, math.floor(column) + 3):
                at = cell(i, 4, padding_mode, align_corners), cell(j, 3, padding_mode, align_corners)
                if at[0] is not None and at[1] is not None:
                    wanted += keys(row - i) * keys(column - j) * x[n, :, at[0], at[1]]
        np.testing.assert_allclose(found[n, :, p, q], wanted, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("rank", [2, 3])
@pytest.mark.parametrize("padding_mode", sorted(SCIPY))
@pytest.mark.parametrize("mode", ["bilinear", "bicubic", "nearest"])
def test_gradients_are_differences(rank: int, padding_mode: str, mode: str) -> None:
    x, grid = data(rank)
    options: dict[str, Any] = {"mode": mode, "padding_mode": padding_mode, "align_corners": True}

    def output(x: np.ndarray, grid: np.ndarray) -> np.ndarray:
        found = grid_sample(exact(x, FLOAT64), exact(grid, FLOAT64), **options)
        return (found.choices[0] if mode == "nearest" else found).value

    dy = np.random.default_rng(1).standard_normal(output(x, grid).shape)
    found = grid_sample_gradient(exact(dy, FLOAT64), exact(x, FLOAT64), exact(grid, FLOAT64), **options)
    for formulation in grid_sample_gradient.formulations:
        other = formulation(exact(dy, FLOAT64), exact(x, FLOAT64), exact(grid, FLOAT64), **options)
        assert mode == "nearest" or other["grid"].accepts(found["grid"].value).all()
    rng = np.random.default_rng(2)
    for name, array in {"input": x, "grid": grid}.items():
        direction, step = rng.standard_normal(array.shape), 2.0**-20
        moved = [{"x": x, "grid": grid, **{"x" if name == "input" else "grid": array + s * direction}} for s in (step, -step)]
        difference = np.sum(dy * (output(**moved[0]) - output(**moved[1]))) / (2 * step)
        np.testing.assert_allclose(np.sum(found[name].value * direction), difference, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("size", [(2, 1, 3, 4), (1, 2, 1, 3), (2, 1, 2, 3, 4)])
def test_an_affine_grid_maps_the_centres_of_cells(size: tuple[int, ...], align_corners: bool) -> None:
    rank, n = len(size) - 2, size[0]
    theta = np.random.default_rng(0).standard_normal((n, rank, rank + 1))
    found = affine_grid(theta, size=size, align_corners=align_corners)
    np.testing.assert_allclose(affine_grid.formulations[0](theta, size=size, align_corners=align_corners), found, atol=1e-12)
    dy = np.random.default_rng(1).standard_normal(found.shape)
    wanted = np.zeros(theta.shape)
    for at in np.ndindex(*size[2:]):
        ends = zip(at[::-1], size[:1:-1], strict=True)
        position = [0.0 if m == 1 else 2 * o / (m - 1) - 1 if align_corners else (2 * o + 1) / m - 1 for o, m in ends] + [1.0]
        for image in range(n):
            np.testing.assert_allclose(
                found[(image, *at)], [sum(t * p for t, p in zip(row, position, strict=True)) for row in theta[image]]
            )
            wanted[image] += np.outer(dy[(image, *at)], position)
    np.testing.assert_allclose(affine_grid_gradient(dy, theta, size=size, align_corners=align_corners)["theta"], wanted)


@pytest.mark.parametrize("mode", ["bilinear", "nearest"])
def test_an_infinite_position_has_no_place_where_the_corners_are_one(mode: str) -> None:
    """(∞ + 1) / 2 · (1 − 1) is no number, whatever the kernel."""
    by = ieee("float64")
    arrays = [exact(np.full((1, 1, 1, 1), 8.0), by), exact(np.array([[[[-np.inf, 0.5]]]]), by)]
    accepted = grid_sample(*arrays, mode=mode, padding_mode="zeros", align_corners=True)
    assert all(accepted.accepts(np.full((1, 1, 1, 1), y)).all() for y in (0.0, 8.0, np.nan))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_at_an_edge_the_slope_of_either_side_is_accepted_where_the_other_is_not_a_number(dtype: str) -> None:
    by = ieee(dtype)
    x = np.array([[[[np.nan], [0.5]]]])
    at = np.array([[[[0.0, 1.5]]]])  # row 2, which is row 1 again; row 3 is row 0
    options: dict[str, Any] = {"mode": "bilinear", "padding_mode": "reflection", "align_corners": False}
    ways = (grid_sample_gradient, *grid_sample_gradient.formulations)
    found = [way(exact(np.ones((1, 1, 1, 1)), by), exact(x, by), exact(at, by), **options)["grid"] for way in ways]

    def accepted(slope: float) -> bool:
        return any(ball.accepts(np.array([[[[0.0, slope]]]])).all() for ball in found)

    assert accepted(0.0)
    assert accepted(np.nan)
    assert not accepted(0.25)


def test_beyond_an_edge_a_slope_that_overflows_may_be_multiplied_by_zero() -> None:
    by = ieee("float32")
    x, at = np.array([[[[-3.0, 3.0]]]]), np.array([[[[-2.0, 0.0]]]])
    ways = (grid_sample_gradient, *grid_sample_gradient.formulations)
    for size, lost in ((3e38, True), (3.0, False)):
        dy = np.full((1, 1, 1, 1), size)
        found = [way(exact(dy, by), exact(x, by), exact(at, by), padding_mode="border", align_corners=False)["grid"] for way in ways]
        assert any(ball.accepts(np.array([[[[np.nan, 0.0]]]])).all() for ball in found) == lost
        assert not any(ball.accepts(np.array([[[[1.0, 0.0]]]])).all() for ball in found[:1])


def test_beside_a_cell_the_fraction_of_a_position_is_rounded_as_a_number_near_one() -> None:
    single = np.float32
    y = single(-0.021435201168060303)
    position = ((y + single(1)) * single(1) - single(1)) / single(2)
    distance = single(1) - (position - np.floor(position))  # of the cell at 0, by the fraction beyond that at −1
    slope = (single(4.5) - single(3.75) * distance) * distance * single(0.5)
    by, options = ieee("float32"), {"mode": "bicubic", "padding_mode": "zeros", "align_corners": False}
    arrays = (np.full((1, 1, 1, 1), 16.0), np.full((1, 1, 1, 1), 1.0), np.array([[[[0.0, y]]]]))
    found: Any = grid_sample_gradient(*(exact(array, by) for array in arrays), **options)["grid"]
    assert found.accepts(np.array([[[[0.0, 16 * slope]]]])).all()
    assert not found.accepts(np.array([[[[0.0, 16 * slope + 2e-6]]]])).all()


def test_the_weights_of_the_axes_may_be_multiplied_first() -> None:
    """Axis by axis every sum is exact; as one sum 75/256 · −5, 375/256, does not fit into eight bits."""
    by = ieee("bfloat16").as_composite()
    x, at = np.array([-5.0, 5.0]).reshape(1, 1, 1, 2, 1), np.array([0.75, -0.25, -0.75]).reshape(1, 1, 1, 1, 3)
    options: dict[str, Any] = {"mode": "bilinear", "padding_mode": "zeros", "align_corners": False}
    found = [way(exact(x, by), exact(at, by), **options) for way in (grid_sample, *grid_sample.formulations)]
    dy = np.full((1, 1, 1, 1, 1), 5.0)
    slopes = [
        way(exact(dy, by), exact(x, by), exact(at, by), **options)["grid"]
        for way in (grid_sample_gradient, *grid_sample_gradient.formulations)
    ]

    def accepted(ways: list[Any], y: Any) -> list[bool]:
        return [bool(ball.accepts(np.broadcast_to(y, ball.shape)).all()) for ball in ways]

    assert accepted(found, -125 / 128) == [True] * 4
    assert accepted(found, -251 / 256) == [False, False, False, True]
    assert not any(accepted(found, -259 / 256))
    assert found[0].shape == found[-1].shape == (1, 1, 1, 1, 1)
    assert slopes[0].shape == slopes[-1].shape == at.shape
    assert accepted(slopes, slopes[0].value)[-1]
    assert not any(accepted(slopes, slopes[0].value * 1.0625))


@pytest.mark.parametrize(("size", "overflows"), [(3.3e38, True), (2e38, False)])
def test_terms_that_meet_in_a_cell_at_an_edge_may_be_added_in_any_order(size: float, overflows: bool) -> None:
    """Halfway between cells two of the weights are 19/32: their terms first are more than the sum of all."""
    by, options = ieee("float32"), {"mode": "bicubic", "padding_mode": "border", "align_corners": False}
    dy, x, at = np.full((1, 1, 1, 1), size), np.ones((1, 1, 1, 1)), np.array([[[[1.0, 0.0]]]])
    ways = (grid_sample_gradient, *grid_sample_gradient.formulations)
    found = [way(*(exact(array, by) for array in (dy, x, at)), **options)["input"] for way in ways]
    assert any(ball.accepts(np.full((1, 1, 1, 1), np.inf)).all() for ball in found) == overflows
    assert all(ball.accepts(dy.astype(np.float32)).all() for ball in found)
