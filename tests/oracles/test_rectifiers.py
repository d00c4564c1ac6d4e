"""The rectifiers' oracles against the documented cases, one fraction at a time, and their gradients against differences."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from oracles import rectifiers
from oracles.bounded import exact, ieee
from oracles.conventions import in_pieces
from oracles.shuffling import exactly

Scalar = Callable[[Fraction], Fraction]
POINTS = [k / 16 for k in range(-120, 121)] + [1e-30, -1e-30, 100.0, -1000.0, 0.1, -0.1, 2.9999998, -3.0000002]


def leaky(slope: float) -> Scalar:
    return lambda x: max(Fraction(0), x) + Fraction(slope) * min(Fraction(0), x)


def clamp(low: float, high: float) -> Scalar:
    return lambda x: Fraction(high) if x > high else Fraction(low) if x < low else x


def hardswish(x: Fraction) -> Fraction:
    return Fraction(0) if x <= -3 else x if x >= 3 else x * (x + 3) / 6


def softshrink(lambd: float) -> Scalar:
    return lambda x: x - Fraction(lambd) if x > lambd else x + Fraction(lambd) if x < -lambd else Fraction(0)


CASES: list[tuple[str, dict[str, Any], Scalar, tuple[float, ...]]] = [
    ("relu", {}, leaky(0), (0,)),
    ("relu6", {}, lambda x: min(max(Fraction(0), x), Fraction(6)), (0, 6)),
    ("leaky_relu", {"negative_slope": 0.01}, leaky(0.01), (0,)),
    ("leaky_relu", {"negative_slope": -0.5}, leaky(-0.5), (0,)),
    ("rrelu", {"lower": 0.125, "upper": 0.25, "training": False, "seed": 0}, leaky(0.1875), (0,)),
    ("hardtanh", {"min_val": -1.0, "max_val": 2.5}, clamp(-1.0, 2.5), (-1, 2.5)),
    ("hardsigmoid", {}, lambda x: clamp(0, 1)(x / 6 + Fraction(1, 2)), (-3, 3)),
    ("hardswish", {}, hardswish, (-3, 3)),
    ("hardshrink", {"lambd": 0.5}, lambda x: x if abs(x) > 0.5 else Fraction(0), (-0.5, 0.5)),
    ("hardshrink", {"lambd": -1.0}, lambda x: x, ()),
    ("softshrink", {"lambd": 0.1}, softshrink(0.1), (-0.1, 0.1)),
    ("threshold", {"threshold": 0.25, "value": 7.0}, lambda x: x if x > 0.25 else Fraction(7), (0.25,)),
]


WHOLE = (
    ("relu", {}, lambda x: max(x, 0)),
    ("relu6", {}, lambda x: min(max(x, 0), 6)),
    ("hardtanh", {"min_val": 1, "max_val": 3}, lambda x: min(max(x, 1), 3)),
    ("threshold", {"threshold": 5, "value": 2}, lambda x: x if x > 5 else 2),
)


def formulations(name: str) -> list[Callable[..., Any]]:
    oracle = getattr(rectifiers, name)
    return [oracle, *getattr(oracle, "formulations", ())]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("name", "options", "wanted", "kinks"), CASES)
def test_the_exact_value_lies_in_the_ball(name: str, options: Any, wanted: Scalar, kinks: Any, dtype: str) -> None:
    x = np.array(POINTS, dtype).astype(float)
    for formula in formulations(name):
        y = formula(exact(x, ieee(dtype)), **options)
        for point, value, error in zip(x, y.value, y.error, strict=True):
            assert abs(Fraction(value) - wanted(Fraction(point))) <= Fraction(error), (formula.__name__, point)


@pytest.mark.parametrize(("name", "options", "wanted", "kinks"), CASES)
def test_gradients_are_differences_away_from_the_kinks(name: str, options: Any, wanted: Scalar, kinks: Any) -> None:
    step = Fraction(1, 2**40)
    x = np.array([point for point in POINTS if all(abs(point - kink) > step for kink in kinks)])
    dy = np.linspace(-3, 5, len(x))
    got = getattr(rectifiers, f"{name}_gradient")(dy, x, **options)["x"]
    differences = [(wanted(Fraction(a) + step) - wanted(Fraction(a) - step)) / (2 * step) for a in x]
    np.testing.assert_allclose(got, [float(d) * e for d, e in zip(differences, dy, strict=True)], rtol=1e-14, atol=1e-14)


def test_slopes_belong_to_channels() -> None:
    rng = np.random.default_rng(1)
    x, weight, dy = rng.standard_normal((2, 3, 4)), rng.standard_normal(3), rng.standard_normal((2, 3, 4))
    y, gradients, sums = rectifiers.prelu(x, weight), rectifiers.prelu_gradient(dy, x, weight), [0.0] * 3
    for n, c, i in np.ndindex(x.shape):
        slope = 1.0 if x[n, c, i] >= 0 else weight[c]
        assert y[n, c, i] == x[n, c, i] * slope
        assert gradients["x"][n, c, i] == dy[n, c, i] * slope
        sums[c] += dy[n, c, i] * min(0.0, x[n, c, i])
    np.testing.assert_allclose(gradients["weight"], sums, rtol=1e-12)
    np.testing.assert_allclose(rectifiers.prelu_gradient(dy, x, weight[:1])["weight"], [np.sum(dy * np.minimum(x, 0))], rtol=1e-12)
    for one in (np.array(-2.0), np.array([-2.0, 4.0])):
        np.testing.assert_array_equal(rectifiers.prelu(one, weight[:1]), np.where(one < 0, one * weight[0], one))


def test_in_training_the_slope_lies_between_its_bounds() -> None:
    x = np.array([-2.0, -2.0, -2.0, -2.0, 3.0])
    y = rectifiers.rrelu(exact(x, ieee("float32")), lower=0.25, upper=0.5, training=True, seed=0)
    assert list(y.accepts(np.array([-0.5, -1.0, -0.4999, -1.0001, 3.0]))) == [True, True, False, False, True]


def test_at_nan_any_piece_is_accepted_but_one_for_all() -> None:
    by = ieee("float32")
    gradient = rectifiers.hardtanh_gradient(exact([2.0, 3.0, 4.0], by), exact([math.nan] * 3, by), min_val=-1.0, max_val=1.0)["x"]
    for alike in ([2.0, 3.0, 4.0], [0.0] * 3, [math.nan] * 3):
        assert gradient.accepts(np.array(alike)).all()
    assert list(gradient.accepts(np.array([0.0, 0.0, 4.0]))) == [True, True, False]
    assert list(gradient.used(np.array([2.0, 3.0, 0.0]))) == [0.0, 0.0, math.inf]
    assert "but alike" in gradient.describe((0,))


def test_at_a_kink_either_side_is_accepted_but_one_for_all() -> None:
    x, dy = np.array([-1.0, 1.0, 1.0, 0.5]), np.array([1.0, 2.0, 3.0, 4.0])
    gradient = in_pieces(x, (-1, 1), (0 * dy, dy, 0 * dy))
    assert gradient.accepts(np.array([0.0, 2.0, 3.0, 4.0])).all()
    assert gradient.accepts(np.array([1.0, 0.0, 0.0, 4.0])).all()
    assert not gradient.accepts(np.array([1.0, 0.0, 3.0, 4.0])).all()
    assert not gradient.accepts(np.array([1.0, 2.0, 3.0, 0.0]))[3]
    assert not gradient.free.any()


@pytest.mark.parametrize("name", ["hardshrink", "softshrink"])
def test_shrinking_nan_gives_nan_or_zero(name: str) -> None:
    y = getattr(rectifiers, name)(np.array([math.nan, math.nan, 2.0]), lambd=1.0)
    rest = {"hardshrink": 2.0, "softshrink": 1.0}[name]
    assert y.accepts(np.array([math.nan, math.nan, rest])).all()
    assert y.accepts(np.array([0.0, 0.0, rest])).all()
    assert not y.accepts(np.array([0.0, math.nan, rest])).all()


@pytest.mark.parametrize("dtype", ["int64", "int8", "uint8"])
@pytest.mark.parametrize(("name", "options", "wanted"), WHOLE)
def test_integers_stay_integers(name: str, options: dict[str, Any], wanted: Callable[[int], int], dtype: str) -> None:
    limits = np.iinfo(dtype)
    numbers = [limits.min, limits.min + 1, 0, 1, 2, 5, 6, 7, limits.max - 1, limits.max]
    found = exactly(getattr(rectifiers, name))(np.array(numbers, dtype), **options)
    assert [int(y) for y in found.value] == [wanted(x) for x in numbers]
    assert found.value.dtype == dtype
