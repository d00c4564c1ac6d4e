"""Lossless WebP, written from its specification with the transforms that are asked for.

Source: RFC 9649, sections 2 (the container) and 3 (the lossless bitstream).
"""

from __future__ import annotations

import struct

import numpy as np

from oracles.webp import CROSS_COLOUR, INDEXING, PREDICTOR, SUBTRACT_GREEN, Channels, blocks, bundling, predicted, product
from oracles.webp_bits import Out, Style, put_words

Transform = tuple[int, int, np.ndarray | None]  # its kind; the side 2**n of squares, and what is said of each, or None


def as_words(image: Channels) -> list[int]:
    """Alpha, red, green, blue as words."""
    return [int(word) for word in (image.astype(np.int64) @ np.array([1 << 24, 1 << 16, 1 << 8, 1])).ravel()]


def crossed(image: Channels, factors: Channels) -> Channels:
    """What is left of red and blue; factors (H, W, 4): nothing, red to blue, green to blue, green to red."""
    alpha, red, green, blue = np.moveaxis(image, -1, 0)
    _, red_to_blue, green_to_blue, green_to_red = np.moveaxis(factors, -1, 0)
    left = blue - product(green_to_blue, green) - product(red_to_blue, red)
    return np.stack([alpha, (red - product(green_to_red, green)) & 255, green, left & 255], axis=-1)


def indexed(image: Channels) -> tuple[Channels, Channels]:
    """Indices, as many in the green of a pixel as may be, and the colours, at most 256, each as its difference to the one before."""
    table, indices = np.unique(image.reshape(-1, 4), axis=0, return_inverse=True)
    share = 1 << bundling(len(table))
    flat = np.asarray(indices).reshape(image.shape[0], image.shape[1])
    rows = np.pad(flat, ((0, 0), (0, -flat.shape[1] % share))).reshape(len(flat), -1, share)
    green = (rows << np.arange(0, 8, 8 // share)).sum(axis=2)
    full = np.stack([np.full_like(green, 255), 0 * green, green, 0 * green], axis=-1)
    return full, np.diff(table, axis=0, prepend=0) & 255


def write_vp8l(
    image: np.ndarray, transforms: tuple[Transform, ...], style: Style, groups: np.ndarray | None, side: int, opacity: bool
) -> bytes:
    """A lossless bitstream of R, G, B, A (H, W, 4)."""
    out, rest = Out(), image[..., [3, 0, 1, 2]].astype(int)
    height, width = image.shape[:2]
    for value, count in ((0x2F, 8), (width - 1, 14), (height - 1, 14), (int(opacity), 1), (0, 3)):
        out.put(value, count)
    for kind, square, said in transforms:
        out.put(1 | kind << 1, 3)
        if kind == SUBTRACT_GREEN:
            rest = (rest - rest[..., 2:3] * np.array([0, 1, 0, 1])) & 255
        elif kind == INDEXING:
            rest, table = indexed(rest)
            out.put(len(table) - 1, 8)
            put_words(out, as_words(table), len(table), Style())
        else:
            assert said is not None
            squares = said[: -(-height >> square), : -(-rest.shape[1] >> square)].astype(int)
            out.put(square - 2, 3)
            put_words(out, as_words(squares), squares.shape[1], Style())
            of_pixels = blocks(squares, square, height, rest.shape[1])
            if kind == PREDICTOR:
                pixels = [rest[y, x] - predicted(rest, y, x, int(of_pixels[y, x, 2])) for y, x in np.ndindex(*rest.shape[:2])]
                rest = np.reshape(pixels, rest.shape) & 255
            else:
                assert kind == CROSS_COLOUR
                rest = crossed(rest, of_pixels)
    out.put(0, 1)
    groups = None if groups is None else groups[: -(-height >> side), : -(-rest.shape[1] >> side)]
    put_words(out, as_words(rest), rest.shape[1], style, main=True, groups=groups, side=side)
    return out.data()


def chunk(name: bytes, data: bytes) -> bytes:
    """A chunk of a RIFF file, of an even number of bytes."""
    return name + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)


def write_webp(
    image: np.ndarray,
    transforms: tuple[Transform, ...] = (),
    style: Style | None = None,
    *,
    groups: np.ndarray | None = None,
    side: int = 2,
    opacity: bool = True,
    extended: bool = False,
    even: bool = False,
) -> bytes:
    """A file of R, G, B, A (H, W, 4) uint8.

    transforms in the order in which they are applied, each kind once; what is said (rows, columns, 4) holds alpha, red, green, blue, of
    which green is the mode of a predictor. groups (rows, columns) are those of codes of squares of 2**side. `extended` has a VP8X chunk;
    of an `even` number of bytes is the bitstream, which may end with one that is not needed, so that none follows its chunk.
    """
    stream = write_vp8l(image, transforms, style or Style(), groups, side, opacity)
    data = chunk(b"VP8L", stream + bytes(len(stream) % 2 if even else 0))
    if extended:
        height, width = image.shape[:2]
        sides = b"".join((n - 1).to_bytes(3, "little") for n in (width, height))
        data = chunk(b"VP8X", bytes([16 * opacity, 0, 0, 0]) + sides) + data
    return chunk(b"RIFF", b"WEBP" + data)
