"""Colours by their hue: HSV and HLS."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from oracles.bounded import Bounded, OneOf, anything_where, kept, limited
from oracles.conventions import plain
from oracles.cv_color import painted, red_green_blue, white
from oracles.cv_filtering import stored_as


def circle(image: Any, code: str, full: int) -> float:
    """What a turn of the hue is: 360 degrees of floats; of bytes 180 or, where a code ends in FULL, as many as the range has."""
    return 360.0 if white(image) == 1 else float(full) if code.endswith("FULL") else 180.0


def largest(channels: Sequence[Any]) -> Any:
    """The largest of the channels."""
    return functools.reduce(np.maximum, channels)


def smallest(channels: Sequence[Any]) -> Any:
    """The smallest of the channels."""
    return functools.reduce(np.minimum, channels)


def documented(image: Any, highest: Sequence[float], result: Any) -> Any:
    """The result, with nothing known where a channel of the image is outside of 0 … its highest, as NaN is."""
    pixels = plain(image)[..., :3]
    return anything_where(~((pixels >= 0) & (pixels <= np.array(highest))).all(axis=-1, keepdims=True), result)


def hue(channels: Sequence[Any], scaled: Sequence[Any], turn: float, by_numerator: bool) -> Any:
    """60·(G − B)/d where V = R, else 120 + 60·(B − R)/d where V = G, else 240 + 60·(R − G)/d; 0 where R = G = B; + 360 if negative

    in units of turn / 360, d = V − min(R, G, B); by_numerator: 60·(B − R + 2d)/d for 120 + 60·(B − R)/d. Sectors are told by `channels`.
    """
    value, chroma = largest(channels), largest(scaled) - smallest(scaled)
    flat = kept(value - smallest(channels), "gray") == 0
    per = kept(turn / 6 / kept(np.where(plain(chroma) == 0, 1.0, chroma), "divisor"), "quotient")
    found: Any = 0.0
    for sector, first, second in ((4, 0, 1), (2, 2, 0), (0, 1, 2)):
        apart = np.where(channels[first] == channels[second], 0.0, scaled[first] - scaled[second])
        turned = (apart + sector * chroma) * per if by_numerator else apart * per + sector * (turn / 6)
        if sector == 0:
            turned = np.where(channels[first] < channels[second], turned + turn, turned)
        found = np.where(value == channels[sector // 2], turned, found)
    return limited(np.where(flat, 0.0, found), 0.0, turn)


def round_the_circle(turned: Any, rest: list[Any], turn: float) -> Any:
    """The pixel (hue, …), and where the hue is an integer also that of a turn less, which is the same hue."""
    pixels = stored_as(np.stack([turned, *rest], axis=-1))
    if not isinstance(turned, Bounded) or turn == 360:
        return pixels
    less = turned - turn
    allowed = np.stack([np.ones(pixels.shape, bool), np.broadcast_to((less.value + less.error >= -0.5)[..., None], pixels.shape)])
    return OneOf([pixels, stored_as(np.stack([less, *rest], axis=-1))], allowed)


def bgr_to_hsv_by(full: int, by_numerator: bool) -> Any:
    """The oracle with as many steps to a FULL circle, of one way to write the hue."""

    def bgr_to_hsv(image: Any, *, code: str, dstCn: int) -> Any:
        """V = max(R, G, B), S = (V − min(R, G, B)) / V, or 0 where V = 0, and the hue H

        floats: 0 ≤ H ≤ 360; bytes: 255·V, 255·S, H / 2 or, FULL, H·(255 or 256) / 360
        image (H, W, 3 or 4) → (H, W, 3)
        Source: OpenCV, Color conversions, RGB ↔ HSV; cv::COLOR_BGR2HSV_FULL, "H range 0..255 if 8 bit image".
        """
        channels, top, turn = red_green_blue(image, code), white(image), circle(image, code, full)
        value, least = largest(channels), smallest(channels)
        per = kept(top / kept(np.where(plain(value) == 0, 1.0, value), "divisor"), "quotient")
        saturation = limited(np.where(value == 0, 0.0, (value - least) * per), 0.0, top)
        pixels = round_the_circle(hue(channels, channels, turn, by_numerator), [saturation, value], turn)
        return pixels if top > 1 else documented(image, (1, 1, 1), pixels)

    return bgr_to_hsv


bgr_to_hsv = bgr_to_hsv_by(256, False)
bgr_to_hsv.formulations = tuple(bgr_to_hsv_by(full, way) for full, way in ((256, True), (255, False), (255, True)))


def bgr_to_hls_by(full: int, one_by_one: bool) -> Any:
    """The oracle with as many steps to a FULL circle; one_by_one: (2 − V) − min for 2 − (V + min)."""

    def bgr_to_hls(image: Any, *, code: str, dstCn: int) -> Any:
        """L = (V + min) / 2, S = (V − min) / (V + min) where L < 0.5, else (V − min) / (2 − (V + min)), and the hue H

        floats: 0 ≤ H ≤ 360; bytes: 255·L, 255·S, H / 2 or, FULL, H·(255 or 256) / 360
        image (H, W, 3 or 4) → (H, W, 3)
        Source: OpenCV, Color conversions, RGB ↔ HLS; cv::COLOR_BGR2HLS_FULL, "H range 0..255 if 8 bit image".
        """
        channels, top, turn = red_green_blue(image, code), white(image), circle(image, code, full)
        scaled = [channel / top if top > 1 else channel for channel in channels]
        value, least = largest(scaled), smallest(scaled)
        lightness = (value + least) / 2
        room = (2 - value) - least if one_by_one else 2 - (value + least)
        ratios = [(value - least) / np.where(plain(part) == 0, 1.0, part) for part in (value + least, room)]
        flat = kept(largest(channels) - smallest(channels), "gray") == 0
        saturation = limited(np.where(flat, 0.0, limited(np.where(lightness < 0.5, *ratios), 0.0, 1.0)), 0.0, 1.0)
        rest = [lightness * top, saturation * top] if top > 1 else [lightness, saturation]
        pixels = round_the_circle(hue(channels, scaled, turn, False), rest, turn)
        return pixels if top > 1 else documented(image, (1, 1, 1), pixels)

    return bgr_to_hls


bgr_to_hls = bgr_to_hls_by(256, False)
bgr_to_hls.formulations = tuple(bgr_to_hls_by(full, way) for full, way in ((256, True), (255, False), (255, True)))


def away(turned: Any, turn: float, sector: int) -> Any:
    """How far a primary colour is left, 0 … 1: min(k, 4 − k, 1) but at least 0, k = (sector + 6·hue/turn) mod 6."""
    turns = np.floor((plain(turned) * 6 / turn + sector) / 6)
    k = turned * (6 / turn) + np.where(np.isfinite(turns), sector - 6 * turns, 0.0)
    return np.clip(np.minimum(k, 4 - k), 0.0, 1.0)


def hsv_to_bgr_by(full: int) -> Any:
    """The oracle with as many steps to a FULL circle."""

    def hsv_to_bgr(image: Any, *, code: str, dstCn: int) -> Any:
        """V·(1 − S·max(0, min(k, 4 − k, 1))), k = (n + H/60) mod 6, n = 5 for R, 3 for G, 1 for B: the inverse of HSV

        image (H, W, 3) → (H, W, 3 or 4)
        Source: OpenCV, Color conversions, RGB ↔ HSV, solved for R, G and B.
        """
        top, turn = white(image), circle(image, code, full)
        saturation, value = (image[..., i] / top if top > 1 else image[..., i] for i in (1, 2))
        channels = [value * (1 - saturation * away(image[..., 0], turn, sector)) for sector in (5, 3, 1)]
        pixels = painted([channel * top if top > 1 else channel for channel in channels], image, code, dstCn)
        return stored_as(pixels if top > 1 else documented(image, (360, 1, 1), pixels))

    return hsv_to_bgr


hsv_to_bgr = hsv_to_bgr_by(256)
hsv_to_bgr.formulations = (hsv_to_bgr_by(255),)


def hls_to_bgr_by(full: int, one_by_one: bool) -> Any:
    """The oracle with as many steps to a FULL circle; one_by_one: q = L + S − L·S where L > 0.5, and what is between added up."""

    def hls_to_bgr(image: Any, *, code: str, dstCn: int) -> Any:
        """p + (q − p)·(1 − max(0, min(k, 4 − k, 1))), k as of HSV, q = L + S·min(L, 1 − L), p = 2·L − q: the inverse of HLS

        image (H, W, 3) → (H, W, 3 or 4)
        Source: OpenCV, Color conversions, RGB ↔ HLS, solved for R, G and B.
        """
        top, turn = white(image), circle(image, code, full)
        lightness, saturation = (image[..., i] / top if top > 1 else image[..., i] for i in (1, 2))
        dark = lightness <= 0.5
        if one_by_one:
            high = np.where(dark, lightness * (1 + saturation), lightness + saturation - lightness * saturation)
            low = 2 * lightness - high
        else:
            reach = np.where(dark, lightness * saturation, saturation - lightness * saturation)
            low, high = lightness - reach, lightness + reach
        channels = [low + (high - low) * (1 - away(image[..., 0], turn, sector)) for sector in (5, 3, 1)]
        pixels = painted([channel * top if top > 1 else channel for channel in channels], image, code, dstCn)
        return stored_as(pixels if top > 1 else documented(image, (360, 1, 1), pixels))

    return hls_to_bgr


hls_to_bgr = hls_to_bgr_by(256, True)
hls_to_bgr.formulations = tuple(hls_to_bgr_by(full, way) for full, way in ((256, False), (255, True), (255, False)))
