"""What is wrong on purpose in rearrangements."""

from __future__ import annotations

from typing import Any

import torch

from tests.miniatures import (
    Call,
    Miniature,
    in_bfloat16,
    lost_gradient,
    never_refuses,
    reads_memory_in_order,
    with_inputs,
    with_options,
    with_output,
    zero_for_nan,
)


def columns_first(call: Call) -> Call:
    """The cells of a block are numbered down its columns."""
    return lambda **arguments: call(**{**arguments, "x": arguments["x"].transpose(-1, -2)}).transpose(-1, -2)


def dealt_back(call: Call) -> Call:
    """The channels are dealt in as many groups as each should have."""
    return lambda **arguments: call(**{**arguments, "groups": max(1, arguments["x"].shape[1] // max(1, arguments["groups"]))})


def clamped(output: Any) -> Any:
    """Infinities are the largest number."""
    return torch.nan_to_num(output, nan=float("nan"))


MINIATURES = [
    Miniature("blocks are numbered by columns", "forward", "PixelShuffle", "float32", columns_first),
    Miniature("blocks are numbered by columns", "laws", "PixelShuffle", "float32", columns_first),
    Miniature("blocks are numbered by columns", "forward", "PixelShuffle_Integers", "int64", columns_first),
    Miniature("NaN is read as zero", "forward", "PixelShuffle", "float64", with_inputs(zero_for_nan)),
    Miniature("computed in bfloat16", "forward", "PixelShuffle", "float32", in_bfloat16),
    Miniature("the factor is always 1", "shape", "PixelShuffle", "float32", with_options(upscale_factor=1)),
    Miniature("nothing is refused", "rejects", "PixelShuffle", "float32", never_refuses),
    Miniature("blocks are numbered by columns", "forward", "PixelUnshuffle", "float32", columns_first),
    Miniature("blocks are numbered by columns", "laws", "PixelUnshuffle", "float32", columns_first),
    Miniature("infinities are the largest number", "forward", "PixelUnshuffle", "float64", with_output(clamped)),
    Miniature("the last output has no gradient", "gradient", "PixelUnshuffle", "float32", lost_gradient),
    Miniature("as many groups as members", "forward", "ChannelShuffle", "float32", dealt_back),
    Miniature("as many groups as members", "gradient", "ChannelShuffle", "float64", dealt_back),
    Miniature("the channels are moved on by one", "laws", "ChannelShuffle", "float32", with_output(lambda y: y.roll(1, 1))),
    Miniature("strides are ignored", "layout", "ChannelShuffle", "float32", reads_memory_in_order),
]
