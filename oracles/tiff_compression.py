"""How TIFF compresses strips: LZW, PackBits, and differences between neighbours.

Source: Aldus, *TIFF*, revision 6.0, sections 9 (PackBits), 13 (LZW) and 14 (differencing predictor); Deflate: RFC 1950;
Adobe Photoshop, *TIFF Technical Note 3*, 2005 (floating point predictor).
"""

from __future__ import annotations

import zlib

import numpy as np

NONE, LZW, DEFLATE, ADOBE_DEFLATE, PACKBITS = 1, 5, 32946, 8, 32773
CLEAR, END = 256, 257


class TIFFError(ValueError):
    """A file that is not the TIFF file that it should be."""


def lzw_compressed(data: bytes) -> bytes:
    """Codes of 9 to 12 bits, the high bits first: the longest known strings, each of which makes a longer one known."""
    strings = {bytes([i]): i for i in range(256)}
    bits, known = [f"{CLEAR:09b}"], 258
    word = b""
    for byte in data:
        if word + bytes([byte]) in strings:
            word += bytes([byte])
            continue
        bits.append(f"{strings[word]:0{width_of(known)}b}")
        strings[word + bytes([byte])] = known
        known, word = known + 1, bytes([byte])
        if known == 4095:
            bits.append(f"{CLEAR:012b}")
            strings, known = {bytes([i]): i for i in range(256)}, 258
    if word:
        bits.append(f"{strings[word]:0{width_of(known)}b}")
        known += 1
    text = "".join(bits) + f"{END:0{width_of(known)}b}"
    return int(text.ljust(-(-len(text) // 8) * 8, "0"), 2).to_bytes(-(-len(text) // 8), "big")


def width_of(known: int) -> int:
    """How many bits the next code has where so many are known to the writer, the reader being one behind."""
    return 9 if known < 512 else 10 if known < 1024 else 11 if known < 2048 else 12


def lzw_expanded(data: bytes) -> bytes:
    """The inverse."""
    text, at, out = int.from_bytes(data, "big"), 8 * len(data), b""
    strings: list[bytes] = []
    last = b""
    while True:
        width = width_of(len(strings) + bool(last))
        at -= width
        if at < 0:
            raise TIFFError("the codes do not end")
        code = text >> at & ((1 << width) - 1)
        if code == END:
            return out
        if code == CLEAR:
            strings, last = [bytes([i]) for i in range(256)] + [b"", b""], b""
            continue
        if not strings or code > len(strings) or (code == len(strings) and not last):
            raise TIFFError(f"the code {code} is not known")
        word = strings[code] if code < len(strings) else last + last[:1]
        if last:
            strings.append(last + word[:1])
        out, last = out + word, word


def packed(row: bytes) -> bytes:
    """A row run by run: a count and bytes as they are, or the complement of a count and one byte."""
    out, at = b"", 0
    while at < len(row):
        same = len(row[at : at + 128]) - len(row[at : at + 128].lstrip(row[at : at + 1]))
        if same > 1:
            out += bytes([257 - same, row[at]])
            at += same
            continue
        end = at + 1
        while end < min(len(row), at + 128) and row[end : end + 1] != row[end + 1 : end + 2]:
            end += 1
        out += bytes([end - at - 1]) + row[at:end]
        at = end
    return out


def unpacked(data: bytes) -> bytes:
    """The inverse."""
    out, at = b"", 0
    while at < len(data):
        count = data[at]
        if count == 128:
            at += 1
        elif count > 128:
            out += data[at + 1 : at + 2] * (257 - count)
            at += 2
        else:
            out += data[at + 1 : at + 2 + count]
            at += 2 + count
    return out


def compressed(rows: np.ndarray, scheme: int) -> bytes:
    """Rows of bytes (H, n) as one strip."""
    if scheme == PACKBITS:
        return b"".join(packed(row.tobytes()) for row in rows)
    if scheme == LZW:
        return lzw_compressed(rows.tobytes())
    return zlib.compress(rows.tobytes()) if scheme in (DEFLATE, ADOBE_DEFLATE) else rows.tobytes()


def expanded(strip: bytes, scheme: int) -> bytes:
    """The inverse; TIFFError where it cannot be done."""
    if scheme in (DEFLATE, ADOBE_DEFLATE):
        try:
            return zlib.decompress(strip)
        except zlib.error as error:
            raise TIFFError(f"the stream is damaged: {error}") from error
    if scheme not in (NONE, LZW, PACKBITS):
        raise TIFFError(f"there is no compression {scheme}")
    return lzw_expanded(strip) if scheme == LZW else unpacked(strip) if scheme == PACKBITS else strip


def differences(samples: np.ndarray) -> np.ndarray:
    """Each integer of a row (H, W, channels) less the one before it in its channel, round the range."""
    return np.concatenate([samples[:, :1], samples[:, 1:] - samples[:, :-1]], axis=1)


def sums(samples: np.ndarray) -> np.ndarray:
    """The inverse."""
    return np.asarray(np.cumsum(samples, axis=1, dtype=samples.dtype))


def floats(strip: bytes, rows: int, channels: int, kind: np.dtype) -> bytes:
    """A strip of floating numbers whose bytes stand in planes, the highest first, each less the one a pixel before it, as it would be."""
    planes = np.frombuffer(strip, np.uint8).reshape(rows, -1, channels)
    planes = np.cumsum(planes, axis=1, dtype=np.uint8).reshape(rows, kind.itemsize, -1)
    return np.ascontiguousarray(planes.swapaxes(1, 2)).view(kind.newbyteorder(">")).astype(kind).tobytes()
