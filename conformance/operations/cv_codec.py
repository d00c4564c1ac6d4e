"""PNG files."""

from __future__ import annotations

from functools import partial

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Trial
from conformance.model import Case, Law, cv2
from conformance.operations.cv_files import drawn_flags, drawn_harm, drawn_orientation, four_operations
from conformance.operations.cv_images import drawn_image, image_data, the_image
from conformance.operations.laws import assert_same
from conformance.strategies import Data, data_of
from oracles.cv_codec import BILEVEL, COMPRESSION, STRATEGY, read_image, written_png
from oracles.png import CHANNELS, DEPTHS, GRAY, GRAY_ALPHA, PALETTE, RGB, RGBA, write_png

NAMES = ("image.png", "image.png", "IMAGE.PNG", "bild ä.png")
ANY = (4, 6)  # IMREAD_ANYCOLOR, of which nothing is said about gray with alpha: neither gray nor B, G, R is all that is there
LEVELS, STRATEGIES = st.integers(0, 9), st.integers(0, 4)


@st.composite
def images(draw: st.DrawFn, dtype: str, names: tuple[str, ...] = NAMES) -> Case:
    """Images of one, three and four channels, at every level of compression and the default, with every strategy."""
    data = draw(image_data(dtype))
    image = drawn_image(draw, data, st.sampled_from((None, 3, 4)))
    one_bit = [st.tuples(st.just(BILEVEL), st.integers(0, 1))] if dtype == "uint8" and image.ndim == 2 else []
    parameters = st.one_of(
        st.just(()),
        st.tuples(st.just(COMPRESSION), LEVELS),
        st.tuples(st.just(COMPRESSION), LEVELS),
        st.tuples(st.just(STRATEGY), STRATEGIES),
        st.tuples(st.just(COMPRESSION), LEVELS, st.just(STRATEGY), STRATEGIES),
        *one_bit,
    )
    return data.case({"image": image}, name=draw(st.sampled_from(names)), parameters=draw(parameters))


def drawn_transparency(draw: st.DrawFn, data: Data, colour: int, samples: np.ndarray, depth: int) -> bytes:
    """What a tRNS chunk says: opacities of the palette, or the samples that are transparent, those of some pixel."""
    if not draw(st.sampled_from((False, False, True))):
        return b""
    if colour == PALETTE:
        return data.array("opacities", draw(st.integers(1, 2**depth)), dtype="uint8").tobytes()
    return samples[0, 0].astype(">u2").tobytes() if colour in (GRAY, RGB) else b""


@st.composite
def files(draw: st.DrawFn, dtype: str) -> Case:
    """Files of every colour type and depth, filter and interlacing, with transparency and orientation, read with each flag."""
    data = draw(data_of(dtype, ("integers", "ramp", "extremes")))
    wide = dtype == "uint16"
    colour, depth = draw(st.sampled_from([(c, d) for c in (RGB, GRAY, PALETTE, RGBA, GRAY_ALPHA) for d in DEPTHS[c] if (d == 16) == wide]))
    sides = st.one_of(st.integers(2, 9), st.integers(1, 17))
    samples = data.array("samples", draw(sides), draw(sides), CHANNELS[colour]) >> (0 if wide else 8 - depth)
    harmed = draw(st.sampled_from((False, False, False, True)))  # but not in what is no reason not to read the image
    transparency = b"" if harmed else drawn_transparency(draw, data, colour, samples, depth)
    style = draw(st.integers(0, 59))  # every combination of filter, interlacing and parts, that Hypothesis need not draw them one by one
    exif = b"" if harmed else draw(drawn_orientation())
    file = write_png(
        samples,
        colour,
        depth,
        kind=style % 6,
        interlaced=style % 4 > 1,
        level=(6, 0, 9)[style % 3],
        palette=data.array("palette", 2**depth, 3, dtype="uint8") if colour == PALETTE else None,
        transparency=transparency,
        exif=exif,
        split=1 + style % 5 // 4,
    )
    file = drawn_harm(draw, file, end=13) if harmed else file
    return data.case({"file": np.frombuffer(file, np.uint8)}, flags=drawn_flags(draw, but=ANY if colour == GRAY_ALPHA else ()))


def comes_back(trial: Trial, case: Case) -> None:
    """The file read again is the image."""
    image, written = the_image(case), trial.run(case)
    if written["written"] and BILEVEL not in case.options["parameters"][::2]:
        assert_same(cv2.imdecode(written["file"], -1).reshape(image.shape), image, "the file decoded is not the image")


OPERATIONS = tuple(
    four_operations(
        "PNG",
        written=written_png,
        images=partial(images, names=(*NAMES, "nowhere/image.png")),
        encoded=images,
        found=read_image,
        files=files,
        extension=".png",
        dtypes=("uint8", "uint16"),
        share=0.6,
        share_of_reading=2.0,
        way_back=Law("the file comes back as the image", comes_back),
    )
)
