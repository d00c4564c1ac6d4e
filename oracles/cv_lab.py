"""Colours as they are seen: CIE 1976 L*a*b* and L*u*v*."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from oracles.bounded import anything_where, kept, limited
from oracles.conventions import plain
from oracles.cv_color import TO_RGB, TO_XYZ, mixed, painted, red_green_blue, white
from oracles.cv_filtering import stored_as
from oracles.cv_hue import documented

WHITE = (0.950456, 1.0, 1.088754)
SUM = WHITE[0] + 15 * WHITE[1] + 3 * WHITE[2]
U_WHITE, V_WHITE = 4 * WHITE[0] / SUM, 9 * WHITE[1] / SUM
TO_WHITE = TO_XYZ / np.array(WHITE)[:, None]
FROM_WHITE = TO_RGB * np.array(WHITE)
KINK, SLOPE, BIAS, DARK = 0.008856, 7.787, 16 / 116, 903.3


def light(image: Any, code: str) -> list[Any]:
    """Linear R, G, B of 0 … 1: as they are where the code says so (LBGR, LRGB), else sRGB decoded.

    c / 12.92 where c ≤ 0.04045, else ((c + 0.055) / 1.055)^2.4
    Source: IEC 61966-2-1.
    """
    channels = [channel / white(image) if white(image) > 1 else channel for channel in red_green_blue(image, code)]
    if code.startswith("L"):
        return [kept(channel, "light") for channel in channels]
    decoded = [np.where(c <= 0.04045, c / 12.92, np.power((np.maximum(c, 0.0) + 0.055) / 1.055, 2.4)) for c in channels]
    return [kept(c, "light") for c in decoded]


def shown(channels: Sequence[Any], code: str) -> list[Any]:
    """Linear R, G, B clipped to 0 … 1 and, unless the code says otherwise, encoded as sRGB.

    12.92·c where c ≤ 0.0031308, else 1.055·c^(1/2.4) − 0.055
    Source: IEC 61966-2-1.
    """
    clipped = [np.clip(kept(limited(c, 0.0, 1.0), "linear"), 0.0, 1.0) for c in channels]
    if code.partition("2")[2].startswith("L"):
        return clipped
    encoded = [np.where(c <= 0.0031308, 12.92 * c, 1.055 * np.power(np.maximum(c, 0.003), 1 / 2.4) - 0.055) for c in clipped]
    return [kept(c, "shown") for c in encoded]


def root(t: Any) -> Any:
    """f(t) = t^(1/3) where t > 0.008856, else 7.787·t + 16/116."""
    return kept(np.where(t > KINK, np.power(np.maximum(t, 0.008), 1 / 3), SLOPE * t + BIAS), "root")


def bgr_to_lab(image: Any, *, code: str, dstCn: int) -> Any:
    """L = 116·Y^(1/3) − 16 where Y > 0.008856, else 903.3·Y; a = 500·(f(X) − f(Y)), b = 200·(f(Y) − f(Z))

    X, Y, Z those of linear light, divided by those of white (0.950456, 1, 1.088754); bytes: 255·L/100, a + 128, b + 128
    image (H, W, 3 or 4) → (H, W, 3)
    Source: OpenCV, Color conversions, RGB ↔ CIE L*a*b*; cv::COLOR_LBGR2Lab; IEC 61966-2-1.
    """
    x, y, z = (kept(part, "tristimulus") for part in mixed(TO_WHITE, light(image, code)))
    fx, fy, fz = root(x), root(y), root(z)
    a, b = 500 * (fx - fy), 200 * (fy - fz)
    if white(image) > 1:
        return stored_as(np.stack([116 * 255 / 100 * fy - 16 * 255 / 100, a + 128, b + 128], axis=-1))
    lightness = np.where(y > KINK, 116 * fy - 16, DARK * y)
    return documented(image, (1, 1, 1), np.stack([lightness, a, b], axis=-1))


def lab_to_bgr(image: Any, *, code: str, dstCn: int) -> Any:
    """The inverse of L*a*b*: Y from L, f(X) = f(Y) + a/500, f(Z) = f(Y) − b/200, and f⁻¹; then R, G, B as of XYZ, clipped to 0 … 1

    image (H, W, 3) → (H, W, 3 or 4)
    Source: OpenCV, Color conversions, RGB ↔ CIE L*a*b*, solved for R, G and B; IEC 61966-2-1.
    """
    top = white(image)
    lightness, a, b = (image[..., i] for i in range(3))
    if top > 1:
        lightness, a, b = lightness * (100 / 255), a - 128, b - 128
    lit = (lightness + 16) / 116
    dark = lightness <= 8
    y = kept(np.where(dark, lightness / DARK, lit * lit * lit), "luminance")
    fy = kept(np.where(dark, SLOPE * (lightness / DARK) + BIAS, lit), "root")
    parts = [fy + kept(a / 500, "a"), fy - kept(b / 200, "b")]
    x, z = (kept(np.where(f <= 6 / 29, (f - BIAS) / SLOPE, f * f * f), "tristimulus") for f in parts)
    channels = shown(mixed(FROM_WHITE, [x, y, z]), code)
    pixels = painted([c * top if top > 1 else c for c in channels], image, code, dstCn)
    odd = ~np.isfinite(plain(image)).all(axis=-1) | (plain(image)[..., 0] < 0) | (plain(image)[..., 0] > 100)
    return stored_as(pixels if top > 1 else anything_where(odd[..., None], pixels))


def bgr_to_luv_by(one_formula: bool) -> Any:
    """The oracle; one_formula: L = 116·f(Y) − 16 for dark colours too."""

    def bgr_to_luv(image: Any, *, code: str, dstCn: int) -> Any:
        """L as of L*a*b*; u = 13·L·(u′ − u′ₙ), v = 13·L·(v′ − v′ₙ), u′ = 4X / (X + 15Y + 3Z), v′ = 9Y / (X + 15Y + 3Z)

        u′ₙ, v′ₙ those of white (the documented 0.19793943 and 0.46831096 belong to another white: a gray would have a colour)
        bytes: 255·L/100, 255·(u + 134)/354, 255·(v + 140)/262
        image (H, W, 3 or 4) → (H, W, 3)
        Source: OpenCV, Color conversions, RGB ↔ CIE L*u*v*; cv::COLOR_LBGR2Luv; IEC 61966-2-1.
        """
        x, y, z = mixed(TO_XYZ, light(image, code))
        lightness = 116 * root(y) - 16 if one_formula else np.where(y > KINK, 116 * root(y) - 16, DARK * y)
        total = x + 15 * y + 3 * z
        none = kept(total, "divisor") == 0
        u, v = (np.where(none, 0.0, limited(part / np.where(plain(total) == 0, 1.0, total), 0.0, 1.0)) for part in (4 * x, 9 * y))
        u, v = 13 * lightness * (u - U_WHITE), 13 * lightness * (v - V_WHITE)
        if white(image) > 1:
            scaled = [lightness * (255 / 100), u * (255 / 354) + 134 * 255 / 354, v * (255 / 262) + 140 * 255 / 262]
            return stored_as(np.stack(scaled, axis=-1))
        return documented(image, (1, 1, 1), np.stack([lightness, u, v], axis=-1))

    return bgr_to_luv


bgr_to_luv = bgr_to_luv_by(False)
bgr_to_luv.formulations = (bgr_to_luv_by(True),)


def luv_to_bgr_by(dark: float) -> Any:
    """The oracle with the documented decimals of 903.3, or with (29/3)³."""

    def luv_to_bgr(image: Any, *, code: str, dstCn: int) -> Any:
        """The inverse of L*u*v*: X = Y·9u′ / 4v′, Z = Y·(12 − 3u′ − 20v′) / 4v′; then R, G, B as of XYZ, clipped to 0 … 1

        written with p = 3·(u + 13·L·u′ₙ) and q = (1/4) / (v + 13·L·v′ₙ): X = 3·Y·p·q, Z = Y·((156·L − p)·q − 5)
        image (H, W, 3) → (H, W, 3 or 4)
        Source: OpenCV, Color conversions, RGB ↔ CIE L*u*v*, solved for R, G and B; IEC 61966-2-1.
        """
        top = white(image)
        lightness, u, v = (image[..., i] for i in range(3))
        if top > 1:
            lightness, u, v = lightness * (100 / 255), u * (354 / 255) - 134, v * (262 / 255) - 140
        lit = (lightness + 16) / 116
        y = kept(np.where(lightness < 8, lightness / dark, lit * lit * lit), "luminance")
        p = kept(9 * (u + lightness * (13 * U_WHITE)), "nine u") / 3
        thirteen_v = v + lightness * (13 * V_WHITE)
        q = kept(0.25 / np.where(plain(thirteen_v) == 0, 1.0, thirteen_v), "quarter of v")
        x, z = 3 * y * p * q, y * ((156 * lightness - p) * q - 5)
        black = plain(lightness) == 0
        x, z = (kept(np.where(black, 0.0, limited(part, -100.0, 100.0)), "tristimulus") for part in (x, z))
        channels = shown(mixed(TO_RGB, [x, y, z]), code)
        pixels = painted([c * top if top > 1 else c for c in channels], image, code, dstCn)
        odd = ~np.isfinite(plain(image)).all(axis=-1) | (plain(image)[..., 0] < 0) | (plain(image)[..., 0] > 100)
        return stored_as(pixels if top > 1 else anything_where(odd[..., None], pixels))

    return luv_to_bgr


luv_to_bgr = luv_to_bgr_by(DARK)
luv_to_bgr.formulations = (luv_to_bgr_by((29 / 3) ** 3),)
