"""Colours."""

from __future__ import annotations

from typing import Any

from oracles.cv_filtering import stored_as

RED, GREEN, BLUE = 0.299, 0.587, 0.114


def bgr_to_gray(image: Any) -> Any:
    """Y = 0.299·R + 0.587·G + 0.114·B, rounded to nearest where it is an integer

    image (H, W, 3 or 4), channels B, G, R and an alpha that is dropped → (H, W)
    Source: OpenCV, Color conversions, RGB ↔ GRAY.
    """
    return stored_as(BLUE * image[..., 0] + GREEN * image[..., 1] + RED * image[..., 2])
