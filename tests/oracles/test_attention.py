"""The attention oracles against loops over single numbers, and their gradients against differences and torch's own in float64."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch

from oracles import attention, attention_blocks, multihead_attention, softmax
from oracles.bounded import exact, ieee

RNG = np.random.default_rng(5)
PLAIN: dict[str, Any] = {"dropout_p": 0.0, "is_causal": False, "scale": None, "enable_gqa": False}


def numbers(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape)


def by_hand(query: Any, key: Any, value: Any, allowed: Any, added: Any, scale: float) -> list[list[float]]:
    """Two axes, one number at a time."""
    rows = []
    for i, q in enumerate(query):
        weighted = {}
        for j, k in enumerate(key):
            score = math.fsum(a * b for a, b in zip(q, k, strict=True)) * scale + added[i][j]
            if allowed[i][j] and score > -math.inf:
                weighted[j] = math.exp(score)
        mass = math.fsum(weighted.values())
        rows.append([math.fsum(w * value[j][c] for j, w in weighted.items()) / mass if weighted else 0.0 for c in range(len(value[0]))])
    return rows


@pytest.mark.parametrize("scale", [None, 0.0, -0.7, 2.0])
def test_attention_is_the_sum_that_the_formula_says(scale: float | None) -> None:
    query, key, value = numbers(3, 4), numbers(5, 4), numbers(5, 2)
    allowed = np.array([[1, 1, 0, 1, 0], [0, 0, 0, 0, 0], [1, 0, 0, 0, 0]], bool)
    wanted = by_hand(query, key, value, allowed, np.zeros((3, 5)), 0.5 if scale is None else scale)
    options = {**PLAIN, "scale": scale}
    for mask in (allowed, np.where(allowed, 0.0, -np.inf)):
        for formula in (attention.scaled_dot_product_attention, *attention.scaled_dot_product_attention.formulations):
            np.testing.assert_allclose(formula(query, key, value, mask, **options), wanted, rtol=1e-12)


def test_causal_queries_see_no_later_key() -> None:
    query, key, value = numbers(4, 3), numbers(6, 3), numbers(6, 3)
    allowed = [[j <= i for j in range(6)] for i in range(4)]
    wanted = by_hand(query, key, value, allowed, np.zeros((4, 6)), 3**-0.5)
    got = attention.scaled_dot_product_attention(query, key, value, None, **{**PLAIN, "is_causal": True})
    np.testing.assert_allclose(got, wanted, rtol=1e-12)


def test_grouped_queries_share_the_head_before_them() -> None:
    query, key, value = numbers(6, 3, 2), numbers(2, 4, 2), numbers(2, 4, 5)
    got = attention.scaled_dot_product_attention(query, key, value, None, **{**PLAIN, "enable_gqa": True})
    for head in range(6):
        wanted = by_hand(query[head], key[head // 3], value[head // 3], np.ones((3, 4)), np.zeros((3, 4)), 2**-0.5)
        np.testing.assert_allclose(got[head], wanted, rtol=1e-12)


def best_keys(query: np.ndarray, key: np.ndarray) -> list[list[set[int]]]:
    """For every query the keys of the greatest product with it, in fractions, walking along one after the other."""
    found = []
    for queries, keys in zip(query, key, strict=True):
        found.append([])
        for q in queries:
            products = [sum((Fraction(a) * Fraction(b) for a, b in zip(q, k, strict=True)), Fraction(0)) for k in keys]
            found[-1].append({s for s, product in enumerate(products) if product == max(products)})
    return found


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16"])
def test_hard_attention_takes_the_first_of_the_best_keys(dtype: str) -> None:
    """Of whole numbers, whose products are exact: many of them tie."""
    query, key, value = (np.rint(numbers(*shape)) for shape in ((2, 9, 3), (2, 6, 3), (2, 6, 4)))
    first = np.array([[min(best) for best in row] for row in best_keys(query, key)])
    balls = [exact(x, ieee(dtype)) for x in (query, key, value)]
    found = attention_blocks.hard_attention(*balls, observed={"index": first})
    for s in range(6):
        np.testing.assert_array_equal(found["index"].accepts(np.full(first.shape, s)), first == s)
    wanted = [[value[n, s] for s in row] for n, row in enumerate(first)]
    assert found["output"].accepts(np.array(wanted)).all()
    assert not found["output"].accepts(np.array(wanted) + 1).any()


def test_hard_attention_is_in_doubt_only_where_rounding_decides() -> None:
    """Every key whose product is the greatest, up to a wide margin of rounding, is accepted or clearly beaten."""
    query, key = np.random.default_rng(3).standard_normal((2, 1, 7, 5)).astype(np.float32).astype(float)
    value = np.eye(7)[None]
    best = best_keys(query, key)
    found = attention_blocks.hard_attention(
        *(exact(x, ieee("float32")) for x in (query, key, value)), observed={"index": np.zeros((1, 7), int)}
    )
    for l_, those in enumerate(best[0]):
        accepted = [s for s in range(7) if found["index"].accepts(np.full((1, 7), s))[0, l_]]
        products = query[0, l_] @ key[0].T
        assert set(accepted) >= those
        assert all(products.max() - products[s] < 1e-5 for s in accepted)


def test_the_gradient_of_hard_attention_goes_to_the_chosen_values() -> None:
    query, key, value, dy = (numbers(*shape) for shape in ((1, 4, 3), (1, 5, 3), (1, 5, 2), (1, 4, 2)))
    index = np.array([[4, 0, 4, 2]])
    wanted = np.zeros((1, 5, 2))
    for place, s in enumerate(index[0]):
        wanted[0, s] += dy[0, place]
    found = attention_blocks.hard_attention_gradient(dy, query, key, value, observed={"index": index})
    assert set(found) == {"value"}
    np.testing.assert_allclose(found["value"], wanted)


def derivatives(call: Any, arrays: dict[str, np.ndarray], dy: np.ndarray) -> dict[str, np.ndarray]:
    """What torch's autograd says of a call on float64 tensors."""
    tensors = {name: torch.tensor(array, requires_grad=True) for name, array in arrays.items()}
    call(**tensors).backward(torch.tensor(dy))
    return {name: tensor.grad.numpy() for name, tensor in tensors.items() if tensor.grad is not None}


