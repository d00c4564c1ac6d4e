"""The smooth activations' oracles against the documented formulas in 360 decimal digits, and against SciPy."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Context, Decimal, localcontext
from typing import Any

import numpy as np
import pytest
import scipy.special

from oracles import gated_activations as gated
from oracles import smooth_activations as smooth
from oracles.bounded import exact, ieee

Formula = Callable[[Decimal], Decimal]
SIZES = [0.0, 1e-30, 1e-5, 0.1, 0.75, 1.0, 3.0, 9.5, 20.0, 50.0, 88.0, 104.0, 710.0, 746.0, 1e4]
ALPHA, SCALE = Decimal("1.6732632423543772848170429916717"), Decimal("1.0507009873554804934193349852946")


def sigmoid(x: Decimal) -> Decimal:
    return 1 / (1 + (-x).exp())


def tanh(x: Decimal) -> Decimal:
    return (x.exp() - (-x).exp()) / (x.exp() + (-x).exp())


def softplus(x: Decimal) -> Decimal:
    return (1 + x.exp()).ln()


def elu(alpha: Decimal, scale: Decimal = Decimal(1), inner: Decimal = Decimal(1)) -> tuple[Formula, Formula]:
    """The function and its derivative, from the left at 0."""
    return (
        lambda x: scale * (x if x > 0 else alpha * ((x / inner).exp() - 1)),
        lambda x: scale * (Decimal(1) if x > 0 else alpha / inner * (x / inner).exp()),
    )


def mish_slope(x: Decimal) -> Decimal:
    t = tanh(softplus(x))
    return t + x * sigmoid(x) * (1 - t * t)


def linear_above(threshold: int, formula: Formula, line: Formula) -> Formula:
    return lambda x: line(x) if 2 * x > threshold else formula(x)


CASES: list[tuple[Any, Any, dict[str, Any], Formula, Formula]] = [
    (smooth.elu, smooth.elu_gradient, {"alpha": 0.5}, *elu(Decimal("0.5"))),
    (smooth.selu, smooth.selu_gradient, {}, *elu(ALPHA, SCALE)),
    (smooth.celu, smooth.celu_gradient, {"alpha": 4.0}, *elu(Decimal(4), inner=Decimal(4))),
    (smooth.sigmoid, smooth.sigmoid_gradient, {}, sigmoid, lambda x: sigmoid(x) * sigmoid(-x)),
    (smooth.log_sigmoid, smooth.log_sigmoid_gradient, {}, lambda x: sigmoid(x).ln(), lambda x: sigmoid(-x)),
    (smooth.tanh, smooth.tanh_gradient, {}, tanh, lambda x: 1 - tanh(x) ** 2),
    (smooth.tanhshrink, smooth.tanhshrink_gradient, {}, lambda x: x - tanh(x), lambda x: tanh(x) ** 2),
    (
        smooth.softplus,
        smooth.softplus_gradient,
        {"beta": 2.0, "threshold": 30},
        linear_above(30, lambda x: softplus(2 * x) / 2, lambda x: x),
        linear_above(30, lambda x: sigmoid(2 * x), lambda x: Decimal(1)),
    ),
    (smooth.softsign, smooth.softsign_gradient, {}, lambda x: x / (1 + abs(x)), lambda x: 1 / (1 + abs(x)) ** 2),
    (gated.silu, gated.silu_gradient, {}, lambda x: x * sigmoid(x), lambda x: sigmoid(x) * (1 + x * sigmoid(-x))),
    (gated.mish, gated.mish_gradient, {}, lambda x: x * tanh(softplus(x)), mish_slope),
]
IDS = [case[0].__name__ for case in CASES]
WANTED: dict[tuple[Formula, float], Decimal] = {}


def wanted(formula: Formula, x: float) -> Decimal:
    if (formula, x) not in WANTED:
        with localcontext(Context(prec=360, Emin=-999999, Emax=999999)):
            WANTED[formula, x] = formula(Decimal(x))
    return WANTED[formula, x]


def numbers(dtype: str) -> np.ndarray:
    return np.array([sign * size for size in SIZES for sign in (1, -1)], dtype).astype(float)


def assert_holds(y: Any, x: np.ndarray, formula: Formula, name: str) -> None:
    """The exact value lies in every ball, up to what the oracle rounds like every subject: 1 + 1e-30 is 1."""
    with localcontext(Context(prec=60, Emin=-999999, Emax=999999)):
        for point, value, error in zip(x, y.value, y.error, strict=True):
            assert error == np.inf or abs(Decimal(value) - wanted(formula, point)) <= Decimal(error) + abs(Decimal(value)) / 2**53, (
                name,
                point,
            )


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_the_exact_value_and_slope_lie_in_the_ball(case: Any, dtype: str) -> None:
    oracle, gradient, options, value, slope = case
    by, x = ieee(dtype), numbers(dtype)
    for formula in (oracle, *getattr(oracle, "formulations", ())):
        assert_holds(formula(exact(x, by), **options), x, value, formula.__name__)
    for formula in (gradient, *getattr(gradient, "formulations", ())):
        slopes = formula(exact(np.ones_like(x), by), exact(x, by), **options)["x"]
        assert_holds(getattr(slopes, "rule", slopes), x, slope, formula.__name__)


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_the_first_formulation_knows_something_everywhere(case: Any) -> None:
    oracle, gradient, options, *_ = case
    x = exact(numbers("float32"), ieee("float32"))
    assert not oracle(x, **options).free.any()
    assert not gradient(x * 0.0 + 1.0, x, **options)["x"].free.any()


def test_on_arrays_they_are_what_scipy_computes() -> None:
    x = np.linspace(-30, 30, 241)
    np.testing.assert_allclose(smooth.sigmoid(x), scipy.special.expit(x), rtol=1e-14)
    np.testing.assert_allclose(smooth.log_sigmoid(x), scipy.special.log_expit(x), rtol=1e-14)
    np.testing.assert_allclose(smooth.softplus(x, beta=1.0, threshold=20.0), np.logaddexp(0, x), rtol=1e-8)
    np.testing.assert_allclose(smooth.elu(x, alpha=2.0), np.where(x > 0, x, 2 * scipy.special.boxcox(np.exp(x), 1)), rtol=1e-12)
    np.testing.assert_allclose(gated.silu(x), x * scipy.special.expit(x), rtol=1e-14)


@pytest.mark.parametrize("dim", [0, 1, -1])
def test_the_second_half_is_the_gate(dim: int) -> None:
    rng = np.random.default_rng(2)
    x = rng.standard_normal((4, 6, 2))
    a, b = np.moveaxis(x, dim, 0)[: x.shape[dim] // 2], np.moveaxis(x, dim, 0)[x.shape[dim] // 2 :]
    y = np.moveaxis(a * scipy.special.expit(b), 0, dim)
    dy = rng.standard_normal(y.shape)
    moved = np.moveaxis(dy, dim, 0)
    both = np.concatenate([moved * scipy.special.expit(b), moved * a * scipy.special.expit(b) * scipy.special.expit(-b)])
    for formula in (gated.glu, *gated.glu.formulations):
        np.testing.assert_allclose(formula(x, dim=dim), y, rtol=1e-13)
    for formula in (gated.glu_gradient, *gated.glu_gradient.formulations):
        np.testing.assert_allclose(formula(dy, x, dim=dim)["x"], np.moveaxis(both, 0, dim), rtol=1e-12)


def test_at_infinity_the_limit_and_what_the_formula_makes_are_accepted() -> None:
    by = ieee("float32")
    x, dy = exact([-np.inf, np.inf, 0.0], by), exact([2.0, 3.0, 4.0], by)
    assert gated.silu(x).accepts(np.array([np.nan, np.inf, 0.0])).all()
    assert gated.mish(x).accepts(np.array([0.0, np.inf, 0.0])).all()
    assert gated.silu_gradient(dy, x)["x"].accepts(np.array([0.0, 3.0, 2.0])).all()
    assert gated.mish_gradient(dy, x)["x"].accepts(np.array([np.nan, np.nan, 2.4])).all()
    assert smooth.softsign(x).accepts(np.array([-1.0, 1.0, 0.0])).all()
    assert not smooth.softsign(x).accepts(np.array([1.0, 1.0, 0.0]))[0]
    assert list(smooth.sigmoid(x).accepts(np.array([0.0, np.nan, 0.5]))) == [True, False, True]
