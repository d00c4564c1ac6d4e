"""Conversions of colours against colorsys, scikit-image and the definitions, pixel by pixel."""

import colorsys
from fractions import Fraction

import numpy as np
import pytest
from skimage import color

from oracles.bounded import FLOAT64, Arithmetic, Bounded, exact, ieee, kept
from oracles.cv_color import bgr_to_gray, bgr_to_xyz, bgr_to_ycc, gray_to_bgr, hinted, swap_channels, xyz_to_bgr, ycc_to_bgr
from oracles.cv_hue import bgr_to_hls, bgr_to_hsv, hls_to_bgr, hsv_to_bgr
from oracles.cv_lab import bgr_to_lab, bgr_to_luv, lab_to_bgr, luv_to_bgr

NO = {"dstCn": 0}
WHITE = (0.950456, 1.0, 1.088754)


def rgb(seed=0, sides=(7, 8)):
    image = np.random.default_rng(seed).random((*sides, 3))
    image[0, :3] = [[0, 0, 0], [1, 1, 1], [0.25, 0.25, 0.25]]
    image[1, :6] = [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [0, 1, 1], [1, 0, 1]]
    image[2] /= 300
    return image


def each(function, image):
    return np.array([function(*pixel) for pixel in image.reshape(-1, 3)]).reshape(image.shape)


def test_hues_are_those_of_the_standard_library():
    turned = np.array([360, 1, 1])
    assert np.allclose(bgr_to_hsv(rgb(), code="RGB2HSV", **NO), each(colorsys.rgb_to_hsv, rgb()) * turned, atol=1e-9)
    assert np.allclose(bgr_to_hls(rgb(), code="RGB2HLS", **NO), each(colorsys.rgb_to_hls, rgb()) * turned, atol=1e-9)
    back = np.random.default_rng(3).random((5, 5, 3))
    assert np.allclose(hsv_to_bgr(back * turned, code="HSV2RGB", **NO), each(colorsys.hsv_to_rgb, back), atol=1e-9)
    assert np.allclose(hls_to_bgr(back * turned, code="HLS2RGB", **NO), each(colorsys.hls_to_rgb, back), atol=1e-9)


def test_every_way_to_write_a_conversion_is_the_same():
    for oracle, code in ((bgr_to_hsv, "BGR2HSV"), (bgr_to_hls, "BGR2HLS"), (bgr_to_luv, "BGR2Luv"), (hls_to_bgr, "HLS2BGR")):
        image = rgb(5) * (np.array([360, 1, 1]) if code.startswith("H") else 1)
        for way in oracle.formulations:
            assert np.allclose(way(image, code=code, **NO), oracle(image, code=code, **NO), atol=1e-3)


def test_seen_colours_are_those_of_scikit_image():
    white = {"illuminant": "D65", "observer": "2"}
    assert np.abs(bgr_to_lab(rgb(), code="RGB2Lab", **NO) - color.rgb2lab(rgb(), **white)).max() < 0.02  # constants of fewer decimals
    assert np.abs(bgr_to_luv(rgb(), code="RGB2Luv", **NO) - color.rgb2luv(rgb())).max() < 0.05
    linear = np.where(rgb() <= 0.04045, rgb() / 12.92, ((rgb() + 0.055) / 1.055) ** 2.4)
    assert np.allclose(bgr_to_xyz(linear, code="RGB2XYZ", **NO), color.rgb2xyz(rgb()), atol=1e-5)
    assert np.allclose(bgr_to_lab(linear, code="LRGB2Lab", **NO), bgr_to_lab(rgb(), code="RGB2Lab", **NO), atol=1e-9)


@pytest.mark.parametrize("linear", ["", "L"])
def test_inverses_are_inverses(linear):
    image = rgb(4)
    for ahead, back, name in ((bgr_to_lab, lab_to_bgr, "Lab"), (bgr_to_luv, luv_to_bgr, "Luv")):
        seen = ahead(image, code=f"{linear}BGR2{name}", **NO)
        assert np.allclose(back(seen, code=f"{name}2{linear}BGR", **NO), image, atol=3e-4)  # decimals on both sides of the kinks
    assert np.allclose(xyz_to_bgr(bgr_to_xyz(image, code="BGR2XYZ", **NO), code="XYZ2BGR", **NO), image, atol=1e-5)
    for space in ("YCrCb", "YUV"):
        seen = bgr_to_ycc(image, code=f"BGR2{space}", **NO)
        assert np.allclose(ycc_to_bgr(seen, code=f"{space}2BGR", **NO), image, atol=2e-3)


def test_luma_and_its_differences():
    found = bgr_to_ycc(rgb(), code="RGB2YUV", **NO)
    assert np.allclose(found - [0, 0.5, 0.5], color.rgb2yuv(rgb()), atol=1e-3)
    assert np.allclose(bgr_to_gray(rgb(), code="RGB2GRAY", **NO), rgb() @ [0.299, 0.587, 0.114])
    red = bgr_to_ycc(np.array([[[0, 0, 1.0]]]), code="BGR2YCrCb", **NO)[0, 0]
    assert np.allclose(red, [0.299, (1 - 0.299) * 0.713 + 0.5, -0.299 * 0.564 + 0.5])


