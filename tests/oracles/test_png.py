"""The PNG reader, writer and orientation against Pillow."""

import io
import itertools

import numpy as np
import pytest
from PIL import Image, ImageOps

from oracles.cv_codec import Holds, colours, opacity
from oracles.exif import orientation_block, orientation_of, upright
from oracles.png import CHANNELS, DEPTHS, GRAY, GRAY_ALPHA, PALETTE, RGB, RGBA, PNGError, read_png, write_png

TYPES = [(colour, depth) for colour in CHANNELS for depth in DEPTHS[colour]]
MODES = {GRAY: "L", RGB: "RGB", PALETTE: "RGB", GRAY_ALPHA: "LA", RGBA: "RGBA"}


def drawn(colour, depth, height=7, width=9):
    rng = np.random.default_rng([colour, depth])
    samples = rng.integers(0, 2**depth, (height, width, CHANNELS[colour])).astype(np.uint16 if depth == 16 else np.uint8)
    return samples, rng.integers(0, 256, (2**depth, 3)).astype(np.uint8) if colour == PALETTE else None


@pytest.mark.parametrize(("colour", "depth"), TYPES)
@pytest.mark.parametrize("interlaced", [False, True])
def test_pillow_reads_what_the_writer_writes(colour, depth, interlaced):
    samples, palette = drawn(colour, depth)
    for kind in range(6):
        file = write_png(samples, colour, depth, kind=kind, interlaced=interlaced, palette=palette, split=2)
        image = np.asarray(Image.open(io.BytesIO(file)).convert("I" if (colour, depth) == (GRAY, 16) else MODES[colour]))
        ours = read_png(file)
        light = colours(ours) if opacity(ours) is None else np.concatenate([colours(ours), opacity(ours)], axis=2)
        eight = light >> 8 if depth == 16 and colour != GRAY else light
        np.testing.assert_array_equal(image.reshape(eight.shape), eight)
        np.testing.assert_array_equal(ours.samples, samples)


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "P", "1", "I;16"])
def test_the_reader_reads_what_pillow_writes(mode):
    rng = np.random.default_rng(5)
    if mode == "I;16":
        image = Image.fromarray(rng.integers(0, 65536, (6, 11)).astype(np.uint16))
    else:
        image = Image.fromarray(rng.integers(0, 256, (6, 11, 4)).astype(np.uint8)).convert(mode)
    file = io.BytesIO()
    image.save(file, "PNG")
    png = read_png(file.getvalue())
    wanted = np.asarray(image.convert("RGBA") if mode == "P" else image)
    found = colours(png) if opacity(png) is None else np.concatenate([colours(png), opacity(png)], axis=2)
    np.testing.assert_array_equal(found.reshape(wanted.shape), wanted * np.uint8(255) if mode == "1" else wanted)


@pytest.mark.parametrize(("colour", "depth"), [(GRAY, 8), (RGB, 8), (PALETTE, 4)])
def test_pillow_sees_the_same_transparency(colour, depth):
    samples, palette = drawn(colour, depth)
    transparency = bytes(range(0, 250, 25)) if colour == PALETTE else samples[2, 3].astype(">u2").tobytes()
    file = write_png(samples, colour, depth, palette=palette, transparency=transparency)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(file)).convert("RGBA"))[..., 3:], opacity(read_png(file)))


@pytest.mark.parametrize(("orientation", "order"), list(itertools.product(range(1, 9), "<>")))
def test_pillow_turns_an_image_the_same_way(orientation, order):
    samples, _ = drawn(RGB, 8)
    file = write_png(samples, RGB, 8, exif=orientation_block(orientation, order))
    turned = ImageOps.exif_transpose(Image.open(io.BytesIO(file)))
    assert orientation_of(read_png(file).exif) == orientation
    np.testing.assert_array_equal(np.asarray(turned), upright(samples, orientation))


def test_what_is_not_whole_is_refused():
    file = write_png(drawn(RGB, 8)[0], RGB, 8)
    for at in range(len(file)):
        with pytest.raises(PNGError):
            read_png(file[:at])
        with pytest.raises(PNGError):
            read_png(file[:at] + bytes([file[at] ^ 16]) + file[at + 1 :])


def test_a_file_that_does_not_hold_the_image_is_described():
    samples, _ = drawn(RGB, 8)
    file = np.frombuffer(write_png(samples, RGB, 8, level=9), np.uint8)
    image = samples[..., ::-1]
    assert Holds(image, (16, 9), file).look(file) == ""
    assert "effort 3, not 0" in Holds(image, (), file).look(file)
    flat = np.frombuffer(write_png(0 * samples, RGB, 8, level=9), np.uint8)
    assert "compressed, at level 0" in Holds(0 * image, (16, 0), flat).look(flat)
    assert "the pixel [0, 0, 0] differs" in Holds(samples, (16, 9), file).look(file)
    assert "8-bit samples (7, 9, 3)" in Holds(image[1:], (16, 9), file).look(file)
    assert "it is not PNG" in Holds(image, (16, 9), file).look(file[:-1])
