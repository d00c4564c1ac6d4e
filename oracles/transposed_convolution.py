"""Transposed convolutions of any rank: every pixel of the input is spread over the output by a filter."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from oracles.bounded import add_at, coarse, contract, stored
from oracles.windows import Sides, extent, spread


class Spreading:
    """Where a transposed convolution's filters lie: which pixel meets which output cell at each tap of the filter."""

    def __init__(
        self,
        x: Sides,
        weight: Sides,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        dilation: Any = 1,
        output_size: Any = None,
    ) -> None:
        self.rank, self.x, self.weight, self.groups = len(weight) - 2, x, weight, groups
        self.batch = x if len(x) == len(weight) else (1, *x)
        self.kernel, self.stride = weight[2:], spread(stride, self.rank)
        self.padding, self.dilation = spread(padding, self.rank), spread(dilation, self.rank)
        self.least = tuple(
            (side - 1) * s - 2 * p + reach
            for side, s, p, reach in zip(self.batch[2:], self.stride, self.padding, extent(self.kernel, self.dilation), strict=True)
        )
        more = zip(self.least, spread(output_padding, self.rank), strict=True)
        self.sides = tuple(a + b for a, b in more) if output_size is None else tuple(output_size[-self.rank :])
        self.full = (self.batch[0], weight[1] * groups, *self.sides)
        self.output = self.full if len(x) == len(weight) else self.full[1:]

    def pixels(self) -> list[np.ndarray]:
        """For every axis, the pixel that each output cell gets at each tap, or their number: (P, H′)."""
        axes = zip(self.batch[2:], self.sides, self.kernel, self.stride, self.padding, self.dilation, strict=True)
        found = []
        for side, out, k, s, p, d in axes:
            pixel, between = np.divmod(np.arange(out) + p - d * np.arange(k)[:, None], s)
            found.append(np.where((between == 0) & (pixel >= 0) & (pixel < side), pixel, side))
        return found

    def cells(self) -> list[np.ndarray]:
        """For every axis, the output cell that each pixel is added to at each tap, or their number: (P, H)."""
        axes = zip(self.batch[2:], self.sides, self.kernel, self.stride, self.padding, self.dilation, strict=True)
        found = []
        for side, out, k, s, p, d in axes:
            cell = s * np.arange(side) + d * np.arange(k)[:, None] - p
            found.append(np.where((cell >= 0) & (cell < out), cell, out))
        return found

    def met(self, image: Any, at: list[np.ndarray]) -> Any:
        """What an image (N, C, H, …) holds at these places, 0 outside: (N, groups, C/groups, P·…, H′·…)."""
        image = np.pad(image, ((0, 0), (0, 0), *((0, 1),) * self.rank))
        around = [
            (1,) * axis + (len(a),) + (1,) * (self.rank - 1) + (a.shape[1],) + (1,) * (self.rank - 1 - axis) for axis, a in enumerate(at)
        ]
        met = image[(slice(None), slice(None), *(a.reshape(shape) for a, shape in zip(at, around, strict=True)))]
        n, channels = image.shape[:2]
        return met.reshape(n, self.groups, channels // self.groups, math.prod(self.kernel), math.prod(a.shape[1] for a in at))

    def present(self, sides: Sides, at: list[np.ndarray]) -> np.ndarray:
        """Whether there is something at these places: (P·…, H′·…)."""
        one = Spreading((1, 1, *self.batch[2:]), (1, 1, *self.kernel))
        return np.asarray(one.met(np.ones((1, 1, *sides)), at)[0, 0, 0] > 0)

    def filters(self, weight: Any) -> Any:
        """weight (C, O/groups, P, …) → (groups, C/groups, O/groups, P·…)."""
        return weight.reshape(self.groups, self.weight[0] // self.groups, self.weight[1], math.prod(self.kernel))

    def rows(self, x: Any) -> Any:
        """The input, or its derivative, (N, C, H, …) → (N, groups, C/groups, H·…)."""
        return x.reshape(self.batch[0], self.groups, self.weight[0] // self.groups, math.prod(self.batch[2:]))

    def places(self) -> np.ndarray:
        """The flat index of `cells` in an output that has one more cell at the end of every axis: (P·…, H·…)."""
        grid = Spreading((1, 1, *self.batch[2:]), (1, 1, *self.kernel))
        frame = tuple(side + 1 for side in self.sides)
        index = np.arange(1, math.prod(frame) + 1).reshape(1, 1, *frame)
        return np.asarray(grid.met(index, self.cells())[0, 0, 0] - 1)


def transposed_convolution(x: Any, weight: Any, bias: Any = None, **options: Any) -> Any:
    """Add the filter, times the pixel, at every pixel's place: the gradient of a convolution by its input.

    y[n, o, i, …] = bias[o] + Σ over c of o's group, p, j, … with i = j·stride + p·dilation − padding of weight[c, o, p, …] · x[n, c, j, …]
    H′ = (H − 1)·stride − 2·padding + dilation·(P − 1) + output_padding + 1, or as output_size says

    x (N, C, H, …) or (C, H, …), weight (C, O/groups, P, …), bias (O,) → (N, O, H′, …) or (O, H′, …)
    Source: torch.nn.ConvTranspose2d, "the gradient of Conv2d with respect to its input"; Shape.
    """
    lie = Spreading(x.shape, weight.shape, **options)
    start = None if bias is None else bias.reshape(lie.groups, -1, 1)
    met = lie.met(x.reshape(lie.batch), lie.pixels())
    return contract("gcok,ngckl->ngol", lie.filters(weight), met, start).reshape(lie.output)


def transposed_convolution_gradient(dy: Any, x: Any, weight: Any, bias: Any = None, **options: Any) -> dict[str, Any]:
    """The derivatives of Σ dy·y, each one sum in any order, with i = j·stride + p·dilation − padding.

    dx[n, c, j] = Σ over o, p of weight[c, o, p] · dy[n, o, i]
    dweight[c, o, p] = Σ over n, j of x[n, c, j] · dy[n, o, i]
    dbias[o] = Σ over n, i of dy[n, o, i]

    Source: the product rule on torch.nn.ConvTranspose2d.
    """
    lie = Spreading(x.shape, weight.shape, **options)
    dy = dy.reshape(lie.full)
    met = lie.met(dy, lie.cells())
    dx = contract("gcok,ngokl->ngcl", lie.filters(weight), met).reshape(x.shape)
    dweight = contract("ngcl,ngokl->gcok", lie.rows(x), met).reshape(weight.shape)
    found = {"x": dx, "weight": dweight}
    return found if bias is None else {**found, "bias": np.sum(dy, axis=(0, *range(2, dy.ndim)))}


def transposed_convolution_by_columns(x: Any, weight: Any, bias: Any = None, **options: Any) -> Any:
    """The same sums, the products with one pixel stored before they are added, tap by tap, into a stored output.

    Source: Chellapilla, Puri & Simard 2006, convolution as a product of matrices (col2im).
    """
    lie = Spreading(x.shape, weight.shape, **options)
    columns = stored(contract("gcok,ngcl->ngokl", lie.filters(weight), lie.rows(x))).reshape(*lie.full[:2], *lie.places().shape)
    frame = tuple(side + 1 for side in lie.sides)
    y = add_at((*lie.full[:2], math.prod(frame)), (slice(None), slice(None), lie.places()), coarse(columns))
    y = y.reshape(*lie.full[:2], *frame)[(..., *(slice(side) for side in lie.sides))]
    y = y if bias is None else coarse(stored(y)) + bias.reshape(-1, *(1,) * lie.rank)
    return y.reshape(lie.output)


def transposed_convolution_of_present_pixels(x: Any, weight: Any, bias: Any = None, **options: Any) -> Any:
    """The same sums without pixels that are not there: an infinite weight times their zero is not NaN, but left out.

    Source: torch.nn.ConvTranspose2d, Shape: which pixels there are.
    """
    lie = Spreading(x.shape, weight.shape, **options)
    there = np.where(lie.present(lie.batch[2:], lie.pixels()), lie.filters(weight)[..., None], 0.0)
    met, start = lie.met(x.reshape(lie.batch), lie.pixels()), None if bias is None else bias.reshape(lie.groups, -1, 1)
    return contract("gcokl,ngckl->ngol", there, met, start).reshape(lie.output)


def gradient_sample_by_sample(dy: Any, x: Any, weight: Any, bias: Any = None, **options: Any) -> dict[str, Any]:
    """The same derivatives, those by weight and bias stored for every sample before they are added.

    Source: Chellapilla, Puri & Simard 2006, one product of matrices for every sample.
    """
    lie = Spreading(x.shape, weight.shape, **options)
    found = transposed_convolution_gradient(dy, x, weight, bias, **options)
    each = stored(contract("ngcl,ngokl->ngcok", lie.rows(x), lie.met(dy.reshape(lie.full), lie.cells())))
    found["weight"] = np.sum(coarse(each), axis=0).reshape(weight.shape)
    if bias is not None:
        sums = np.sum(dy.reshape(*lie.full[:2], math.prod(lie.sides)), axis=2)
        found["bias"] = np.sum(coarse(stored(sums)), axis=0)
    return found


def gradient_of_present_cells(dy: Any, x: Any, weight: Any, bias: Any = None, **options: Any) -> dict[str, Any]:
    """The same derivatives without cells that are cut off: an infinite weight or pixel times their zero is not NaN, but left out.

    Source: torch.nn.ConvTranspose2d, Shape: which cells there are.
    """
    lie = Spreading(x.shape, weight.shape, **options)
    found = gradient_sample_by_sample(dy, x, weight, bias, **options)
    met, there = lie.met(dy.reshape(lie.full), lie.cells()), lie.present(lie.sides, lie.cells())
    by_weight = contract("gcokl,ngokl->ngcl", np.where(there, lie.filters(weight)[..., None], 0.0), met)
    by_pixel = contract("ngckl,ngokl->gcok", np.where(there, lie.rows(x)[:, :, :, None], 0.0), met)
    return {**found, "x": by_weight.reshape(x.shape), "weight": by_pixel.reshape(weight.shape)}


transposed_convolution.formulations = (  # type: ignore[attr-defined]
    transposed_convolution_by_columns,
    transposed_convolution_of_present_pixels,
)
transposed_convolution_gradient.formulations = (gradient_sample_by_sample, gradient_of_present_cells)  # type: ignore[attr-defined]
