"""Margins around an image, for any number of axes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from oracles.bounded import Bounded, Exactly, add_at, coarse
from oracles.windows import Margins, Sides

OUTSIDE = -1


def margins(padding: Any, rank: int) -> Margins:
    """(before, after) of every axis; a tuple counts from the last axis: (left, right, top, bottom, …)."""
    if not isinstance(padding, (tuple, list)):
        return ((padding, padding),) * rank
    pairs = tuple(zip(padding[::2], padding[1::2], strict=True))
    return pairs[::-1]


def constant_places(i: np.ndarray, side: int) -> np.ndarray:
    """Cells outside of the image are no cells."""
    return np.where((i < 0) | (i >= side), OUTSIDE, i)


def reflection_places(i: np.ndarray, side: int) -> np.ndarray:
    """… 2 1 | 0 1 2 … L−1 | L−2 …: mirrored about the outermost cells."""
    return np.asarray((side - 1) - np.abs((side - 1) - np.abs(i)))


def replication_places(i: np.ndarray, side: int) -> np.ndarray:
    """… 0 0 | 0 1 … L−1 | L−1 …: the nearest cell."""
    return np.asarray(np.clip(i, 0, side - 1))


def circular_places(i: np.ndarray, side: int) -> np.ndarray:
    """… L−2 L−1 | 0 1 … L−1 | 0 1 …: the other end."""
    return np.asarray(i % side)


PLACES = {
    "Constant": constant_places,
    "Zero": constant_places,
    "Reflection": reflection_places,
    "Replication": replication_places,
    "Circular": circular_places,
}


def sources(sides: Sides, padding: Any, mode: str) -> tuple[np.ndarray, Sides]:
    """The flat index in the image of every cell of the padded one, −1 for none, and the new sides."""
    at, new = np.zeros(1, int), []
    for side, (before, after) in zip(sides, margins(padding, len(sides)), strict=True):
        here = PLACES[mode](np.arange(-before, side + after), side)
        new.append(len(here))
        at = np.where((at[:, None] < 0) | (here < 0), OUTSIDE, at[:, None] * side + here).reshape(-1)
    return at, tuple(new)


def pad(x: Any, *, padding: Any, mode: str, rank: int, value: Any = 0) -> Any:
    """An image with margins of a value, its mirror image, its outermost cells or its other end; a negative margin cuts off.

    y[…, i] = x[…, s(i − before)], s as in `constant_places`, `reflection_places`, `replication_places`, `circular_places`

    x (N, C, H, …) or (C, H, …) of any dtype → the same with H + before + after, …
    Source: torch.nn.ConstantPad2d, torch.nn.ReflectionPad2d, torch.nn.ReplicationPad2d, torch.nn.CircularPad2d.
    """
    at, new = sources(x.shape[-rank:], padding, mode)
    cells = x.reshape(math.prod(x.shape[:-rank]), math.prod(x.shape[-rank:]))[:, at]
    if not isinstance(x, Bounded):
        filled = np.where(at < 0, np.asarray(value).astype(x.dtype), cells)
        return Exactly(filled.reshape(*x.shape[:-rank], *new))
    return (np.where(at < 0, float(value), cells) if (at < 0).any() else cells).reshape(*x.shape[:-rank], *new)


def pad_gradient(dy: Any, x: Any, *, padding: Any, mode: str, rank: int, value: Any = 0) -> dict[str, Any]:
    """Every cell gets the cotangents of all places where it stands: the adjoint.

    Source: the derivative of the formula of torch.nn.ReflectionPad2d.
    """
    at, _ = sources(x.shape[-rank:], padding, mode)
    frame = (math.prod(x.shape[:-rank]), math.prod(x.shape[-rank:]))
    terms = np.where(at < 0, 0.0, dy.reshape(frame[0], len(at)))
    return {"x": add_at(frame, (slice(None), at), terms).reshape(x.shape)}


def pad_gradient_in_storage(dy: Any, x: Any, **options: Any) -> dict[str, Any]:
    """The same, added up in a tensor of the storage format.

    Source: the derivative of the formula of torch.nn.ReflectionPad2d.
    """
    return pad_gradient(coarse(dy), x, **options)


pad_gradient.formulations = (pad_gradient_in_storage,)  # type: ignore[attr-defined]
