"""The bitmap reader and writer against Pillow."""

import io
import itertools

import numpy as np
import pytest
from PIL import Image

from oracles.bmp import BITFIELDS, CORE, INFO, PLAIN, RLE4, RLE8, V4, V5, BMPError, decoded, encoded, read_bmp, write_bmp
from oracles.cv_bmp import HoldsBitmap, read_bitmap, written_bmp

RNG = np.random.default_rng(8)


def opened(file, mode="RGB"):
    return np.asarray(Image.open(io.BytesIO(file)).convert(mode))


@pytest.mark.parametrize(("header", "bits", "width"), list(itertools.product((CORE, INFO, V4, V5), (1, 4, 8), (1, 8, 11))))
@pytest.mark.parametrize("gray", [False, True])
def test_pillow_sees_the_same_palette(header, bits, width, gray):
    palette = RNG.integers(0, 256, (2**bits, 3)).astype(np.uint8)
    palette = np.repeat(palette[:, :1], 3, axis=1) if gray else palette
    indices = RNG.integers(0, 2**bits, (5, width, 1)).astype(np.uint8)
    for compression, down in ((PLAIN, False), (PLAIN, header != CORE), *(((RLE8 if bits == 8 else RLE4, False),) if bits > 1 else ())):
        if compression and header == CORE:
            continue
        file = write_bmp(indices, bits, header=header, compression=compression, palette=palette, down=down)
        bmp = read_bmp(file)
        assert bmp.light.shape[2] == (1 if gray else 3)
        np.testing.assert_array_equal(np.broadcast_to(bmp.light, (5, width, 3)), opened(file))
        np.testing.assert_array_equal(opened(file), palette[indices[..., 0]])


@pytest.mark.parametrize("header", [INFO, V4, V5])
@pytest.mark.parametrize("down", [False, True])
def test_pillow_sees_the_same_colours(header, down):
    colours = RNG.integers(0, 256, (4, 7, 4)).astype(np.uint8)
    np.testing.assert_array_equal(read_bmp(write_bmp(colours[..., :3], 24, header=header, down=down)).light, colours[..., :3])
    for masks in ((0xFF0000, 0xFF00, 0xFF, 0xFF000000), (0xFF, 0xFF00, 0xFF0000, 0xFF000000), (0xFF0000, 0xFF00, 0xFF, 0)):
        if header == INFO and masks[3]:
            continue
        file = write_bmp(colours[..., : 4 if masks[3] else 3], 32, header=header, compression=BITFIELDS, masks=masks, down=down)
        bmp = read_bmp(file)
        np.testing.assert_array_equal(bmp.light, opened(file))
        np.testing.assert_array_equal(opened(file), colours[..., :3])
        if masks[3]:
            np.testing.assert_array_equal(bmp.alpha, opened(file, "RGBA")[..., 3:])
        assert (bmp.alpha is None) == (masks[3] == 0)


@pytest.mark.parametrize("masks", [(), (0xF800, 0x7E0, 0x1F, 0), (0x7C00, 0x3E0, 0x1F, 0)])
def test_pillow_is_between_the_high_bits_and_the_share(masks):
    fields = RNG.integers(0, 32, (4, 7, 3)).astype(np.uint8)
    file = write_bmp(fields, 16, compression=BITFIELDS if masks else PLAIN, masks=masks)
    bmp = read_bmp(file)
    assert (bmp.light <= opened(file)).all()
    assert (opened(file) <= bmp.ceiling).all()
    assert int(bmp.light[..., 0].max()) == 8 * fields[..., 0].max()


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA"])
def test_the_reader_reads_what_pillow_writes(mode):
    image = Image.fromarray(RNG.integers(0, 256, (6, 11, 4)).astype(np.uint8)).convert(mode)
    file = io.BytesIO()
    image.save(file, "BMP")
    bmp, data = read_bmp(file.getvalue()), np.frombuffer(file.getvalue(), np.uint8)
    np.testing.assert_array_equal(np.broadcast_to(bmp.light, (6, 11, 3)), np.asarray(image.convert("RGB")))
    assert read_bitmap(data, flags=1)["output"].accepts(np.asarray(image.convert("RGB"))[..., ::-1]).all()


@pytest.mark.parametrize("bits", [4, 8])
def test_runs_come_back(bits):
    for width in (1, 2, 3, 5, 30, 700):
        rows = RNG.integers(0, 3, (3, width)) if width % 2 else np.repeat(RNG.integers(0, 2**bits, (3, -(-width // 3))), 3, axis=1)
        np.testing.assert_array_equal(decoded(encoded(rows, bits), *rows.shape, bits), rows)
    with pytest.raises(BMPError, match="left out"):
        decoded(b"\0\2\1\0\0\1", 1, 1, bits)
    with pytest.raises(BMPError, match="not of the width"):
        decoded(b"\2\1\0\1", 1, 3, bits)


@pytest.mark.parametrize("compression", [PLAIN, RLE8])
def test_what_is_not_whole_is_refused(compression):
    file = write_bmp(RNG.integers(0, 9, (3, 5, 1)).astype(np.uint8), 8, compression=compression, palette=np.zeros((256, 3), np.uint8))
    for at in range(len(file)):
        with pytest.raises(BMPError):
            read_bmp(file[:at])
    assert not read_bitmap(np.frombuffer(file[:-1], np.uint8), flags=1)["read"].value


def test_a_file_that_does_not_hold_the_image_is_described():
    colours = RNG.integers(0, 256, (4, 7, 3)).astype(np.uint8)
    image, file = colours[..., ::-1], np.frombuffer(write_bmp(colours, 24), np.uint8)
    assert HoldsBitmap(image, (), file).look(file) == ""
    assert "the pixel [0, 0, 0] differs" in HoldsBitmap(colours, (), file).look(file)
    assert "bytes" in HoldsBitmap(image, (), file).look(file[:-1])
    assert "uint8 samples (4, 7, 3)" in HoldsBitmap(image[1:], (), file).look(file)
    few = np.frombuffer(write_bmp(colours >> 3, 16), np.uint8)
    assert "fewer than 8 bits" in HoldsBitmap(image, (), few).look(few)
    assert not written_bmp(image, name="nowhere/image.bmp", parameters=())["written"].value
