"""Attention of which weights are dropped.

The values are identity matrices, so that the output is the weights, and shows which of them were kept.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Trial
from conformance.model import FLOATS, Case, Law, Operation, torch
from conformance.operations.attention import SCALES, call_scaled_dot_product_attention, masks, scaled_dot_product_attention_shape
from conformance.operations.laws import assert_same
from conformance.operations.multihead_attention import call_multihead_attention, multihead_attention_shape
from conformance.strategies import FINITE_REGIMES, Data, data_of, side
from oracles import attention_dropout as oracle


def call_attention(*, seed: int, **arguments: Any) -> Any:
    torch.manual_seed(seed)
    return call_scaled_dot_product_attention(**arguments)


PROBABILITIES = st.one_of(st.sampled_from((0.5, 1.0, 0.1, 0.9)), st.floats(0.01, 0.99).map(lambda p: round(p, 3)))
SIZES = st.sampled_from((False, False, True))
"""Whether there are so many weights that they can be counted."""


def identities(data: Data, *leading: int, keys: int) -> np.ndarray:
    """An identity matrix under each of the leading axes."""
    return np.broadcast_to(np.eye(keys), (*leading, keys, keys)).astype(data.array("").dtype)


@st.composite
def attention_dropout_cases(draw: st.DrawFn, dtype: str) -> Case:
    data, many = draw(data_of(dtype, FINITE_REGIMES)), draw(SIZES)
    batch = [4] if many else draw(st.sampled_from([[2], [1], [], [0], [2, 1]]))
    heads = [3] if many else draw(st.sampled_from([[2], [1], []]))
    enable_gqa = bool(heads) and draw(st.booleans())
    sharing = draw(st.sampled_from([2, 1])) if enable_gqa else 1
    length, keys, width = (17, 9, 4) if many else (draw(side()), draw(side()), draw(side()))
    query_heads = [h * sharing for h in heads]
    arrays = {
        "query": data.array("query", *batch, *query_heads, length, width),
        "key": data.array("key", *batch, *heads, keys, width),
        "value": identities(data, *batch, *heads, keys=keys),
        "attn_mask": draw(masks(data, "attn_mask", (*batch, *query_heads, length, keys))),
    }
    scale = draw(st.sampled_from(SCALES.get(data.regime, [None, 1.0, 0.0, 0.125, -1.0])))
    is_causal = arrays["attn_mask"] is None and draw(st.booleans())
    options = {"dropout_p": draw(PROBABILITIES), "is_causal": is_causal, "scale": scale, "enable_gqa": enable_gqa}
    return data.case(arrays, **options, seed=draw(st.integers(0, 9999)))


def nothing_is_left(name: str) -> Law:
    """With a probability of 1 no weight is kept."""

    def check(trial: Trial, case: Case) -> None:
        y = trial.run(case.but(**{name: 1.0}))["output"]
        assert_same(y, np.zeros_like(y), f"{name} = 1 keeps something")

    return Law(f"{name} = 1 leaves nothing", check)


ScaledDotProductAttention = Operation(
    name="torch.nn.functional.scaled_dot_product_attention",
    variant="Dropout",
    call=call_attention,
    oracle=oracle.attention_dropout,
    gradient=oracle.attention_dropout_gradient,
    shape=scaled_dot_product_attention_shape,
    cases=attention_dropout_cases,
    chances=oracle.attention_chances,
    rejects={
        "dropout_p must not be negative": lambda case: case.but(dropout_p=-0.1),
        "dropout_p must be at most 1": lambda case: case.but(dropout_p=1.1),
    },
    laws=(nothing_is_left("dropout_p"),),
    follows_subject=True,
    dtypes=FLOATS,
)

# By several heads.


def call_multihead(*, seed: int, **arguments: Any) -> Any:
    torch.manual_seed(seed)
    return call_multihead_attention(**arguments)


def multihead_shape(*, seed: int, dropout: float, **arguments: Any) -> dict[str, Any]:
    return multihead_attention_shape(**arguments)


@st.composite
def multihead_cases(draw: st.DrawFn, dtype: str) -> Case:
    """As many entries in a head as there are keys, so that identity matrices let the output show every head's weights."""
    data, many = draw(data_of(dtype, ("integers", "normal", "constant", "subnormal"))), draw(SIZES)
    count, length, keys, heads = (
        (4, 17, 9, 2) if many else (draw(st.integers(1, 3)), draw(side()), draw(side(1, 6)), draw(st.integers(1, 3)))
    )
    width, batch_first = heads * keys, draw(st.booleans())
    kdim = width if heads == 1 or draw(st.booleans()) else draw(st.integers(1, 6))
    eye, none = np.eye(keys), ("key_padding_mask", "in_proj_bias", "out_proj_bias", "bias_k", "bias_v")

    def tensor(a: np.ndarray) -> np.ndarray:
        return a if batch_first else np.ascontiguousarray(a.swapaxes(0, 1))

    def matrix(name: str, size: int) -> np.ndarray:
        array = data.array(name, width, size)
        return (np.sign(array) if data.regime == "integers" else array) * array.dtype.type(0.125)  # so that no weight is nearly 1

    hidden = data.rng("attn_mask").random((length, keys)) < draw(st.sampled_from((0.0, 0.0, 0.3)))
    hidden[:, 0] = False  # a query that sees no key is a matter of MultiheadAttention without dropout
    arrays = {
        "query": tensor(data.array("query", count, length, width)),
        "key": tensor(data.array("key", count, keys, kdim)),
        "value": tensor(identities(data, count, keys=keys)),
        "attn_mask": hidden if hidden.any() else None,
        "q_proj_weight": matrix("q_proj_weight", width),
        "k_proj_weight": matrix("k_proj_weight", kdim),
        "v_proj_weight": np.concatenate([eye] * heads).astype(data.array("").dtype),
        "out_proj_weight": np.eye(width).astype(data.array("").dtype),
        **dict.fromkeys(none),
    }
    flags = {name: draw(st.booleans()) for name in ("need_weights", "average_attn_weights")}
    options = {"num_heads": heads, "add_zero_attn": False, "batch_first": batch_first, "is_causal": False, **flags}
    training = draw(st.sampled_from((True, True, False)))
    return data.case(arrays, **options, training=training, dropout=draw(PROBABILITIES), seed=draw(st.integers(0, 9999)))


def evaluation_drops_nothing(trial: Trial, case: Case) -> None:
    """In evaluation the probability says nothing."""
    case = case.but(training=False)
    here, there = (trial.run(case.but(dropout=p))["output"] for p in (case.options["dropout"], 0.0))
    assert_same(here, there, "evaluation drops weights")


def nothing_is_left_in_training(trial: Trial, case: Case) -> None:
    """In training, with a probability of 1, no weight is kept."""
    nothing_is_left("dropout").check(trial, case.but(training=True))


MultiheadAttention = Operation(
    name="torch.nn.MultiheadAttention",
    variant="Dropout",
    call=call_multihead,
    oracle=oracle.multihead_attention_dropout,
    gradient=oracle.multihead_attention_dropout_gradient,
    shape=multihead_shape,
    cases=multihead_cases,
    chances=oracle.multihead_chances,
    rejects={"dropout must be at most 1 in training": lambda case: case.but(dropout=1.1) if case.options["training"] else None},
    laws=(Law("evaluation drops nothing", evaluation_drops_nothing), Law("dropout = 1 leaves nothing", nothing_is_left_in_training)),
    follows_subject=True,
    dtypes=FLOATS,
)

OPERATIONS = (ScaledDotProductAttention, MultiheadAttention)
