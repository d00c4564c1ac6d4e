"""Morphology."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Trial
from conformance.model import Case, Law, Operation, cv2
from conformance.operations.cv_images import (
    BORDERS,
    DEPTHS,
    assert_never_above,
    drawn_anchor,
    drawn_image,
    image_data,
    of_type,
    shape_of_image,
    the_image,
)
from conformance.operations.laws import assert_same
from oracles.cv_morphology import erode


def call(image: Any, kernel: Any, anchor: Any, iterations: Any, borderType: Any, borderValue: Any) -> Any:
    """The function, with the border's value only where one is given."""
    border = {} if borderValue is None else {"borderValue": (borderValue,) * 4}
    return cv2.erode(image, kernel, anchor=anchor, iterations=iterations, borderType=borderType, **border)


def in_place(image: Any, kernel: Any, anchor: Any, iterations: Any, borderType: Any, borderValue: Any) -> Any:
    """The same, over the image."""
    border = {} if borderValue is None else {"borderValue": (borderValue,) * 4}
    eroded = cv2.erode(image, kernel, dst=image, anchor=anchor, iterations=iterations, borderType=borderType, **border)
    return eroded[..., 0] if image.shape[2:] == (1,) else eroded


@st.composite
def cases(draw: st.DrawFn, dtype: str) -> Case:
    """Structuring elements with holes, even ones, asymmetric ones, none; iterations from none to some."""
    image = drawn_image(draw, data := draw(image_data(dtype)), st.sampled_from((None, None, 1, 2, 3, 4)))
    width, height, kernel = 3, 3, None
    if draw(st.sampled_from((True, True, False))):
        width, height = draw(st.integers(1, 5)), draw(st.integers(1, 5))
        kernel = np.ones((height, width), np.uint8)
        if draw(st.booleans()):
            kernel = (data.rng("kernel").random((height, width)) < 0.6).astype(np.uint8)
            kernel.flat[data.rng("cell").integers(kernel.size)] = 1
    border = draw(st.one_of(st.just(0), BORDERS))
    value = draw(st.sampled_from((None, None, 0.0, 5.0, 100.0))) if border == 0 else None
    options = {"anchor": drawn_anchor(draw, width, height), "iterations": draw(st.sampled_from((1, 1, 2, 3, 0)))}
    return data.case({"image": image, "kernel": kernel}, **options, borderType=border, borderValue=value)


def never_brighter(trial: Trial, case: Case) -> None:
    """An element that has its anchor takes no pixel above itself."""
    plain = case.but(kernel=None, anchor=(-1, -1))
    assert_never_above(trial.run(plain)["output"], the_image(case), "a pixel is above what it was")


def one_by_one(trial: Trial, case: Case) -> None:
    """Two iterations are one after the other."""
    once = trial.run(case.but(iterations=1))["output"]
    twice = trial.run(case.but(image=once, iterations=1))["output"]
    assert_same(trial.run(case.but(iterations=2))["output"], twice, "two iterations are not one after the other")


def follows_order(trial: Trial, case: Case) -> None:
    """A darker image gives a darker result."""
    darker = np.minimum(the_image(case), np.roll(the_image(case), 1, axis=0))
    assert_never_above(trial.run(case.but(image=darker))["output"], trial.run(case)["output"], "a darker image gives a brighter result")


def square(case: Case) -> Case:
    """The case with an element of two by two."""
    return case.but(kernel=np.ones((2, 2), np.uint8), anchor=(0, 0), iterations=1)


Erode = Operation(
    name="cv2.erode",
    call=call,
    in_place=in_place,
    oracle=erode,
    cases=cases,
    shape=shape_of_image,
    share=1.6,
    plain=("kernel",),
    rejects={
        "the anchor must lie in the element": lambda case: square(case).but(anchor=(2, 0)),
        "the image must not be empty": lambda case: case.but(image=the_image(case)[:0]),
        "the depth must be one of the five: int8": lambda case: of_type("int8")(square(case)),
        "the depth must be one of the five: int32": lambda case: of_type("int32")(square(case)),
        "the border must not wrap": lambda case: square(case).but(borderType=3),
    },
    laws=(
        Law("never brighter", never_brighter),
        Law("two iterations are one after the other", one_by_one),
        Law("follows the order of images", follows_order),
    ),
    dtypes=DEPTHS,
)

OPERATIONS = (Erode,)
