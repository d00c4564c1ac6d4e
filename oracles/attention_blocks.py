"""Blocks of attention that models compose: hard, over channels, over places, over scales, over time."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from oracles.bounded import OneOf, contract, stored
from oracles.convolution import convolution, convolution_gradient, gradient_by_columns
from oracles.softmax import softmax, softmax_gradient, softmax_gradient_expanded, softmax_stored


def sigmoid(x: Any) -> Any:
    """1 / (1 + exp(−x)), a tensor of its own."""
    return stored(1 / (1 + np.exp(-x)))


def sigmoid_gradient(d: Any, gate: Any) -> Any:
    """d · (1 − gate) · gate, step by step."""
    return stored(stored(d * stored(1 - gate)) * gate)


def linear(x: Any, weight: Any, bias: Any) -> Any:
    """x · weightᵀ + bias, a tensor of its own."""
    return stored(contract("nc,rc->nr", x, weight, start=bias))


def linear_gradient(d: Any, x: Any, weight: Any) -> tuple[Any, Any, Any]:
    """For x, a tensor of its own, for the weight, for the bias."""
    return stored(contract("nr,rc->nc", d, weight)), contract("nr,nc->rc", d, x), np.sum(d, axis=0)


def chosen_among(key: Any, observed: Mapping[str, np.ndarray]) -> np.ndarray:
    """One-hot rows of the subject's own choice."""
    return np.asarray(observed["index"][..., None] == np.arange(key.shape[1]), dtype=int)


