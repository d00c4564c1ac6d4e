"""What image operations draw alike: images, borders, anchors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Disagreement
from conformance.model import Case
from conformance.strategies import FINITE_REGIMES, INTEGER_REGIMES, Data, data_of, is_float, side

DEPTHS = ("uint8", "uint16", "int16", "float32", "float64")
SIDES = side(1, 8)
CHANNELS = st.sampled_from((None, None, 1, 2, 3, 4, 5))
BORDERS = st.sampled_from((4, 0, 1, 2))  # REFLECT_101 (the default), CONSTANT, REPLICATE, REFLECT


def image_data(dtype: str) -> st.SearchStrategy[Data]:
    """Data without NaN and infinities."""
    return data_of(dtype, FINITE_REGIMES if is_float(dtype) else INTEGER_REGIMES)


def drawn_image(draw: st.DrawFn, data: Data, channels: st.SearchStrategy[int | None] = CHANNELS) -> np.ndarray:
    """An image of one pixel or more."""
    depth = draw(channels)
    return data.array("image", draw(SIDES), draw(SIDES), *(() if depth is None else (depth,)))


def drawn_anchor(draw: st.DrawFn, width: int, height: int) -> tuple[int, int]:
    """The middle, or a cell of the kernel."""
    cells = st.tuples(st.integers(0, width - 1), st.integers(0, height - 1))
    return draw(st.one_of(st.just((-1, -1)), cells, cells))


def shape_of_image(image: Any, *_: Any, **__: Any) -> dict[str, Any]:
    """As the image; a single channel has no axis of its own."""
    return {"output": image[:2] if len(image) == 3 and image[2] == 1 else image}


def without_axis(result: Any, image: Any) -> Any:
    """One channel without an axis of its own, as results are that have no destination."""
    return result[..., 0] if image.shape[2:] == (1,) else result


def the_image(case: Case) -> np.ndarray:
    """The image of a case."""
    image = case.arrays["image"]
    assert image is not None
    return image


def of_type(name: str) -> Callable[[Case], Case]:
    """The image converted to a depth that is not supported."""
    return lambda case: case.but(image=the_image(case).astype(name))


def emptied(case: Case) -> Case:
    """The case with an image without rows."""
    return case.but(image=the_image(case)[:0])


def with_channels(count: int | None) -> Callable[[Case], Case]:
    """The first channel as so many, or None for an image without an axis of channels."""

    def broken(case: Case) -> Case:
        image = the_image(case).reshape(*the_image(case).shape[:2], -1)[..., 0]
        return case.but(image=image if count is None else np.stack([image] * count, axis=-1))

    return broken


def assert_never_above(lower: np.ndarray, upper: np.ndarray, otherwise: str) -> None:
    """Raise Disagreement where a pixel of `lower` is above that of `upper`."""
    above = np.argwhere(lower.reshape(upper.shape) > upper)
    if len(above):
        raise Disagreement(f"{otherwise}, at {above[0].tolist()}", result="output")
