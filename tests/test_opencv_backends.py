"""Further ways to run OpenCV: without what depends on the processor, and in OpenCL."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from conformance import backends
from conformance.backends.opencv_opencl import ASKED, OnDevice
from conformance.grid import Grid, Pair
from conformance.model import Case
from conformance.operations.cv_color import BGR2GRAY
from conformance.operations.cv_filtering import Blur
from conformance.operations.cv_hue import BGR2HLS
from conformance.test_forward import test_forward as forward

PIXELS = {"image": np.arange(24, dtype=np.uint8).reshape(2, 4, 3)}
GRAY = Case(PIXELS, {"code": "BGR2GRAY", "dstCn": 0}, "uint8")


def test_what_is_switched_off_is_switched_on_again():
    before, seen = (cv2.useOptimized(), cv2.ipp.useIPP()), []

    def call(**_):
        seen.append((cv2.useOptimized(), cv2.ipp.useIPP()))
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011
        backends.form("opencv_plain").run(replace(BGR2GRAY, call=call), GRAY)
    assert seen == [(False, False)]
    assert (cv2.useOptimized(), cv2.ipp.useIPP()) == before


def test_known_failures_of_its_kin_are_its_own_but_for_what_they_require():
    grid = Grid(("opencv", "opencv_plain"))
    plain = next(backend for backend in grid.backends if backend.name == "opencv_plain")
    assert [entry for entry in grid.entries(forward.property, Pair(Blur, "uint8", plain)) if "2ⁿ" in entry.reason]
    assert not [entry for entry in grid.entries(forward.property, Pair(BGR2HLS, "uint8", plain)) if "IPP" in entry.reason]


def test_further_backends_are_asked_for_by_name():
    assert {"opencv_plain", "opencv_opencl"} <= set(backends.available())
    assert not {"opencv_plain", "opencv_opencl"} & set(backends.default())


def test_arrays_become_umats_and_results_become_arrays():
    given = []

    class Module:
        UMat = cv2.UMat
        CONSTANT = 7

        @staticmethod
        def filter(image, *, dst):
            given.append((image, dst))
            return 0.5, image

    device = OnDevice(Module)
    image = PIXELS["image"]
    threshold, output = device.filter(image, dst=image)
    assert given[0][0] is given[0][1]
    assert isinstance(given[0][0], cv2.UMat)
    assert (threshold, device.CONSTANT) == (0.5, 7)
    assert (output == image).all()


@pytest.mark.parametrize("seed", [0, 1])
def test_few_sets_of_options_are_asked(seed):
    if (reason := backends.missing("opencv_opencl")) is not None:
        assert "OpenCL" in reason
        return
    case = Case(PIXELS, {"ksize": (9, 9), "anchor": (0, 0), "borderType": 2}, "uint8", seed=seed)
    narrowed = backends.form("opencv_opencl").narrow(Blur, case)
    assert narrowed.options in [dict(options) for options in ASKED["cv2.blur"]]
