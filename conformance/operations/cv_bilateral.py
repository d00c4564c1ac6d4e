"""The bilateral filter."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Disagreement, Trial
from conformance.model import Case, Law, Operation, cv2
from conformance.operations.cv_images import drawn_image, emptied, of_type, shape_of_image, the_image, with_channels
from conformance.operations.cv_laws import CONSTANT_STAYS, DESTINATION
from conformance.strategies import data_of
from oracles.cv_bilateral import bilateral_filter

CHANNELS = st.sampled_from((None, 3, 3, 1))
DIAMETERS = st.one_of(st.integers(1, 7), st.integers(1, 7), st.sampled_from((0, -1, 9, 11)))
ALL_BORDERS = st.sampled_from((4, 0, 1, 2, 3))
SPACES = st.one_of(st.sampled_from((1.0, 3.0, 0.3)), st.floats(0.1, 4.0), st.sampled_from((0.0, -1.0, 1e10, 0.01)))
LARGE = st.sampled_from((1e10, 0.0, -5.0, 1.0))
COLOURS = {
    "uint8": st.one_of(st.sampled_from((30.0, 100.0)), st.floats(0.5, 300.0), LARGE),
    "float32": st.one_of(st.sampled_from((1.0, 0.1)), st.floats(0.01, 300.0), LARGE),
}


def call(image: Any, d: int, sigmaColor: float, sigmaSpace: float, **options: Any) -> Any:
    """The function."""
    return cv2.bilateralFilter(image, d, sigmaColor, sigmaSpace, **options)


@st.composite
def cases(draw: st.DrawFn, dtype: str) -> Case:
    """Discs of any size, also larger than the image, or left to the deviation of places; every border; deviations of 0 and below."""
    image = drawn_image(draw, data := draw(data_of(dtype)), CHANNELS)
    d, space, colour = draw(DIAMETERS), draw(SPACES), draw(COLOURS[dtype])
    border = draw(ALL_BORDERS) + draw(st.sampled_from((0, 0, 0, 16)))
    space = min(space, 4.0) if d <= 0 else space  # the disc grows with it
    return data.case({"image": image}, d=d, sigmaColor=colour, sigmaSpace=space, borderType=border)


def refused_in_place(trial: Trial, case: Case) -> None:
    """The filter does not work in place, and says so."""

    def over(image: Any, **options: Any) -> Any:
        return trial.operation.call(image, **options, dst=image)

    try:
        Trial(replace(trial.operation, call=over), trial.backend).run(case)
    except trial.backend.refusals:
        return
    raise Disagreement("accepted its image as destination, which it is documented not to", result="output")


def between_extremes(trial: Trial, case: Case) -> None:
    """A result is never below the least nor above the greatest pixel, where the border is not constant."""
    image = the_image(case)
    if case.options["borderType"] & 15 and image.dtype == np.uint8:
        output = trial.run(case)["output"]
        if output.min() < image.min() or output.max() > image.max():
            raise Disagreement("a mean of pixels is below the least or above the greatest of them", result="output")


BilateralFilter = Operation(
    name="cv2.bilateralFilter",
    call=call,
    oracle=bilateral_filter,
    cases=cases,
    shape=shape_of_image,
    rejects={
        "there must be one channel or three, not two": with_channels(2),
        "there must be one channel or three, not four": with_channels(4),
        "the image must not be empty": emptied,
        "the border must be one that gives pixels": lambda case: case.but(borderType=5, sigmaColor=1.0, sigmaSpace=1.0),
        "the depth must be 8 bits or float32: uint16": of_type("uint16"),
        "the depth must be 8 bits or float32: int8": of_type("int8"),
        "the depth must be 8 bits or float32: float64": of_type("float64"),
    },
    laws=(
        CONSTANT_STAYS,
        DESTINATION,
        Law("a mean lies between the extremes", between_extremes),
        Law("in place it is refused", refused_in_place),
    ),
    dtypes=("uint8", "float32"),
)

OPERATIONS = (BilateralFilter,)
