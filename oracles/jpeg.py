"""Baseline JPEG files, written and read from the standard, down to the quantised coefficients.

Source: ITU-T T.81: sequential DCT mode (F), Huffman coding (F.1.2, F.2.2), syntax (B.2); JFIF 1.02 for what the components are.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from oracles.jpeg_tables import HUFFMAN, ZIGZAG, codes

SOI, EOI, SOS, DQT, DHT, SOF0, DRI, APP0, APP1 = 0xD8, 0xD9, 0xDA, 0xDB, 0xC4, 0xC0, 0xDD, 0xE0, 0xE1
EXIF, JFIF = b"Exif\0\0", b"JFIF\0\1\2\0\0\1\0\1\0\0"
Sampling = tuple[int, int]  # samples of a component across and down, of each unit of the file


class JPEGError(ValueError):
    """A file that is not the baseline JPEG that it should be."""


@dataclass
class JPEG:
    """Height, width, and of each component: its sampling, table (8, 8), and coefficients (rows of blocks, columns of blocks, 8, 8)."""

    height: int
    width: int
    sampling: list[Sampling]
    tables: list[np.ndarray]
    coefficients: list[np.ndarray] = field(default_factory=list)
    exif: bytes = b""

    def units(self) -> tuple[int, int]:
        """How many units of all components there are, down and across."""
        across, down = (8 * max(s[i] for s in self.sampling) for i in (0, 1))
        return -(-self.height // down), -(-self.width // across)

    def size(self, component: int) -> tuple[int, int]:
        """Height and width of a component in its own samples (A.1.1)."""
        most = [max(s[k] for s in self.sampling) for k in (0, 1)]
        across, down = self.sampling[component]
        return -(-self.height * down // most[1]), -(-self.width * across // most[0])

    def blocks(self) -> Iterator[tuple[int, int, int]]:
        """The component, row and column of each block, in the order of a file."""
        rows, columns = self.units()
        for row, column in np.ndindex(rows, columns):
            for component, (across, down) in enumerate(self.sampling):
                for i, j in np.ndindex(down, across):
                    yield component, row * down + i, column * across + j

    def empty(self) -> list[np.ndarray]:
        """Coefficients of zero, of the file's size."""
        rows, columns = self.units()
        return [np.zeros((rows * down, columns * across, 8, 8), int) for across, down in self.sampling]


def bits_of(number: int) -> str:
    """A number without the leading bit that its size tells: a negative one as its complement (F.1.2.1)."""
    size = abs(number).bit_length()
    return f"{number if number > 0 else number + (1 << size) - 1:0{size}b}" if size else ""


def number_of(bits: str) -> int:
    """The inverse."""
    return 0 if not bits else int(bits, 2) if bits[0] == "1" else int(bits, 2) - (1 << len(bits)) + 1


