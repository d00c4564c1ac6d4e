"""Attention by several heads between linear projections."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from oracles.attention import MIXED, SCORES, Fate, kept, mixed_first, pulled_back, recomputed, summed_to, weights
from oracles.bounded import Bounded, contract, stored

LAST, ON_QUERY, ON_BOTH, FUSED = "scale last", "scale on the query", "root of the scale on both", "division last"


def batched(array: Any, batch_first: bool) -> Any:
    """(N, L, E) from (L, E), (L, N, E) or (N, L, E)."""
    return array[None] if array.ndim == 2 else array if batch_first else array.swapaxes(0, 1)


def unbatched(array: Any, like: Any, batch_first: bool) -> Any:
    """The inverse of `batched`."""
    return array[0] if like.ndim == 2 else array if batch_first else array.swapaxes(0, 1)


def projected(x: Any, weight: Any, bias: Any, how: str) -> Any:
    """x · weightᵀ + bias, a tensor of its own; the fused path, which scales the query, stores the product before it adds the bias."""
    if how == ON_QUERY and bias is not None:
        return stored(stored(contract("nle,fe->nlf", x, weight)) + bias)
    return stored(contract("nle,fe->nlf", x, weight, start=bias))


def heads_of(array: Any, num_heads: int) -> Any:
    """(N, L, E) → (N, heads, L, E / heads)."""
    count, length, width = array.shape
    return array.reshape(count, length, num_heads, width // num_heads).transpose(0, 2, 1, 3)


def merged(array: Any) -> Any:
    """The inverse of `heads_of`."""
    count, heads, length, width = array.shape
    return array.transpose(0, 2, 1, 3).reshape(count, length, heads * width)


def additive(mask: Any) -> Any:
    """−∞ where a mask of truth values is True; a float mask as it is."""
    return np.where(mask, -np.inf, 0.0) if mask.dtype == bool else mask


def bias_of(attn_mask: Any, key_padding_mask: Any, count: int, num_heads: int, extra: int) -> Any:
    """What is added to the scores (N, heads, L, S + extra): the masks' sum, and nothing for the extra keys."""
    parts = []
    if attn_mask is not None:
        mask = additive(attn_mask)
        parts.append(mask if mask.ndim == 2 else mask.reshape(count, num_heads, *mask.shape[1:]))
    if key_padding_mask is not None:
        padding = additive(key_padding_mask)
        parts.append(padding.reshape(count, 1, 1, padding.shape[-1]))
    if not parts:
        return None
    bias = parts[0] if len(parts) == 1 else stored(parts[0] + parts[1])
    return np.pad(bias, [(0, 0)] * (bias.ndim - 1) + [(0, extra)])


def projections(
    tensors: Any, matrices: Any, in_proj_bias: Any, bias_k: Any, bias_v: Any, num_heads: int, add_zero_attn: bool, how: str
) -> tuple[Any, Any, Any]:
    """Queries, keys and values of every head, with the keys and values that the layer adds."""
    biases = (None,) * 3 if in_proj_bias is None else np.split(in_proj_bias, 3)
    q, k, v = (projected(x, w, b, how) for x, w, b in zip(tensors, matrices, biases, strict=True))
    if bias_k is not None:
        k, v = (np.concatenate([x, np.broadcast_to(b, (len(x), 1, b.shape[-1]))], axis=1) for x, b in ((k, bias_k), (v, bias_v)))
    q, k, v = (heads_of(x, num_heads) for x in (q, k, v))
    if add_zero_attn:
        k, v = (np.concatenate([x, np.zeros_like(x, shape=(*x.shape[:2], 1, x.shape[3]))], axis=2) for x in (k, v))
    return q, k, v


def scores_of(q: Any, k: Any, bias: Any, how: str) -> Any:
    """q · kᵀ / √(E / heads) + bias."""
    scale = q.shape[-1] ** -0.5
    if how == ON_QUERY:
        return stored(contract(SCORES, stored(q * scale), k, start=bias))
    scores = contract(SCORES, q * scale**0.5, k * scale**0.5) if how == ON_BOTH else contract(SCORES, q, k) * scale
    return scores if bias is None else scores + bias


