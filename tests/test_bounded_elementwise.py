"""Whatever an honest subject computes from operands within their balls lies in the ball of the result: elementary operations."""

from __future__ import annotations

import operator
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from oracles.bounded import BFLOAT16, FLOAT16, FLOAT32, FLOAT64, TABLE, TF32, Arithmetic, Bounded, Format, erf, erfc, exact
from tests.test_bounded_formats import nearest

FORMATS = st.sampled_from([FLOAT64, FLOAT32, FLOAT16, BFLOAT16, TF32])
SHARE = st.one_of(st.sampled_from([Fraction(-1), Fraction(0), Fraction(1)]), st.fractions(-1, 1, max_denominator=9))
ERROR = st.one_of(st.just(0.0), st.floats(0, 2.0**-8), st.floats(0, 2.0))


def native(fmt: Format) -> Arithmetic:
    """A subject that computes and stores in one format."""
    return Arithmetic(fmt, fmt, fmt)


@st.composite
def operands(draw: st.DrawFn, fmt: Format) -> tuple[Bounded, Fraction]:
    """A ball around a number of the format (magnitudes from subnormal to overflow), and a point of it."""
    top = fmt.precision + 1
    value = draw(st.integers(-(2**top), 2**top)) * 2.0 ** draw(st.sampled_from([0, -top, fmt.emin // 2, fmt.emin - top, fmt.emax // 2]))
    value = float(np.clip(fmt.round(np.array(value)), -fmt.huge, fmt.huge))
    error = min(abs(value), fmt.huge / 2) * draw(ERROR)
    huge, tiny = Fraction(fmt.huge), Fraction(fmt.tiny)
    point = max(-huge, min(Fraction(value) + draw(SHARE) * Fraction(error), huge))
    if abs(point) < 4 * Fraction(fmt.normal):  # an operand is a number of the format, or of a wider one where it is not subnormal
        snapped = round(point / tiny) * tiny
        point = snapped if abs(snapped - Fraction(value)) <= Fraction(error) else Fraction(value)
    return Bounded(value, error, native(fmt)), point


def number(x: Bounded, point: Fraction) -> Fraction:
    """The point as a number of the format, if that still lies in the ball; a term kept wider has its rounding counted where it arose."""
    snapped = nearest(point, x.by.compute)
    inside = not isinstance(snapped, float) and abs(snapped - Fraction(float(x.value))) <= Fraction(float(x.error))
    return Fraction(snapped) if inside else Fraction(float(x.value))


def assert_within(x: Bounded, subject: Fraction | float) -> None:
    """The subject's number lies in the ball (an infinity where the ball reaches overflow)."""
    value, error = float(x.value), float(x.error)
    if np.isinf(error):
        return
    if isinstance(subject, float):
        assert x.accepts(subject), (x, subject)
    elif np.isinf(value):
        assert x.accepts(float(subject)), (x, subject)
    else:
        assert abs(subject - Fraction(value)) <= Fraction(error), (x, float(subject))


@pytest.mark.parametrize("operation", [operator.add, operator.sub, operator.mul, operator.truediv])
@given(st.data(), FORMATS)
def test_the_four_operations_contain_the_rounded_rational(operation: Any, data: st.DataObject, fmt: Format) -> None:
    (x, a), (y, b) = data.draw(operands(fmt)), data.draw(operands(fmt))
    assume(not (operation is operator.truediv and b == 0))
    if operation in (operator.add, operator.sub):
        a, b = number(x, a), number(y, b)
    z = operation(x, y)
    assert_within(z, nearest(operation(a, b), fmt))
    if operation is operator.truediv:  # one ulp: also by the reciprocal
        reciprocal = nearest(1 / b, fmt)
        assert_within(1 / y, reciprocal)
        if not isinstance(reciprocal, float) and abs(reciprocal) >= Fraction(fmt.normal):
            assert_within(z, nearest(a * reciprocal, fmt))


@given(st.data(), FORMATS)
def test_roots_squares_and_cubes_contain_the_rounded_rational(data: st.DataObject, fmt: Format) -> None:
    x, a = data.draw(operands(fmt))
    assert_within(np.square(x), nearest(a * a, fmt))
    assert_within(x**2, nearest(a * a, fmt))
    square = nearest(a * a, fmt)
    if not isinstance(square, float) and abs(square) >= Fraction(fmt.normal):
        assert_within(x**3, nearest(square * a, fmt))
    root = np.sqrt(x)
    assume(a > 0 and np.isfinite(root.error))
    least, most = (max(Fraction(float(root.value)) + side * Fraction(float(root.error)), Fraction(0)) for side in (-1, 1))
    half = Fraction(fmt.unit) / 4  # the exact root, and a little rounding of it, lies inside
    assert least**2 <= a * (1 - half) ** 2 or (least**2 <= a and root.error == 0)
    assert most**2 >= a * (1 + half) ** 2 or (most**2 >= a and root.error == 0)


@given(st.data(), FORMATS)
def test_operations_that_only_choose_contain_the_choice(data: st.DataObject, fmt: Format) -> None:
    (x, a), (y, b) = data.draw(operands(fmt)), data.draw(operands(fmt))
    for function, result in ((np.maximum, max(a, b)), (np.minimum, min(a, b))):
        assert_within(function(x, y), result)
    assert_within(abs(x), abs(a))
    assert_within(-x, -a)
    assert_within(np.sign(x), Fraction((a > 0) - (a < 0)))
    assert_within(np.floor(x), Fraction(a.__floor__()))
    assert_within(np.ceil(x), Fraction(a.__ceil__()))
    assert_within(np.rint(x), Fraction(round(a)))
    assert_within(np.where(x > y, x, y), a if a > b else b)
    assert_within(np.clip(x, 0, 6), min(max(a, Fraction(0)), Fraction(6)))


FUNCTIONS: dict[str, tuple[Any, Any]] = {
    "exp": (np.exp, mpmath.exp),
    "exp2": (np.exp2, lambda t: mpmath.mpf(2) ** t),
    "expm1": (np.expm1, mpmath.expm1),
    "log": (np.log, mpmath.log),
    "log2": (np.log2, lambda t: mpmath.log(t, 2)),
    "log1p": (np.log1p, mpmath.log1p),
    "tanh": (np.tanh, mpmath.tanh),
    "sin": (np.sin, mpmath.sin),
    "cos": (np.cos, mpmath.cos),
    "atan": (np.arctan, mpmath.atan),
    "erf": (erf, mpmath.erf),
    "erfc": (erfc, mpmath.erfc),
    "sinc": (np.sinc, mpmath.sincpi),
    "power": (lambda x: x**1.5, lambda t: t ** mpmath.mpf(1.5)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
@given(st.data(), st.sampled_from([FLOAT64, FLOAT32, BFLOAT16]), st.floats(-1, 1))
def test_functions_contain_results_of_the_declared_accuracy(name: str, data: st.DataObject, fmt: Format, share: float) -> None:
    ours, theirs = FUNCTIONS[name]
    value = data.draw(st.floats(-30, 30) | st.floats(-1e-3, 1e-3) | st.sampled_from([0.0, 1.0, 2.0, -4.0]))
    value = float(fmt.round(np.array(value)))
    error = abs(value) * data.draw(ERROR)
    x = ours(Bounded(value, error, native(fmt)))
    assume(np.isfinite(x.value) and np.isfinite(x.error))
    with mpmath.workprec(200):
        point = mpmath.mpf(value) + mpmath.mpf(share) * mpmath.mpf(error)
        true = theirs(point)
        assert abs(true - float(x.value)) <= float(x.error) + 2e-16 * abs(float(x.value)) * (error == 0)
        ulps = mpmath.mpf(TABLE[name].ulps) * mpmath.mpf(share)
        rounded = true * (1 + ulps * fmt.unit)  # ulp(y) ≥ u·|y|: part of what is declared
        if not (error == 0 and x.error == 0):
            assert abs(rounded - float(x.value)) <= float(x.error)


@given(st.data(), FORMATS)
def test_constants_carry_their_own_rounding(data: st.DataObject, fmt: Format) -> None:
    x, a = data.draw(operands(fmt))
    c = data.draw(st.floats(-8, 8))
    rounded = nearest(Fraction(c), fmt)
    assert not isinstance(rounded, float)
    assert_within(x * c, nearest(a * rounded, fmt))
    assert_within(x * c, nearest(a * Fraction(c), fmt))
    assert_within(np.float64(c) + x, nearest(number(x, a) + rounded, fmt))


@given(st.lists(st.integers(-1000, 1000), min_size=1, max_size=9), st.sampled_from([FLOAT64, FLOAT32]))
def test_integers_are_exact(xs: list[int], fmt: Format) -> None:
    x = exact(np.array(xs), native(fmt))
    for y in (x + x, x * x, x - 3, x / 4, 0.5 * x, abs(x), np.sqrt(np.square(x)), np.maximum(x, 0), x**2, np.exp2(x * 0)):
        assert not y.error.any()
    assert ((x / 3).error > 0).tolist() == [n != 0 for n in xs]
    assert not np.exp(x * 0).error.any()


@pytest.mark.parametrize("fmt", [FLOAT64, FLOAT32, FLOAT16, BFLOAT16])
def test_single_operations_are_sharp(fmt: Format) -> None:
    u, by = fmt.unit, native(fmt)
    third, seventh = (float(fmt.round(np.array(1 / n))) for n in (3, 7))
    x, y = exact(third, by), exact(seventh, by)
    for z, k in ((x + y, 1), (x * y, 1), (x / y, 2), (np.sqrt(x), 2), (np.exp(x), 2), (np.tanh(x), 2)):
        assert z.error <= (k + 1.01 if fmt == FLOAT64 and k == 1 else 2 * k + 0.01 if fmt == FLOAT64 else k + 0.01) * u * abs(z.value)
        honest = float(fmt.round(z.value))
        assert z.accepts(honest)
        for side in (-np.inf, np.inf):
            far = honest
            for _ in range(4 * k):
                far += np.copysign(2 * u * abs(far), side)
                far = float(fmt.round(np.array(far)))
            assert not z.accepts(far)
    if fmt != FLOAT64:
        (a, b), sums = (0.75, 2.0**-fmt.precision * 0.75), x * 0 + 0.75 + exact(2.0**-fmt.precision * 0.75, by)
        assert sums.accepts(fmt.round(np.array(a + b))), "the correctly rounded sum"
        assert not sums.accepts(a + 4 * u)


def test_a_number_of_a_finer_format_is_rounded_where_it_meets_a_coarser_one() -> None:
    fine, coarse = exact(np.array([0.1, 0.5, -1e-50]), native(FLOAT64)), exact(np.ones(3), native(FLOAT32))
    for product in (fine * coarse, coarse * fine):
        assert product.by is coarse.by
        assert product.accepts(np.float32([0.1, 0.5, -0.0])).all()
        assert (product.error > 0).tolist() == [True, False, True]
    assert (fine * coarse).error[0] <= 2.1 * FLOAT32.unit * 0.1


@pytest.mark.parametrize("fmt", [FLOAT32, FLOAT16, BFLOAT16])
def test_a_product_with_a_number_of_no_format_is_rounded_where_float64_happens_to_hit_a_number_of_the_format(fmt: Format) -> None:
    fifths = exact(np.arange(5.0, 100.0, 5.0), native(fmt))  # a tenth in float64 times five is one half, to 53 bits
    product = fifths * exact(0.1, fifths.by)
    for x, ball in zip(fifths.value, product, strict=True):
        assert_within(ball, Fraction(x) * Fraction(0.1))
        assert float(ball.error) > 0
