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
    emptied,
    image_data,
    of_type,
    shape_of_image,
    the_image,
    without_axis,
)
from conformance.operations.laws import assert_same
from conformance.strategies import Data
from oracles.cv_morphology import HITMISS, dilate, erode, morphology, structuring_element


def bordered(borderType: Any, borderValue: Any, **options: Any) -> dict[str, Any]:
    """The border's value only where one is given."""
    return {**options, "borderType": borderType, **({} if borderValue is None else {"borderValue": (borderValue,) * 4})}


def call_erode(image: Any, kernel: Any, **options: Any) -> Any:
    """The function."""
    return cv2.erode(image, kernel, **bordered(**options))


def call_dilate(image: Any, kernel: Any, **options: Any) -> Any:
    """The function."""
    return cv2.dilate(image, kernel, **bordered(**options))


def call_morphology(image: Any, kernel: Any, op: Any, **options: Any) -> Any:
    """The function."""
    return cv2.morphologyEx(image, op, kernel, **bordered(**options))


def erode_in_place(image: Any, kernel: Any, **options: Any) -> Any:
    """The same, over the image."""
    return without_axis(cv2.erode(image, kernel, dst=image, **bordered(**options)), image)


def dilate_in_place(image: Any, kernel: Any, **options: Any) -> Any:
    """The same, over the image."""
    return without_axis(cv2.dilate(image, kernel, dst=image, **bordered(**options)), image)


def morphology_in_place(image: Any, kernel: Any, op: Any, **options: Any) -> Any:
    """The same, over the image."""
    return without_axis(cv2.morphologyEx(image, op, kernel, dst=image, **bordered(**options)), image)


def drawn_kernel(draw: st.DrawFn, data: Data) -> np.ndarray | None:
    """An element with holes, an even one, an asymmetric one, a full one, or none."""
    if not draw(st.sampled_from((True, True, False))):
        return None
    width, height = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    if not draw(st.booleans()):
        return np.ones((height, width), np.uint8)
    kernel = (data.rng("kernel").random((height, width)) < 0.6).astype(np.uint8)
    kernel.flat[data.rng("cell").integers(kernel.size)] = 1
    return kernel


@st.composite
def cases(draw: st.DrawFn, dtype: str) -> Case:
    """Any element; iterations from none to some; every border."""
    image = drawn_image(draw, data := draw(image_data(dtype)), st.sampled_from((None, None, 1, 2, 3, 4)))
    kernel = drawn_kernel(draw, data)
    height, width = (3, 3) if kernel is None else kernel.shape
    border = draw(st.one_of(st.just(0), BORDERS))
    value = draw(st.sampled_from((None, None, 0.0, 5.0, 100.0))) if border == 0 else None
    options = {"anchor": drawn_anchor(draw, width, height), "iterations": draw(st.sampled_from((1, 1, 2, 3, 0)))}
    return data.case({"image": image, "kernel": kernel}, **options, borderType=border, borderValue=value)


