"""Smoothing."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Trial
from conformance.model import Case, Law, Operation, cv2
from conformance.operations.cv_images import (
    BORDERS,
    DEPTHS,
    drawn_anchor,
    drawn_image,
    emptied,
    image_data,
    of_type,
    shape_of_image,
    the_image,
    without_axis,
)
from conformance.operations.cv_laws import CHANNELS_APART
from conformance.operations.laws import assert_same
from oracles.cv_filtering import blur

KERNEL = st.one_of(st.integers(1, 5), st.integers(1, 5), st.sampled_from((7, 8, 9, 16)))


def call(image: Any, ksize: Any, anchor: Any, borderType: Any) -> Any:
    """The function."""
    return cv2.blur(image, ksize, anchor=anchor, borderType=borderType)


def in_place(image: Any, ksize: Any, anchor: Any, borderType: Any) -> Any:
    """The same, over the image."""
    blurred = cv2.blur(image, ksize, dst=image, anchor=anchor, borderType=borderType)
    return without_axis(blurred, image)


@st.composite
def cases(draw: st.DrawFn, dtype: str) -> Case:
    """Boxes of any size, even ones, ones larger than the image."""
    image = drawn_image(draw, data := draw(image_data(dtype)))
    width, height = draw(KERNEL), draw(KERNEL)
    border = draw(BORDERS) + draw(st.sampled_from((0, 0, 0, 16)))
    return data.case({"image": image}, ksize=(width, height), anchor=drawn_anchor(draw, width, height), borderType=border)


def constant_stays(trial: Trial, case: Case) -> None:
    """A constant image stays as it is, but at a constant border."""
    if case.options["borderType"] & 15:
        image = np.full_like(the_image(case), the_image(case).flat[0])
        if np.issubdtype(image.dtype, np.integer):
            output = trial.run(case.but(image=image))["output"]
            assert_same(output.reshape(image.shape), image, "a constant image does not stay constant")


Blur = Operation(
    name="cv2.blur",
    call=call,
    in_place=in_place,
    oracle=blur,
    cases=cases,
    shape=shape_of_image,
    share=1.6,
    rejects={
        "the box must have a width": lambda case: case.but(ksize=(0, case.options["ksize"][1])),
        "the box must have a height": lambda case: case.but(ksize=(case.options["ksize"][0], -1)),
        "the anchor must lie in the box": lambda case: case.but(ksize=(2, 2), anchor=(2, 2), borderType=0),
        "the image must not be empty": emptied,
        "the border must be one that a box has": lambda case: case.but(borderType=3),
        "the depth must be one of the five: bool": of_type("bool"),
        "the depth must be one of the five: uint32": of_type("uint32"),
    },
    laws=(Law("a constant image stays", constant_stays), CHANNELS_APART),
    dtypes=DEPTHS,
)

OPERATIONS = (Blur,)
