"""Channels that change places, with each other or with cells."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from oracles.bounded import Exactly


def pixel_shuffle(x: Any, *, upscale_factor: int) -> Any:
    """Spread groups of r² channels over blocks of r × r cells.

    y[…, c, h·r + i, w·r + j] = x[…, (c·r + i)·r + j, h, w]

    x (…, C·r², H, W) → (…, C, H·r, W·r)
    Source: torch.nn.PixelShuffle, Shape; Shi et al. 2016, arXiv:1609.05158, equation 4.
    """
    r, (*batch, channels, height, width) = upscale_factor, x.shape
    blocks = x.reshape(*batch, channels // r**2, r, r, height, width)
    return np.moveaxis(blocks, (-4, -3), (-3, -1)).reshape(*batch, channels // r**2, height * r, width * r)


def pixel_unshuffle(x: Any, *, downscale_factor: int) -> Any:
    """Gather blocks of r × r cells in r² channels.

    y[…, (c·r + i)·r + j, h, w] = x[…, c, h·r + i, w·r + j]

    x (…, C, H·r, W·r) → (…, C·r², H, W)
    Source: torch.nn.PixelUnshuffle, Shape.
    """
    r, (*batch, channels, height, width) = downscale_factor, x.shape
    blocks = x.reshape(*batch, channels, height // r, r, width // r, r)
    return np.moveaxis(blocks, (-3, -1), (-4, -3)).reshape(*batch, channels * r**2, height // r, width // r)


def channel_shuffle(x: Any, *, groups: int) -> Any:
    """Deal the channels of g groups in turn.

    y[n, k·g + i, …] = x[n, i·(C / g) + k, …]

    x (N, C, …) → the same shape
    Source: torch.nn.ChannelShuffle, "divides the channels in a tensor into g groups and rearranges them".
    """
    n, channels, *sides = x.shape
    return np.swapaxes(x.reshape(n, groups, channels // groups, *sides), 1, 2).reshape(x.shape)


def pixel_shuffle_gradient(dy: Any, x: Any, *, upscale_factor: int) -> dict[str, Any]:
    """The places of x where dy comes from.

    Source: torch.nn.PixelUnshuffle, "reverses the PixelShuffle operation".
    """
    return {"x": pixel_unshuffle(dy, downscale_factor=upscale_factor)}


def pixel_unshuffle_gradient(dy: Any, x: Any, *, downscale_factor: int) -> dict[str, Any]:
    """The places of x where dy comes from.

    Source: torch.nn.PixelUnshuffle, "reverses the PixelShuffle operation".
    """
    return {"x": pixel_shuffle(dy, upscale_factor=downscale_factor)}


def channel_shuffle_gradient(dy: Any, x: Any, *, groups: int) -> dict[str, Any]:
    """The places of x where dy comes from: dealing in C/g groups takes dealing in g back.

    Source: torch.nn.ChannelShuffle.
    """
    return {"x": channel_shuffle(dy, groups=x.shape[1] // groups)}


def exactly(oracle: Callable[..., Any]) -> Callable[..., Any]:
    """The oracle on plain arrays of integers, whose every element must be matched."""

    @functools.wraps(oracle)
    def matched(*arrays: Any, **options: Any) -> Exactly:
        return Exactly(oracle(*arrays, **options))

    return matched
