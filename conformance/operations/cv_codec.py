"""Image files."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Disagreement, Trial
from conformance.model import Case, Law, Operation, cv2
from conformance.operations.cv_images import drawn_image, image_data, the_image
from conformance.operations.laws import assert_same
from oracles.cv_codec import read_image, written_png
from oracles.png import CHANNELS, DEPTHS, PALETTE, write_png


def write(image: Any, compression: Any) -> Any:
    """Write a file, and give its bytes."""
    import pathlib  # noqa: PLC0415 — the call must be complete in itself
    import tempfile  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "image.png"
        parameters = [] if compression is None else [cv2.IMWRITE_PNG_COMPRESSION, compression]
        written = cv2.imwrite(str(path), image, parameters)
        data = path.read_bytes() if path.exists() else b""
    return {"written": np.array(written), "bits": np.array(8 * image.itemsize), "file": np.frombuffer(data, np.uint8)}


def read(file: Any, flags: Any) -> Any:
    """Put bytes into a file, and read it as an image."""
    import pathlib  # noqa: PLC0415 — the call must be complete in itself
    import tempfile  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "image.png"
        if len(file):
            path.write_bytes(bytes(file))
        image = cv2.imread(str(path), flags)
    if image is None:
        return {"read": np.array(False)}
    return {"read": np.array(True), "bits": np.array(8 * image.itemsize), "output": image}


@st.composite
def images(draw: st.DrawFn, dtype: str) -> Case:
    """Images of one, three and four channels, at every level of compression and the default."""
    data = draw(image_data(dtype))
    image = drawn_image(draw, data, st.sampled_from((None, 3, 4)))
    return data.case({"image": image}, compression=draw(st.one_of(st.none(), st.just(0), st.integers(0, 9))))


@st.composite
def files(draw: st.DrawFn, dtype: str) -> Case:
    """Files of every colour type and depth, filter and interlacing, read with each flag."""
    data = draw(image_data(dtype))
    wide = dtype == "uint16"
    colour = draw(st.sampled_from([c for c in CHANNELS if not wide or 16 in DEPTHS[c]]))
    depth = 16 if wide else draw(st.sampled_from([d for d in DEPTHS[colour] if d < 16]))
    samples = data.array("samples", draw(st.integers(1, 9)), draw(st.integers(1, 9)), CHANNELS[colour]) >> (0 if wide else 8 - depth)
    file = write_png(
        samples,
        colour,
        depth,
        kind=draw(st.integers(0, 5)),
        interlaced=draw(st.booleans()),
        level=draw(st.sampled_from((6, 0, 9))),
        palette=data.array("palette", 2**depth, 3, dtype="uint8") if colour == PALETTE else None,
    )
    return data.case({"file": np.frombuffer(file, np.uint8)}, flags=draw(st.sampled_from((1, 0, -1))))


def comes_back(trial: Trial, case: Case) -> None:
    """The file read again, and the file encoded and decoded in memory, are the image."""
    image = the_image(case)
    file = trial.run(case)["file"]
    assert_same(cv2.imdecode(file, -1).reshape(image.shape), image, "the file decoded is not the image")
    parameters = [] if case.options["compression"] is None else [cv2.IMWRITE_PNG_COMPRESSION, case.options["compression"]]
    assert_same(cv2.imencode(".png", image, parameters)[1].ravel(), file, "imencode gives other bytes than imwrite")


def the_file(case: Case) -> np.ndarray:
    """The bytes of a case."""
    file = case.arrays["file"]
    assert file is not None
    return file


def nothing_is_none(trial: Trial, case: Case) -> None:
    """A missing, a truncated and a damaged file give None, not an error."""
    file = the_file(case)
    for what, wrong in (("a missing", file[:0]), ("a truncated", file[: len(file) // 2]), ("a damaged", np.roll(file, 1))):
        if trial.run(case.but(file=wrong))["read"]:
            raise Disagreement(f"{what} file is read as an image", result="read")


def memory_is_alike(trial: Trial, case: Case) -> None:
    """imdecode gives what imread gives."""
    assert_same(cv2.imdecode(the_file(case), case.options["flags"]), trial.run(case)["output"], "imdecode differs from imread")


Imwrite = Operation(
    name="cv2.imwrite",
    variant="PNG",
    call=write,
    oracle=written_png,
    cases=images,
    follows_subject=True,
    result_dtypes={"written": "bool", "bits": "any", "file": "uint8"},
    rejects={
        "the image must not be empty": lambda case: case.but(image=the_image(case)[:0]),
        "there must be one, three or four channels": lambda case: case.but(image=np.repeat(the_image(case).reshape(1, -1, 1), 2, axis=2)),
    },
    laws=(Law("the file comes back as the image", comes_back),),
    dtypes=("uint8", "uint16"),
)
Imread = Operation(
    name="cv2.imread",
    variant="PNG",
    call=read,
    oracle=read_image,
    cases=files,
    plain=("file",),
    result_dtypes={"read": "bool", "bits": "any", "output": "any"},
    laws=(Law("a file that is not there or not whole gives None", nothing_is_none), Law("imdecode is imread", memory_is_alike)),
    dtypes=("uint8", "uint16"),
    share=0.6,
)

OPERATIONS = (Imwrite, Imread)
