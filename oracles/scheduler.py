"""Schedulers whose rate follows from the rate before it, as recurrences and as closed forms in the number of steps.

A rate is accepted if it follows by the recurrence from the subject's own rate before it, so that rounding does not pile up over hundreds of
steps and each bound is that of one step; or if it lies where the closed form puts it: a library may use either, and begins anew at
milestones and when it is told the epoch. Rates are Python floats, or numbers in a tensor of a format of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from oracles.bounded import FORMATS, Arithmetic, Bounded, OneOf, exact, ieee

PYTHON_FLOATS = ieee("float64")
Epochs = np.ndarray


def number(x: Any) -> Any:
    """Numbers that a scheduler is given, or counts."""
    return exact(np.asarray(x, float), PYTHON_FLOATS)


PI = Bounded(np.pi, 2.0**-53 * np.pi, PYTHON_FLOATS)


def initial(lr: Any, lr_as: str) -> Any:
    """Rates before any scheduler, (1, groups): Python floats, or what a tensor of them holds."""
    storage = "float32" if lr_as == "float32" else "float64"
    return exact(FORMATS[storage].round(np.asarray(lr, float))[None], ieee(storage))


def meeting(x: Any, by: Arithmetic) -> Any:
    """A Python float where it meets a rate: a tensor's format rounds it once more."""
    return x if by.compute.precision == 53 else Bounded(x.value, x.error + by.compute.unit * np.abs(x.value) + by.compute.tiny, by)


@dataclass(frozen=True)
class Schedule:
    """How rates come about; epochs are (steps, 1), base (1, groups) the initial rates, before (steps, groups) those of the epochs before.

    closed(epochs, base)         the rate by the closed form
    step(epochs, base, before)   the rate by the recurrence; None where there is none
    closes(epochs)               where the closed form is one: everywhere, or at epoch 0 only
    steps(epochs)                where the recurrence holds: from epoch 1 on
    """

    closed: Callable[[Epochs, Any], Any]
    step: Callable[[Epochs, Any, Any], Any] | None = None
    closes: Callable[[Epochs], np.ndarray] = lambda t: t >= 0
    steps: Callable[[Epochs], np.ndarray] = lambda t: t > 0


def product(factor: Callable[[Epochs], Any], ratio: Callable[[Epochs], Any] | None, **where: Any) -> Schedule:
    """base · factor(t), and before · ratio(t)."""
    return Schedule(
        lambda t, base: base * meeting(factor(t), base.by),
        None if ratio is None else lambda t, base, before: before * meeting(ratio(t), before.by),
        **where,
    )


def accepted(schedule: Schedule, base: Any, epochs: Epochs, observed: Any) -> Any:
    """The rates that a subject may have at these epochs, given its own `observed` ones: (steps, groups)."""
    t = np.asarray(epochs)[:, None]
    closed = schedule.closed(t, base) * np.ones(len(base.T))
    if schedule.step is None:
        return closed
    before = exact(np.concatenate([base.value, np.asarray(observed, float)[:-1]]), base.by)
    allowed = np.stack([np.broadcast_to(may, closed.shape) for may in (schedule.steps(t), schedule.closes(t))])
    return OneOf([schedule.step(t, base, before), closed], allowed)


def rates(schedule: Schedule, *, lr: Any, lr_as: str, steps: int, observed: Any = None, **_: Any) -> dict[str, Any]:
    """The rates before each of so many steps, and what the scheduler says that they are."""
    path = accepted(schedule, initial(lr, lr_as), np.arange(steps), None if observed is None else observed["lr"])
    return {"lr": path, "last_lr": path}


def in_a_row(schedule: Schedule, base: Any, steps: int) -> list[Any]:
    """The rates of some steps by the recurrence alone, without looking at a subject: errors pile up. For a few steps only."""
    path = [schedule.closed(np.zeros((1, 1)), base)]
    for t in range(1, steps):
        assert schedule.step is not None
        path.append(schedule.step(np.full((1, 1), t), base, path[-1]))
    return path


def table(lr_lambda: Any, t: Epochs) -> Any:
    """Functions given as tables, one for all groups or one for each: the value at epoch t is entry t mod length; (steps, groups)."""
    return number(np.concatenate([np.asarray(values, float)[t % len(values)] for values in lr_lambda], axis=1))


def lambdas(lr_lambda: Any, **_: Any) -> Schedule:
    return product(lambda t: table(lr_lambda, t), None)


def multiplied(lr_lambda: Any, **_: Any) -> Schedule:
    return product(lambda t: number(np.ones(t.shape)), lambda t: table(lr_lambda, t), closes=lambda t: t == 0)


