"""Rows of a table, summed, averaged or maximised by bags."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from oracles.bounded import Bounded, add_at, coarse, exact, stepwise
from oracles.embedding import looked_up

Observed = Mapping[str, np.ndarray] | None


def places_of(input: np.ndarray, offsets: np.ndarray | None, include_last_offset: bool) -> tuple[np.ndarray, int]:
    """The bag of each index, and how many bags there are: rows of two axes, or what lies from one offset to the next."""
    if offsets is None:
        return np.repeat(np.arange(len(input)), input.shape[1]), len(input)
    starts = offsets[:-1] if include_last_offset else offsets
    return np.searchsorted(starts, np.arange(input.size), side="right") - 1, len(starts)


def kept(input: np.ndarray, padding_idx: int | None, rows: int) -> np.ndarray:
    """Which indices take part: all but padding_idx."""
    flat = input.ravel()
    return np.ones(flat.shape, bool) if padding_idx is None else flat != padding_idx % rows


def members(bag: np.ndarray, bags: int, taken: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each bag the places of its indices in order, and which of these entries there are: both (bags, longest bag)."""
    size = np.bincount(bag[taken], minlength=bags)
    there = np.arange(size.max(initial=0)) < size[:, None]
    places = np.zeros(there.shape, int)
    places[there] = np.flatnonzero(taken)[np.argsort(bag[taken], kind="stable")]
    return places, there


def embedding_bag(
    input: np.ndarray,
    offsets: np.ndarray | None,
    weight: Any,
    per_sample_weights: Any = None,
    *,
    mode: str = "mean",
    padding_idx: int | None = None,
    include_last_offset: bool = False,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
    observed: Observed = None,
) -> dict[str, Any]:
    """Look up rows as Embedding does, and reduce those of each bag; an empty bag has zeros.

    sum: y[b, :] = Σ of per_sample_weights[k] · weight[input[k], :] over the places k of bag b, input[k] ≠ padding_idx; mean: Σ / their
    number; max: the largest in each column

    input (B, N), or (N,) with offsets (B,) or (B + 1,), weight (V, D), per_sample_weights as input → output (B, D), weight (V, D)
    Source: torch.nn.EmbeddingBag, and torch.nn.functional.embedding_bag for the shapes.
    """
    bag, bags = places_of(input, offsets, include_last_offset)
    places, there = members(bag, bags, kept(input, padding_idx, len(weight)))
    found = looked_up(input.ravel(), weight, max_norm, norm_type, 0.0)
    weights = None if per_sample_weights is None else per_sample_weights.reshape(-1)
    return {**found, "output": pooled(found["output"], weights, places, there, mode)}


def pooled(rows: Any, weights: Any, places: np.ndarray, there: np.ndarray, mode: str) -> Any:
    """The rows (K, D) of each bag reduced: (B, D)."""
    size = np.count_nonzero(there, axis=1)[:, None]
    if not there.size:
        return np.zeros_like(rows, shape=(len(there), rows.shape[1]))
    terms = rows if weights is None else stepwise(rows * weights[:, None])
    if mode == "max":
        return np.where(size > 0, np.max(np.where(there[..., None], terms[places], -np.inf), axis=1), 0.0)
    total = np.sum(np.where(there[..., None], terms[places], 0.0), axis=1)
    return total / np.maximum(size, 1) if mode == "mean" else total


def embedding_bag_by(kept_in: Callable[[Any], Any]) -> Callable[..., dict[str, Any]]:
    """The oracle with rows kept in one way while they are added up."""

    def embedding_bag_guarded(
        input: np.ndarray, offsets: Any, weight: Any, per_sample_weights: Any = None, **options: Any
    ) -> dict[str, Any]:
        """The same, shortened with a norm of ‖weight[v]‖ₚ + 10⁻⁷, a guard against division by zero that torch.renorm has too.

        Source: torch.nn.EmbeddingBag.
        """
        table = looked_up(input.ravel(), weight, options["max_norm"], options["norm_type"], 1e-7)["weight"]
        found = embedding_bag(input, offsets, kept_in(table), per_sample_weights, **{**options, "max_norm": None})
        return {"output": found["output"], "weight": table}

    return embedding_bag_guarded


