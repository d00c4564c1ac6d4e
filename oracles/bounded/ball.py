"""`Bounded`: a value and the largest distance of any honest subject's value from it.

The one rule (running error analysis; Higham, ASNA 2nd ed., sections 2.2 and 3.3): an operation propagates the errors of its operands,
then adds its own rounding. Rules live beside this file and register themselves in `UFUNCS`, `REDUCTIONS` and `FUNCTIONS`.

Overflow has two levels. An exact infinity has error 0. An intermediate whose |value| + error reaches the format's overflow threshold is
"over": the subject may hold infinity there, and judgement accepts both. error = inf means that anything is accepted ("free").
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from .arithmetic import Arithmetic
from .formats import Array, Integers, Mask

UFUNCS: dict[Any, Callable[..., Any]] = {}
REDUCTIONS: dict[Any, Callable[..., Any]] = {}
FUNCTIONS: dict[Any, Callable[..., Any]] = {}


def rule(*functions: Any, table: dict[Any, Callable[..., Any]] = FUNCTIONS) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register what to do when one of these NumPy functions meets a `Bounded`."""

    def register(implementation: Callable[..., Any]) -> Callable[..., Any]:
        table.update(dict.fromkeys(functions, implementation))
        return implementation

    return register


class Dispatching(NDArrayOperatorsMixin):
    """Sends NumPy's ufuncs and functions to the registered rules."""

    __slots__ = ()

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        table = UFUNCS if method == "__call__" else REDUCTIONS
        implementation = table.get(ufunc if method == "__call__" else (ufunc, method))
        if implementation is None or options.get("out") is not None:
            raise TypeError(f"numpy.{ufunc.__name__} ({method}, {', '.join(options) or 'no options'}) has no rule for balls")
        return implementation(*inputs, **options)

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        implementation = FUNCTIONS.get(function)
        if implementation is None:
            raise TypeError(f"numpy.{function.__name__} has no rule for balls")
        return implementation(*args, **options)

    def __bool__(self) -> bool:
        raise TypeError(f"a {type(self).__name__} is a set of results: decide with numpy.where")

    # Augmented assignment rebinds: a ball never changes.
    __iadd__ = NDArrayOperatorsMixin.__add__
    __isub__ = NDArrayOperatorsMixin.__sub__
    __imul__ = NDArrayOperatorsMixin.__mul__
    __itruediv__ = NDArrayOperatorsMixin.__truediv__
    __ipow__ = NDArrayOperatorsMixin.__pow__
    __iand__ = NDArrayOperatorsMixin.__and__
    __ior__ = NDArrayOperatorsMixin.__or__


