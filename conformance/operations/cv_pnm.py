"""Netpbm's maps of bits, gray and colours, arbitrary maps, and floating maps."""

from __future__ import annotations

from functools import partial

import numpy as np
from hypothesis import strategies as st

from conformance.model import Case, Operation
from conformance.operations.cv_files import FOLDERS, KEEPING_DEPTH, SIDES, cut, drawn_flags_of, four_operations
from conformance.strategies import FLOAT_REGIMES, INTEGER_REGIMES, data_of, is_float
from oracles.cv_pnm import BINARY, TUPLETYPE, read_floats, read_map, written_map
from oracles.pnm import BITS, COLOURS, GRAY, write_pfm, write_pnm

WIDE = ("uint8", "uint16")
NAMES = {None: (".pgm", ".pnm", ".pgm"), 3: (".ppm", ".pnm", ".PPM"), 4: ()}
TUPLES, FLOATS = dict.fromkeys((None, 3, 4), (".pam",)), dict.fromkeys((None, 3), (".pfm",))
WAYS = ((), (BINARY, 0), (BINARY, 1))
NAMED = {None: (TUPLETYPE, 2), 3: (TUPLETYPE, 4), 4: (TUPLETYPE, 5)}
MOST = {"uint8": (255, 255, 255, 100, 25), "uint16": (65535, 65535, 65535, 1000, 256)}
COMMENTS = (b"", b"", b"# a comment, 3 4\n", b"#\n# P5 7\n")


@st.composite
def images(draw: st.DrawFn, dtype: str, extensions: dict[int | None, tuple[str, ...]]) -> Case:
    """Images of every number of channels that an extension has; bits also of black and white alone."""
    data = draw(data_of(dtype, (*FLOAT_REGIMES, "special") if is_float(dtype) else INTEGER_REGIMES))
    channels = draw(st.sampled_from([channels for channels, names in extensions.items() if names]))
    image = data.array("image", draw(SIDES), draw(SIDES), *(() if channels is None else (channels,)))
    names = extensions[channels] + ((".pbm", ".pbm") if extensions is NAMES and channels is None and dtype == "uint8" else ())
    extension = draw(st.sampled_from(names))
    if extension == ".pbm" and draw(st.booleans()):
        image = np.where(image > 99, 255, 0).astype(np.uint8)
    folder = draw(FOLDERS)
    ways = WAYS if extensions is NAMES else ((), NAMED[channels]) if extensions is TUPLES else ((),)
    return data.case({"image": image}, name=f"{folder}image{extension}", parameters=draw(st.sampled_from(ways)))


@st.composite
def maps(draw: st.DrawFn, dtype: str) -> Case:
    """Maps of every kind in numbers and in bytes, with comments, of other largest samples than the depth's, whole or not."""
    data = draw(data_of(dtype, INTEGER_REGIMES))
    kind = draw(st.sampled_from((GRAY, COLOURS, BITS) if dtype == "uint8" else (GRAY, COLOURS)))
    most = 1 if kind == BITS else draw(st.sampled_from(MOST[dtype]))
    samples = data.array("samples", draw(SIDES), draw(SIDES), 3 if kind == COLOURS else 1)
    samples = samples if most == np.iinfo(samples.dtype).max else samples % np.array(most + 1, samples.dtype)
    comment, space = draw(st.sampled_from(COMMENTS)), draw(st.sampled_from((b" ", b"\n", b"\t", b" # a side\n")))
    file = write_pnm(samples, kind, most=most, plain=draw(st.booleans()), comment=comment, space=space)
    return data.case({"file": np.frombuffer(cut(draw, file), np.uint8)}, flags=drawn_flags_of(draw, samples))


@st.composite
def floating_maps(draw: st.DrawFn, dtype: str) -> Case:
    """Floating maps of gray and of colours, in either order of bytes, whole or not, read with their depth and channels."""
    data = draw(data_of(dtype, FLOAT_REGIMES))
    samples = data.array("samples", draw(SIDES), draw(SIDES), draw(st.sampled_from((1, 3))))
    file = cut(draw, write_pfm(samples, order=draw(st.sampled_from("<>"))))
    return data.case({"file": np.frombuffer(file, np.uint8)}, flags=draw(st.sampled_from(KEEPING_DEPTH)))


def operations(variant: str, extensions: dict[int | None, tuple[str, ...]]) -> list[Operation]:
    """The four operations of a kind of map."""
    files, read, depths = (floating_maps, read_floats, ("float32",)) if extensions is FLOATS else (maps, read_map, WIDE)
    return four_operations(
        variant, written=written_map, images=partial(images, extensions=extensions), found=read, files=files,
        extension=next(name for names in extensions.values() for name in names), dtypes=depths, share=0.8,
    )  # fmt: skip


PNM, PFM = operations("PNM", NAMES), operations("PFM", FLOATS)
PAM = operations("PAM", TUPLES)[:2]  # what it writes; of what there is to read it reads little

OPERATIONS = (*PNM, *PFM, *PAM)
