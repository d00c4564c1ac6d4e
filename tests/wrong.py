"""The mistakes that the properties must see, family by family."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import torch

from tests.miniatures import (
    Call,
    Miniature,
    in_bfloat16,
    lost_gradient,
    never_refuses,
    never_the_same,
    reads_memory_in_order,
    scaled_gradient,
    with_inputs,
    with_options,
    with_output,
    with_result,
    writes_its_input,
)


def one_tap_lost(arguments: dict[str, Any]) -> dict[str, Any]:
    """The last weight of every filter is not used."""
    weight = arguments["weight"].clone()
    weight.reshape(len(weight), -1)[:, -1] = 0
    return {**arguments, "weight": weight}


def double_work(call: Call) -> Call:
    """Everything is computed twice."""
    return lambda **arguments: (call(**arguments), call(**arguments))[1]


def zero_for_nan(arguments: dict[str, Any]) -> dict[str, Any]:
    """NaN is read as 0."""
    return {**arguments, "x": torch.nan_to_num(arguments["x"], nan=0.0, posinf=None, neginf=None)}


def fresh_state(call: Call) -> Call:
    """What was saved is not loaded: momentum begins anew."""

    def wrong(**arguments: Any) -> Any:
        results, at = call(**arguments), arguments["resume_at"]
        if at is None or at == 0:
            return results
        return {name: torch.cat([path[:at], path[:1] + 0 * path[at:]]) for name, path in results.items()}

    return wrong


def step_of_integers(image: np.ndarray) -> np.ndarray:
    """One more wherever there is room."""
    return np.where(image < np.iinfo(image.dtype).max, image + 1, image).astype(image.dtype)


def clumsy_dropout(call: Call) -> Call:
    """A tenth too few are kept."""
    return lambda **arguments: call(**{**arguments, "p": min(1.0, arguments["p"] + 0.1)})


def in_pairs(call: Call) -> Call:
    """Neighbours are kept or dropped together."""

    def wrong(**arguments: Any) -> Any:
        x = arguments["x"].reshape(-1)
        half = call(**{**arguments, "x": torch.ones_like(x[::2])})
        return (half.repeat_interleave(2)[: len(x)] * x).reshape(arguments["x"].shape)

    return wrong


def nearly_png(results: Any) -> Any:
    """The last byte of the pixels' stream is not what it was."""
    file = np.array(results["file"])
    file[-20] ^= 1
    return {**results, "file": file}


