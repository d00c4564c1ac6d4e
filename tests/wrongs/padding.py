"""What is wrong on purpose in padding."""

from __future__ import annotations

from typing import Any

from tests.miniatures import (
    Call,
    Miniature,
    in_bfloat16,
    never_refuses,
    reads_memory_in_order,
    scaled_gradient,
    with_inputs,
    with_options,
    with_output,
    zero_for_nan,
)


def margins_without_gradient(call: Call) -> Call:
    """The cotangents of the margin are lost."""

    def wrong(**arguments: Any) -> Any:
        inner = call(**{**arguments, "mode": "Zero"})
        return call(**arguments).detach() + (inner - inner.detach())

    return wrong


def cut_off_nothing(arguments: dict[str, Any]) -> dict[str, Any]:
    """Negative margins are none."""
    padding = arguments["padding"]
    return {**arguments, "padding": max(padding, 0) if isinstance(padding, int) else tuple(max(p, 0) for p in padding)}


MINIATURES = [
    Miniature("the outermost cell is repeated", "forward", "ReflectionPad2d", "float32", with_options(mode="Replication")),
    Miniature("the value is ignored", "forward", "ConstantPad2d", "float64", with_options(value=0.0)),
    Miniature("negative margins are none", "shape", "ZeroPad2d", "float32", with_inputs(cut_off_nothing)),
    Miniature("NaN is read as zero", "forward", "ReplicationPad3d", "float32", with_inputs(zero_for_nan)),
    Miniature("float32 computed in bfloat16", "forward", "ReplicationPad1d", "float32", in_bfloat16),
    Miniature("margins have no gradient", "gradient", "CircularPad2d", "float32", margins_without_gradient),
    Miniature("margins have no gradient", "gradient", "ReflectionPad3d", "float64", margins_without_gradient),
    Miniature("the gradient is one percent too large", "gradient", "ConstantPad1d", "float32", scaled_gradient(1.01)),
    Miniature(
        "integers lose digits", "forward", "CircularPad2d_Integers", "int64", with_inputs(lambda a: {**a, "x": a["x"].double().long()})
    ),
    Miniature("nothing is refused", "rejects", "ReflectionPad1d", "float32", never_refuses),
    Miniature("strides are ignored", "layout", "ReflectionPad2d", "float32", reads_memory_in_order),
    Miniature("everything is shifted by one", "laws", "CircularPad2d", "float32", with_output(lambda y: y.roll(1, -1))),
]
