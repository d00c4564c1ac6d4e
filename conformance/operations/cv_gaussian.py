"""Gaussian blur."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Disagreement, Trial
from conformance.model import Case, Law, Operation, cv2
from conformance.operations.cv_images import (
    BORDERS,
    DEPTHS,
    drawn_image,
    emptied,
    of_type,
    shape_of_image,
    the_image,
    without_axis,
)
from conformance.operations.cv_laws import CHANNELS_APART, CONSTANT_STAYS, DESTINATION, turned
from conformance.strategies import data_of
from oracles.cv_gaussian import gaussian_blur

SIZES = st.sampled_from((3, 5, 1, 7, 9, 11, 15))
SIGMAS = st.one_of(st.sampled_from((1.0, 0.0, 0.5, 2.0, -1.0)), st.floats(0.1, 4.0), st.sampled_from((0.01, 0.15, 100.0, 1e10, 1e-100)))
REACHED = st.floats(0.05, 2.0)  # of the deviations from which sizes are computed


def call(image: Any, ksize: Any, sigmaX: float, **options: Any) -> Any:
    """The function."""
    return cv2.GaussianBlur(image, ksize, sigmaX, **options)


def in_place(image: Any, ksize: Any, sigmaX: float, **options: Any) -> Any:
    """The same, over the image."""
    return without_axis(cv2.GaussianBlur(image, ksize, sigmaX, dst=image, **options), image)


@st.composite
def cases(draw: st.DrawFn, dtype: str) -> Case:
    """Bells of any size, also larger than the image; one or both sizes, or deviations, left to the other."""
    image = drawn_image(draw, data := draw(data_of(dtype)))
    sigmas, sides = [draw(SIGMAS), draw(SIGMAS)], [draw(SIZES), draw(SIZES)]
    if draw(st.sampled_from((False, False, True))):
        sigmas = [draw(REACHED), draw(st.one_of(st.just(0.0), REACHED))]
        sides = list(draw(st.sampled_from(((0, 0), (0, sides[1]), (sides[0], 0)))))
    border = draw(BORDERS) + draw(st.sampled_from((0, 0, 0, 16)))
    return data.case({"image": image}, ksize=tuple(sides), sigmaX=sigmas[0], sigmaY=sigmas[1], borderType=border)


def sideways(case: Case) -> Case | None:
    """The options of the two axes exchanged; a deviation of σY alone has no exchange."""
    ksize, sigmaX, sigmaY = (case.options[name] for name in ("ksize", "sigmaX", "sigmaY"))
    if sigmaX <= 0 < sigmaY:
        return None
    return case.but(ksize=ksize[::-1], sigmaX=sigmaY if sigmaY > 0 else sigmaX, sigmaY=sigmaX)


def default_kernel(trial: Trial, case: Case) -> None:
    """Without deviations the bells are those of getGaussianKernel: up to size 9 of weights that 8 bits hold, so to half a gray value."""
    if case.dtype not in ("uint8", "uint16"):
        return
    image, sides = the_image(case), tuple(min(size or 3, 9) for size in case.options["ksize"])
    output = trial.run(case.but(ksize=sides, sigmaX=0.0, sigmaY=0.0))["output"]
    kernels = [cv2.getGaussianKernel(size, 0) for size in sides]
    wanted = cv2.sepFilter2D(image.astype(float), -1, *kernels, borderType=case.options["borderType"]).reshape(output.shape)
    far = np.argwhere(np.abs(output - wanted) > 0.5)
    if len(far):
        raise Disagreement(f"without deviations it is not the filter with the kernels of getGaussianKernel, at {far[0].tolist()}")


GaussianBlur = Operation(
    name="cv2.GaussianBlur",
    call=call,
    in_place=in_place,
    oracle=gaussian_blur,
    cases=cases,
    shape=shape_of_image,
    rejects={
        "a width must be odd": lambda case: case.but(ksize=(4, 3)),
        "a height must be odd": lambda case: case.but(ksize=(3, 2)),
        "a size must not be negative": lambda case: case.but(ksize=(-3, 3)),
        "a size or a deviation must be given": lambda case: case.but(ksize=(0, 3), sigmaX=0.0, sigmaY=0.0),
        "the image must not be empty": emptied,
        "the border must not wrap": lambda case: case.but(borderType=3, ksize=(3, 3)),
        "the depth must be one of the five: int32": lambda case: of_type("int32")(case.but(ksize=(3, 3))),
        "the depth must be one of the five: int8": lambda case: of_type("int8")(case.but(ksize=(3, 3))),
    },
    laws=(
        CONSTANT_STAYS,
        CHANNELS_APART,
        DESTINATION,
        turned(sideways),
        Law("without deviations the kernel is the default one", default_kernel),
    ),
    dtypes=DEPTHS,
)

OPERATIONS = (GaussianBlur,)
