"""Windows bitmaps, written and read from their specification.

Source: Microsoft, *Windows GDI*: BITMAPFILEHEADER, BITMAPCOREHEADER, BITMAPINFOHEADER, BITMAPV4HEADER, BITMAPV5HEADER, “Bitmap
Compression”.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

CORE, INFO, V4, V5 = 12, 40, 108, 124  # the headers, by their size
PLAIN, RLE8, RLE4, BITFIELDS = 0, 1, 2, 3
MASKS = {16: (0x7C00, 0x3E0, 0x1F, 0), 32: (0xFF0000, 0xFF00, 0xFF, 0)}  # of red, green, blue, and opacity, where none are given
SRGB = 0x73524742  # LCS_sRGB


class BMPError(ValueError):
    """A file that is not the bitmap that it should be."""


@dataclass(frozen=True)
class BMP:
    """Gray (H, W, 1) or R, G, B (H, W, 3) from `light` to `ceiling`, which differ where samples have fewer than 8 bits; alpha or None.

    An image whose palette holds grays only is gray.
    """

    light: np.ndarray
    ceiling: np.ndarray
    alpha: np.ndarray | None


def shift(mask: int) -> int:
    """How many bits are below those of a mask."""
    return (mask & -mask).bit_length() - 1


def packed(samples: np.ndarray, bits: int, masks: tuple[int, ...]) -> np.ndarray:
    """Rows of bytes, each of whole 4: indices (H, W, 1), the first in the high bits, B, G, R, or fields of little-endian words."""
    height = len(samples)
    if bits < 8:
        places = (samples >> np.arange(bits - 1, -1, -1)) & 1
        rows = np.packbits(places.reshape(height, -1).astype(np.uint8), axis=1)
    elif bits in MASKS:
        fields = (samples[..., i].astype(np.uint32) << shift(mask) for i, mask in enumerate(masks) if mask)
        words = np.bitwise_or.reduce(list(fields)).astype(f"<u{bits // 8}")
        rows = words.view(np.uint8).reshape(height, -1)
    else:
        rows = samples[..., ::-1].astype(np.uint8).reshape(height, -1)
    return np.pad(rows, ((0, 0), (0, -rows.shape[1] % 4)))


def unpacked(data: bytes, height: int, width: int, bits: int) -> np.ndarray:
    """The inverse: indices (H, W), B, G, R (H, W, 3) or words (H, W)."""
    stride = -(-width * bits // 32) * 4
    if len(data) < height * stride:
        raise BMPError("there are too few rows")
    rows = np.frombuffer(data[: height * stride], np.uint8).reshape(height, stride)[:, : -(-width * bits // 8)]
    if bits < 8:
        places = np.unpackbits(rows, axis=1)[:, : width * bits].reshape(height, width, bits)
        return np.asarray(places @ (1 << np.arange(bits - 1, -1, -1)))
    if bits in MASKS:
        return np.ascontiguousarray(rows).view(f"<u{bits // 8}").astype(np.int64)
    return rows.reshape(height, width, 3) if bits == 24 else rows


def pieces(row: list[int]) -> list[tuple[bool, list[int]]]:
    """A row as runs of one index (True), and stretches of 3 … 254 others."""
    found: list[tuple[bool, list[int]]] = []
    for index in row:
        same, last = found[-1] if found else (True, [])
        if same and len(last) < 255 and last and last[0] == index:
            last.append(index)
        elif same and len(last) == 1 and len(found) > 1 and not found[-2][0] and len(found[-2][1]) < 254:
            found.pop()
            found[-1][1].extend(last)
            found.append((True, [index]))
        elif same and len(last) == 1 and len(found) > 1 and len(found[-2][1]) == 1:
            found.pop()
            found[-1] = (False, [*found[-1][1], *last, index])
        else:
            found.append((True, [index]))
    return found


def encoded(rows: np.ndarray, bits: int) -> bytes:
    """Rows of indices, run by run: RLE8, or RLE4."""
    out = b""
    for row in rows.tolist():
        for same, stretch in pieces(row):
            if same:
                out += bytes([len(stretch), stretch[0] * (17 if bits == 4 else 1)])
            else:
                data = bytes(stretch) if bits == 8 else packed(np.array(stretch)[None, :, None], 4, ()).tobytes()[: -(-len(stretch) // 2)]
                out += bytes([0, len(stretch)]) + data + bytes(len(data) % 2)
        out += b"\0\0"
    return out[:-2] + b"\0\1"


def decoded(data: bytes, height: int, width: int, bits: int) -> np.ndarray:
    """The inverse: indices (H, W); BMPError where some are left out."""
    rows: list[list[int]] = [[]]
    at = 0
    while data[at : at + 2] != b"\0\1":
        if len(data) < at + 2:
            raise BMPError("the end of the bitmap is missing")
        count, value = data[at : at + 2]
        at += 2
        if count:
            rows[-1] += [value] * count if bits == 8 else [value >> 4, value & 15] * (count // 2) + [value >> 4] * (count % 2)
        elif value == 0:
            rows.append([])
        elif value == 2:
            raise BMPError("indices are left out")
        else:
            size = value if bits == 8 else -(-value // 2)
            rows[-1] += [i for byte in data[at : at + size] for i in ([byte] if bits == 8 else [byte >> 4, byte & 15])][:value]
            at += size + size % 2
    if [len(row) for row in rows] != [width] * height:
        raise BMPError("the rows are not of the width")
    return np.array(rows)


def write_bmp(
    samples: np.ndarray,
    bits: int,
    *,
    header: int = INFO,
    compression: int = PLAIN,
    palette: np.ndarray | None = None,
    masks: tuple[int, ...] = (),
    down: bool = False,
    gap: int = 0,
) -> bytes:
    """A file of indices (H, W, 1), R, G, B or fields (H, W, 3 or 4); `down` from the first row on, `gap` bytes before the pixels."""
    height, width, _ = samples.shape
    rows = samples if down else samples[::-1]
    masks = masks or MASKS.get(bits, ())
    data = encoded(rows[..., 0], bits) if compression in (RLE8, RLE4) else packed(rows, bits, masks).tobytes()
    colours = b"" if palette is None else np.pad(palette[:, ::-1], ((0, 0), (0, header != CORE))).astype(np.uint8).tobytes()
    if header == CORE:
        head = struct.pack("<IHHHH", CORE, width, height, 1, bits)
    else:
        used = 0 if palette is None or len(palette) == 2**bits else len(palette)
        high = -height if down else height
        head = struct.pack("<IiiHHIIiiII", header, width, high, 1, bits, compression, len(data), 2835, 2835, used, 0)
        fields = struct.pack("<4I", *masks) if masks and compression == BITFIELDS else bytes(16)
        head += fields[: 12 if compression == BITFIELDS else 0] if header == INFO else fields + struct.pack("<I", SRGB) + bytes(header - 60)
    start = 14 + len(head) + len(colours) + gap
    return struct.pack("<2sIHHI", b"BM", start + len(data), 0, 0, start) + head + colours + bytes(gap) + data


def read_bmp(file: bytes) -> BMP:
    """What a file holds; BMPError where it is not one."""
    try:
        mark, size, _, _, start, header = struct.unpack_from("<2sIHHII", file)
        if header == CORE:
            width, height, _, bits = struct.unpack_from("<HHHH", file, 18)
            compression = used = 0
        else:
            width, height, _, bits, compression, _, _, _, used, _ = struct.unpack_from("<iiHHIIiiII", file, 18)
        masks = struct.unpack_from(f"<{3 if header == INFO else 4}I", file, 54) if compression == BITFIELDS else MASKS.get(bits, ())
    except struct.error as error:
        raise BMPError("the header is not whole") from error
    if mark != b"BM" or bits not in (1, 4, 8, 16, 24, 32) or header not in (CORE, INFO, V4, V5) or width <= 0 or not height:
        raise BMPError("it is none")
    if size != len(file):
        raise BMPError(f"it says that it has {size} bytes")
    run_by_run = compression in (RLE8, RLE4)
    pixels = (decoded if run_by_run else unpacked)(file[start:], abs(height), width, bits)
    pixels = pixels if height < 0 else pixels[::-1]
    if bits <= 8:
        light = looked_up(pixels, file[14 + header : start], used or 2**bits, 3 if header == CORE else 4)
        return BMP(light, light, None)
    if bits == 24:
        return BMP(pixels[..., ::-1], pixels[..., ::-1], None)
    low, high = fields_of(pixels, masks[:3])
    alpha = fields_of(pixels, masks[3:4])[0] if len(masks) > 3 and masks[3] else None
    return BMP(low, high, alpha)


def looked_up(indices: np.ndarray, data: bytes, count: int, size: int) -> np.ndarray:
    """The colours of indices in a palette of so many entries of so many bytes: gray where all are."""
    if len(data) < count * size:
        raise BMPError("the palette is not whole")
    palette = np.frombuffer(data[: count * size], np.uint8).reshape(count, size)[:, 2::-1]
    if indices.max() >= count:
        raise BMPError("an index is beyond the palette")
    return np.asarray(palette[indices][..., :1] if (palette == palette[:, :1]).all() else palette[indices])


def fields_of(words: np.ndarray, masks: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Fields of words as 8 bits: at least with zeros below their bits, at most their share of the largest, rounded up."""
    low, high = [], []
    for mask in masks:
        value, most = (words & mask) >> shift(mask), mask >> shift(mask)
        low.append(value << (8 - most.bit_length()))
        high.append(-(-value * 255 // most))
    return np.stack(low, axis=-1).astype(np.uint8), np.stack(high, axis=-1).astype(np.uint8)
