"""JPEG files."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Disagreement, Trial
from conformance.model import Case, Law, cv2
from conformance.operations.cv_files import drawn_flags, drawn_orientation, encode, four_operations
from conformance.operations.cv_images import the_image
from conformance.operations.laws import assert_same
from conformance.strategies import Data, data_of
from oracles.cv_jpeg import (
    CHROMA_QUALITY,
    LUMA_QUALITY,
    QUALITY,
    SAMPLING,
    components,
    quantised,
    read_photograph,
    written_jpeg,
)
from oracles.cv_reading import REDUCTIONS
from oracles.jpeg import JPEG, write_jpeg
from oracles.jpeg_tables import CHROMINANCE, LUMINANCE, scaled

REGIMES = ("integers", "constant", "ramp", "extremes")
FACTORS = ((1, 1), (2, 1), (2, 2), (1, 2), (4, 1))
PROGRESSIVE, OPTIMIZE, RESTART = 2, 3, 4


def drawn_photograph(draw: st.DrawFn, data: Data, channels: tuple[int | None, ...]) -> np.ndarray:
    """Noise of the whole range or a narrow one, ramps and flat areas, from a pixel to some blocks."""
    depth = draw(st.sampled_from(channels))
    sides = [draw(st.one_of(st.integers(1, 20), st.sampled_from((8, 16, 17)))) for _ in range(2)]
    image = data.array("image", *sides, *(() if depth is None else (depth,)))
    return image // 8 + 100 if draw(st.booleans()) else image


@st.composite
def images(draw: st.DrawFn, dtype: str) -> Case:
    """Gray, colour, and alpha, at every quality and the default, and every sampling."""
    data = draw(data_of(dtype, REGIMES))
    image = drawn_photograph(draw, data, (None, 3, 3, 4))
    quality = st.one_of(st.integers(0, 100), st.sampled_from((0, 1, 49, 50, 51, 95, 100)))
    sampling = st.sampled_from([x << 20 | y << 16 | 0x1111 for x, y in FACTORS])
    sampling = sampling if hasattr(cv2, "IMWRITE_JPEG_SAMPLING_FACTOR") else st.nothing()  # not every version has the parameter
    name = draw(st.sampled_from(("image.jpg", "image.jpeg", "image.JPG", "image.jpe")))
    parameters = draw(
        st.one_of(
            st.just(()),
            st.tuples(st.just(QUALITY), quality),
            st.tuples(st.just(QUALITY), quality),
            st.tuples(st.just(QUALITY), quality, st.just(SAMPLING), sampling),
            st.tuples(st.just(LUMA_QUALITY), quality, st.just(CHROMA_QUALITY), quality),
            st.tuples(st.just(OPTIMIZE), st.just(1), st.just(QUALITY), quality),
            st.tuples(st.just(RESTART), st.integers(1, 3)),
        )
    )
    return data.case({"image": image}, name=name, parameters=parameters)


@st.composite
def files(draw: st.DrawFn, dtype: str) -> Case:
    """Files of our own, of images quantised at any quality with any sampling and orientation, whole or cut off."""
    data = draw(data_of(dtype, REGIMES))
    image = drawn_photograph(draw, data, (None, 3, 3))
    quality, factors = draw(st.integers(1, 100)), draw(st.sampled_from(FACTORS))
    planes = list(components(image))
    sampling = [factors, (1, 1), (1, 1)] if len(planes) == 3 else [(1, 1)]
    tables = [scaled(CHROMINANCE if i else LUMINANCE, quality) for i in range(len(planes))]
    jpeg = JPEG(*image.shape[:2], sampling, tables, exif=draw(drawn_orientation()))
    for i, zeros in enumerate(jpeg.empty()):
        by = (sampling[0][0] // sampling[i][0], sampling[0][1] // sampling[i][1])
        low, high = quantised(planes[i], by, tables[i], zeros.shape)
        jpeg.coefficients.append(np.rint((low + high) / 2).astype(int))
    file = write_jpeg(jpeg)
    if draw(st.sampled_from((False,) * 4 + (True,))):
        file = file[: draw(st.integers(0, len(file) - 3))]
    reductions = tuple(flag | colour for flag in REDUCTIONS for colour in (0, 1))
    return data.case({"file": np.frombuffer(file, np.uint8)}, flags=drawn_flags(draw, but=reductions))


def other_ways_change_nothing(trial: Trial, case: Case) -> None:
    """Progressive order, better codes and restarts leave every pixel as it is."""
    image, own = the_image(case), case.options["parameters"]
    plain = cv2.imdecode(trial.run(case)["file"], -1)
    for key, value in ((PROGRESSIVE, 1), (OPTIMIZE, 1), (RESTART, 2)):
        file = encode(image, case.options["name"], (*own, key, value))["file"]
        assert_same(cv2.imdecode(file, -1), plain, f"the parameter {key} changes the image")


def reduced_sides(trial: Trial, case: Case) -> None:
    """Reduced to 1/2, 1/4 and 1/8, a side has as many pixels, and one more for a rest."""
    whole = trial.run(case.but(flags=1))
    if not whole["read"]:
        return
    for flag, by in REDUCTIONS.items():
        smaller = trial.run(case.but(flags=flag | 1))
        if smaller["output"].shape[:2] != tuple(-(-side // by) for side in whole["output"].shape[:2]):
            raise Disagreement(f"reduced by {by}, {whole['output'].shape} becomes {smaller['output'].shape}", result="output")


OPERATIONS = tuple(
    four_operations(
        "JPEG",
        written=written_jpeg,
        images=images,
        found=read_photograph,
        files=files,
        extension=".jpg",
        dtypes=("uint8",),
        way_back=Law("other ways to write change nothing", other_ways_change_nothing),
        further=(Law("reduced sides", reduced_sides),),
    )
)