def assert_gradients(gradient: Any, wanted: dict[str, np.ndarray], *arguments: Any, **options: Any) -> None:
    for formula in (gradient, *getattr(gradient, "formulations", ())):
        got = formula(*arguments, **options)
        assert set(got) == set(wanted)
        for name, values in wanted.items():
            np.testing.assert_allclose(got[name], values, rtol=1e-9, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("options", [{}, {"scale": -0.3}, {"is_causal": True}, {"enable_gqa": True}])
def test_gradients_of_attention_are_the_chain_rule(options: dict[str, Any]) -> None:
    heads = 4 if options else 2
    arrays = {"query": numbers(2, heads, 35, 3), "key": numbers(2, 2 if "enable_gqa" in options else heads, 5, 3)}
    arrays["value"] = numbers(*arrays["key"].shape)
    if not options:
        arrays["attn_mask"] = numbers(1, 2, 1, 5)
    dy = numbers(*arrays["query"].shape)
    wanted = derivatives(lambda **t: plainly(**t, **{**PLAIN, **options}), arrays, dy)
    mask = arrays.pop("attn_mask", None)
    assert_gradients(attention.scaled_dot_product_attention_gradient, wanted, dy, *arrays.values(), mask, **{**PLAIN, **options})


def plainly(query: Any, key: Any, value: Any, attn_mask: Any = None, *, is_causal: bool, scale: Any, enable_gqa: bool, **_: Any) -> Any:
    """The formula in torch's elementary operations."""
    if enable_gqa:
        key, value = (x.repeat_interleave(query.shape[-3] // x.shape[-3], -3) for x in (key, value))
    scores = query @ key.mT * (query.shape[-1] ** -0.5 if scale is None else scale)
    scores = scores if attn_mask is None else scores + attn_mask
    hidden = torch.ones(scores.shape[-2:]).tril() == 0 if is_causal else torch.zeros(scores.shape[-2:]) > 0
    return torch.softmax(scores.masked_fill(hidden, -torch.inf), -1) @ value


def test_softmax_sums_to_one_and_log_softmax_is_its_logarithm() -> None:
    x = numbers(3, 4, 2) * 30
    for formula in (softmax.softmax, softmax.softmax_stored):
        shares = formula(x, dim=1)
        np.testing.assert_allclose(shares.sum(axis=1), 1.0, rtol=1e-14)
        np.testing.assert_allclose(shares[1, 2, 0], 1 / math.fsum(math.exp(a - x[1, 2, 0]) for a in x[1, :, 0]), rtol=1e-12)
    for formula in (softmax.log_softmax, softmax.log_softmax_at_once):
        np.testing.assert_allclose(formula(x, dim=1), np.log(shares), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(softmax.softmin(x, dim=1), softmax.softmax(-x, dim=1))
    np.testing.assert_allclose(softmax.softmax2d(x), softmax.softmax(x, dim=0))


@pytest.mark.parametrize(
    ("gradient", "call"),
    [
        (softmax.softmax_gradient, torch.softmax),
        (softmax.log_softmax_gradient, torch.log_softmax),
        (softmax.softmin_gradient, lambda input, dim: torch.softmax(-input, dim)),
    ],
)
def test_gradients_of_softmax_are_the_chain_rule(gradient: Any, call: Any) -> None:
    x, dy = numbers(2, 5, 3), numbers(2, 5, 3)
    assert_gradients(gradient, derivatives(lambda input: call(input, 1), {"input": x}, dy), dy, x, dim=1)


MULTIHEAD = {"num_heads": 2, "batch_first": True, "need_weights": True, "average_attn_weights": False, "is_causal": False, "training": True}


def multihead_arrays(self_attention: bool) -> dict[str, Any]:
    widths = (4, 4) if self_attention else (3, 5)
    return {
        "query": numbers(2, 3, 4),
        "key": None if self_attention else numbers(2, 6, 3),
        "value": None if self_attention else numbers(2, 6, 5),
        "key_padding_mask": numbers(2, 3 if self_attention else 6),
        "attn_mask": numbers(4, 3, 3 if self_attention else 6),
        "q_proj_weight": numbers(4, 4),
        "k_proj_weight": numbers(4, widths[0]),
        "v_proj_weight": numbers(4, widths[1]),
        "in_proj_bias": numbers(12),
        "out_proj_weight": numbers(4, 4),
        "out_proj_bias": numbers(4),
        "bias_k": numbers(1, 1, 4),
        "bias_v": numbers(1, 1, 4),
    }


def multihead_plainly(**t: Any) -> Any:
    """Head by head, of two heads, with the layer's extra keys."""
    query, key, value = t["query"], t.get("key", t["query"]), t.get("value", t["query"])
    b_q, b_k, b_v = t["in_proj_bias"].split(4)
    q = query @ t["q_proj_weight"].mT + b_q
    k = torch.cat([key @ t["k_proj_weight"].mT + b_k, t["bias_k"].expand(2, 1, 4), torch.zeros(2, 1, 4)], 1)
    v = torch.cat([value @ t["v_proj_weight"].mT + b_v, t["bias_v"].expand(2, 1, 4), torch.zeros(2, 1, 4)], 1)
    heads = []
    for head in (0, 1):
        part = slice(2 * head, 2 * head + 2)
        mask = torch.nn.functional.pad(t["attn_mask"][head::2] + t["key_padding_mask"][:, None], (0, 2))
        heads.append(torch.softmax(q[..., part] @ k[..., part].mT / 2**0.5 + mask, -1) @ v[..., part])
    return torch.cat(heads, -1) @ t["out_proj_weight"].mT + t["out_proj_bias"]


@pytest.mark.parametrize("self_attention", [True, False])
def test_multihead_attention_is_attention_head_by_head(self_attention: bool) -> None:
    arrays, dy = multihead_arrays(self_attention), numbers(2, 3, 4)
    given = {name: array for name, array in arrays.items() if array is not None}
    wanted = multihead_plainly(**{name: torch.tensor(array) for name, array in given.items()}).numpy()
    options = {**MULTIHEAD, "add_zero_attn": True}
    for formula in (multihead_attention.multihead_attention, *multihead_attention.multihead_attention.formulations):
        results = formula(**arrays, **options)
        np.testing.assert_allclose(results["output"], wanted, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(results["weights"].sum(axis=-1), 1.0)
    gradients = derivatives(multihead_plainly, given, dy)
    assert_gradients(multihead_attention.multihead_attention_gradient, gradients, dy, **arrays, **options)


def test_blocks_of_attention_have_the_gradients_of_their_formulas() -> None:
    x, dy = numbers(2, 3, 5, 4), numbers(2, 3, 5, 4)
    excite = {"x": x, "weight1": numbers(2, 3), "bias1": numbers(2), "weight2": numbers(3, 2), "bias2": numbers(3)}

    def squeeze(x: Any, weight1: Any, bias1: Any, weight2: Any, bias2: Any) -> Any:
        hidden = torch.relu(x.mean((2, 3)) @ weight1.mT + bias1)
        return x * torch.sigmoid(hidden @ weight2.mT + bias2)[:, :, None, None]

    def spatial(x: Any, weight: Any) -> Any:
        maps = torch.stack([x.mean(1), x.amax(1)], 1)
        return x * torch.sigmoid(torch.nn.functional.conv2d(maps, weight, padding=1))

    def pooled(x: Any, weight: Any) -> Any:
        return (torch.softmax(torch.einsum("ntc...,c->nt...", x, weight), 1).unsqueeze(2) * x).sum(1)

    spread = {"x": x, "weight": numbers(1, 2, 3, 3)}
    steps = {"x": x[:, :, :, :3], "weight": numbers(5)}
    for call, oracle, gradient, arrays, cotangent in (
        (squeeze, attention_blocks.squeeze_excitation, attention_blocks.squeeze_excitation_gradient, excite, dy),
        (spatial, attention_blocks.spatial_attention, attention_blocks.spatial_attention_gradient, spread, dy),
        (pooled, attention_blocks.pooled_attention, attention_blocks.pooled_attention_gradient, steps, dy[:, 0, :, :3]),
    ):
        wanted = call(**{name: torch.tensor(array) for name, array in arrays.items()}).numpy()
        np.testing.assert_allclose(oracle(**arrays), wanted, rtol=1e-10)
        assert_gradients(gradient, derivatives(call, arrays, cotangent), cotangent, *arrays.values())
