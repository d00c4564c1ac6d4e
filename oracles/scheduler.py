"""Learning rates as closed forms in the number of steps, in the Python floats that schedulers compute with."""

from __future__ import annotations

from typing import Any

import numpy as np

from oracles.bounded import Bounded, exact, ieee

PYTHON_FLOATS = ieee("float64")


def number(x: Any) -> Bounded:
    """Numbers that a scheduler is given."""
    return exact(np.asarray(x, float), PYTHON_FLOATS)


def cyclic(
    *,
    base_lr: Any,
    max_lr: Any,
    step_size_up: float,
    step_size_down: float | None,
    mode: str,
    gamma: float,
    cycle_momentum: bool,
    base_momentum: Any,
    max_momentum: Any,
    groups: int,
    steps: int,
    last_epoch: int,
    resume_at: int | None,
) -> dict[str, Any]:
    """Rates that go up from base to max and down again, over and over.

    With T = step_size_up + step_size_down and x = t/T − ⌊t/T⌋ the position in a cycle, the height is x·T/up on the way up and
    (1 − x)·T/down on the way down; lr = base_lr + (max_lr − base_lr) · height · scale, where scale is 1 (triangular), 1/2^⌊t/T⌋
    (triangular2) or gamma^t (exp_range). Momentum is cycled inversely: max_momentum − (max_momentum − base_momentum) · height · scale.

    → lr (steps, groups), and momentum if it is cycled
    Source: torch.optim.lr_scheduler.CyclicLR, the policies and the attributes; Smith 2017, section 3.1.
    """
    t = np.arange(last_epoch + 1, last_epoch + 1 + steps).astype(float)[:, None]
    down = step_size_up if step_size_down is None else step_size_down
    cycles = np.floor_divide(t, step_size_up + down)  # whole ones: a rate is continuous where one ends
    period = number(step_size_up) + number(down)
    position = 1 + number(t) / period - number(cycles + 1)
    turn = number(step_size_up) / period
    height = np.where(position <= turn, position / turn, (position - 1) / (turn - 1))
    shrink = {"triangular": 1.0, "triangular2": 0.5**cycles}
    scale = number(gamma) ** number(t) if mode == "exp_range" else number(shrink[mode])

    def between(low: Any, high: Any, sign: int) -> Any:
        low, high = (number(np.broadcast_to(np.asarray(limit, float), (groups,))) for limit in (low, high))
        return (low if sign > 0 else high) + sign * ((high - low) * height * scale)

    rates = {"lr": between(base_lr, max_lr, 1)}
    return {**rates, "momentum": between(base_momentum, max_momentum, -1)} if cycle_momentum else rates
