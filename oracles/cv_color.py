"""Colours: channels, gray, luma and chroma, tristimulus values."""

from __future__ import annotations

from functools import wraps
from typing import Any

import numpy as np

from oracles.bounded import Between, Bounded, Integers, contract
from oracles.cv_filtering import stored_as

RED, GREEN, BLUE = 0.299, 0.587, 0.114
TO_XYZ = np.array([[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]])
TO_RGB = np.array([[3.240479, -1.537150, -0.498535], [-0.969256, 1.875991, 0.041556], [0.055648, -0.204043, 1.057311]])
DIFFERENCES = {"YCrCb": (0.713, 0.564), "YUV": (0.877, 0.492)}  # of R − Y and B − Y
BACK = {"YCrCb": (1.403, 0.714, 0.344, 1.773), "YUV": (1.140, 0.581, 0.395, 2.032)}


def hinted(oracle: Any) -> Any:
    """The oracle of a conversion that may be given an AlgorithmHint, and each of its formulations.

    ALGO_HINT_DEFAULT and ALGO_HINT_ACCURATE, and no hint, change nothing that is documented; of ALGO_HINT_APPROX neither “behaviour” nor
    “result” is: a value may be any.
    """

    @wraps(oracle)
    def judged(image: Any, *, code: str, dstCn: int, hint: str | None = None) -> Any:
        exact = oracle(image, code=code, dstCn=dstCn)
        anything = np.zeros(exact.shape)
        return Between(anything, anything, np.ones(exact.shape, bool)) if hint == "APPROX" else exact

    judged.formulations = tuple(map(hinted, getattr(oracle, "formulations", ())))  # type: ignore[attr-defined]
    return judged


def white(image: Any) -> float:
    """The largest value of a channel: 255, 65535, or 1 for floats."""
    if isinstance(image, Bounded):
        return image.by.storage.huge if isinstance(image.by.storage, Integers) else 1.0
    return 1.0 if image.dtype.kind == "f" else float(np.iinfo(image.dtype).max)


def red_green_blue(image: Any, code: str) -> list[Any]:
    """The channels R, G, B of an image whose order the first half of a code names; an alpha is dropped."""
    order = code.partition("2")[0].removeprefix("L")
    return [image[..., order.index(name)] for name in "RGB"]


def painted(channels: list[Any], image: Any, code: str, dstCn: int) -> Any:
    """Channels R, G, B in the order that the second half of a code names, with an opaque alpha where four channels are asked for."""
    order = code.partition("2")[2].removeprefix("L").removesuffix("_FULL")
    ordered = [channels["RGB".index(name)] for name in order[:3]]
    opaque = [np.full_like(channels[0], white(image))] if len(order) == 4 or dstCn == 4 else []
    return np.stack([*ordered, *opaque], axis=-1)


def stored_before(x: Any) -> Any:
    """A quantity that is stored before it is used again: the integers that it may have become."""
    if not isinstance(x, Bounded) or not isinstance(x.by.storage, Integers):
        return x
    stored = x.saturated(x.by.storage)
    return Bounded((stored.low + stored.high) / 2, (stored.high - stored.low) / 2, x.by)


def swap_channels(image: Any, *, code: str, dstCn: int) -> Any:
    """The same colours with their channels in another order, an alpha added (opaque), kept or dropped.

    image (H, W, 3 or 4), or gray, which becomes R = G = B → (H, W, 3 or 4)
    Source: OpenCV, Color conversions, RGB ↔ BGR, with and without alpha.
    """
    if image.shape[2:] in ((), (1,)):
        return gray_to_bgr(image, code=code, dstCn=dstCn)
    source, target = code.split("2")
    channels = red_green_blue(image, code)
    if len(source) == len(target) == 4:
        return np.stack([*[channels["RGB".index(name)] for name in target[:3]], image[..., 3]], axis=-1)
    return painted(channels, image, code, dstCn)


def mixed(matrix: np.ndarray, channels: list[Any]) -> list[Any]:
    """matrix · channels, summed in any order."""
    mixture = contract("...c,kc->...k", np.stack(channels, axis=-1), matrix)
    return [mixture[..., k] for k in range(len(matrix))]


