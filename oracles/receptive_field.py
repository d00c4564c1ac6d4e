"""Receptive fields: the part of the network's input that an output can see, axis by axis.

Two formulations, each the check of the other: `Field` composes three numbers a layer and holds for inputs of any size; `reach` composes
sets and is exact, borders and holes included.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Look:
    """How a layer looks at its input: output i at nothing outside of i·step + first … i·step + first + span."""

    step: Fraction
    first: Fraction
    span: Fraction


@dataclass(frozen=True)
class Field:
    """What output i can see: nothing outside of start + i·jump … start + i·jump + span, which holds `size` whole numbers at most."""

    jump: Fraction = Fraction(1)
    start: Fraction = Fraction(0)
    span: Fraction = Fraction(0)

    @property
    def size(self) -> int:
        """How many inputs in a row an output can see."""
        return math.floor(self.span) + 1

    def through(self, look: Look) -> Field:
        """The field of a layer's outputs, this one being that of its inputs.

        jump′ = jump·step, start′ = start + jump·first, size′ − 1 = size − 1 + jump·span

        Source: Araujo, Norris & Sim 2019, Computing Receptive Fields of Convolutional Neural Networks, equations 1, 2 and 4.
        """
        return Field(self.jump * look.step, self.start + self.jump * look.first, self.span + self.jump * look.span)

    def sees(self, i: int) -> range:
        """The inputs that output i can see at most; those outside of the image are padding."""
        low = self.start + i * self.jump
        return range(math.ceil(low), math.floor(low + self.span) + 1)

    def all_of(self, outputs: int) -> Field:
        """What is seen by something that sees all of so many outputs, wherever it stands itself."""
        return Field(Fraction(0), self.start, self.span + max(outputs - 1, 0) * self.jump)

    def joined(self, other: Field) -> Field:
        """What output i of either can see, where both have the same jump."""
        start = min(self.start, other.start)
        return Field(self.jump, start, max(self.start + self.span, other.start + other.span) - start)


def field(looks: Iterable[Look]) -> Field:
    """The receptive field of a stack of layers."""
    found = Field()
    for look in looks:
        found = found.through(look)
    return found


# How layers look: three numbers.


def window(kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> Look:
    """Convolution and pooling: i·stride + p·dilation − padding for p from 0 to kernel − 1.

    Source: torch.nn.Conv2d, torch.nn.MaxPool2d, the formulas.
    """
    return Look(Fraction(stride), Fraction(-padding), Fraction(dilation * (kernel - 1)))


def transposed(kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> Look:
    """Transposed convolution: the j with i = j·stride + p·dilation − padding, so (i + padding − dilation·p) / stride.

    Source: torch.nn.ConvTranspose2d, the gradient of Conv2d with respect to its input.
    """
    reach = Fraction(dilation * (kernel - 1), stride)
    return Look(Fraction(1, stride), Fraction(padding, stride) - reach, reach)


def nearest(ratio: Fraction, exact: bool = False) -> Look:
    """Interpolation by the nearest neighbour: ⌊i·ratio⌋, ratio inputs to one output; ⌊(i + ½)·ratio⌋ where it is exact.

    Source: torch.nn.functional.interpolate, modes nearest and nearest-exact.
    """
    shift = ratio / 2 if exact else Fraction(0)
    lost = 1 - Fraction(1, math.lcm(ratio.denominator, shift.denominator))
    return Look(ratio, shift - lost, lost)


def kernel(ratio: Fraction, align_corners: bool = False, width: int = 1, antialias: bool = False) -> Look:
    """Interpolation by a kernel: the j less than `width` away from i·ratio, or from (i + ½)·ratio − ½ without align_corners.

    The kernel is wider by the ratio where it smooths what is made smaller.

    Source: torch.nn.functional.interpolate, modes linear, bilinear and trilinear (width 1), bicubic (width 2), and antialias.
    """
    centre = Fraction(0) if align_corners else (ratio - 1) / 2
    reach = width * max(ratio, Fraction(1)) if antialias else Fraction(width)
    near = reach - Fraction(1, math.lcm(ratio.denominator, centre.denominator, reach.denominator))
    return Look(ratio, centre - near, 2 * near)


def linear(ratio: Fraction, align_corners: bool = False) -> Look:
    """Linear interpolation: the two neighbours of the position.

    Source: torch.nn.functional.interpolate, modes linear, bilinear and trilinear.
    """
    return kernel(ratio, align_corners)


def adaptive(inputs: int, outputs: int) -> Look:
    """Adaptive pooling: ⌊i·L/n⌋ … ⌈(i + 1)·L/n⌉ − 1, L inputs to n outputs.

    Source: torch.nn.AdaptiveAvgPool2d; the limits of the windows are those of its implementation, which it does not document.
    """
    ratio = Fraction(inputs, outputs)
    lost = 1 - Fraction(1, ratio.denominator)
    return Look(ratio, -lost, ratio - 1 + 2 * lost)


# Where layers look: a row for each output, a column for each input.


def reach(layers: Iterable[np.ndarray], side: int) -> np.ndarray:
    """Which of `side` inputs each output of a stack sees: the product of the layers' own, in which 1 + 1 = 1."""
    seen = np.eye(side, dtype=bool)
    for layer in layers:
        seen = layer @ seen
    return seen