def test_channels_and_their_alpha():
    image = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    assert (swap_channels(image, code="BGRA2RGBA", **NO) == image[..., [2, 1, 0, 3]]).all()
    assert (swap_channels(image, code="BGRA2RGB", **NO) == image[..., [2, 1, 0]]).all()
    assert (swap_channels(image[..., :3], code="RGB2RGBA", **NO) == np.dstack([image[..., :3], np.full((2, 3), 255)])).all()
    assert (gray_to_bgr(image[..., 0], code="GRAY2BGRA", **NO)[..., :3] == image[..., :1]).all()
    assert (hsv_to_bgr(np.array([[[120.0, 1, 1]]]), code="HSV2BGR", dstCn=4) == [0, 1, 0, 1]).all()


def test_bytes_of_a_declared_fixed_point_are_single_integers():
    by = ieee("uint8").but(compute=FLOAT64, accumulate=FLOAT64, stand_ins={0.299: 9798 / 2**15, 0.587: 19235 / 2**15, 0.114: 3735 / 2**15})
    image = np.random.default_rng(1).integers(0, 256, (20, 20, 3))
    accepted = bgr_to_gray(exact(image, by), code="BGR2GRAY", **NO)
    wanted = (image @ [3735, 19235, 9798] + 2**14) >> 15
    assert accepted.accepts(wanted).all()
    assert (accepted.high == accepted.low).mean() > 0.99  # but for ties


def test_what_is_kept_is_off_by_its_margin_and_lies_on_its_grid():
    by = ieee("float32").but(grids={"light": 0.25}, margins={"light": lambda x: 0.01, "root": lambda x: 0.5})
    x = Bounded([0.3, 0.37, 0.5, 0.6], [0.0, 0.0, 0.0, 0.2], by)
    light = kept(x, "light")
    assert light.value.tolist() == [0.25, 0.375, 0.5, 0.625]
    assert light.error.tolist() == [0.0, 0.125, 0.0, 0.125]
    assert kept(x, "root").error.tolist() == [0.5, 0.5, 0.5, 0.7]
    assert kept(x, "other") is x
    assert kept(0.3, "light") == 0.3


@pytest.mark.parametrize("bits", [4, 12])
def test_a_declared_constant_is_exact(bits):
    own = float(Fraction(round(0.713 * 2**bits), 2**bits))
    by: Arithmetic = ieee("uint8").but(compute=FLOAT64, accumulate=FLOAT64, stand_ins={0.713: own})
    product = exact([3, 255], by) * 0.713
    assert product.value.tolist() == [3 * own, 255 * own]
    assert product.error.max() < 1e-12


def test_pixels_that_the_documentation_says_nothing_of_are_free():
    image = exact(np.array([[[0.1, 0.2, np.nan], [0.1, 0.2, 0.3], [0.1, 0.2, 1.5]]]), ieee("float32"))
    assert bgr_to_hsv(image, code="BGR2HSV", **NO).free.all(axis=-1).tolist() == [[True, False, True]]
    assert bgr_to_lab(image, code="BGR2Lab", **NO).free.all(axis=-1).tolist() == [[True, False, True]]


def test_a_hue_of_nearly_a_turn_may_be_none():
    by = ieee("uint8").but(compute=FLOAT64, accumulate=FLOAT64)
    accepted = bgr_to_hsv(exact(np.array([[[200, 201, 251]]])[..., [1, 0, 2]], by), code="BGR2HSV", **NO)  # −0.59 of 180
    assert accepted.accepts(np.array([[[179, 51, 251]]]))[..., 0].all()
    assert not accepted.accepts(np.array([[[0, 51, 251]]]))[..., 0].any()
    accepted = bgr_to_hsv(exact(np.array([[[201, 200, 255]]]), by), code="BGR2HSV", **NO)  # −0.55 of 180
    assert accepted.accepts(np.array([[[179, 55, 255]]]))[..., 0].all()
    near = bgr_to_hsv(exact(np.array([[[101, 100, 255]]]), by), code="BGR2HSV", **NO)  # −0.19 of 180: 180 is 0
    assert near.accepts(np.array([[[0, 155, 255]]]))[..., 0].all()
    assert near.accepts(np.array([[[180, 155, 255]]]))[..., 0].all()


def test_of_an_approximation_nothing_is_known_and_of_other_hints_everything():
    image, judged = np.array([[[1.0, 0.5, 0.25]]]), hinted(bgr_to_hsv)
    exact = bgr_to_hsv(image, code="BGR2HSV", **NO)
    for hint in (None, "DEFAULT", "ACCURATE"):
        np.testing.assert_array_equal(judged(image, code="BGR2HSV", hint=hint, **NO), exact)
    assert judged(image, code="BGR2HSV", hint="APPROX", **NO).accepts(exact + 99.5).all()
    assert judged(image, code="BGR2HSV", hint="APPROX", **NO).shape == exact.shape
    assert len(judged.formulations) == len(bgr_to_hsv.formulations)
