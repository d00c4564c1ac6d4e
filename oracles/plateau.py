"""A scheduler that looks at a metric, as a machine of a few counters."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from oracles.bounded import OneOf, exact
from oracles.scheduler import initial, meeting, number

State = tuple[float | None, int, int]  # the best metric so far, epochs without improvement, epochs of cooldown that are left


def improves(metric: float, best: float | None, mode: str, threshold: float, threshold_mode: str) -> set[bool]:
    """Whether a metric is better than the best one by more than the threshold: both, where rounding decides or the best is NaN."""
    if best is None:
        return {True}
    if math.isnan(metric) or math.isnan(best):
        return {False} if math.isnan(metric) else {True, False}
    if math.isinf(best) or math.isinf(metric):
        return {metric < best if mode == "min" else metric > best}
    sign = -1.0 if mode == "min" else 1.0
    near = best + sign * threshold * (best if threshold_mode == "rel" else 1.0)
    if abs(metric - near) > 2.0**-20 * (abs(metric) + abs(best) + threshold):  # far from where rounding could decide
        return {metric < near if mode == "min" else metric > near}
    target = number(best) * (1.0 + sign * number(threshold)) if threshold_mode == "rel" else number(best) + sign * number(threshold)
    better = number(metric) < target if mode == "min" else number(metric) > target
    return {True, False} if better.doubt else {bool(better.value)}


def after(state: State, metric: float, better: bool, patience: int, cooldown: int) -> tuple[bool, State]:
    """Whether the rate is reduced at the end of an epoch, and the counters then."""
    best, bad, left = state
    best, bad = (metric, 0) if better else (best, bad + 1)
    if left > 0:
        bad, left = 0, left - 1
    return (True, (best, 0, cooldown)) if bad > patience else (False, (best, bad, left))


def reductions(metrics: Any, seen: list[bool | None], patience: int, cooldown: int, **how: Any) -> np.ndarray:
    """Per epoch whether the rate may stay and whether it may be reduced, (epochs, 2); `seen` is what the subject did, where it shows."""
    states: set[State] = {(None, 0, 0)}
    may = []
    for metric, did in zip(metrics, seen, strict=True):
        outcomes = {after(state, metric, better, patience, cooldown) for state in states for better in improves(metric, state[0], **how)}
        may.append([any(reduced == done for reduced, _ in outcomes) for done in (False, True)])
        states = {state for reduced, state in outcomes if did in (None, reduced)} or {state for _, state in outcomes}
    return np.asarray(may, bool).reshape(-1, 2)


def reduce_lr_on_plateau(
    *,
    mode: str,
    factor: float,
    patience: int,
    threshold: float,
    threshold_mode: str,
    cooldown: int,
    min_lr: Any,
    eps: float,
    given: Any,
    lr: Any,
    lr_as: str,
    steps: int,
    observed: Any,
    **_: Any,
) -> dict[str, Any]:
    """lr ← max(lr · factor, min_lr) after more than `patience` epochs without improvement.

    A metric improves if it is less than best·(1 − threshold) (mode min; more than best·(1 + threshold), max), or than best ∓ threshold
    (threshold_mode abs); the first one always does. With a negative best metric the relative threshold lies on its worse side, as these
    formulas have it. After a reduction, `cooldown` epochs are not counted. A reduction by less than eps is not made. Each rate is judged
    from the subject's own one before it: a path is a sequence of decisions, and one rounding at each.

    given, the metrics of the epochs → lr, last_lr (steps, groups)
    Source: torch.optim.lr_scheduler.ReduceLROnPlateau, the arguments.
    """
    base, known = initial(lr, lr_as), np.asarray(observed["lr"], float)
    before = number(np.concatenate([base.value, known[:-1]]))
    smaller = np.maximum(before * number(factor), number(np.broadcast_to(np.asarray(min_lr, float), (len(lr),))))
    ignored = before - smaller < number(eps)
    shows = np.any(~ignored.value & ~ignored.doubt & (smaller.value != before.value), axis=1)
    seen = [bool(np.any(known[t] != known[t - 1])) if shows[t] else None for t in range(1, steps)]
    how = {"mode": mode, "threshold": threshold, "threshold_mode": threshold_mode}
    may = np.concatenate([[[True, False]], reductions(given[: steps - 1], seen, patience, cooldown, **how)])
    stays, falls = may[:, :1], may[:, 1:]
    allowed = np.stack([stays | falls & ignored.possible(), falls & (~ignored.value | ignored.doubt)])
    path = OneOf([exact(before.value, base.by), meeting(smaller, base.by)], allowed)
    return {"lr": path, "last_lr": path}