def hard_attention(query: Any, key: Any, value: Any, *, observed: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Give each query the value of the key that matches it best.

    output = one_hot(index) · value with index = argmax over the keys of query · keyᵀ, the first of those that tie

    query (N, L, E), key (N, S, E), value (N, S, Ev) → output (N, L, Ev), index (N, L)
    Source: torch.argmax, "the indices of the first maximal value"; Xu et al. 2015, Show, Attend and Tell, section 4.1 (hard attention).
    """
    scores = stored(contract("nle,nse->nls", query, key))
    low, high = scores.value - scores.error, scores.value + scores.error
    keys = range(scores.shape[-1])
    reaches = [high[..., s] >= low.max(axis=-1) for s in keys]
    beaten = [np.any(low[..., :s] >= high[..., s : s + 1], axis=-1) for s in keys]
    index = OneOf([np.full(scores.shape[:-1], s) for s in keys], np.array(reaches) & ~np.array(beaten))
    return {"output": contract("nls,nsv->nlv", chosen_among(key, observed), value), "index": index}


def hard_attention_gradient(dy: Any, query: Any, key: Any, value: Any, *, observed: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Through the subject's own choice, which does not move: one_hotᵀ · dy for the values, nothing for queries and keys."""
    return {"value": contract("nls,nlv->nsv", chosen_among(key, observed), dy)}


def squeeze_excitation(x: Any, weight1: Any, bias1: Any, weight2: Any, bias2: Any) -> Any:
    """Weigh channels by what the whole image holds of them.

    y = x · sigmoid(W₂ · relu(W₁ · mean of x over places + b₁) + b₂)

    x (N, C, H, W), weight1 (R, C), bias1 (R,), weight2 (C, R), bias2 (C,) → (N, C, H, W)
    Source: Hu et al. 2018, Squeeze-and-Excitation Networks, equations 2 to 4, of torch.nn modules.
    """
    hidden = linear(stored(np.mean(x, axis=(2, 3))), weight1, bias1)
    return x * sigmoid(linear(np.maximum(hidden, 0.0), weight2, bias2))[:, :, None, None]


def squeeze_excitation_gradient(dy: Any, x: Any, weight1: Any, bias1: Any, weight2: Any, bias2: Any) -> dict[str, Any]:
    """The chain rule, backwards through each module."""
    squeezed = stored(np.mean(x, axis=(2, 3)))
    hidden = linear(squeezed, weight1, bias1)
    gate = sigmoid(linear(np.maximum(hidden, 0.0), weight2, bias2))
    d_gate = stored(np.sum(stored(dy * x), axis=(2, 3)))
    d, d_weight2, d_bias2 = linear_gradient(sigmoid_gradient(d_gate, gate), np.maximum(hidden, 0.0), weight2)
    d, d_weight1, d_bias1 = linear_gradient(np.where(hidden > 0, d, 0.0), squeezed, weight1)
    dx = stored(dy * gate[:, :, None, None]) + stored(d / (x.shape[2] * x.shape[3]))[:, :, None, None]
    return {"x": dx, "weight1": d_weight1, "bias1": d_bias1, "weight2": d_weight2, "bias2": d_bias2}


def statistics(x: Any) -> Any:
    """Mean and maximum over the channels: (N, 2, H, W)."""
    return np.stack([stored(np.mean(x, axis=1)), np.max(x, axis=1)], axis=1)


def spatial_attention(x: Any, weight: Any) -> Any:
    """Weigh places by what their channels hold.

    y = x · sigmoid(convolution of [mean over channels; maximum over channels]), as large as x

    x (N, C, H, W), weight (1, 2, K, K), K odd → (N, C, H, W)
    Source: Woo et al. 2018, CBAM, equation 3, of torch.nn.Conv2d.
    """
    return x * sigmoid(stored(convolution(statistics(x), weight, padding=weight.shape[-1] // 2)))


def spatial_attention_gradient(dy: Any, x: Any, weight: Any, pull: Any = convolution_gradient) -> dict[str, Any]:
    """The chain rule; the maximum's derivative goes to the first channel that has it."""
    maps, padding = statistics(x), weight.shape[-1] // 2
    gate = sigmoid(stored(convolution(maps, weight, padding=padding)))
    d_gate = stored(np.sum(stored(dy * x), axis=1, keepdims=True))
    through = pull(sigmoid_gradient(d_gate, gate), maps, weight, padding=padding)
    d_mean, d_most = (stored(through["x"][:, i : i + 1]) for i in (0, 1))
    first = np.argmax(x, axis=1)[:, None] == np.arange(x.shape[1])[:, None, None]
    dx = stored(stored(dy * gate) + np.where(first, d_most, 0.0)) + stored(d_mean / x.shape[1])
    return {"x": dx, "weight": through["weight"]}


spatial_attention_gradient.formulations = (partial(spatial_attention_gradient, pull=gradient_by_columns),)  # type: ignore[attr-defined]


def pooled_attention(x: Any, weight: Any, normalise: Any = softmax) -> Any:
    """Mix the steps of an axis (moments, scales) by scores that each step's own channels give.

    y = Σ_t a_t · x_t with a = softmax over t of the scores weight · x_t

    x (N, T, C, …), weight (C,) → (N, C, …)
    Source: Yang et al. 2016, Hierarchical Attention Networks, equations 6 and 7 (time); Chen et al. 2016, Attention to Scale (scales).
    """
    shares = stored(normalise(stored(contract("ntc...,c->nt...", x, weight)), dim=1))
    return np.sum(stored(shares[:, :, None] * x), axis=1)


pooled_attention.formulations = (partial(pooled_attention, normalise=softmax_stored),)  # type: ignore[attr-defined]


def pooled_attention_gradient(dy: Any, x: Any, weight: Any, normalise: Any = softmax, pull: Any = softmax_gradient) -> dict[str, Any]:
    """The chain rule through the mixture, the softmax and the scores."""
    scores = stored(contract("ntc...,c->nt...", x, weight))
    d_shares = stored(np.sum(stored(dy[:, None] * x), axis=2))
    d_scores = stored(pull(d_shares, scores, dim=1)["input"])
    shares = stored(normalise(scores, dim=1))[:, :, None]
    dx = stored(dy[:, None] * shares) + stored(contract("nt...,c->ntc...", d_scores, weight))
    flat = (x.shape[0] * x.shape[1], x.shape[2], -1) if x.size else (0, x.shape[2], 0)
    return {"x": dx, "weight": contract("kcp,kp->c", x.reshape(flat), d_scores.reshape(flat[0], flat[2]))}


pooled_attention_gradient.formulations = (  # type: ignore[attr-defined]
    partial(pooled_attention_gradient, normalise=softmax_stored, pull=softmax_gradient_expanded),
)
