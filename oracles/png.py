"""Portable Network Graphics, written and read from the specification.

Source: W3C, *Portable Network Graphics (PNG) Specification*, second edition: chunks (5), filters (9), interlacing (8.2),
colour types (11.2.2), transparency (11.3.2.1), eXIf (third edition, 11.3.4.6).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GRAY, RGB, PALETTE, GRAY_ALPHA, RGBA = 0, 2, 3, 4, 6
CHANNELS = {GRAY: 1, RGB: 3, PALETTE: 1, GRAY_ALPHA: 2, RGBA: 4}
DEPTHS = {GRAY: (1, 2, 4, 8, 16), RGB: (8, 16), PALETTE: (1, 2, 4, 8), GRAY_ALPHA: (8, 16), RGBA: (8, 16)}
PASSES = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))  # row, column, steps


class PNGError(ValueError):
    """A file that is not the PNG that it should be."""


@dataclass(frozen=True)
class PNG:
    """samples (H, W, channels) as stored, the colour type and bit depth, the palette (n, 3), and other chunks as they are.

    `stream` is the compressed stream (IDAT), `transparency` what is transparent (tRNS), `exif` a block as cameras write it (eXIf).
    """

    samples: np.ndarray
    colour: int
    depth: int
    palette: np.ndarray | None
    stream: bytes
    transparency: bytes = b""
    exif: bytes = b""


def chunk(name: bytes, data: bytes) -> bytes:
    """Length, name, data, and the check of the last two."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def chunks(file: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The chunks of a file, each checked."""
    if not file.startswith(SIGNATURE):
        raise PNGError("the signature is wrong")
    at = len(SIGNATURE)
    while at < len(file):
        if at + 12 > len(file):
            raise PNGError("the last chunk is not whole")
        (length,) = struct.unpack(">I", file[at : at + 4])
        name, data = file[at + 4 : at + 8], file[at + 8 : at + 8 + length]
        if file[at + 8 + length : at + 12 + length] != struct.pack(">I", zlib.crc32(name + data)):
            raise PNGError(f"the check of the chunk {name!r} is wrong")
        yield name, data
        at += 12 + length


def packed(samples: np.ndarray, depth: int) -> np.ndarray:
    """Rows of samples (H, n) as rows of bytes, the high bits first."""
    if depth == 16:
        return samples.astype(">u2").view(np.uint8).reshape(len(samples), -1)
    if depth == 8:
        return samples.astype(np.uint8)
    bits = (samples[..., None] >> np.arange(depth - 1, -1, -1)) & 1
    return np.packbits(bits.reshape(len(samples), -1).astype(np.uint8), axis=1)


def unpacked(rows: np.ndarray, depth: int, count: int) -> np.ndarray:
    """The inverse: `count` samples of each row of bytes."""
    if depth == 16:
        return np.asarray(rows.reshape(len(rows), -1, 2).copy().view(">u2")[..., 0], np.uint16)
    if depth == 8:
        return rows
    bits = np.unpackbits(rows, axis=1)[:, : count * depth].reshape(len(rows), count, depth)
    return np.asarray(np.sum(bits * (1 << np.arange(depth - 1, -1, -1)), axis=2), np.uint8)


def paeth(a: int, b: int, c: int) -> int:
    """Of left, above and above left, the one nearest to left + above − above left, in this order."""
    distances = abs(b - c), abs(a - c), abs(a + b - 2 * c)
    return (a, b, c)[distances.index(min(distances))]


