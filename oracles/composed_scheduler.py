"""Schedulers made of schedulers: one after the other, or all at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from oracles.annealing_scheduler import warm_restarts
from oracles.scheduler import (
    Schedule,
    constant_at_first,
    cosine,
    exponential,
    lambdas,
    linear,
    milestones_passed,
    multiplied,
    polynomial,
    rates,
    stepped,
)


def composed(schedule: Any) -> Schedule:
    """A schedule from its name and settings, as ("StepLR", {"step_size": 3, "gamma": 0.1})."""
    name, settings = schedule
    return COMPOSABLE[name](**settings)


def one_after_the_other(schedulers: Any, milestones: Any) -> Schedule:
    """Each from its milestone on, as if it began there."""
    children, begins = [composed(child) for child in schedulers], np.asarray((0, *milestones))

    def at(t: np.ndarray, child: int) -> np.ndarray:
        return np.asarray(np.maximum(t - begins[child], 0))

    def active(t: np.ndarray) -> np.ndarray:
        return np.asarray(np.searchsorted(begins[1:], t, side="right"))

    def chosen(t: np.ndarray, values: list[Any]) -> Any:
        result = values[-1]
        for child in range(len(children) - 1):
            result = np.where(active(t) == child, values[child], result)
        return result

    def step(t: np.ndarray, base: Any, before: Any) -> Any:
        values = [c.step(at(t, i), base, before) if c.step else before for i, c in enumerate(children)]
        return chosen(t, values)

    return Schedule(
        lambda t, base: chosen(t, [c.closed(at(t, i), base) for i, c in enumerate(children)]),
        step,
        lambda t: chosen(t, [c.closes(at(t, i)) for i, c in enumerate(children)]),
        lambda t: chosen(t, [c.steps(at(t, i)) & (c.step is not None) for i, c in enumerate(children)]),
    )


def all_at_once(schedulers: Any) -> Schedule:
    """What one makes of a rate, the next takes."""
    children = [composed(child) for child in schedulers]

    def closed(t: np.ndarray, base: Any) -> Any:
        for child in children:
            base = child.closed(t, base)
        return base

    def step(t: np.ndarray, base: Any, before: Any) -> Any:
        for child in children:
            assert child.step is not None
            before = child.step(t, base, before)
        return before

    def everywhere(masks: list[np.ndarray]) -> np.ndarray:
        return np.asarray(np.logical_and.reduce(masks))

    return Schedule(
        closed, step, lambda t: everywhere([c.closes(t) for c in children]), lambda t: everywhere([c.steps(t) for c in children])
    )


COMPOSABLE: Mapping[str, Callable[..., Schedule]] = {
    "LambdaLR": lambdas,
    "MultiplicativeLR": multiplied,
    "StepLR": stepped,
    "MultiStepLR": milestones_passed,
    "ConstantLR": constant_at_first,
    "LinearLR": linear,
    "ExponentialLR": exponential,
    "PolynomialLR": polynomial,
    "CosineAnnealingLR": cosine,
    "CosineAnnealingWarmRestarts": warm_restarts,
    "SequentialLR": one_after_the_other,
    "ChainedScheduler": all_at_once,
}


def sequential_lr(*, schedulers: Any, milestones: Any, **frame: Any) -> dict[str, Any]:
    """At epoch t the scheduler after the last milestone m ≤ t, at its own epoch t − m and from the initial rates.

    schedulers are names and settings, as (("ConstantLR", {"factor": 0.1, "total_iters": 2}), …)
    → lr, last_lr (steps, groups)
    Source: torch.optim.lr_scheduler.SequentialLR, its example.
    """
    return rates(one_after_the_other(schedulers, milestones), **frame)


def chained_scheduler(*, schedulers: Any, **frame: Any) -> dict[str, Any]:
    """Every scheduler steps in turn, from the rate that the one before has left: the product of their factors.

    schedulers are names and settings, as (("ConstantLR", {"factor": 0.1, "total_iters": 2}), …)
    → lr, last_lr (steps, groups)
    Source: torch.optim.lr_scheduler.ChainedScheduler, its example.
    """
    return rates(all_at_once(schedulers), **frame)
