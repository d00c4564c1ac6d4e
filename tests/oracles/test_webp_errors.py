"""What the reader of lossless WebP refuses, and what it reads of a damaged file, against Pillow."""

import io

import numpy as np
import pytest
from PIL import Image

from oracles.cv_webp import read_lossless
from oracles.webp import INDEXING, PREDICTOR, read_vp8l, read_webp
from oracles.webp_bits import Out, Style, put_code, put_words
from oracles.webp_codes import Bits, Code, NoMeaningError, WebPError, read_code, read_words
from oracles.webp_writer import chunk, write_webp

IMAGE = np.random.default_rng(3).integers(0, 256, (6, 7, 4)).astype(np.uint8)
STREAM, SIMPLE, EXTENDED = 20, write_webp(IMAGE, even=True), write_webp(IMAGE, extended=True, even=True)


def wrong(file, place, byte):
    return file[:place] + bytes([byte]) + file[place + 1 :]


def stream(*fields):
    """A bitstream of one pixel without alpha: what follows its header, as numbers and how many bits they take."""
    out = Out()
    for value, count in ((0x2F, 8), (0, 29), (0, 3), *fields):
        out.put(value, count)
    return out.data()


def code(*fields):
    out = Out()
    for value, count in fields:
        out.put(value, count)
    return Bits(out.data() + bytes(4))


@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        (b"", "container"),
        (wrong(SIMPLE, 0, 0), "container"),
        (wrong(SIMPLE, 8, 0), "container"),
        (wrong(SIMPLE, 5, 255), "file ends too early"),
        (wrong(SIMPLE, 4, 14), "chunk ends too early"),
        (wrong(SIMPLE, 12, 0), "neither an image nor an extended header"),
        (wrong(SIMPLE, 15, 32), "lossy"),
        (wrong(SIMPLE, 17, 8), "chunk ends too early"),
        (wrong(SIMPLE, 16, 8), "data end too early"),
        (wrong(SIMPLE, STREAM, 0x2E), "signature"),
        (wrong(SIMPLE, STREAM + 4, SIMPLE[STREAM + 4] | 0x20), "no such version"),
        (wrong(EXTENDED, 15, 0x59), "neither an image nor an extended header"),
        (wrong(EXTENDED, 16, 2), "extended header is not whole"),
        (wrong(EXTENDED, 20, 0x12), "animated"),
        (wrong(EXTENDED, 24, 9), "canvas"),
        (wrong(EXTENDED, 27, 9), "canvas"),
        (wrong(EXTENDED, 33, 0), "no image"),
        (chunk(b"RIFF", b"WEBP"), "no image"),
    ],
)
def test_the_container_is_refused(file, sentence):
    with pytest.raises(WebPError, match=sentence):
        read_webp(file)


@pytest.mark.parametrize("kind", range(4))
def test_a_transform_is_there_once(kind):
    transform = (kind, 2, np.ones((3, 3, 4), np.uint8))
    assert (read_webp(write_webp(IMAGE, (transform,))) == IMAGE).all()
    with pytest.raises(WebPError, match="twice"):
        read_webp(write_webp(IMAGE, (transform, transform)))


@pytest.mark.parametrize("size", [0, 12, 13, 14, 15])
def test_a_cache_of_no_size_that_there_is(size):
    with pytest.raises(WebPError, match="cache"):
        read_vp8l(stream((0, 1), (1, 1), (size, 4)))


@pytest.mark.parametrize("lengths", [(), (0, 0), (1, 2), (1, 1, 1), (2, 2, 2), (1, 2, 2, 15)])
def test_lengths_of_no_complete_code(lengths):
    with pytest.raises(WebPError, match="not complete"):
        Code(lengths)


