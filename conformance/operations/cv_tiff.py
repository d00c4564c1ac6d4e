"""TIFF files."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from conformance.model import Case, cv2
from conformance.operations.cv_files import FOLDERS, KEEPING_DEPTH, SIDES, cut, drawn_flags_of, four_operations
from conformance.strategies import FLOAT_REGIMES, INTEGER_REGIMES, Data, data_of, is_float
from oracles.cv_tiff import COMPRESSION, PREDICTOR, ROWS_PER_STRIP, read_tags, written_tiff
from oracles.tiff import ASSOCIATED, BLACK_IS_ZERO, PALETTE, RGB, UNASSOCIATED, WHITE_IS_ZERO, places, write_tiff
from oracles.tiff_compression import ADOBE_DEFLATE, DEFLATE, LZW, NONE, PACKBITS

DEEP = ("uint8", "int8", "uint16", "int16", "int32", "float32", "float64")
NAMES = (".tiff",) * 3 + (".tif",) * 2 + (".TIF",)
SCHEMES = (NONE, LZW, PACKBITS, ADOBE_DEFLATE, DEFLATE)


def drawn_parameters(draw: st.DrawFn, dtype: str) -> tuple[int, ...]:
    """A compression or the default one, and of integers how many rows a strip has and whether neighbours are subtracted."""
    scheme = draw(st.sampled_from((None, *SCHEMES)))
    parameters: tuple[int, ...] = () if scheme is None else (COMPRESSION, scheme)
    if not is_float(dtype) and hasattr(cv2, "IMWRITE_TIFF_PREDICTOR"):
        parameters += draw(st.sampled_from(((), (), (ROWS_PER_STRIP, 1))))
        parameters += draw(st.sampled_from(((PREDICTOR, 1), (PREDICTOR, 2), ()))) if scheme in (None, LZW, ADOBE_DEFLATE) else ()
    return parameters


@st.composite
def images(draw: st.DrawFn, dtype: str) -> Case:
    """Gray, colours, and alpha, with each way to compress them, special values among floating ones."""
    data, depth = draw(data_of(dtype, FLOAT_REGIMES if is_float(dtype) else INTEGER_REGIMES)), draw(st.sampled_from((None, 3, 3, 4)))
    image = data.array("image", draw(SIDES), draw(SIDES), *(() if depth is None else (depth,)))
    folder = draw(FOLDERS)
    return data.case({"image": image}, name=f"{folder}image{draw(st.sampled_from(NAMES))}", parameters=drawn_parameters(draw, dtype))


def drawn_palette(data: Data, bits: int) -> np.ndarray:
    """Colours of 16 bits, the last one white: a palette of small numbers only is taken for one of 8 bits, as old files have it."""
    palette = data.array("palette", 2**bits, 3, dtype="uint16")
    palette[-1] = 65535
    return palette


@st.composite
def files(draw: st.DrawFn, dtype: str) -> Case:
    """Gray of either sense, colours, alpha of either kind, palettes, bits, in every compression, byte order and orientation, in strips."""
    data = draw(data_of(dtype, FLOAT_REGIMES if is_float(dtype) else INTEGER_REGIMES))
    kinds = {"uint8": (RGB, BLACK_IS_ZERO, PALETTE, WHITE_IS_ZERO), "uint16": (RGB, BLACK_IS_ZERO, RGB, WHITE_IS_ZERO)}
    photometric = draw(st.sampled_from(kinds.get(dtype, (RGB, BLACK_IS_ZERO))))
    channels = draw(st.sampled_from((3, 3, 4))) if photometric == RGB else 1
    samples = data.array("samples", draw(SIDES), draw(SIDES), channels)
    bits = 8 * samples.itemsize
    if dtype == "uint8" and channels == 1:
        bits = draw(st.sampled_from((8, 4) if photometric == PALETTE else (8, 8, 1)))
        samples = samples >> (8 - bits)
    scheme = draw(st.sampled_from((*SCHEMES, LZW, ADOBE_DEFLATE)))
    order, ahead = draw(st.sampled_from("<>")), draw(st.booleans())
    differenced = scheme in (LZW, ADOBE_DEFLATE) and not is_float(dtype) and bits >= 8 and draw(st.sampled_from((True, True, False)))
    file = write_tiff(
        samples,
        photometric,
        bits=bits,
        order=order,
        compression=scheme,
        predictor=2 if differenced else 1,
        rows=draw(st.sampled_from((0, 0, 1, 3))),
        palette=drawn_palette(data, bits) if photometric == PALETTE else None,
        extra=draw(st.sampled_from((ASSOCIATED, UNASSOCIATED))) if channels == 4 else 0,
        orientation=draw(st.sampled_from((1,) * 6 + (2, 3, 4, 5, 6, 7, 8))),
        ahead=ahead,
    )
    wide = dtype in ("int32", "float32", "float64")  # of which colours are neither made nor taken away
    keeping = st.sampled_from((-1, -1, 6) if wide and channels != 4 else (-1,) if wide else KEEPING_DEPTH)
    flags = drawn_flags_of(draw, samples) if dtype in ("uint8", "uint16") else draw(keeping)
    start, pixels = places(file)
    file = cut(draw, file, least=pixels) if ahead else cut(draw, file, most=start)  # a directory that is not whole may say enough
    return data.case({"file": np.frombuffer(file, np.uint8)}, flags=flags)


OPERATIONS = tuple(
    four_operations("TIFF", written=written_tiff, images=images, found=read_tags, files=files, extension=".tiff", dtypes=DEEP, share=1.0)
)
