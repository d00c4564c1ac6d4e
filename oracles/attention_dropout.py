"""Attention of which weights are dropped: a set of results, weight by weight; what is kept is chance.

Which weights were kept is read off the subject's own output, where the values are the identity matrix, so that the output is the weights.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from oracles.attention import (
    Fate,
    masked,
    repeated,
    scaled_dot_product_attention,
    scaled_dot_product_attention_gradient,
    scores_scaled_first,
    scores_scaled_last,
    weights,
)
from oracles.bounded import Bounded, Doubtful, OneOf, stored
from oracles.conventions import plain
from oracles.multihead_attention import (
    FUSED,
    LAST,
    ON_BOTH,
    ON_QUERY,
    batched,
    bias_of,
    heads_of,
    multihead_attention,
    multihead_attention_gradient,
    projections,
    scores_of,
)

Observed = Mapping[str, np.ndarray]
Chances = dict[str, tuple[int, int, float]]

MODERATE, SURE = 64.0, 1e-3
"""Scores that rounding hardly changes, and weights of them that are numbers of every format."""


def fate(p: float, seen: np.ndarray, factor_stored: bool = False) -> Fate:
    """What becomes of x, weights w or their derivative: x / (1 − p) where the weight that is seen is not 0, else 0.

    Either, where a weight that was kept may be too small for the format that it is stored in. With `factor_stored` 1 / (1 − p) is a
    number of the storage format.
    """

    def scaled(x: Any) -> Any:
        return x * stored(np.zeros_like(x) + 1 / (1.0 - p)) if factor_stored else x / (1.0 - p)

    def becomes(w: Any, x: Any) -> Any:
        if p == 1:
            return np.zeros_like(x)
        kept = np.asarray(seen != 0)
        if not isinstance(w, Bounded):
            return np.where(kept, scaled(x), 0.0)
        vanishing = ~kept & np.asarray(scaled(w).accepts(np.zeros(w.shape)))
        return np.where(Doubtful(kept, vanishing, w.by), scaled(x), 0.0)

    return becomes


def attention_dropout(
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any,
    *,
    dropout_p: float,
    is_causal: bool,
    scale: float | None,
    enable_gqa: bool,
    seed: int,
    observed: Observed,
    scores_of: Callable[..., Any] = scores_scaled_last,
) -> Any:
    """Mix values by weights of which each is dropped with probability dropout_p. What `seed` chooses is not said.

    output = dropout(softmax(query · keyᵀ · scale + mask)) · value, dropout(w) = w / (1 − dropout_p) or 0

    query (…, Hq, L, E), key (…, H, S, E), value (…, H, S, S) of identity matrices, attn_mask to (…, Hq, L, S) → (…, Hq, L, S)
    Source: torch.nn.functional.scaled_dot_product_attention, the equivalent implementation; torch.nn.Dropout.
    """
    options: dict[str, Any] = {"is_causal": is_causal, "scale": scale, "enable_gqa": enable_gqa, "scores_of": scores_of}
    becomes = fate(dropout_p, observed["output"])
    return scaled_dot_product_attention(query, key, value, attn_mask, dropout_p=dropout_p, **options, fate=becomes)


attention_dropout.formulations = (partial(attention_dropout, scores_of=scores_scaled_first),)  # type: ignore[attr-defined]


def attention_dropout_gradient(
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
    seed: int,
    observed: Observed,
    first: bool = False,
) -> dict[str, Any]:
    """With w the weights and d the same as dropped, dw = dropout(dy · valueᵀ), ds = w (dw − Σ w dw): ds · key · scale, …; dᵀ · dy."""
    options: dict[str, Any] = {"is_causal": is_causal, "scale": scale, "enable_gqa": enable_gqa, "first": first}
    becomes = fate(dropout_p, observed["output"])
    return scaled_dot_product_attention_gradient(dy, query, key, value, attn_mask, dropout_p=dropout_p, **options, fate=becomes)


attention_dropout_gradient.formulations = (partial(attention_dropout_gradient, first=True),)  # type: ignore[attr-defined]


# By several heads: values, their projection and that of the output are identity matrices.


def fate_of_heads(observed: Observed, dropout: float, given: Mapping[str, Any]) -> Fate:
    """The same for the weights (N, heads, L, S) that the output (N, L, heads · S) or (L, N, heads · S) shows, stored."""
    seen = heads_of(batched(observed["output"], given["batch_first"]), given["num_heads"])
    becomes = fate(dropout, seen, factor_stored=given.get("how") == ON_QUERY)
    return lambda w, x: stored(becomes(w, x))


def unfused(given: Mapping[str, Any]) -> dict[str, Any]:
    """The same arguments, weights divided before they mix the values: otherwise there are none that could be dropped."""
    return {**given, "how": LAST} if given.get("how") == FUSED else dict(given)


def multihead_attention_dropout(*, dropout: float, seed: int, observed: Observed, **given: Any) -> dict[str, Any]:
    """Mix values by several attentions of which, in training, each weight is dropped with a probability.

    As multihead_attention, with dropout(w) for each of the weights w; the weights that are returned are either, before or after it.

    query (L, N, h·S) or (N, L, h·S); value (…, S, S) of identity matrices; v_proj_weight of h of them, out_proj_weight the identity
    Source: torch.nn.MultiheadAttention, first formula, its `dropout`, “Dropout probability on attn_output_weights”; torch.nn.Dropout.
    """
    undropped = multihead_attention(**given)
    if not given["training"] or dropout == 0:
        return undropped
    found = multihead_attention(**unfused(given), fate=fate_of_heads(observed, dropout, given))
    return {**found, "weights": OneOf([found["weights"], undropped["weights"]])} if "weights" in found else found


def multihead_attention_dropout_gradient(dy: Any, *, dropout: float, seed: int, observed: Observed, **given: Any) -> dict[str, Any]:
    """The derivatives of multihead_attention with those weights."""
    if not given["training"] or dropout == 0:
        return multihead_attention_gradient(dy, **given)
    return multihead_attention_gradient(dy, **unfused(given), fate=fate_of_heads(observed, dropout, given))


HOWS = (ON_QUERY, ON_BOTH, FUSED)
multihead_attention_dropout.formulations = tuple(partial(multihead_attention_dropout, how=how) for how in HOWS)  # type: ignore[attr-defined]
multihead_attention_dropout_gradient.formulations = tuple(  # type: ignore[attr-defined]
    partial(multihead_attention_dropout_gradient, how=how) for how in HOWS
)


# What chance there was.


def kept_of(scores: np.ndarray, seen: np.ndarray, p: float) -> Chances:
    """How many weights were kept, and pairs of neighbours, of those that are certainly not 0, at which probability."""
    moderate = np.all((np.abs(scores) < MODERATE) | (scores == -np.inf), axis=-1, keepdims=True)
    sure = (moderate & (weights(np.where(moderate, scores, 0.0)) > SURE)).ravel()
    kept = np.asarray(seen != 0).ravel() & sure
    pairs = [part[: part.size // 2 * 2].reshape(-1, 2).all(axis=1) for part in (kept, sure)]
    stays = 1.0 - p
    return {
        "weights were kept": (int(np.sum(kept)), int(np.sum(sure)), stays),
        "neighbours were both kept": (int(np.sum(pairs[0])), int(np.sum(pairs[1])), stays * stays),
    }


def attention_chances(
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any,
    *,
    dropout_p: float,
    is_causal: bool,
    enable_gqa: bool,
    scale: Any,
    seed: int,
    observed: Any,
) -> Chances:
    """How many weights were kept."""
    q, k = (plain(a).astype(float) for a in (query, key))
    mask = attn_mask if attn_mask is None or attn_mask.dtype == bool else plain(attn_mask).astype(float)
    scores = masked(scores_scaled_last(q, repeated(k, q, enable_gqa), scale), mask, is_causal)
    return kept_of(scores, np.asarray(observed["output"]).astype(float), dropout_p)


def multihead_chances(
    query: Any, key: Any, attn_mask: Any, *, dropout: float, num_heads: int, batch_first: bool, training: bool, observed: Any, **given: Any
) -> Chances:
    """How many weights of any head were kept; all of them in evaluation."""
    tensors = [batched(plain(a).astype(float), batch_first) for a in (query, key, given["value"])]
    matrices = [plain(given[f"{name}_proj_weight"]).astype(float) for name in "qkv"]
    q, k, _ = projections(tensors, matrices, None, None, None, num_heads, False, LAST)
    scores = scores_of(q, k, bias_of(attn_mask, None, len(q), num_heads, 0), LAST)
    seen = heads_of(batched(np.asarray(observed["output"]).astype(float), batch_first), num_heads)
    return kept_of(scores, seen, dropout if training else 0.0)
