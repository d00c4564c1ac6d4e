"""The transposed convolution oracle against the documented sum, one product after the other, and convolution's adjoint."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from oracles.convolution import convolution_gradient
from oracles.transposed_convolution import transposed_convolution, transposed_convolution_gradient

FEW = st.integers(1, 3)


@st.composite
def calls(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """Arrays of small integers and options, for one to three axes."""
    rank, groups = draw(FEW), draw(FEW)
    each = st.tuples(*[FEW] * rank)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    inner, outer, kernel = draw(FEW), draw(FEW), draw(each)
    options = {"stride": draw(each), "padding": draw(st.integers(0, 1)), "groups": groups, "dilation": draw(each)}
    options["output_padding"] = tuple(draw(st.integers(0, s - 1)) for s in options["stride"])
    batch = draw(st.sampled_from(((), (0,), (2,))))
    arrays = {
        "x": rng.integers(-4, 5, (*batch, groups * inner, *(draw(st.integers(3, 4)) for _ in range(rank)))).astype(float),
        "weight": rng.integers(-4, 5, (groups * inner, outer, *kernel)).astype(float),
        "bias": rng.integers(-4, 5, groups * outer).astype(float) if draw(st.booleans()) else None,
    }
    return arrays, options


def naive(x: Any, weight: Any, bias: Any, stride: Any, padding: int, groups: int, dilation: Any, output_padding: Any) -> Any:
    """Every pixel adds its filter to the output."""
    rank = weight.ndim - 2
    if x.ndim == rank + 1:
        return naive(x[None], weight, bias, stride, padding, groups, dilation, output_padding)[0]
    axes = zip(x.shape[2:], weight.shape[2:], stride, dilation, output_padding, strict=True)
    sides = [(n - 1) * s - 2 * padding + d * (k - 1) + more + 1 for n, k, s, d, more in axes]
    y = np.zeros((len(x), weight.shape[1] * groups, *sides))
    for n, c, *pixel in itertools.product(*map(range, x.shape)):
        for o, *tap in itertools.product(*map(range, weight.shape[1:])):
            at = [j * s + p * d - padding for j, s, p, d in zip(pixel, stride, tap, dilation, strict=True)]
            if all(0 <= i < side for i, side in zip(at, sides, strict=True)):
                group = c // (len(weight) // groups)
                y[(n, group * weight.shape[1] + o, *at)] += weight[(c, o, *tap)] * x[(n, c, *pixel)]
    return y if bias is None else y + bias.reshape(-1, *(1,) * rank)


@settings(max_examples=40, deadline=None)
@given(calls())
def test_it_is_the_documented_sum(call: tuple[dict[str, Any], dict[str, Any]]) -> None:
    arrays, options = call
    wanted = naive(**arrays, **options)
    for formulation in (transposed_convolution, *transposed_convolution.formulations):  # type: ignore[attr-defined]
        np.testing.assert_array_equal(formulation(**arrays, **options), wanted)


@settings(max_examples=40, deadline=None)
@given(calls())
def test_it_is_the_gradient_of_a_convolution(call: tuple[dict[str, Any], dict[str, Any]]) -> None:
    """By its input; and output_size asks for what output_padding gives."""
    arrays, options = call
    x, weight = arrays["x"], arrays["weight"]
    y = transposed_convolution(x, weight, **options)
    same = {name: options[name] for name in ("stride", "padding", "groups", "dilation")}
    np.testing.assert_array_equal(y, convolution_gradient(x, np.zeros(y.shape), weight, **same)["x"])
    np.testing.assert_array_equal(y, transposed_convolution(x, weight, **same, output_size=y.shape))


@settings(max_examples=40, deadline=None)
@given(calls(), st.data())
def test_gradients_are_differences(call: tuple[dict[str, Any], dict[str, Any]], data: st.DataObject) -> None:
    arrays, options = call
    y = transposed_convolution(**arrays, **options)
    dy = np.random.default_rng(0).integers(-4, 5, y.shape).astype(float)
    for gradient in (transposed_convolution_gradient, *transposed_convolution_gradient.formulations):  # type: ignore[attr-defined]
        found = gradient(dy, **arrays, **options)
        for name, array in arrays.items():
            assert (name in found) == (array is not None)
            if array is None or not array.size:
                continue
            at = np.unravel_index(data.draw(st.integers(0, array.size - 1)), array.shape)
            grown = array.copy()
            grown[at] += 1
            assert found[name][at] == np.sum(dy * (transposed_convolution(**{**arrays, name: grown}, **options) - y))
