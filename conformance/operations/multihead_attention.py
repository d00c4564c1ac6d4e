"""Attention by several heads between linear projections."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Trial
from conformance.model import FLOATS, Case, Cost, Law, Operation, torch
from conformance.operations.softmax import agree
from conformance.strategies import FINITE_REGIMES, Data, data_of, side
from oracles import costs
from oracles import multihead_attention as oracle


def build_multihead_attention(
    query, q_proj_weight, k_proj_weight, v_proj_weight, in_proj_bias, bias_k, num_heads, add_zero_attn, batch_first, dropout=0.0, **others
):
    return torch.nn.MultiheadAttention(
        len(q_proj_weight),
        num_heads,
        dropout=dropout,
        bias=in_proj_bias is not None,
        add_bias_kv=bias_k is not None,
        add_zero_attn=add_zero_attn,
        kdim=k_proj_weight.shape[1],
        vdim=v_proj_weight.shape[1],
        batch_first=batch_first,
        device=query.device,
        dtype=q_proj_weight.dtype,
    )


def call_multihead_attention(
    query, key, value, key_padding_mask, attn_mask, *, need_weights, average_attn_weights, is_causal, training, **layer
):
    """Key and value None: self-attention, the query three times. One packed weight where the widths allow it, as the layer has it."""
    built = build_multihead_attention(query, **layer).train(training)
    parameters = {name: layer[name] for name in ("q_proj_weight", "k_proj_weight", "v_proj_weight")}
    if built.in_proj_weight is not None:
        parameters = {"in_proj_weight": torch.cat(list(parameters.values()))}
    parameters |= {"out_proj.weight": layer["out_proj_weight"], "out_proj.bias": layer["out_proj_bias"]}
    parameters |= {name: layer[name] for name in ("in_proj_bias", "bias_k", "bias_v")}
    parameters = {name: tensor for name, tensor in parameters.items() if tensor is not None}
    tensors = (query, query if key is None else key, query if value is None else value)
    masks = {"key_padding_mask": key_padding_mask, "attn_mask": attn_mask, "is_causal": is_causal}
    wanted = {"need_weights": need_weights, "average_attn_weights": average_attn_weights}
    output, shares = torch.func.functional_call(built, parameters, tensors, {**masks, **wanted})
    return {"output": output} if shares is None else {"output": output, "weights": shares}


def lengths_of(query: Any, key: Any, batch_first: bool) -> tuple[int, int, int]:
    """How many in a batch, how many queries, how many keys."""
    key = query if key is None else key
    if len(query) == 2:
        return 1, query[0], key[0]
    return (query[0], query[1], key[1]) if batch_first else (query[1], query[0], key[0])


def multihead_attention_shape(query: Any, key: Any, bias_k: Any, **options: Any) -> dict[str, Any]:
    count, length, keys = lengths_of(query, key, options["batch_first"])
    keys += (bias_k is not None) + options["add_zero_attn"]
    heads = () if options["average_attn_weights"] else (options["num_heads"],)
    batch = () if len(query) == 2 else (count,)
    return {"output": query} | ({"weights": (*batch, *heads, length, keys)} if options["need_weights"] else {})


def multihead_attention_cost(
    query: Any, key: Any, bias_k: Any, in_proj_bias: Any, k_proj_weight: Any, v_proj_weight: Any, **options: Any
) -> Cost:
    """Four projections, scores and mixtures; E is the width of the layer."""
    count, length, keys = lengths_of(query, key, options["batch_first"])
    kinds = (query[-1], k_proj_weight[1], v_proj_weight[1], in_proj_bias is not None, bias_k is not None, options["add_zero_attn"])
    return costs.multihead_attention(length, keys, count, *kinds)


@st.composite
def mask_cases(draw: st.DrawFn, data: Data, count: int, heads: int, length: int, keys: int, flat: bool) -> tuple[Any, Any, bool]:
    """key_padding_mask, attn_mask and is_causal: none, either or both, of one kind; now and then everything is masked.

    None for an empty batch, of which a law speaks.
    """
    kind, shown = draw(st.sampled_from(["bool", "float"])), draw(st.sampled_from([0.5, 0.2, 0.8, 1.0, 0.0]))

    def mask(name: str, *shape: int) -> Any:
        hidden = data.rng(name).random(shape) < shown
        added = data.array(name + " added", *shape)
        return hidden if kind == "bool" else np.where(hidden, -np.inf, added.astype(float)).astype(added.dtype)

    if not count:
        return None, None, False
    padding = mask("key_padding_mask", *(() if flat else (count,)), keys) if draw(st.booleans()) else None
    form = draw(st.sampled_from(["none", "2d", "3d", "causal"]))
    if form == "causal":
        future = np.triu(np.ones((length, keys), bool), 1)
        return padding, future if kind == "bool" else np.where(future, -np.inf, 0.0).astype(data.array("").dtype), draw(st.booleans())
    shapes = {"2d": (length, keys), "3d": (count * heads, length, keys)}
    return padding, mask("attn_mask", *shapes[form]) if form in shapes else None, False


@st.composite
def multihead_attention_cases(draw: st.DrawFn, dtype: str) -> Case:
    """Self-attention (which a fused path serves) or three tensors; weights of another regime than wide, so that scores stay moderate."""
    regimes = tuple(regime for regime in FINITE_REGIMES if (dtype, regime) != ("float16", "cancelling"))  # whose gradients overflow
    data = draw(data_of(dtype, regimes))
    heads, depth = draw(st.sampled_from([2, 1, 3, 4])), draw(st.sampled_from([1, 2, 4, 3, 8]))
    width = heads * depth
    itself, batch_first, flat = draw(st.booleans()), draw(st.booleans()), draw(st.sampled_from([False, False, False, True]))
    count, length = draw(st.sampled_from([1, 2, 3, 0])), draw(side())
    keys = length if itself else draw(side())
    kdim, vdim = (width, width) if itself or draw(st.booleans()) else (draw(st.integers(1, 6)), draw(st.integers(1, 6)))

    def tensor(name: str, steps: int, size: int) -> np.ndarray:
        return data.array(name, *((steps, size) if flat else (count, steps, size) if batch_first else (steps, count, size)))

    count = 1 if flat else count
    regime = {"wide": "normal", "cancelling": "normal"}.get(data.regime, data.regime)
    biased, added = draw(st.booleans()), draw(st.sampled_from([False, False, True]))

    def parameter(name: str, *shape: int, present: bool = True) -> np.ndarray | None:
        array = data.array(name, *shape, regime=regime)
        array = np.sign(array) if regime == "integers" else array
        moderate = data.regime == "wide" and dtype != "float16" and name[:2] in ("q_", "k_")  # scores beyond 2²⁴ drown in rounding
        return (array * array.dtype.type(2.0**-16) if moderate else array) if present else None

    padding, attn_mask, is_causal = draw(mask_cases(data, count, heads, length, keys, flat))
    arrays = {
        "query": tensor("query", length, width),
        "key": None if itself else tensor("key", keys, kdim),
        "value": None if itself else tensor("value", keys, vdim),
        "key_padding_mask": padding,
        "attn_mask": attn_mask,
        "q_proj_weight": parameter("q_proj_weight", width, width),
        "k_proj_weight": parameter("k_proj_weight", width, kdim),
        "v_proj_weight": parameter("v_proj_weight", width, vdim),
        "in_proj_bias": parameter("in_proj_bias", 3 * width, present=biased),
        "out_proj_weight": parameter("out_proj_weight", width, width),
        "out_proj_bias": parameter("out_proj_bias", width, present=biased),
        "bias_k": parameter("bias_k", 1, 1, width, present=added),
        "bias_v": parameter("bias_v", 1, 1, width, present=added),
    }
    return data.case(
        arrays,
        num_heads=heads,
        add_zero_attn=draw(st.sampled_from([False, False, True])),
        batch_first=batch_first,
        need_weights=draw(st.booleans()),
        average_attn_weights=draw(st.booleans()),
        is_causal=is_causal,
        training=draw(st.booleans()),
    )


def mask_shape_of(case: Case) -> tuple[int, int, int]:
    query, key = case.arrays["query"], case.arrays["key"]
    assert query is not None
    return lengths_of(query.shape, None if key is None else key.shape, case.options["batch_first"])


def heads_do_not_divide(case: Case) -> Case:
    matrix = case.arrays["q_proj_weight"]
    assert matrix is not None
    return case.but(num_heads=len(matrix) + 1, attn_mask=None)


def attn_mask_too_wide(case: Case) -> Case:
    _, length, keys = mask_shape_of(case)
    return case.but(attn_mask=np.zeros((length, keys + 1), bool), is_causal=False)


def padding_mask_too_wide(case: Case) -> Case:
    query = case.arrays["query"]
    assert query is not None
    count, _, keys = mask_shape_of(case)
    return case.but(key_padding_mask=np.zeros((keys + 1,) if query.ndim == 2 else (count, keys + 1), bool))


def attn_mask_of_integers(case: Case) -> Case:
    _, length, keys = mask_shape_of(case)
    return case.but(attn_mask=np.zeros((length, keys), np.int64), is_causal=False)


def query_too_wide(case: Case) -> Case:
    query = case.arrays["query"]
    assert query is not None
    return case.but(query=np.concatenate([query, query[..., :1]], axis=-1))


def numbers_for_truth(mask: Any, dtype: Any) -> Any:
    return None if mask is None else np.where(mask, -np.inf, 0.0).astype(dtype)


def two_forms_of_masks(trial: Trial, case: Case) -> None:
    """True is −∞, False is 0."""
    attn_mask, padding, query = (case.arrays[name] for name in ("attn_mask", "key_padding_mask", "query"))
    given = [mask for mask in (attn_mask, padding) if mask is not None]
    if query is not None and given and all(mask.dtype == bool for mask in given):
        other = case.but(attn_mask=numbers_for_truth(attn_mask, query.dtype), key_padding_mask=numbers_for_truth(padding, query.dtype))
        agree(trial, case, other, "the same masks as truth values and as numbers give different results")


def empty_batch_is_masked(trial: Trial, case: Case) -> None:
    """A padding mask of no rows changes nothing of an empty batch."""
    query = case.arrays["query"]
    if query is not None and not query.size:
        other = case.but(key_padding_mask=np.zeros((0, mask_shape_of(case)[2]), bool))
        agree(trial, case, other, "a mask of no rows changes an empty batch")


def weights_are_a_by_product(trial: Trial, case: Case) -> None:
    """Asking for weights leaves the output as it is."""
    other = case.but(need_weights=not case.options["need_weights"])
    agree(trial, case, other, "the output depends on whether weights are asked for")


def self_attention_is_attention(trial: Trial, case: Case) -> None:
    """One tensor passed three times, or three equal tensors."""
    query = case.arrays["query"]
    if query is not None and case.arrays["key"] is None:
        agree(trial, case, case.but(key=query.copy(), value=query.copy()), "three equal tensors are not treated as one tensor three times")


MultiheadAttention = Operation(
    name="torch.nn.MultiheadAttention",
    call=call_multihead_attention,
    oracle=oracle.multihead_attention,
    gradient=oracle.multihead_attention_gradient,
    shape=multihead_attention_shape,
    cost=multihead_attention_cost,
    module=build_multihead_attention,
    cases=multihead_attention_cases,
    rejects={
        "num_heads must divide embed_dim": heads_do_not_divide,
        "attn_mask must have the shape (L, S) or (N·num_heads, L, S)": attn_mask_too_wide,
        "key_padding_mask must have the shape (N, S)": padding_mask_too_wide,
        "masks must hold truth values or floating-point numbers": attn_mask_of_integers,
        "the query must be embed_dim wide": query_too_wide,
        "is_causal is a hint about attn_mask, and needs one": lambda case: case.but(attn_mask=None, is_causal=True),
    },
    laws=(
        Law("truth values and numbers say the same masks", two_forms_of_masks),
        Law("an empty batch may be masked", empty_batch_is_masked),
        Law("weights are a by-product", weights_are_a_by_product),
        Law("self-attention is attention", self_attention_is_attention),
    ),
    dtypes=FLOATS,
)

OPERATIONS = (MultiheadAttention,)
