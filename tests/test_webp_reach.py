"""What the strategy of lossless WebP draws: every transform, predictor, bundling, cache, and way to say a code."""

from unittest.mock import patch

import numpy as np
from hypothesis import given, seed, settings

from conformance.operations import cv_webp
from oracles.webp import INDEXING, PREDICTOR, bundling
from oracles.webp_writer import write_webp


def test_every_branch_of_a_decoder_is_reached():
    seen = set()

    def noted(image, transforms, style, **options):
        seen.update(("transform", kind) for kind, _, _ in transforms)
        for kind, square, said in transforms:
            if kind == PREDICTOR:
                shown = said[: -(-len(image) >> square), : -(-image.shape[1] >> square), 2]
                seen.update(("mode", int(mode)) for mode in np.unique(shown))
            if kind == INDEXING:
                seen.add(("bundling", bundling(len(np.unique(image.reshape(-1, image.shape[2]), axis=0)))))
        seen.update({("cache", style.cache), ("copies", style.copies), ("simple", style.simple), ("skewed", style.skewed)})
        seen.update({("groups", options["groups"] is not None), ("opacity", options["opacity"]), ("extended", options["extended"])})
        return write_webp(image, transforms, style, **options)

    @seed(0)
    @settings(max_examples=300, database=None, deadline=None)
    @given(cv_webp.files("uint8"))
    def draw(case):
        assert case

    with patch.object(cv_webp, "write_webp", noted):
        draw()
    wanted = {"transform": range(4), "mode": range(14), "bundling": range(4), "cache": range(12)}
    wanted |= dict.fromkeys(("copies", "simple", "skewed", "groups", "opacity", "extended"), (False, True))
    assert {(what, each) for what, all_of_them in wanted.items() for each in all_of_them} <= seen