def predicted(kind: int, a: int, b: int, c: int) -> int:
    """What a filter predicts from left, above, above left."""
    return (0, a, b, (a + b) // 2, paeth(a, b, c))[kind]


def filtered(rows: np.ndarray, kinds: list[int], back: int) -> bytes:
    """Rows of bytes, each behind the number of its filter, `back` bytes between a byte and the one left of it."""
    out, above = bytearray(), [0] * rows.shape[1]
    for row, kind in zip(rows.tolist(), kinds, strict=True):
        left = [0] * back + row
        corner = [0] * back + above
        out.append(kind)
        out.extend((value - predicted(kind, left[i], above[i], corner[i])) % 256 for i, value in enumerate(row))
        above = row
    return bytes(out)


def unfiltered(data: bytes, height: int, width: int, back: int) -> np.ndarray:
    """The inverse: rows of bytes (height, width)."""
    if len(data) < height * (width + 1):
        raise PNGError("the stream is too short")
    above, rows = [0] * width, []
    for start in range(0, height * (width + 1), width + 1):
        kind, row = data[start], list(data[start + 1 : start + 1 + width])
        if kind > 4:
            raise PNGError(f"there is no filter {kind}")
        for i in range(width):
            left, corner = (row[i - back], above[i - back]) if i >= back else (0, 0)
            row[i] = (row[i] + predicted(kind, left, above[i], corner)) % 256
        rows.append(row)
        above = row
    return np.array(rows, np.uint8).reshape(height, width)


def parts(height: int, width: int, interlaced: bool) -> list[tuple[slice, slice]]:
    """The reduced images of a file: all of it, or Adam7's seven passes, without those that are empty."""
    passes = PASSES if interlaced else ((0, 0, 1, 1),)
    return [(slice(r, None, dr), slice(c, None, dc)) for r, c, dr, dc in passes if r < height and c < width]


def write_png(
    samples: np.ndarray,
    colour: int,
    depth: int,
    *,
    kind: int = 0,
    interlaced: bool = False,
    level: int = 6,
    palette: np.ndarray | None = None,
    transparency: bytes = b"",
    exif: bytes = b"",
    split: int = 1,
) -> bytes:
    """A file of samples (H, W, channels), its stream in `split` chunks; rows filtered by `kind`, or by all kinds in turn where it is 5."""
    height, width, channels = samples.shape
    back, data = max(1, depth * channels // 8), b""
    for rows, columns in parts(height, width, interlaced):
        part = samples[rows, columns]
        lines = packed(part.reshape(len(part), -1), depth)
        data += filtered(lines, [i % 5 if kind == 5 else kind for i in range(len(lines))], back)
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced)
    colours = b"" if palette is None else palette.astype(np.uint8).tobytes()
    stream = zlib.compress(data, level)
    step = -(-len(stream) // split)
    between = ((b"PLTE", colours), (b"tRNS", transparency), (b"eXIf", exif))
    before = b"".join(chunk(name, content) for name, content in between if content)
    body = b"".join(chunk(b"IDAT", stream[at : at + step]) for at in range(0, len(stream), step))
    return SIGNATURE + chunk(b"IHDR", header) + before + body + chunk(b"IEND", b"")


def read_png(file: bytes) -> PNG:
    """The samples of a file; PNGError where it is not one."""
    found: dict[bytes, bytes] = {}
    for name, data in chunks(file):
        found[name] = found.get(name, b"") + data
    missing = [name.decode() for name in (b"IHDR", b"IDAT", b"IEND") if name not in found]
    if missing:
        raise PNGError(f"there is no chunk {missing[0]}")
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", found[b"IHDR"])
    if depth not in DEPTHS.get(colour, ()):
        raise PNGError(f"there is no colour type {colour} of {depth} bits")
    try:
        channels, data = CHANNELS[colour], zlib.decompress(found[b"IDAT"])
    except zlib.error as error:
        raise PNGError(f"the stream is damaged: {error}") from error
    samples = np.zeros((height, width, channels), np.uint16 if depth == 16 else np.uint8)
    for rows, columns in parts(height, width, bool(interlaced)):
        h, w = samples[rows, columns].shape[:2]
        length = -(-w * channels * depth // 8)
        lines = unfiltered(data, h, length, max(1, depth * channels // 8))
        samples[rows, columns] = unpacked(lines, depth, w * channels).reshape(h, w, channels)
        data = data[h * (length + 1) :]
    palette = np.frombuffer(found[b"PLTE"], np.uint8).reshape(-1, 3) if b"PLTE" in found else None
    return PNG(samples, colour, depth, palette, found[b"IDAT"], found.get(b"tRNS", b""), found.get(b"eXIf", b""))
