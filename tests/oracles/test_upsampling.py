"""The resampling oracles against the documented formulas written naively in fractions, and against Pillow."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from oracles.bounded import exact, ieee
from oracles.sampling_grid import sides_after
from oracles.upsampling import interpolate, interpolate_gradient, with_options

MODES = {
    "nearest": (1, 2, 3),
    "nearest-exact": (1, 2, 3),
    "area": (1, 2, 3),
    "linear": (1,),
    "bilinear": (2,),
    "bicubic": (2,),
    "trilinear": (3,),
}


def taps(n: int, m: int, o: int, mode: str, align_corners: bool, scale: float | None) -> list[tuple[int, Fraction]]:
    """The old cells of a new one with their weights, straight from the documentation."""
    step = Fraction(n, m) if scale is None else 1 / Fraction(scale)
    if mode.startswith("nearest"):
        return [(min(n - 1, math.floor((o + Fraction("exact" in mode, 2)) * step)), Fraction(1))]
    if mode == "area":
        cells = range(o * n // m, -((-(o + 1) * n) // m))
        return [(i, Fraction(1, len(cells))) for i in cells]
    at = (o + Fraction(1, 2)) * step - Fraction(1, 2)
    if align_corners:
        at = Fraction(o * (n - 1), m - 1) if m > 1 else Fraction(0)
    first = math.floor(at)
    if mode != "bicubic":
        found = [(first, 1 - (at - first)), (first + 1, at - first)]
    else:
        a, found = Fraction(-3, 4), []
        for i in range(first - 1, first + 3):
            t = abs(at - i)
            near, far = (a + 2) * t**3 - (a + 3) * t**2 + 1, a * t**3 - 5 * a * t**2 + 8 * a * t - 4 * a
            found.append((i, near if t <= 1 else far))
    return [(min(max(i, 0), n - 1), w) for i, w in found]


@st.composite
def calls(draw: st.DrawFn) -> tuple[np.ndarray, dict[str, Any]]:
    """An image of integers and options."""
    mode = draw(st.sampled_from(sorted(MODES)))
    rank = draw(st.sampled_from(MODES[mode]))
    sides, target = (tuple(draw(st.integers(1, 4)) for _ in range(rank)) for _ in range(2))
    x = np.random.default_rng(draw(st.integers(0, 99))).integers(-9, 10, (1, 2, *sides)).astype(float)
    options: dict[str, Any] = {"mode": mode, "size": target}
    if draw(st.booleans()):
        options = {"mode": mode, "scale_factor": tuple(m / n for n, m in zip(sides, target, strict=True))}
        options["recompute_scale_factor"] = draw(st.booleans())
        if min(sides_after(sides, None, options["scale_factor"])) == 0:
            options = {"mode": mode, "size": target}
    if "linear" in mode or mode == "bicubic":
        options["align_corners"] = draw(st.booleans())
    return x, options


def weights(x: np.ndarray, options: dict[str, Any]) -> dict[tuple[int, ...], dict[tuple[int, ...], Fraction]]:
    """The weight of every old cell in every new one."""
    sides = x.shape[2:]
    target = sides_after(sides, options.get("size"), options.get("scale_factor"))
    used = options.get("scale_factor") and not options["recompute_scale_factor"] and options["mode"] != "area"
    scales = options["scale_factor"] if used else (None,) * len(sides)
    found: dict[tuple[int, ...], dict[tuple[int, ...], Fraction]] = {}
    for cell in itertools.product(*map(range, target)):
        axes = zip(sides, target, cell, scales, strict=True)
        each = [taps(n, m, o, options["mode"], options.get("align_corners", False), s) for n, m, o, s in axes]
        found[cell] = {}
        for chosen in itertools.product(*each):
            at = tuple(i for i, _ in chosen)
            found[cell][at] = found[cell].get(at, Fraction(0)) + math.prod(w for _, w in chosen)
    return found


@settings(max_examples=60, deadline=None)
@given(calls())
def test_resampling_is_the_documented_weighted_sum(call: tuple[np.ndarray, dict[str, Any]]) -> None:
    x, options = call
    shares = weights(x, options)
    wanted = np.zeros((1, 2, *np.add(max(shares), 1)))
    for cell, cells in shares.items():
        for channel in range(2):
            wanted[(0, channel, *cell)] = float(sum(w * int(x[(0, channel, *at)]) for at, w in cells.items()))
    for formulation in (interpolate, *interpolate.formulations):
        found = formulation(exact(x, ieee("float32")), **options)
        assert found.shape == wanted.shape
        assert found.accepts(wanted.astype(np.float32)).all()


@settings(max_examples=60, deadline=None)
@given(calls())
def test_the_gradient_is_the_transpose(call: tuple[np.ndarray, dict[str, Any]]) -> None:
    x, options = call
    shares = weights(x, options)
    dy = np.random.default_rng(0).integers(-9, 10, (1, 2, *np.add(max(shares), 1))).astype(float)
    wanted = np.zeros(x.shape)
    for cell, cells in shares.items():
        for at, w in cells.items():
            wanted[(0, slice(None), *at)] += float(w) * dy[(0, slice(None), *cell)]
    by = ieee("float32")
    for formulation in (interpolate_gradient, *interpolate_gradient.formulations):
        found = formulation(exact(dy, by), exact(x, by), **options)["x"]
        assert found.accepts(wanted.astype(np.float32)).all()


@pytest.mark.parametrize("mode", ["bilinear", "bicubic", "lanczos"])
@pytest.mark.parametrize("size", [(3, 4), (12, 5), (1, 1), (2, 20)])
def test_antialiasing_is_pillows(mode: str, size: tuple[int, int]) -> None:
    x = np.random.default_rng(0).standard_normal((9, 7))
    image = Image.fromarray(x.astype(np.float32))
    wanted = np.asarray(image.resize(size[::-1], Image.Resampling[mode.upper()]))
    found = interpolate(exact(x.astype(np.float32)[None, None], ieee("float32")), size=size, mode=mode, antialias=True)
    assert found.accepts(wanted[None, None]).all()


def test_nearest_leaves_open_what_rounding_may_carry_over_an_edge() -> None:
    """Position 23 · 14 / 46 is 7; in float32 it may come out less."""
    found = interpolate(exact(np.arange(14.0)[None, None], ieee("float32")), size=46, mode="nearest")
    assert [v for v in range(14) if found.accepts(np.full((1, 1, 46), v))[0, 0, 23]] == [6, 7]
    assert [v for v in range(14) if found.accepts(np.full((1, 1, 46), v))[0, 0, 22]] == [6]


def test_given_options_reach_every_formulation() -> None:
    doubled = with_options(interpolate, mode="linear")
    for formulation in (doubled, *doubled.formulations):
        np.testing.assert_array_equal(formulation(np.array([[[0.0, 4.0]]]), size=4), [[[0, 1, 3, 4]]])


@pytest.mark.parametrize(("size", "overflows"), [(3.4e38, True), (8e37, False)])
def test_terms_of_a_cell_at_an_edge_may_be_added_in_any_order(size: float, overflows: bool) -> None:
    by = ieee("float32")
    dy, x = exact(np.array([[[[size, -size, 0.0]]]]), by), exact(np.zeros((1, 1, 1, 2)), by)
    options: dict[str, Any] = {
        "size": (1, 3),
        "scale_factor": None,
        "mode": "bicubic",
        "align_corners": False,
        "recompute_scale_factor": None,
    }
    found = [way(dy, x, **options)["x"] for way in (interpolate_gradient, *interpolate_gradient.formulations)]
    accepted = [bool(ball.accepts(np.full(x.shape, np.inf))[0, 0, 0, 0]) for ball in found]
    assert any(accepted) == overflows  # the largest terms first, then those that make the sum small again
    assert all(np.isfinite(ball.value).all() for ball in found)
