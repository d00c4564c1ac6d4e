"""Gradients kept small, parameters kept sparse: clipping by norm and by value, the L1 penalty."""

from __future__ import annotations

from typing import Any

import numpy as np

from oracles.bounded import Bounded, OneOf, exact


def vector_norm(x: Any, order: float) -> Any:
    """(Σ|x|^p)^(1/p) of all elements; max|x| and min|x| for ±∞, the number of elements other than 0 for 0."""
    size = np.abs(x).reshape(-1)
    if order in (np.inf, -np.inf):
        return np.max(size) if order > 0 else np.min(size)
    if order == 0:
        count = np.sum(np.asarray(getattr(size, "value", size)) != 0) * 1.0
        return read(count, size)
    if order in (1, 2):
        return np.sum(size) if order == 1 else np.sqrt(np.sum(size * size))
    return np.sum(size**order) ** (1 / order)


def clip_grad_norm(
    first: Any,
    second: Any,
    *,
    max_norm: float,
    norm_type: float | str,
    error_if_nonfinite: bool,
    foreach: bool | None,
    missing: str | None,
    observed: Any = None,
) -> dict[str, Any]:
    """g ← g · min(max_norm / (total + 1e-6), 1), where total is the norm of the norms of all gradients.

    The scale is judged by the total norm that the subject itself returned. A parameter without a gradient counts for nothing.

    first (*), second (*) → first (*), second (*), total_norm ()
    Source: torch.nn.utils.clip_grad_norm_; torch.nn.utils.clip_grads_with_norm_, the formula.
    """
    gradients = {name: g for name, g in (("first", first), ("second", second)) if name != missing}
    norms = [vector_norm(g, float(norm_type)).reshape(1) for g in gradients.values()]
    total = vector_norm(np.concatenate(norms), float(norm_type))
    told = total if observed is None else read(observed["total_norm"], first)
    scale = np.minimum(max_norm / (told + 1e-6), 1.0)
    return {"total_norm": total, **{name: g * scale for name, g in gradients.items()}}


def read(x: Any, like: Any) -> Any:
    """A number that the subject returned, as it is."""
    value = np.asarray(x).astype(float)
    return exact(value, like.by) if isinstance(like, Bounded) else value


def clip_grad_value(first: Any, second: Any, *, clip_value: float, foreach: bool | None, missing: str | None) -> dict[str, Any]:
    """g ← max(−clip_value, min(g, clip_value)).

    first (*), second (*) → first (*), second (*)
    Source: torch.nn.utils.clip_grad_value_.
    """
    return {
        name: np.minimum(np.maximum(g, -clip_value), clip_value) for name, g in (("first", first), ("second", second)) if name != missing
    }


def l1_penalty(first: Any, second: Any, *, strength: float) -> dict[str, Any]:
    """λ · Σ|θ| over all parameters, λ = strength.

    first (*), second (*) → output ()
    Source: Tibshirani 1996, Regression shrinkage and selection via the lasso; torch.nn.functional.l1_loss, reduction sum.
    """
    return {"output": strength * np.sum(np.abs(first)) + strength * np.sum(np.abs(second))}


def l1_penalty_gradient(dy: Any, first: Any, second: Any, *, strength: float) -> dict[str, Any]:
    """dy·λ·sign(θ); at 0 any of its subgradients, dy·λ·[−1, 1]; of NaN either NaN or none.

    Source: the subdifferential of the absolute value; torch.nn.functional.l1_loss.
    """
    return {"first": _subgradient(strength * dy, first), "second": _subgradient(strength * dy, second)}


def _subgradient(slope: Any, x: Any) -> Any:
    rising = slope * np.sign(x)
    if not isinstance(rising, Bounded):
        return rising
    values, zeros = np.asarray(getattr(x, "value", x)), np.zeros(rising.shape)
    with np.errstate(over="ignore"):
        room = np.broadcast_to(np.abs(slope.value) + slope.error, rising.shape)
    flat = Bounded(np.where(np.isnan(room), np.nan, zeros), np.where(np.isnan(room), 0.0, np.where(values == 0, room, 0.0)), rising.by)
    return OneOf([rising, flat], np.stack([values != 0, (values == 0) | np.isnan(values)]))
