"""Boxes and medians."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Trial
from conformance.model import Case, Law, Operation, cv2
from conformance.operations.cv_depths import DEPTH, WIDER, with_depth
from conformance.operations.cv_images import (
    BORDERS,
    DEPTHS,
    assert_never_above,
    drawn_anchor,
    drawn_image,
    emptied,
    image_data,
    of_type,
    shape_of_image,
    the_image,
    without_axis,
)
from conformance.operations.laws import assert_same
from oracles.cv_boxes import box_filter, median_blur, sqr_box_filter

SIZES = st.one_of(st.integers(1, 5), st.sampled_from((7, 8, 9)))


def call_box(image: Any, ddepth: int, ksize: Any, **options: Any) -> Any:
    """The function."""
    return with_depth(cv2.boxFilter(image, ddepth, ksize, **options))


def call_sqr_box(image: Any, ddepth: int, ksize: Any, **options: Any) -> Any:
    """The function."""
    return with_depth(cv2.sqrBoxFilter(image, ddepth, ksize, **options))


def call_median(image: Any, ksize: int) -> Any:
    """The function."""
    return cv2.medianBlur(image, ksize)


def median_in_place(image: Any, ksize: int) -> Any:
    """The same, over the image."""
    blurred = cv2.medianBlur(image, ksize, dst=image)
    return without_axis(blurred, image)


def boxes(depths: dict[str, tuple[int, ...]]) -> Any:
    """Boxes of any size in any depth; a border, but for the isolated one, of which `blur` is asked."""

    @st.composite
    def cases(draw: st.DrawFn, dtype: str) -> Case:
        image = drawn_image(draw, data := draw(image_data(dtype)))
        width, height = draw(SIZES), draw(SIZES)
        return data.case(
            {"image": image},
            ddepth=draw(st.sampled_from(depths[dtype])),
            ksize=(width, height),
            anchor=drawn_anchor(draw, width, height),
            normalize=draw(st.booleans()),
            borderType=draw(BORDERS),
        )

    return cases


@st.composite
def median_cases(draw: st.DrawFn, dtype: str) -> Case:
    """Small windows of any channels; large ones of 8 bits and 1, 3 or 4 channels, also larger than the image."""
    data = draw(image_data(dtype))
    large = dtype == "uint8" and draw(st.booleans())
    channels = st.sampled_from((None, 1, 3, 4) if large else (None, 1, 2, 3, 4, 5))
    return data.case({"image": drawn_image(draw, data, channels)}, ksize=draw(st.sampled_from((7, 9, 13) if large else (3, 5, 1))))


def mean_times_area(trial: Trial, case: Case) -> None:
    """In double depth the sum is the mean times the area, where the area is a power of two."""
    plain = case.but(ddepth=DEPTH["float64"], ksize=(4, 2), anchor=(-1, -1))
    if np.issubdtype(the_image(case).dtype, np.integer):
        summed, mean = (trial.run(plain.but(normalize=normalize))["output"] for normalize in (False, True))
        assert_same(summed, mean * 8, "the sum over a box is not its mean times its area")


def between_extremes(trial: Trial, case: Case) -> None:
    """A median lies between the least and the largest pixel, and follows the order of images."""
    image, median = the_image(case), trial.run(case)["output"]
    assert_never_above(np.full_like(median, image.min()), median, "a median is below every pixel")
    darker = np.minimum(image, np.roll(image, 1, axis=0))
    assert_never_above(trial.run(case.but(image=darker))["output"], median, "a darker image gives a brighter median")


REJECTS = {
    "the box must have a width": lambda case: case.but(ksize=(0, case.options["ksize"][1])),
    "the anchor must lie in the box": lambda case: case.but(ksize=(2, 2), anchor=(2, 2), borderType=0),
    "the image must not be empty": emptied,
    "the border must be one that a box has": lambda case: case.but(borderType=3),
    "the depth must be one of the five: bool": of_type("bool"),
}


def depth_shape(image: Any, **options: Any) -> dict[str, Any]:
    """As the image, and the name of its depth."""
    return {**shape_of_image(image), "depth": ()}


BoxFilter = Operation(
    name="cv2.boxFilter",
    call=call_box,
    oracle=box_filter,
    cases=boxes(WIDER),
    shape=depth_shape,
    rejects=REJECTS,
    laws=(Law("the sum is the mean times the area", mean_times_area),),
    result_dtypes={"output": "any", "depth": "any"},
    dtypes=DEPTHS,
)

SqrBoxFilter = Operation(
    name="cv2.sqrBoxFilter",
    call=call_sqr_box,
    oracle=sqr_box_filter,
    cases=boxes(dict.fromkeys(DEPTHS, (DEPTH["float64"],)) | {"uint8": (DEPTH["int32"], DEPTH["float64"])}),
    shape=depth_shape,
    rejects={name: broken for name, broken in REJECTS.items() if "box has" not in name},
    laws=(Law("the sum is the mean times the area", mean_times_area),),
    result_dtypes={"output": "any", "depth": "any"},
    dtypes=DEPTHS,
)

MedianBlur = Operation(
    name="cv2.medianBlur",
    call=call_median,
    in_place=median_in_place,
    oracle=median_blur,
    cases=median_cases,
    shape=shape_of_image,
    rejects={
        "the window must be odd": lambda case: case.but(ksize=case.options["ksize"] + 1),
        "the window must not be empty": lambda case: case.but(ksize=0),
        "the window must be positive": lambda case: case.but(ksize=-3),
        "the image must not be empty": emptied,
        "large windows are for 8 bits": lambda case: case.but(image=the_image(case).astype(np.uint16), ksize=7),
        "the depth must be one of the four: int32": lambda case: of_type("int32")(case.but(ksize=3)),
    },
    laws=(Law("medians are between the extremes and follow the order", between_extremes),),
    dtypes=("uint8", "uint16", "int16", "float32"),
)

OPERATIONS = (BoxFilter, SqrBoxFilter, MedianBlur)
