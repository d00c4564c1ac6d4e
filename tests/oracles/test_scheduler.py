"""Schedulers against their formulas in exact fractions, or step by step in plain Python."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest

from oracles import annealing_scheduler, composed_scheduler, cyclic_scheduler, plateau, scheduler

LR = (0.1, 3.0)
STEPS = 40


def rational(factor, steps=STEPS):
    """initial lr · factor(t), computed exactly and rounded once."""
    return np.array([[float(Fraction(lr) * factor(t)) for lr in LR] for t in range(steps)])


def judged(oracle, path, **options):
    """What an oracle accepts of a path: all of it, and nothing that is a little off."""
    frame = {"lr": LR, "lr_as": "number", "steps": len(path), "resume_at": None, "resume_by": "state_dict"}
    accepted = oracle(**options, **frame, observed={"lr": path})["lr"]
    assert accepted.accepts(path).all(), np.argwhere(~accepted.accepts(path))
    for off in (path * (1 + 1e-9) + 1e-15, path + 1e-6):
        accepted = oracle(**options, **frame, observed={"lr": path})["lr"]
        assert not accepted.accepts(off).any()
    assert not accepted.free.any()


GAMMAS = (0.5, 0.1, 0.9, 1.01)


@pytest.mark.parametrize("gamma", GAMMAS)
def test_powers_of_gamma(gamma):
    g = Fraction(gamma)
    judged(scheduler.exponential_lr, rational(lambda t: g**t), gamma=gamma)
    for size in (1, 3, 50):
        judged(scheduler.step_lr, rational(lambda t, size=size: g ** (t // size)), step_size=size, gamma=gamma)
    for milestones in ((), (3,), (0, 2, 2, 7)):
        path = rational(lambda t, milestones=milestones: g ** len([m for m in milestones if m <= t]))
        judged(scheduler.multi_step_lr, path, milestones=milestones, gamma=gamma)


@pytest.mark.parametrize("total", [1, 5, 64])
@pytest.mark.parametrize("factor", [0.5, 1 / 3, 0.9])
def test_constant_and_linear(total, factor):
    f = Fraction(factor)
    judged(scheduler.constant_lr, rational(lambda t: f if t < total else 1), factor=factor, total_iters=total)
    for end in (1.0, 0.1):
        path = rational(lambda t, end=end: f + (Fraction(end) - f) * min(t, total) / total)
        judged(scheduler.linear_lr, path, start_factor=factor, end_factor=end, total_iters=total)


@pytest.mark.parametrize(("total", "power"), [(64, 1), (64, 3), (50, 2)])
def test_polynomials(total, power):
    judged(
        scheduler.polynomial_lr, rational(lambda t: Fraction(total - min(t, total), total) ** power), total_iters=total, power=float(power)
    )


def test_a_polynomial_ends_at_zero_and_stays():
    path = rational(lambda t: Fraction(max(5 - t, 0), 5))
    accepted = scheduler.polynomial_lr(total_iters=5, power=1.0, lr=LR, lr_as="number", steps=STEPS, observed={"lr": path})["lr"]
    assert accepted.accepts(path).all()
    assert not accepted.accepts(path + 1e-9)[5:].any()


TABLES = (((0.5, 0.25, 2.0),), ((0.9, 1.0), (0.1, 0.7, 1.5)))


@pytest.mark.parametrize("tables", TABLES)
def test_tables_of_factors(tables):
    tables_of_groups = tables * (2 // len(tables))

    def value(group, t):
        return Fraction(tables_of_groups[group][t % len(tables_of_groups[group])])

    once = np.array([[float(Fraction(lr) * value(i, t)) for i, lr in enumerate(LR)] for t in range(STEPS)])
    judged(scheduler.lambda_lr, once, lr_lambda=tables)
    path = [list(LR)]
    for t in range(1, STEPS):
        path.append([float(Fraction(rate) * value(i, t)) for i, rate in enumerate(path[-1])])
    judged(scheduler.multiplicative_lr, np.array(path), lr_lambda=tables)


@pytest.mark.parametrize(("period", "least"), [(1, 0.0), (7, 0.01), (20, 0.05), (64, 0.0)])
def test_cosine_without_restarts(period, least):
    path = np.array([[least + (lr - least) * math.cos(math.pi * t / (2 * period)) ** 2 for lr in LR] for t in range(STEPS)])
    accepted = scheduler.cosine_annealing_lr(T_max=period, eta_min=least, lr=LR, lr_as="number", steps=STEPS, observed={"lr": path})["lr"]
    assert accepted.accepts(path).all()
    assert not accepted.accepts(path * (1 + 1e-9) + 1e-12).any()


@pytest.mark.parametrize(("first", "growth", "least"), [(1, 1, 0.0), (3, 2, 0.01), (1, 3, 0.05), (7, 1, 0.01)])
@pytest.mark.parametrize("given", [None, "fractions"])
def test_cosine_with_restarts(first, growth, least, given):
    epochs = [t / 4 if given else t for t in range(STEPS)]
    path = []
    for epoch in epochs:
        since, length = epoch, first
        while since >= length:
            since, length = since - length, length * growth
        path.append([least + (lr - least) * math.cos(math.pi * since / (2 * length)) ** 2 for lr in LR])
    told = tuple(epochs[1:]) if given else None
    judged(annealing_scheduler.cosine_annealing_warm_restarts, np.array(path), T_0=first, T_mult=growth, eta_min=least, given=told)


@pytest.mark.parametrize(("up", "down"), [(3, None), (2, 5), (1.5, 2.5), (1, 9)])
@pytest.mark.parametrize("mode", ["triangular", "triangular2", "exp_range", "custom"])
def test_triangles(up, down, mode):
    high, gamma, table = 1.1, Fraction(0.99), (0.5, 1.0, 0.25)
    length = Fraction(up) + Fraction(up if down is None else down)

    def height(t):
        cycle, x = divmod(Fraction(t), length)
        climbed = x / Fraction(up) if x <= up else (length - x) / (length - Fraction(up))
        scale = {
            "triangular": 1,
            "triangular2": Fraction(1, 2 ** int(cycle)),
            "exp_range": gamma**t,
            "custom": Fraction(table[(int(cycle) + 1) % 3]),
        }
        return climbed * scale[mode]

    path = np.array([[float(Fraction(low) + (Fraction(high) - Fraction(low)) * height(t)) for low in LR] for t in range(STEPS)])
    options = {
        "base_lr": LR, "max_lr": high, "step_size_up": up, "step_size_down": down, "mode": "triangular" if mode == "custom" else mode,
        "gamma": 0.99, "scale_fn": table if mode == "custom" else None, "scale_mode": "cycle", "cycle_momentum": True,
        "base_momentum": 0.8, "max_momentum": 0.9,
    }  # fmt: skip
    judged(cyclic_scheduler.cyclic_lr, path, **options)
    momenta = np.array([[float(Fraction(0.9) - (Fraction(0.9) - Fraction(0.8)) * height(t))] * 2 for t in range(STEPS)])
    accepted = cyclic_scheduler.cyclic_lr(**options, lr=LR, lr_as="number", steps=STEPS)["momentum"]
    assert accepted.accepts(momenta).all()
    assert not accepted.accepts(momenta + 1e-9).any()


@pytest.mark.parametrize(("share", "three_phase"), [(0.25, False), (0.5, False), (0.25, True), (0.375, True)])
@pytest.mark.parametrize("strategy", ["linear", "cos"])
def test_one_cycle(share, three_phase, strategy):
    top, total = 2.0, STEPS
    start, end = top / 25, top / 25 / 1e4
    peak = share * total - 1
    corners = [(0.0, start, 0.95), (peak, top, 0.85), *([(2 * peak, start, 0.95)] if three_phase else [])]
    corners.append((total - 1, end, 0.95))
    rates, momenta = [], []
    for t in range(total):
        (a, *before), (b, *then) = next(pair for pair in itertools.pairwise(corners) if t <= pair[1][0])
        part = (t - a) / (b - a)
        part = part if strategy == "linear" else math.sin(math.pi * part / 2) ** 2
        rate, momentum = ((1 - part) * x + part * y for x, y in zip(before, then, strict=True))
        rates.append([rate] * 2)
        momenta.append([momentum] * 2)
    options = {
        "max_lr": top, "total_steps": None, "epochs": 4, "steps_per_epoch": 10, "pct_start": share, "anneal_strategy": strategy,
        "cycle_momentum": True, "base_momentum": 0.85, "max_momentum": 0.95, "div_factor": 25.0, "final_div_factor": 1e4,
        "three_phase": three_phase,
    }  # fmt: skip
    result = cyclic_scheduler.one_cycle_lr(**options, lr=LR, lr_as="number", steps=total)
    for name, path in (("lr", np.array(rates)), ("momentum", np.array(momenta))):
        assert result[name].accepts(path).all()
        assert not result[name].accepts(path * (1 + 1e-9) + 1e-12).any()


@pytest.mark.parametrize("epochs", [0, 1, 5, 64])
@pytest.mark.parametrize("strategy", ["linear", "cos"])
def test_annealing_to_a_fixed_rate(epochs, strategy):
    path = []
    for t in range(STEPS):
        part = 1.0 if t >= epochs else t / epochs
        part = part if strategy == "linear" else math.sin(math.pi * part / 2) ** 2
        path.append([0.5 if part == 1.0 else (1 - part) * lr + part * 0.5 for lr in LR])
    judged(annealing_scheduler.swa_lr, np.array(path), swa_lr=0.5, anneal_epochs=epochs, anneal_strategy=strategy)


def test_one_scheduler_after_the_other_and_all_at_once():
    steps = (
        ("ConstantLR", {"factor": 0.25, "total_iters": 2}),
        ("ExponentialLR", {"gamma": 0.9}),
        ("StepLR", {"step_size": 2, "gamma": 0.5}),
    )
    factors = (lambda t: Fraction(1, 4) if t < 2 else 1, lambda t: Fraction(0.9) ** t, lambda t: Fraction(1, 2) ** (t // 2))
    for milestones in ((3, 10), (0, 4), (5, 5), (0, 0)):
        begins = (0, *milestones)
        active = [max(i for i in range(3) if begins[i] <= t) for t in range(STEPS)]
        path = rational(lambda t, begins=begins, active=active: factors[active[t]](t - begins[active[t]]))
        judged(composed_scheduler.sequential_lr, path, schedulers=steps, milestones=milestones)
    judged(composed_scheduler.chained_scheduler, rational(lambda t: math.prod(factor(t) for factor in factors)), schedulers=steps)
    inner = ("SequentialLR", {"schedulers": steps[:2], "milestones": (3,)})
    nested = rational(lambda t: (factors[0](t) if t < 3 else factors[1](t - 3)) if t < 6 else factors[2](t - 6))
    judged(composed_scheduler.sequential_lr, nested, schedulers=(inner, steps[2]), milestones=(6,))


def plain_plateau(metrics, mode, factor, patience, threshold, threshold_mode, cooldown, min_lr, eps):
    """The documented procedure, one epoch after the other, in fractions; metrics are finite or NaN, the first finite."""
    rates, best, bad, left = [[Fraction(lr) for lr in LR]], None, 0, 0
    for metric in metrics:
        if best is None:
            better = True
        elif math.isnan(metric):
            better = False
        else:
            margin = Fraction(threshold) * (best if threshold_mode == "rel" else 1)
            better = Fraction(metric) < best - margin if mode == "min" else Fraction(metric) > best + margin
        best, bad = (Fraction(metric), 0) if better else (best, bad + 1)
        if left:
            left, bad = left - 1, 0
        new = list(rates[-1])
        if bad > patience:
            smaller = [max(rate * Fraction(factor), Fraction(min_lr)) for rate in new]
            new = [s if rate - s >= Fraction(eps) else rate for s, rate in zip(smaller, new, strict=True)]
            bad, left = 0, cooldown
        rates.append([Fraction(float(rate)) for rate in new])
    return np.array(rates, float)


@pytest.mark.parametrize("seed", range(60))
def test_plateaus(seed):
    rng = np.random.default_rng(seed)
    options = {
        "mode": str(rng.choice(["min", "max"])),
        "factor": float(rng.choice([0.5, 0.1])),
        "patience": int(rng.integers(0, 3)),
        "threshold": float(rng.choice([0.5, 0.0, 0.25, 1e-4])),
        "threshold_mode": str(rng.choice(["rel", "abs"])),
        "cooldown": int(rng.integers(0, 3)),
        "min_lr": float(rng.choice([0.0, 0.01])),
        "eps": 1e-8,
    }
    metrics = tuple(float(m) for m in rng.choice([1.0, -1.0, 0.5, 2.0, 4.0, -0.25, np.nan], STEPS - 1))
    metrics = (1.0, *metrics[1:])
    path = plain_plateau(metrics, **options)
    frame = {"lr": LR, "lr_as": "number", "steps": STEPS, "given": metrics}
    accepted = plateau.reduce_lr_on_plateau(**options, **frame, observed={"lr": path})["lr"]
    assert accepted.accepts(path).all()
    held = np.broadcast_to(path[:1], path.shape)
    if (held != path).any():
        assert not plateau.reduce_lr_on_plateau(**options, **frame, observed={"lr": held})["lr"].accepts(held).all()


def test_a_metric_at_the_threshold_is_no_improvement():
    better = {"mode": "min", "threshold": 0.5, "threshold_mode": "rel"}
    assert plateau.improves(0.5, 1.0, **better) == {False}
    assert plateau.improves(0.5 - 2.0**-50, 1.0, **better) == {True}
    assert plateau.improves(1 - 1e-4, 1.0, mode="min", threshold=1e-4, threshold_mode="rel") == {True, False}
