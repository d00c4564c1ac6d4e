"""Colours."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Trial
from conformance.model import Case, Law, Operation, cv2
from conformance.operations.cv_images import drawn_image, image_data, of_type, the_image
from conformance.operations.laws import assert_same
from oracles.cv_color import bgr_to_gray


def call(image: Any) -> Any:
    """The function."""
    return cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)


def shape(image: Any) -> dict[str, Any]:
    """The channels are gone."""
    return {"output": image[:2]}


@st.composite
def cases(draw: st.DrawFn, dtype: str) -> Case:
    """Images of three channels, and of four."""
    data = draw(image_data(dtype))
    return data.case({"image": drawn_image(draw, data, st.sampled_from((3, 4)))})


def gray_stays(trial: Trial, case: Case) -> None:
    """R = G = B = Y."""
    image = the_image(case)
    if np.issubdtype(image.dtype, np.integer):
        gray = np.repeat(image[..., :1], image.shape[2], axis=2)
        assert_same(trial.run(case.but(image=gray))["output"], gray[..., 0], "a gray image does not stay as it is")


def alpha_is_dropped(trial: Trial, case: Case) -> None:
    """A fourth channel changes nothing."""
    image = the_image(case)
    three = np.ascontiguousarray(image[..., :3])
    four = np.concatenate([three, three[..., :1]], axis=2)
    if np.issubdtype(image.dtype, np.integer):
        assert_same(trial.run(case.but(image=four))["output"], trial.run(case.but(image=three))["output"], "alpha changes the result")


BGR2GRAY = Operation(
    name="cv2.cvtColor",
    variant="BGR2GRAY",
    call=call,
    oracle=bgr_to_gray,
    cases=cases,
    shape=shape,
    rejects={
        "there must be three or four channels: not one": lambda case: case.but(image=np.ascontiguousarray(the_image(case)[..., 0])),
        "there must be three or four channels: not two": lambda case: case.but(image=np.ascontiguousarray(the_image(case)[..., :2])),
        "the image must not be empty": lambda case: case.but(image=the_image(case)[:0]),
        "the depth must be one of the three: int16": of_type("int16"),
        "the depth must be one of the three: float64": of_type("float64"),
    },
    laws=(Law("gray stays", gray_stays), Law("alpha is dropped", alpha_is_dropped)),
    dtypes=("uint8", "uint16", "float32"),
)

OPERATIONS = (BGR2GRAY,)