def stepped(step_size: int, gamma: float) -> Schedule:
    return product(
        lambda t: number(gamma) ** number(t // step_size),
        lambda t: np.where(t % step_size == 0, number(gamma), 1.0),
    )


def milestones_passed(milestones: Any, gamma: float) -> Schedule:
    def power(count: np.ndarray) -> Any:
        return number(gamma) ** number(np.sum(count, axis=-1, keepdims=True))

    at = np.asarray(milestones, int)
    return product(lambda t: power(at <= t), lambda t: power(at == t))


def constant_at_first(factor: float, total_iters: int) -> Schedule:
    undone = np.inf if factor == 0 else total_iters
    return product(
        lambda t: np.where(t < total_iters, number(factor), 1.0),
        lambda t: np.where(t == undone, 1 / number(factor or 1.0), 1.0),
        **({"steps": lambda t: (t > 0) & (t != total_iters)} if factor == 0 else {}),
    )


def linear(start_factor: float, end_factor: float, total_iters: int) -> Schedule:
    def factor(t: Epochs) -> Any:
        share = number(np.minimum(t, total_iters))
        return number(start_factor) + (number(end_factor) - number(start_factor)) * share / number(total_iters)

    return product(factor, lambda t: np.where(t <= total_iters, factor(t) / factor(np.minimum(t - 1, total_iters - 1)), 1.0))


def exponential(gamma: float) -> Schedule:
    return product(lambda t: number(gamma) ** number(t), lambda t: number(np.full(t.shape, gamma)))


def polynomial(total_iters: int, power: float) -> Schedule:
    def left(t: Epochs) -> Any:
        return np.where(t < total_iters, 1.0 - number(t) / number(total_iters), 0.0)

    def ratio(t: Epochs) -> Any:
        return np.where(t <= total_iters, (left(t) / left(np.minimum(t - 1, total_iters - 1))) ** number(power), 1.0)

    return product(lambda t: left(t) ** number(power), ratio)


def half_wave(t: Any, period: Any) -> Any:
    """1 + cos(π·t/period)."""
    return 1.0 + np.cos(PI * number(t) / number(period))


def cosine(T_max: int, eta_min: float) -> Schedule:
    def closed(t: Epochs, base: Any) -> Any:
        least = meeting(number(eta_min), base.by)
        return least + (base - least) * meeting(half_wave(t, T_max), base.by) / 2.0

    def step(t: Epochs, base: Any, before: Any) -> Any:
        least, turned = meeting(number(eta_min), base.by), (t - 1) % (2 * T_max) == T_max
        rise = meeting(1.0 - np.cos(PI / number(T_max)), base.by)
        ratio = half_wave(t, T_max) / half_wave(np.where(turned, 0, t - 1), T_max)
        return np.where(turned, before + (base - least) * rise / 2.0, (before - least) * meeting(ratio, base.by) + least)

    return Schedule(closed, step)


def lambda_lr(*, lr_lambda: Any, **frame: Any) -> dict[str, Any]:
    """lr = initial lr · λ(t), with a function for all groups or one for each.

    → lr, last_lr (steps, groups)
    Source: torch.optim.lr_scheduler.LambdaLR.
    """
    return rates(lambdas(lr_lambda), **frame)


def multiplicative_lr(*, lr_lambda: Any, **frame: Any) -> dict[str, Any]:
    """lr(t) = lr(t − 1) · λ(t), lr(0) the initial one.

    → lr, last_lr (steps, groups)
    Source: torch.optim.lr_scheduler.MultiplicativeLR.
    """
    return rates(multiplied(lr_lambda), **frame)


def step_lr(*, step_size: int, gamma: float, **frame: Any) -> dict[str, Any]:
    """lr = initial lr · gamma^⌊t / step_size⌋.

    → lr, last_lr (steps, groups)
    Source: torch.optim.lr_scheduler.StepLR.
    """
    return rates(stepped(step_size, gamma), **frame)


def multi_step_lr(*, milestones: Any, gamma: float, **frame: Any) -> dict[str, Any]:
    """lr = initial lr · gamma^(number of milestones ≤ t, each as often as it is listed).

    → lr, last_lr (steps, groups)
    Source: torch.optim.lr_scheduler.MultiStepLR.
    """
    return rates(milestones_passed(milestones, gamma), **frame)


def constant_lr(*, factor: float, total_iters: int, **frame: Any) -> dict[str, Any]:
    """lr = initial lr · factor before epoch total_iters, initial lr from there on.

    → lr, last_lr (steps, groups)
    Source: torch.optim.lr_scheduler.ConstantLR.
    """
    return rates(constant_at_first(factor, total_iters), **frame)


def linear_lr(*, start_factor: float, end_factor: float, total_iters: int, **frame: Any) -> dict[str, Any]:
    """lr = initial lr · (start_factor + (end_factor − start_factor) · min(t, total_iters) / total_iters).

    → lr, last_lr (steps, groups)
    Source: torch.optim.lr_scheduler.LinearLR.
    """
    return rates(linear(start_factor, end_factor, total_iters), **frame)


def exponential_lr(*, gamma: float, **frame: Any) -> dict[str, Any]:
    """lr = initial lr · gamma^t.

    → lr, last_lr (steps, groups)
    Source: torch.optim.lr_scheduler.ExponentialLR.
    """
    return rates(exponential(gamma), **frame)


def polynomial_lr(*, total_iters: int, power: float, **frame: Any) -> dict[str, Any]:
    """lr = initial lr · (1 − min(t, total_iters) / total_iters)^power.

    → lr, last_lr (steps, groups)
    Source: torch.optim.lr_scheduler.PolynomialLR, the formula of get_lr.
    """
    return rates(polynomial(total_iters, power), **frame)


def cosine_annealing_lr(*, T_max: int, eta_min: float, **frame: Any) -> dict[str, Any]:
    """lr(t) = eta_min + (initial lr − eta_min) · (1 + cos(π·t/T_max)) / 2, without restarts.

    As a recurrence, lr(t) = eta_min + (lr(t − 1) − eta_min) · (1 + cos(π·t/T_max)) / (1 + cos(π·(t − 1)/T_max)); where that divides by
    zero, after the minimum, the rate rises by (initial lr − eta_min) · (1 − cos(π/T_max)) / 2.

    → lr, last_lr (steps, groups)
    Source: torch.optim.lr_scheduler.CosineAnnealingLR, both formulas; Loshchilov, Hutter 2017, equation 5.
    """
    return rates(cosine(T_max, eta_min), **frame)
