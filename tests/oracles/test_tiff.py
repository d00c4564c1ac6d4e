"""The TIFF reader and writer against Pillow, which uses libtiff."""

import io

import numpy as np
import pytest
from PIL import Image, ImageOps

from oracles.cv_tiff import HoldsTags, read_tags, shares, written_tiff
from oracles.exif import upright
from oracles.tiff import BLACK_IS_ZERO, PALETTE, RGB, UNASSOCIATED, WHITE_IS_ZERO, read_tiff, write_tiff
from oracles.tiff_compression import (
    ADOBE_DEFLATE,
    DEFLATE,
    LZW,
    NONE,
    PACKBITS,
    TIFFError,
    lzw_compressed,
    lzw_expanded,
    packed,
    unpacked,
)

SCHEMES = (NONE, LZW, ADOBE_DEFLATE, DEFLATE, PACKBITS)
PILLOW = {NONE: None, LZW: "tiff_lzw", ADOBE_DEFLATE: "tiff_adobe_deflate", PACKBITS: "packbits"}
RNG = np.random.default_rng(11)


def drawn(kind, *shape):
    kind = np.dtype(kind)
    return RNG.standard_normal(shape).astype(kind) if kind.kind == "f" else RNG.integers(0, 101, shape).astype(kind)


def opened(file):
    return np.asarray(Image.open(io.BytesIO(file)))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(("kind", "channels"), [("u1", 1), ("u1", 3), ("u1", 4), ("u2", 1), ("i4", 1), ("f4", 1)])
def test_pillow_reads_what_the_writer_writes(kind, channels, scheme, order):
    samples = drawn(kind, 23, 31, channels)
    for rows, ahead, predictor in (
        (0, False, 1),
        (7, True, 1),
        *(((5, False, 2),) if kind[0] != "f" and scheme in (LZW, ADOBE_DEFLATE) else ()),
    ):
        photometric = BLACK_IS_ZERO if channels == 1 else RGB
        extra = UNASSOCIATED if channels == 4 else 0
        file = write_tiff(samples, photometric, order=order, compression=scheme, rows=rows, ahead=ahead, predictor=predictor, extra=extra)
        np.testing.assert_array_equal(read_tiff(file).samples, samples)
        if order == "<" or kind[0] == "u":  # of others Pillow has no mode, or exchanges the bytes of what libtiff has exchanged
            np.testing.assert_array_equal(opened(file).reshape(samples.shape), samples)


@pytest.mark.parametrize(
    ("scheme", "predictor"), [(NONE, 1), (LZW, 1), (LZW, 2), (ADOBE_DEFLATE, 2), (PACKBITS, 1), (LZW, 3), (ADOBE_DEFLATE, 3)]
)
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "I;16", "F"])
def test_the_reader_reads_what_libtiff_writes(mode, scheme, predictor):
    if (predictor == 3) != (mode == "F") and predictor != 1:
        return
    samples = drawn("f4" if mode == "F" else "u2" if mode == "I;16" else "u1", 40, 57, {"RGB": 3, "RGBA": 4}.get(mode, 1))
    file = io.BytesIO()
    Image.fromarray(samples.squeeze()).save(file, "TIFF", compression=PILLOW[scheme], tiffinfo={317: predictor} if predictor > 1 else {})
    tiff = read_tiff(file.getvalue())
    assert tiff.fields.get(317, (1,)) == (predictor,)
    np.testing.assert_array_equal(tiff.samples, samples)


@pytest.mark.parametrize("photometric", [WHITE_IS_ZERO, BLACK_IS_ZERO])
@pytest.mark.parametrize("bits", [1, 8])
def test_pillow_sees_the_same_black_and_white(bits, photometric):
    samples = drawn("u1", 5, 11, 1) >> (8 - bits)
    file = write_tiff(samples, photometric, bits=bits)
    image = opened(file).astype(np.uint8) * np.uint8(255 if bits == 1 else 1)
    assert read_tags(np.frombuffer(file, np.uint8), flags=-1)["output"].accepts(image).all()


@pytest.mark.parametrize("bits", [4, 8])
def test_pillow_sees_the_same_palette(bits):
    palette, samples = RNG.integers(0, 65536, (2**bits, 3)).astype(np.uint16), RNG.integers(0, 2**bits, (5, 11, 1)).astype(np.uint8)
    file = write_tiff(samples, PALETTE, bits=bits, palette=palette)
    image = np.asarray(Image.open(io.BytesIO(file)).convert("RGB"))
    assert read_tags(np.frombuffer(file, np.uint8), flags=1)["output"].accepts(image[..., ::-1]).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pillow_turns_an_image_the_same_way(orientation):
    samples = drawn("u1", 3, 5, 3)
    file = write_tiff(samples, RGB, orientation=orientation)
    turned = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(file))))
    np.testing.assert_array_equal(turned, upright(samples, orientation))
    assert read_tags(np.frombuffer(file, np.uint8), flags=1)["output"].accepts(turned[..., ::-1]).all()


def test_strings_come_back():
    for length in (0, 1, 2, 254, 255, 256, 257, 600, 1100, 2200, 4500, 20000):
        for most in (2, 256):
            data = RNG.integers(0, most, length).astype(np.uint8).tobytes()
            assert lzw_expanded(lzw_compressed(data)) == data
            assert unpacked(packed(data)) == data


def test_shares_are_those_of_fractions():
    every = np.arange(65536, dtype=np.uint16)
    low, high = shares(every)
    assert (low.astype(int) * 257 <= every).all()
    assert (high.astype(int) * 257 >= every).all()
    assert (high.astype(int) - low <= 1).all()


@pytest.mark.parametrize("scheme", [NONE, LZW, ADOBE_DEFLATE])
def test_what_is_not_whole_is_refused(scheme):
    file = write_tiff(drawn("u1", 4, 6, 3), RGB, compression=scheme, rows=2)
    for at in range(len(file)):
        with pytest.raises(TIFFError):
            read_tiff(file[:at])
    assert not read_tags(np.frombuffer(file[:-9], np.uint8), flags=1)["read"].value


def test_a_file_that_does_not_hold_the_image_is_described():
    samples = drawn("u1", 4, 6, 3)
    image, file = samples[..., ::-1], np.frombuffer(write_tiff(samples, RGB, compression=LZW), np.uint8)
    assert HoldsTags(image, (), file).look(file) == ""
    assert "the pixel [0, 0, 0] differs" in HoldsTags(samples, (259, 5), file).look(file)
    assert "field 259 is 5" in HoldsTags(image, (259, 8), file).look(file)
    assert "field 278 is 4" in HoldsTags(image, (278, 1), file).look(file)
    assert "directory is not whole" in HoldsTags(image, (), file).look(file[:-2])
    assert "photometric interpretation is 2" in HoldsTags(image[..., 0], (), file).look(file)
    four = np.frombuffer(write_tiff(drawn("u1", 2, 3, 4), RGB, compression=LZW), np.uint8)
    assert "fourth sample" in HoldsTags(drawn("u1", 2, 3, 4), (), four).look(four)
    assert not written_tiff(image, name="nowhere/image.tiff", parameters=())["written"].value
