"""The cost table beside the counters of the ecosystem, where they are installed (`tox run -e counters`): what they add, what they miss.

The numbers in which they differ are pinned with the versions of tox.ini; docs/costs.md has them as a table.
"""

from __future__ import annotations

import contextlib
import copy
import importlib
import io
import math
import warnings
from collections.abc import Callable, Iterator

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from conformance.cost import Row, cost_table, total
from tests import networks

Counts = tuple[int, int]  # parameters, multiply-accumulates
Counter = Callable[[nn.Module, torch.Tensor], Counts]


def fvcore(module: nn.Module, x: torch.Tensor) -> Counts:
    """facebookresearch/fvcore, FlopCountAnalysis: follows the traced graph."""
    nn_ = importlib.import_module("fvcore.nn")
    analysis = nn_.FlopCountAnalysis(module, x)
    analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
    return nn_.parameter_count(module)[""], int(analysis.total())


def thop(module: nn.Module, x: torch.Tensor) -> Counts:
    """Lyken17/pytorch-OpCounter, profile: a hook for each class of layer."""
    macs, parameters = importlib.import_module("thop").profile(copy.deepcopy(module), inputs=(x,), verbose=False)
    return int(parameters), int(macs)


def ptflops(module: nn.Module, x: torch.Tensor) -> Counts:
    """sovrasov/flops-counter.pytorch with its aten backend: a formula for each function of aten."""
    counted = importlib.import_module("ptflops").get_model_complexity_info(
        copy.deepcopy(module),
        tuple(x.shape[1:]),
        as_strings=False,
        print_per_layer_stat=False,
        backend="aten",
        input_constructor=lambda _: {"input": x},
    )
    return int(counted[1]), int(counted[0])


def torchinfo(module: nn.Module, x: torch.Tensor) -> Counts:
    """TylerYep/torchinfo, summary: parameters times positions."""
    summary = importlib.import_module("torchinfo").summary(module, input_data=x, verbose=0, device="cpu")
    return int(summary.total_params), int(summary.total_mult_adds)


COUNTERS: tuple[Counter, ...] = (fvcore, thop, ptflops, torchinfo)


@pytest.fixture(params=COUNTERS, ids=lambda counter: counter.__name__)
def counter(request: pytest.FixtureRequest) -> Counter:
    """One of the counters; the test is left out where it is not installed."""
    with quietly():
        pytest.importorskip(request.param.__name__)
    return request.param


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """What other libraries print and warn of is theirs."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


def counted(counter: Counter, module: nn.Module, x: torch.Tensor) -> Counts:
    """What a counter says."""
    with quietly():
        return counter(module.eval(), x)


# Three networks: the same to the digit, but for what each counter adds.


def elements(rows: list[Row], *kinds: str) -> int:
    """Of the outputs of layers of these kinds."""
    return sum(math.prod(row.output_shape) for row in rows if row.kind in kinds)


def biased(rows: list[Row], module: nn.Module) -> int:
    """Outputs to which a bias is added."""
    layers = dict(module.named_modules())
    return elements([row for row in rows if getattr(layers[row.name], "bias", None) is not None], "Conv2d", "Linear")


def meaned(rows: list[Row]) -> int:
    """Inputs of global pooling."""
    return sum(row.bytes // 4 - math.prod(row.output_shape) for row in rows if row.kind == "AdaptiveAvgPool2d")


ADDED: dict[Counter, Callable[[list[Row], nn.Module], int]] = {
    fvcore: lambda rows, module: 2 * elements(rows, "BatchNorm2d") + meaned(rows),
    thop: lambda rows, module: 4 * elements(rows, "BatchNorm2d") + meaned(rows) + elements(rows, "AdaptiveAvgPool2d"),
    ptflops: biased,
    torchinfo: lambda rows, module: biased(rows, module) + sum(row.parameters for row in rows if row.kind == "BatchNorm2d"),
}


@pytest.mark.parametrize("factory", [networks.vgg16, networks.resnet18, networks.mobilenet_v2], ids=lambda f: f.__name__)
def test_counters_agree_on_networks_but_for_what_they_add(counter, factory):
    module, x = factory(), torch.zeros(1, 3, 224, 224)
    rows = cost_table(module, x)
    sums = total(rows)
    assert counted(counter, module, x) == (sums["parameters"], sums["macs"] + ADDED[counter](rows, module))


# Single layers.

AGREED: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "Conv1d": (lambda: nn.Conv1d(4, 8, 3, bias=False), (2, 4, 9)),
    "Conv2d, groups": (lambda: nn.Conv2d(4, 8, 3, 2, 1, 2, groups=2, bias=False), (2, 4, 9, 9)),
    "Conv3d": (lambda: nn.Conv3d(4, 8, (1, 2, 3), bias=False), (2, 4, 5, 5, 5)),
    "Linear": (lambda: nn.Linear(8, 5, bias=False), (4, 8)),
    "ReLU": (nn.ReLU, (2, 4, 5, 5)),
    "MaxPool2d": (lambda: nn.MaxPool2d(2), (2, 4, 6, 6)),
}


@pytest.mark.parametrize("layer", AGREED)
def test_counters_agree_on_layers(counter, layer):
    make, shape = AGREED[layer]
    module = nn.Sequential(make())
    sums = total(cost_table(module, shape))
    assert counted(counter, module, torch.zeros(shape)) == (sums["parameters"], sums["macs"])


class Own(nn.Module):
    """A parameter of its own, and a product outside of layers."""

    def __init__(self) -> None:
        super().__init__()
        self.weight, self.layer = nn.Parameter(torch.ones(8, 8)), nn.Linear(8, 8, bias=False)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return self.layer(input) @ self.weight


class Functional(nn.Module):
    """A layer that is not called: its weight is used."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(4, 4, 3, bias=False)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return F.conv2d(input, self.layer.weight)


