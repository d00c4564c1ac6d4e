"""The reader of lossless WebP against Pillow."""

import io

import numpy as np
import pytest
from PIL import Image


from oracles.webp import read_webp

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
