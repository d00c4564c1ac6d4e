"""Unfolding and folding against blocks cut out one by one; the separable convolution against two naive sums."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from oracles.separable_convolution import separable_convolution, separable_convolution_gradient
from oracles.unfold import fold, unfold

OPTIONS: list[dict[str, Any]] = [
    {"kernel_size": 2},
    {"kernel_size": (2, 3), "padding": 1, "stride": 2},
    {"kernel_size": (3, 1), "dilation": 2, "padding": (2, 0), "stride": (1, 3)},
]


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("batch", [(), (0,), (2,)])
def test_blocks_are_cut_out(options: dict[str, Any], batch: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).integers(-9, 10, (*batch, 2, 5, 7)).astype(float)
    kernel, dilation, padding, stride = (
        np.broadcast_to(options.get(n, d), 2) for n, d in zip(("kernel_size", "dilation", "padding", "stride"), (0, 1, 0, 1), strict=True)
    )
    padded = np.pad(x, [(0, 0)] * (x.ndim - 2) + [(p, p) for p in padding])
    reach = dilation * (kernel - 1) + 1
    corners = [
        (i, j) for i in range(0, padded.shape[-2] - reach[0] + 1, stride[0]) for j in range(0, padded.shape[-1] - reach[1] + 1, stride[1])
    ]
    cut = [padded[..., i : i + reach[0] : dilation[0], j : j + reach[1] : dilation[1]] for i, j in corners]
    wanted = np.stack([block.reshape(*batch, -1 if x.size else 2 * kernel.prod()) for block in cut], -1)
    columns = unfold(x, **options)
    np.testing.assert_array_equal(columns, wanted)
    back = np.zeros_like(padded)
    for block, (i, j) in zip(cut, corners, strict=True):
        back[..., i : i + reach[0] : dilation[0], j : j + reach[1] : dilation[1]] += block
    inside = back[..., padding[0] : padding[0] + 5, padding[1] : padding[1] + 7]
    np.testing.assert_array_equal(fold(columns, output_size=(5, 7), **options), inside)


def test_a_separable_convolution_is_linear_in_each_array() -> None:
    rng = np.random.default_rng(0)
    shapes = {"x": (1, 2, 4, 4), "depthwise": (4, 1, 2, 2), "pointwise": (3, 4, 1, 1), "bias": (3,)}
    arrays = {name: rng.integers(-4, 5, shape).astype(float) for name, shape in shapes.items()}
    y = separable_convolution(**arrays, padding=1)
    assert y[0, 1, 1, 1] == arrays["bias"][1] + sum(
        arrays["pointwise"][1, m, 0, 0] * np.sum(arrays["depthwise"][m, 0] * arrays["x"][0, m // 2, :2, :2]) for m in range(4)
    )
    dy = rng.integers(-4, 5, y.shape).astype(float)
    found = separable_convolution_gradient(dy, **arrays, padding=1)
    for name, array in arrays.items():
        grown = array.copy()
        grown.flat[1] += 1
        assert found[name].flat[1] == np.sum(dy * (separable_convolution(**{**arrays, name: grown}, padding=1) - y))
