"""Rows of a table."""

from __future__ import annotations

from typing import Any

import numpy as np

from oracles.bounded import add_at, coarse, stored


def norms(weight: Any, norm_type: float) -> Any:
    """The p-norm of every row, (V, 1)."""
    size = np.abs(weight)
    if norm_type == np.inf:
        return np.max(size, axis=1, keepdims=True)
    if norm_type == 1:
        return np.sum(size, axis=1, keepdims=True)
    if norm_type == 2:
        return np.sqrt(np.sum(size * size, axis=1, keepdims=True))
    return np.power(np.sum(np.power(size, norm_type), axis=1, keepdims=True), 1 / norm_type)


def embedding(
    input: np.ndarray,
    weight: Any,
    *,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> dict[str, Any]:
    """Look up rows; those that are looked up and longer than max_norm are shortened in the table first.

    y[…, :] = weight[input[…], :], where weight[v] becomes weight[v] · max_norm / ‖weight[v]‖ₚ if the norm is larger

    input (…) of integers, weight (V, D) → output (…, D), weight (V, D)
    Source: torch.nn.Embedding; max_norm, norm_type: "each embedding vector with norm larger than max_norm is renormalized".
    """
    return looked_up(input, weight, max_norm, norm_type, 0.0)


def embedding_guarded(
    input: np.ndarray,
    weight: Any,
    *,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> dict[str, Any]:
    """The same with a norm of ‖weight[v]‖ₚ + 10⁻⁷, a guard against division by zero that torch.renorm has too.

    Source: torch.nn.Embedding; max_norm, norm_type.
    """
    return looked_up(input, weight, max_norm, norm_type, 1e-7)


embedding.formulations = (embedding_guarded,)  # type: ignore[attr-defined]


def looked_up(input: np.ndarray, weight: Any, max_norm: float | None, norm_type: float, guard: float) -> dict[str, Any]:
    """The rows, and the table after rows in use were shortened to max_norm."""
    if max_norm is not None:
        used = np.isin(np.arange(len(weight)), input)[:, None]
        length = stored(norms(weight, norm_type))
        shortened = np.where(length > max_norm, weight * stored(max_norm / (length + guard)), weight)
        weight = stored(np.where(used, shortened, weight))
    return {"output": weight[input.astype(np.intp)], "weight": weight}


def embedding_gradient(
    dy: Any,
    input: np.ndarray,
    weight: Any,
    *,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> dict[str, Any]:
    """The derivative of Σ dy·y by the table as it is when looked up.

    dweight[v] = Σ of dy over the places of v in input, divided by their number if scale_grad_by_freq; 0 for padding_idx

    Source: torch.nn.Embedding; padding_idx: "does not contribute to the gradient"; scale_grad_by_freq; sparse: the same in another layout.
    """
    return {"weight": scattered(dy, input, weight, padding_idx, scale_grad_by_freq)}


def scattered(dy: Any, input: np.ndarray, weight: Any, padding_idx: int | None, scale_grad_by_freq: bool) -> Any:
    """dy, or dy divided by how often its row is looked up, added up by rows."""
    places = input.ravel().astype(np.intp)
    terms = dy.reshape(len(places), weight.shape[1])
    if scale_grad_by_freq:
        shares = np.ones_like(dy, shape=(len(places), 1)) / np.bincount(places, minlength=len(weight))[places][:, None]
        terms = stored(terms * stored(shares))
    if padding_idx is not None:
        kept = places != padding_idx % len(weight)
        places, terms = places[kept], terms[kept]
    return add_at(weight.shape, places, terms)


def embedding_gradient_in_storage(dy: Any, input: np.ndarray, weight: Any, **options: Any) -> dict[str, Any]:
    """The same, added up in a tensor of the storage format.

    Source: torch.nn.Embedding; padding_idx, scale_grad_by_freq.
    """
    return embedding_gradient(coarse(dy), input, weight, **options)


embedding_gradient.formulations = (embedding_gradient_in_storage,)  # type: ignore[attr-defined]
