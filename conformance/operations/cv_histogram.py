"""Thresholds, tables and histograms."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Disagreement, Trial
from conformance.model import Case, Law, Operation, cv2
from conformance.operations.cv_images import (
    DEPTHS,
    drawn_image,
    image_data,
    of_type,
    shape_of_image,
    the_image,
    with_channels,
    without_axis,
)
from conformance.operations.laws import assert_same
from oracles.cv_histogram import calc_hist, equalize_hist, look_up, threshold

GRAY = st.sampled_from((None, 1))


def call_threshold(image: Any, thresh: float, maxval: float, type: int) -> Any:
    """The function."""
    used, output = cv2.threshold(image, thresh, maxval, type)
    return {"output": output, "threshold": np.array(used)}


def threshold_in_place(image: Any, thresh: float, maxval: float, type: int) -> Any:
    """The same, over the image."""
    used, output = cv2.threshold(image, thresh, maxval, type, dst=image)
    return {"output": without_axis(output, image), "threshold": np.array(used)}


def call_equalize(image: Any) -> Any:
    """The function."""
    return cv2.equalizeHist(image)


def call_look_up(image: Any, lut: Any) -> Any:
    """The function, with the table as cv2 takes it."""
    return cv2.LUT(image, lut if lut.ndim == 1 else lut[None])


def call_histogram(image: Any, mask: Any, histSize: int, ranges: Any) -> Any:
    """The function; OpenCV 4 gives the counts as a column."""
    return cv2.calcHist([image], [0], mask, [histSize], list(ranges)).reshape(-1)


@st.composite
def threshold_cases(draw: st.DrawFn, dtype: str) -> Case:
    """Thresholds among the pixels, between them, beyond the depth's range and beyond that of 32 bits."""
    data = draw(image_data(dtype))
    image = drawn_image(draw, data)
    among = float(image.flat[data.rng("pixel").integers(image.size)])
    thresh = draw(st.sampled_from((among, among + 0.5, among - 1, -1.0, 0.0, 300.0, 70000.0, -40000.0, 1e10, -1e10)))
    maxval = draw(st.sampled_from((255.0, 1.0, 0.0, 100.5, 300.0, -1.0)))
    return data.case({"image": image}, thresh=thresh, maxval=maxval, type=draw(st.integers(0, 4)))


@st.composite
def equalize_cases(draw: st.DrawFn, dtype: str) -> Case:
    """Gray images, also of few values."""
    data = draw(image_data(dtype))
    image = drawn_image(draw, data, GRAY)
    return data.case({"image": image & np.uint8(draw(st.sampled_from((255, 15, 240, 1))))})


@st.composite
def table_cases(draw: st.DrawFn, dtype: str) -> Case:
    """Tables of the case's depth; one for all channels, or one for each."""
    data, pixels = draw(image_data(dtype)), draw(image_data("uint8"))
    image = pixels.array("image", draw(st.integers(1, 8)), draw(st.integers(1, 33)), draw(st.integers(1, 4)))
    several = draw(st.booleans()) and image.shape[2] > 1
    return data.case({"image": image, "lut": data.array("lut", 256, *(image.shape[2:] if several else ()))})


@st.composite
def histogram_cases(draw: st.DrawFn, dtype: str) -> Case:
    """Bins that divide the range into powers of two, so that every edge is a number; pixels outside; masks."""
    data = draw(image_data(dtype))
    image = drawn_image(draw, data, st.none())
    if dtype == "float32":
        image = np.rint(np.clip(image, -300, 300)).astype(dtype)
    mask = (data.rng("mask").random(image.shape) < 0.5).astype(np.uint8) if draw(st.booleans()) else None
    low, width = draw(st.sampled_from((0, 0, -16, 64))), draw(st.sampled_from((256, 64, 1024)))
    return data.case(
        {"image": image, "mask": mask}, histSize=draw(st.sampled_from((1, 4, 16, 64))), ranges=(float(low), float(low + width))
    )


def inverses_complete(trial: Trial, case: Case) -> None:
    """Each pixel is in the binary image or in its inverse, and in one of the two that keep."""
    runs = [trial.run(case.but(type=kind, maxval=1.0))["output"] for kind in (0, 1, 3, 4)]
    assert_same(runs[0] + runs[1], np.ones_like(runs[0]), "a pixel is in both, or in neither, of binary and its inverse")
    assert_same(runs[2] + runs[3], the_image(case).reshape(runs[2].shape), "to zero and its inverse do not add up to the image")


def order_stays(trial: Trial, case: Case) -> None:
    """Brighter pixels stay brighter, or become equal."""
    before = the_image(case).ravel()
    after = trial.run(case)["output"].ravel()[np.argsort(before, kind="stable")].astype(int)
    if (np.diff(after) < 0).any():
        raise Disagreement("a brighter pixel becomes darker than another one", result="output")


def identity_table(trial: Trial, case: Case) -> None:
    """The table of all gray values changes nothing."""
    image = the_image(case)
    assert_same(
        trial.run(case.but(lut=np.arange(256, dtype=np.uint8)))["output"].reshape(image.shape), image, "the identity changes a pixel"
    )


def counts_add_up(trial: Trial, case: Case) -> None:
    """Two bins are one of twice the width."""
    fine = trial.run(case.but(histSize=8))["output"]
    assert_same(trial.run(case.but(histSize=4))["output"], fine[::2] + fine[1::2], "two bins are not one of twice the width")


Threshold = Operation(
    name="cv2.threshold", call=call_threshold, in_place=threshold_in_place, oracle=threshold, cases=threshold_cases,
    shape=lambda image, **o: {**shape_of_image(image), "threshold": ()}, result_dtypes={"threshold": "float64"},
    rejects={
        "the depth must be one of the five: int32": of_type("int32"), "the depth must be one of the five: int8": of_type("int8"),
        "the type must be one that there is": lambda case: case.but(type=5),
    },
    laws=(Law("inverses complete each other", inverses_complete),), dtypes=DEPTHS, share=1.6,
)  # fmt: skip
EqualizeHist = Operation(
    name="cv2.equalizeHist", call=call_equalize, oracle=equalize_hist, cases=equalize_cases, shape=shape_of_image,
    rejects={
        "the image must have 8 bits": of_type("uint16"),
        "the image must be gray": with_channels(3),
    },
    laws=(Law("the order of gray values stays", order_stays),), dtypes=("uint8",),
)  # fmt: skip
LUT = Operation(
    name="cv2.LUT", call=call_look_up, oracle=look_up, cases=table_cases, plain=("image",),
    shape=lambda image, lut: shape_of_image(image),
    rejects={
        "the table must have 256 numbers": lambda case: case.but(lut=np.zeros(255, np.uint8)),
        "the image must have 8 bits": of_type("uint32"),
    },
    laws=(Law("the table of all gray values changes nothing", identity_table),), dtypes=DEPTHS,
)  # fmt: skip
CalcHist = Operation(
    name="cv2.calcHist", call=call_histogram, oracle=calc_hist, cases=histogram_cases, plain=("mask",),
    shape=lambda image, mask, histSize, ranges: {"output": (histSize,)}, result_dtypes={"output": "float32"},
    rejects={
        "the depth must be one of the three: int16": of_type("int16"),
    },
    laws=(Law("two bins are one of twice the width", counts_add_up),), dtypes=("uint8", "uint16", "float32"),
)  # fmt: skip

OPERATIONS = (Threshold, EqualizeHist, LUT, CalcHist)
