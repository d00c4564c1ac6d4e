"""Contrast limited adaptive histogram equalization."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Trial
from conformance.model import Case, Law, Operation, cv2
from conformance.operations.cv_histogram import GRAY
from conformance.operations.cv_images import (
    drawn_image,
    emptied,
    image_data,
    of_type,
    shape_of_image,
    the_image,
    with_channels,
    without_axis,
)
from conformance.operations.laws import assert_same
from oracles.cv_adaptive_histogram import clahe

LIMITS = st.sampled_from((40.0, 2.0, 1.0, 0.0, 0.5, 3.7, -1.0, 1e5, 1e12))


def call(image: Any, clipLimit: float, tileGridSize: Any) -> Any:
    """The function."""
    return cv2.createCLAHE(clipLimit, tileGridSize).apply(image)


def in_place(image: Any, clipLimit: float, tileGridSize: Any) -> Any:
    """The same, over the image."""
    return without_axis(cv2.createCLAHE(clipLimit, tileGridSize).apply(image, dst=image), image)


@st.composite
def cases(draw: st.DrawFn, dtype: str) -> Case:
    """Images of many and of few gray values, also smaller than the grid; grids that divide the sides, and others."""
    image = drawn_image(draw, data := draw(image_data(dtype)), GRAY)
    most = 8 if dtype == "uint8" else 3
    image = image // image.dtype.type(draw(st.sampled_from((1, 1, 16, 100))))
    return data.case({"image": image}, clipLimit=draw(LIMITS), tileGridSize=(draw(st.integers(1, most)), draw(st.integers(1, most))))


def set_later(trial: Trial, case: Case) -> None:
    """An object whose limit and grid are set, and that has mapped another image before, gives the same."""
    image, options = the_image(case), case.options
    used = cv2.createCLAHE()
    used.apply(np.zeros((5, 7), image.dtype))
    used.setClipLimit(options["clipLimit"])
    used.setTilesGridSize(options["tileGridSize"])
    again = used.apply(image)
    assert_same(again, trial.run(case)["output"], "an object that is used again gives another image")
    assert_same(np.array(used.getTilesGridSize()), np.array(options["tileGridSize"]), "the grid is not the one that was set")
    assert_same(np.array(used.getClipLimit()), np.array(options["clipLimit"]), "the limit is not the one that was set")


Clahe = Operation(
    name="cv2.createCLAHE",
    call=call,
    in_place=in_place,
    oracle=clahe,
    cases=cases,
    shape=shape_of_image,
    rejects={
        "the depth must be one of the two: int16": of_type("int16"),
        "the depth must be one of the two: float32": of_type("float32"),
        "the image must not be empty": emptied,
        "the image must be gray": with_channels(3),
    },
    laws=(Law("an object may be used again", set_later),),
    dtypes=("uint8", "uint16"),
    share=0.8,
)

OPERATIONS = (Clahe,)
