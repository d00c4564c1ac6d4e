"""What is wrong on purpose in sampling at any positions."""

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
    scaled_gradient,
    with_inputs,
    with_options,
    with_output,
)


def rows_for_columns(arguments: dict[str, Any]) -> dict[str, Any]:
    """The first number of a position is taken for its row."""
    return {**arguments, "grid": arguments["grid"].flip(-1)}


def shifted(arguments: dict[str, Any]) -> dict[str, Any]:
    """Positions are those of the other convention about corners."""
    return {**arguments, "align_corners": not arguments["align_corners"]}


def half_of_the_grids(call: Call) -> Call:
    """Half of the gradient by the grid is lost."""
    return lambda **arguments: call(**{**arguments, "grid": arguments["grid"] * 0.5 + arguments["grid"].detach() * 0.5})


def tiny_is_zero(arguments: dict[str, Any]) -> dict[str, Any]:
    """Subnormal numbers are 0."""
    x = arguments["input"]
    return {**arguments, "input": x * (x.abs() >= 2.0**-126)}


def infinity_is_the_middle(arguments: dict[str, Any]) -> dict[str, Any]:
    """An infinite position is 0, the middle of the image."""
    grid = arguments["grid"]
    return {**arguments, "grid": torch.where(grid.isinf(), 0, grid)}


def zero_for_odd(arguments: dict[str, Any]) -> dict[str, Any]:
    """NaN and infinities of the image are read as 0."""
    return {**arguments, "input": torch.nan_to_num(arguments["input"], 0, 0, 0)}


MINIATURES = [
    Miniature("an infinite position is the middle", "layout", "grid_sample", "float32", with_inputs(infinity_is_the_middle)),
    Miniature("an infinite position is the middle", "gradient", "grid_sample", "float32", with_inputs(infinity_is_the_middle)),
    Miniature("NaN is read as zero", "forward", "grid_sample", "float32", with_inputs(zero_for_odd)),
    Miniature("zeros lie around the image", "forward", "grid_sample", "float32", with_options(padding_mode="zeros")),
    Miniature("corners are aligned if they should not be", "forward", "grid_sample", "float64", with_inputs(shifted)),
    Miniature("rows and columns are exchanged", "forward", "grid_sample", "float32", with_inputs(rows_for_columns)),
    Miniature("always bilinear", "forward", "grid_sample", "float32", with_options(mode="bilinear")),
    Miniature("subnormals are zero", "forward", "grid_sample", "float32", with_inputs(tiny_is_zero)),
    Miniature("computed in bfloat16", "forward", "grid_sample", "float32", in_bfloat16),
    Miniature("half of the gradient by the grid", "gradient", "grid_sample", "float64", half_of_the_grids),
    Miniature("the gradient is one percent too large", "gradient", "grid_sample", "float32", scaled_gradient(1.01)),
    Miniature("the edge continues", "laws", "grid_sample", "float32", with_options(padding_mode="border")),
    Miniature("nothing is refused", "rejects", "grid_sample", "float32", never_refuses),
    Miniature("strides are ignored", "layout", "grid_sample", "float32", reads_memory_in_order),
    Miniature("align_corners is ignored", "forward", "affine_grid", "float32", with_options(align_corners=False)),
    Miniature("one ten-thousandth too much", "forward", "affine_grid", "float64", with_output(lambda y: y * 1.0001)),
    Miniature("computed in bfloat16", "forward", "affine_grid", "float32", in_bfloat16),
    Miniature("the last output has no gradient", "gradient", "affine_grid", "float32", lost_gradient),
    Miniature("a translation is doubled", "laws", "affine_grid", "float32", with_output(lambda y: 2 * y)),
    Miniature("nothing is refused", "rejects", "affine_grid", "float32", never_refuses),
]
