"""Lossless WebP, read from its specification.

Source: RFC 9649, sections 2 (the container) and 3 (the lossless bitstream).
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import partial

import numpy as np

from oracles.webp_codes import Bits, NoMeaningError, WebPError, read_words

PREDICTOR, CROSS_COLOUR, SUBTRACT_GREEN, INDEXING = range(4)
OPAQUE = np.array([255, 0, 0, 0])

Channels = np.ndarray  # alpha, red, green, blue (..., 4), of int


def mean(a: Channels, b: Channels) -> Channels:
    """The mean, rounded down."""
    return np.asarray((a + b) >> 1)


def nearer(left: Channels, top: Channels, corner: Channels) -> Channels:
    """That of the two that is nearer to left + top - corner, over all channels; top where none is."""
    return left if np.abs(top - corner).sum() < np.abs(left - corner).sum() else top


def half(a: Channels, b: Channels) -> Channels:
    """a + (a - b) / 2, the half cut off towards 0, within 0 … 255."""
    return np.asarray(np.clip(a + np.trunc((a - b) / 2).astype(int), 0, 255))


PREDICTORS: tuple[Callable[[Channels, Channels, Channels, Channels], Channels], ...] = (  # of left, top, top right, top left
    lambda le, to, tr, tl: OPAQUE,
    lambda le, to, tr, tl: le,
    lambda le, to, tr, tl: to,
    lambda le, to, tr, tl: tr,
    lambda le, to, tr, tl: tl,
    lambda le, to, tr, tl: mean(mean(le, tr), to),
    lambda le, to, tr, tl: mean(le, tl),
    lambda le, to, tr, tl: mean(le, to),
    lambda le, to, tr, tl: mean(tl, to),
    lambda le, to, tr, tl: mean(to, tr),
    lambda le, to, tr, tl: mean(mean(le, tl), mean(to, tr)),
    lambda le, to, tr, tl: nearer(le, to, tl),
    lambda le, to, tr, tl: np.clip(le + to - tl, 0, 255),
    lambda le, to, tr, tl: half(mean(le, to), tl),
)


def predicted(image: Channels, y: int, x: int, mode: int) -> Channels:
    """What the pixels before say of one; the pixel right above the last of a row is the first of that row."""
    if y == 0:
        return image[0, x - 1] if x else OPAQUE
    if x == 0:
        return np.asarray(image[y - 1, 0])
    right = image[y - 1, x + 1] if x + 1 < image.shape[1] else image[y, 0]
    return PREDICTORS[mode](image[y, x - 1], image[y - 1, x], right, image[y - 1, x - 1])


def blocks(of_blocks: np.ndarray, side: int, height: int, width: int) -> np.ndarray:
    """What is said of squares of 2**side, for each pixel."""
    return np.asarray(of_blocks[np.arange(height)[:, None] >> side, np.arange(width) >> side])


def unpredicted(image: Channels, modes: np.ndarray) -> Channels:
    """The image from what is left after prediction; modes (H, W)."""
    if modes.max() >= len(PREDICTORS):
        raise NoMeaningError("there is no such predictor")
    out = np.zeros_like(image)
    for y, x in np.ndindex(*modes.shape):
        out[y, x] = (image[y, x] + predicted(out, y, x, int(modes[y, x]))) & 255
    return out


def product(factor: np.ndarray, channel: np.ndarray) -> np.ndarray:
    """A factor in 32nds and a channel, both as signed bytes; rounded down."""
    return (((factor ^ 128) - 128) * ((channel ^ 128) - 128)) >> 5


def uncrossed(image: Channels, factors: Channels) -> Channels:
    """Red and blue from what is left of them; factors (H, W, 4): nothing, red to blue, green to blue, green to red."""
    alpha, red, green, blue = np.moveaxis(image, -1, 0)
    _, red_to_blue, green_to_blue, green_to_red = np.moveaxis(factors, -1, 0)
    red = (red + product(green_to_red, green)) & 255
    blue = (blue + product(green_to_blue, green) + product(red_to_blue, red)) & 255
    return np.stack([alpha, red, green, blue], axis=-1)


def unindexed(image: Channels, table: Channels, width: int) -> Channels:
    """The colours of indices, the first in the low bits of green; beyond the table all is 0."""
    bits = 8 >> bundling(len(table))
    indices = (image[..., 2, None] >> np.arange(0, 8, bits)) & (2**bits - 1)
    colours = np.concatenate([table, np.zeros((256 - len(table), 4), int)])
    return np.asarray(colours[indices.reshape(len(image), -1)[:, :width]])


def bundling(count: int) -> int:
    """2 to this power is how many indices into so many colours share a pixel."""
    return 3 if count <= 2 else 2 if count <= 4 else 1 if count <= 16 else 0


def channels(words: list[int], height: int, width: int) -> Channels:
    """Words as alpha, red, green, blue."""
    return np.asarray((np.array(words)[:, None] >> np.array([24, 16, 8, 0])) & 255).reshape(height, width, 4)


def read_vp8l(data: bytes) -> tuple[np.ndarray, bool]:
    """The pixels of a lossless bitstream, R, G, B, A (H, W, 4) uint8, and whether it says that alpha is used; WebPError else."""
    bits = Bits(data)
    if bits.take(8) != 0x2F:
        raise WebPError("the signature is not that of a lossless bitstream")
    width, height, opacity = bits.take(14) + 1, bits.take(14) + 1, bool(bits.take(1))
    if bits.take(3):
        raise WebPError("there is no such version")
    undo: list[Callable[[Channels], Channels]] = []
    seen: set[int] = set()
    stored = width
    while bits.take(1):
        kind = bits.take(2)
        if kind in seen:
            raise WebPError("a transform is there twice")
        seen.add(kind)
        if kind in (PREDICTOR, CROSS_COLOUR):
            side = bits.take(3) + 2
            rows, across = -(-height >> side), -(-stored >> side)
            said = blocks(channels(read_words(bits, across, rows), rows, across), side, height, stored)
            undo.append(partial(unpredicted, modes=said[..., 2]) if kind == PREDICTOR else partial(uncrossed, factors=said))
        elif kind == SUBTRACT_GREEN:
            undo.append(lambda x: (x + x[..., 2:3] * np.array([0, 1, 0, 1])) & 255)
        else:
            count = bits.take(8) + 1
            table = np.cumsum(channels(read_words(bits, count, 1), 1, count)[0], axis=0) & 255
            undo.append(partial(unindexed, table=table, width=stored))
            stored = -(-stored >> bundling(count))
    image = channels(read_words(bits, stored, height, main=True), height, stored)
    for back in reversed(undo):
        image = back(image)
    return image[..., [1, 2, 3, 0]].astype(np.uint8), opacity


def read_webp(file: bytes) -> np.ndarray:
    """R, G, B (H, W, 3), or with A (H, W, 4) where the file says that alpha is used; uint8. WebPError where it is no lossless WebP.

    The first chunk is the image, or an extended header, which then says whether alpha is used; what the bitstream says of it is a hint.
    """
    if len(file) < 12 or file[:4] != b"RIFF" or file[8:12] != b"WEBP":
        raise WebPError("the container is none of WebP")
    end = 8 + struct.unpack_from("<I", file, 4)[0]
    if end > len(file):
        raise WebPError("the file ends too early")
    at, extended = 12, None
    while at + 8 <= end:
        name, size = struct.unpack_from("<4sI", file, at)
        data = file[at + 8 : min(at + 8 + size, end)]
        if len(data) < size:
            raise WebPError("a chunk ends too early")
        if name == b"VP8 ":
            raise WebPError("the image is lossy: its chunk is VP8")
        if name == b"VP8L":
            image, alpha = read_vp8l(data)
            if extended:
                *sides, alpha = extended
                if sides != [image.shape[1], image.shape[0]]:
                    raise WebPError("the canvas is not the image")
            return image if alpha else image[..., :3]
        if at == 12:
            extended = read_header(name, data)
        at += 8 + size + size % 2
    raise WebPError("there is no image")


def read_header(name: bytes, data: bytes) -> tuple[int, int, bool]:
    """Width, height and whether alpha is used, of the extended header, which is VP8X, of an image that does not move."""
    if name != b"VP8X":
        raise WebPError("the first chunk is neither an image nor an extended header")
    if len(data) < 10:
        raise WebPError("the extended header is not whole")
    if data[0] & 2:
        raise WebPError("the image is animated")
    width, height = (1 + int.from_bytes(data[i : i + 3], "little") for i in (4, 7))
    return width, height, bool(data[0] & 16)
