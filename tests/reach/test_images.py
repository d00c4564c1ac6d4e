"""The strategies of image operations reach the inputs that reported and likely bugs of OpenCV needed."""

import numpy as np
import pytest

from conformance.operations import all_operations
from conformance.operations.cv_bilateral import BilateralFilter
from conformance.operations.cv_color import BGR2GRAY
from conformance.operations.cv_edges import Canny, Filter2D, Laplacian, Scharr
from conformance.operations.cv_filtering import Blur
from conformance.operations.cv_gaussian import GaussianBlur
from conformance.operations.cv_histogram import Threshold
from conformance.operations.cv_hue import BGR2HSV, HSV2BGR
from conformance.operations.cv_lab import BGR2Lab, Luv2BGR
from conformance.operations.cv_morphology import MorphologyEx
from tests.reach.pool import drawn

OPERATIONS = {operation.id: operation for operation in all_operations()}


def image_of(case):
    return case.arrays["image"]


@pytest.mark.parametrize("ksize", [(2, 1), (1, 2), (2, 2), (4, 4)])
def test_boxes_of_a_power_of_two_on_whole_means(ksize):
    drawn(Blur, lambda case: case.options["ksize"] == ksize)
    drawn(Blur, lambda case: case.regime == "constant" and case.options["ksize"] in ((2, 1), (1, 2)) and image_of(case).size > 1)


@pytest.mark.parametrize("type", range(5))
def test_thresholds_beyond_32_bits(type):
    drawn(Threshold, lambda case: case.options["thresh"] >= 2.0**31 and case.options["type"] == type)


def test_openings_by_even_and_by_asymmetric_elements():
    """opencv#23605: whether an opening may be brighter than the image."""

    def wanted(case, fits):
        kernel = case.arrays["kernel"]
        return kernel is not None and case.options["op"] in (2, 3) and min(image_of(case).shape[:2]) > 1 and fits(kernel)

    drawn(MorphologyEx, lambda case: wanted(case, lambda kernel: kernel.all() and 2 in kernel.shape))
    drawn(MorphologyEx, lambda case: wanted(case, lambda kernel: (kernel != kernel[::-1, ::-1]).any()))


def test_gray_reads_of_colours():
    """opencv#10824: the codec converts in its own way."""
    drawn(
        OPERATIONS["imread_PNG"],
        lambda case: case.options["flags"] == 0 and case.arrays["file"].size > 26 and case.arrays["file"][25] in (2, 3, 6),
    )


@pytest.mark.parametrize("anchor", [False, True])
def test_isolated_borders_around_images_of_one_row(anchor):
    drawn(
        Blur,
        lambda case: (
            case.options["borderType"] == 16
            and image_of(case).shape[0] == 1
            and case.options["ksize"][1] > 1
            and (case.options["anchor"][1] > 0) == anchor
        ),
    )


def test_scaled_derivatives_of_16_bits():
    drawn(Scharr, lambda case: case.options["scale"] not in (0, 1) and case.options["delta"] != 0)
    assert "int16" in Scharr.dtypes


def test_edges_by_the_widest_aperture():
    """opencv#10740: strong edges were lost."""
    drawn(Canny, lambda case: case.options["apertureSize"] == 7 and min(image_of(case).shape[:2]) > 2)


@pytest.mark.parametrize("operation", [BGR2GRAY, HSV2BGR], ids=repr)
@pytest.mark.parametrize("width", [16, 17, 32, 33])
def test_rows_around_the_width_of_a_vector(operation, width):
    drawn(operation, lambda case: image_of(case).shape[1] == width and case.regime == "integers")


def test_colours_whose_hue_is_just_below_a_turn_and_dark_ones():
    def red_with_little_blue(case):
        blue, green, red = (image_of(case)[..., i].astype(int) for i in range(3))
        return (np.maximum(green, blue) <= red).any() and ((green < blue) & (blue - green < 12) & (blue < red)).any()

    drawn(BGR2HSV, red_with_little_blue)
    drawn(Luv2BGR, lambda case: ((image_of(case)[..., 0] > 0) & (image_of(case)[..., 0] < 3)).any())


def test_bilateral_filters_of_images_beside_zero_and_of_rows_as_wide_as_a_vector():
    """Zeros of a constant border outside of the image's range; IPP's kernel of 16 columns and more."""
    drawn(BilateralFilter, lambda case: case.options["borderType"] & 15 == 0 and image_of(case).min() > 0)
    drawn(
        BilateralFilter, lambda case: image_of(case).shape[1] >= 16 and image_of(case)[0, 0].size == 1 and case.options["d"] in range(1, 6)
    )


@pytest.mark.parametrize("border", [2, 3])
def test_bilateral_filters_of_images_with_nan_and_infinity(border):
    """Read outside of the table of weights, which may end the process."""
    drawn(
        BilateralFilter,
        lambda case: (
            case.options["borderType"] & 15 == border
            and not np.isfinite(image_of(case)).all()
            and min(case.options["sigmaColor"], case.options["sigmaSpace"]) > 0
        ),
        "float32",
    )


def test_gray_sun_rasters_small_photographs_and_arbitrary_maps_of_four_channels_and_of_16_bits():
    """Written without a colour map, not written at all, written and not read."""
    drawn(OPERATIONS["imwrite_SunRaster"], lambda case: image_of(case).ndim == 2 and image_of(case).any())
    drawn(OPERATIONS["imwrite_JPEG2000"], lambda case: min(image_of(case).shape[:2]) < 32)
    drawn(OPERATIONS["imwrite_JPEG2000"], lambda case: min(image_of(case).shape[:2]) >= 32)
    drawn(OPERATIONS["imwrite_PAM"], lambda case: image_of(case).shape[2:] == (4,))
    drawn(OPERATIONS["imwrite_PAM"], lambda case: image_of(case).size > 1, "uint16")


def test_calls_that_the_documentation_rules_out():
    """A border that wraps, a type of threshold and a depth that there are not."""
    for operation, option, value in ((GaussianBlur, "borderType", 3), (Threshold, "type", 5), (Filter2D, "ddepth", 99)):
        broken = [break_it(drawn(operation, lambda case: True)) for break_it in operation.rejects.values()]
        assert any(case is not None and case.options[option] == value for case in broken)


@pytest.mark.parametrize("dtype", ["uint16", "int16"])
def test_second_derivatives_in_double_precision(dtype):
    """Computed in single precision from a size of 5 on."""
    drawn(Laplacian, lambda case: case.options["ddepth"] == 6 and case.options["ksize"] == 5, dtype)


def test_dark_colours_in_floating_point():
    """L*a*b* of floats is read off a table."""
    drawn(BGR2Lab, lambda case: "LBGR" not in case.options["code"] and ((image_of(case) > 0) & (image_of(case) < 0.01)).any(), "float32")


@pytest.mark.parametrize("variant", ["BMP", "TIFF", "PNM"])
def test_files_of_our_own_and_beginnings_of_them(variant):
    """Turned, with fields of their own, and of another largest sample."""
    operation = OPERATIONS[f"imread_{variant}"]
    drawn(operation, lambda case: case.arrays["file"].size == 0)
    wanted = {"BMP": (b"BM",), "TIFF": (b"II*\0", b"MM\0*"), "PNM": tuple(b"P%d" % kind for kind in range(1, 7))}[variant]
    for mark in wanted:
        drawn(operation, lambda case, mark=mark: case.arrays["file"].tobytes().startswith(mark))