def luma(channels: list[Any]) -> Any:
    """0.299·R + 0.587·G + 0.114·B."""
    return mixed(np.array([[RED, GREEN, BLUE]]), channels)[0]


def bgr_to_gray(image: Any, *, code: str, dstCn: int) -> Any:
    """Y = 0.299·R + 0.587·G + 0.114·B, rounded to nearest where it is an integer

    image (H, W, 3 or 4), an alpha is dropped → (H, W)
    Source: OpenCV, Color conversions, RGB ↔ GRAY.
    """
    return stored_as(luma(red_green_blue(image, code)))


def gray_to_bgr(image: Any, *, code: str, dstCn: int) -> Any:
    """R = G = B = Y, alpha opaque

    image (H, W) or (H, W, 1) → (H, W, 3 or 4)
    Source: OpenCV, Color conversions, RGB ↔ GRAY.
    """
    gray = image.reshape(image.shape[:2])
    return painted([gray, gray, gray], image, code, dstCn)


def middle(image: Any) -> float:
    """What stands for no difference: 128, 32768 or, of floats, 0.5."""
    return (white(image) + (white(image) > 1)) / 2


def bgr_to_ycc(image: Any, *, code: str, dstCn: int) -> Any:
    """Y as gray; Cr = (R − Y)·0.713 + δ, Cb = (B − Y)·0.564 + δ, or U = (B − Y)·0.492 + δ, V = (R − Y)·0.877 + δ

    δ is 128, 32768 or, of floats, 0.5. Integers: Y is stored before the differences are taken.
    image (H, W, 3 or 4) → (H, W, 3), Y, Cr, Cb or Y, U, V
    Source: OpenCV, Color conversions, RGB ↔ YCrCb; ITU-R BT.470, U and V.
    """
    space = code.partition("2")[2]
    (r, g, b), (of_red, of_blue) = red_green_blue(image, code), DIFFERENCES[space]
    y = stored_before(luma([r, g, b]))
    red, blue = (r - y) * of_red + middle(image), (b - y) * of_blue + middle(image)
    return stored_as(np.stack([y, red, blue] if space == "YCrCb" else [y, blue, red], axis=-1))


def ycc_to_bgr(image: Any, *, code: str, dstCn: int) -> Any:
    """R = Y + 1.403·(Cr − δ), G = Y − 0.714·(Cr − δ) − 0.344·(Cb − δ), B = Y + 1.773·(Cb − δ)

    or R = Y + 1.140·(V − δ), G = Y − 0.581·(V − δ) − 0.395·(U − δ), B = Y + 2.032·(U − δ)
    image (H, W, 3) → (H, W, 3 or 4)
    Source: OpenCV, Color conversions, RGB ↔ YCrCb; ITU-R BT.470, U and V.
    """
    space = code.partition("2")[0]
    y, first, second = (image[..., i] for i in range(3))
    red, blue = (first - middle(image), second - middle(image))[:: 1 if space == "YCrCb" else -1]
    to_red, red_of_green, blue_of_green, to_blue = BACK[space]
    green = contract("...c,c->...", np.stack([red, blue], axis=-1), np.array([-red_of_green, -blue_of_green]), y)
    return stored_as(painted([y + to_red * red, green, y + to_blue * blue], image, code, dstCn))


def bgr_to_xyz(image: Any, *, code: str, dstCn: int) -> Any:
    """X, Y, Z = M · (R, G, B), clipped at white where they are integers

    image (H, W, 3 or 4) → (H, W, 3)
    Source: OpenCV, Color conversions, RGB ↔ CIE XYZ.Rec 709 with D65 white point.
    """
    return stored_as(np.stack(mixed(TO_XYZ, red_green_blue(image, code)), axis=-1))


def xyz_to_bgr(image: Any, *, code: str, dstCn: int) -> Any:
    """R, G, B = M⁻¹ · (X, Y, Z)

    image (H, W, 3) → (H, W, 3 or 4)
    Source: OpenCV, Color conversions, RGB ↔ CIE XYZ.Rec 709 with D65 white point.
    """
    return stored_as(painted(mixed(TO_RGB, [image[..., i] for i in range(3)]), image, code, dstCn))
