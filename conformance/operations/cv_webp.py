"""Lossless WebP."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Disagreement, Trial
from conformance.model import Case, Law, cv2
from conformance.operations.cv_files import FOLDERS, SIDES, drawn_flags_of, drawn_harm, four_operations
from conformance.operations.cv_images import the_image
from conformance.operations.laws import assert_same
from conformance.strategies import INTEGER_REGIMES, Data, data_of
from oracles.cv_webp import LOSSLESS_MODE, PRESERVE_COLOR, QUALITY, read_lossless, written_webp
from oracles.webp import CROSS_COLOUR, INDEXING, PREDICTOR, SUBTRACT_GREEN, bundling
from oracles.webp_bits import Style
from oracles.webp_writer import Transform, write_webp

NAMES = (".webp",) * 4 + (".WEBP",)
LOSSLESS, EXACT = (QUALITY, 101), (LOSSLESS_MODE, PRESERVE_COLOR)
REGIMES = (*INTEGER_REGIMES, "integers", "extremes", "ramp")  # of a constant image little can be got wrong
MANY = st.integers(15, 18)  # of 4 × 4 pixels there are enough squares for every predictor
MODES, STRIDES = 14, (1, 3, 5, 9, 11, 13)  # a stride that has no factor with 14 leads through every mode
COLOURS = (2, 4, 16, 9, 3, 2, None, 4, 2, 6, 3, 16, 2, 9, 4, None, 17, 256, 1)  # None: as many as come; few are bundled
ORDERS = (  # an image of indices is made first; prediction and the crossing of colours have most to get wrong
    (PREDICTOR,),
    (CROSS_COLOUR, PREDICTOR),
    (PREDICTOR, CROSS_COLOUR),
    (PREDICTOR, CROSS_COLOUR, SUBTRACT_GREEN),
    (SUBTRACT_GREEN, CROSS_COLOUR, PREDICTOR),
    (SUBTRACT_GREEN, PREDICTOR, CROSS_COLOUR),
    (CROSS_COLOUR, SUBTRACT_GREEN),
    (),
)
HEADERS = 48  # bytes: those of an extended file, and the first of its bitstream
LARGEST = 2**12  # pixels: a wrong bit may say that there are millions


def drawn_picture(
    draw: st.DrawFn, data: Data, name: str, depth: int, colours: int | None, sides: st.SearchStrategy[int] = SIDES, share: int = 1
) -> np.ndarray:
    """An image (H, W, depth) of whatever colours, of at most so many, or of a gradient in both directions.

    Of `share` pixels that are bundled it is so many times as wide, the last bundle whole or not.
    """
    height, width = draw(sides), draw(sides) * share - draw(st.integers(0, share - 1))
    if colours is None and draw(st.sampled_from((False, False, True))):
        slopes = data.array(name, 2, depth).astype(int)
        y, x = np.arange(height)[:, None, None], np.arange(width)[:, None]
        return np.asarray((y * (slopes[0] % 16) + x * (slopes[1] % 16)).astype(np.uint8))
    image = data.array(name, height, width, depth)
    if colours is None:
        return image
    table = data.array("colours", colours, depth, regime="integers")
    return np.asarray(table[(image[..., 0].astype(int) + np.arange(width)) % colours])


@st.composite
def images(draw: st.DrawFn, dtype: str) -> Case:
    """Gray, colours, and alpha: many colours, few, gradients; with the colours of pixels of no opacity kept or not."""
    data, depth = draw(data_of(dtype, REGIMES)), draw(st.sampled_from((3, 4, 1)))
    image = drawn_picture(draw, data, "image", depth, draw(st.sampled_from(COLOURS)))
    exact = hasattr(cv2, "IMWRITE_WEBP_LOSSLESS_MODE") and draw(st.booleans())
    name = draw(FOLDERS) + "image" + draw(st.sampled_from(NAMES))
    return data.case({"image": image[..., 0] if depth == 1 else image}, name=name, parameters=EXACT if exact else LOSSLESS)


def drawn_transforms(draw: st.DrawFn, data: Data, few: bool) -> tuple[Transform, ...]:
    """Transforms in some order; every mode in turn, and the factors of each square."""
    order = (INDEXING,) * few + draw(st.sampled_from(ORDERS))
    first, stride = draw(st.integers(0, MODES - 1)), draw(st.sampled_from(STRIDES))
    modes = (first + stride * np.arange(25)) % MODES
    said = {PREDICTOR: np.repeat(modes, 4).reshape(5, 5, 4).astype(np.uint8), CROSS_COLOUR: data.array("factors", 5, 5, 4)}
    return tuple((kind, draw(st.sampled_from((2, 2, 2, 2, 3, 4))), said.get(kind)) for kind in order)


def drawn_file(draw: st.DrawFn, data: Data, harmed: bool) -> tuple[bytes, np.ndarray]:
    """A file with some transforms, cache, kind of code, and groups of codes, with and without alpha; and its image."""
    opacity, colours = draw(st.sampled_from((True, True, False))), draw(st.sampled_from(COLOURS))
    few = colours is not None and draw(st.sampled_from((True,) * 7 + (False,)))
    sides = MANY if draw(st.sampled_from((True,) * 5 + (False,))) else SIDES
    image = drawn_picture(draw, data, "samples", 3 + opacity, colours, sides, 1 << bundling(colours or 0) if few else 1)
    full = np.concatenate([image, np.full((*image.shape[:2], 1), 255, np.uint8)], axis=2)[..., :4]
    ways = draw(st.integers(0, 31))  # every combination, that Hypothesis need not draw them one by one
    style = Style(draw(st.sampled_from((0, 0, *range(1, 12)))), *(bool(ways >> i & 1) for i in range(5)))
    groups = data.array("groups", 5, 5) % 3 if draw(st.sampled_from((False, False, True))) else None
    file = write_webp(
        full,
        drawn_transforms(draw, data, few),
        style,
        groups=groups,
        opacity=opacity,
        extended=opacity and draw(st.booleans()),
        even=harmed,
    )
    return file, image


def quick(file: bytes) -> bool:
    """Whether a file, which may be harmed, says that the image is no larger than what the reader reads at once."""
    _, _, stream = file.partition(b"VP8L")
    word = int.from_bytes(stream[5:9], "little")
    return ((word & 0x3FFF) + 1) * ((word >> 14 & 0x3FFF) + 1) <= LARGEST


@st.composite
def harmed(draw: st.DrawFn, file: bytes, **how: Any) -> bytes:
    """A file that is cut off, damaged or missing."""
    return drawn_harm(draw, file, end=0, **how)


@st.composite
def files(draw: st.DrawFn, dtype: str) -> Case:
    """Files with every transform, predictor, bundling, cache, kind of code, and groups of codes, with and without alpha, whole or not."""
    data, whole = draw(data_of(dtype, REGIMES)), draw(st.sampled_from((True,) * 5 + (False,)))
    file, image = drawn_file(draw, data, not whole)
    flags = -1 if draw(st.sampled_from((True, True, False))) else drawn_flags_of(draw, image)  # as it is, with alpha
    file = file if whole else draw(harmed(file).filter(quick))
    return data.case({"file": np.frombuffer(file, np.uint8)}, flags=flags)


@st.composite
def damaged_files(draw: st.DrawFn, dtype: str) -> Case:
    """Files of which one bit is wrong, as often in the headers and what comes next as anywhere."""
    data = draw(data_of(dtype, REGIMES))
    file, _ = drawn_file(draw, data, True)
    places = st.one_of(st.integers(0, min(HEADERS, len(file)) - 1), st.integers(0, len(file) - 1))
    file = draw(harmed(file, harms=("damaged",), places=places).filter(quick))
    return data.case({"file": np.frombuffer(file, np.uint8)}, flags=draw(st.sampled_from((-1, -1, 1, 0))))


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


FOUR = four_operations(
    "WebP",
    written=written_webp,
    images=images,
    found=read_lossless,
    files=files,
    extension=".webp",
    dtypes=("uint8",),
    share=0.6,
    share_of_reading=1.0,
    way_back=Law("the file comes back as the image", comes_back),
)
DAMAGED = replace(FOUR[2], variant="DamagedWebP", cases=damaged_files, share=0.6)  # imread, and its law that imdecode is alike
OPERATIONS = (*FOUR, DAMAGED)