class Bounded(Dispatching):
    """An array of balls value ± error, and the arithmetic that they are `by`."""

    __slots__ = ("_calm", "_exact", "_grain", "_limits", "by", "error", "value")

    value: Array
    error: Array
    by: Arithmetic

    def __init__(self, value: Any, error: Any, by: Arithmetic) -> None:
        value = np.asarray(value, dtype=np.float64)
        error = np.broadcast_to(np.asarray(error, dtype=np.float64), value.shape)
        self._set(value, error, by)

    def _set(self, value: Array, error: Array, by: Arithmetic) -> None:
        self.value, self.error, self.by = value, error, by
        self._calm: bool | None = None
        self._exact: bool | None = None
        self._grain: float | None = None
        self._limits: tuple[Array, Array] | None = None

    # What is known of all elements, found once.

    @property
    def calm(self) -> bool:
        """No element can be infinite, NaN or free: the common case, which the rules treat without a second look."""
        if self._calm is None:
            with np.errstate(all="ignore"):
                self._calm = all_below(np.abs(self.value) + self.error, self.by.edges[1])
        return self._calm

    @property
    def is_exact(self) -> bool:
        """Every element has error 0."""
        if self._exact is None:
            self._exact = not np.count_nonzero(self.error)
        return self._exact

    @property
    def grain(self) -> float:
        """The largest power of two of which every element is a multiple; inf if all are 0, 0 if they are not exact and finite."""
        if self._grain is None:
            self._grain = grain(self.value) if self.is_exact and self.calm else 0.0
        return self._grain

    @property
    def free(self) -> Mask:
        """Elements of which nothing is known, so that anything is accepted; to be counted."""
        return np.asarray(np.isinf(self.error))

    # Judgement.

    def limits(self) -> tuple[Array, Array]:
        """The least and the greatest accepted number: the ends of the ball, rounded to storage (rounding is monotone)."""
        if self._limits is None:
            self._limits = _judge().limits(self)
        return self._limits

    def accepts(self, y: Any) -> Mask:
        """Which elements of y some honest subject could have returned (NaN for NaN; −0 is 0)."""
        return _judge().accepts(self, y)  # type: ignore[no-any-return]

    def used(self, y: Any) -> Array:
        """Share of the accepted error that y uses: 0 equal, 1 the edge, inf outside; 0 where free."""
        return _judge().used(self, y)  # type: ignore[no-any-return]

    def describe(self, index: Any = ()) -> str:
        """One element in words, with the digits its storage format needs."""
        return _judge().describe(self, index)  # type: ignore[no-any-return]

    def saturated(self, storage: Integers, ties: str = "either") -> Any:
        """The integers to which a value of the ball may be rounded and clipped; `ties` is "even", "up" or "either"."""
        return _judge().saturated(self, storage, ties)

    # The array.

    @property
    def shape(self) -> tuple[int, ...]:
        return self.value.shape

    @property
    def ndim(self) -> int:
        return self.value.ndim

    @property
    def size(self) -> int:
        return self.value.size

    @property
    def dtype(self) -> np.dtype[np.float64]:
        return self.value.dtype

    @property
    def T(self) -> Bounded:
        return self.transpose()

    def __len__(self) -> int:
        return len(self.value)

    def __iter__(self) -> Iterator[Bounded]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, index: Any) -> Bounded:
        index = tuple(_plain(i) for i in index) if isinstance(index, tuple) else _plain(index)
        return moved(self, lambda x: x[index])

    def __repr__(self) -> str:
        return f"Bounded({self.value!r} ± {self.error!r}, {self.by.storage.name})"

    def reshape(self, *shape: Any, order: Any = "C") -> Bounded:
        return moved(self, lambda x: x.reshape(*shape, order=order))

    def transpose(self, *axes: Any) -> Bounded:
        return moved(self, lambda x: x.transpose(*axes))

    def swapaxes(self, first: int, second: int) -> Bounded:
        return moved(self, lambda x: x.swapaxes(first, second))

    def ravel(self) -> Bounded:
        return self.reshape(-1)

    flatten = ravel

    def squeeze(self, axis: Any = None) -> Bounded:
        return moved(self, lambda x: x.squeeze(axis))

    def copy(self) -> Bounded:
        return self

    def astype(self, dtype: Any, **_: Any) -> Bounded:
        """Balls are rounded where the arithmetic says so: changing the float type does nothing, integers are refused."""
        if np.dtype(dtype).kind in "iub":
            raise TypeError("a ball has no integer type; take floor or rint, or the .value of an exact one")
        return self

    def sum(self, axis: Any = None, keepdims: bool = False, **_: Any) -> Bounded:
        return np.sum(self, axis=axis, keepdims=keepdims)  # type: ignore[call-overload,no-any-return]

    def mean(self, axis: Any = None, keepdims: bool = False, **_: Any) -> Bounded:
        return np.mean(self, axis=axis, keepdims=keepdims)  # type: ignore[call-overload,no-any-return]

    def max(self, axis: Any = None, keepdims: bool = False) -> Bounded:
        return np.max(self, axis=axis, keepdims=keepdims)  # type: ignore[call-overload,no-any-return]

    def min(self, axis: Any = None, keepdims: bool = False) -> Bounded:
        return np.min(self, axis=axis, keepdims=keepdims)  # type: ignore[call-overload,no-any-return]

    def clip(self, least: Any = None, greatest: Any = None) -> Bounded:
        return np.clip(self, least, greatest)  # type: ignore[call-overload,no-any-return]


def _judge() -> Any:
    from . import judge  # noqa: PLC0415 — judge needs Bounded

    return judge


def _plain(index: Any) -> Any:
    """An index as NumPy wants it: an exact mask loses its wrapping, a doubtful one raises."""
    return index.sure() if hasattr(index, "sure") else index


def ball(value: Any, error: Any, by: Arithmetic, exact: bool | None = None, calm: bool | None = None) -> Bounded:
    """A `Bounded` without the checks of its constructor, for the rules."""
    result = Bounded.__new__(Bounded)
    if type(value) is not np.ndarray:
        value, error = np.asarray(value), np.asarray(error)
    result._set(value, error, by)
    result._exact, result._calm = exact, calm
    return result


def all_below(x: Array, limit: Any) -> bool:
    """Whether every element is less than a limit (NaN is not)."""
    return bool(np.count_nonzero(x < limit) == x.size)