def mixed_by(scores: Any, v: Any, how: str, fate: Fate = kept) -> Any:
    """The values mixed by the softmax of the scores, or by what becomes of it."""
    if how == FUSED:
        return stored(mixed_first(scores, v))
    w = stored(weights(scores))
    return stored(contract(MIXED, fate(w, w), v))


def multihead_attention(
    query: Any,
    key: Any,
    value: Any,
    key_padding_mask: Any,
    attn_mask: Any,
    q_proj_weight: Any,
    k_proj_weight: Any,
    v_proj_weight: Any,
    in_proj_bias: Any,
    out_proj_weight: Any,
    out_proj_bias: Any,
    bias_k: Any,
    bias_v: Any,
    *,
    num_heads: int,
    add_zero_attn: bool,
    batch_first: bool,
    need_weights: bool,
    average_attn_weights: bool,
    is_causal: bool,
    training: bool,
    how: str = LAST,
    fate: Fate = kept,
) -> dict[str, Any]:
    """Mix values by several attentions at once.

    MultiHead(Q, K, V) = Concat(head_1, …, head_h) · W_O with head_i = Attention(Q·W_i^Q, K·W_i^K, V·W_i^V); key and value None: the query

    query (L, E), (L, N, E) or (N, L, E); key (…, S, kdim); value (…, S, vdim); key_padding_mask (N, S); attn_mask (L, S) or (N·h, L, S)
    → output like query, weights (N, L, S) or (N, h, L, S); 0 in rows that are wholly masked
    Source: torch.nn.MultiheadAttention, first formula; rows wholly masked: pytorch PR 131060 and PR 185338.
    """
    x, y, z = (batched(query if a is None else a, batch_first) for a in (query, key, value))
    matrices = (q_proj_weight, k_proj_weight, v_proj_weight)
    q, k, v = projections((x, y, z), matrices, in_proj_bias, bias_k, bias_v, num_heads, add_zero_attn, how)
    bias = bias_of(attn_mask, key_padding_mask, len(x), num_heads, k.shape[2] - y.shape[1])
    scores = scores_of(q, k, bias, how)
    output = contract("nle,fe->nlf", merged(mixed_by(scores, v, how, fate)), out_proj_weight, start=out_proj_bias)
    results = {"output": unbatched(output, query, batch_first)}
    if need_weights:
        shares = stored(weights(scores))
        shares = fate(shares, shares)
        shares = np.mean(shares, axis=1) if average_attn_weights else shares
        results["weights"] = shares[0] if query.ndim == 2 else shares
    return results


multihead_attention.formulations = tuple(partial(multihead_attention, how=how) for how in (ON_QUERY, ON_BOTH, FUSED))  # type: ignore[attr-defined]


def pulled_through(x: Any, weight: Any, d: Any) -> tuple[Any, Any, Any]:
    """The gradient of `projected`: for x, for the weight, for the bias."""
    return contract("nlf,fe->nle", d, weight), contract("nlf,nle->fe", d, x), np.sum(d, axis=(0, 1))


def heads_pulled_back(d: Any, scores: Any, q: Any, k: Any, v: Any, how: str, fate: Fate = kept) -> tuple[Any, dict[str, Any]]:
    """The gradients of the scores, and of every head's queries, keys and values."""
    scale = q.shape[-1] ** -0.5
    w, dw = stored(weights(scores)), contract(SCORES, d, v)
    mixing = fate(w, w)
    if how == FUSED:
        mixing = w = recomputed(scores)
        ds = w * (dw - np.sum(d * mixed_by(scores, v, how), axis=-1, keepdims=True))
    else:
        dw = fate(w, stored(dw) if how == ON_QUERY else dw)
        ds = w * (dw - np.sum(w * dw, axis=-1, keepdims=True))
    ds, mixing = stored(ds), stored(mixing)
    if how == ON_QUERY:
        heads = pulled_back(d, ds, mixing, (stored(q * scale), k, v, None), (1, 1), False)
        return ds, {**heads, "query": stored(heads["query"]) * scale}
    factors = (scale**0.5, scale**0.5) if how == ON_BOTH else (1.0, scale)
    return ds, pulled_back(d, ds, mixing, (q, k, v, None), factors, False, at_a_time=32 * (how == FUSED))


