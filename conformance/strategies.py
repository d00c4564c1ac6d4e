"""What families draw alike: data in named regimes, sides, pairs of integers.

Hypothesis draws structure, a regime and a seed; bulk data comes from the seed, so that an example is cheap to draw, shrinks to small shapes
and the simplest regime, and is named completely by what a message prints.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import ml_dtypes
import numpy as np
from hypothesis import strategies as st

from conformance.model import Case

DTYPES: Mapping[str, np.dtype] = {
    **{name: np.dtype(name) for name in ("float64", "float32", "float16", "uint8", "int8", "uint16", "int16", "int32", "int64", "bool")},
    "bfloat16": np.dtype(ml_dtypes.bfloat16),
}
FLOAT_REGIMES = ("integers", "normal", "constant", "wide", "cancelling", "subnormal", "special")
FINITE_REGIMES = FLOAT_REGIMES[:-1]
INTEGER_REGIMES = ("integers", "constant", "extremes", "ramp")


def is_float(dtype: str) -> bool:
    """Whether a dtype name is one of the floating formats."""
    return "float" in dtype


def integers_(rng: np.random.Generator, shape: tuple[int, ...], limits: Any) -> np.ndarray:
    return rng.integers(-8, 9, shape).astype(float)


def normal(rng: np.random.Generator, shape: tuple[int, ...], limits: Any) -> np.ndarray:
    return rng.standard_normal(shape)


def constant(rng: np.random.Generator, shape: tuple[int, ...], limits: Any) -> np.ndarray:
    return np.full(shape, rng.choice([0.0, 1.0, -1.0, 0.1, rng.standard_normal()]))


def wide(rng: np.random.Generator, shape: tuple[int, ...], limits: Any) -> np.ndarray:
    """Magnitudes over a third of the format's exponents, at most 2⁻²⁰ … 2²⁰, so that products of three stay finite."""
    reach = min(20, limits.maxexp // 4)
    return rng.standard_normal(shape) * 2.0 ** rng.uniform(-reach, reach, shape)


def cancelling(rng: np.random.Generator, shape: tuple[int, ...], limits: Any) -> np.ndarray:
    """Large values of both signs that nearly cancel in a sum."""
    return 64.0 * rng.choice([-1.0, 1.0], shape) + 2.0**-4 * rng.standard_normal(shape)


def subnormal(rng: np.random.Generator, shape: tuple[int, ...], limits: Any) -> np.ndarray:
    """Around the least normal number of the format, both sides."""
    return rng.standard_normal(shape) * float(limits.smallest_normal)


def special(rng: np.random.Generator, shape: tuple[int, ...], limits: Any) -> np.ndarray:
    """Ordinary values with NaN, ±∞, ±0, the least and the largest numbers at about one position in six."""
    tiny, huge = float(limits.smallest_subnormal), float(limits.max)
    odd = rng.choice([np.nan, np.inf, -np.inf, 0.0, -0.0, tiny, -tiny, huge, -huge], shape)
    return np.where(rng.random(shape) < rng.choice([0.02, 0.15, 0.5]), odd, rng.standard_normal(shape))


FLOAT_DATA: Mapping[str, Callable[..., np.ndarray]] = {
    "integers": integers_,
    "normal": normal,
    "constant": constant,
    "wide": wide,
    "cancelling": cancelling,
    "subnormal": subnormal,
    "special": special,
}


def integer_data(rng: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype, regime: str) -> np.ndarray:
    """Whole numbers over the whole range of an integer dtype."""
    limits = np.iinfo(dtype)
    if regime == "constant":
        return np.full(shape, rng.integers(limits.min, limits.max, endpoint=True, dtype=dtype.type))
    if regime == "extremes":
        return rng.choice(np.array([limits.min, limits.max, (limits.min + limits.max) // 2], dtype), shape)
    if regime == "ramp":
        return (np.arange(int(np.prod(shape))) * int(rng.integers(1, 9))).astype(dtype).reshape(shape)
    return rng.integers(limits.min, limits.max, shape, dtype=dtype, endpoint=True)


@dataclass(frozen=True)
class Data:
    """A regime and a seed: every array of a case comes from them and its own name."""

    dtype: str
    regime: str
    seed: int

    def rng(self, name: str) -> np.random.Generator:
        """The generator of the array called `name`: independent of what else was drawn."""
        return np.random.default_rng([self.seed, zlib.crc32(name.encode())])

    def array(self, name: str, *shape: int, dtype: str | None = None, regime: str | None = None) -> np.ndarray:
        """The array called `name`, of the data's own dtype and regime unless others are given."""
        dtype, regime = dtype or self.dtype, regime or self.regime
        kind = DTYPES[dtype]
        if not is_float(dtype):
            return integer_data(self.rng(name), shape, kind, regime)
        with np.errstate(over="ignore", under="ignore"):
            return np.asarray(FLOAT_DATA[regime](self.rng(name), shape, ml_dtypes.finfo(kind))).astype(kind)  # type: ignore[no-untyped-call]

    def case(self, arrays: Mapping[str, np.ndarray | None], **options: Any) -> Case:
        """A case that remembers where its data came from."""
        return Case(arrays, options, self.dtype, self.regime, self.seed)


_given: ContextVar[tuple[int, int] | None] = ContextVar("given", default=None)


@contextmanager
def data_given(regime: int, seed: int) -> Iterator[None]:
    """Inside the block no data is drawn: it is of the regime of that number, counted round and round, and from that seed."""
    token = _given.set((regime, seed))
    try:
        yield
    finally:
        _given.reset(token)


def data_of(dtype: str, regimes: tuple[str, ...] | None = None) -> st.SearchStrategy[Data]:
    """Draw a regime, simplest first, and a seed."""
    regimes = regimes or (FLOAT_REGIMES if is_float(dtype) else INTEGER_REGIMES)
    if (given := _given.get()) is not None:
        return st.just(Data(dtype, regimes[given[0] % len(regimes)], given[1]))
    return st.builds(Data, st.just(dtype), st.sampled_from(regimes), st.integers(0, 2**32 - 1))


def more_data(case: Case) -> Data:
    """The source of further arrays of the same kind as a case's own, for a cotangent say."""
    return Data(case.dtype, case.regime, case.seed)


def side(least: int = 1, most: int = 9) -> st.SearchStrategy[int]:
    """A side of an array: mostly small, now and then around the width of a vector register."""
    widths = [width for width in (15, 16, 17, 31, 32, 33) if least <= width]
    small = st.integers(least, max(least, most))
    return st.one_of(small, small, small, st.sampled_from(widths)) if widths else small


def pair_of(values: st.SearchStrategy[int], rank: int = 2) -> st.SearchStrategy[Any]:
    """An option that takes one integer for every axis, or one for all of them."""
    return st.one_of(values, st.tuples(*[values] * rank))


def spread(option: Any, rank: int) -> tuple[Any, ...]:
    """An option given once or for every axis, as a tuple of `rank` values."""
    return tuple(option) if isinstance(option, (tuple, list)) else (option,) * rank
