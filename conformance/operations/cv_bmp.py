"""Windows bitmaps."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from conformance.model import Case
from conformance.operations.cv_files import FOLDERS, SIDES, cut, drawn_flags_of, four_operations
from conformance.strategies import INTEGER_REGIMES, Data, data_of
from oracles.bmp import BITFIELDS, CORE, INFO, PLAIN, RLE4, RLE8, V4, V5, write_bmp
from oracles.cv_bmp import read_bitmap, written_bmp

NAMES = (".bmp",) * 6 + (".dib", ".BMP")
COMPRESSIONS = {4: (PLAIN, RLE4), 8: (PLAIN, RLE8), 16: (PLAIN, BITFIELDS), 32: (PLAIN, BITFIELDS)}
WORDS = {  # fields of red, green, blue
    (16, PLAIN): ((0x7C00, 0x3E0, 0x1F),),
    (16, BITFIELDS): ((0xF800, 0x7E0, 0x1F), (0x7C00, 0x3E0, 0x1F)),
    (32, PLAIN): ((0xFF0000, 0xFF00, 0xFF),),
    (32, BITFIELDS): ((0xFF0000, 0xFF00, 0xFF), (0xFF, 0xFF00, 0xFF0000)),
}


@st.composite
def images(draw: st.DrawFn, dtype: str) -> Case:
    """Gray, colours, and alpha."""
    data, depth = draw(data_of(dtype, INTEGER_REGIMES)), draw(st.sampled_from((None, 3, 4)))
    image = data.array("image", draw(SIDES), draw(SIDES), *(() if depth is None else (depth,)))
    folder = draw(FOLDERS)
    return data.case({"image": image}, name=f"{folder}image{draw(st.sampled_from(NAMES))}", parameters=())


def drawn_palette(draw: st.DrawFn, data: Data, bits: int, header: int) -> np.ndarray:
    """Colours, or grays only; fewer than there may be where the header can say so."""
    count = 2**bits if header == CORE else draw(st.sampled_from((2**bits, 2**bits, 2**bits - 2**bits // 3)))
    palette = data.array("palette", count, 3)
    return palette if draw(st.sampled_from((True, True, False))) else np.repeat(palette[:, :1], 3, axis=1)


def runs(indices: np.ndarray) -> np.ndarray:
    """The same rows with each index three times."""
    return np.asarray(np.repeat(indices, 3, axis=1)[:, : indices.shape[1]])


@st.composite
def files(draw: st.DrawFn, dtype: str) -> Case:
    """Bitmaps of every header, number of bits and compression, up and down, with and without opacity, whole or not."""
    data, header = draw(data_of(dtype, INTEGER_REGIMES)), draw(st.sampled_from((INFO, INFO, V4, V5, CORE)))
    bits = draw(st.sampled_from((24, 8, 32, 4, 1, 16) if header != CORE else (24, 8, 4, 1)))
    compression = draw(st.sampled_from(COMPRESSIONS.get(bits, (PLAIN,)) if header != CORE else (PLAIN,)))
    down = header != CORE and compression in (PLAIN, BITFIELDS) and draw(st.booleans())
    palette, fields, sides = None, (), (draw(SIDES), draw(SIDES))
    if bits <= 8:
        palette = drawn_palette(draw, data, bits, header)
        samples = (data.array("samples", *sides, 1).astype(int) % len(palette)).astype(np.uint8)
        samples = runs(samples) if compression and draw(st.booleans()) else samples
    elif bits == 24:
        samples = data.array("samples", *sides, 3)
    else:
        fields = (*draw(st.sampled_from(WORDS[bits, compression])), 0)
        if bits == 32 and header in (V4, V5) and compression == BITFIELDS and draw(st.booleans()):
            fields = (*fields[:3], 0xFF000000)
        widths = [mask.bit_count() for mask in fields]
        samples = np.stack([data.array(f"field {i}", *sides) >> (8 - width) for i, width in enumerate(widths) if width], axis=-1)
    gap = draw(st.sampled_from((0, 0, 0, 4)))
    file = write_bmp(samples, bits, header=header, compression=compression, palette=palette, masks=fields, down=down, gap=gap)
    mark = 2 if compression in (RLE8, RLE4) else 0  # of the end, without which every pixel may still be there
    return data.case({"file": np.frombuffer(cut(draw, file, most=len(file) - mark), np.uint8)}, flags=drawn_flags_of(draw, samples))


OPERATIONS = tuple(
    four_operations(
        "BMP", written=written_bmp, images=images, found=read_bitmap, files=files, extension=".bmp", dtypes=("uint8",), share=1.0
    )
)
