"""Depths, channels and reduction against Pillow; windows' levels against fractions."""

from fractions import Fraction

import numpy as np
from PIL import Image

from oracles.cv_lossless import kept
from oracles.cv_reading import as_read
from oracles.cv_window import displayed, pressed


def noise(*shape, most=256):
    return np.random.default_rng(4).integers(0, most, shape).astype(np.uint8 if most == 256 else np.uint16)


def test_pillows_gray_and_its_reduction_are_accepted():
    light = noise(12, 17, 3) | 1
    image = Image.fromarray(light)
    assert as_read(light, flags=0)["output"].accepts(np.asarray(image.convert("L"))).all()
    for flag, by in ((17, 2), (33, 4), (65, 8)):
        smaller = image.resize((17 // by, 12 // by), Image.Resampling.BOX)
        assert as_read(light, flags=flag)["output"].accepts(np.asarray(smaller)[..., ::-1]).all()
        assert not as_read(light, flags=flag)["output"].accepts(0 * np.asarray(smaller)).all()


def test_sixteen_bits_become_eight_unless_they_are_asked_for():
    light, alpha = noise(3, 4, 3, most=65536), noise(3, 4, 1, most=65536)
    assert as_read(light, flags=1)["output"].accepts(light[..., ::-1] // 256).all()
    assert as_read(light, flags=3)["output"].accepts(light[..., ::-1]).all()
    assert as_read(light, alpha, flags=-1)["output"].accepts(np.concatenate([light[..., ::-1], alpha], axis=2)).all()
    assert as_read(light, alpha, flags=4)["output"].shape == (3, 4, 3)
    assert as_read(light[..., :1], alpha, flags=-1)["output"].shape == (3, 4, 4)


def test_what_is_displayed_is_within_one_of_the_fraction():
    deep = noise(5, 6, 4, most=65536)
    low, high = displayed(deep).limits()
    for index in np.ndindex(5, 6, 3):
        level = Fraction(int(deep[index]), 256)
        assert low[index] == min(level.__floor__(), 255)
        assert high[index] == min(level.__ceil__(), 255)
    floats = np.array([[-0.5, 0.0, 1.0, 1.5, 0.5]], np.float32)
    assert displayed(floats).accepts(np.array([[0, 0, 255, 255, 128]])[..., None]).all()
    assert displayed(floats).accepts(np.array([[0, 0, 255, 255, 127]])[..., None]).all()
    assert not displayed(floats).accepts(np.array([[1, 1, 254, 254, 129]])[..., None]).any()


def test_keys_and_files_are_what_they_are_called():
    assert int(pressed(key="a", shift=True, delay=0)["code"].value) == ord("A")
    assert int(pressed(key="Escape", shift=False, delay=0)["code"].value) == 27
    assert int(pressed(key=None, shift=False, delay=5)["code"].value) == -1
    unseen = np.array([[[1, 2, 3, 0]]], np.uint8)
    assert not kept(unseen, name="a.bmp", parameters=())["output"].accepts(unseen * 0).all()
