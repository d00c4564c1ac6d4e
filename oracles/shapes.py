"""Shapes of results from shapes of arguments, for every layer with a formula: x is (N, C, L, …), or (C, L, …) without a batch.

The library's parameter names; an option is given once or for every axis.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from oracles.windows import Margins, Sides, extent, spread, window_counts


def _split(x: Sides, rank: int) -> tuple[Sides, int, Sides]:
    """Batch axes, channels and sides."""
    return x[: -rank - 1], x[-rank - 1], x[-rank:]


def _margins(padding: Any, kernel: Sides, dilation: Sides) -> Margins:
    """What is padded before and after each axis; "same" pads dilation·(kernel − 1) in all."""
    if padding == "same":
        return tuple((0, reach - 1) for reach in extent(kernel, dilation))
    return tuple((p, p) for p in spread(0 if padding == "valid" else padding, len(kernel)))


def convolution(x: Sides, out_channels: int, kernel_size: Any, stride: Any = 1, padding: Any = 0, dilation: Any = 1, *, rank: int) -> Sides:
    """L′ = ⌊(L + 2·padding − dilation·(kernel_size − 1) − 1) / stride⌋ + 1.

    Source: torch.nn.Conv2d, Shape.
    """
    batch, _, sides = _split(x, rank)
    kernel, dilations = spread(kernel_size, rank), spread(dilation, rank)
    margins = _margins(padding, kernel, dilations)
    return (*batch, out_channels, *window_counts(sides, kernel, spread(stride, rank), margins, dilations))


def transposed_convolution(
    x: Sides,
    out_channels: int,
    kernel_size: Any,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    dilation: Any = 1,
    *,
    rank: int,
) -> Sides:
    """L′ = (L − 1)·stride − 2·padding + dilation·(kernel_size − 1) + output_padding + 1.

    Source: torch.nn.ConvTranspose2d, Shape.
    """
    batch, _, sides = _split(x, rank)
    options = (spread(option, rank) for option in (kernel_size, stride, padding, output_padding, dilation))
    return (*batch, out_channels, *((n - 1) * s - 2 * p + d * (k - 1) + o + 1 for n, k, s, p, o, d in zip(sides, *options, strict=True)))


def pooling(
    x: Sides, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False, *, rank: int
) -> Sides:
    """As a convolution channel by channel, stride by default kernel_size; ⌈·⌉ with ceil_mode, but no window starts behind the image.

    Source: torch.nn.MaxPool2d, torch.nn.AvgPool2d and torch.nn.LPPool2d, Shape.
    """
    kernel, steps = spread(kernel_size, rank), spread(kernel_size if stride is None else stride, rank)
    margins = tuple((p, p) for p in spread(padding, rank))
    return (*x[:-rank], *window_counts(x[-rank:], kernel, steps, margins, spread(dilation, rank), ceil_mode))


def adaptive_pooling(x: Sides, output_size: Any, *, rank: int) -> Sides:
    """The sides asked for, None for one that stays.

    Source: torch.nn.AdaptiveAvgPool2d.
    """
    asked = output_size if isinstance(output_size, (tuple, list)) else (output_size,) * rank
    return (*x[:-rank], *(side if wanted is None else wanted for side, wanted in zip(x[-rank:], asked, strict=True)))


def unpooling(x: Sides, kernel_size: Any, stride: Any = None, padding: Any = 0, *, rank: int) -> Sides:
    """L′ = (L − 1)·stride − 2·padding + kernel_size, stride by default kernel_size.

    Source: torch.nn.MaxUnpool2d, Shape.
    """
    kernel, steps = spread(kernel_size, rank), spread(kernel_size if stride is None else stride, rank)
    return (*x[:-rank], *((n - 1) * s - 2 * p + k for n, k, s, p in zip(x[-rank:], kernel, steps, spread(padding, rank), strict=True)))


def fractional_pooling(x: Sides, output_size: Any = None, output_ratio: Any = None, *, rank: int) -> Sides:
    """The sides asked for, or ⌊L·output_ratio⌋.

    Source: torch.nn.FractionalMaxPool2d.
    """
    return upsampling(x, output_size, output_ratio, rank=rank)


def gated(x: Sides, dim: int = -1) -> Sides:
    """(…, L, …) → (…, L/2, …).

    Source: torch.nn.GLU, Shape.
    """
    axis = dim % len(x)
    return (*x[:axis], x[axis] // 2, *x[axis + 1 :])


def upsampling(x: Sides, size: Any = None, scale_factor: Any = None, *, rank: int) -> Sides:
    """The size asked for, or L′ = ⌊L·scale_factor⌋.

    Source: torch.nn.Upsample, Shape.
    """
    if size is not None:
        return (*x[:-rank], *spread(size, rank))
    factors = scale_factor if isinstance(scale_factor, (tuple, list)) else (scale_factor,) * rank
    return (*x[:-rank], *(math.floor(side * Fraction(factor)) for side, factor in zip(x[-rank:], factors, strict=True)))


def pixel_shuffle(x: Sides, upscale_factor: int) -> Sides:
    """(…, C·r², H, W) → (…, C, H·r, W·r).

    Source: torch.nn.PixelShuffle.
    """
    batch, channels, sides = _split(x, 2)
    return (*batch, channels // upscale_factor**2, *(side * upscale_factor for side in sides))


def pixel_unshuffle(x: Sides, downscale_factor: int) -> Sides:
    """(…, C, H·r, W·r) → (…, C·r², H, W).

    Source: torch.nn.PixelUnshuffle.
    """
    batch, channels, sides = _split(x, 2)
    return (*batch, channels * downscale_factor**2, *(side // downscale_factor for side in sides))


def padded(x: Sides, padding: Any, *, rank: int) -> Sides:
    """L′ = L + before + after; a tuple counts from the last axis: (left, right, top, bottom, …).

    Source: torch.nn.ZeroPad2d, Shape.
    """
    both = padding if isinstance(padding, (tuple, list)) else (padding,) * (2 * rank)
    sums = [both[2 * axis] + both[2 * axis + 1] for axis in range(rank)][::-1]
    return (*x[:-rank], *(side + more for side, more in zip(x[-rank:], sums, strict=True)))


def unfolded(x: Sides, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Sides:
    """(N, C, H, W) → (N, C·Πkernel_size, number of windows).

    Source: torch.nn.Unfold, Shape.
    """
    batch, channels, _ = _split(x, 2)
    windows = convolution(x, channels, kernel_size, stride, padding, dilation, rank=2)[-2:]
    return (*batch, channels * math.prod(spread(kernel_size, 2)), math.prod(windows))


def folded(x: Sides, output_size: Any, kernel_size: Any) -> Sides:
    """(N, C·Πkernel_size, number of windows) → (N, C, H, W).

    Source: torch.nn.Fold, Shape.
    """
    return (*x[:-2], x[-2] // math.prod(spread(kernel_size, 2)), *spread(output_size, 2))


def linear(x: Sides, out_features: int) -> Sides:
    """(…, in_features) → (…, out_features); the same for torch.nn.Bilinear.

    Source: torch.nn.Linear, Shape.
    """
    return (*x[:-1], out_features)


def embedding(indices: Sides, embedding_dim: int) -> Sides:
    """(…) → (…, embedding_dim).

    Source: torch.nn.Embedding, Shape.
    """
    return (*indices, embedding_dim)


def flattened(x: Sides, start_dim: int = 1, end_dim: int = -1) -> Sides:
    """The axes from start_dim to end_dim as one.

    Source: torch.nn.Flatten, Shape.
    """
    first, last = start_dim % len(x), end_dim % len(x)
    return (*x[:first], math.prod(x[first : last + 1]), *x[last + 1 :])


def attention(query: Sides, key: Sides, value: Sides) -> Sides:
    """(…, L, E), (…, S, E), (…, S, V) → (…, L, V).

    Source: torch.nn.functional.scaled_dot_product_attention, Shape legend.
    """
    return (*query[:-1], value[-1])


def recurrence(x: Sides, hidden_size: int, bidirectional: bool = False, proj_size: int = 0) -> Sides:
    """(…, input_size) → (…, D·H), D directions of hidden_size H, or of proj_size.

    Source: torch.nn.LSTM, Outputs.
    """
    return (*x[:-1], (2 if bidirectional else 1) * (proj_size or hidden_size))
