"""Schedulers of a rate, and of a momentum, that go up and down between limits, as closed forms in the number of steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from oracles.bounded import Arithmetic, ieee
from oracles.scheduler import PI, meeting, number, table


def limit(x: Any, groups: int) -> Any:
    """A limit for all groups, or one for each: (groups,)."""
    return number(np.broadcast_to(np.asarray(x, float), (groups,)))


def kept(path: Any, lr_as: str) -> dict[str, Any]:
    """Rates as they are, or as the optimizer's tensor holds them."""
    by: Arithmetic = ieee("float32" if lr_as == "float32" else "float64")
    path = meeting(path, by)
    return {"lr": path, "last_lr": path}


def cyclic_lr(
    *,
    base_lr: Any,
    max_lr: Any,
    step_size_up: float,
    step_size_down: float | None,
    mode: str,
    gamma: float,
    scale_fn: Any,
    scale_mode: str,
    cycle_momentum: bool,
    base_momentum: Any,
    max_momentum: Any,
    lr: Any,
    lr_as: str,
    steps: int,
    **_: Any,
) -> dict[str, Any]:
    """Rates that go up from base to max and down again, over and over.

    With T = step_size_up + step_size_down, n = 1 + ⌊t/T⌋ the cycle and x = t/T − ⌊t/T⌋ the position in it, the height is x·T/up on the
    way up and (1 − x)·T/down on the way down; lr = base_lr + (max_lr − base_lr) · height · scale, where scale is 1 (triangular),
    1/2^(n−1) (triangular2), gamma^t (exp_range), or scale_fn, a table as those of LambdaLR, of n (scale_mode "cycle") or of t
    ("iterations"). Momentum is cycled inversely: max_momentum − (max_momentum − base_momentum) · height · scale.

    → lr, last_lr (steps, groups), and momentum if it is cycled
    Source: torch.optim.lr_scheduler.CyclicLR, the policies and the attributes; Smith 2017, section 3.1.
    """
    t = np.arange(steps).astype(float)[:, None]
    down = step_size_up if step_size_down is None else step_size_down
    cycles = np.floor_divide(t, step_size_up + down)  # whole ones: a rate is continuous where one ends
    period = number(step_size_up) + number(down)
    position = 1 + number(t) / period - number(cycles + 1)
    turn = number(step_size_up) / period
    height = np.where(position <= turn, position / turn, (position - 1) / (turn - 1))
    custom = None if scale_fn is None else table((scale_fn,), (cycles + 1 if scale_mode == "cycle" else t).astype(int))
    policies: dict[str, Callable[[], Any]] = {
        "triangular": lambda: 1.0,
        "triangular2": lambda: number(0.5**cycles),
        "exp_range": lambda: number(gamma) ** number(t),
    }
    scale = policies[mode]() if custom is None else custom
    low, high = limit(base_lr, len(lr)), limit(max_lr, len(lr))
    results = kept(low + (high - low) * height * scale, lr_as)
    low, high = limit(base_momentum, len(lr)), limit(max_momentum, len(lr))
    return {**results, "momentum": high - (high - low) * height * scale} if cycle_momentum else results


def annealed(start: Any, end: Any, share: Any, strategy: str) -> Any:
    """From start to end as share goes from 0 to 1, along a line or half a wave of the cosine."""
    if strategy == "linear":
        return (end - start) * share + start
    return end + (start - end) / 2.0 * (1.0 + np.cos(PI * share))


def one_cycle_lr(
    *,
    max_lr: Any,
    total_steps: int | None,
    epochs: int | None,
    steps_per_epoch: int | None,
    pct_start: float,
    anneal_strategy: str,
    cycle_momentum: bool,
    base_momentum: Any,
    max_momentum: Any,
    div_factor: float,
    final_div_factor: float,
    three_phase: bool,
    lr: Any,
    lr_as: str,
    steps: int,
    **_: Any,
) -> dict[str, Any]:
    """One cycle: up from max_lr/div_factor to max_lr, then down to max_lr/div_factor/final_div_factor.

    With T steps in all (total_steps, or epochs · steps_per_epoch) the peak is at step pct_start·T − 1 and the end at step T − 1; with
    three_phase the rate is back at its start at step 2·pct_start·T − 2, and goes to the end from there. Momentum goes from max_momentum
    down to base_momentum at the peak, and back up as long as the first two phases last.

    → lr, last_lr (steps, groups), and momentum if it is cycled
    Source: torch.optim.lr_scheduler.OneCycleLR; Smith, Topin 2017.
    """
    total = total_steps or (epochs or 0) * (steps_per_epoch or 0)
    t, top = number(np.arange(steps)[:, None]), limit(max_lr, len(lr))
    rise = number(pct_start) * number(total)
    low, high = limit(base_momentum, len(lr)), limit(max_momentum, len(lr))
    bottom = top / number(div_factor)
    end = bottom / number(final_div_factor)
    knots = [number(0.0), rise - 1, *([2 * rise - 2] if three_phase else []), number(total - 1)]

    def path(values: list[Any]) -> Any:
        pieces = [
            annealed(values[i], values[i + 1], (t - knots[i]) / (knots[i + 1] - knots[i]), anneal_strategy) for i in range(len(knots) - 1)
        ]
        joined = pieces[-1]
        for knot, piece in reversed(list(zip(knots[1:-1], pieces, strict=False))):
            joined = np.where(t <= knot, piece, joined)
        return joined

    results = kept(path([bottom, top, *([bottom] if three_phase else []), end]), lr_as)
    return {**results, "momentum": path([high, low, high, high][: len(knots)])} if cycle_momentum else results