CONVOLUTION = [
    Miniature("float32 computed in bfloat16", "forward", "Conv2d", "float32", in_bfloat16),
    Miniature("the last tap of a filter is lost", "forward", "Conv2d", "float32", with_inputs(one_tap_lost)),
    Miniature("the border is replicated", "forward", "Conv2d", "float64", with_options(padding_mode="replicate")),
    Miniature("one ulp too much", "forward", "Conv2d", "float32", with_output(lambda y: torch.nextafter(y, y + 1))),
    Miniature("dilation is ignored", "shape", "Conv2d", "float32", with_options(dilation=1)),
    Miniature("the gradient is one percent too large", "gradient", "Conv2d", "float32", scaled_gradient(1.01)),
    Miniature("the last output has no gradient", "gradient", "Conv2d", "float64", lost_gradient),
    Miniature("everything is computed twice", "cost", "Conv2d", "float32", double_work),
    Miniature("nothing is refused", "rejects", "Conv2d", "float32", never_refuses),
    Miniature("it is not linear", "laws", "Conv2d", "float32", with_output(lambda y: y + y.abs())),
    Miniature("strides are ignored", "layout", "Conv2d", "float32", reads_memory_in_order),
    Miniature("the input is overwritten", "purity", "Conv2d", "float32", writes_its_input),
    Miniature("one element changes from call to call", "determinism", "Conv2d", "float32", never_the_same),
]
POOLING = [
    Miniature("padding counts as zero", "forward", "MaxPool2d", "float32", with_output(lambda y: y.clamp(min=0))),
    Miniature("NaN is passed over", "forward", "MaxPool2d", "float32", with_inputs(zero_for_nan)),
    Miniature("the index is the next one", "forward", "MaxPool2d", "float64", with_result("indices", lambda i: i + 1)),
    Miniature("ceil_mode is ignored", "shape", "MaxPool2d", "float32", with_options(ceil_mode=False)),
    Miniature("the gradient is one percent too large", "gradient", "MaxPool2d", "float32", scaled_gradient(1.01)),
    Miniature("nothing is refused", "rejects", "MaxPool2d", "float32", never_refuses),
    Miniature(
        "every second output is one more",
        "laws",
        "MaxPool2d",
        "float32",
        with_output(lambda y: y + torch.arange(y.numel()).reshape(y.shape) % 2),
    ),
]
NORMALIZATION = [
    Miniature(
        "eps is ten times what it is", "forward", "BatchNorm2d", "float32", lambda call: lambda **a: call(**{**a, "eps": 10 * a["eps"]})
    ),
    Miniature("momentum is ignored", "forward", "BatchNorm2d", "float64", with_options(momentum=0.3)),
    Miniature("the running variance is not unbiased", "forward", "BatchNorm2d", "float32", with_result("running_var", lambda v: v * 0.9)),
    Miniature("it is always evaluated", "forward", "BatchNorm2d", "float32", with_options(training=False)),
    Miniature("the gradient is one percent too large", "gradient", "BatchNorm2d", "float64", scaled_gradient(1.01)),
    Miniature("the mean is not removed", "laws", "BatchNorm2d", "float32", with_output(lambda y: y + 0.01)),
]
ACTIVATION = [
    Miniature("float32 computed in bfloat16", "forward", "GELU", "float32", in_bfloat16),
    Miniature("the wrong form", "forward", "GELU", "float32", with_options(approximate="tanh")),
    Miniature("NaN is read as zero", "forward", "GELU", "float32", with_inputs(zero_for_nan)),
    Miniature("one ten-thousandth too much", "forward", "GELU", "float32", with_output(lambda y: y * 1.0001)),
    Miniature("the gradient of the other form", "gradient", "GELU", "float32", with_options(approximate="tanh")),
    Miniature("the input is overwritten", "purity", "GELU", "float32", writes_its_input),
    Miniature("a law of its own", "laws", "GELU", "float32", with_output(lambda y: y + 0.001)),
]
CHANCE = [
    Miniature("what is kept is not scaled", "forward", "Dropout", "float32", with_inputs(lambda a: {**a, "x": a["x"] * (1 - a["p"])})),
    Miniature("a tenth too few are kept", "distribution", "Dropout", "float32", clumsy_dropout),
    Miniature("neighbours are dropped together", "distribution", "Dropout", "float32", in_pairs),
    Miniature("evaluation drops too", "laws", "Dropout", "float32", with_options(training=True)),
    Miniature("the gradient is not scaled", "gradient", "Dropout", "float64", scaled_gradient(0.9)),
    Miniature("one element changes from call to call", "determinism", "Dropout", "float32", never_the_same),
]
LOSS = [
    Miniature("smoothing is ignored", "forward", "CrossEntropyLoss", "float32", with_options(label_smoothing=0.0)),
    Miniature("weights are ignored", "forward", "CrossEntropyLoss", "float64", with_options(weight=None)),
    Miniature(
        "the mean is a sum",
        "forward",
        "CrossEntropyLoss",
        "float32",
        lambda call: lambda **a: call(**{**a, "reduction": "sum" if a["reduction"] == "mean" else a["reduction"]}),
    ),
    Miniature("one ten-thousandth too much", "forward", "CrossEntropyLoss", "float32", with_output(lambda y: y * 1.0001)),
    Miniature("ignore_index is not ignored", "gradient", "CrossEntropyLoss", "float32", scaled_gradient(1.01)),
    Miniature("a batch has an axis too many", "shape", "CrossEntropyLoss", "float32", with_output(lambda y: y[None])),
]
OPTIMIZER = [
    Miniature("dampening is ignored", "forward", "SGD", "float32", with_options(dampening=0.0)),
    Miniature("nesterov is ignored", "forward", "SGD", "float64", with_options(nesterov=False)),
    Miniature("weight decay is ignored", "forward", "SGD", "float32", with_options(weight_decay=0.0)),
    Miniature("the second group has the first one's rate", "forward", "SGD", "float32", with_options(second_lr=None)),
    Miniature("what was saved is not loaded", "state", "SGD", "float32", fresh_state),
    Miniature("minimize is all it knows", "laws", "SGD", "float32", with_options(maximize=False)),
]
SCHEDULER = [
    Miniature("cycles do not shrink", "forward", "CyclicLR", "float64", with_options(mode="triangular")),
    Miniature("down is as long as up", "forward", "CyclicLR", "float64", with_options(step_size_down=None)),
    Miniature("a step behind", "laws", "CyclicLR", "float64", with_result("lr", lambda lr: lr.roll(1, 0) + 1e-3)),
    Miniature("what was saved is not loaded", "state", "CyclicLR", "float64", fresh_state),
]
STACK = [
    Miniature(
        "the image is shifted by one", "receptive_field", "Sequential", "float32", with_inputs(lambda a: {**a, "x": a["x"].roll(1, -1)})
    ),
    Miniature("the last output has no gradient", "receptive_field", "Sequential", "float32", lost_gradient),
    Miniature("everything is computed twice", "cost", "Sequential", "float32", double_work),
    Miniature("the last layer is left out", "shape", "Sequential", "float32", with_inputs(lambda a: {**a, "layers": a["layers"][:-1]})),
]
IMAGES = [
    Miniature("the border is constant", "forward", "blur", "uint16", with_options(borderType=0)),
    Miniature("one more everywhere", "forward", "blur", "uint8", with_output(step_of_integers)),
    Miniature("the box begins at the pixel", "forward", "blur", "float32", with_options(anchor=(0, 0))),
    Miniature("one more everywhere, by a law", "laws", "blur", "uint8", with_output(step_of_integers)),
    Miniature(
        "red and blue are exchanged",
        "forward",
        "cvtColor_BGR2GRAY",
        "uint8",
        with_inputs(lambda a: {"image": np.ascontiguousarray(a["image"][..., 2::-1])}),
    ),
    Miniature("a row too many", "shape", "cvtColor_BGR2GRAY", "uint8", with_output(lambda y: np.concatenate([y, y[:1]]))),
    Miniature("the anchor is in the middle", "forward", "erode", "uint8", with_options(anchor=(-1, -1))),
    Miniature("once is enough", "forward", "erode", "float32", with_options(iterations=1)),
    Miniature("dilated", "laws", "erode", "uint8", lambda call: lambda **a: cv2.dilate(a["image"], None)),
    Miniature("strides are ignored", "layout", "erode", "uint8", reads_memory_in_order),
    Miniature("nothing is refused", "rejects", "erode", "uint8", never_refuses),
    Miniature("the stream is damaged", "forward", "imwrite_PNG", "uint8", lambda call: lambda **a: nearly_png(call(**a))),
    Miniature("level 0 is taken for 9", "forward", "imwrite_PNG", "uint16", with_options(compression=9)),
    Miniature("always in colour", "forward", "imread_PNG", "uint8", with_options(flags=1)),
    Miniature("one more everywhere", "forward", "imread_PNG", "uint16", with_output(step_of_integers)),
]

MINIATURES = [*CONVOLUTION, *POOLING, *NORMALIZATION, *ACTIVATION, *CHANCE, *LOSS, *OPTIMIZER, *SCHEDULER, *STACK, *IMAGES]
