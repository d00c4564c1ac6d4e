"""Tagged image files of one image in strips, written and read from the specification.

Source: Aldus, *TIFF*, revision 6.0: structure (2), bilevel, gray, palette and RGB images (3 to 6), ExtraSamples (18), SampleFormat (19).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from oracles.tiff_compression import NONE, TIFFError, compressed, differences, expanded, floats, sums

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE = 0, 1, 2, 3
ASSOCIATED, UNASSOCIATED = 1, 2  # ExtraSamples: colours multiplied by alpha, and not
UNSIGNED, SIGNED, FLOATING = 1, 2, 3
WIDTH, LENGTH, BITS, COMPRESSION, PHOTOMETRIC, OFFSETS, ORIENTATION, SAMPLES, ROWS, COUNTS = (
    256,
    257,
    258,
    259,
    262,
    273,
    274,
    277,
    278,
    279,
)
PLANAR, PREDICTOR, COLOURS, EXTRA, FORMAT = 284, 317, 320, 338, 339
SIZES = {1: "B", 3: "H", 4: "I", 16: "Q"}  # BYTE, SHORT, LONG, and BigTIFF's LONG8
Order = Literal["<", ">"]
Fields = dict[int, tuple[int, list[int]]]  # by tag, the type and the values
KINDS = {UNSIGNED: "u", SIGNED: "i", FLOATING: "f"}


@dataclass(frozen=True)
class TIFF:
    """samples (H, W, channels) as stored, how they are to be seen, the palette (n, 3) of 16 bits, and all fields by their tag."""

    samples: np.ndarray
    photometric: int
    bits: int
    extra: int = 0
    orientation: int = 1
    palette: np.ndarray | None = None
    fields: dict[int, tuple[int, ...]] = field(default_factory=dict)


def in_rows(samples: np.ndarray, bits: int, order: Order) -> np.ndarray:
    """Rows of bytes of samples (H, W, channels) in a byte order, or of their bits, the high ones first."""
    flat = samples.reshape(len(samples), -1)
    if bits >= 8:
        return flat.astype(samples.dtype.newbyteorder(order)).view(np.uint8).reshape(len(flat), -1)
    places = (flat[..., None] >> np.arange(bits - 1, -1, -1)) & 1
    return np.packbits(places.reshape(len(flat), -1).astype(np.uint8), axis=1)


def of_rows(data: bytes, shape: tuple[int, int, int], kind: np.dtype, bits: int) -> np.ndarray:
    """The inverse; TIFFError where there are too few rows."""
    height, width, channels = shape
    length = -(-width * channels * bits // 8)
    if len(data) < height * length:
        raise TIFFError("a strip is too short")
    rows = np.frombuffer(data[: height * length], np.uint8).reshape(height, length)
    if bits >= 8:
        return np.asarray(rows.copy().view(kind).reshape(shape).astype(kind.newbyteorder("=")))
    places = np.unpackbits(rows, axis=1)[:, : width * channels * bits].reshape(*shape, bits)
    return np.asarray(places @ (1 << np.arange(bits - 1, -1, -1)), np.uint8)


def write_tiff(
    samples: np.ndarray,
    photometric: int,
    *,
    bits: int = 0,
    order: Order = "<",
    compression: int = NONE,
    predictor: int = 1,
    rows: int = 0,
    palette: np.ndarray | None = None,
    extra: int = 0,
    orientation: int = 1,
    ahead: bool = False,
) -> bytes:
    """A file of samples (H, W, channels) in strips of so many rows, or one; a byte order "<" or ">"; `palette` (2ᵇⁱᵗˢ, 3) of 16 bits.

    Its directory stands behind the strips, or `ahead` of them.
    """
    (height, width, channels), bits = samples.shape, bits or 8 * samples.itemsize
    step = rows or height
    parts = [samples[at : at + step] for at in range(0, height, step)]
    parts = [differences(part) for part in parts] if predictor == 2 else parts
    strips = [compressed(in_rows(part, bits, order), compression) for part in parts]
    starts = np.cumsum([0] + [len(strip) + len(strip) % 2 for strip in strips])  # each begins on a word
    kind = {"u": UNSIGNED, "i": SIGNED, "f": FLOATING}[samples.dtype.kind]
    fields: Fields = {
        WIDTH: (3, [width]), LENGTH: (4, [height]), BITS: (3, [bits] * channels), COMPRESSION: (3, [compression]),
        PHOTOMETRIC: (3, [photometric]), OFFSETS: (4, starts[:-1].tolist()), ORIENTATION: (3, [orientation]), SAMPLES: (3, [channels]),
        ROWS: (4, [step]), COUNTS: (4, [len(strip) for strip in strips]), PLANAR: (3, [1]), FORMAT: (3, [kind] * channels),
        **({PREDICTOR: (3, [predictor])} if predictor != 1 else {}), **({EXTRA: (3, [extra])} if extra else {}),
        **({COLOURS: (3, palette.T.ravel().tolist())} if palette is not None else {}),
    }  # fmt: skip
    body = b"".join(strip + bytes(len(strip) % 2) for strip in strips)
    first = 8 + (len(directory(fields, 8, order)) if ahead else 0)  # where the first strip begins
    fields[OFFSETS] = (4, [first + at for at in fields[OFFSETS][1]])
    start = 8 if ahead else 8 + len(body)
    parts_of_file = (directory(fields, start, order), body) if ahead else (body, directory(fields, start, order))
    return struct.pack(f"{order}2sHI", b"II" if order == "<" else b"MM", 42, start) + b"".join(parts_of_file)


def directory(fields: Fields, start: int, order: Order) -> bytes:
    """A directory of fields by their tag, each of a type and values, that begins at `start`; what does not fit stands behind it."""
    entries, behind = b"", b""
    for tag, (kind, values) in sorted(fields.items()):
        data = struct.pack(f"{order}{len(values)}{SIZES[kind]}", *values)
        if len(data) > 4:
            place = struct.pack(f"{order}I", start + 2 + 12 * len(fields) + 4 + len(behind))
            behind += data
        else:
            place = data.ljust(4, b"\0")
        entries += struct.pack(f"{order}HHI", tag, kind, len(values)) + place
    return struct.pack(f"{order}H", len(fields)) + entries + bytes(4) + behind


def fields_of(file: bytes) -> tuple[str, dict[int, tuple[int, ...]]]:
    """The byte order of a file, and the fields of whole numbers in its first directory."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(file[:4])
    if order is None:
        raise TIFFError("the signature is wrong")
    found = {}
    try:
        (start,) = struct.unpack_from(f"{order}I", file, 4)
        (count,) = struct.unpack_from(f"{order}H", file, start)
        for at in range(start + 2, start + 2 + 12 * count, 12):
            tag, kind, length = struct.unpack_from(f"{order}HHI", file, at)
            if kind not in SIZES:
                continue
            form = f"{order}{length}{SIZES[kind]}"
            place = at + 8 if struct.calcsize(form) <= 4 else struct.unpack_from(f"{order}I", file, at + 8)[0]
            found[tag] = struct.unpack_from(form, file, place)
        struct.unpack_from(f"{order}I", file, start + 2 + 12 * count)
    except struct.error as error:
        raise TIFFError("the directory is not whole") from error
    return order, found


