"""Bits, prefix codes and copies of lossless WebP: how an image of words is stored, before any transform.

Source: RFC 9649, sections 3.5 (image data) and 3.7 (entropy code).
"""

from __future__ import annotations

from collections.abc import Sequence

ORDER = (17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)  # of the lengths of codes of lengths
REPEATS = {16: (3, 2), 17: (3, 3), 18: (11, 7)}  # the fewest, and how many bits say how many more
HASH = 0x1E35A7BD
NEAR = (  # what is right of the pixel under a distance, and how many rows up: "x,y"
    "0,1 1,0 1,1 -1,1 0,2 2,0 1,2 -1,2 2,1 -2,1 2,2 -2,2 0,3 3,0 1,3 -1,3 3,1 -3,1 2,3 -2,3 3,2 -3,2 0,4 4,0 1,4 -1,4 4,1 -4,1 "
    "3,3 -3,3 2,4 -2,4 4,2 -4,2 0,5 3,4 -3,4 4,3 -4,3 5,0 1,5 -1,5 5,1 -5,1 2,5 -2,5 5,2 -5,2 4,4 -4,4 3,5 -3,5 5,3 -5,3 0,6 6,0 "
    "1,6 -1,6 6,1 -6,1 2,6 -2,6 6,2 -6,2 4,5 -4,5 5,4 -5,4 3,6 -3,6 6,3 -6,3 0,7 7,0 1,7 -1,7 5,5 -5,5 7,1 -7,1 4,6 -4,6 6,4 -6,4 "
    "2,7 -2,7 7,2 -7,2 3,7 -3,7 7,3 -7,3 5,6 -5,6 6,5 -6,5 8,0 4,7 -4,7 7,4 -7,4 8,1 8,2 6,6 -6,6 8,3 5,7 -5,7 7,5 -7,5 8,4 6,7 "
    "-6,7 7,6 -7,6 8,5 7,7 -7,7 8,6 8,7"
)
OFFSETS = tuple((int(pair.split(",")[0]), int(pair.split(",")[1])) for pair in NEAR.split())


class WebPError(ValueError):
    """A file that is not the lossless WebP that it should be."""


class NoMeaningError(WebPError):
    """A file that says something to which the format gives no meaning, and of which it does not say that a reader must notice."""


class Bits:
    """Bits of bytes, the lowest first, as a string of digits."""

    def __init__(self, data: bytes) -> None:
        """The first bit is next."""
        self.digits, self.at = "".join(f"{byte:08b}"[::-1] for byte in data), 0

    def take(self, count: int) -> int:
        """The next bits as a number, the first the lowest; WebPError where there are too few."""
        digits = self.digits[self.at : self.at + count]
        if len(digits) < count:
            raise WebPError("the data end too early")
        self.at += count
        return int(digits[::-1] or "0", 2)


class Code:
    """A prefix code: from the lengths of the codes of symbols, 0 where a symbol has none.

    `symbols` are those of strings of digits, of the `lengths` that there are.
    """

    def __init__(self, lengths: Sequence[int]) -> None:
        """WebPError where the lengths are not those of a complete code; a single symbol takes no bit."""
        used = sorted((length, symbol) for symbol, length in enumerate(lengths) if length)
        if len(used) == 1:
            used = [(0, used[0][1])]
        if sum(2 ** (15 - length) for length, _ in used) != 2**15:
            raise WebPError("a prefix code is not complete")
        self.lengths = sorted({length for length, _ in used})
        self.symbols: dict[str, int] = {}
        code = last = 0
        for length, symbol in used:
            code <<= length - last
            self.symbols[f"{code:0{length}b}" if length else ""] = symbol
            code, last = code + 1, length

    def read(self, bits: Bits) -> int:
        """The next symbol; WebPError where the bits are none."""
        for length in self.lengths:
            symbol = self.symbols.get(bits.digits[bits.at : bits.at + length])
            if symbol is not None:
                bits.at += length
                return symbol
        raise WebPError("the data end too early")


