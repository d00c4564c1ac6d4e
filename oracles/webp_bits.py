"""Bits, prefix codes and copies of lossless WebP, written: no file is small, but each way to say a thing is there.

Source: RFC 9649, sections 3.5 (image data) and 3.7 (entropy code).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from oracles.webp_codes import OFFSETS, ORDER, REPEATS, Code, distance, slot

Token = tuple[tuple[int, int, int, int], ...]  # alphabet, symbol, bits that follow, how many


@dataclass(frozen=True)
class Style:
    """How an image is stored: bits of the colour cache, whether pixels are copied, and how codes are said.

    `simple` codes where there are at most two symbols, `skewed` ones with a short code, `repeats` of lengths, and only so many (`trimmed`).
    """

    cache: int = 0
    copies: bool = False
    simple: bool = True
    skewed: bool = False
    repeats: bool = True
    trimmed: bool = True


class Out:
    """Bits, the lowest of each byte first."""

    def __init__(self) -> None:
        """None yet; the first is the last digit of the last string."""
        self.digits: list[str] = []

    def put(self, value: int, count: int) -> None:
        """So many bits more."""
        if count:
            self.digits.append(f"{value:0{count}b}")

    def data(self) -> bytes:
        """Whole bytes, the last filled with zeros."""
        digits = "".join(reversed(self.digits))
        return int(digits or "0", 2).to_bytes(-(-len(digits) // 8), "little")


class Writer:
    """A prefix code by its lengths."""

    def __init__(self, lengths: Sequence[int]) -> None:
        """A single symbol takes no bit."""
        self.codes = {symbol: digits[::-1] for digits, symbol in Code(lengths).symbols.items()}

    def put(self, out: Out, symbol: int) -> None:
        """The code of a symbol, its highest bit first."""
        out.digits.append(self.codes.get(symbol, ""))


def complete(count: int, skewed: bool) -> list[int]:
    """Lengths of a complete code of so many symbols, nearly equal, or one short and the others so."""
    if count < 3 or not skewed:
        longest = max(1, (count - 1).bit_length())
        short = 2**longest - count if count > 1 else 0
        return [longest - 1] * short + [longest] * (count - short)
    return [1, *(length + 1 for length in complete(count - 1, skewed=False))]


def spread(symbols: Sequence[int], size: int, skewed: bool) -> list[int]:
    """The lengths for an alphabet of which these symbols are used."""
    lengths = [0] * size
    for symbol, length in zip(symbols, complete(len(symbols), skewed), strict=True):
        lengths[symbol] = length
    return lengths


def run_by_run(lengths: list[int], repeats: bool) -> list[tuple[int, int]]:
    """Lengths, and repeats of the last one or of none, with how many more."""
    tokens: list[tuple[int, int]] = []
    last = 8
    for length, same in groupby(lengths):
        run = len(list(same))
        while run:
            kind = 16 if length else 18 if run > 10 else 17
            fewest, bits = REPEATS[kind]
            if repeats and run >= 3 and length in (0, last):
                count = min(run, fewest + 2**bits - 1)
                tokens.append((kind, count - fewest))
            else:
                count = 1
                tokens.append((length, 0))
                last = length or last
            run -= count
    return tokens


def put_code(out: Out, symbols: Sequence[int], size: int, style: Style) -> Writer:
    """A code of these symbols of an alphabet, said in some way."""
    symbols = sorted(symbols) or [0]
    lengths = spread(symbols, size, style.skewed)
    if style.simple and len(symbols) <= 2 and symbols[-1] < 256:
        wide = symbols[0] > 1
        out.put(1 | (len(symbols) - 1) << 1 | wide << 2, 3)
        out.put(symbols[0], 8 if wide else 1)
        if len(symbols) == 2:
            out.put(symbols[1], 8)
        return Writer(lengths)
    tokens = run_by_run(lengths, style.repeats)
    while style.trimmed and len(tokens) > 2 and tokens[-1][0] in (0, 17, 18):
        tokens.pop()
    of_lengths = spread(sorted({token for token, _ in tokens}), len(ORDER), skewed=False)
    given = max(4, 1 + max(i for i, place in enumerate(ORDER) if of_lengths[place]))
    out.put((given - 4) << 1, 5)
    for place in ORDER[:given]:
        out.put(of_lengths[place], 3)
    trimmed = style.trimmed and len(tokens) >= 2
    out.put(int(trimmed), 1)
    if trimmed:
        pairs = max(0, -(-((len(tokens) - 2).bit_length() - 2) // 2))
        out.put(pairs, 3)
        out.put(len(tokens) - 2, 2 + 2 * pairs)
    writer = Writer(of_lengths)
    for token, more in tokens:
        writer.put(out, token)
        out.put(more, REPEATS[token][1] if token in REPEATS else 0)
    return Writer(lengths)


def number(value: int) -> tuple[int, int, int]:
    """A length or distance as a prefix, what follows, and in how many bits."""
    value -= 1
    if value < 4:
        return value, 0, 0
    more = value.bit_length() - 2
    return 2 * (more + 1) + (value >> more & 1), value & ((1 << more) - 1), more


def longest(words: list[int], at: int, places: list[int]) -> tuple[int, int]:
    """The length of the longest copy from one of these places, and how far back it is."""
    found = (0, 0)
    for place in places:
        length = 0
        while at + length < len(words) and length < 4096 and words[place + length] == words[at + length]:
            length += 1
        found = max(found, (length, at - place))
    return found


def tokens_of(words: list[int], width: int, style: Style) -> list[tuple[int, Token]]:
    """Pixels, slots of the cache and copies, each with where it begins."""
    near = {distance(i + 1, width): i + 1 for i in reversed(range(len(OFFSETS)))} if style.copies else {}
    tokens: list[tuple[int, Token]] = []
    cache = [0] * (1 << style.cache)
    seen: dict[int, list[int]] = {}
    at = 0
    while at < len(words):
        word = words[at]
        length, back = longest(words, at, seen.get(word, [])[-4:]) if style.copies else (0, 0)
        if length >= 2:
            far = near.get(back, back + len(OFFSETS)) if at % 4 else back + len(OFFSETS)
            tokens.append(
                (at, tuple((where, start + p, v, n) for where, start, (p, v, n) in ((0, 256, number(length)), (4, 0, number(far)))))
            )
        elif style.cache and cache[slot(word, style.cache)] == word:
            length = 1
            tokens.append((at, ((0, 280 + slot(word, style.cache), 0, 0),)))
        else:
            length = 1
            tokens.append((at, tuple((i, word >> shift & 255, 0, 0) for i, shift in enumerate((8, 16, 0, 24)))))
        for place in range(at, at + length):
            seen.setdefault(words[place], []).append(place)
            if style.cache:
                cache[slot(words[place], style.cache)] = words[place]
        at += length
    return tokens


def put_words(
    out: Out, words: list[int], width: int, style: Style, *, main: bool = False, groups: np.ndarray | None = None, side: int = 2
) -> None:
    """An image; the `main` one with groups of codes, one for each square of 2**side, or None."""
    out.put(int(style.cache > 0), 1)
    out.put(style.cache, 4 if style.cache else 0)
    if main:
        out.put(int(groups is not None), 1)
    if groups is not None:
        out.put(side - 2, 3)
        put_words(out, [int(group) << 8 for group in groups.ravel()], groups.shape[1], Style())
    count = 1 if groups is None else int(groups.max()) + 1
    tokens = tokens_of(words, width, style)
    where = [0 if groups is None else int(groups[at // width >> side, at % width >> side]) for at, _ in tokens]
    used: list[list[set[int]]] = [[set() for _ in range(5)] for _ in range(count)]
    for group, (_, token) in zip(where, tokens, strict=True):
        for alphabet, symbol, _, _ in token:
            used[group][alphabet].add(symbol)
    sizes = (280 + (1 << style.cache if style.cache else 0), 256, 256, 256, 40)
    codes = [[put_code(out, sorted(each), size, style) for each, size in zip(sets, sizes, strict=True)] for sets in used]
    for group, (_, token) in zip(where, tokens, strict=True):
        for alphabet, symbol, value, more in token:
            codes[group][alphabet].put(out, symbol)
            out.put(value, more)
