"""Functions that only move elements: the same move on values and errors. And what stores them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .arithmetic import ORACLE, Arithmetic
from .ball import FUNCTIONS, Bounded, ball, bounded, exact, moved, rule
from .doubtful import Doubtful
from .elementwise import MAXIMUM, MINIMUM
from .formats import Array, Integers


def _move(function: Callable[..., Any]) -> Callable[..., Any]:
    def move(x: Any, *args: Any, **options: Any) -> Any:
        if isinstance(x, Doubtful):
            return Doubtful(function(x.value, *args, **options), function(x.doubt, *args, **options), x.by)
        return moved(x, lambda a: function(a, *args, **options))

    return move


_MOVES: tuple[Any, ...] = (
    np.reshape, np.ravel, np.transpose, np.moveaxis, np.swapaxes, np.squeeze, np.expand_dims, np.broadcast_to, np.flip, np.roll,
    np.repeat, np.tile, np.take, np.take_along_axis, np.lib.stride_tricks.sliding_window_view, np.rot90, np.copy, np.diagonal,
    np.atleast_1d, np.fliplr, np.flipud, np.rollaxis, np.delete, np.triu, np.tril,
)  # fmt: skip
for _function in _MOVES:
    rule(_function)(_move(_function))


def _arithmetic(parts: Any) -> Arithmetic:
    return next(p.by for p in parts if isinstance(p, Bounded))


def _join(function: Callable[..., Any]) -> Callable[..., Any]:
    def join(parts: Any, *args: Any, **options: Any) -> Any:
        if isinstance(parts, Bounded | Doubtful):
            parts = [parts[i] for i in range(len(parts))]
        if not any(isinstance(p, Bounded) for p in parts):
            values, doubts = zip(*[(p.value, p.doubt) if isinstance(p, Doubtful) else (p, np.zeros_like(p)) for p in parts], strict=True)
            return Doubtful(function(values, *args, **options), function(doubts, *args, **options), getattr(parts[0], "by", None))
        by = _arithmetic(parts)
        balls = [bounded(p, by) for p in parts]
        known = all(p._exact for p in balls) or None
        calm = all(p._calm for p in balls) or None
        value, error = function([p.value for p in balls], *args, **options), function([p.error for p in balls], *args, **options)
        return ball(value, error, by, exact=known, calm=calm)

    return join


_JOINS: tuple[Any, ...] = (np.concatenate, np.stack, np.vstack, np.hstack, np.dstack, np.column_stack)
for _function in _JOINS:
    rule(_function)(_join(_function))


def _divide(function: Callable[..., Any]) -> Callable[..., Any]:
    def divide(x: Bounded, *args: Any, **options: Any) -> list[Bounded]:
        pairs = zip(function(x.value, *args, **options), function(x.error, *args, **options), strict=True)
        return [ball(v, e, x.by, x._exact or None, x._calm or None) for v, e in pairs]

    return divide


_SPLITS: tuple[Any, ...] = (np.split, np.array_split, np.unstack) if hasattr(np, "unstack") else (np.split, np.array_split)
for _function in _SPLITS:
    rule(_function)(_divide(_function))


@rule(np.broadcast_arrays)
def broadcast_arrays(*arrays: Any) -> tuple[Bounded, ...]:
    by = _arithmetic(arrays)
    shape = np.broadcast_shapes(*[np.shape(a) for a in arrays])
    return tuple(moved(bounded(a, by), lambda x: np.broadcast_to(x, shape)) for a in arrays)


@rule(np.pad)
def pad(x: Any, width: Any, mode: Any = "constant", **options: Any) -> Any:
    """Padding moves elements; a constant pads with that very number."""
    if mode not in ("constant", "edge", "reflect", "symmetric", "wrap"):
        raise TypeError(f"numpy.pad: no rule for mode {mode!r}")
    if isinstance(x, Doubtful):
        return Doubtful(np.pad(x.value, width, mode, **options), np.pad(x.doubt, width, mode), x.by)
    value, error = np.pad(x.value, width, mode, **options), np.pad(x.error, width, mode)
    finite = bool(np.all(np.abs(options.get("constant_values", 0.0)) < x.by.compute.huge))
    return ball(value, error, x.by, x._exact or None, (x._calm and finite) or None)


@rule(np.clip)
def clip(x: Any, a_min: Any = None, a_max: Any = None, **options: Any) -> Any:
    """Between two bounds, either of which may be None."""
    least, greatest = options.get("min", a_min), options.get("max", a_max)
    x = x if least is None else MAXIMUM(x, least)
    return x if greatest is None else MINIMUM(x, greatest)


def _filled(make: Callable[..., Array]) -> Callable[..., Any]:
    def fill(x: Any, *args: Any, dtype: Any = None, shape: Any = None, **_: Any) -> Any:
        plain = make(x.value if isinstance(x, Bounded) else np.asarray(x), *args, dtype=dtype, shape=shape)
        return exact(plain, x.by) if isinstance(x, Bounded) and plain.dtype.kind == "f" else plain

    return fill


_FILLS: tuple[Any, ...] = (np.zeros_like, np.ones_like, np.empty_like)
for _function in _FILLS:
    rule(_function)(_filled(_function))


@rule(np.full_like)
def full_like(x: Any, fill_value: Any, dtype: Any = None, shape: Any = None, **_: Any) -> Any:
    target = np.shape(x) if shape is None else shape
    by = next(z.by for z in (x, fill_value) if isinstance(z, Bounded))
    return moved(bounded(fill_value, by), lambda a: np.broadcast_to(a, target))


FUNCTIONS[np.shape] = lambda x: x.value.shape
FUNCTIONS[np.ndim] = lambda x: x.value.ndim
FUNCTIONS[np.size] = lambda x, axis=None: np.size(x.value, axis)
FUNCTIONS[np.result_type] = lambda *_: np.dtype(np.float64)
FUNCTIONS[np.iscomplexobj] = lambda _: False
FUNCTIONS[np.isrealobj] = lambda _: True


def stored(x: Any) -> Any:
    """An intermediate written to memory in the storage format (or kept: both are accepted); plain arrays stay as they are.

    Integers are a choice that a subject makes for certain: rounded and saturated if it is composite, kept if it is not.
    """
    if not isinstance(x, Bounded):
        return x
    storage, compute = x.by.storage, x.by.compute
    if isinstance(storage, Integers):
        return _whole(x) if x.by.composite else x
    if storage.unit <= compute.unit and storage.emax >= compute.emax:
        return x
    with np.errstate(all="ignore"):
        reach = np.where(x.error > 0, x.error + 2.0**-52 * np.abs(x.value), 0.0)
        low, high = storage.round(x.value - reach), storage.round(x.value + reach)
        far = np.maximum(np.abs(high - x.value), np.abs(low - x.value)) * (1 + 2.0**-50)
        error = np.where(np.isfinite(x.value), np.maximum(x.error, far), x.error)
    return ball(x.value, error, x.by)


def stepwise(x: Any) -> Any:
    """Stored, where sums are accumulated in a tensor of the storage format: what is added up there is written to memory before."""
    return stored(x) if isinstance(x, Bounded) and x.by.accumulate == x.by.storage else x


def _whole(x: Bounded) -> Bounded:
    """The integers to which a ball may be rounded, as a ball."""
    low, high = x.limits()
    return ball((low + high) / 2, np.where(x.free, np.inf, (high - low) / 2), x.by)


def coarse(x: Any) -> Any:
    """About to be accumulated in a tensor of the storage format: later sums err by that format; plain arrays stay as they are."""
    if not isinstance(x, Bounded) or x.by.accumulate == x.by.storage:
        return x
    result = ball(x.value, x.error, x.by.coarse, x._exact, x._calm)
    result._grain = x._grain
    return result


def blurred(x: Any, roundings: float) -> Any:
    """Numbers that an algorithm adds up only after so many roundings, so that not even whole ones give exact sums; plain arrays stay.

    A mean by updates m ← m + (x − m)/k errs by Σ over k of u·(3|x − m| + k|m|)/n, at most u·(n − 1 + 3·(2 + ln n))·Σ|x|/n: as a sum in any
    order of terms that were rounded 3·(2 + ln n) times.
    """
    if not isinstance(x, Bounded):
        return x
    size = np.where(np.isfinite(x.value), np.abs(x.value), 0.0)
    return ball(x.value, x.error + roundings * ((x.by.accumulate_unit + ORACLE) * size + (size > 0) * x.by.accumulate.tiny), x.by)
