"""Netpbm's bitmaps, graymaps, pixmaps and arbitrary maps, and floating maps in their manner, written and read from their specifications.

Source: Netpbm, pbm(5), pgm(5), ppm(5) and pam(5); P. Debevec, *Portable FloatMap image format*, as pfm(5) describes it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

PLAIN, RAW = {1: "P1", 2: "P2", 3: "P3"}, {1: "P4", 2: "P5", 3: "P6"}  # bits, gray, colours: in decimal, and in bytes
BITS, GRAY, COLOURS = 1, 2, 3
GAP = rb"(?:\s|#[^\n\r]*[\n\r])+"  # white space and comments
HEAD = re.compile(rb"P([1-6])(?:%s)(\d+)(?:%s)(\d+)" % (GAP, GAP))
MOST = re.compile(rb"(?:%s)(\d+)" % GAP)
TUPLES = {1: b"GRAYSCALE", 2: b"GRAYSCALE_ALPHA", 3: b"RGB", 4: b"RGB_ALPHA"}
FLOATS = re.compile(rb"P([fF])\s(\d+)\s(\d+)\s(-?\d+(?:\.\d*)?)\s")


class PNMError(ValueError):
    """A file that is not the map that it should be."""


@dataclass(frozen=True)
class PNM:
    """samples (H, W, channels) as they are stored, the kind of a map of bits, gray or colours, and the sample of most light.

    In a map of bits 1 is black. Samples of a floating map have no kind. `plain` is whether they are decimal numbers, `tuples` what an
    arbitrary map calls them.
    """

    samples: np.ndarray
    kind: int
    most: int
    plain: bool = False
    tuples: bytes = b""


def in_bytes(samples: np.ndarray, most: int) -> bytes:
    """Samples one after the other, of one byte, or of two where `most` needs them, the high one first."""
    return samples.astype(">u2" if most > 255 else np.uint8).tobytes()


def of_bytes(data: bytes, shape: tuple[int, int, int], most: int) -> np.ndarray:
    """The inverse."""
    kind = np.dtype(">u2" if most > 255 else np.uint8)
    if len(data) != int(np.prod(shape)) * kind.itemsize:
        raise PNMError(f"there are {len(data)} bytes of samples for {shape}")
    samples: np.ndarray = np.frombuffer(data, kind).reshape(shape).astype(kind.newbyteorder("="))
    if (samples > most).any():
        raise PNMError("a sample is above the largest")
    return samples


def write_pnm(samples: np.ndarray, kind: int, *, most: int = 1, plain: bool = False, comment: bytes = b"", space: bytes = b"\n") -> bytes:
    """A map of samples (H, W, 1 or 3); a comment behind the magic number, and between the sides `space`."""
    height, width, _ = samples.shape
    magic = (PLAIN if plain else RAW)[kind].encode()
    head = magic + b"\n" + comment + b"%d%s%d\n" % (width, space, height) + (b"%d\n" % most if kind != BITS else b"")
    rows = samples.reshape(height, -1)
    if plain:
        return head + b"".join((b"" if kind == BITS else b" ").join(b"%d" % sample for sample in row) + b"\n" for row in rows.tolist())
    return head + (np.packbits(rows.astype(np.uint8), axis=1).tobytes() if kind == BITS else in_bytes(samples, most))


def read_pnm(file: bytes) -> PNM:
    """The samples of a map of bits, gray or colours; PNMError where it is not one, alone in its file."""
    head = HEAD.match(file)
    if not head:
        raise PNMError("there is no magic number with two sides")
    number, width, height = map(int, head.groups())
    kind, plain, at, most = (number - 1) % 3 + 1, number < 4, head.end(), 1
    if kind != BITS:
        largest = MOST.match(file, at)
        if not largest:
            raise PNMError("there is no largest sample")
        most, at = int(largest[1]), largest.end()
    if not file[at : at + 1].isspace() or not 0 < most < 65536 or not width or not height:
        raise PNMError("the head is not whole")
    shape, data = (height, width, 3 if kind == COLOURS else 1), file[at + 1 :]
    samples = in_decimal(data, shape, kind, most) if plain else in_bits(data, shape) if kind == BITS else of_bytes(data, shape, most)
    return PNM(samples, kind, most, plain)


def in_decimal(data: bytes, shape: tuple[int, int, int], kind: int, most: int) -> np.ndarray:
    """Decimal numbers, each with white space behind it; bits need none."""
    numbers = [b"%c" % each for each in b"".join(data.split())] if kind == BITS else data.split()
    if kind != BITS and not data[-1:].isspace():
        raise PNMError("the last number may not be whole")
    if len(numbers) != int(np.prod(shape)) or not all(number.isdigit() and int(number) <= most for number in numbers):
        raise PNMError(f"there are not as many numbers as {shape}, or other ones")
    return np.array([int(number) for number in numbers], np.uint16 if most > 255 else np.uint8).reshape(shape)


def in_bits(data: bytes, shape: tuple[int, int, int]) -> np.ndarray:
    """Rows of bits, the high bits first, each row of whole bytes."""
    height, width, _ = shape
    rows = of_bytes(data, (height, -(-width // 8), 1), 255)[..., 0]
    return np.unpackbits(rows, axis=1)[:, :width, None]


def write_pam(samples: np.ndarray, *, most: int, comment: bytes = b"") -> bytes:
    """An arbitrary map of samples (H, W, 1 … 4), the last of two and of four being opacity."""
    height, width, depth = samples.shape
    fields = b"WIDTH %d\nHEIGHT %d\nDEPTH %d\nMAXVAL %d\nTUPLTYPE %s\nENDHDR\n" % (width, height, depth, most, TUPLES[depth])
    return b"P7\n" + comment + fields + in_bytes(samples, most)


def read_pam(file: bytes) -> PNM:
    """The samples of an arbitrary map; PNMError where it is not one, or its tuples are not of the type that their number asks for."""
    head, end, data = file.partition(b"ENDHDR\n")
    lines = [line.split(None, 1) for line in head.split(b"\n") if line.strip() and not line.startswith(b"#")]
    if not end or lines[0] != [b"P7"] or any(len(line) != 2 for line in lines[1:]):
        raise PNMError("the head is not whole")
    fields = {line[0]: line[1].strip() for line in lines[1:]}
    if set(fields) - {b"TUPLTYPE"} != {b"WIDTH", b"HEIGHT", b"DEPTH", b"MAXVAL"}:
        raise PNMError(f"the head has the fields {sorted(fields)}")
    width, height, depth, most = (int(fields[name]) for name in (b"WIDTH", b"HEIGHT", b"DEPTH", b"MAXVAL"))
    if fields.get(b"TUPLTYPE", TUPLES.get(depth)) != TUPLES.get(depth):
        raise PNMError(f"{depth} samples are called {fields[b'TUPLTYPE'].decode()}")
    samples = of_bytes(data, (height, width, depth), most)
    return PNM(samples, COLOURS if depth > 2 else GRAY, most, tuples=fields.get(b"TUPLTYPE", b""))


def write_pfm(samples: np.ndarray, *, order: str = "<") -> bytes:
    """A floating map of samples (H, W, 1 or 3), the last row first, in a byte order: "<" or ">"."""
    height, width, depth = samples.shape
    head = b"P%s\n%d %d\n%s\n" % (b"F" if depth == 3 else b"f", width, height, b"-1.0" if order == "<" else b"1.0")
    return head + samples[::-1].astype(f"{order}f4").tobytes()


def read_pfm(file: bytes) -> PNM:
    """The samples (H, W, 1 or 3) of a floating map of the scale 1; PNMError where it is not one."""
    head = FLOATS.match(file)
    if not head or abs(float(head[4])) != 1:
        raise PNMError("there is no magic number with two sides and a scale of 1")
    shape = (int(head[3]), int(head[2]), 3 if head[1] == b"F" else 1)
    data = file[head.end() :]
    if len(data) != 4 * int(np.prod(shape)):
        raise PNMError(f"there are {len(data)} bytes of samples for {shape}")
    samples = np.frombuffer(data, "<f4" if float(head[4]) < 0 else ">f4").reshape(shape)
    return PNM(samples[::-1].astype(np.float32), 0, 1)
