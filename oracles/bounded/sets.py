"""Accepted sets that are not balls: ranges of integers, exact arrays, and choices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .formats import Array, Mask


class Between:
    """Integers low … high, elementwise; `free` where the subject's conversion is undefined (NaN)."""

    def __init__(self, low: Array, high: Array, free: Mask) -> None:
        self.low, self.high, self.free = low, high, free

    @property
    def shape(self) -> tuple[int, ...]:
        return self.low.shape

    def limits(self) -> tuple[Array, Array]:
        """The least and the greatest accepted integer."""
        return self.low, self.high

    def accepts(self, y: Any) -> Mask:
        """Which elements of y are accepted."""
        y = np.asarray(y).astype(np.float64)
        return np.asarray((self.low <= y) & (y <= self.high) & (y == np.rint(y)) | self.free)

    def used(self, y: Any) -> Array:
        """0 where only one integer is accepted, or y is the middle one; 1 at the edge; inf outside."""
        y = np.asarray(y).astype(np.float64)
        width = (self.high - self.low) / 2
        share = np.abs(y - (self.high + self.low) / 2) / np.where(width > 0, width, 1.0)
        return np.where(self.free, 0.0, np.where(self.accepts(y), share, np.inf))

    def describe(self, index: Any = ()) -> str:
        """One element in words."""
        if self.free[index]:
            return "anything (overflow)"
        low, high = int(self.low[index]), int(self.high[index])
        return f"{low}, exactly" if low == high else f"{low} or {high}" if high == low + 1 else f"{low} … {high}"


class Exactly:
    """An array (integers, truth values, strings, floats) that must be matched; NaN matches NaN, −0 matches 0."""

    def __init__(self, array: Any) -> None:
        self.value = _plain(array)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.value.shape

    @property
    def free(self) -> Mask:
        """Nowhere."""
        return np.zeros(self.shape, dtype=bool)

    def accepts(self, y: Any) -> Mask:
        """Where y is equal."""
        y = _plain(y)
        equal = np.asarray(y == self.value)
        if self.value.dtype.kind == "f" and y.dtype.kind == "f":
            equal = equal | (np.isnan(y) & np.isnan(self.value))
        return equal

    def used(self, y: Any) -> Array:
        """0 where equal, inf elsewhere."""
        return np.where(self.accepts(y), 0.0, np.inf)

    def describe(self, index: Any = ()) -> str:
        """One element in words."""
        element = self.value[index]
        return f"{element.item() if hasattr(element, 'item') else element}, exactly"


def _plain(array: Any) -> np.ndarray:
    """An array of one of NumPy's own types; bfloat16, which is none, as float64."""
    array = np.asarray(array)
    return np.asarray(array, np.float64) if array.dtype.kind == "V" else array


class OneOf:
    """Several accepted sets: an element is accepted if any of its allowed choices accepts it.

    choices  balls, arrays (that very number) or accepted sets, in a sequence or stacked along the first axis
    allowed  truth values (len(choices), *shape): which choices an element has; all, if None
    """

    def __init__(self, choices: Any, allowed: Any = None) -> None:
        parts: Sequence[Any] = choices if isinstance(choices, list | tuple) else [choices[i] for i in range(len(choices))]
        self.choices = [p if hasattr(p, "accepts") else Exactly(p) for p in parts]
        self.shape: tuple[int, ...] = np.broadcast_shapes(*[p.shape for p in self.choices])
        every = np.ones((len(parts), *self.shape), dtype=bool)
        self.allowed: Mask = every if allowed is None else np.broadcast_to(np.asarray(allowed, dtype=bool), every.shape)

    def _pairs(self) -> list[tuple[Any, Mask]]:
        return list(zip(self.choices, self.allowed, strict=True))

    @property
    def free(self) -> Mask:
        """Where an allowed choice accepts anything."""
        return np.asarray(np.logical_or.reduce([may & choice.free for choice, may in self._pairs()]))

    def accepts(self, y: Any) -> Mask:
        """Where an allowed choice accepts y."""
        return np.asarray(np.logical_or.reduce([may & choice.accepts(y) for choice, may in self._pairs()]))

    def used(self, y: Any) -> Array:
        """The least share that an allowed choice ascribes to y."""
        return np.asarray(np.minimum.reduce([np.where(may, choice.used(y), np.inf) for choice, may in self._pairs()]))

    def describe(self, index: Any = ()) -> str:
        """The allowed choices of one element in words, each once."""
        words = [
            choice.describe(index if choice.shape == self.shape else _within(index, choice.shape))
            for choice, may in self._pairs()
            if may[index]
        ]
        return " or ".join(dict.fromkeys(words)) or "nothing"


def _within(index: Any, shape: tuple[int, ...]) -> tuple[int, ...]:
    """An index of the broadcast result as an index of one operand."""
    index = index if isinstance(index, tuple) else (index,)
    kept = index[len(index) - len(shape) :] if shape else ()
    return tuple(0 if length == 1 else i for i, length in zip(kept, shape, strict=True))