def multihead_attention_gradient(
    dy: Any,
    query: Any,
    key: Any,
    value: Any,
    key_padding_mask: Any,
    attn_mask: Any,
    q_proj_weight: Any,
    k_proj_weight: Any,
    v_proj_weight: Any,
    in_proj_bias: Any,
    out_proj_weight: Any,
    out_proj_bias: Any,
    bias_k: Any,
    bias_v: Any,
    *,
    num_heads: int,
    add_zero_attn: bool,
    batch_first: bool,
    need_weights: bool,
    average_attn_weights: bool,
    is_causal: bool,
    training: bool,
    how: str = LAST,
    fate: Fate = kept,
) -> dict[str, Any]:
    """The chain rule through W_O, every head's attention, and the three projections."""
    x, y, z = (batched(query if a is None else a, batch_first) for a in (query, key, value))
    matrices = (q_proj_weight, k_proj_weight, v_proj_weight)
    q, k, v = projections((x, y, z), matrices, in_proj_bias, bias_k, bias_v, num_heads, add_zero_attn, how)
    scores = scores_of(q, k, bias_of(attn_mask, key_padding_mask, len(x), num_heads, k.shape[2] - y.shape[1]), how)
    through, d_out_weight, d_out_bias = pulled_through(merged(mixed_by(scores, v, how, fate)), out_proj_weight, batched(dy, batch_first))
    ds, heads = heads_pulled_back(heads_of(stored(through), num_heads), scores, q, k, v, how, fate)
    gradients = {"out_proj_weight": d_out_weight, "out_proj_bias": d_out_bias}
    dq, dk, dv = (stored(merged(heads[name])) for name in ("query", "key", "value"))
    keys = y.shape[1]
    if bias_k is not None:
        gradients |= {
            "bias_k": np.sum(dk[:, keys : keys + 1], axis=0, keepdims=True),
            "bias_v": np.sum(dv[:, keys : keys + 1], axis=0, keepdims=True),
        }
    inputs, biases = [], []
    for name, tensor, matrix, d in zip("qkv", (x, y, z), matrices, (dq, dk[:, :keys], dv[:, :keys]), strict=True):
        dx, gradients[f"{name}_proj_weight"], db = pulled_through(tensor, matrix, d)
        inputs.append(unbatched(dx, query, batch_first))
        biases.append(db)
    gradients["in_proj_bias"] = np.concatenate(biases)
    if key is None:
        gradients["query"] = stored(stored(inputs[0]) + stored(inputs[1])) + stored(inputs[2])
    else:
        gradients |= dict(zip(("query", "key", "value"), inputs, strict=True))
    if ds.size and not is_causal:  # with the hint, the mask itself need not be read
        gradients |= mask_gradients(ds[..., :keys], attn_mask, key_padding_mask)
    return {
        name: gradient
        for name, gradient in gradients.items()
        if not name.endswith("bias") or (in_proj_bias if name == "in_proj_bias" else out_proj_bias) is not None
    }


def mask_gradients(ds: Any, attn_mask: Any, key_padding_mask: Any) -> dict[str, Any]:
    """The gradients of float masks: those of the scores, summed over what shares an entry."""
    gradients = {}
    if isinstance(attn_mask, Bounded | np.ndarray) and attn_mask.dtype != bool:
        flat = ds.reshape(-1, *ds.shape[2:])
        gradients["attn_mask"] = flat if attn_mask.ndim == 3 else summed_to(ds, attn_mask.shape)
    if isinstance(key_padding_mask, Bounded | np.ndarray) and key_padding_mask.dtype != bool:
        gradients["key_padding_mask"] = np.sum(ds, axis=(1, 2)).reshape(key_padding_mask.shape)
    return gradients


multihead_attention_gradient.formulations = tuple(  # type: ignore[attr-defined]
    partial(multihead_attention_gradient, how=how) for how in (ON_QUERY, ON_BOTH, FUSED)
)
