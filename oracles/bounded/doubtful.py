"""Comparisons of balls, which may be in doubt, and choices by them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .arithmetic import Arithmetic
from .ball import FUNCTIONS, REDUCTIONS, UFUNCS, Bounded, Dispatching, ball, bounded, rule, together
from .formats import Array, Mask
from .overflow import restless


class Doubtful(Dispatching):
    """Truth values, and where a subject's rounding may turn them over."""

    __slots__ = ("by", "doubt", "value")

    def __init__(self, value: Any, doubt: Any = False, by: Arithmetic | None = None) -> None:
        self.value: Mask = np.asarray(value, dtype=bool)
        if doubt is False:
            self.doubt: Mask = np.zeros(self.value.shape, dtype=bool)
        else:
            self.doubt = np.broadcast_to(np.asarray(doubt, dtype=bool), self.value.shape)
        self.by = by

    def sure(self) -> Mask:
        """The truth values as a plain array; raises if any is in doubt."""
        if self.doubt.any():
            raise ValueError(f"{np.count_nonzero(self.doubt)} of {self.doubt.size} comparisons are within rounding error: use numpy.where")
        return self.value

    def possible(self) -> Mask:
        """Where the truth value is or may be true."""
        return self.value | self.doubt

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.array(self.sure(), dtype=dtype)

    def __bool__(self) -> bool:
        return bool(self.sure())

    @property
    def shape(self) -> tuple[int, ...]:
        return self.value.shape

    @property
    def ndim(self) -> int:
        return self.value.ndim

    def __len__(self) -> int:
        return len(self.value)

    def __getitem__(self, index: Any) -> Doubtful:
        return Doubtful(self.value[index], self.doubt[index], self.by)

    def __repr__(self) -> str:
        return f"Doubtful({self.value!r}, doubt={self.doubt!r})"

    def astype(self, dtype: Any, **_: Any) -> Bounded:
        """1 where true, 0 where false, and error 1 where in doubt."""
        if self.by is None:
            raise TypeError("these truth values belong to no arithmetic")
        return bounded(self, self.by)

    def sum(self, axis: Any = None, keepdims: bool = False) -> Bounded:
        """The count, and the number of doubtful ones as its error."""
        if self.by is None:
            raise TypeError("these truth values belong to no arithmetic")
        count, doubts = (np.sum(x, axis=axis, keepdims=keepdims, dtype=np.float64) for x in (self.value, self.doubt))
        return ball(count, doubts, self.by)

    def any(self, axis: Any = None, keepdims: bool = False) -> Doubtful:
        sure = np.any(self.value & ~self.doubt, axis=axis, keepdims=keepdims)
        return Doubtful(sure, ~sure & np.any(self.doubt, axis=axis, keepdims=keepdims), self.by)

    def all(self, axis: Any = None, keepdims: bool = False) -> Doubtful:
        return _not(_not(self).any(axis, keepdims))  # type: ignore[no-any-return]


def doubtful(x: Any) -> Doubtful:
    """Truth values as they are; others are certain."""
    return x if isinstance(x, Doubtful) else Doubtful(np.asarray(x, dtype=bool))


def _compare(ufunc: Any) -> Callable[..., Any]:
    def compare(x: Any, y: Any, **_: Any) -> Any:
        if not isinstance(x, Bounded) and not isinstance(y, Bounded):
            return ufunc(np.asarray(x), np.asarray(y))
        (x, y), by = together((x, y))
        with np.errstate(all="ignore"):
            value = ufunc(x.value, y.value)
            if x.is_exact and y.is_exact:
                return Doubtful(value, False, by)
            error = (x.error + y.error) * (1 + 2.0**-50)
            doubt = ~(np.abs(x.value - y.value) > error) & (error > 0)
            if not (x.calm and y.calm):
                both = restless(x.value, x.error, by) & restless(y.value, y.error, by)
                doubt = doubt | (both & (error > 0) & (np.sign(x.value) == np.sign(y.value))) | np.isinf(error)
        return Doubtful(value, doubt, by)

    return compare


