"""Windows: what is to be seen on the screen, and what keys give."""

from __future__ import annotations

from typing import Any

import numpy as np

from oracles.bounded import Between, Exactly

KEYS = {  # X11's name of a key: the character of it alone, and with shift, on a US keyboard
    **{letter: (letter, letter.upper()) for letter in "abcdefghijklmnopqrstuvwxyz"},
    **dict(zip("1234567890", zip("1234567890", "!@#$%^&*()", strict=True), strict=True)),
    "minus": ("-", "_"),
    "equal": ("=", "+"),
    "comma": (",", "<"),
    "period": (".", ">"),
    "slash": ("/", "?"),
    "semicolon": (";", ":"),
    "bracketleft": ("[", "{"),
    "backslash": ("\\", "|"),
    "space": (" ", " "),
    "Return": ("\r", "\r"),
    "Escape": ("\x1b", "\x1b"),
    "Tab": ("\t", ""),
    "BackSpace": ("\b", "\b"),
}
NO_KEY = -1


def displayed(image: np.ndarray) -> Between:
    """The pixels on the screen: 8 bits as they are, 16 bits divided by 256, floating numbers times 255; rounded in either direction.

    Where they are no whole numbers, those beside them are accepted; a fourth channel is ignored, one is shown as gray.

    image (H, W), (H, W, 1), (H, W, 3) as B, G, R or (H, W, 4) → (H, W, 3)
    Source: cv::imshow.
    """
    pixels = image.reshape(*image.shape[:2], -1)
    pixels = pixels[..., :3] if pixels.shape[2] >= 3 else np.repeat(pixels, 3, axis=2)
    factor = 1 / 256 if image.dtype == np.uint16 else 255.0 if image.dtype.kind == "f" else 1.0
    levels = pixels.astype(float) * factor
    low, high = (np.clip(rounded(levels), 0, 255) for rounded in (np.floor, np.ceil))
    return Between(low, high, np.zeros(low.shape, bool))


def shown(image: np.ndarray, *, flags: int | None, again: bool) -> dict[str, Any]:
    """A window of WINDOW_AUTOSIZE, which is what one gets without naming it, is as large as the image, and shows it.

    image (H, W) or (H, W, channels) → the pixels (H, W, 3) where the window's image is said to lie
    Source: cv::imshow.
    """
    return {"output": displayed(image), "size": Exactly(np.array(image.shape[1::-1]))}


def opened(*, flags: int, twice: bool) -> dict[str, Any]:
    """A window with that name as its title is there, once, however often it is named; it has its image's size or the user's.

    Source: cv::namedWindow, cv::getWindowProperty.
    """
    return {"windows": Exactly(1), "visible": Exactly(True), "autosize": Exactly(bool(flags & 1))}


def remaining(image: np.ndarray, *, windows: int, destroyed: tuple[int, ...] | None) -> dict[str, Any]:
    """Windows that are destroyed are gone, with what they showed; the others stay as they were.

    image (H, W) → (windows, H, W, 3): where the windows are or were, black where they are gone
    Source: cv::destroyWindow, cv::destroyAllWindows.
    """
    there = np.array([destroyed is not None and i not in destroyed for i in range(windows)])
    each = np.stack([np.repeat(np.roll(image, i, axis=0)[..., None], 3, axis=2) for i in range(windows)])
    return {"output": Exactly(np.where(there[:, None, None, None], each, 0).astype(np.uint8)), "visible": Exactly(there)}


def pressed(*, key: str | None, shift: bool, delay: int) -> dict[str, Any]:
    """The code of the key that is pressed, of a printable one its character's; −1 where none is, after at least the delay.

    Toolkits' timers may end 5 % early (Qt::CoarseTimer), which is not held against them.
    Source: cv::waitKey, cv::waitKeyEx, cv::pollKey.
    """
    return {"code": Exactly(NO_KEY if key is None else ord(KEYS[key][shift])), "waited": Exactly(True)}
