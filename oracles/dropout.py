"""Dropout: a set of results, element by element; what is kept is chance."""

from __future__ import annotations

from typing import Any

import numpy as np

from oracles.bounded import OneOf, stored


def plain(x: Any) -> np.ndarray:
    """The numbers themselves, of balls or arrays."""
    return np.asarray(getattr(x, "value", x))


def scaled(x: Any, p: float) -> list[Any]:
    """x / (1 − p), by a division, by the reciprocal, or by the reciprocal as the tensor's format stores it."""
    kept = 1.0 - p
    return [x / kept, x * (1.0 / kept), x * stored(x * 0 + 1.0 / kept)]


def dropped(x: Any) -> list[Any]:
    """Zero; and where 0 · x is NaN, that."""
    zero = np.zeros(x.shape)
    return [zero, np.where(np.isfinite(plain(x)), zero, np.nan)]


def dropout(x: Any, *, p: float, training: bool, seed: int, observed: Any = None) -> Any:
    """In training each element is 0 with probability p, else x / (1 − p); in evaluation x. What `seed` chooses is not said.

    x (*) → (*)
    Source: torch.nn.Dropout, first paragraphs.
    """
    if not training or p == 0:
        return x * 1
    return OneOf(dropped(x)) if p == 1 else OneOf([*dropped(x), *scaled(x, p)])


def dropout_gradient(dy: Any, x: Any, *, p: float, training: bool, seed: int, observed: Any = None) -> dict[str, Any]:
    """dy / (1 − p) where the output was kept, 0 where it was dropped; both are possible where the output does not tell."""
    if not training or p == 0:
        return {"x": dy * 1}
    zeros = dropped(dy)
    if p == 1:
        return {"x": OneOf(zeros)}
    choices = [*zeros, *scaled(dy, p)]
    known = (plain(x) != 0) & np.isfinite(plain(x))
    was_kept = np.asarray(observed["output"]).astype(float) != 0
    gone, kept = ~known | ~was_kept, ~known | was_kept
    return {"x": OneOf(choices, np.stack([gone] * len(zeros) + [kept] * (len(choices) - len(zeros))))}


def chances(x: Any, *, p: float, training: bool, seed: int, observed: Any) -> dict[str, tuple[int, int, float]]:
    """How many elements were kept, and how many pairs of neighbours, out of how many, at which probability."""
    known = ((plain(x) != 0) & np.isfinite(plain(x))).ravel()
    kept = (np.asarray(observed["output"]).astype(float) != 0).ravel()
    even = len(known) // 2 * 2
    pairs, both = known[0:even:2] & known[1:even:2], kept[0:even:2] & kept[1:even:2]
    stays = 1.0 - p if training else 1.0
    return {
        "elements were kept": (int(np.sum(kept & known)), int(np.sum(known)), stays),
        "two neighbours were both kept": (int(np.sum(both & pairs)), int(np.sum(pairs)), stays * stays),
    }