UFUNCS.update({f: _compare(f) for f in (np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal)})


def _by(*xs: Any) -> Arithmetic | None:
    return next((x.by for x in xs if getattr(x, "by", None) is not None), None)


@rule(np.logical_and, np.bitwise_and, table=UFUNCS)
def _and(x: Any, y: Any, **_: Any) -> Doubtful:
    a, b = doubtful(x), doubtful(y)
    value = a.value & b.value
    possible = a.possible() & b.possible()
    sure = (a.value & ~a.doubt) & (b.value & ~b.doubt)
    return Doubtful(value, possible & ~sure, _by(a, b))


@rule(np.logical_not, np.invert, table=UFUNCS)
def _not(x: Any, **_: Any) -> Doubtful:
    a = doubtful(x)
    return Doubtful(~a.value, a.doubt, a.by)


@rule(np.logical_or, np.bitwise_or, table=UFUNCS)
def _or(x: Any, y: Any, **_: Any) -> Doubtful:
    return _not(_and(_not(x), _not(y)))  # type: ignore[no-any-return]


@rule(np.logical_xor, np.bitwise_xor, table=UFUNCS)
def _xor(x: Any, y: Any, **_: Any) -> Doubtful:
    a, b = doubtful(x), doubtful(y)
    return Doubtful(a.value ^ b.value, a.doubt | b.doubt, _by(a, b))


@rule(np.any)
def _any(x: Any, axis: Any = None, keepdims: bool = False, **_: Any) -> Doubtful:
    return doubtful(x).any(axis, keepdims)


@rule(np.all)
def _all(x: Any, axis: Any = None, keepdims: bool = False, **_: Any) -> Doubtful:
    return doubtful(x).all(axis, keepdims)


REDUCTIONS[np.logical_or, "reduce"] = _any
REDUCTIONS[np.logical_and, "reduce"] = _all


@rule(np.count_nonzero)
def _count(x: Doubtful, axis: Any = None, *, keepdims: bool = False) -> Bounded:
    return x.sum(axis, keepdims)


@rule(np.isnan, table=UFUNCS)
def _isnan(x: Bounded, **_: Any) -> Doubtful:
    return Doubtful(np.isnan(x.value), x.free, x.by)


@rule(np.isinf, table=UFUNCS)
def _isinf(x: Bounded, **_: Any) -> Doubtful:
    return Doubtful(np.isinf(x.value), restless(x.value, x.error, x.by) & (x.error > 0), x.by)


@rule(np.isfinite, table=UFUNCS)
def _isfinite(x: Bounded, **_: Any) -> Doubtful:
    return Doubtful(np.isfinite(x.value), restless(x.value, x.error, x.by) & (x.error > 0), x.by)


@rule(np.where)
def _where(condition: Any, x: Any, y: Any) -> Any:
    """The branch taken; where the condition is in doubt, a ball around it that holds both."""
    condition = doubtful(condition)
    if not isinstance(x, Bounded) and not isinstance(y, Bounded):
        if not condition.doubt.any():
            return np.where(condition.value, x, y)
        x = bounded(x, condition.astype(float).by)
    (x, y), by = together((x, y))
    value = np.where(condition.value, x.value, y.value)
    error = np.where(condition.value, x.error, y.error)
    doubts = np.count_nonzero(condition.doubt)
    if doubts:
        with np.errstate(all="ignore"):
            apart = np.where(x.value == y.value, 0.0, np.abs(x.value - y.value))
            error = np.where(condition.doubt, _either(x, y, apart), error)
    calm = True if x._calm and y._calm and not doubts else None
    return ball(value, error, by, calm=calm, exact=True if x._exact and y._exact and not doubts else None)


def _either(x: Bounded, y: Bounded, apart: Array) -> Array:
    error = np.maximum(x.error, y.error) * (1 + 2.0**-50) + apart
    return np.where(np.isnan(error), np.inf, error)


FUNCTIONS[np.isin] = lambda x, *rest, **options: np.isin(x.sure(), *rest, **options)
