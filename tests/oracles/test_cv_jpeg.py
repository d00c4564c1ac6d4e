"""What imread and imwrite may make of photographs: Pillow's own encoder and decoder must be accepted, and what differs must not."""

import io

import numpy as np
import pytest
from PIL import Image

from oracles.cv_jpeg import Photograph, read_photograph
from oracles.exif import orientation_block
from oracles.jpeg import JPEG, write_jpeg

FACTORS = {0: 0x111111, 1: 0x211111, 2: 0x221111}
SHAPES = [(1, 1, 3), (7, 9, 3), (8, 8, 3), (16, 33, 3), (19, 14, 3), (13, 21)]


def noise(shape, seed=2, low=0):
    return np.random.default_rng(seed).integers(low, 256 - low, shape).astype(np.uint8)


def encoded(image, **options):
    file = io.BytesIO()
    Image.fromarray(image[..., ::-1] if image.ndim == 3 else image).save(file, "JPEG", **options)
    return np.frombuffer(file.getvalue(), np.uint8)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("quality", [1, 30, 50, 75, 95, 100])
@pytest.mark.parametrize("subsampling", [0, 1, 2])
def test_pillows_files_may_be_those_of_the_image(shape, quality, subsampling):
    image = noise(shape)
    file = encoded(image, quality=quality, subsampling=subsampling)
    asked = (1, quality, 7, FACTORS[subsampling])
    assert Photograph(image, asked, file).look(file) == ""
    changed = image.copy()
    changed[0, 0] ^= 128
    assert quality < 75 or "coefficient" in Photograph(changed, asked, file).look(file)
    assert "quantisation" in Photograph(image, (1, quality - 1 or 3), file).look(file)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("quality", [1, 50, 95, 100])
@pytest.mark.parametrize("subsampling", [0, 1, 2])
def test_pillows_pixels_are_accepted(shape, quality, subsampling):
    file = encoded(noise(shape, low=40 if quality < 50 else 0), quality=quality, subsampling=subsampling)
    pixels = np.asarray(Image.open(io.BytesIO(file.tobytes())))
    pixels = pixels[..., ::-1] if pixels.ndim == 3 else pixels
    accepted = read_photograph(file, flags=-1)["output"]
    assert accepted.accepts(pixels).all()
    assert not accepted.accepts(pixels ^ 64).all()
    gray = Image.open(io.BytesIO(file.tobytes()))
    gray.draft("L", gray.size)
    assert read_photograph(file, flags=0)["output"].accepts(np.asarray(gray.convert("L"))).all()


def test_flags_choose_channels_order_and_orientation():
    jpeg = JPEG(8, 16, [(1, 1)] * 3, [np.ones((8, 8), int)] * 3, exif=orientation_block(6, "<"))
    jpeg.coefficients = jpeg.empty()
    jpeg.coefficients[2][..., 0, 0] = 304
    file = np.frombuffer(write_jpeg(jpeg), np.uint8)
    shapes = {flags: read_photograph(file, flags=flags)["output"].shape for flags in (-1, 0, 1, 4, 128, 129, 256)}
    assert shapes == {-1: (8, 16, 3), 0: (16, 8), 1: (16, 8, 3), 4: (16, 8, 3), 128: (8, 16), 129: (8, 16, 3), 256: (16, 8, 3)}
    red = np.broadcast_to([181, 101, 128], (16, 8, 3))
    assert read_photograph(file, flags=256)["output"].accepts(red).all()
    assert read_photograph(file, flags=1)["output"].accepts(red[..., ::-1]).all()
    assert not read_photograph(file[:-5], flags=1)["read"].value
