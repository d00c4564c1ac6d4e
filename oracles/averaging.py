"""Averages of a model's weights along its path, each judged from the subject's own average before it, so that rounding does not pile up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from oracles.bounded import Between, Bounded, Exactly, constant, exact, ieee

Mix = Callable[[Any, Any, Any], Any]  # old average, new weights, the new ones' share → new average


def before(start: Any, path: np.ndarray) -> Any:
    """The average before each update: the start, then what the subject itself had after the updates before."""
    known = np.asarray(path).astype(float)[:-1]
    return np.concatenate([start[None], exact(known, start.by) if isinstance(start, Bounded) else known])


def weighted(old: Any, new: Any, share: Any) -> Any:
    """(1 − share) · old + share · new."""
    return (1.0 - share) * old + share * new


def towards(old: Any, new: Any, share: Any) -> Any:
    """old + share · (new − old)."""
    return old + share * (new - old)


def back_from(old: Any, new: Any, share: Any) -> Any:
    """new − (1 − share) · (new − old)."""
    return new - (1.0 - share) * (new - old)


def whole(old: np.ndarray, new: np.ndarray, share: Any, mix: Mix) -> Between:
    """The whole numbers next to an average of whole numbers, below and above.

    A whole number meets one that is not in torch's default dtype, float32, as its type promotion has it: the balls of that arithmetic say
    where rounding may reach another whole number.
    """
    single = ieee("float32")
    low, high = mix(constant(old.astype(float), single), constant(new.astype(float), single), share).limits()
    return Between(np.floor(low), np.ceil(high), np.zeros(low.shape, bool))


def averaged_model(
    weights: Any,
    buffers: Any,
    counter: Any,
    *,
    averaging: str,
    decay: float,
    use_buffers: bool,
    resume_at: int | None,
    observed: Any,
    mix: Mix = weighted,
) -> dict[str, Any]:
    """The average of the weights after each of T updates; of the buffers too with use_buffers, else the model's own.

    The first update copies the model. From then on, with the new share 1/(t + 1) (swa, and by default) or 1 − decay (ema),
    average ← (1 − share) · average + share · weights; a buffer of integers is rounded to a whole number, up or down.

    weights (T, *), buffers (T, *), counter (T,) of integers or None → the same, and n_averaged (T,)
    Source: torch.optim.swa_utils.AveragedModel, get_swa_avg_fn and get_ema_avg_fn, the formulas and the notes.
    """
    counts = np.arange(1, len(weights) + 1)

    def share(x: Any) -> Any:
        return 1.0 - decay if averaging.startswith("ema") else 1.0 / counts.reshape(-1, *[1] * (x.ndim - 1))

    def path(x: Any, seen: Any) -> Any:
        first = counts.reshape(-1, *[1] * (x.ndim - 1)) == 1
        return np.where(first, x, mix(before(x[0], seen), x, share(x)))

    results = {"weights": path(weights, observed["weights"]), "buffers": path(buffers, observed["buffers"]) if use_buffers else buffers}
    if counter is not None:
        old = np.concatenate([counter[:1], observed["counter"][:-1]])
        mean = whole(old, counter, share(counter), mix)
        low, high = (np.where(counts == 1, counter, end) for end in mean.limits())
        results["counter"] = Between(low, high, mean.free) if use_buffers else Exactly(counter)
    return {**results, "n_averaged": Exactly(counts)}


averaged_model.formulations = tuple(  # type: ignore[attr-defined]
    lambda *arrays, mix=mix, **named: averaged_model(*arrays, mix=mix, **named) for mix in (towards, back_from)
)
