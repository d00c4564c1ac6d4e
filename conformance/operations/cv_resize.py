"""Images of another size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Trial
from conformance.model import Case, Law, Operation, cv2
from conformance.operations.cv_images import CHANNELS, DEPTHS, drawn_image, emptied, the_image
from conformance.operations.cv_laws import CHANNELS_APART, CONSTANT_STAYS, DESTINATION, turned
from conformance.operations.laws import assert_same
from conformance.strategies import data_of, side
from oracles.cv_resize import area, area_zoomed, bicubic, lanczos4, linear, nearest, nearest_exact

FLAGS = {"NEAREST": 0, "LINEAR": 1, "CUBIC": 2, "AREA": 3, "LANCZOS4": 4, "LINEAR_EXACT": 5, "NEAREST_EXACT": 6}
AREAS = {"AREA": False, "AREA_ZOOMED": True}  # whether some axis grows: another path, with its own arithmetic
FACTORS = st.one_of(st.sampled_from((2.0, 0.5, 1.5, 0.7, 3.0, 0.25, 0.9995)), st.floats(0.2, 3.0))


def call(image: Any, dsize: Any, **options: Any) -> Any:
    """The function."""
    return cv2.resize(image, dsize, **options)


def factor_of(draw: st.DrawFn, length: int) -> float:
    """A factor that leaves a pixel."""
    factor = draw(FACTORS)
    return factor if round(factor * length) else 1.0


def sizes(interpolation: str) -> Callable[[str], st.SearchStrategy[Case]]:
    """Smaller and larger images, by sizes, by factors, and with factors that do not count beside a size."""

    @st.composite
    def cases(draw: st.DrawFn, dtype: str) -> Case:
        image = drawn_image(draw, data := draw(data_of(dtype)), CHANNELS)
        height, width = image.shape[:2]
        if draw(st.sampled_from((True, True, False))):
            exactly = st.sampled_from((2, 3, 1))  # whole ratios take paths of their own
            narrow = draw(st.one_of(side(1, 8), exactly.map(lambda n: n * width), exactly.map(lambda n: -(-width // n))))
            low = draw(st.one_of(side(1, 8), exactly.map(lambda n: n * height), exactly.map(lambda n: -(-height // n))))
            factors = draw(st.sampled_from(((0.0, 0.0), (0.5, 3.0))))
            options = {"dsize": (narrow, low), "fx": factors[0], "fy": factors[1]}
        else:
            options = {"dsize": None, "fx": factor_of(draw, width), "fy": factor_of(draw, height)}
        case = data.case({"image": image}, **options, interpolation=FLAGS[interpolation.removesuffix("_ZOOMED")])
        return case if grows(case) is AREAS.get(interpolation, grows(case)) else inverse(case)

    return cases


def grows(case: Case) -> bool:
    """Whether some axis has more pixels than before, by the size or by its factor."""
    (height, width), dsize = the_image(case).shape[:2], case.options["dsize"]
    return bool(dsize[0] > width or dsize[1] > height) if dsize else max(case.options["fx"], case.options["fy"]) > 1


def inverse(case: Case) -> Case:
    """A case that shrinks for one that grows, and the other way round."""
    (height, width), dsize = the_image(case).shape[:2], case.options["dsize"]
    if grows(case):
        if dsize:
            return case.but(dsize=(min(dsize[0], width), min(dsize[1], height)))
        return case.but(fx=min(1.0, case.options["fx"]), fy=min(1.0, case.options["fy"]))
    return case.but(dsize=(2 * width, height + dsize[1])) if dsize else case.but(fx=1 / case.options["fx"], fy=1 / case.options["fy"] + 0.5)


def shape(image: Any, dsize: Any, fx: float, fy: float, interpolation: int) -> dict[str, Any]:
    """The size that is asked for, or the factors times the sides, rounded; channels as they are."""
    size = tuple(dsize[::-1]) if dsize else (round(fy * image[0]), round(fx * image[1]))
    return {"output": size + (image[2:] if image[2:] != (1,) else ())}


def sideways(case: Case) -> Case:
    """The options of the two axes exchanged."""
    dsize = case.options["dsize"]
    return case.but(dsize=dsize and dsize[::-1], fx=case.options["fy"], fy=case.options["fx"])


def same_size(trial: Trial, case: Case) -> None:
    """The size that an image has changes nothing."""
    image = the_image(case)
    output = trial.run(case.but(dsize=image.shape[1::-1]))["output"]
    assert_same(output.reshape(image.shape), image, "an image of the same size is another image")


REJECTS = {
    "a size or factors must be given": lambda case: case.but(dsize=None, fx=0.0, fy=0.0),
    "both factors must be given": lambda case: case.but(dsize=None, fx=2.0, fy=0.0),
    "a width must not be negative": lambda case: case.but(dsize=(-1, 2), fx=0.0, fy=0.0),
    "a height must not be zero without factors": lambda case: case.but(dsize=(2, 0), fx=0.0, fy=0.0),
    "the image must not be empty": emptied,
    "there must be such an interpolation": lambda case: case.but(interpolation=9, dsize=(7, 5), image=np.ones((2, 3), case.dtype)),
}


def resize(interpolation: str, oracle: Callable[..., Any], more_depths: tuple[str, ...] = (), laws: tuple[Law, ...] = ()) -> Operation:
    """The operation of one interpolation."""
    return Operation(
        name="cv2.resize",
        variant=interpolation,
        call=call,
        oracle=oracle,
        cases=sizes(interpolation),
        shape=shape,
        rejects=REJECTS,
        laws=(Law("the same size changes nothing", same_size), CONSTANT_STAYS, DESTINATION, *laws),
        dtypes=(*DEPTHS, *more_depths),
    )


MOVED = (CHANNELS_APART, turned(sideways))

OPERATIONS = (
    resize("NEAREST", nearest, ("int8", "int32"), MOVED),
    resize("NEAREST_EXACT", nearest_exact, ("int8", "int32"), MOVED),
    resize("LINEAR", linear),
    resize("LINEAR_EXACT", linear),
    resize("CUBIC", bicubic),
    resize("LANCZOS4", lanczos4),
    resize("AREA", area),
    resize("AREA_ZOOMED", area_zoomed),
)
