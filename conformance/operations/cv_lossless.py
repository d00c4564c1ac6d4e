"""Files of the formats that keep every pixel: Sun rasters; and JPEG 2000, which may."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.model import Case, Operation, cv2
from conformance.operations.cv_files import refusals
from conformance.strategies import INTEGER_REGIMES, data_of
from oracles.cv_lossless import kept

WHOLE, WIDE = ("uint8",), ("uint8", "uint16")
PLAIN: tuple[tuple[int, ...], ...] = ((),)
FORMATS: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[int | None, ...], tuple[tuple[int, ...], ...]]] = {
    # variant: (depths, extensions, channels, parameters)
    "SunRaster": (WHOLE, (".ras", ".sr"), (None, 3), PLAIN),
    "JPEG2000": (WIDE, (".jp2",), (None, 3, 4), PLAIN),
}


def write_and_read(image: Any, name: Any, parameters: Any) -> Any:
    """Write a file, and read it as it is."""
    import pathlib  # noqa: PLC0415 — the call must be complete in itself
    import tempfile  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        path = str(pathlib.Path(folder) / name)
        written = cv2.imwrite(path, image, list(parameters))
        found = cv2.imread(path, cv2.IMREAD_UNCHANGED) if written else None
    if found is None:
        return {"written": np.array(written), "depth": np.array("none"), "output": np.zeros(0)}
    return {"written": np.array(written), "depth": np.array(found.dtype.name), "output": found}


@st.composite
def images(draw: st.DrawFn, dtype: str, variant: str) -> Case:
    """Images of every number of channels that the format has, with each way to compress them."""
    _, extensions, channels, parameters = FORMATS[variant]
    data = draw(data_of(dtype, INTEGER_REGIMES))
    sides = st.one_of(st.integers(1, 9), st.integers(1, 9), st.integers(32, 40))
    height, width, depth = draw(sides), draw(sides), draw(st.sampled_from(channels))
    image = data.array("image", height, width, *(() if depth is None else (depth,)))
    return data.case({"image": image}, name="image" + draw(st.sampled_from(extensions)), parameters=draw(st.sampled_from(parameters)))


def lossless(variant: str) -> Operation:
    """imwrite of a format, and imread of what it wrote."""
    depths, extensions, _, _ = FORMATS[variant]
    return Operation(
        name="cv2.imwrite",
        variant=variant,
        call=write_and_read,
        oracle=kept,
        cases=partial(images, variant=variant),
        plain=("image",),
        result_dtypes={"written": "bool", "depth": "any", "output": "any"},
        rejects=refusals(extensions[0]),
        dtypes=depths,
        share=0.6,
    )


OPERATIONS = tuple(lossless(variant) for variant in FORMATS)
