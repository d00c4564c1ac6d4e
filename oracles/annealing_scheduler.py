"""Schedulers that lead a rate to its end along half a wave or a line: once, or again and again."""

from __future__ import annotations

from typing import Any

import numpy as np

from oracles.cyclic_scheduler import limit
from oracles.scheduler import PI, Schedule, accepted, half_wave, initial, meeting, number, rates


def restarts(epochs: np.ndarray, T_0: int, T_mult: int) -> tuple[np.ndarray, np.ndarray]:
    """Epochs since the last restart, and the length of the period that they are in."""
    starts, length = [0], T_0
    while starts[-1] + length <= epochs.max(initial=0):
        starts.append(starts[-1] + length)
        length *= T_mult
    n = np.searchsorted(np.asarray(starts, float), epochs, side="right") - 1
    return epochs - np.asarray(starts, float)[n], T_0 * float(T_mult) ** n


def visited(given: Any, steps: int) -> np.ndarray:
    """The epochs of the steps: those given to step(), or one after the one before."""
    epochs = [0.0]
    for epoch in (given or (None,) * (steps - 1))[: steps - 1]:
        epochs.append(epochs[-1] + 1 if epoch is None else epoch)
    return np.asarray(epochs, float)


def warm_restarts(T_0: int, T_mult: int, eta_min: float) -> Schedule:
    def closed(t: np.ndarray, base: Any) -> Any:
        current, period = restarts(np.asarray(t, float), T_0, T_mult)
        least = meeting(number(eta_min), base.by)
        return least + (base - least) * meeting(half_wave(current, period), base.by) / 2.0

    return Schedule(closed)


def cosine_annealing_warm_restarts(
    *, T_0: int, T_mult: int, eta_min: float, given: Any, lr: Any, lr_as: str, steps: int, **_: Any
) -> dict[str, Any]:
    """lr = eta_min + (initial lr − eta_min) · (1 + cos(π · T_cur/T_i)) / 2, with T_cur the epochs since the last restart.

    The first period lasts T_0 epochs, each further one T_mult times as long. Epochs may be `given` to step(), with fractions.

    → lr, last_lr (steps, groups)
    Source: torch.optim.lr_scheduler.CosineAnnealingWarmRestarts; Loshchilov, Hutter 2017, equation 5.
    """
    path = accepted(warm_restarts(T_0, T_mult, eta_min), initial(lr, lr_as), visited(given, steps), None)
    return {"lr": path, "last_lr": path}


def swa_lr(*, swa_lr: Any, anneal_epochs: int, anneal_strategy: str, **frame: Any) -> dict[str, Any]:
    """lr = α·swa_lr + (1 − α)·initial lr, with α = min(1, t/anneal_epochs) (linear) or (1 − cos(π·t/anneal_epochs))/2 (cos).

    As a recurrence, the initial rate is recovered from lr(t − 1) by the same formula.

    → lr, last_lr (steps, groups)
    Source: torch.optim.swa_utils.SWALR and its get_lr.
    """

    def share(t: np.ndarray) -> Any:
        part = number(np.minimum(t, anneal_epochs)) / number(anneal_epochs) if anneal_epochs else number(np.ones(t.shape))
        return (1.0 - np.cos(PI * part)) / 2.0 if anneal_strategy == "cos" else part

    def mixed(t: np.ndarray, start: Any) -> Any:
        end, alpha = meeting(limit(swa_lr, start.shape[-1]), start.by), share(t)
        mixture = end * meeting(alpha, start.by) + start * meeting(1.0 - alpha, start.by)
        return np.where(t >= anneal_epochs, end, mixture)

    def step(t: np.ndarray, base: Any, before: Any) -> Any:
        end, alpha = meeting(limit(swa_lr, before.shape[-1]), before.by), share(np.maximum(np.minimum(t, anneal_epochs) - 1, 0))
        return mixed(t, (before - meeting(alpha, before.by) * end) / meeting(1.0 - alpha, before.by))

    return rates(Schedule(mixed, step if anneal_epochs else None), **frame)