def places(file: bytes) -> tuple[int, int]:
    """Where the directory of a file begins, and where its first strip does."""
    order, fields = fields_of(file)
    return struct.unpack_from(f"{order}I", file, 4)[0], fields[OFFSETS][0]


def read_tiff(file: bytes) -> TIFF:
    """The samples of the first image of a file; TIFFError where it is none, or not of strips with the samples of a pixel together."""
    order, fields = fields_of(file)
    missing = [tag for tag in (WIDTH, LENGTH, PHOTOMETRIC, OFFSETS, COUNTS) if tag not in fields]
    if missing:
        raise TIFFError(f"there is no field {missing[0]}")
    height, width, channels = fields[LENGTH][0], fields[WIDTH][0], fields.get(SAMPLES, (1,))[0]
    bits, step = fields.get(BITS, (1,))[0], min(fields.get(ROWS, (height,))[0], height)
    if fields.get(PLANAR, (1,))[0] != 1 or len(fields.get(BITS, (1,))) != channels:
        raise TIFFError("the samples of a pixel are not together, or not of one size")
    kind = np.dtype(f"{order}{KINDS[fields.get(FORMAT, (UNSIGNED,))[0]]}{max(bits // 8, 1)}")
    scheme, predictor = fields.get(COMPRESSION, (NONE,))[0], fields.get(PREDICTOR, (1,))[0]
    parts = []
    for i, (start, count) in enumerate(zip(fields[OFFSETS], fields[COUNTS], strict=True)):
        if start + count > len(file):
            raise TIFFError("a strip is not whole")
        rows = min(step, height - i * step)
        strip = expanded(file[start : start + count], scheme)
        strip = floats(strip, rows, channels, kind) if predictor == 3 else strip
        parts.append(of_rows(strip, (rows, width, channels), kind, bits))
    samples = np.concatenate([sums(part) if predictor == 2 else part for part in parts])
    palette = np.array(fields[COLOURS], np.uint16).reshape(3, -1).T if COLOURS in fields else None
    extra, orientation = fields.get(EXTRA, (0,))[0], fields.get(ORIENTATION, (1,))[0]
    return TIFF(samples, fields[PHOTOMETRIC][0], bits, extra, orientation, palette, fields)
