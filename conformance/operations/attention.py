"""Attention of queries to keys."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Trial
from conformance.model import FLOATS, Case, Cost, Law, Operation, torch
from conformance.operations.elementwise import arrangements
from conformance.operations.softmax import agree
from conformance.strategies import Data, data_of, side
from oracles import attention, costs

SCALES = {"wide": [None, 2.0**-30, 2.0**-38], "special": [None, 1.0, -1.0, 0.3]}  # scores neither drown in rounding nor are 0 · ∞


def call_scaled_dot_product_attention(query, key, value, attn_mask, *, enable_gqa, **options):
    grouped = {"enable_gqa": True} if enable_gqa else {}  # which torch 2.4 does not have
    return torch.nn.functional.scaled_dot_product_attention(query, key, value, attn_mask, **options, **grouped)


def scaled_dot_product_attention_shape(query: Any, key: Any, value: Any, attn_mask: Any, **options: Any) -> dict[str, Any]:
    return {"output": (*query[:-1], value[-1])}


def scaled_dot_product_attention_cost(query: Any, key: Any, value: Any, attn_mask: Any, **options: Any) -> Cost:
    """Every query with every key, E products for the score and Ev for the mixture; masks save nothing."""
    return costs.attention(query, key, value)


@st.composite
def masks(
    draw: st.DrawFn, data: Data, name: str, shape: tuple[int, ...], kinds: tuple[str, ...] = ("none", "bool", "none", "float")
) -> Any:
    """No mask, or one of two axes or more that broadcasts to `shape`: True or finite where attention is allowed; rows may allow nothing."""
    kind = draw(st.sampled_from(kinds))
    if kind == "none":
        return None
    if draw(st.booleans()):
        shape = tuple(length if draw(st.booleans()) else 1 for length in shape)[draw(st.integers(0, len(shape) - 2)) :]
    allowed = data.rng(name).random(shape) < draw(st.sampled_from([0.5, 0.8, 0.2, 0.0, 1.0]))
    if kind == "bool":
        return allowed
    added = data.array(name + " added", *shape)
    return np.where(allowed, added.astype(float), -np.inf).astype(added.dtype)


@st.composite
def attention_cases(draw: st.DrawFn, dtype: str) -> Case:
    data = draw(data_of(dtype))
    absent = draw(st.sampled_from(["nothing"] * 12 + ["queries", "keys", "batch"]))
    batch = draw(st.sampled_from([[0], [1, 0, 2]] if absent == "batch" else [[2], [1], [], [3], [2, 1]]))
    heads = draw(st.sampled_from([[2], [1], [3], []]))
    enable_gqa = bool(heads) and draw(st.booleans())
    sharing = draw(st.sampled_from([2, 3, 1])) if enable_gqa else 1
    length, keys, width = draw(side()), draw(side()), draw(side())
    length = 0 if absent == "queries" else length
    keys = 0 if absent == "keys" and data.regime != "special" else keys  # torch returns 0 times the query, which is NaN for NaN
    value_width = draw(st.one_of(st.just(width), st.just(width), side()))
    query_heads = [h * sharing for h in heads]
    arrays = {
        "query": draw(arrangements(data, "query", *batch, *query_heads, length, width)),
        "key": draw(arrangements(data, "key", *batch, *heads, keys, width)),
        "value": draw(arrangements(data, "value", *batch, *heads, keys, value_width)),
        "attn_mask": draw(masks(data, "attn_mask", (*batch, *query_heads, length, keys))),
    }
    scale = draw(st.sampled_from(SCALES.get(data.regime, [None, 1.0, 0.0, 0.125, -1.0, 0.3, -0.7, 2.0])))
    is_causal = arrays["attn_mask"] is None and data.regime != "special" and draw(st.booleans())
    return data.case(arrays, dropout_p=0.0, is_causal=is_causal, scale=scale, enable_gqa=enable_gqa)


def pairs_of(case: Case) -> tuple[int, int]:
    """How many queries and how many keys."""
    query, key = case.arrays["query"], case.arrays["key"]
    assert query is not None
    assert key is not None
    return query.shape[-2], key.shape[-2]


def mask_and_causal(case: Case) -> Case:
    return case.but(attn_mask=np.ones(pairs_of(case), bool), is_causal=True)


def mask_too_wide(case: Case) -> Case:
    queries, keys = pairs_of(case)
    return case.but(attn_mask=np.ones((queries, keys + 2), bool), is_causal=False)


def mask_of_integers(case: Case) -> Case:
    return case.but(attn_mask=np.ones(pairs_of(case), np.int64), is_causal=False)


def keys_wider_than_queries(case: Case) -> Case:
    key = case.arrays["key"]
    assert key is not None
    return case.but(key=np.concatenate([key, key[..., :1]], axis=-1))


def fewer_values_than_keys(case: Case) -> Case | None:
    value = case.arrays["value"]
    assert value is not None
    return case.but(value=value[..., 1:, :].copy()) if value.shape[-2] > 1 else None


def query_of_one_axis(case: Case) -> Case:
    query = case.arrays["query"]
    assert query is not None
    return case.but(query=np.zeros(query.shape[-1], query.dtype), attn_mask=None)


def another_dtype(case: Case) -> Case:
    value = case.arrays["value"]
    assert value is not None
    return case.but(value=value.astype(np.float32 if case.dtype == "float64" else np.float64))


def heads_not_divisible(case: Case) -> Case | None:
    query, key, value = (case.arrays[name] for name in ("query", "key", "value"))
    assert query is not None
    assert key is not None
    assert value is not None
    if not case.options["enable_gqa"]:
        return None
    heads = query.shape[-3] + 1
    return case.but(
        key=np.resize(key, (*key.shape[:-3], heads, *key.shape[-2:])), value=np.resize(value, (*value.shape[:-3], heads, *value.shape[-2:]))
    )


def heads_of_values_differ(case: Case) -> Case | None:
    query, value = case.arrays["query"], case.arrays["value"]
    assert query is not None
    assert value is not None
    if not case.options["enable_gqa"] or query.shape[-3] == value.shape[-3]:
        return None
    return case.but(value=np.repeat(value, query.shape[-3] // value.shape[-3], axis=-3))


def two_forms_of_a_mask(trial: Trial, case: Case) -> None:
    """True is 0, False is −∞."""
    mask, query = case.arrays["attn_mask"], case.arrays["query"]
    if mask is not None and mask.dtype == bool and query is not None:
        other = case.but(attn_mask=np.where(mask, 0.0, -np.inf).astype(query.dtype))
        agree(trial, case, other, "the same mask as truth values and as numbers gives different results")


def mask_of_one_axis(trial: Trial, case: Case) -> None:
    """A mask for all queries may leave out its axis of length one."""
    mask = case.arrays["attn_mask"]
    if mask is not None and mask.ndim == 2 and len(mask) == 1:
        agree(trial, case, case.but(attn_mask=mask[0]), "a mask of the keys alone differs from the same mask for every query")


def causal_is_lower_triangular(trial: Trial, case: Case) -> None:
    """Each query attends to the keys up to its own place."""
    if case.options["is_causal"]:
        other = case.but(is_causal=False, attn_mask=np.tril(np.ones(pairs_of(case), bool)))
        agree(trial, case, other, "is_causal differs from the lower triangular mask")


def order_of_keys(trial: Trial, case: Case) -> None:
    """Keys, values and the mask's columns reversed together."""
    key, value, mask = (case.arrays[name] for name in ("key", "value", "attn_mask"))
    if not case.options["is_causal"] and case.regime != "special" and key is not None and value is not None:
        turned = None if mask is None else np.flip(mask, -1).copy()
        other = case.but(key=np.flip(key, -2).copy(), value=np.flip(value, -2).copy(), attn_mask=turned)
        agree(trial, case, other, "reversing keys and values together changes the result")


