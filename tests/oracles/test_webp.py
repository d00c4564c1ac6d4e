"""The reader of lossless WebP against Pillow."""

import io

import numpy as np
import pytest
from PIL import Image

from oracles.webp import CROSS_COLOUR, INDEXING, PREDICTOR, read_webp
from oracles.webp_bits import Style
from oracles.webp_codes import WebPError
from oracles.webp_writer import write_webp

RNG = np.random.default_rng(9)


def saved(image, **options):
    file = io.BytesIO()
    Image.fromarray(image).save(file, "WEBP", lossless=True, exact=True, **options)
    return file.getvalue()


def pictures():
    """Noise, constants, few colours, which are bundled, and gradients, which are predicted."""
    y, x = np.mgrid[:33, :41]
    for channels in (3, 4):
        for sides in ((1, 1), (1, 9), (9, 1), (12, 17)):
            yield RNG.integers(0, 256, (*sides, channels)).astype(np.uint8)
        yield np.full((5, 7, channels), 77, np.uint8)
        for count in (2, 3, 4, 5, 16, 17, 200):
            yield RNG.integers(0, 256, (count, channels)).astype(np.uint8)[RNG.integers(0, count, (11, 37))]
        gradient = np.stack([x * 5, y * 7, x + y * 2, 255 - x][:channels], axis=-1)
        yield gradient.astype(np.uint8)
        yield (gradient + RNG.integers(0, 9, (33, 41, 1))).astype(np.uint8)
        yield np.tile(RNG.integers(0, 256, (8, 9, channels)).astype(np.uint8), (4, 5, 1))


PICTURES = list(pictures())


@pytest.mark.parametrize("method", [0, 4, 6])
@pytest.mark.parametrize("index", range(len(PICTURES)))
def test_what_pillow_writes_is_read(index, method):
    image = PICTURES[index]
    found = read_webp(saved(image, method=method, quality=100))
    if image.shape[2] == 4 and (image[..., 3] == 255).all():
        image = image[..., :3]
    np.testing.assert_array_equal(found, image)


def transforms_of(rng, image):
    """Some transforms in some order, with everything that may be said."""
    few = len(np.unique(image.reshape(-1, 4), axis=0)) <= 256
    kinds = [int(kind) for kind in rng.permutation(4) if rng.integers(0, 2) and (kind != INDEXING or few)]
    kinds = [kind for kind in kinds if kind != INDEXING] if INDEXING in kinds[1:] else kinds
    said = {PREDICTOR: rng.integers(0, 14, (12, 12, 4)), CROSS_COLOUR: rng.integers(0, 256, (12, 12, 4))}
    return tuple((kind, int(rng.integers(2, 5)), said.get(kind)) for kind in kinds)


@pytest.mark.parametrize("seed", range(80))
def test_pillow_and_the_reader_read_what_is_written(seed):
    rng = np.random.default_rng(seed)
    image = PICTURES[int(rng.integers(0, len(PICTURES)))]
    opacity = image.shape[2] == 4
    full = np.concatenate([image, np.full((*image.shape[:2], 1), 255, np.uint8)], axis=2)[..., :4]
    style = Style(int(rng.integers(0, 12)), *(bool(b) for b in rng.integers(0, 2, 5)))
    groups = rng.integers(0, 3, (12, 12)) if rng.integers(0, 2) else None
    file = write_webp(full, transforms_of(rng, full), style, groups=groups, opacity=opacity, extended=bool(rng.integers(0, 2)))
    np.testing.assert_array_equal(read_webp(file), image)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(file)).convert("RGBA")), full)


@pytest.mark.parametrize("mode", range(14))
def test_every_predictor_is_pillows(mode):
    full = RNG.integers(0, 256, (9, 8, 4)).astype(np.uint8)
    file = write_webp(full, ((PREDICTOR, 4, np.full((1, 1, 4), mode)),))
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(file)).convert("RGBA")), full)


def test_what_is_not_whole_is_refused():
    file = write_webp(PICTURES[0][..., [0, 1, 2, 0]])
    for end in range(len(file)):
        with pytest.raises(WebPError):
            read_webp(file[:end])
    lossy = io.BytesIO()
    Image.fromarray(PICTURES[3]).save(lossy, "WEBP")
    with pytest.raises(WebPError, match="lossy"):
        read_webp(lossy.getvalue())