def coded(jpeg: JPEG) -> str:
    """All blocks as a string of bits."""
    words = {key: {value: code for code, value in codes(*table).items()} for key, table in HUFFMAN.items()}
    last, out = [0] * len(jpeg.sampling), []
    for component, row, column in jpeg.blocks():
        line = jpeg.coefficients[component][row, column].ravel()[ZIGZAG].tolist()
        dc, ac = words[0, min(component, 1)], words[1, min(component, 1)]
        step, last[component] = line[0] - last[component], line[0]
        out += [dc[abs(step).bit_length()], bits_of(step)]
        end, run = max((i for i in range(1, 64) if line[i]), default=0), 0
        for value in line[1 : end + 1]:
            if value == 0:
                run += 1
                continue
            out += [ac[0xF0]] * (run // 16) + [ac[run % 16 << 4 | abs(value).bit_length()], bits_of(value)]
            run = 0
        out += [ac[0]] if end < 63 else []
    return "".join(out)


def decoded(jpeg: JPEG, bits: str, tables: dict[tuple[int, int], dict[str, int]], chosen: list[tuple[int, int]], restart: int) -> None:
    """Fill in the coefficients; restart markers are spaces in the string, before which it is filled up."""
    jpeg.coefficients = jpeg.empty()
    last, at = [0] * len(jpeg.sampling), 0
    each = restart * sum(across * down for across, down in jpeg.sampling)

    def word(table: dict[str, int]) -> int:
        nonlocal at
        for length in range(1, 17):
            if bits[at : at + length] in table:
                at += length
                return table[bits[at - length : at]]
        raise JPEGError("the coded data end early, or hold a code that is none")

    def number(size: int) -> int:
        nonlocal at
        at += size
        return number_of(bits[at - size : at])

    for done, (component, row, column) in enumerate(jpeg.blocks()):
        if each and done and done % each == 0:
            at, last = bits.index(" ", at) + 1, [0] * len(last)
        line, i = [0] * 64, 1
        last[component] += number(word(tables[0, chosen[component][0]]))
        line[0] = last[component]
        while i < 64:
            run, size = divmod(word(tables[1, chosen[component][1]]), 16)
            if not size and run < 15:
                break
            i += run + 1
            if size:
                line[i - 1] = number(size)
        block = np.zeros(64, int)
        block[ZIGZAG] = line
        jpeg.coefficients[component][row, column] = block.reshape(8, 8)


def segment(marker: int, data: bytes) -> bytes:
    """A marker with its data."""
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


def write_jpeg(jpeg: JPEG) -> bytes:
    """The file of given coefficients, with Annex K's codes."""
    count = len(jpeg.sampling)
    quantisation = b"".join(bytes([i]) + bytes(jpeg.tables[i].ravel()[ZIGZAG].tolist()) for i in range(min(count, 2)))
    frame = b"".join(bytes([i + 1, across << 4 | down, min(i, 1)]) for i, (across, down) in enumerate(jpeg.sampling))
    huffman = b"".join(bytes([kind << 4 | to]) + counts + values for (kind, to), (counts, values) in HUFFMAN.items())
    scan = b"".join(bytes([i + 1, 17 * min(i, 1)]) for i in range(count))
    bits = coded(jpeg)
    bits += "1" * (-len(bits) % 8)
    data = bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8)).replace(b"\xff", b"\xff\0")
    return b"".join(
        (
            b"\xff\xd8",
            segment(APP0, JFIF),
            segment(APP1, EXIF + jpeg.exif) if jpeg.exif else b"",
            segment(DQT, quantisation),
            segment(SOF0, struct.pack(">BHHB", 8, jpeg.height, jpeg.width, count) + frame),
            segment(DHT, huffman),
            segment(SOS, bytes([count]) + scan + bytes([0, 63, 0])),
            data,
            b"\xff\xd9",
        )
    )


def read_jpeg(file: bytes) -> JPEG:
    """What a baseline file holds; JPEGError where it is none or not whole."""
    try:
        return _read(file)
    except (struct.error, IndexError, KeyError, ValueError) as error:
        raise JPEGError(f"it is not whole: {error}") from error


def _read(file: bytes) -> JPEG:
    if file[:2] != b"\xff\xd8" or file[-2:] != b"\xff\xd9":
        raise JPEGError("it does not begin or not end as a file does")
    at, tables, huffman, exif, restart = 2, {}, {}, b"", 0
    frame: JPEG | None = None
    while True:
        marker, length = struct.unpack(">xBH", file[at : at + 4])
        data, at = file[at + 4 : at + 2 + length], at + 2 + length
        if marker == DQT:
            for i in range(0, len(data), 65):
                table = np.zeros(64, int)
                table[ZIGZAG] = list(data[i + 1 : i + 65])
                tables[data[i]] = table.reshape(8, 8)
        elif marker == DHT:
            while data:
                end = 17 + sum(data[1:17])
                huffman[data[0] >> 4, data[0] & 15] = codes(data[1:17], data[17:end])
                data = data[end:]
        elif marker == SOF0:
            _, height, width, count = struct.unpack(">BHHB", data[:6])
            parts = [data[6 + 3 * i : 9 + 3 * i] for i in range(count)]
            alone = count == 1  # then the blocks of a scan are not interleaved, whatever the sampling (A.2.2)
            sampling = [(1, 1) if alone else (part[1] >> 4, part[1] & 15) for part in parts]
            frame = JPEG(height, width, sampling, [tables[part[2]] for part in parts])
        elif marker == DRI:
            (restart,) = struct.unpack(">H", data)
        elif marker == APP1 and data.startswith(EXIF):
            exif = data[len(EXIF) :]
        elif marker == SOS:
            if frame is None:
                raise JPEGError("the scan comes before a baseline frame")
            chosen = [(data[2 + 2 * i] >> 4, data[2 + 2 * i] & 15) for i in range(data[0])]
            decoded(frame, _bits(file[at:-2]), huffman, chosen, restart)
            frame.exif = exif
            return frame


def _bits(data: bytes) -> str:
    """Coded data as a string of bits, a space where it begins anew."""
    for i in range(8):
        data = data.replace(bytes([0xFF, 0xD0 + i]), b"\xff\x01")
    parts = [part.replace(b"\xff\0", b"\xff") for part in data.split(b"\xff\x01")]
    return " ".join("".join(f"{byte:08b}" for byte in part) for part in parts)
