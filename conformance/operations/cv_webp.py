"""Lossless WebP."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Disagreement, Trial
from conformance.model import Case, Law, cv2
from conformance.operations.cv_files import FOLDERS, SIDES, cut, drawn_flags_of, four_operations
from conformance.operations.cv_images import the_image
from conformance.operations.laws import assert_same
from conformance.strategies import INTEGER_REGIMES, Data, data_of
from oracles.cv_webp import LOSSLESS_MODE, PRESERVE_COLOR, QUALITY, read_lossless, written_webp
from oracles.webp import CROSS_COLOUR, INDEXING, PREDICTOR, SUBTRACT_GREEN
from oracles.webp_bits import Style
from oracles.webp_writer import Transform, write_webp

NAMES = (".webp",) * 4 + (".WEBP",)
LOSSLESS, EXACT = (QUALITY, 101), (LOSSLESS_MODE, PRESERVE_COLOR)
MANY = st.integers(15, 18)  # of 4 × 4 pixels there are enough squares for every predictor
COLOURS = (*(None,) * 6, 1, 2, 3, 4, 6, 9, 16, 17, 256)  # None: as many as come; few are bundled, by the writer or by the library
ORDERS = (  # an image of indices is made first; prediction and the crossing of colours have most to get wrong
    (),
    (PREDICTOR,),
    (CROSS_COLOUR, SUBTRACT_GREEN),
    (CROSS_COLOUR, PREDICTOR),
    (PREDICTOR, CROSS_COLOUR),
    (PREDICTOR, CROSS_COLOUR, SUBTRACT_GREEN),
    (SUBTRACT_GREEN, CROSS_COLOUR, PREDICTOR),
    (SUBTRACT_GREEN, PREDICTOR, CROSS_COLOUR),
)


def drawn_picture(
    draw: st.DrawFn, data: Data, name: str, depth: int, colours: int | None, sides: st.SearchStrategy[int] = SIDES
) -> np.ndarray:
    """An image (H, W, depth) of whatever colours, of at most so many, or of a gradient in both directions."""
    height, width = draw(sides), draw(sides)
    if colours is None and draw(st.sampled_from((False, False, True))):
        slopes = data.array(name, 2, depth).astype(int)
        y, x = np.arange(height)[:, None, None], np.arange(width)[:, None]
        return np.asarray((y * (slopes[0] % 16) + x * (slopes[1] % 16)).astype(np.uint8))
    image = data.array(name, height, width, depth)
    if colours is None:
        return image
    table = data.array("colours", colours, depth)
    return np.asarray(table[(image[..., 0].astype(int) + np.arange(width)) % colours])


@st.composite
def images(draw: st.DrawFn, dtype: str) -> Case:
    """Gray, colours, and alpha: many colours, few, gradients; with the colours of pixels of no opacity kept or not."""
    data, depth = draw(data_of(dtype, INTEGER_REGIMES)), draw(st.sampled_from((3, 4, 1)))
    image = drawn_picture(draw, data, "image", depth, draw(st.sampled_from(COLOURS)))
    exact = hasattr(cv2, "IMWRITE_WEBP_LOSSLESS_MODE") and draw(st.booleans())
    name = draw(FOLDERS) + "image" + draw(st.sampled_from(NAMES))
    return data.case({"image": image[..., 0] if depth == 1 else image}, name=name, parameters=EXACT if exact else LOSSLESS)


def drawn_transforms(draw: st.DrawFn, data: Data, few: bool) -> tuple[Transform, ...]:
    """Transforms in some order; the mode or the factors of each square."""
    order = (INDEXING,) * few + draw(st.sampled_from(ORDERS))
    said = {PREDICTOR: data.array("modes", 5, 5, 4) % 14, CROSS_COLOUR: data.array("factors", 5, 5, 4)}
    if PREDICTOR in order and draw(st.sampled_from((True, True, True, False))):
        said[PREDICTOR] = (np.arange(100).reshape(5, 5, 4) // 4 + draw(st.integers(0, 13))).astype(np.uint8) % 14
    return tuple((kind, draw(st.sampled_from((2, 2, 2, 3, 4))), said.get(kind)) for kind in order)


@st.composite
def files(draw: st.DrawFn, dtype: str) -> Case:
    """Files with every transform, cache, kind of code, and groups of codes, with and without alpha, whole or not."""
    data, opacity = draw(data_of(dtype, INTEGER_REGIMES)), draw(st.sampled_from((True, True, False)))
    colours = draw(st.sampled_from(COLOURS))
    image = drawn_picture(draw, data, "samples", 3 + opacity, colours, MANY if draw(st.sampled_from((True, True, True, False))) else SIDES)
    full = np.concatenate([image, np.full((*image.shape[:2], 1), 255, np.uint8)], axis=2)[..., :4]
    transforms = drawn_transforms(draw, data, colours is not None and draw(st.sampled_from((True, True, True, False))))
    ways = draw(st.integers(0, 31))  # every combination, that Hypothesis need not draw them one by one
    style = Style(draw(st.sampled_from((0, 0, *range(1, 12)))), *(bool(ways >> i & 1) for i in range(5)))
    groups = data.array("groups", 5, 5) % 3 if draw(st.sampled_from((False, False, True))) else None
    extended = opacity and draw(st.booleans())
    file = write_webp(full, transforms, style, groups=groups, opacity=opacity, extended=extended)
    flags = -1 if draw(st.sampled_from((True, True, False))) else drawn_flags_of(draw, image)  # as it is, with alpha
    return data.case({"file": np.frombuffer(cut(draw, file), np.uint8)}, flags=flags)


def comes_back(trial: Trial, case: Case) -> None:
    """The file read again is the image: gray as three equal channels, and no colour is asked of what has no opacity."""
    image, written = the_image(case), trial.run(case)
    if not written["written"]:
        return
    found = cv2.imdecode(written["file"], cv2.IMREAD_UNCHANGED)
    if found is None:
        raise Disagreement("the file cannot be read")
    image = np.repeat(image[..., None], 3, axis=2) if image.ndim == 2 else image
    if image.shape == found.shape and image.shape[2] == 4 and case.options["parameters"] != EXACT:
        found = np.where((image[..., 3:] == 0) & (found[..., 3:] == 0), image, found)
    assert_same(found, image, "the file decoded is not the image")


OPERATIONS = tuple(
    four_operations(
        "WebP",
        written=written_webp,
        images=images,
        found=read_lossless,
        files=files,
        extension=".webp",
        dtypes=("uint8",),
        share=0.6,
        way_back=Law("the file comes back as the image", comes_back),
    )
)
