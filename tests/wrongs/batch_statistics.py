"""What is wrong on purpose in statistics that are taken anew."""

from __future__ import annotations

from typing import Any

from tests.miniatures import Call, Miniature, reads_memory_in_order, with_inputs, with_result


def biased(call: Call) -> Call:
    """The variance is that of the values themselves, not an estimate."""

    def wrong(**arguments: Any) -> Any:
        results, x = call(**arguments), arguments["x"]
        n = x.shape[1] * x.shape[3]
        return {**results, "running_var": results["running_var"] * (n - 1) / n}

    return wrong


MINIATURES = [
    Miniature("the variance is biased", "forward", "update_bn", "float32", biased),
    Miniature("the first batch is left out", "forward", "update_bn", "float64", with_inputs(lambda a: {**a, "x": a["x"].roll(1, 0)})),
    Miniature("the mode is not restored", "forward", "update_bn", "float32", with_result("kept", lambda kept: ~kept)),
    Miniature("momentum counts", "laws", "update_bn", "float32", with_inputs(lambda a: {**a, "x": a["x"] * (1 + (a["momentum"] or 0))})),
    Miniature("strides are ignored", "layout", "update_bn", "float32", reads_memory_in_order),
]
