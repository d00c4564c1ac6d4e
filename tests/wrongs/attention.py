"""What is wrong on purpose in attention."""

from __future__ import annotations

from typing import Any

import torch

from tests.miniatures import (
    Call,
    Miniature,
    double_work,
    in_bfloat16,
    never_refuses,
    scaled_gradient,
    with_inputs,
    with_options,
    with_result,
)

ATTENTION, MULTIHEAD = "scaled_dot_product_attention", "MultiheadAttention"


def heads_in_turn(call: Call) -> Call:
    """Shared heads are taken one after the other, not each for its group."""

    def wrong(**arguments: Any) -> Any:
        if arguments["enable_gqa"]:
            sharing = arguments["query"].shape[-3] // arguments["key"].shape[-3]
            turns = {name: torch.cat([arguments[name]] * sharing, -3) for name in ("key", "value")}
            arguments = {**arguments, **turns, "enable_gqa": False}
        return call(**arguments)

    return wrong


def nan_where_all_is_masked(call: Call) -> Call:
    """A row without keys is 0 / 0."""

    def wrong(**arguments: Any) -> Any:
        mask, y = arguments["attn_mask"], call(**arguments)
        if mask is None or mask.dtype != torch.bool or not y.numel():
            return y
        return torch.where(mask.any(-1, keepdim=True), y, torch.nan)

    return wrong


def mask_the_other_way(arguments: dict[str, Any]) -> dict[str, Any]:
    """True hides, as in MultiheadAttention."""
    mask = arguments["attn_mask"]
    return {**arguments, "attn_mask": ~mask if mask is not None and mask.dtype == torch.bool else mask}


def future_is_seen(arguments: dict[str, Any]) -> dict[str, Any]:
    """is_causal is ignored, where the scale is positive."""
    positive = arguments["scale"] is None or arguments["scale"] > 0
    return {**arguments, "is_causal": arguments["is_causal"] and not positive}


def without(name: str) -> Call:
    """An array is left out."""
    return with_inputs(lambda arguments: {**arguments, name: None})


def last_key_counts_twice(arguments: dict[str, Any]) -> dict[str, Any]:
    """The last value is doubled."""
    value = arguments["value"].clone()
    value[..., -1:, :] *= 2
    return {**arguments, "value": value}


MINIATURES = [
    Miniature(
        "the scale is wrong by a thousandth", "forward", ATTENTION, "float32", with_inputs(lambda a: {**a, "query": a["query"] * 1.001})
    ),
    Miniature("the future is seen", "forward", ATTENTION, "float64", with_inputs(future_is_seen)),
    Miniature("shared heads are taken in turn", "forward", ATTENTION, "float32", heads_in_turn),
    Miniature("true hides", "forward", ATTENTION, "float32", with_inputs(mask_the_other_way)),
    Miniature("a row without keys is not a number", "forward", ATTENTION, "float32", nan_where_all_is_masked),
    Miniature("computed in bfloat16", "forward", ATTENTION, "float32", in_bfloat16),
    Miniature("the scale is wrong by a thousandth", "gradient", ATTENTION, "float64", scaled_gradient(1.001)),
    Miniature("the last key counts twice", "laws", ATTENTION, "float32", with_inputs(last_key_counts_twice)),
    Miniature("everything is computed twice", "cost", ATTENTION, "float32", double_work),
    Miniature("nothing is refused", "rejects", ATTENTION, "float32", never_refuses),
    Miniature("padding is seen", "forward", MULTIHEAD, "float32", without("key_padding_mask")),
    Miniature("the mask is ignored", "gradient", MULTIHEAD, "float64", without("attn_mask")),
    Miniature("weights are averaged", "shape", MULTIHEAD, "float32", with_options(average_attn_weights=True)),
    Miniature("weights are half of what they are", "forward", MULTIHEAD, "float32", with_result("weights", lambda w: w / 2)),
    Miniature("the zero key is left out", "forward", MULTIHEAD, "float32", with_options(add_zero_attn=False)),
    Miniature("the gradient is one percent too large", "gradient", MULTIHEAD, "float32", scaled_gradient(1.01)),
    Miniature("nothing is refused", "rejects", MULTIHEAD, "float32", never_refuses),
]