def read_code(bits: Bits, size: int) -> Code:
    """A prefix code of an alphabet of so many symbols, given simply or by its lengths."""
    lengths = [0] * size
    if bits.take(1):
        two, wide = bits.take(1), bits.take(1)
        for symbol in [bits.take(8 if wide else 1), *([bits.take(8)] if two else [])]:
            if symbol >= size:
                raise NoMeaningError("a symbol is beyond the alphabet")
            lengths[symbol] = 1
        return Code(lengths)
    of_lengths = [0] * len(ORDER)
    for place in ORDER[: 4 + bits.take(4)]:
        of_lengths[place] = bits.take(3)
    code = Code(of_lengths)
    most = 2 + bits.take(2 + 2 * bits.take(3)) if bits.take(1) else size
    if most > size:
        raise WebPError("there are more lengths than symbols")
    at, last = 0, 8
    for _ in range(most):
        if at >= size:
            break
        token = code.read(bits)
        if token < 16:
            lengths[at], at, last = token, at + 1, token or last
            continue
        fewest, more = REPEATS[token]
        count = fewest + bits.take(more)
        if at + count > size:
            raise WebPError("a length is repeated beyond the alphabet")
        lengths[at : at + count] = [last if token == 16 else 0] * count
        at += count
    return Code(lengths)


def read_number(bits: Bits, prefix: int) -> int:
    """A length or a distance from its prefix and what follows, at least 1."""
    if prefix < 4:
        return prefix + 1
    more = (prefix - 2) >> 1
    return ((2 + (prefix & 1)) << more) + bits.take(more) + 1


def distance(number: int, width: int) -> int:
    """How many pixels back a distance goes: the first 120 mean those near, above and beside."""
    if number > len(OFFSETS):
        return number - len(OFFSETS)
    x, y = OFFSETS[number - 1]
    return max(1, x + y * width)


def slot(word: int, size: int) -> int:
    """Where a word lies in a colour cache of 2**size."""
    return (HASH * word & 0xFFFFFFFF) >> (32 - size)


def read_words(bits: Bits, width: int, height: int, *, main: bool = False) -> list[int]:
    """The words alpha·2²⁴ + red·2¹⁶ + green·2⁸ + blue of an image, row by row; only the `main` one may have groups of codes."""
    cache_size, cache = 0, []
    if bits.take(1):
        cache_size = bits.take(4)
        if not 1 <= cache_size <= 11:
            raise WebPError("the colour cache has no size that there is")
        cache = [0] * (1 << cache_size)
    side, groups = 0, [0]
    if main and bits.take(1):
        side = bits.take(3) + 2
        across = -(-width >> side)
        groups = [word >> 8 & 0xFFFF for word in read_words(bits, across, -(-height >> side))]
    sizes = (256 + 24 + len(cache), 256, 256, 256, 40)
    codes = [[read_code(bits, size) for size in sizes] for _ in range(max(groups) + 1)]
    words: list[int] = []
    while len(words) < width * height:
        y, x = divmod(len(words), width)
        green, red, blue, alpha, far = codes[groups[(y >> side) * across + (x >> side)] if side else 0]
        symbol = green.read(bits)
        if symbol < 256:
            low = red.read(bits) << 16 | symbol << 8
            low |= blue.read(bits)
            new = [alpha.read(bits) << 24 | low]
        elif symbol < 280:
            length = read_number(bits, symbol - 256)
            back = distance(read_number(bits, far.read(bits)), width)
            if back > len(words) or len(words) + length > width * height:
                raise WebPError("a copy is from before the first pixel, or goes beyond the last")
            new = [words[len(words) - back + i % back] for i in range(length)]
        else:
            new = [cache[symbol - 280]]
        words += new
        if cache:
            for word in new:
                cache[slot(word, cache_size)] = word
    return words