def moved(x: Bounded, move: Callable[[Array], Array]) -> Bounded:
    """The same rearrangement of values and errors; what is known of all elements stays true of some of them."""
    result = ball(move(x.value), move(x.error), x.by, x._exact or None, x._calm or None)
    result._grain = x._grain or None
    return result


def grain(x: Array) -> float:
    """The largest power of two that divides every element (inf if all are 0)."""
    fraction, exponent = np.frexp(x[x != 0])
    if not fraction.size:
        return np.inf
    bits = np.ldexp(fraction, 53).astype(np.int64)
    return float(np.minimum.reduce(np.ldexp((bits & -bits).astype(np.float64), exponent - 53), axis=None))


def exact(x: Any, by: Arithmetic) -> Bounded:
    """An input: the subject is given these very numbers (of any dtype)."""
    value = np.array(x, dtype=np.float64)
    return ball(value, np.zeros(value.shape), by, exact=True)


def constant(c: Any, by: Arithmetic) -> Bounded:
    """A number of the formula: error u|c| unless the compute format has it (fixed point: 2^−bits unless it has so few bits)."""
    scalar = isinstance(c, float)
    if scalar and c in by.constants:
        return by.constants[c]  # type: ignore[no-any-return]
    value = np.array(c, dtype=np.float64)
    result = _standing_in(value, by) if by.stand_ins else ball(value, _rounding_of(value, by), by)
    if scalar and len(by.constants) < 1000:
        by.constants[c] = result
    return result


def _rounding_of(value: Array, by: Arithmetic) -> Array:
    """How far off a subject may have constants."""
    if by.constant_bits is not None:
        scaled = np.ldexp(value, by.constant_bits)
        return np.where((scaled == np.rint(scaled)) | ~np.isfinite(value), 0.0, 2.0**-by.constant_bits)
    return np.where(by.compute.represents(value), 0.0, np.maximum(by.compute.unit * np.abs(value), by.compute.tiny))


def _standing_in(value: Array, by: Arithmetic) -> Bounded:
    """Constants of which the subject's own form is declared."""
    own = np.array([by.stand_ins.get(c, c) for c in value.ravel().tolist()]).reshape(value.shape)
    declared = np.array([c in by.stand_ins for c in value.ravel().tolist()], bool).reshape(value.shape)
    rounding = np.maximum(by.compute.unit * np.abs(own), by.compute.tiny)
    return ball(own, np.where(declared | by.compute.represents(own), 0.0, rounding), by)


def bounded(x: Any, by: Arithmetic) -> Bounded:
    """What meets a ball: balls as they are, integers and truth values exact, other numbers constants of the formula."""
    if isinstance(x, Bounded):
        return x
    if hasattr(x, "doubt"):
        return ball(x.value.astype(np.float64), x.doubt.astype(np.float64), by)
    if isinstance(x, float):
        return constant(x, by)
    x = np.asarray(x)
    return exact(x, by) if x.dtype.kind in "iub" else constant(x, by)


def together(xs: Sequence[Any]) -> tuple[list[Bounded], Arithmetic]:
    """All operands as balls, and their arithmetic: of several, the one that accumulates most coarsely."""
    if len(xs) == 2 and isinstance(xs[0], Bounded):  # most often
        x, y = xs
        if not isinstance(y, Bounded):
            return [x, bounded(y, x.by)], x.by
        if x.by is y.by:
            return [x, y], x.by
    found = {id(x.by): x.by for x in xs if isinstance(x, Bounded)}
    if len(found) == 1:
        ((_, by),) = found.items()
        return [x if isinstance(x, Bounded) else bounded(x, by) for x in xs], by
    by = max(found.values(), key=lambda by: by.accumulate.unit)
    return [entering(x, by) if isinstance(x, Bounded) else bounded(x, by) for x in xs], by


def entering(x: Any, by: Arithmetic | None) -> Any:
    """A number of a finer arithmetic, as an operation of this one takes it: rounded once to its compute format; plain arrays stay."""
    if by is None or not isinstance(x, Bounded):
        return x
    if not x.by.compute.unit < by.compute.unit:
        return ball(x.value, x.error, by, x._exact, x._calm)
    rounding = np.maximum(by.compute.unit * (np.abs(x.value) + x.error), by.compute.tiny)
    return ball(x.value, np.where((x.error == 0) & by.compute.represents(x.value), 0.0, x.error + rounding), by)
