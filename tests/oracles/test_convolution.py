"""The convolution oracle against the formula summed naively, SciPy, and differences of itself."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from oracles.convolution import (
    convolution,
    convolution_gradient,
    convolution_of_present_cells,
    gradient_by_columns,
    gradient_of_present_cells,
)

FEW = st.integers(1, 3)
OUTSIDE = {  # the cell of the image that is read at index i beyond its side n, from the documentation of padding_mode
    "zeros": lambda i, n: None,
    "reflect": lambda i, n: -i if i < 0 else 2 * n - 2 - i,
    "replicate": lambda i, n: 0 if i < 0 else n - 1,
    "circular": lambda i, n: i % n,
}


@st.composite
def calls(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """Arrays of small integers and options, for one to three axes."""
    rank, groups, mode = draw(FEW), draw(FEW), draw(st.sampled_from(tuple(OUTSIDE)))
    each = st.tuples(*[FEW] * rank)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    inner, outer, kernel, sides = draw(FEW), draw(FEW), draw(each), [draw(st.integers(5, 6)) for _ in range(rank)]
    batch = draw(st.sampled_from(((), (0,), (2,))))
    arrays = {
        "x": rng.integers(-4, 5, (*batch, groups * inner, *sides)).astype(float),
        "weight": rng.integers(-4, 5, (groups * outer, inner, *kernel)).astype(float),
        "bias": rng.integers(-4, 5, groups * outer).astype(float) if draw(st.booleans()) else None,
    }
    dilation = draw(st.one_of(st.integers(1, 2), st.tuples(*[st.integers(1, 2)] * rank)))
    padding = draw(st.one_of(st.integers(0, 3), st.tuples(*[st.integers(0, 3)] * rank), st.sampled_from(("same", "valid"))))
    stride = 1 if padding == "same" else draw(st.one_of(FEW, each))
    return arrays, {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups, "padding_mode": mode}


def naive(x: Any, weight: Any, bias: Any, stride: Any, padding: Any, dilation: Any, groups: int, padding_mode: str) -> Any:
    """The documented sum, one product after the other."""
    rank = weight.ndim - 2
    if x.ndim == rank + 1:
        return naive(x[None], weight, bias, stride, padding, dilation, groups, padding_mode)[0]
    stride, dilation = np.broadcast_to(stride, rank), np.broadcast_to(dilation, rank)
    sides, kernel, outer = x.shape[2:], weight.shape[2:], len(weight) // groups
    if padding == "same":
        counts, before = sides, [d * (k - 1) // 2 for d, k in zip(dilation, kernel, strict=True)]
    else:
        before = np.broadcast_to(0 if padding == "valid" else padding, rank)
        counts = [(n + 2 * p - d * (k - 1) - 1) // s + 1 for n, p, d, k, s in zip(sides, before, dilation, kernel, stride, strict=True)]
    y = np.zeros((len(x), len(weight), *counts))
    for n, o, *at in itertools.product(*map(range, y.shape)):
        y[(n, o, *at)] = 0 if bias is None else bias[o]
        for c, *tap in itertools.product(*map(range, weight.shape[1:])):
            cell = [i * s + t * d - p for i, s, t, d, p in zip(at, stride, tap, dilation, before, strict=True)]
            cell = [i if 0 <= i < side else OUTSIDE[padding_mode](i, side) for i, side in zip(cell, sides, strict=True)]
            if None not in cell:
                y[(n, o, *at)] += weight[(o, c, *tap)] * x[(n, o // outer * weight.shape[1] + c, *cell)]
    return y


@settings(max_examples=60, deadline=None)
@given(calls())
def test_it_is_the_documented_sum(call: tuple[dict[str, Any], dict[str, Any]]) -> None:
    arrays, options = call
    wanted = naive(**arrays, **options)
    for formulation in (convolution, convolution_of_present_cells):
        np.testing.assert_array_equal(formulation(**arrays, **options), wanted)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_scipy_correlates_alike(rank: int) -> None:
    rng = np.random.default_rng(rank)
    x, weight = rng.integers(-9, 10, (6, 7, 5)[:rank]), rng.integers(-9, 10, (3, 2, 4)[:rank])
    wanted = signal.correlate(x, weight, mode="valid", method="direct")
    np.testing.assert_array_equal(convolution(x[None, None] * 1.0, weight[None, None] * 1.0)[0, 0], wanted)


@settings(max_examples=40, deadline=None)
@given(calls(), st.data())
def test_gradients_are_differences(call: tuple[dict[str, Any], dict[str, Any]], data: st.DataObject) -> None:
    """f is linear in each array: the derivative by an element is what y changes by when the element grows by one."""
    arrays, options = call
    y = convolution(**arrays, **options)
    dy = np.random.default_rng(0).integers(-4, 5, y.shape).astype(float)
    gradients = [f(dy, **arrays, **options) for f in (convolution_gradient, gradient_by_columns, gradient_of_present_cells)]
    for name, array in arrays.items():
        for found in gradients:
            assert (name in found) == (array is not None)
        if array is None or not array.size:
            continue
        at = np.unravel_index(data.draw(st.integers(0, array.size - 1)), array.shape)
        grown = array.copy()
        grown[at] += 1
        wanted = np.sum(dy * (convolution(**{**arrays, name: grown}, **options) - y))
        for found in gradients:
            assert found[name].shape == array.shape
            assert found[name][at] == wanted


def test_padding_is_left_out_or_zero() -> None:
    x, weight = np.ones((1, 1, 1)), np.array([[[np.inf, 1.0, 1.0]]])
    with np.errstate(invalid="ignore"):
        assert np.isnan(convolution(x, weight, padding=1)).all()
        assert (convolution_of_present_cells(x, weight, padding=1) == 1).all()
