"""Convolutions of any rank: one formula for signals, images and volumes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from oracles.bounded import add_at, coarse, contract, stored
from oracles.windows import Margins, Sides, extent, places, spread, window_counts, windows

PAD_MODES: Mapping[str, Any] = {  # as NumPy calls them
    "zeros": "constant",
    "reflect": "reflect",
    "replicate": "edge",
    "circular": "wrap",
}


def margins(padding: Any, kernel: Sides, dilation: Sides) -> Margins:
    """How much is padded before and after every axis; "same" pads d·(k − 1) in all, the odd one after."""
    if padding == "same":
        total = (reach - 1 for reach in extent(kernel, dilation))
        return tuple((both // 2, both - both // 2) for both in total)
    return tuple((p, p) for p in spread(0 if padding == "valid" else padding, len(kernel)))


class Geometry:
    """Where a convolution's filters lie: x as a padded batch, its windows as columns, and the way back."""

    def __init__(self, x: Sides, weight: Sides, stride: Any, padding: Any, dilation: Any, groups: int, padding_mode: str) -> None:
        self.rank, self.x, self.weight, self.groups = len(weight) - 2, x, weight, groups
        self.batch = x if len(x) == len(weight) else (1, *x)
        self.kernel, self.stride, self.dilation = weight[2:], spread(stride, self.rank), spread(dilation, self.rank)
        self.margins, self.mode = margins(padding, self.kernel, self.dilation), PAD_MODES[padding_mode]
        self.padded = tuple(side + sum(margin) for side, margin in zip(self.batch[2:], self.margins, strict=True))
        self.still = ((0, 0),) * self.rank
        self.sides = window_counts(self.padded, self.kernel, self.stride, self.still, self.dilation)
        self.output = (*self.batch[: len(x) - self.rank - 1], weight[0], *self.sides)

    def filters(self, weight: Any) -> Any:
        """weight (O, C/groups, P, …) → (groups, O/groups, C/groups, P·…)."""
        return weight.reshape(self.groups, self.weight[0] // self.groups, self.weight[1], math.prod(self.kernel))

    def columns(self, x: Any) -> Any:
        """The cells of every window side by side, x → (N, groups, C/groups, P·…, H′·…)."""
        x = np.pad(x.reshape(self.batch), ((0, 0), (0, 0), *self.margins), self.mode)
        cells = np.moveaxis(windows(x, self.kernel, self.stride, self.dilation), range(2, 2 + self.rank), range(-self.rank, 0))
        return cells.reshape(self.batch[0], self.groups, self.weight[1], math.prod(self.kernel), math.prod(self.sides))

    def rows(self, y: Any) -> Any:
        """An output, or its cotangent, (N, O, H′, …) → (N, groups, O/groups, H′·…)."""
        return y.reshape(self.batch[0], self.groups, self.weight[0] // self.groups, math.prod(self.sides))

    def present(self) -> np.ndarray:
        """Which cells of the columns are not padding: (1, 1, 1, 1, P·…, H′·…)."""
        inside = np.pad(np.ones(self.batch[2:]), self.margins, "constant" if self.mode == "constant" else "edge")
        cells = windows(inside, self.kernel, self.stride, self.dilation).reshape(math.prod(self.sides), math.prod(self.kernel)).T
        return np.asarray(cells[(None,) * 4] > 0)

    def places(self) -> np.ndarray:
        """The flat index in the padded image of each cell of a column: (P·…, H′·…)."""
        found = places(self.padded, self.kernel, self.stride, self.still, self.dilation, self.sides)
        return np.asarray(found.reshape(math.prod(self.sides), math.prod(self.kernel)).T)

    def reaching(self) -> np.ndarray:
        """Per cell of the padded image and tap, the flat index of the window that has it there, or their number: (P·…, H·…)."""
        at, windows_ = self.places(), math.prod(self.sides)
        found = np.full((len(at), math.prod(self.padded)), windows_)
        found[np.arange(len(at))[:, None], at] = np.arange(windows_)
        return found

    def unpadded(self, dx: Any) -> Any:
        """The derivative by x from that by the padded image (N, C, H·…): each cell gathers those padded with it."""
        origin = np.arange(math.prod(self.batch[2:])).reshape(self.batch[2:])
        if self.mode == "constant":
            inside = np.pad(origin, self.margins, constant_values=-1).ravel() >= 0
            return dx[:, :, np.flatnonzero(inside)].reshape(self.x)
        at = np.pad(origin, self.margins, self.mode).ravel()
        flat = (*self.batch[:2], math.prod(self.batch[2:]))
        return add_at(flat, (slice(None), slice(None), at), coarse(stored(dx))).reshape(self.x)


def convolution(
    x: Any,
    weight: Any,
    bias: Any = None,
    *,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
    padding_mode: str = "zeros",
) -> Any:
    """Cross-correlate signals, images or volumes with filters.

    y[n, o, i, …] = bias[o] + Σ over c, p, … of weight[o, c, p, …] · x[n, c of o's group, i·stride + p·dilation − padding, …]

    x (N, C, H, …) or (C, H, …), weight (O, C/groups, P, …), bias (O,) → (N, O, H′, …) or (O, H′, …)
    Source: torch.nn.Conv2d, first formula; its attributes stride, padding, dilation, groups, padding_mode.
    """
    lie = Geometry(x.shape, weight.shape, stride, padding, dilation, groups, padding_mode)
    start = None if bias is None else bias.reshape(groups, -1, 1)
    return contract("gock,ngckl->ngol", lie.filters(weight), lie.columns(x), start).reshape(lie.output)


def convolution_gradient(
    dy: Any,
    x: Any,
    weight: Any,
    bias: Any = None,
    *,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
    padding_mode: str = "zeros",
) -> dict[str, Any]:
    """The derivatives of Σ dy·y, each one sum in any order.

    dx[n, c, i] = Σ over o, p, j with i = j·stride + p·dilation − padding of weight[o, c, p] · dy[n, o, j]
    dweight[o, c, p] = Σ over n, j of dy[n, o, j] · x[n, c, j·stride + p·dilation − padding]
    dbias[o] = Σ over n, j of dy[n, o, j]

    Source: the product rule on torch.nn.Conv2d, first formula.
    """
    lie = Geometry(x.shape, weight.shape, stride, padding, dilation, groups, padding_mode)
    dy = lie.rows(dy)
    reached = np.pad(dy, ((0, 0),) * 3 + ((0, 1),))[..., lie.reaching()]  # 0 where no window has the cell at that tap
    dx = contract("gock,ngokl->ngcl", lie.filters(weight), reached).reshape(*lie.batch[:2], math.prod(lie.padded))
    dweight = contract("ngol,ngckl->gock", dy, lie.columns(x)).reshape(weight.shape)
    found = {"x": lie.unpadded(dx), "weight": dweight}
    return found if bias is None else {**found, "bias": np.sum(dy, axis=(0, 3)).reshape(bias.shape)}


def gradient_by_columns(
    dy: Any,
    x: Any,
    weight: Any,
    bias: Any = None,
    *,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
    padding_mode: str = "zeros",
) -> dict[str, Any]:
    """The same derivatives sample by sample: columns are stored, then added tap by tap into a stored dx, samples into a stored dweight.

    Source: Chellapilla, Puri & Simard 2006, convolution as a product of matrices (im2col, and col2im for dx).
    """
    lie = Geometry(x.shape, weight.shape, stride, padding, dilation, groups, padding_mode)
    dy = lie.rows(dy)
    dcolumns = stored(contract("gock,ngol->ngckl", lie.filters(weight), dy))
    dcolumns = dcolumns.reshape(*lie.batch[:2], math.prod(lie.kernel), math.prod(lie.sides))
    dx = add_at((*lie.batch[:2], math.prod(lie.padded)), (slice(None), slice(None), lie.places()), coarse(dcolumns))
    dweight = np.sum(coarse(stored(contract("ngol,ngckl->ngock", dy, lie.columns(x)))), axis=0).reshape(weight.shape)
    found = {"x": lie.unpadded(dx), "weight": dweight}
    if bias is None:
        return found
    return {**found, "bias": np.sum(coarse(stored(np.sum(dy, axis=3))), axis=0).reshape(bias.shape)}


def convolution_of_present_cells(
    x: Any,
    weight: Any,
    bias: Any = None,
    *,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
    padding_mode: str = "zeros",
) -> Any:
    """The same sums without the cells of the padding: an infinite weight times their zero is not NaN, but left out.

    Source: torch.nn.Conv2d, "implicit padding".
    """
    lie = Geometry(x.shape, weight.shape, stride, padding, dilation, groups, padding_mode)
    there = np.where(lie.present()[0], lie.filters(weight)[..., None], 0.0)
    y = contract("gockl,ngckl->ngol", there, lie.columns(x), None if bias is None else bias.reshape(groups, -1, 1))
    return y.reshape(lie.output)


def gradient_of_present_cells(
    dy: Any,
    x: Any,
    weight: Any,
    bias: Any = None,
    *,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
    padding_mode: str = "zeros",
) -> dict[str, Any]:
    """The same derivatives without the cells of the padding: an infinite dy times their zero is not NaN, but left out.

    Source: torch.nn.Conv2d, "implicit padding".
    """
    lie = Geometry(x.shape, weight.shape, stride, padding, dilation, groups, padding_mode)
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups, "padding_mode": padding_mode}
    there = np.where(lie.present()[0], lie.rows(dy)[:, :, :, None], 0.0)
    dweight = contract("ngokl,ngckl->gock", there, lie.columns(x)).reshape(weight.shape)
    return {**gradient_by_columns(dy, x, weight, bias, **options), "weight": dweight}


convolution.formulations = (convolution_of_present_cells,)  # type: ignore[attr-defined]
convolution_gradient.formulations = (gradient_by_columns, gradient_of_present_cells)  # type: ignore[attr-defined]