def order_of_queries(trial: Trial, case: Case) -> None:
    """Queries and the mask's rows reversed together reverse the output."""
    query, mask = case.arrays["query"], case.arrays["attn_mask"]
    if not case.options["is_causal"] and case.regime != "special" and query is not None:
        turned = None if mask is None else np.flip(mask, -2).copy()
        other = case.but(query=np.flip(query, -2).copy(), attn_mask=turned)
        agree(trial, case, other, "reversing queries does not reverse the output", lambda output: np.flip(output, -2))


def groups_are_repeated_heads(trial: Trial, case: Case) -> None:
    """enable_gqa repeats each head of keys and values."""
    query, key, value = (case.arrays[name] for name in ("query", "key", "value"))
    if case.options["enable_gqa"] and query is not None and key is not None and value is not None:
        sharing = query.shape[-3] // key.shape[-3]
        other = case.but(key=np.repeat(key, sharing, axis=-3), value=np.repeat(value, sharing, axis=-3), enable_gqa=False)
        agree(trial, case, other, "enable_gqa differs from repeated heads")


ScaledDotProductAttention = Operation(
    name="torch.nn.functional.scaled_dot_product_attention",
    call=call_scaled_dot_product_attention,
    oracle=attention.scaled_dot_product_attention,
    gradient=attention.scaled_dot_product_attention_gradient,
    shape=scaled_dot_product_attention_shape,
    cost=scaled_dot_product_attention_cost,
    cases=attention_cases,
    rejects={
        "attn_mask and is_causal exclude each other": mask_and_causal,
        "attn_mask must broadcast to queries by keys": mask_too_wide,
        "attn_mask must hold truth values or numbers of the query's dtype": mask_of_integers,
        "queries and keys must have the same width": keys_wider_than_queries,
        "there must be as many values as keys": fewer_values_than_keys,
        "a query must have two axes": query_of_one_axis,
        "query, key and value must have one dtype": another_dtype,
        "the number of query heads must be a multiple of that of key heads": heads_not_divisible,
        "keys and values must have the same number of heads": heads_of_values_differ,
    },
    laws=(
        Law("truth values and numbers say the same mask", two_forms_of_a_mask),
        Law("a mask broadcasts", mask_of_one_axis),
        Law("causal is the lower triangular mask", causal_is_lower_triangular),
        Law("the order of keys does not matter", order_of_keys),
        Law("the order of queries is that of the output", order_of_queries),
        Law("grouped queries share heads", groups_are_repeated_heads),
    ),
    dtypes=FLOATS,
)

OPERATIONS = (ScaledDotProductAttention,)