def _cells(outputs: int, inputs: int) -> tuple[np.ndarray, np.ndarray]:
    return np.arange(outputs)[:, None], np.arange(inputs)[None, :]


def window_reach(inputs: int, outputs: int, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> np.ndarray:
    """Output i sees j where j + padding − i·stride is one of 0, dilation, 2·dilation …, (kernel − 1)·dilation."""
    i, j = _cells(outputs, inputs)
    offset = j + padding - i * stride
    return np.asarray((offset >= 0) & (offset <= dilation * (kernel - 1)) & (offset % dilation == 0))


def transposed_reach(inputs: int, outputs: int, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> np.ndarray:
    """What a convolution sees, seen from the other side."""
    return window_reach(outputs, inputs, kernel, stride, padding, dilation).T


def nearest_reach(inputs: int, outputs: int, ratio: Fraction | None = None, exact: bool = False) -> np.ndarray:
    """Output i sees ⌊i·ratio⌋, or ⌊(i + ½)·ratio⌋, the last cell where that lies behind it; ratio is by default inputs/outputs."""
    (up, down), (i, j) = (ratio or Fraction(inputs, outputs)).as_integer_ratio(), _cells(outputs, inputs)
    return np.asarray(j == np.minimum((2 * i + exact) * up // (2 * down), inputs - 1))


def linear_reach(inputs: int, outputs: int, ratio: Fraction | None = None, align_corners: bool = False) -> np.ndarray:
    """Output i sees the j with a positive weight, 1 − |j − source|, the source held inside of the image; ratio by default of the sizes."""
    i, j = _cells(outputs, inputs)
    given = Fraction(inputs - 1, max(outputs - 1, 1)) if align_corners else Fraction(inputs, outputs)
    up, down = (given if ratio is None else ratio).as_integer_ratio()
    twice = 2 * i * up if align_corners else (2 * i + 1) * up - down
    source = np.clip(twice, 0, (inputs - 1) * 2 * down)  # in units of 1/(2·down): no rounding
    return np.asarray(abs(j * 2 * down - source) < 2 * down)


def adaptive_reach(inputs: int, outputs: int) -> np.ndarray:
    """Output i sees ⌊i·inputs/outputs⌋ … ⌈(i + 1)·inputs/outputs⌉ − 1."""
    i, j = _cells(outputs, inputs)
    return np.asarray((j >= i * inputs // outputs) & (j < -(-(i + 1) * inputs // outputs)))


def along(option: Any, axis: int) -> int:
    """An option given once or for every axis, along one of them."""
    return int(option[axis if len(option) > 1 else 0] if isinstance(option, (tuple, list)) else option)
