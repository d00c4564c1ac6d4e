"""The accepted sets of attention with dropout against their definition, its gradient against differences, its counts against known ones."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from oracles import attention_dropout as oracle
from oracles.bounded import exact, ieee

RNG = np.random.default_rng(7)
OPTIONS: dict[str, Any] = {"is_causal": False, "scale": None, "enable_gqa": False, "seed": 0}
QUERY, KEY, VALUE = RNG.standard_normal((3, 4)), RNG.standard_normal((5, 4)), np.eye(5)
KEPT = np.array([[1, 0, 1, 1, 0], [0, 0, 0, 0, 0], [1, 1, 1, 1, 1]], bool)


def by_hand(query: np.ndarray, key: np.ndarray, p: float) -> np.ndarray:
    """Weights one at a time."""
    rows = []
    for i, q in enumerate(query):
        each = [math.exp(math.fsum(a * b for a, b in zip(q, k, strict=True)) / 2) for k in key]
        rows.append([e / math.fsum(each) / (1 - p) * KEPT[i, j] for j, e in enumerate(each)])
    return np.array(rows)


def accepted(y: np.ndarray, p: float = 0.25) -> Any:
    """Which elements the oracle accepts."""
    by = ieee("float64")
    arrays = [exact(a, by) for a in (QUERY, KEY, VALUE)]
    return oracle.attention_dropout(*arrays, None, **OPTIONS, dropout_p=p, observed={"output": y}).accepts(y)


def test_each_weight_is_kept_and_scaled_or_is_zero() -> None:
    y = by_hand(QUERY, KEY, 0.25)
    assert accepted(y).all()
    assert not accepted(y * 0.75)[KEPT].any()
    assert not accepted(y * (1 + 1e-12))[KEPT].any()
    assert accepted(np.zeros((3, 5)), p=1.0).all()
    assert not accepted(y, p=1.0)[KEPT].any()


def test_a_hidden_key_is_never_kept() -> None:
    mask, y = np.ones((3, 5), bool), by_hand(QUERY, KEY, 0.5)
    mask[:, 0] = False
    by = ieee("float64")
    arrays = [exact(a, by) for a in (QUERY, KEY, VALUE)]
    found = oracle.attention_dropout(*arrays, mask, **OPTIONS, dropout_p=0.5, observed={"output": y}).accepts(y)
    assert not found[:, 0][KEPT[:, 0]].any()


@pytest.mark.parametrize("gradient", [oracle.attention_dropout_gradient, *oracle.attention_dropout_gradient.formulations])
def test_the_gradient_is_the_quotient_of_differences(gradient: Any) -> None:
    p, dy, step = 0.25, RNG.standard_normal((3, 5)), 1e-6
    y = by_hand(QUERY, KEY, p)
    found = gradient(dy, QUERY, KEY, VALUE, None, **OPTIONS, dropout_p=p, observed={"output": y})
    for name, at in (("query", QUERY), ("key", KEY)):
        for index in np.ndindex(at.shape):
            ends = []
            for sign in (1, -1):
                moved = at.copy()
                moved[index] += sign * step
                ends.append(np.sum(dy * (by_hand(moved, KEY, p) if name == "query" else by_hand(QUERY, moved, p))))
            np.testing.assert_allclose(found[name][index], (ends[0] - ends[1]) / (2 * step), rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(found["value"], y.T @ dy, rtol=1e-12)


def test_weights_are_counted_where_they_are_certainly_there() -> None:
    scores = np.array([[0.0, 0.0, -np.inf, -50.0], [0.0, 0.0, 0.0, 100.0]])
    seen = np.array([[2.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]])
    assert oracle.kept_of(scores, seen, 0.5) == {"weights were kept": (1, 2, 0.5), "neighbours were both kept": (0, 1, 0.25)}


def several_heads(y: Any, p: float, **changed: Any) -> Any:
    """What the oracle accepts of two heads over two keys, every matrix the identity: the weights are softmax(q · kᵀ / √2)."""
    by, eye = ieee("float64"), np.eye(2)
    arrays = {
        "query": np.concatenate([QUERY[:, :2], QUERY[:, 2:]], axis=1)[None],
        "key": KEY[None, :2],
        "value": eye[None],
        "q_proj_weight": np.eye(4),
        "k_proj_weight": np.eye(4),
        "v_proj_weight": np.concatenate([eye, eye]),
        "out_proj_weight": np.eye(4),
    }
    absent = dict.fromkeys(("key_padding_mask", "attn_mask", "in_proj_bias", "out_proj_bias", "bias_k", "bias_v"))
    options = {"num_heads": 2, "add_zero_attn": False, "batch_first": True, "is_causal": False, "training": True}
    wanted = {"need_weights": True, "average_attn_weights": False, **changed}
    balls = {name: exact(a, by) for name, a in arrays.items()}
    return oracle.multihead_attention_dropout(**balls, **absent, **{**options, **wanted}, dropout=p, seed=0, observed={"output": y})


def weights_by_hand() -> np.ndarray:
    """(query, head, key), one at a time."""
    found = np.zeros((3, 2, 2))
    for i, head in np.ndindex(3, 2):
        q, both = QUERY[i, 2 * head : 2 * head + 2], KEY[:2, 2 * head : 2 * head + 2]
        each = [math.exp((q[0] * k[0] + q[1] * k[1]) / math.sqrt(2)) for k in both]
        found[i, head] = [e / math.fsum(each) for e in each]
    return found


def test_every_head_drops_for_itself_in_training_only() -> None:
    w, kept = weights_by_hand(), np.array([[[1, 0], [0, 1]], [[0, 0], [1, 1]], [[1, 1], [0, 0]]], bool)
    y = np.where(kept, w / 0.75, 0.0).reshape(1, 3, 4)
    found = several_heads(y, 0.25)
    assert found["output"].accepts(y).all()
    assert not found["output"].accepts(y * 0.75)[y != 0].any()
    for shown in (w, y.reshape(3, 2, 2)):
        assert found["weights"].accepts(shown.transpose(1, 0, 2)[None]).all()
    whole = w.reshape(1, 3, 4)
    assert several_heads(whole, 0.25, training=False)["output"].accepts(whole).all()
    assert not several_heads(y, 0.25, training=False)["output"].accepts(y)[y != 0].any()
