"""The cost table of any network: whatever `forward` does, and what cannot be told."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from conformance.cost import CostError, Row, cost_table, elementwise, total
from oracles import costs
from oracles.costs import Work
from tests import networks


def named(rows: list[Row]) -> dict[str, Row]:
    """The rows by name."""
    return {row.name: row for row in rows}


# Whatever forward does.


class Anything(nn.Module):
    """Products and parameters of its own, tensors made on the way, a layer called twice, one never, keywords, a mapping as the result."""

    def __init__(self) -> None:
        super().__init__()
        self.twice = nn.Conv2d(4, 4, 3, padding=1)
        self.never = nn.Linear(5, 6)
        self.free = nn.Conv2d(4, 8, 1)
        self.scale = nn.Parameter(torch.ones(4, 1, 1))
        self.loose = torch.ones(4, 1, 1)

    def forward(self, x: torch.Tensor, *, keyword: bool = True) -> dict[str, Any]:
        x = self.twice(self.twice(x)) * self.scale + self.loose + torch.zeros(1)
        if x.shape[-1] > 2 and keyword:
            x = F.conv2d(x, self.free.weight, self.free.bias)
        return {"maps": [x], "name": "anything"}


def test_the_table_follows_whatever_forward_does():
    module = Anything()
    rows = named(cost_table(module, (1, 4, 8, 8)))
    assert rows["twice"].macs == 2 * 9 * 16 * 64
    assert rows["twice"].calls == 2
    assert rows["twice"].parameters == 148
    assert rows["twice"].receptive_field == (5, 5)
    assert (rows["never"].parameters, rows["never"].macs, rows["never"].calls, rows["never"].output_shape) == (36, 0, 0, None)
    assert (rows["free"].parameters, rows["free"].macs) == (40, 0)
    assert (rows["Anything"].parameters, rows["Anything"].macs) == (4, 4 * 8 * 64)
    assert sum(row.parameters for row in rows.values()) == sum(p.numel() for p in module.parameters())


def test_tied_weights_count_once():
    module = nn.Sequential(nn.Linear(8, 8, bias=False), nn.ReLU(), nn.Linear(8, 8, bias=False))
    module[2].weight = module[0].weight
    rows = cost_table(module, (2, 8))
    assert [row.parameters for row in rows] == [64, 0, 0]
    assert [row.macs for row in rows] == [128, 0, 128]


def test_a_layer_that_stands_in_two_places_has_one_row():
    layer = nn.Conv2d(4, 4, 3, padding=1)
    (row,) = cost_table(nn.Sequential(layer, layer), (1, 4, 8, 8))
    assert (row.parameters, row.macs, row.calls) == (148, 2 * 9 * 16 * 64, 2)


def test_attention_and_transformers_are_known():
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    rows = named(cost_table(layer, (2, 6, 8)))
    assert rows["self_attn"].macs == 4 * 12 * 64 + 2 * 2 * 6 * 6 * 8
    assert total(list(rows.values()))["parameters"] == sum(p.numel() for p in layer.parameters())


def test_products_in_a_forward_without_layers_are_counted():
    class Attention(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return F.scaled_dot_product_attention(x, x, x)

    (row,) = cost_table(Attention(), (2, 3, 5, 8))
    assert row.macs == costs.attention((2, 3, 5, 8), (2, 3, 5, 8), (2, 3, 5, 8)).macs


@pytest.mark.parametrize(
    ("product", "macs"),
    [
        (lambda x: x[0] @ x[1], 8),
        (lambda x: x @ x[0], 32),
        (lambda x: torch.addmv(x[:, 0], x, x[0]), 32),
        (lambda x: torch.vdot(x[0], x[1]), 8),
        (lambda x: torch.addbmm(x[:, :4], x[None], x.T[None]), 4 * 8 * 4),
        (lambda x: torch.einsum("ij,kj->ik", x, x), 4 * 8 * 4),
        (lambda x: torch.baddbmm(x[None, :, :4], x[None], x.T[None]), 4 * 8 * 4),
    ],
    ids=["dot", "mv", "addmv", "vdot", "addbmm", "einsum", "baddbmm"],
)
def test_products_of_vectors_and_of_batches_are_counted(product, macs):
    class Product(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return product(x)

    (row,) = cost_table(Product(), (4, 8))
    assert row.macs == macs


def test_weight_norm_is_still_the_layer_it_normalises():
    layer = nn.utils.parametrizations.weight_norm(nn.Conv2d(4, 8, 3))
    (row,) = cost_table(layer, (1, 4, 8, 8))
    assert row.macs == 9 * 4 * 8 * 36
    assert row.parameters == sum(p.numel() for p in layer.parameters())


def test_indices_and_several_inputs():
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.words, self.mix = nn.Embedding(10, 4), nn.Bilinear(4, 3, 2)

        def forward(self, words: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
            return self.mix(self.words(words), x)

    rows = named(cost_table(Two(), torch.zeros(5, dtype=torch.int64), (5, 3)))
    assert rows["words"].parameters == 40
    assert rows["mix"].macs == 5 * 2 * (12 + 4)


def test_the_network_is_left_as_it_was():
    module = networks.resnet18()
    module[1].eval()
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    modes = [layer.training for layer in module.modules()]
    cost_table(module, (1, 3, 32, 32))
    assert [layer.training for layer in module.modules()] == modes
    assert all(torch.equal(before[name], tensor) for name, tensor in module.state_dict().items())
    assert not any(layer._forward_hooks or layer._forward_pre_hooks for layer in module.modules())
    assert all(p.device.type == "cpu" for p in module.parameters())


# What cannot be told.


class Mine(nn.Module):
    """A leaf of which the table cannot know what it does."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.weight


def test_an_unknown_leaf_that_holds_parameters_is_an_error_that_names_it():
    with pytest.raises(CostError, match=r"the cost of 1, a Mine with 3 parameters, is not known; tell it with known="):
        cost_table(nn.Sequential(nn.ReLU(), Mine()), (2, 3))
    _, row = cost_table(nn.Sequential(nn.ReLU(), Mine()), (2, 3), known={Mine: elementwise})
    assert (row.parameters, row.macs) == (3, 0)


def test_a_leaf_that_is_told_is_known():
    _, row = cost_table(nn.Sequential(nn.ReLU(), Mine()), (2, 3), known={Mine: lambda layer, inputs, y: Work(3, 6, 6, 6)})
    assert row.macs == 6


@pytest.mark.parametrize(
    ("module", "inputs", "words"),
    [
        (nn.Linear(3, 4), ((2, 5),), "cannot be run on meta tensors of shape"),
        (nn.Linear(3, 4), (), "cannot be run on meta tensors of shape nothing"),
        (nn.LazyLinear(4), ((2, 5),), "weight has no shape yet"),
        (nn.Linear(3, 4), (2, 3), "given as a tuple of sides"),
        (nn.Linear(3, 4), ("2,3",), "given as a tuple of sides"),
    ],
    ids=["wrong", "none", "lazy", "numbers", "text"],
)
def test_what_cannot_be_run_is_an_error_that_says_so(module, inputs, words):
    with pytest.raises(CostError, match=words):
        cost_table(module, *inputs)
