"""What is wrong on purpose in conversions of colours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.miniatures import Call, Miniature, never_refuses, reads_memory_in_order, with_inputs, with_options, with_output


def code_without(part: str, instead: str = "") -> Callable[[Call], Call]:
    """Another code: a part of its name is taken for another one."""
    return with_inputs(lambda a: {**a, "code": a["code"].replace(part, instead)})


def half_alpha(y: np.ndarray) -> np.ndarray:
    """Four channels are half transparent."""
    y = np.array(y)
    if y.shape[2:] == (4,):
        y[..., 3] = y[..., 3] // 2
    return y


def without_a_bit(y: np.ndarray) -> np.ndarray:
    """The last bits of floats are lost."""
    return (y * np.float32(1 + 2.0**-10)).astype(y.dtype)


def one_off(y: np.ndarray) -> np.ndarray:
    """The last bit of an integer is turned over."""
    return y ^ y.dtype.type(1)


def coarse_where_accurate(call: Call) -> Call:
    """An approximation is taken where an accurate algorithm was asked for."""

    def wrong(**arguments: Any) -> Any:
        result = call(**arguments)
        return one_off(result) if arguments.get("hint") == "ACCURATE" else result

    return wrong


def nan_spreads(call: Call) -> Call:
    """One pixel that is no number spoils the row."""

    def wrong(**arguments: Any) -> Any:
        result = np.array(call(**arguments))
        result[np.isnan(arguments["image"]).reshape(len(result), -1).any(axis=1)] = 7
        return result

    return wrong


def hue_unturned(y: np.ndarray) -> np.ndarray:
    """Hues of red before 0 are cut off there."""
    y = np.array(y)
    y[..., 0] = np.where(y[..., 0] > y.dtype.type(150 if y.dtype == np.uint8 else 300), 0, y[..., 0])
    return y


def taken_for_linear(arguments: dict[str, Any]) -> dict[str, Any]:
    """No light is decoded."""
    return {**arguments, "code": "L" + arguments["code"].removeprefix("L")}


MINIATURES = [
    Miniature("approximate in spite of its hint", "forward", "cvtColor_BGR2YCrCb", "uint8", coarse_where_accurate),
    Miniature("red and blue stay where they are", "forward", "cvtColor_BGR2RGB", "uint8", with_output(lambda y: y[..., ::-1].copy())),
    Miniature("alpha is half", "forward", "cvtColor_BGR2RGB", "uint16", with_output(half_alpha)),
    Miniature("strides are ignored", "layout", "cvtColor_BGR2RGB", "uint8", reads_memory_in_order),
    Miniature("gray is one more", "forward", "cvtColor_GRAY2BGR", "uint8", with_output(one_off)),
    Miniature("nothing is refused", "rejects", "cvtColor_GRAY2BGR", "uint8", never_refuses),
    Miniature("gray of 12 bits", "forward", "cvtColor_BGR2GRAY", "uint16", with_output(one_off)),
    Miniature("U and V for Cr and Cb", "forward", "cvtColor_BGR2YCrCb", "uint8", code_without("YCrCb", "YUV")),
    Miniature("the last bit", "forward", "cvtColor_BGR2YCrCb", "uint16", with_output(one_off)),
    Miniature("Cr and Cb for U and V", "forward", "cvtColor_YCrCb2BGR", "float32", code_without("YUV", "YCrCb")),
    Miniature("the last bit", "forward", "cvtColor_YCrCb2BGR", "uint16", with_output(one_off)),
    Miniature("the order of channels is ignored", "forward", "cvtColor_BGR2XYZ", "uint8", code_without("RGB2", "BGR2")),
    Miniature("the order of channels is ignored, by a law", "laws", "cvtColor_BGR2XYZ", "uint8", code_without("RGB2", "BGR2")),
    Miniature("lost precision", "forward", "cvtColor_BGR2XYZ", "float32", with_output(without_a_bit)),
    Miniature("no number spoils its row", "forward", "cvtColor_XYZ2BGR", "float32", nan_spreads),
    Miniature("no alpha", "shape", "cvtColor_XYZ2BGR", "uint8", with_options(dstCn=3)),
    Miniature("180 for FULL", "forward", "cvtColor_BGR2HSV", "uint8", code_without("_FULL")),
    Miniature("a hue is never turned", "forward", "cvtColor_BGR2HSV", "float32", with_output(hue_unturned)),
    Miniature("a gray has a colour", "laws", "cvtColor_BGR2HSV", "uint8", with_output(one_off)),
    Miniature("lightness for value", "forward", "cvtColor_BGR2HLS", "float32", code_without("HLS", "HSV")),
    Miniature("a hue is never turned", "forward", "cvtColor_BGR2HLS", "uint8", with_output(hue_unturned)),
    Miniature("180 for FULL", "forward", "cvtColor_HSV2BGR", "uint8", code_without("_FULL")),
    Miniature("saturation for lightness", "forward", "cvtColor_HLS2BGR", "float32", code_without("HLS", "HSV")),
    Miniature("half as bright there and back", "laws", "cvtColor_HLS2BGR", "uint8", with_output(lambda y: y // 2)),
    Miniature("light is taken for linear", "forward", "cvtColor_BGR2Lab", "uint8", with_inputs(taken_for_linear)),
    Miniature("lost precision", "forward", "cvtColor_BGR2Lab", "float32", with_output(without_a_bit)),
    Miniature("Lab for Luv", "forward", "cvtColor_BGR2Luv", "float32", code_without("Luv", "Lab")),
    Miniature("darker grays are lighter", "laws", "cvtColor_BGR2Luv", "uint8", with_output(lambda y: 255 - y)),
    Miniature("Luv for Lab", "forward", "cvtColor_Lab2BGR", "uint8", code_without("Lab", "Luv")),
    Miniature("light is left linear", "forward", "cvtColor_Lab2BGR", "float32", code_without("2BGR", "2LBGR")),
    Miniature("lost precision", "forward", "cvtColor_Luv2BGR", "float32", with_output(without_a_bit)),
    Miniature("half as bright", "forward", "cvtColor_Luv2BGR", "uint8", with_output(lambda y: y // 2)),
]
