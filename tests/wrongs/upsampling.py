"""What is wrong on purpose in resampling."""

from __future__ import annotations

from typing import Any

import torch

from tests.miniatures import (
    Call,
    Miniature,
    in_bfloat16,
    lost_gradient,
    never_refuses,
    scaled_gradient,
    with_inputs,
    with_options,
    with_output,
    zero_for_nan,
)


def nearest_is_exact(call: Call) -> Call:
    """The cell in which the centre lies, whichever was asked for."""
    return lambda **arguments: call(**{**arguments, "mode": "nearest-exact"})


def recomputed(arguments: dict[str, Any]) -> dict[str, Any]:
    """The scale that the sizes have is used, whichever was asked for."""
    return {**arguments, "recompute_scale_factor": True if arguments["size"] is None else None}


def zeros_around(call: Call) -> Call:
    """Beyond its edges the image continues with zeros: the first and the last row are halved."""

    def wrong(**arguments: Any) -> Any:
        output = call(**arguments)
        scale = torch.ones(output.shape[-1], dtype=output.dtype)
        scale[:1] = 0.5
        return output * scale

    return wrong


def zero_for_odd(arguments: dict[str, Any]) -> dict[str, Any]:
    """NaN and infinities are read as 0."""
    return {**arguments, "x": torch.nan_to_num(arguments["x"], 0, 0, 0)}


def flushed(arguments: dict[str, Any]) -> dict[str, Any]:
    """Subnormal numbers are 0."""
    x = arguments["x"]
    return {**arguments, "x": torch.where(x.abs() < torch.finfo(x.dtype).tiny, 0, x)}


def of_floats(finished: Any) -> Any:
    """Bytes are resampled as float32, and `finished` makes bytes of the result."""

    def make(call: Call) -> Call:
        def wrong(**arguments: Any) -> Any:
            return finished(call(**{**arguments, "x": arguments["x"].float()})).to(torch.uint8)

        return wrong

    return make


def spreads(call: Call) -> Call:
    """Every weight is multiplied, also those of 0 far away: one infinity makes everything NaN."""
    return lambda **arguments: call(**arguments) + 0 * arguments["x"].sum()


def forgets_nan(output: torch.Tensor) -> torch.Tensor:
    """NaN and infinities of the output's gradient are read as 0."""
    if output.requires_grad:
        output.register_hook(lambda dy: torch.nan_to_num(dy, 0, 0, 0))
    return output


MINIATURES = [
    Miniature("nearest is exact", "forward", "interpolate_nearest", "float32", nearest_is_exact),
    Miniature("NaN is read as zero", "forward", "interpolate_nearest", "float32", with_inputs(zero_for_odd)),
    Miniature("the last output has no gradient", "gradient", "interpolate_nearest", "float32", lost_gradient),
    Miniature("the first column twice", "laws", "interpolate_nearest", "float32", with_output(lambda y: y.roll(1, -1))),
    Miniature("nothing is refused", "rejects", "interpolate_nearest", "float32", never_refuses),
    Miniature("align_corners is ignored", "forward", "interpolate_linear", "float32", with_options(align_corners=None)),
    Miniature("the scale is always recomputed", "forward", "interpolate_antialias", "float32", with_inputs(recomputed)),
    Miniature("zeros lie around the image", "forward", "interpolate_linear", "float32", zeros_around),
    Miniature("subnormals are zero", "forward", "interpolate_linear", "float32", with_inputs(flushed)),
    Miniature("computed in bfloat16", "forward", "interpolate_linear", "float32", in_bfloat16),
    Miniature("the gradient is one percent too large", "gradient", "interpolate_linear", "float32", scaled_gradient(1.01)),
    Miniature("one column too many", "shape", "interpolate_linear", "float32", with_output(lambda y: torch.cat([y, y[..., :1]], -1))),
    Miniature("bilinear after all", "forward", "interpolate_bicubic", "float32", with_options(mode="bilinear")),
    Miniature("align_corners is ignored", "gradient", "interpolate_bicubic", "float64", with_options(align_corners=None)),
    Miniature("NaN is read as zero", "forward", "interpolate_bicubic", "bfloat16", with_inputs(zero_for_odd)),
    Miniature("one infinity makes everything NaN", "forward", "interpolate_bicubic", "float16", spreads),
    Miniature("bilinear after all", "forward", "interpolate_area", "float32", with_options(mode="bilinear")),
    Miniature("the gradient is one percent too large", "gradient", "interpolate_area", "float32", scaled_gradient(1.01)),
    Miniature("bilinear after all", "forward", "interpolate_antialias", "float32", with_options(mode="bilinear")),
    Miniature("zeros lie around the image", "laws", "interpolate_antialias", "float64", zeros_around),
    Miniature("bicubic after all", "forward", "interpolate_lanczos", "float32", with_options(mode="bicubic")),
    Miniature("the scale is always recomputed", "forward", "interpolate_lanczos", "float64", with_inputs(recomputed)),
    Miniature("NaN is read as zero", "forward", "interpolate_lanczos", "float32", with_inputs(zero_for_odd)),
    Miniature("bicubic after all", "gradient", "interpolate_lanczos", "float32", with_options(mode="bicubic")),
    Miniature("the gradient is one percent too large", "gradient", "interpolate_lanczos", "float64", scaled_gradient(1.01)),
    Miniature("zeros lie around the image", "laws", "interpolate_lanczos", "float64", zeros_around),
    Miniature("nothing is refused", "rejects", "interpolate_lanczos", "float32", never_refuses),
    Miniature("NaN is read as zero", "laws", "interpolate_area", "float32", with_inputs(zero_for_nan)),
    Miniature("align_corners is ignored", "forward", "Upsample", "float32", with_options(align_corners=None)),
    Miniature("zeros lie around the image", "laws", "UpsamplingBilinear2d", "float32", zeros_around),
    Miniature("the image is shifted", "laws", "UpsamplingNearest2d", "float32", with_output(lambda y: y.roll(1, -1))),
    Miniature("one infinity makes everything NaN", "forward", "interpolate_linear", "float32", spreads),
    Miniature("NaN is read as zero", "forward", "interpolate_linear", "float32", with_inputs(zero_for_odd)),
    Miniature("the gradient of NaN is zero", "gradient", "interpolate_linear", "float32", with_output(forgets_nan)),
    Miniature("nearest is exact", "forward", "interpolate_nearest_bytes", "uint8", nearest_is_exact),
    Miniature("bytes are cut off", "forward", "interpolate_bilinear_bytes", "uint8", of_floats(torch.floor)),
    Miniature("bytes wrap around", "forward", "interpolate_bicubic_bytes", "uint8", of_floats(lambda y: y.round().long() % 256)),
    Miniature("align_corners is ignored", "forward", "interpolate_bicubic_bytes", "uint8", with_options(align_corners=None)),
    Miniature("bicubic after all", "forward", "interpolate_lanczos_bytes", "uint8", with_options(mode="bicubic")),
    Miniature("bytes wrap around", "forward", "interpolate_lanczos_bytes", "uint8", of_floats(lambda y: y.round().long() % 256)),
    Miniature("nothing is refused", "rejects", "interpolate_bilinear_bytes", "uint8", never_refuses),
    Miniature("the first column twice", "laws", "interpolate_bilinear_bytes", "uint8", with_output(lambda y: y.roll(1, -1))),
]
