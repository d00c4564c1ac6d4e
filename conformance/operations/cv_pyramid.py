"""Steps of a Gaussian pyramid."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from conformance.model import Case, Law, Operation, cv2
from conformance.operations.cv_images import DEPTHS, drawn_image, emptied, of_type, the_image
from conformance.operations.cv_laws import CHANNELS_APART, CONSTANT_STAYS, DESTINATION, turned
from conformance.strategies import data_of
from oracles.cv_pyramid import pyr_down, pyr_up

BORDERS = st.sampled_from((4, 1, 2, 3))


def call_down(image: Any, **options: Any) -> Any:
    """The function."""
    return cv2.pyrDown(image, **options)


def call_up(image: Any, **options: Any) -> Any:
    """The function."""
    return cv2.pyrUp(image, **options)


def halves(side: int) -> list[int]:
    """The sizes to which a side may shrink, the default first."""
    return [(side + 1) // 2, *(half for half in (side // 2 - 1, side // 2, side // 2 + 1) if half > 0 and abs(2 * half - side) <= 2)]


def doubles(side: int) -> list[int]:
    """The sizes to which a side may grow, the default first."""
    return [2 * side, 2 * side - 1, 2 * side + 1]


def steps(sizes: Any, borders: st.SearchStrategy[int]) -> Any:
    """Any size that is allowed, or the default one."""

    @st.composite
    def cases(draw: st.DrawFn, dtype: str) -> Case:
        image = drawn_image(draw, data := draw(data_of(dtype)))
        given = draw(st.sampled_from((False, False, True)))
        dstsize = tuple(draw(st.sampled_from(sizes(side))) for side in image.shape[1::-1]) if given else None
        return data.case({"image": image}, dstsize=dstsize, borderType=draw(borders))

    return cases


def shape_of(sizes: Any) -> Any:
    """The size that is asked for, or the default one; channels as they are."""

    def shape(image: Any, dstsize: Any, borderType: int) -> dict[str, Any]:
        rows, columns = dstsize[::-1] if dstsize else (sizes(side)[0] for side in image[:2])
        return {"output": (rows, columns) + (image[2:] if image[2:] != (1,) else ())}

    return shape


def sideways(case: Case) -> Case:
    """The sizes of the two axes exchanged."""
    return case.but(dstsize=case.options["dstsize"] and case.options["dstsize"][::-1])


def square(case: Case) -> Case:
    """The default size."""
    return case.but(dstsize=None)


def of_the_double(law: Law) -> Law:
    """A law of images of the default size: of the row and the column beyond it nothing is said, and a build may leave them unwritten."""
    return Law(law.name, lambda trial, case: law.check(trial, square(case)))


def stepped(case: Case, sizes: Any, wider: int, higher: int) -> Case:
    """A size with more columns or rows than the default one."""
    height, width = the_image(case).shape[:2]
    return case.but(dstsize=(sizes(width)[0] + wider, sizes(height)[0] + higher))


REJECTS = {
    "the depth must be one of the five: int32": lambda case: of_type("int32")(square(case)),
    "the depth must be one of the five: int8": lambda case: of_type("int8")(square(case)),
    "the border must not be constant": lambda case: case.but(borderType=0),
}

PyrDown = Operation(
    name="cv2.pyrDown",
    call=call_down,
    oracle=pyr_down,
    cases=steps(halves, BORDERS),
    shape=shape_of(halves),
    rejects={
        **REJECTS,
        "the image must not be empty": lambda case: emptied(square(case)),
        "a width must be near a half": lambda case: stepped(case, halves, 3, 0),
        "a height must be near a half": lambda case: stepped(case, halves, 0, 3),
    },
    laws=(CONSTANT_STAYS, CHANNELS_APART, DESTINATION, turned(sideways)),
    dtypes=DEPTHS,
)

PyrUp = Operation(
    name="cv2.pyrUp",
    call=call_up,
    oracle=pyr_up,
    cases=steps(doubles, st.just(4)),
    shape=shape_of(doubles),
    rejects={
        **REJECTS,
        "the border must be the default: not replicated": lambda case: case.but(borderType=1),
        "the border must be the default: not wrapped": lambda case: case.but(borderType=3),
        "a width must be near the double": lambda case: stepped(case, doubles, 2, 0),
        "a height must be near the double": lambda case: stepped(case, doubles, 0, 2),
    },
    laws=(of_the_double(CHANNELS_APART), of_the_double(DESTINATION)),
    dtypes=DEPTHS,
)

OPERATIONS = (PyrDown, PyrUp)
