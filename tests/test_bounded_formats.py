"""The formats round like exact rationals rounded to nearest even, like NumPy's casts and like ml_dtypes."""

from __future__ import annotations

from fractions import Fraction

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracles.bounded import BFLOAT16, FLOAT16, FLOAT32, FLOAT64, FORMATS, TF32, Format, Integers, ieee

formats = st.sampled_from(list(FORMATS.values()))
numbers = st.floats(allow_nan=False, allow_infinity=False)


def nearest(q: Fraction, fmt: Format) -> Fraction | float:
    """The number of a format nearest to a rational, ties to even; an independent second source for `Format.round`."""
    if q == 0:
        return q
    exponent = abs(q.numerator).bit_length() - q.denominator.bit_length()
    exponent -= abs(q) < Fraction(2) ** exponent
    spacing = Fraction(2) ** (max(exponent, fmt.emin) - fmt.precision + 1)
    rounded = round(q / spacing) * spacing
    return rounded if abs(rounded) <= Fraction(fmt.huge) else float("inf") if q > 0 else -float("inf")


@given(numbers, formats)
def test_formats_round_like_exact_rationals(x: float, fmt: Format) -> None:
    expected = nearest(Fraction(x), fmt)
    assert float(fmt.round(np.array(x))) == float(expected)
    assert fmt.represents(np.array(x)) == (expected == Fraction(x))


@given(formats, st.integers(0, 2**12), st.integers(-160, 130), st.sampled_from([-1, 0, 1]))
def test_formats_round_ties_and_their_neighbours(fmt: Format, m: int, exponent: int, side: int) -> None:
    x = np.ldexp(2.0**fmt.precision + m + 0.5, exponent - fmt.precision) if fmt.precision < 53 else np.ldexp(float(m), exponent)
    x = float(np.nextafter(x, side * np.inf)) if side else float(x)
    assert float(fmt.round(np.array(x))) == float(nearest(Fraction(x), fmt))


@pytest.mark.parametrize(("fmt", "dtype"), [(FLOAT16, np.float16), (FLOAT32, np.float32), (BFLOAT16, ml_dtypes.bfloat16)])
def test_formats_round_like_casts(fmt: Format, dtype: type) -> None:
    random = np.random.default_rng(1)
    with np.errstate(all="ignore"):
        x = np.ldexp(random.normal(size=20_000), random.integers(-160, 135, size=20_000)).astype(np.float32).astype(np.float64)
        assert np.array_equal(fmt.round(x), x.astype(np.float32).astype(dtype).astype(np.float64))
        least = np.array(np.nextafter(dtype(0), dtype(1))).astype(np.float64)
    assert fmt.tiny == least
    finfo = ml_dtypes.finfo(dtype)
    assert (fmt.huge, fmt.normal, 2 * fmt.unit) == (float(finfo.max), float(finfo.tiny), float(finfo.eps))


def test_formats_keep_infinities_and_nan() -> None:
    x = np.array([np.inf, -np.inf, np.nan])
    for fmt in FORMATS.values():
        assert np.array_equal(fmt.round(x), x, equal_nan=True)
        assert fmt.represents(x).all()
        assert fmt.overflow == fmt.huge or np.isinf(fmt.round(np.array(fmt.overflow)))
        assert fmt.round(np.array(np.nextafter(fmt.overflow, 0.0))) == fmt.huge or fmt == FLOAT64


def test_default_arithmetics() -> None:
    assert ieee("float64").accumulate == FLOAT64
    assert (ieee("bfloat16").storage, ieee("bfloat16").compute) == (BFLOAT16, FLOAT32)
    assert ieee("uint8").storage == Integers("uint8", 0, 255)
    assert ieee("tf32").storage == TF32
    composite = ieee("float16").as_composite()
    assert (composite.compute, composite.accumulate, composite.composite) == (FLOAT16, FLOAT16, True)
    assert composite.unit > FLOAT16.unit
