"""The strategies of convolutions draw the inputs on which real ones have failed; the numbers are those of reports in PyTorch's tracker."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from conformance.model import Case, Operation
from conformance.operations import convolution, deformable_convolution, shuffling, transposed_convolution, unfold
from oracles.windows import spread
from tests.reach.pool import drawn

Conv2d, Conv3d, ConvTranspose2d = convolution.Conv2d, convolution.Conv3d, transposed_convolution.ConvTranspose2d


def broken(operation: Operation, sentence: str) -> Callable[[Case], Case | None]:
    """How a case is broken so that the sentence does not hold."""
    return operation.rejects[sentence]


def test_169236_output_padding_beyond_the_stride_in_an_empty_batch() -> None:
    case = drawn(ConvTranspose2d, lambda c: c.arrays["x"].shape[0] == 0 and c.arrays["x"].ndim == 4 and c.options["output_size"] is None)
    refused = broken(ConvTranspose2d, "output_padding must be less than stride or dilation")(case)
    assert refused is not None
    assert min(refused.options["output_padding"]) >= max(spread(case.options["stride"], 2))


def test_178127_output_padding_beyond_the_stride_without_data() -> None:
    case = drawn(ConvTranspose2d, lambda c: len(c.arrays["x"]) > 0 and c.options["stride"] == 1 and c.options["output_size"] is None)
    assert broken(ConvTranspose2d, "output_padding must be less than stride or dilation")(case) is not None
    assert "inferring refuses what computing refuses" in [law.name for law in ConvTranspose2d.laws]


@pytest.mark.parametrize("n", [1, 3])
def test_88647_an_output_of_no_columns(n: int) -> None:
    empty = broken(ConvTranspose2d, "the output must not be empty")
    case = drawn(ConvTranspose2d, lambda c: c.arrays["x"].ndim == 4 and len(c.arrays["x"]) == n and empty(c) is not None)
    refused = empty(case)
    assert refused is not None
    assert transposed_convolution.spreading(refused).sides[-1] == 0


def test_108676_one_cell_dilated_in_two_groups() -> None:
    def wanted(case: Case) -> bool:
        dilation, kernel = spread(case.options["dilation"], 2), case.arrays["weight"].shape[2:]
        return case.options["groups"] == 2 and kernel == (1, 1) and min(dilation) > 1 and dilation[0] != dilation[1]

    drawn(ConvTranspose2d, wanted)


def test_an_empty_batch_through_filters_of_several_channels() -> None:
    drawn(Conv2d, lambda c: c.arrays["x"].shape[0] == 0 and c.arrays["weight"].shape[1] > 1 and max(c.arrays["weight"].shape[2:]) > 1)


@pytest.mark.parametrize("operation", [Conv2d, Conv3d, ConvTranspose2d], ids=repr)
@pytest.mark.parametrize("option", ["stride", "padding", "dilation"])
@pytest.mark.parametrize("length", [None, 1, "rank"])
def test_options_are_numbers_tuples_of_one_and_tuples_of_all(operation: Operation, option: str, length: object) -> None:
    def wanted(case: Case) -> bool:
        value, rank = case.options[option], case.arrays["weight"].ndim - 2
        given = None if isinstance(value, int) else 0 if isinstance(value, str) else len(value)
        return given == (rank if length == "rank" else length)

    drawn(operation, wanted)


@pytest.mark.parametrize("mode", ["zeros", "reflect", "replicate", "circular"])
@pytest.mark.parametrize("padding", ["same", "valid", "numbers"])
def test_every_padding_is_combined_with_every_mode(mode: str, padding: str) -> None:
    def wanted(case: Case) -> bool:
        given = case.options["padding"]
        return case.options["padding_mode"] == mode and (given if isinstance(given, str) else "numbers") == padding

    drawn(Conv2d, wanted)


def test_same_padding_is_drawn_with_an_odd_total() -> None:
    def odd(case: Case) -> bool:
        reach = [d * (k - 1) for d, k in zip(spread(case.options["dilation"], 2), case.arrays["weight"].shape[2:], strict=True)]
        return case.options["padding"] == "same" and any(total % 2 for total in reach)

    drawn(Conv2d, odd)


@pytest.mark.parametrize("size", [None, 2, 4])
def test_output_size_is_given_with_and_without_batch_and_channels(size: int | None) -> None:
    drawn(ConvTranspose2d, lambda c: (c.options["output_size"] and len(c.options["output_size"])) == size)


def test_153327_a_huge_factor_on_an_empty_tensor() -> None:
    huge = broken(shuffling.PixelShuffle, "upscale_factor² must not overflow")
    case = huge(drawn(shuffling.PixelShuffle, lambda c: True))
    assert case is not None
    assert case.arrays["x"].size == 0
    assert case.options["upscale_factor"] ** 2 >= 2**63


@pytest.mark.parametrize("operation", [unfold.Unfold, unfold.Fold], ids=repr)
def test_blocks_lie_wholly_in_the_padding(operation: Operation) -> None:
    def wanted(case: Case) -> bool:
        return min(spread(case.options["padding"], 2)) >= max(spread(case.options["kernel_size"], 2)) and case.arrays["x"].size > 0

    drawn(operation, wanted)


def test_places_are_drawn_on_pixels_between_them_and_far_outside() -> None:
    def part(inside: Callable[[np.ndarray], np.ndarray]) -> Callable[[Case], bool]:
        return lambda case: case.arrays["offset"].size > 0 and bool(np.all(inside(case.arrays["offset"])))

    deformable = deformable_convolution.Composed
    drawn(deformable, part(lambda offset: offset * 8 % 2 == 1))
    drawn(deformable, part(lambda offset: offset == 0))
    drawn(deformable, part(lambda offset: np.abs(offset) > 2.5))
    groups = drawn(deformable, lambda c: c.arrays["offset"].shape[1] > 2 * math.prod(c.arrays["weight"].shape[2:]))
    assert groups.arrays["x"].shape[1] > 1
