"""The recurrences of optimizers against their algorithm boxes, one number and one step at a time, and against matrix formulas."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oracles import adam, adaptive_rates, descent
from oracles.bounded import exact, ieee
from oracles.factored_optimizers import Adafactor, Muon, orthogonal
from oracles.lbfgs import direction
from oracles.optimizer import Recurrence


def sgd(p: float, s: dict[str, float], g: float, t: int, *, lr, momentum, dampening, weight_decay, nesterov, **_: Any) -> float:
    if weight_decay:
        g += weight_decay * p
    if momentum:
        s["b"] = momentum * s["b"] + (1 - dampening) * g if t > 1 else g
        g = g + momentum * s["b"] if nesterov else s["b"]
    return p - lr * g


def asgd(p: float, s: dict[str, float], g: float, t: int, *, lr, lambd, alpha, t0, weight_decay, **_: Any) -> float:
    eta = lr if t == 1 else lr / (1 + lambd * lr * (t - 1)) ** alpha
    mu = 1.0 if t == 1 else 1 / max(1, t - 1 - t0)
    p = p - eta * (lambd * p + g + weight_decay * p)
    s["ax"] = (1 - mu) * s["ax"] + mu * p
    return p


def rprop(p: float, s: dict[str, float], g: float, t: int, *, lr, etas, step_sizes, **_: Any) -> float:
    eta = lr if t == 1 else s["eta"]
    if s["prev"] * g > 0:
        eta = min(eta * etas[1], step_sizes[1])
    elif s["prev"] * g < 0:
        eta, g = max(eta * etas[0], step_sizes[0]), 0.0
    s["eta"], s["prev"] = eta, g
    return p - eta * math.copysign(1.0, g) * (g != 0)


def adam_(p: float, s: dict[str, float], g: float, t: int, *, lr, betas, eps, weight_decay, amsgrad, decoupled=False, **_: Any) -> float:
    if decoupled:
        p -= lr * weight_decay * p
    else:
        g += weight_decay * p
    s["m"] = betas[0] * s["m"] + (1 - betas[0]) * g
    s["v"] = betas[1] * s["v"] + (1 - betas[1]) * g * g
    s["vmax"] = max(s["vmax"], s["v"])
    v = (s["vmax"] if amsgrad else s["v"]) / (1 - betas[1] ** t)
    return p - lr * (s["m"] / (1 - betas[0] ** t)) / (math.sqrt(v) + eps)


def adamw(*args: Any, **options: Any) -> float:
    return adam_(*args, decoupled=True, **options)


def nadam(p: float, s: dict[str, float], g: float, t: int, *, lr, betas, eps, weight_decay, momentum_decay, **_: Any) -> float:
    g += weight_decay * p
    mu = [betas[0] * (1 - 0.96 ** (i * momentum_decay) / 2) for i in range(1, t + 2)]
    s["m"] = betas[0] * s["m"] + (1 - betas[0]) * g
    s["v"] = betas[1] * s["v"] + (1 - betas[1]) * g * g
    m = mu[t] * s["m"] / (1 - math.prod(mu)) + (1 - mu[t - 1]) * g / (1 - math.prod(mu[:t]))
    return p - lr * m / (math.sqrt(s["v"] / (1 - betas[1] ** t)) + eps)


def radam(p: float, s: dict[str, float], g: float, t: int, *, lr, betas, eps, weight_decay, **_: Any) -> float:
    g += weight_decay * p
    s["m"] = betas[0] * s["m"] + (1 - betas[0]) * g
    s["v"] = betas[1] * s["v"] + (1 - betas[1]) * g * g
    m, limit = s["m"] / (1 - betas[0] ** t), 2 / (1 - betas[1]) - 1
    length = limit - 2 * t * betas[1] ** t / (1 - betas[1] ** t)
    if length <= 5:
        return p - lr * m
    r = math.sqrt((length - 4) * (length - 2) * limit / ((limit - 4) * (limit - 2) * length))
    return p - lr * m * r * math.sqrt(1 - betas[1] ** t) / (math.sqrt(s["v"]) + eps)


def adamax(p: float, s: dict[str, float], g: float, t: int, *, lr, betas, eps, weight_decay, **_: Any) -> float:
    g += weight_decay * p
    s["m"] = betas[0] * s["m"] + (1 - betas[0]) * g
    s["u"] = max(betas[1] * s["u"], abs(g) + eps)
    return p - lr * s["m"] / ((1 - betas[0] ** t) * s["u"])


def sparse_adam(p: float, s: dict[str, float], g: float, t: int, *, lr, betas, eps, **_: Any) -> float:
    if g == 0:
        return p
    s["m"] += (1 - betas[0]) * (g - s["m"])
    s["v"] += (1 - betas[1]) * (g * g - s["v"])
    return p - lr * math.sqrt(1 - betas[1] ** t) / (1 - betas[0] ** t) * s["m"] / (math.sqrt(s["v"]) + eps)


def adagrad(p: float, s: dict[str, float], g: float, t: int, *, lr, lr_decay, weight_decay, initial, eps, **_: Any) -> float:
    g += weight_decay * p
    s["sum"] = (initial if t == 1 else s["sum"]) + g * g
    return p - lr / (1 + (t - 1) * lr_decay) * g / (math.sqrt(s["sum"]) + eps)


def rmsprop(p: float, s: dict[str, float], g: float, t: int, *, lr, alpha, eps, weight_decay, momentum, centered, **_: Any) -> float:
    g += weight_decay * p
    s["v"] = alpha * s["v"] + (1 - alpha) * g * g
    s["a"] = alpha * s["a"] + (1 - alpha) * g
    s["b"] = momentum * s["b"] + g / (math.sqrt(s["v"] - s["a"] ** 2 if centered else s["v"]) + eps)
    return p - lr * s["b"]


def adadelta(p: float, s: dict[str, float], g: float, t: int, *, lr, rho, eps, weight_decay, **_: Any) -> float:
    g += weight_decay * p
    s["v"] = s["v"] * rho + g * g * (1 - rho)
    delta = math.sqrt(s["u"] + eps) / math.sqrt(s["v"] + eps) * g
    s["u"] = s["u"] * rho + delta * delta * (1 - rho)
    return p - lr * delta


ADAM = {"lr": 0.1, "betas": (0.9, 0.99), "eps": 1e-3, "weight_decay": 0.01, "maximize": False}
PLAIN = {"decoupled_weight_decay": False}
PAIRS: list[tuple[Recurrence, Callable[..., float], dict[str, Any]]] = [
    (descent.SGD, sgd, {"lr": 0.1, "momentum": 0.9, "dampening": 0.5, "weight_decay": 0.01, "nesterov": False, "maximize": False}),
    (descent.SGD, sgd, {"lr": 0.1, "momentum": 0.9, "dampening": 0.0, "weight_decay": 0.01, "nesterov": True, "maximize": False}),
    (descent.ASGD, asgd, {"lr": 0.1, "lambd": 0.1, "alpha": 0.75, "t0": 1.5, "weight_decay": 0.01, "maximize": False}),
    (descent.Rprop, rprop, {"lr": 0.1, "etas": (0.5, 1.2), "step_sizes": (0.06, 0.13), "maximize": False}),
    (adam.Adam, adam_, {**ADAM, **PLAIN, "amsgrad": False}),
    (adam.Adam, adam_, {**ADAM, **PLAIN, "amsgrad": True}),
    (adam.AdamW, adamw, {**ADAM, "amsgrad": True}),
    (adam.NAdam, nadam, {**ADAM, **PLAIN, "momentum_decay": 0.5}),
    (adam.RAdam, radam, {**ADAM, **PLAIN}),
    (adam.Adamax, adamax, ADAM),
    (adam.SparseAdam, sparse_adam, {"lr": 0.1, "betas": (0.9, 0.99), "eps": 1e-3, "maximize": False}),
    (
        adaptive_rates.Adagrad,
        adagrad,
        {"lr": 0.1, "lr_decay": 0.5, "weight_decay": 0.01, "initial_accumulator_value": 0.1, "eps": 1e-3, "maximize": False},
    ),
    (
        adaptive_rates.RMSprop,
        rmsprop,
        {"lr": 0.1, "alpha": 0.9, "eps": 1e-3, "weight_decay": 0.01, "momentum": 0.5, "centered": True, "maximize": False},
    ),
    (
        adaptive_rates.RMSprop,
        rmsprop,
        {"lr": 0.1, "alpha": 0.9, "eps": 1e-3, "weight_decay": 0.01, "momentum": 0.0, "centered": False, "maximize": False},
    ),
    (adaptive_rates.Adadelta, adadelta, {"lr": 0.1, "rho": 0.9, "eps": 1e-3, "weight_decay": 0.01, "maximize": False}),
]
HOW = {"own": None, "missing": (), "skipped": None}


def draw(seed: int, *shape: int) -> tuple[np.ndarray, ...]:
    """Two parameters and their gradients over some steps."""
    rng = np.random.default_rng(seed)
    return tuple(rng.standard_normal(s) for s in (shape[1:], shape[1:], shape, shape))


def walk(naive: Callable[..., float], p: float, gradients: list[float | None], options: dict[str, Any]) -> list[float]:
    """The path of one number; None where it has no gradient."""
    state, t, path = dict.fromkeys(("b", "ax", "prev", "m", "v", "vmax", "u", "a", "sum"), 0.0), 0, []
    for g in gradients:
        if g is not None:
            t += 1
            p = naive(p, state, g, t, initial=options.get("initial_accumulator_value"), **options)
        path.append(p)
    return path


@pytest.mark.parametrize(("recurrence", "naive", "options"), PAIRS, ids=lambda value: getattr(value, "__name__", ""))
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), steps=st.integers(1, 9), maximize=st.booleans(), missing=st.sampled_from(((), (0,), (1, 2))))
def test_a_recurrence_is_its_algorithm_number_by_number(recurrence, naive, options, seed, steps, maximize, missing):
    first, second, g, h = draw(seed, steps, 3)
    sign, given_options = (-1 if maximize else 1), {**options, "maximize": maximize}
    found = recurrence(first, second, g, h, **given_options, **{**HOW, "missing": missing})
    for i in range(3):
        wanted = walk(naive, first[i], [sign * x for x in g[:, i]], given_options)
        np.testing.assert_allclose(found["first"][:, i], wanted, rtol=1e-12, atol=1e-14)
        late = walk(naive, second[i], [None if t in missing else sign * x for t, x in enumerate(h[:, i])], given_options)
        np.testing.assert_allclose(found["second"][:, i], late, rtol=1e-12, atol=1e-14)


def test_a_group_has_settings_of_its_own_and_a_skipped_step_does_not_happen():
    first, second, g, h = draw(0, 3, 2)
    options = {"lr": 0.5, "momentum": 0.5, "dampening": 0.0, "weight_decay": 0.0, "nesterov": False, "maximize": False}
    found = descent.SGD(first, second, g, h, **options, own=(("lr", 0.25), ("momentum", 0.0)), missing=(), skipped=(1,))
    np.testing.assert_allclose(found["first"][2], first - 0.5 * g[0] - 0.5 * (0.5 * g[0] + g[2]))
    np.testing.assert_allclose(found["second"], [second - 0.25 * h[0], second - 0.25 * h[0], second - 0.25 * (h[0] + h[2])])
    assert "second_momentum_buffer" not in found
    assert "first_gradients" not in found


@pytest.mark.parametrize(("recurrence", "naive", "options"), PAIRS, ids=lambda value: getattr(value, "__name__", ""))
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_every_formulation_holds_the_mathematics_of_one_step(recurrence, naive, options, dtype):
    arrays, options = [np.asarray(a, dtype).astype(float) for a in draw(1, 4, 5)], {**options, "lr": 0.125}
    told = {name: np.asarray(path) for name, path in recurrence(*arrays, **options, **HOW).items()}
    kept = {name: path.astype("float32" if path.ndim == 1 else dtype) for name, path in told.items()}
    balls = [exact(a, ieee(dtype)) for a in arrays]
    for form in (recurrence, *recurrence.formulations):
        for name, ball in form(*balls, **options, **HOW, observed=kept).items():
            plain = recurrence.__class__.__call__(form, *arrays, **options, **HOW, observed=kept)[name]
            assert np.all(np.abs(ball.value - plain) <= ball.error + 1e-15 * np.abs(plain)), name
            assert np.all(ball.error <= 1e-5 * (1 + np.abs(ball.value))), name


def test_adafactor_is_its_algorithm_by_loops():
    first, second, g, h = draw(2, 3, 4, 3)
    options = {"lr": 0.1, "beta2_decay": -0.8, "eps": (1e-3, 1e-2), "d": 1.5, "weight_decay": 0.1, "maximize": False}
    found, p, r, c = Adafactor(first, second, g, h, **options, **HOW)["first"], first, [0.0] * 4, [0.0] * 3
    for t in (1, 2, 3):
        square, keep = g[t - 1] ** 2, 1 - t**-0.8
        scale = max(1e-2, np.linalg.norm(p) / 12**0.5) * min(0.1, t**-0.5)
        r = [keep * r[i] + (1 - keep) * sum(square[i]) / 3 for i in range(4)]
        c = [keep * c[j] + (1 - keep) * sum(square[:, j]) / 4 for j in range(3)]
        v = [[r[i] * c[j] / max(sum(r) / 4, 1e-3) for j in range(3)] for i in range(4)]
        u = g[t - 1] / np.maximum(np.sqrt(v), 1e-3)
        p = p - 0.1 * 0.1 * p - scale * u / max(1, np.linalg.norm(u) / 12**0.5 / 1.5)
        np.testing.assert_allclose(found[t - 1], p, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("shape", [(2, 5), (5, 2), (3, 3)])
def test_newton_schulz_acts_on_singular_values(shape):
    x, (a, b, c) = np.random.default_rng(0).standard_normal(shape), (3.4445, -4.775, 2.0315)
    u, values, v = np.linalg.svd(x, full_matrices=False)
    values = values / np.sqrt(np.sum(values**2))
    for _ in range(3):
        values = a * values + b * values**3 + c * values**5
    np.testing.assert_allclose(orthogonal(x[None], (a, b, c), 1e-7, 3)[0], u @ np.diag(values) @ v, rtol=1e-10)


def test_muon_steps_against_the_orthogonal_factor():
    first, second, g, h = draw(3, 2, 4, 2)
    options = {"lr": 0.1, "weight_decay": 0.1, "momentum": 0.9, "nesterov": True, "eps": 1e-7, "ns_steps": 2}
    ns = (1.5, -0.5, 0.0)
    found = Muon(first, second, g, h, **options, ns_coefficients=ns, adjust_lr_fn=None, **HOW)["first"]
    sums = [g[0], 0.9 * g[0] + g[1]]  # as documented; the state has them 1 − momentum times as large
    p = first
    for t in (0, 1):
        o = orthogonal((g[t] + 0.9 * sums[t])[None], ns, 1e-7, 2)[0]
        p = p - 0.1 * 0.1 * p - 0.1 * 2**0.5 * o
        np.testing.assert_allclose(found[t], p, rtol=1e-12, atol=1e-14)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 4), most=st.integers(1, 4))
def test_the_two_loops_are_the_matrix_formula_of_bfgs(seed, n, most):
    rng = np.random.default_rng(seed)
    m = rng.standard_normal((n, n))
    hessian, g = m.T @ m + np.eye(n), rng.standard_normal(n)
    pairs = [(s, hessian @ s) for s in rng.standard_normal((most, n))]
    inverse = np.eye(n) * (pairs[-1][0] @ pairs[-1][1]) / (pairs[-1][1] @ pairs[-1][1])
    for s, y in pairs:
        v = np.eye(n) - np.outer(y, s) / (y @ s)
        inverse = v.T @ inverse @ v + np.outer(s, s) / (y @ s)
    np.testing.assert_allclose(direction(g, pairs), -inverse @ g, rtol=1e-7, atol=1e-9)
