"""The deformable oracle against SciPy's interpolation tap by tap, a plain convolution, and differences."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from oracles.bounded import exact, ieee
from oracles.convolution import convolution
from oracles.deformable_convolution import deformable_convolution, deformable_convolution_gradient

OPTIONS: list[dict[str, Any]] = [{}, {"stride": 2, "padding": (1, 0)}, {"stride": (1, 2), "padding": 1, "dilation": (2, 1)}]


def call(options: dict[str, Any], offset_groups: int, groups: int, masked: bool, seed: int = 0) -> dict[str, Any]:
    """Arrays for a filter of 2 × 3 cells on an image of 5 × 6 pixels; places lie anywhere between pixels."""
    rng = np.random.default_rng(seed)
    x, weight = rng.standard_normal((2, 4, 5, 6)), rng.standard_normal((2 * groups, 4 // groups, 2, 3))
    sides = convolution(x, weight, groups=groups, **options).shape[2:]
    offset = rng.normal(0, 1.5, (2, offset_groups * 12, *sides))
    mask = rng.standard_normal((2, offset_groups * 6, *sides)) if masked else None
    return {"x": x, "offset": offset, "weight": weight, "bias": rng.standard_normal(len(weight)), "mask": mask}


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize(("offset_groups", "groups"), [(1, 1), (2, 1), (1, 2), (4, 2)])
@pytest.mark.parametrize("masked", [False, True])
def test_every_tap_reads_as_scipy_does(options: dict[str, Any], offset_groups: int, groups: int, masked: bool) -> None:
    arrays = call(options, offset_groups, groups, masked)
    x, offset, weight, mask = (arrays[name] for name in ("x", "offset", "weight", "mask"))
    stride, padding, dilation = (
        np.broadcast_to(options.get(name, default), 2) for name, default in (("stride", 1), ("padding", 0), ("dilation", 1))
    )
    found = deformable_convolution(**arrays, **options)
    for n, o, i, j in itertools.product(range(2), range(len(weight)), *map(range, found.shape[2:])):
        wanted = arrays["bias"][o]
        for c, k, q in itertools.product(range(weight.shape[1]), range(2), range(3)):
            channel = o // (len(weight) // groups) * weight.shape[1] + c
            tap = (channel // (4 // offset_groups) * 2 + k) * 3 + q
            at = np.array([i, j]) * stride + np.array([k, q]) * dilation - padding + offset[n, 2 * tap : 2 * tap + 2, i, j]
            read = ndimage.map_coordinates(x[n, channel], at[:, None], order=1, mode="grid-constant")[0]
            wanted += weight[o, c, k, q] * read * (1 if mask is None else mask[n, tap, i, j])
        np.testing.assert_allclose(found[n, o, i, j], wanted, rtol=1e-10, atol=1e-10)


def test_without_offsets_it_is_a_convolution() -> None:
    arrays = call({"padding": 1}, 2, 2, masked=False)
    arrays["offset"] = 0 * arrays["offset"]
    wanted = convolution(arrays["x"], arrays["weight"], arrays["bias"], padding=1, groups=2)
    np.testing.assert_allclose(deformable_convolution(**arrays, padding=1), wanted, atol=1e-12)


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("masked", [False, True])
def test_gradients_are_differences(options: dict[str, Any], masked: bool) -> None:
    arrays = call(options, 2, 2, masked)
    by = ieee("float64")
    y = deformable_convolution(**arrays, **options)
    dy, rng = np.random.default_rng(1).standard_normal(y.shape), np.random.default_rng(2)
    balls = {name: None if a is None else exact(a, by) for name, a in arrays.items()}
    for gradient in (deformable_convolution_gradient, *deformable_convolution_gradient.formulations):  # type: ignore[attr-defined]
        found = gradient(exact(dy, by), **balls, **options)
        assert set(found) == {name for name, a in arrays.items() if a is not None}
        for name in found:
            direction, step = rng.standard_normal(arrays[name].shape), 2.0**-20
            ends = [deformable_convolution(**{**arrays, name: arrays[name] + s * direction}, **options) for s in (step, -step)]
            difference = np.sum(dy * (ends[0] - ends[1])) / (2 * step)
            np.testing.assert_allclose(np.sum(found[name].value * direction), difference, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("formulation", range(4))
def test_on_a_pixel_the_slope_is_that_of_one_side(formulation: int) -> None:
    """Between pixels 1, 3 and 8 the derivative at the middle one is 5 from above, 2 from below."""
    by = ieee("float64")
    x, offset, weight, dy = np.array([[[[1.0, 3.0, 8.0]]]]), np.zeros((1, 2, 1, 3)), np.ones((1, 1, 1, 1)), np.array([[[[0.0, 1.0, 0.0]]]])
    gradient = (deformable_convolution_gradient, *deformable_convolution_gradient.formulations)[formulation]  # type: ignore[attr-defined]
    found = gradient(*(exact(a, by) for a in (dy, x, offset, weight)))["offset"]
    assert found.value[0, 1, 0, 1] == (5, 2)[formulation % 2]
    assert not found.error.any()
