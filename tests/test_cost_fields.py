"""What layers see of a network's input, through any graph: the table against gradients, and against the formulas of stacks."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import HealthCheck, given, settings
from torch import nn

from conformance.cost import cost_table
from conformance.operations import stack
from conformance.operations.stack import cases, network
from oracles.layers import sights
from tests.test_cost_graphs import named

pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same'")  # torch pads a copy where the kernel is even
several = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


class Branches(nn.Module):
    """A residual, a concatenation and a gate that sees everything."""

    def __init__(self) -> None:
        super().__init__()
        self.wide, self.narrow, self.after = nn.Conv2d(2, 2, 5, padding=2), nn.Conv2d(2, 2, 1), nn.Conv2d(6, 2, 3, padding=1)
        self.gate, self.last = nn.Linear(2, 2), nn.Conv2d(2, 2, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        a, b = self.wide(x), self.narrow(x)
        y = self.after(torch.cat([a, b, a + x], 1).relu())
        return self.last(y * torch.sigmoid(self.gate(y.mean((2, 3))))[:, :, None, None])


def test_what_layers_see_through_branches():
    rows = named(cost_table(Branches(), (1, 2, 16, 16)))
    assert rows["narrow"].receptive_field == (1, 1)
    assert (rows["after"].receptive_field, rows["after"].start) == ((7, 7), (-3, -3))
    assert (rows["last"].receptive_field, rows["last"].jump) == ((7 + 15, 7 + 15), (0, 0))


@pytest.mark.parametrize(
    ("layer", "wanted"),
    [
        (nn.Conv2d(4, 4, 3, padding=1, padding_mode="reflect"), (3, 3)),
        (nn.Conv2d(4, 4, 3, padding="same", dilation=2), (5, 5)),
        (nn.Conv2d(4, 4, 3, padding=1, padding_mode="circular"), (8, 8)),
        (nn.Upsample(scale_factor=2, mode="bilinear"), (2, 2)),
        (nn.ConvTranspose2d(4, 4, 4, 2, 1), (2, 2)),
        (nn.ChannelShuffle(2), (1, 1)),
        (nn.PixelShuffle(2), (1, 1)),
        (nn.PixelUnshuffle(2), (2, 2)),
        (nn.GroupNorm(2, 4), (8, 8)),
        (nn.BatchNorm2d(4), (1, 1)),
        (nn.Flatten(), (8, 8)),
        (nn.AdaptiveAvgPool2d(1), (8, 8)),
        (nn.AdaptiveAvgPool2d(2), (4, 4)),
        (nn.Softmax2d(), (1, 1)),
        (nn.LPPool2d(2, 3, 2), (3, 3)),
        (nn.Linear(8, 3), (1, 8)),
        (nn.ReflectionPad2d((1, 2, 3, 0)), (1, 1)),  # padding counts as the place where it lies, whatever it repeats
    ],
    ids=repr,
)
def test_what_single_layers_see(layer, wanted):
    (row,) = cost_table(layer, (1, 4, 8, 8))
    assert row.receptive_field == wanted


@pytest.mark.parametrize(
    "layer",
    [
        nn.Upsample((5, 11), mode="nearest-exact"),
        nn.Upsample(scale_factor=1.3, mode="nearest"),
        nn.Upsample((11, 5), mode="bicubic"),
        nn.Upsample((11, 5), mode="bicubic", align_corners=True),
        nn.Upsample(scale_factor=0.4, mode="bilinear"),
        nn.LocalResponseNorm(3),
        nn.RMSNorm(8),
        nn.LayerNorm((8, 8)),
        nn.InstanceNorm2d(4),
        nn.FractionalMaxPool2d(2, output_size=4),
        nn.MaxPool2d(3, 2, 1, dilation=2, ceil_mode=True),
        nn.AvgPool2d((1, 3), (3, 2), (0, 1), ceil_mode=True, count_include_pad=False),
        nn.AdaptiveMaxPool2d((3, 5)),
        nn.LPPool2d(2, (2, 3), ceil_mode=True),
        nn.ConvTranspose2d(4, 4, 3, 3, 1, 2, dilation=2),
        nn.PReLU(4),
        nn.Softmax(-1),
        nn.Mish(),
        nn.ZeroPad2d((-1, 2, 0, -3)),
        nn.CircularPad2d(2),
        nn.Unfold(3),
        nn.Dropout2d(),
    ],
    ids=repr,
)
def test_gradients_of_single_layers_stay_inside_of_what_the_table_says(layer):
    (row,) = cost_table(layer, (1, 4, 8, 8))
    x = torch.rand(1, 4, 8, 8, dtype=torch.float64, requires_grad=True)
    layer = layer.double().eval()
    for at in np.ndindex(*layer(x).shape[2:]):
        (dx,) = torch.autograd.grad(layer(x)[(slice(None), slice(None), *at)].sum(), x)
        reached = np.argwhere(dx.abs().sum((0, 1)).numpy() > 0)
        for axis in range(2):
            low = row.start[axis] + row.jump[axis] * (at[axis] if axis < len(at) else 0)
            assert all(low - 1e-9 <= j <= low + row.receptive_field[axis] for j in reached[:, axis]), (at, row)


@several
@given(cases("float32"))
def test_gradients_stay_inside_of_what_the_table_says(case):
    """Through a residual around the stack: no pixel that reaches an output lies outside of its field."""
    probe, _ = stack.reach(case)
    layers = network(**probe.arrays, **probe.options).to_empty(device="cpu").double()
    for parameter in layers.parameters():
        nn.init.ones_(parameter)
    x = torch.ones(case.arrays["x"].shape, dtype=torch.float64, requires_grad=True)
    smooth = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[x.ndim - 3]

    class Whole(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers, self.last = layers, nn.Identity()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            wide = F.pad(x, [1] * (2 * (x.ndim - 2)))
            return self.last(self.layers(x + smooth(wide, 3, 1)))

    y = Whole()(x)
    at = tuple(case.seed % side for side in y.shape[2:])
    y[(slice(None), slice(None), *at)].sum().backward()
    reached = np.argwhere(x.grad.abs().sum((0, 1)).numpy() > 0)
    row = named(cost_table(Whole(), x.shape))["last"]
    for axis in range(x.ndim - 2):
        low = row.start[axis] + at[axis] * row.jump[axis]
        assert all(low - 1e-9 <= j <= low + row.receptive_field[axis] for j in reached[:, axis])


@several
@given(cases("float32"))
def test_the_table_sees_what_the_formula_of_the_stack_sees(case):
    module = network(**case.arrays, **case.options)
    row = cost_table(module, case.arrays["x"].shape)[-1]
    fields = [formula for formula, _ in sights(case.arrays["x"].shape, case.options["layers"])]
    by_hand = tuple(f.size for f in fields), tuple(float(f.jump) for f in fields), tuple(float(f.start) for f in fields)
    found = row.receptive_field, tuple(map(float, row.jump)), tuple(map(float, row.start))
    means = [layer for layer in case.options["layers"] if layer[0].startswith("AdaptiveAvgPool") and set(layer[1]) == {1}]
    assert found == by_hand or means, (module, found, by_hand)  # torch takes these for a mean over axes, of which jump is 0


def test_a_mean_over_channels_sees_no_more_than_its_pixel():
    class Spatial(nn.Module):
        """The gate of CBAM: mean and maximum over the channels, through a convolution."""

        def __init__(self) -> None:
            super().__init__()
            self.gate = nn.Conv2d(2, 1, 7, padding=3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x * torch.sigmoid(self.gate(torch.cat([x.mean(1, keepdim=True), x.max(1, keepdim=True).values], 1)))

    (row,) = cost_table(Spatial(), (1, 4, 16, 16))
    assert (row.receptive_field, row.start) == ((7, 7), (-3, -3))


def test_permuted_and_cut_maps_are_followed():
    class Cut(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.mix, self.last = nn.Conv2d(4, 4, 3), nn.Linear(4, 4), nn.Identity()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y = self.mix(self.conv(x).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
            a, b = y.chunk(2, 1)
            return self.last(torch.cat([b, a], 1)[:, :, 2:, ::2] + 0)

    rows = named(cost_table(Cut(), (1, 4, 16, 16)))
    assert (rows["mix"].receptive_field, rows["mix"].jump) == ((3, 3), (1, 1))
    assert (rows["last"].receptive_field, rows["last"].jump, rows["last"].start) == ((3, 3), (1, 2), (2, 0))