def test_a_symbol_beyond_the_alphabet_has_no_meaning():
    for fields in (((1, 1), (0, 1), (1, 1), (40, 8)), ((1, 1), (1, 1), (0, 1), (1, 1), (200, 8))):
        assert read_code(code(*fields), 256).lengths
        with pytest.raises(NoMeaningError, match="beyond the alphabet"):
            read_code(code(*fields), 40)


ONES = ((0, 1), (2, 4), (0, 9), (1, 3), (0, 6))  # a code of lengths of which every one is 1, which no bit says


def test_more_lengths_than_symbols():
    with pytest.raises(WebPError, match="more lengths"):
        read_code(code(*ONES, (1, 1), (0, 3), (3, 2)), 4)
    assert read_code(code(*ONES, (1, 1), (0, 3), (0, 2)), 4).lengths == [1]


def test_a_length_repeated_beyond_the_alphabet():
    zeros = ((0, 1), (0, 4), (0, 3), (1, 3), (0, 6), (0, 1))  # every length says that 11 or more are 0
    with pytest.raises(WebPError, match="repeated beyond"):
        read_code(code(*zeros, (0, 7)), 10)


def test_a_copy_from_before_the_first_pixel():
    out = Out()
    out.put(0, 1)
    green = put_code(out, [5, 256], 280, Style())
    for size in (256, 256, 256, 40):
        put_code(out, [0], size, Style())
    green.put(out, 256)  # a pixel from the row above
    with pytest.raises(WebPError, match="before the first"):
        read_words(Bits(out.data()), 3, 3)


def test_a_copy_beyond_the_last_pixel():
    out = Out()
    put_words(out, [5, 5, 5, 5], 4, Style(copies=True))
    assert read_words(Bits(out.data()), 4, 1) == [5, 5, 5, 5]
    with pytest.raises(WebPError, match="beyond the last"):
        read_words(Bits(out.data()), 3, 1)


@pytest.mark.parametrize("mode", [14, 15, 30])
def test_a_predictor_that_there_is_not_has_no_meaning(mode):
    file = write_webp(IMAGE[:1, :1], ((PREDICTOR, 2, np.full((1, 1, 4), mode)),))
    with pytest.raises(NoMeaningError, match="no such predictor"):
        read_webp(file)
    read = read_lossless(np.frombuffer(file, np.uint8), flags=-1)["read"]
    assert read.accepts(np.array(True)).all()
    assert read.accepts(np.array(False)).all()


def test_alpha_is_what_the_extended_header_says():
    assert read_webp(wrong(EXTENDED, 20, 0)).shape == (6, 7, 3)
    hint = wrong(EXTENDED, 38 + 4, EXTENDED[38 + 4] ^ 0x10)
    np.testing.assert_array_equal(read_webp(hint), IMAGE)


def opened(file):
    """What Pillow makes of a file, or None."""
    try:
        return np.asarray(Image.open(io.BytesIO(file)).convert("RGBA"))
    except (OSError, ValueError, Image.DecompressionBombError):
        return None


def test_every_wrong_bit_of_a_small_file_is_judged_as_pillow_does():
    """But those of the sizes of chunks, beyond which libwebp reads, and of alpha, of which Pillow asks the bitstream."""
    file = write_webp(IMAGE % 3 * 100, ((INDEXING, 2, None),), Style(copies=True), even=True)
    read = 0
    for place in (*range(16), *range(STREAM, len(file))):
        for bit in range(8):
            harmed = wrong(file, place, file[place] ^ 1 << bit)
            sides = int.from_bytes(harmed[STREAM + 1 : STREAM + 5], "little")
            if ((sides & 0x3FFF) + 1) * ((sides >> 14 & 0x3FFF) + 1) > 4096:
                continue
            try:
                ours = read_webp(harmed)
            except NoMeaningError:
                continue
            except WebPError:
                assert opened(harmed) is None
                continue
            theirs = opened(harmed)
            assert theirs is not None
            np.testing.assert_array_equal(theirs[..., : ours.shape[2]], ours)
            read += 1
    assert read > 20
