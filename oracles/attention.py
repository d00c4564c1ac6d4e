"""Attention of queries to keys: shares by softmax of scaled products, and the values that they mix."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from oracles.bounded import coarse, contract, stored
from oracles.softmax import exponentials, softmax, total, within

Fate = Callable[[Any, Any], Any]

SCORES, MIXED, TURNED = "...le,...se->...ls", "...ls,...sv->...lv", "...ls,...lv->...sv"


def repeated(array: Any, query: Any, enable_gqa: bool) -> Any:
    """Keys or values with each head repeated for the queries' heads that share it."""
    return np.repeat(array, query.shape[-3] // array.shape[-3], axis=-3) if enable_gqa else array


def gathered(array: Any, like: Any, enable_gqa: bool) -> Any:
    """The gradient of `repeated`: the sum over the heads that share one."""
    if not enable_gqa:
        return array
    *batch, heads, length, width = like.shape
    shape = (*batch, heads, array.shape[-3] // max(heads, 1), length, width)
    return np.sum(coarse(stored(array).reshape(shape)), axis=-3)


def masked(scores: Any, attn_mask: Any, is_causal: bool) -> Any:
    """Scores plus the mask: 0 where a key may be attended to, −∞ where it must not; a float mask as it is."""
    if is_causal:
        attn_mask = np.tril(np.ones(scores.shape[-2:], bool))
    if attn_mask is None:
        return scores
    return scores + (np.where(attn_mask, 0.0, -np.inf) if attn_mask.dtype == bool else attn_mask)


def alive(scores: Any) -> Any:
    """Rows that may attend to some key. The others have no shares at all: their weights are 0, not 0/0."""
    return np.any(scores != -np.inf, axis=-1, keepdims=True)


def weights(scores: Any) -> Any:
    """Softmax over the keys; 0 in rows that are wholly masked."""
    living = alive(scores)
    return np.where(living, softmax(np.where(living, scores, 0.0), dim=-1), 0.0)


def mixed_first(scores: Any, value: Any) -> Any:
    """Exponentials, stored, mix the values, and their sum divides last; 0 in rows that are wholly masked."""
    living = alive(scores)
    scores = np.where(living, scores, 0.0)
    return np.where(living, contract(MIXED, stored(exponentials(scores, -1)), value) / total(scores, -1), 0.0)


def logarithm(scores: Any) -> Any:
    """log Σ exp(scores) over the keys."""
    return np.max(scores, axis=-1, keepdims=True) + np.log(total(scores, -1)) if scores.shape[-1] else total(scores, -1)


def recomputed(scores: Any) -> Any:
    """The weights again, from the logarithm of the sum: exp(scores − log Σ exp(scores)); 0 in rows that are wholly masked."""
    living = alive(scores)
    scores = np.where(living, scores, 0.0)
    return np.where(living, np.exp(within(scores - logarithm(scores), -np.inf, 1.0)), 0.0)


def factor_of(query: Any, scale: float | None) -> float:
    """The scale, 1/√E unless given."""
    return 1 / query.shape[-1] ** 0.5 if scale is None else float(scale)


def roots_of(query: Any, scale: float | None) -> tuple[float, float]:
    """Two factors of the scale: the root of its size, and that root with its sign."""
    factor = factor_of(query, scale)
    root = abs(factor) ** 0.5
    return root, -root if factor < 0 else root


def scores_scaled_last(query: Any, key: Any, scale: float | None) -> Any:
    """(query · keyᵀ) · scale."""
    return contract(SCORES, query, key) * factor_of(query, scale)


def scores_scaled_first(query: Any, key: Any, scale: float | None) -> Any:
    """(query · ±√|scale|) · (key · √|scale|)ᵀ."""
    on_key, on_query = roots_of(query, scale)
    return contract(SCORES, query * on_query, key * on_key)


def kept(w: Any, x: Any) -> Any:
    """What becomes of x, the weights w or their derivative, without dropout."""
    return x


def scaled_dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any,
    *,
    dropout_p: float,
    is_causal: bool,
    scale: float | None,
    enable_gqa: bool,
    scores_of: Callable[..., Any] = scores_scaled_last,
    fate: Fate = kept,
) -> Any:
    """Mix values by how well their keys match the queries.

    output = softmax(query · keyᵀ · scale + mask) · value, the softmax over the keys, 0 in rows that are wholly masked

    query (…, Hq, L, E), key (…, H, S, E), value (…, H, S, Ev), attn_mask broadcastable to (…, Hq, L, S) → (…, Hq, L, Ev)
    Source: torch.nn.functional.scaled_dot_product_attention, the equivalent implementation; rows wholly masked: pytorch PR 131060.
    """
    key, value = repeated(key, query, enable_gqa), repeated(value, query, enable_gqa)
    w = weights(masked(scores_of(query, key, scale), attn_mask, is_causal))
    return contract(MIXED, fate(w, w), value)


def attention_divided_last(
    query: Any, key: Any, value: Any, attn_mask: Any, *, dropout_p: float, is_causal: bool, scale: float | None, enable_gqa: bool
) -> Any:
    """The same with the softmax's division last, as fused kernels do, and the exponentials stored."""
    key, value = repeated(key, query, enable_gqa), repeated(value, query, enable_gqa)
    scores = masked(scores_scaled_last(query, key, scale), attn_mask, is_causal)
    return mixed_first(scores, value)


scaled_dot_product_attention.formulations = (  # type: ignore[attr-defined]
    functools.partial(scaled_dot_product_attention, scores_of=scores_scaled_first),
    attention_divided_last,
)


def summed_to(array: Any, shape: tuple[int, ...]) -> Any:
    """The gradient of broadcasting: the sum over the axes along which an array of this shape was repeated."""
    array = np.sum(array, axis=tuple(range(array.ndim - len(shape)))) if array.ndim > len(shape) else array
    repeats = tuple(axis for axis, length in enumerate(shape) if length == 1 and array.shape[axis] != 1)
    return np.sum(array, axis=repeats, keepdims=True) if repeats else array


def turned(left: Any, right: Any, factor: float, at_a_time: int) -> Any:
    """leftᵀ · right · factor, a sum over the queries: so many at a time, each sum stored."""
    starts = range(0, max(left.shape[-2], 1), at_a_time or max(left.shape[-2], 1))
    parts = [contract(TURNED, left[..., i : i + starts.step, :], right[..., i : i + starts.step, :]) * factor for i in starts]
    return functools.reduce(lambda done, part: stored(done) + part, parts)


def pulled_back(
    dy: Any, ds: Any, w: Any, arrays: Any, factors: tuple[float, float], enable_gqa: bool, at_a_time: int = 0
) -> dict[str, Any]:
    """Gradients of queries, keys, values and a float mask from ds, that of the scores, and w, the weights.

    The scale is the product of two factors, one on the operands of the products, one on their results.
    """
    query, key, value, attn_mask = arrays
    before, after = factors
    gradients = {
        "query": contract(MIXED, ds, repeated(key, query, enable_gqa) * before) * after,
        "key": gathered(turned(ds, query * before, after, at_a_time), key, enable_gqa),
        "value": gathered(turned(w, dy, 1, at_a_time), value, enable_gqa),
    }
    if attn_mask is not None and attn_mask.dtype != bool and ds.size:
        gradients["attn_mask"] = summed_to(ds, attn_mask.shape)
    return gradients


def scaled_dot_product_attention_gradient(
    dy: Any,
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any,
    *,
    dropout_p: float,
    is_causal: bool,
    scale: float | None,
    enable_gqa: bool,
    first: bool = False,
    fate: Fate = kept,
) -> dict[str, Any]:
    """With w the weights, dw = dy · valueᵀ and ds = w (dw − Σ w dw) over the keys: ds · key · scale, dsᵀ · query · scale, wᵀ · dy.

    `first`: the root of the scale on queries and keys.
    """
    scores_of, factors = (scores_scaled_first, roots_of(query, scale)) if first else (scores_scaled_last, (1, factor_of(query, scale)))
    w = weights(masked(scores_of(query, repeated(key, query, enable_gqa), scale), attn_mask, is_causal))
    dw = fate(w, contract(SCORES, dy, repeated(value, query, enable_gqa)))
    ds = w * (dw - np.sum(w * dw, axis=-1, keepdims=True))
    return pulled_back(dy, ds, fate(w, w), (query, key, value, attn_mask), factors, enable_gqa)


def attention_gradient_recomputed(
    dy: Any, query: Any, key: Any, value: Any, attn_mask: Any, *, dropout_p: float, is_causal: bool, scale: float | None, enable_gqa: bool
) -> dict[str, Any]:
    """The same as fused kernels do: weights exp(scores − log Σ exp(scores)), and Σ w dw as dy · output, each stored.

    Gradients of keys and values add up in storage, so many queries at a time.
    """
    keys, values = repeated(key, query, enable_gqa), repeated(value, query, enable_gqa)
    scores = masked(scores_scaled_last(query, keys, scale), attn_mask, is_causal)
    w, output = recomputed(scores), stored(mixed_first(scores, values))
    ds = w * (contract(SCORES, dy, values) - np.sum(dy * output, axis=-1, keepdims=True))
    arrays = query, key, value, attn_mask
    return pulled_back(dy, stored(ds), stored(w), arrays, (1, factor_of(query, scale)), enable_gqa, at_a_time=32)


scaled_dot_product_attention_gradient.formulations = (  # type: ignore[attr-defined]
    functools.partial(scaled_dot_product_attention_gradient, first=True),
    attention_gradient_recomputed,
)