@st.composite
def morphology_cases(draw: st.DrawFn, dtype: str) -> Case:
    """The same with every composition; hit-or-miss on images of 0 and 255 with elements of −1, 0 and 1."""
    case = draw(cases(dtype))
    op = draw(st.sampled_from(tuple(range(8 if dtype == "uint8" else 7))))
    if op == HITMISS:
        rng = np.random.default_rng(case.seed)
        kernel = rng.integers(-1, 2, draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))).astype(np.int8)
        kernel.flat[rng.integers(kernel.size)] = 1
        image = (the_image(case).reshape((*the_image(case).shape[:2], -1))[..., 0] & 1) * np.uint8(255)
        case = case.but(image=image, kernel=kernel, anchor=(-1, -1), borderValue=None)
    return case.with_options(op=op)


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
    call=call_erode,
    in_place=erode_in_place,
    oracle=erode,
    cases=cases,
    shape=shape_of_image,
    share=1.6,
    plain=("kernel",),
    rejects={
        "the anchor must lie in the element": lambda case: square(case).but(anchor=(2, 0)),
        "the image must not be empty": emptied,
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


def never_darker(trial: Trial, case: Case) -> None:
    """An element that has its anchor takes no pixel below itself."""
    plain = case.but(kernel=None, anchor=(-1, -1))
    assert_never_above(the_image(case), trial.run(plain)["output"], "a pixel is below what it was")


def is_erosion_of_the_complement(trial: Trial, case: Case) -> None:
    """D(−x) = −E(x), the border's default as it is."""
    image = the_image(case)
    if np.issubdtype(image.dtype, np.unsignedinteger) and case.options["borderValue"] is None:
        turned = case.but(image=np.iinfo(image.dtype).max - image)
        eroded = Trial(Erode, trial.backend).run(case)["output"]
        assert_same(trial.run(turned)["output"], np.iinfo(image.dtype).max - eroded, "it is not the erosion of the complement")


def opened_twice(trial: Trial, case: Case) -> None:
    """With a symmetric element opening, or closing, a second time changes nothing, and opening is never brighter than the image."""
    element = np.ones((3, 3), np.uint8)
    plain = case.but(kernel=element, anchor=(-1, -1), iterations=1, borderType=0, borderValue=None)
    for op, name in ((2, "opening"), (3, "closing")):
        once = trial.run(plain.but(op=op))["output"]
        assert_same(trial.run(plain.but(op=op, image=once))["output"], once, f"{name} twice is not {name}")
    assert_never_above(trial.run(plain.but(op=2))["output"], the_image(case), "opening makes a pixel brighter")
    assert_never_above(the_image(case), trial.run(plain.but(op=3))["output"], "closing makes a pixel darker")


Dilate = Operation(
    name="cv2.dilate",
    call=call_dilate,
    in_place=dilate_in_place,
    oracle=dilate,
    cases=cases,
    shape=shape_of_image,
    share=1.6,
    plain=("kernel",),
    rejects=Erode.rejects,
    laws=(
        Law("never darker", never_darker),
        Law("two iterations are one after the other", one_by_one),
        Law("follows the order of images", follows_order),
        Law("the erosion of the complement", is_erosion_of_the_complement),
    ),
    dtypes=DEPTHS,
)

MorphologyEx = Operation(
    name="cv2.morphologyEx",
    call=call_morphology,
    in_place=morphology_in_place,
    oracle=morphology,
    cases=morphology_cases,
    shape=shape_of_image,
    share=1.6,
    plain=("kernel",),
    rejects={
        **{name: broken for name, broken in Erode.rejects.items() if "empty" not in name},
        "there must be such an operation": lambda case: case.but(op=8),
    },
    laws=(Law("opening and closing are idempotent", opened_twice),),
    dtypes=DEPTHS,
)


def call_element(shape: Any, ksize: Any, anchor: Any) -> Any:
    """The function."""
    return cv2.getStructuringElement(shape, ksize, anchor=anchor)


@st.composite
def elements(draw: st.DrawFn, dtype: str) -> Case:
    """Every shape and size."""
    width, height = draw(st.integers(1, 12)), draw(st.integers(1, 12))
    return Case({}, {"shape": draw(st.integers(0, 3)), "ksize": (width, height), "anchor": drawn_anchor(draw, width, height)}, dtype)


StructuringElement = Operation(
    name="cv2.getStructuringElement",
    call=call_element,
    oracle=structuring_element,
    cases=elements,
    takes_arrays=False,
    share=4.0,
    rejects={
        "an element must have a width": lambda case: case.but(ksize=(0, 3)),
        "an element must have a height": lambda case: case.but(ksize=(3, -1)),
        "there must be such a shape": lambda case: case.but(shape=9, ksize=(3, 3), anchor=(-1, -1)),
    },
    dtypes=("uint8",),
)

OPERATIONS = (Erode, Dilate, MorphologyEx, StructuringElement)
