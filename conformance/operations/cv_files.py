"""Writing and reading image files, in a folder and in memory: what all formats have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Disagreement, Trial
from conformance.model import Case, Law, Operation, cv2
from conformance.operations.cv_images import emptied, the_image
from conformance.operations.laws import assert_same
from oracles.cv_reading import REDUCTIONS
from oracles.exif import orientation_block

FLAGS = (1, 0, -1, 2, 3, 4, 6, 128, 129, 16, 17, 32, 33, 64, 65)
RED_FIRST = (256, 258)  # IMREAD_COLOR_RGB, which not every version has
SIDES = st.one_of(st.integers(1, 9), st.integers(1, 9), st.integers(15, 18))
FOLDERS = st.sampled_from(("",) * 9 + ("nowhere/",))
HARMS = ("cut", "damaged", "missing")
KEEPING_DEPTH = (-1, 6, -1, 3)  # IMREAD_UNCHANGED, and IMREAD_ANYDEPTH with the channels that there are, or with three


def write(image: Any, name: Any, parameters: Any) -> Any:
    """Write a file, and give its bytes."""
    import pathlib  # noqa: PLC0415 — the call must be complete in itself
    import tempfile  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / name
        written = cv2.imwrite(str(path), image, list(parameters))
        data = path.read_bytes() if path.exists() else b""
    return {"written": np.array(written), "file": np.frombuffer(data, np.uint8)}


def encode(image: Any, name: Any, parameters: Any) -> Any:
    """Write a file into memory."""
    import pathlib  # noqa: PLC0415 — the call must be complete in itself

    written, data = cv2.imencode(pathlib.PurePath(name).suffix, image, list(parameters))
    return {"written": np.array(written), "file": np.asarray(data).ravel()}


def read(file: Any, flags: Any) -> Any:
    """Put bytes into a file whose name says nothing, and read it as an image; without a byte there is no file."""
    import pathlib  # noqa: PLC0415 — the call must be complete in itself
    import tempfile  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "image"
        if len(file):
            path.write_bytes(file.tobytes())
        return seen(cv2.imread(str(path), flags))


def decode(file: Any, flags: Any) -> Any:
    """Read bytes in memory as an image."""
    return seen(cv2.imdecode(file, flags))


def seen(image: Any) -> Any:
    """Whether there is an image, and which."""
    if image is None:
        return {"read": np.array(False)}
    return {"read": np.array(True), "depth": np.array(image.dtype.name), "output": image}


def drawn_flags(draw: st.DrawFn, but: tuple[int, ...] = ()) -> int:
    """A way to read: plainly, as it is, deep, as the file has it, as it lies, reduced, red first."""
    known = FLAGS + (RED_FIRST if hasattr(cv2, "IMREAD_COLOR_RGB") else ())
    return draw(st.sampled_from([flags for flags in known if flags not in but]))


def drawn_flags_of(draw: st.DrawFn, samples: np.ndarray, but: tuple[int, ...] = ()) -> int:
    """The same; reduced where no side becomes less than a pixel, which is asked of PNG files."""
    small = min(samples.shape[:2]) < max(REDUCTIONS.values())
    return drawn_flags(draw, but=but + tuple(flags for flags in FLAGS if small and flags > 0 and flags & sum(REDUCTIONS)))


def drawn_orientation() -> st.SearchStrategy[bytes]:
    """Mostly a note of how the photograph lies, of numbers that mean something and two that do not, in either byte order."""
    note = st.builds(orientation_block, st.sampled_from((6, 8, 3, 5, 7, 2, 4, 1, 0, 9)), st.sampled_from("<>"))
    return st.one_of(st.just(b""), note, note)


def drawn_harm(
    draw: st.DrawFn, file: bytes, end: int, harms: tuple[str, ...] = HARMS, places: st.SearchStrategy[int] | None = None
) -> bytes:
    """A part of a file, or one with a wrong bit, before the last `end` bytes or at other `places`, or nothing."""
    harm, at = draw(st.sampled_from(harms)), draw(st.integers(0, len(file) - end - 1) if places is None else places)
    if harm == "damaged":
        return file[:at] + bytes([file[at] ^ 1 << draw(st.integers(0, 7))]) + file[at + 1 :]
    return file[: max(at, 1)] if harm == "cut" else b""


def cut(draw: st.DrawFn, file: bytes, least: int = 0, most: int | None = None) -> bytes:
    """A file, mostly whole; or its first bytes, so many at least and fewer than so many."""
    whole = draw(st.sampled_from((True, True, True, False)))
    return file if whole else file[: draw(st.integers(least, (len(file) if most is None else most) - 1))]


def the_file(case: Case) -> np.ndarray:
    """The bytes of a case."""
    file = case.arrays["file"]
    assert file is not None
    return file


def refusals(extension: str, channels: int = 2) -> dict[str, Callable[[Case], Case | None]]:
    """How calls of imwrite and imencode are broken."""
    return {
        "the image must not be empty": emptied,
        "the format has no such number of channels": lambda case: case.but(
            image=np.repeat(the_image(case).reshape(1, -1, 1), channels, axis=2)
        ),
        "parameters come in pairs": lambda case: case.but(parameters=(*case.options["parameters"], 1)),
        "the extension must be one of a format": lambda case: case.but(name="image.nix"),
        "the name must have an extension": lambda case: case.but(name=extension[1:]),
    }


def memory_is_alike(trial: Trial, case: Case) -> None:
    """imdecode gives what imread gives."""
    if trial.run(case)["read"]:
        assert_same(cv2.imdecode(the_file(case), case.options["flags"]), trial.run(case)["output"], "imdecode differs from imread")


def encoded_alike(trial: Trial, case: Case) -> None:
    """imencode gives the bytes that imwrite writes."""
    written = trial.run(case)
    if written["written"]:
        assert_same(encode(the_image(case), **case.options)["file"], written["file"], "imencode gives other bytes than imwrite")


def comes_back(trial: Trial, case: Case) -> None:
    """The file read again is the image; in a map of bits only black and white are kept."""
    image, written = the_image(case), trial.run(case)
    if written["written"] and (not case.options["name"].endswith(".pbm") or np.isin(image, (0, 255)).all()):
        found = cv2.imdecode(written["file"], cv2.IMREAD_UNCHANGED)
        if found is None:
            raise Disagreement("the file cannot be read")
        assert_same(found, image, "the file decoded is not the image")


MEMORY = Law("imdecode is imread", memory_is_alike)
ENCODED = Law("imencode is imwrite", encoded_alike)
BACK = Law("the file comes back as the image", comes_back)


def four_operations(
    variant: str,
    *,
    written: Any,
    images: Any,
    found: Any,
    files: Any,
    extension: str,
    dtypes: tuple[str, ...],
    share: float = 1.0,
    share_of_reading: float | None = None,
    encoded: Any = None,
    way_back: Law = BACK,
    further: tuple[Law, ...] = (),
) -> list[Operation]:
    """imwrite, imencode, imread and imdecode of a format; `written` and `found` are the oracles, `images` and `files` the cases.

    `encoded` are those of imencode, if not the images without a folder; `way_back` is the law of what a file keeps, if not every pixel;
    `further` are laws of reading.
    """
    imwrite = Operation(
        name="cv2.imwrite",
        variant=variant,
        call=write,
        oracle=written,
        cases=images,
        follows_subject=True,
        plain=("image",),
        result_dtypes={"written": "bool", "file": "uint8"},
        rejects=refusals(extension),
        laws=(way_back, ENCODED),
        dtypes=dtypes,
        share=share,
    )
    imread = Operation(
        name="cv2.imread",
        variant=variant,
        call=read,
        oracle=found,
        cases=files,
        plain=("file",),
        result_dtypes={"read": "bool", "depth": "any", "output": "any"},
        laws=(MEMORY, *further),
        dtypes=dtypes,
        share=share if share_of_reading is None else share_of_reading,
    )
    imencode = replace(imwrite, name="cv2.imencode", call=encode, cases=encoded or partial(in_memory, images), laws=())
    return [imwrite, imencode, imread, replace(imread, name="cv2.imdecode", call=decode, laws=())]


def in_memory(images: Any, dtype: str) -> st.SearchStrategy[Case]:
    """Images whose names say nothing of a folder."""
    return images(dtype).map(lambda case: case.but(name=case.options["name"].rpartition("/")[2]))