embedding_bag.formulations = (  # type: ignore[attr-defined]
    embedding_bag_by(lambda table: table),
    embedding_bag_by(coarse),  # added up in a tensor of the storage format
)


def embedding_bag_gradient(
    dy: Any,
    input: np.ndarray,
    offsets: np.ndarray | None,
    weight: Any,
    per_sample_weights: Any = None,
    *,
    mode: str = "mean",
    padding_idx: int | None = None,
    include_last_offset: bool = False,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
    observed: Observed = None,
    shares_first: bool = False,
) -> dict[str, Any]:
    """The derivatives of Σ dy·y by the table as it is when looked up, which is taken from the subject, and by the weights.

    dweight[v] = Σ of share[k] · dy[bag(k)] over the places k of v; share[k] is per_sample_weights[k], or 1/size of the bag for means,
    divided by the number of places of v if scale_grad_by_freq; for maxima dy goes to the first of the largest
    dper_sample_weights[k] = Σ over d of dy[bag(k), d] · weight[input[k], d]; both are 0 for padding_idx

    `shares_first`: the factors of a share are multiplied before dy is.

    Source: torch.nn.EmbeddingBag; for equal maxima torch.max (“the index of the first”), to which it refers.
    """
    bag, bags = places_of(input, offsets, include_last_offset)
    flat, taken = input.ravel().astype(np.intp), kept(input, padding_idx, len(weight))
    table = exact(observed["weight"].astype(float), weight.by) if observed and isinstance(weight, Bounded) else weight
    if mode == "max":
        return {"weight": to_the_largest(dy, table, flat, *members(bag, bags, taken))}
    at, found, factors = flat[taken], {}, []
    if per_sample_weights is not None:
        products = np.where(taken[:, None], stepwise(dy[bag] * table[flat]), 0.0)
        found["per_sample_weights"] = np.sum(products, axis=1).reshape(input.shape)
        factors.append(per_sample_weights.reshape(-1)[taken][:, None])
    if mode == "mean":
        factors.append(by_number(dy, np.bincount(bag[taken], minlength=bags)[bag[taken]]))
    if scale_grad_by_freq:
        factors.append(by_number(dy, np.bincount(flat, minlength=len(weight))[at]))
    factors = [product(factors)] if shares_first and factors else factors
    return {"weight": add_at(weight.shape, at, product([dy[bag[taken]], *factors])), **found}


def product(factors: list[Any]) -> Any:
    """The factors multiplied one after the other."""
    return functools.reduce(lambda done, factor: stepwise(done * factor), factors)


def by_number(terms: Any, number: np.ndarray) -> Any:
    """1/number for each of the terms (K, D): (K, 1)."""
    return stepwise(np.ones_like(terms, shape=(len(number), 1)) / number[:, None])


def to_the_largest(dy: Any, table: Any, flat: np.ndarray, places: np.ndarray, there: np.ndarray) -> Any:
    """Zeros like the table, with dy (B, D) added at the first of the largest entries of each bag, column by column."""
    if not there.size or not dy.size:
        return np.zeros_like(table)
    numbers = np.asarray(getattr(table, "value", table))
    entries = np.where(there[..., None], numbers[flat[places]], -np.inf)
    first = np.argmax(entries, axis=1)
    rows = flat[np.take_along_axis(places, first, axis=1)]
    some = there.any(axis=1)
    columns = np.broadcast_to(np.arange(dy.shape[1]), dy.shape)
    return add_at(table.shape, (rows[some].ravel(), columns[some].ravel()), dy[some].reshape(-1))


def embedding_bag_gradient_in_storage(dy: Any, input: np.ndarray, offsets: Any, weight: Any, *rest: Any, **options: Any) -> dict[str, Any]:
    """The same, added up in a tensor of the storage format.

    Source: torch.nn.EmbeddingBag.
    """
    return embedding_bag_gradient(coarse(dy), input, offsets, weight, *rest, **options)


embedding_bag_gradient.formulations = (  # type: ignore[attr-defined]
    embedding_bag_gradient_in_storage,
    functools.partial(embedding_bag_gradient, shares_first=True),
    functools.partial(embedding_bag_gradient_in_storage, shares_first=True),
)
