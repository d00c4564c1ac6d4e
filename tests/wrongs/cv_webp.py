"""What is wrong on purpose in lossless WebP."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import numpy as np

from oracles import webp, webp_codes
from oracles.webp_writer import write_webp
from tests.miniatures import Call, Miniature, never_refuses, never_the_same, reads_memory_in_order, with_inputs, with_options, with_output
from tests.wrongs.cv_codec import always_red_first, never_none
from tests.wrongs.cv_pnm import red_for_blue
from tests.wrongs.images import step_of_integers

RIGHT = (webp.uncrossed, webp.PREDICTORS, webp.unindexed)


def decodes_with(module: Any, name: str, wrong: Any) -> Any:
    """A decoder with a part that is wrong: the library is shown, stored plainly, what such a one sees."""

    def shown(arguments: dict[str, Any]) -> dict[str, Any]:
        with patch.object(module, name, wrong):
            try:
                image = webp.read_webp(np.asarray(arguments["file"]).tobytes())
            except ValueError:
                return arguments
        opacity = image.shape[2] == 4
        full = image if opacity else np.pad(image, ((0, 0), (0, 0), (0, 1)), constant_values=255)
        return {**arguments, "file": np.frombuffer(write_webp(full, opacity=opacity), np.uint8)}

    return with_inputs(shown)


def table_is_not_summed(image: np.ndarray, table: np.ndarray, width: int) -> np.ndarray:
    """The colours of a table are taken as they are stored, each as its difference to the one before."""
    return RIGHT[2](image, np.diff(table, axis=0, prepend=0) & 255, width)


def bundled_backwards(share: int) -> Any:
    """Of so many pixels that share a byte the first is in the high bits."""

    def unindexed(image: np.ndarray, table: np.ndarray, width: int) -> np.ndarray:
        if 1 << webp.bundling(len(table)) != share:
            return RIGHT[2](image, table, width)
        bits = 8 // share
        order = np.arange(0, 8, bits)
        turned = ((image[..., 2, None] >> order & 2**bits - 1) << order[::-1]).sum(axis=-1)
        return RIGHT[2](np.repeat(turned[..., None], 4, axis=-1), table, width)

    return unindexed


def wrong_bundles(share: int) -> Miniature:
    """A decoder that takes the pixels of a byte in the wrong order."""
    wrong = decodes_with(webp, "unindexed", bundled_backwards(share))
    return Miniature(f"{share} pixels of a byte in the wrong order", "forward", "imread_WebP", "uint8", wrong)


def nothing_is_read(call: Call) -> Call:
    """Every file is taken for one that is no image."""
    return lambda **arguments: {"read": np.array(False)}


def crosses_red_and_blue(image: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """What green says of red is added to blue, and the other way round."""
    return RIGHT[0](image, factors[..., [0, 1, 3, 2]])


def alpha_is_dropped(call: Call) -> Call:
    """No fourth channel is read."""
    return with_output(lambda y: y[..., :3] if y.ndim == 3 else y)(call)


def without(mode: int) -> Any:
    """A predictor that says what the left pixel is; that of the left, what the top one is."""
    return tuple(RIGHT[1][2 if mode == 1 else 1] if i == mode else right for i, right in enumerate(RIGHT[1]))


def wrong_predictor(mode: int) -> Miniature:
    """A decoder of which one predictor is wrong."""
    return Miniature(f"predictor {mode} is wrong", "forward", "imread_WebP", "uint8", decodes_with(webp, "PREDICTORS", without(mode)))


def low_bits(word: int, size: int) -> int:
    """A slot of the cache that is not hashed."""
    return word % (1 << size)


MINIATURES = [
    *(wrong_predictor(mode) for mode in (1, 5, 11, 12, 13)),
    *(wrong_bundles(share) for share in (2, 4, 8)),
    Miniature("what is damaged is refused", "forward", "imread_DamagedWebP", "uint8", nothing_is_read),
    Miniature("what is damaged is black", "forward", "imread_DamagedWebP", "uint8", never_none),
    Miniature("red and blue are crossed", "forward", "imread_WebP", "uint8", decodes_with(webp, "uncrossed", crosses_red_and_blue)),
    Miniature("the cache's slot is off", "forward", "imread_WebP", "uint8", decodes_with(webp_codes, "slot", low_bits)),
    Miniature("the table is not summed", "forward", "imdecode_WebP", "uint8", decodes_with(webp, "unindexed", table_is_not_summed)),
    Miniature("alpha is dropped", "forward", "imread_WebP", "uint8", alpha_is_dropped),
    Miniature("red first", "forward", "imencode_WebP", "uint8", with_inputs(red_for_blue)),
    Miniature("red first", "forward", "imwrite_WebP", "uint8", with_inputs(red_for_blue)),
    Miniature("strides are ignored", "layout", "imwrite_WebP", "uint8", reads_memory_in_order),
    Miniature("nothing is refused", "rejects", "imwrite_WebP", "uint8", never_refuses),
    Miniature("upside down, by a law", "laws", "imwrite_WebP", "uint8", with_inputs(lambda a: {**a, "image": a["image"][::-1] ^ 1})),
    Miniature("always in colour", "forward", "imread_WebP", "uint8", with_options(flags=1)),
    Miniature("red first", "forward", "imdecode_WebP", "uint8", always_red_first),
    Miniature("one more everywhere", "forward", "imdecode_WebP", "uint8", with_output(step_of_integers)),
    Miniature("one more everywhere, by a law", "laws", "imread_WebP", "uint8", with_output(step_of_integers)),
    Miniature("what is no image is black", "forward", "imdecode_WebP", "uint8", never_none),
    Miniature("one pixel changes", "determinism", "imread_WebP", "uint8", never_the_same),
]
