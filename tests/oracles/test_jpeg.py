"""JPEG tables, reader and writer against Pillow and the tables that Pillow's encoder writes."""

import io

import numpy as np
import pytest
from PIL import Image
from scipy.fft import dctn, idctn

from oracles.exif import orientation_block
from oracles.jpeg import JPEG, JPEGError, read_jpeg, write_jpeg
from oracles.jpeg_tables import CHROMINANCE, HUFFMAN, LUMINANCE, ZIGZAG, codes, scaled


def encoded(image, **options):
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", **options)
    return file.getvalue()


def noise(*shape, seed=3):
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


def test_the_tables_are_as_pillow_writes_them():
    for quality in range(1, 101):
        jpeg = read_jpeg(encoded(noise(8, 8, 3), quality=quality))
        np.testing.assert_array_equal(jpeg.tables[0], scaled(LUMINANCE, quality))
        np.testing.assert_array_equal(jpeg.tables[1], scaled(CHROMINANCE, quality))


def test_codes_are_prefix_free_and_complete_but_for_one():
    assert sorted(ZIGZAG.tolist()) == list(range(64))
    assert ZIGZAG[:6].tolist() == [0, 1, 8, 16, 9, 2]
    for counts, values in HUFFMAN.values():
        assert len(set(values)) == sum(counts) == len(values)
        assert sum(2.0 ** -len(code) for code in codes(counts, values)) < 1


@pytest.mark.parametrize("options", [{}, {"optimize": True}, {"restart_marker_blocks": 1}])
def test_the_reader_finds_what_pillow_wrote(options):
    image = noise(13, 21)
    jpeg = read_jpeg(encoded(image, quality=100, **options))
    padded = np.pad(image.astype(float), ((0, 3), (0, 3)), mode="edge") - 128
    for row, column in np.ndindex(2, 3):
        block = dctn(padded[8 * row :, 8 * column :][:8, :8], norm="ortho")
        assert np.abs(jpeg.coefficients[0][row, column] - block).max() < 1


@pytest.mark.parametrize("sampling", [(1, 1), (2, 1), (2, 2), (1, 2), (4, 1)])
def test_pillow_reads_what_the_writer_writes(sampling):
    jpeg = JPEG(19, 37, [sampling, (1, 1), (1, 1)], [scaled(LUMINANCE, 50), scaled(CHROMINANCE, 50), scaled(CHROMINANCE, 50)])
    jpeg.coefficients = jpeg.empty()
    rng = np.random.default_rng(1)
    for plane in jpeg.coefficients:
        plane[...] = rng.integers(-5, 6, plane.shape) * (rng.random(plane.shape) < 0.2)
    jpeg.exif = orientation_block(6, ">")
    file = write_jpeg(jpeg)
    image = Image.open(io.BytesIO(file))
    image.draft("YCbCr", None)
    pixels = np.asarray(image)
    assert pixels.shape == (19, 37, 3)
    assert image.getexif()[0x0112] == 6
    for row, column in np.ndindex(2, 4):
        block = idctn(jpeg.coefficients[0][row, column] * jpeg.tables[0], norm="ortho") + 128
        assert np.abs(pixels[8 * row :, 8 * column :][:8, :8, 0] - np.clip(block, 0, 255)).max() <= 1
    again = read_jpeg(file)
    for plane, found in zip(jpeg.coefficients, again.coefficients, strict=True):
        np.testing.assert_array_equal(plane, found)


def test_what_is_not_whole_is_refused():
    file = encoded(noise(9, 9, 3))
    for at in range(len(file)):
        with pytest.raises(JPEGError):
            read_jpeg(file[:at])
