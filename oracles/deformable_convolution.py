"""Deformable convolution: every tap of the filter reads the image at a place of its own."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from oracles.bounded import contract, stored
from oracles.convolution import Geometry
from oracles.grid_reading import hat_slope
from oracles.sampling_grid import hat


class Deformation:
    """Where the taps lie, and how much of each pixel they read: taps are (N, G, K, P), G offset groups, K cells of a filter, P outputs."""

    def __init__(self, x: Any, offset: Any, weight: Any, mask: Any, stride: Any, padding: Any, dilation: Any) -> None:
        self.kernel, self.cells = weight.shape[2:], math.prod(weight.shape[2:])
        self.offset_groups = offset.shape[1] // (2 * self.cells)
        self.groups = x.shape[1] // weight.shape[1]
        lie = Geometry(x.shape, weight.shape, stride, padding, dilation, self.groups, "zeros")
        self.sides, self.points, self.batch = lie.sides, math.prod(lie.sides), x.shape[0]
        steps = zip(lie.sides, self.kernel, lie.stride, lie.margins, lie.dilation, strict=True)
        rows, columns = (s * np.arange(n) + d * np.arange(k)[:, None] - before for n, k, s, (before, _), d in steps)
        base = [np.broadcast_to(a, (*self.kernel, *lie.sides)) for a in (rows[:, None, :, None], columns[None, :, None, :])]
        moves = offset.reshape(self.batch, self.offset_groups, self.cells, 2, self.points)
        places = [stored(moves[:, :, :, axis] + base[axis].reshape(self.cells, self.points)) for axis in (0, 1)]
        self.distances = [p[..., None] - np.arange(side) for p, side in zip(places, x.shape[2:], strict=True)]
        self.near = [stored(hat(t)) for t in self.distances]
        self.pixels = x.reshape(self.batch, self.offset_groups, x.shape[1] // self.offset_groups, math.prod(x.shape[2:]))
        taps = (self.batch, self.offset_groups, self.cells, self.points)
        self.mask = None if mask is None else mask.reshape(taps)[:, :, None]

    def shares(self, rows: Any, columns: Any) -> Any:
        """The products of an axis's weights with the other's: (N, G, K, P, H·W)."""
        found = stored(rows[..., :, None] * columns[..., None, :])
        return found.reshape(*found.shape[:4], found.shape[-2] * found.shape[-1])

    def read(self, shares: Any) -> Any:
        """What the taps read of every channel of their group: (N, G, C/G, K, P)."""
        return stored(contract("ngkpi,ngci->ngckp", shares, self.pixels))

    def masked(self, samples: Any) -> Any:
        """The samples, modulated if there is a mask."""
        return samples if self.mask is None else stored(samples * self.mask)

    def columns(self, samples: Any) -> Any:
        """(N, G, C/G, K, P) → (N, groups, C/groups, K, P)."""
        channels = samples.shape[1] * samples.shape[2]
        return samples.reshape(self.batch, self.groups, channels // self.groups, self.cells, self.points)

    def filters(self, weight: Any) -> Any:
        """(O, C/groups, P, Q) → (groups, O/groups, C/groups, K)."""
        return weight.reshape(self.groups, weight.shape[0] // self.groups, weight.shape[1], self.cells)


def deformable_convolution(
    x: Any,
    offset: Any,
    weight: Any,
    bias: Any = None,
    mask: Any = None,
    *,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
) -> Any:
    """Convolve what is read, by bilinear interpolation, at places that are moved, and modulated by a mask if there is one.

    y[n, o, q] = bias[o] + Σ over c, k of weight[o, c, k] · mask[n, g, k, q] · x[n, c](p)
    p = q·stride + k·dilation − padding + offset[n, g, k, :, q]
    x[n, c](u, v) = Σ over i, j of max(0, 1 − |u − i|) · max(0, 1 − |v − j|) · x[n, c, i, j], g the offset group of channel c

    x (N, C, H, W), offset (N, 2·G·P·Q, H′, W′), weight (O, C/groups, P, Q), bias (O,), mask (N, G·P·Q, H′, W′) → (N, O, H′, W′)
    Source: Dai et al. 2017, arXiv:1703.06211, equations 2 to 4; Zhu et al. 2019, arXiv:1811.11168, equation 1, for the mask.
    """
    lie = Deformation(x, offset, weight, mask, stride, padding, dilation)
    columns = lie.columns(lie.masked(lie.read(lie.shares(*lie.near))))
    start = None if bias is None else bias.reshape(lie.groups, -1, 1)
    y = contract("gock,ngckp->ngop", lie.filters(weight), columns, start)
    return y.reshape(x.shape[0], weight.shape[0], *lie.sides)


def deformable_convolution_gradient(
    dy: Any,
    x: Any,
    offset: Any,
    weight: Any,
    bias: Any = None,
    mask: Any = None,
    *,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    below: bool = False,
) -> dict[str, Any]:
    """The derivatives of Σ dy·y; where a tap lies on a pixel, that by the offset is the one of either side.

    Source: Dai et al. 2017, appendix A: the chain rule through the places, the weights of pixels and the sums.
    """
    lie = Deformation(x, offset, weight, mask, stride, padding, dilation)
    dy = dy.reshape(x.shape[0], lie.groups, weight.shape[0] // lie.groups, lie.points)
    shares = lie.shares(*lie.near)
    samples = lie.read(shares)
    found = {"weight": contract("ngop,ngckp->gock", dy, lie.columns(lie.masked(samples))).reshape(weight.shape)}
    if bias is not None:
        found["bias"] = np.sum(dy, axis=(0, 3)).reshape(bias.shape)
    dcolumns = stored(contract("gock,ngop->ngckp", lie.filters(weight), dy)).reshape(samples.shape)
    if mask is not None:
        found["mask"] = np.sum(stored(dcolumns * samples), axis=2).reshape(mask.shape)
    dsamples = lie.masked(dcolumns)
    found["x"] = contract("ngkpi,ngckp->ngci", shares, dsamples).reshape(x.shape)
    return {**found, "offset": by_offset(lie, dsamples, below).reshape(offset.shape)}


def by_offset(lie: Deformation, dsamples: Any, below: bool) -> Any:
    """The derivative by both coordinates of every place, pixels first: (N, G, K, 2, P)."""
    (rows, columns), (steep_rows, steep_columns) = lie.near, [hat_slope(t, below) for t in lie.distances]
    slopes = [lie.read(lie.shares(steep_rows, columns)), lie.read(lie.shares(rows, steep_columns))]
    return np.stack([np.sum(stored(dsamples * slope), axis=2) for slope in slopes], axis=3)


def gradient_channels_first(
    dy: Any,
    x: Any,
    offset: Any,
    weight: Any,
    bias: Any = None,
    mask: Any = None,
    *,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    below: bool = False,
) -> dict[str, Any]:
    """The same, that by the offset summed over channels before it is over pixels.

    Source: Dai et al. 2017, appendix A.
    """
    options = {"stride": stride, "padding": padding, "dilation": dilation}
    found = deformable_convolution_gradient(dy, x, offset, weight, bias, mask, **options)
    lie = Deformation(x, offset, weight, mask, stride, padding, dilation)
    dy = dy.reshape(x.shape[0], lie.groups, weight.shape[0] // lie.groups, lie.points)
    dcolumns = stored(contract("gock,ngop->ngckp", lie.filters(weight), dy))
    dsamples = lie.masked(dcolumns.reshape(*lie.pixels.shape[:3], lie.cells, lie.points))
    at_pixels = stored(contract("ngckp,ngci->ngkpi", dsamples, lie.pixels)).reshape(*lie.distances[0].shape, x.shape[3])
    (rows, columns), (steep_rows, steep_columns) = lie.near, [hat_slope(t, below) for t in lie.distances]
    along = stored(at_pixels * columns[..., None, :]), stored(at_pixels * rows[..., :, None])
    parts = [
        np.sum(a * steep, axis=(4, 5)) for a, steep in zip(along, (steep_rows[..., :, None], steep_columns[..., None, :]), strict=True)
    ]
    return {**found, "offset": np.stack(parts, axis=3).reshape(offset.shape)}


def from_below(gradient: Any) -> Any:
    """The gradient whose part by the offset is the derivative from below."""

    def gradient_from_below(*arrays: Any, **arguments: Any) -> dict[str, Any]:
        return gradient(*arrays, **arguments, below=True)  # type: ignore[no-any-return]

    return gradient_from_below


deformable_convolution_gradient.formulations = (  # type: ignore[attr-defined]
    from_below(deformable_convolution_gradient),
    gradient_channels_first,
    from_below(gradient_channels_first),
)
