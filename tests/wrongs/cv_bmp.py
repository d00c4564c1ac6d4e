"""What is wrong on purpose in Windows bitmaps."""

from __future__ import annotations

import numpy as np

from tests.miniatures import Miniature, never_refuses, never_the_same, reads_memory_in_order, with_inputs, with_options, with_output
from tests.wrongs.cv_codec import always_red_first, never_none
from tests.wrongs.cv_pnm import last_byte, red_for_blue
from tests.wrongs.images import step_of_integers


def always_from_the_bottom(arguments: dict[str, object]) -> dict[str, object]:
    """Rows begin at the bottom, whatever the height says."""
    file = np.array(arguments["file"])
    if len(file) > 30 and file[14] >= 40 and file[25] == 255:
        file[22:26] = np.frombuffer((-int.from_bytes(file[22:26].tobytes(), "little", signed=True)).to_bytes(4, "little"), np.uint8)
    return {**arguments, "file": file}


MINIATURES = [
    Miniature("the last byte is damaged", "forward", "imencode_BMP", "uint8", last_byte(1)),
    Miniature("red first", "forward", "imwrite_BMP", "uint8", with_inputs(red_for_blue)),
    Miniature("strides are ignored", "layout", "imwrite_BMP", "uint8", reads_memory_in_order),
    Miniature("nothing is refused", "rejects", "imwrite_BMP", "uint8", never_refuses),
    Miniature("upside down, by a law", "laws", "imwrite_BMP", "uint8", with_inputs(lambda a: {**a, "image": a["image"][::-1] ^ 1})),
    Miniature("always from the bottom", "forward", "imread_BMP", "uint8", with_inputs(always_from_the_bottom)),
    Miniature("always in colour", "forward", "imread_BMP", "uint8", with_options(flags=1)),
    Miniature("red first", "forward", "imdecode_BMP", "uint8", always_red_first),
    Miniature("one more everywhere", "forward", "imdecode_BMP", "uint8", with_output(step_of_integers)),
    Miniature("one more everywhere, by a law", "laws", "imread_BMP", "uint8", with_output(step_of_integers)),
    Miniature("what is no image is black", "forward", "imdecode_BMP", "uint8", never_none),
    Miniature("one pixel changes", "determinism", "imread_BMP", "uint8", never_the_same),
]