class Attention(nn.Module):
    """Attention and nothing else."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return F.scaled_dot_product_attention(input, input, input)


def tied() -> nn.Module:
    """Two layers, one weight."""
    first, second = nn.Linear(8, 8, bias=False), nn.Linear(8, 8, bias=False)
    second.weight = first.weight
    return nn.Sequential(first, nn.ReLU(), second)


# what is counted: the layer, its input, the table's parameters and products, and what each counter says that says something else
DIFFERENT: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...], Counts, dict[Counter, Counts]]] = {
    "a transposed convolution at its outputs": (
        lambda: nn.Sequential(nn.ConvTranspose2d(4, 6, 3, 2, bias=False)),
        (2, 4, 7, 7),
        (216, 21_168),
        {thop: (216, 97_200), torchinfo: (216, 97_200)},
    ),
    "a linear layer on three axes": (
        lambda: nn.Sequential(nn.Linear(8, 5, bias=False)),
        (2, 3, 8),
        (40, 240),
        {torchinfo: (40, 80)},
    ),
    "an image without a batch": (
        lambda: nn.Sequential(nn.Conv2d(3, 4, 3, bias=False)),
        (3, 8, 8),
        (108, 3_888),
        {thop: (108, 10_368), torchinfo: (108, 2_592)},
    ),
    "a recurrence": (
        lambda: nn.Sequential(nn.GRU(4, 6)),
        (5, 3, 4),
        (216, 2_700),
        {fvcore: (216, 0), thop: (216, 3_870), ptflops: (216, 3_240), torchinfo: (216, 3_240)},
    ),
    "a weight that two layers share": (tied, (2, 8), (64, 256), {thop: (128, 256), torchinfo: (128, 256)}),
    "a product outside of layers": (Own, (4, 8), (128, 512), {thop: (64, 256), torchinfo: (128, 256)}),
    "a layer that is not called": (Functional, (1, 4, 8, 8), (144, 5_184), {thop: (0, 0), torchinfo: (144, 0)}),
    "attention": (
        Attention,
        (2, 3, 5, 8),
        (0, 2_400),
        {fvcore: (0, 0), thop: (0, 0), ptflops: (0, 0), torchinfo: (0, 0)},
    ),
}


@pytest.mark.parametrize("what", DIFFERENT)
def test_counters_differ_where_the_documentation_says_so(counter, what):
    make, shape, ours, theirs = DIFFERENT[what]
    module = make()
    sums = total(cost_table(module, shape))
    assert (sums["parameters"], sums["macs"]) == ours
    assert counted(counter, module, torch.zeros(shape)) == theirs.get(counter, ours)
