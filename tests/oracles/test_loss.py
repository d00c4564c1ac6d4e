"""The oracles of losses against their formulas summed naively, SciPy, and exact rationals."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from scipy import special, stats
from scipy.spatial import distance

from oracles import (
    binary_loss,
    classification_loss,
    ctc_loss,
    embedding_loss,
    likelihood_loss,
    linear_cross_entropy,
    margin_loss,
    regression_loss,
)

RNG = np.random.default_rng(7)
REDUCTIONS = ("none", "sum", "mean")


def drawn(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape)


def reduced(losses: np.ndarray, reduction: str) -> Any:
    return {"none": losses, "sum": losses.sum(), "mean": losses.mean()}[reduction]


def agree(loss: Any, arrays: dict[str, np.ndarray], wanted: np.ndarray, **options: Any) -> None:
    """All three reductions of the losses, and their gradients by central differences."""
    for reduction in REDUCTIONS:
        np.testing.assert_allclose(loss(**arrays, **options, reduction=reduction), reduced(wanted, reduction), 1e-12, 1e-13)
    differentiable(loss, arrays, **options)


def differentiable(loss: Any, arrays: dict[str, np.ndarray], gradient: Any = None, **options: Any) -> None:
    """The gradient of every array that has one is the central difference quotient of the loss."""
    module = {f.__name__: m for m in MODULES for f in vars(m).values() if callable(f) and hasattr(f, "__name__")}[loss.__name__]
    gradient = gradient or getattr(module, f"{loss.__name__}_gradient")
    for reduction in REDUCTIONS:
        dy = drawn(*np.shape(loss(**arrays, **options, reduction=reduction)))
        for name, found in gradient(dy, **arrays, **options, reduction=reduction).items():
            slopes = np.asarray(getattr(getattr(found, "rule", found), "value", found))
            for index in np.ndindex(arrays[name].shape):
                step = np.zeros(arrays[name].shape)
                step[index] = 1e-6
                ends = [np.sum(dy * loss(**{**arrays, name: arrays[name] + s * step}, **options, reduction=reduction)) for s in (1, -1)]
                assert slopes[index] == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=2e-5, abs=2e-7), (name, index)


MODULES = (
    linear_cross_entropy,
    binary_loss,
    classification_loss,
    ctc_loss,
    embedding_loss,
    likelihood_loss,
    margin_loss,
    regression_loss,
)


def test_linear_cross_entropy_is_the_logarithm_of_a_share():
    x, matrix, bias, target = drawn(3, 4), drawn(10, 4), drawn(10), np.array([[1, 0], [4, 4], [2, 3]])
    wanted = np.empty((3, 2))
    for n, i in np.ndindex(3, 2):
        logits = [sum(x[n, k] * matrix[2 * c + i, k] for k in range(4)) + bias[2 * c + i] for c in range(5)]
        wanted[n, i] = special.logsumexp(logits) - logits[target[n, i]]
    arrays = {"input": x, "linear_weight": matrix, "target": target, "linear_bias": bias, "weight": None}
    options = {"out_features": (2,), "ignore_index": None, "label_smoothing": 0.0}
    agree(linear_cross_entropy.linear_cross_entropy, arrays, wanted, **options)
    for formulation in linear_cross_entropy.linear_cross_entropy_gradient.formulations:
        differentiable(linear_cross_entropy.linear_cross_entropy, arrays, formulation, **options)


def test_regression_losses_are_the_formulas_in_rationals():
    x, y = drawn(3, 4), drawn(3, 4)
    apart = [abs(Fraction(a) - Fraction(b)) for a, b in zip(x.flat, y.flat, strict=True)]
    pair = {"input": x, "target": y}
    agree(regression_loss.l1_loss, pair, np.array([float(d) for d in apart]).reshape(3, 4))
    agree(regression_loss.mse_loss, pair, np.array([float(d * d) for d in apart]).reshape(3, 4))
    for width in (0.5, 1.0, 3.0):
        exact = [d * d / 2 if d < width else Fraction(width) * (d - Fraction(width) / 2) for d in apart]
        huber = np.array([float(d) for d in exact]).reshape(3, 4)
        agree(regression_loss.huber_loss, pair, huber, delta=width)
        agree(regression_loss.smooth_l1_loss, pair, huber / width, beta=width)
        np.testing.assert_allclose(regression_loss.huber_loss(x, y, delta=width, reduction="none"), special.huber(width, x - y), 1e-12)
    np.testing.assert_array_equal(regression_loss.smooth_l1_loss(x, y, beta=0, reduction="none"), np.abs(x - y))


def test_likelihoods_are_those_of_scipy():
    x, y, var = drawn(3, 4), RNG.integers(0, 9, (3, 4)) * 1.0, RNG.uniform(0.1, 2, (3, 4))
    exact = -stats.poisson.logpmf(y, np.exp(x)) - special.gammaln(y + 1)
    agree(likelihood_loss.poisson_nll_loss, {"input": x, "target": y}, exact, log_input=True, full=False, eps=1e-8)
    rate = np.exp(x)
    agree(likelihood_loss.poisson_nll_loss, {"input": rate, "target": y}, exact, log_input=False, full=False, eps=0.0)
    some = y + 1.25
    term = np.array([t * math.log(t) - t + math.log(2 * math.pi * t) / 2 for t in some.flat]).reshape(3, 4)
    full = np.exp(x) - some * x + term
    agree(likelihood_loss.poisson_nll_loss, {"input": x, "target": some}, full, log_input=True, full=True, eps=1e-8)
    normal = -stats.norm.logpdf(x, y, np.sqrt(var))
    agree(likelihood_loss.gaussian_nll_loss, {"input": x, "target": y, "var": var}, normal, full=True, eps=1e-6, var_number=None)
    rows = {"input": x, "target": y, "var": var[:, 0]}
    agree(likelihood_loss.gaussian_nll_loss, rows, -stats.norm.logpdf(x, y, np.sqrt(var[:, :1])), full=True, eps=1e-6, var_number=None)
    number = {"input": x, "target": y, "var": None}
    agree(likelihood_loss.gaussian_nll_loss, number, -stats.norm.logpdf(x, y, np.sqrt(0.3)), full=True, eps=1e-6, var_number=0.3)
    p, q = RNG.dirichlet(np.ones(4), 3), RNG.dirichlet(np.ones(4), 3)
    divergence = special.rel_entr(p, q)
    agree(likelihood_loss.kl_div, {"input": np.log(q), "target": p}, divergence, log_target=False)
    agree(likelihood_loss.kl_div, {"input": np.log(q), "target": np.log(p)}, divergence, log_target=True)
    mean = likelihood_loss.kl_div(np.log(q), p, log_target=False, reduction="batchmean")
    assert mean == pytest.approx(np.mean([stats.entropy(*rows) for rows in zip(p, q, strict=True)]))


def test_binary_losses_are_bernoulli_likelihoods():
    x, y = drawn(3, 4), RNG.random((3, 4))
    p, w = special.expit(x), RNG.random((3, 4)) + 0.5
    exact = special.xlogy(-y, p) - special.xlog1py(1 - y, -p)
    agree(binary_loss.binary_cross_entropy, {"input": p, "target": y, "weight": w}, exact * w)
    agree(binary_loss.binary_cross_entropy_with_logits, {"input": x, "target": y, "weight": w, "pos_weight": None}, exact * w)
    positive = RNG.random(4) * 3
    weighted = -positive * y * special.log_expit(x) - (1 - y) * special.log_expit(-x)
    arrays = {"input": x, "target": y, "weight": None, "pos_weight": positive}
    agree(binary_loss.binary_cross_entropy_with_logits, arrays, weighted)
    for formulation in binary_loss.binary_cross_entropy_with_logits_gradient.formulations:
        differentiable(binary_loss.binary_cross_entropy_with_logits, arrays, formulation)
    ends = binary_loss.binary_cross_entropy(np.array([0.0, 1.0, 0.0, 1.0]), np.array([0.0, 1.0, 1.0, 0.0]), reduction="none")
    np.testing.assert_array_equal(ends, [0, 0, 100, 100])
    sign = np.sign(drawn(3, 4))
    agree(binary_loss.soft_margin_loss, {"input": x, "target": sign}, np.logaddexp(0, -sign * x))
    labels = (y > 0.5) * 1.0
    rows = -(labels * special.log_expit(x) + (1 - labels) * special.log_expit(-x)) * positive
    agree(binary_loss.multilabel_soft_margin_loss, {"input": x, "target": labels, "weight": positive}, rows.mean(axis=1))


def test_margin_losses_are_their_sums():
    x, sign = drawn(3, 4), np.sign(drawn(3, 4))
    hinge = np.array([a if s == 1 else max(0, 0.5 - a) for a, s in zip(x.flat, sign.flat, strict=True)]).reshape(3, 4)
    agree(margin_loss.hinge_embedding_loss, {"input": x, "target": sign}, hinge, margin=0.5)
    one, other, label = drawn(6), drawn(6), np.sign(drawn(6))
    ranking = np.array([max(0.0, 0.3 - s * (a - b)) for a, b, s in zip(one, other, label, strict=True)])
    agree(margin_loss.margin_ranking_loss, {"input1": one, "input2": other, "target": label}, ranking, margin=0.3)
    target, weight = np.array([2, 0, 3]), RNG.random(4)
    for p in (1, 2):
        rows = [
            sum(weight[t] * max(0, 0.7 - row[t] + row[i]) ** p for i in range(4) if i != t) / 4 for row, t in zip(x, target, strict=True)
        ]
        arrays = {"input": x, "target": target, "weight": weight}
        agree(margin_loss.multi_margin_loss, arrays, np.array(rows), p=p, margin=0.7)
    lists = np.array([[3, 0, -1, 1], [-1, 2, 2, 2], [0, 1, 2, 3]])
    named = ((3, 0), (), (0, 1, 2, 3))
    rows = [
        sum(max(0, 1 - (row[j] - row[i])) for j in names for i in range(4) if i not in names) / 4
        for row, names in zip(x, named, strict=True)
    ]
    agree(margin_loss.multilabel_margin_loss, {"input": x, "target": lists}, np.array(rows))


def test_vector_losses_are_those_of_scipys_distances():
    a, p, n = drawn(5, 3), drawn(5, 3), drawn(5, 3)
    sign = np.array([1.0, -1.0, -1.0, 1.0, -1.0])
    angles = np.array([1 - distance.cosine(x, y) for x, y in zip(a, p, strict=True)])
    wanted = np.where(sign == 1, 1 - angles, np.maximum(0, angles + 0.25))
    agree(embedding_loss.cosine_embedding_loss, {"input1": a, "input2": p, "target": sign}, wanted, margin=-0.25)
    arrays = {"anchor": a, "positive": p, "negative": n}
    for degree, swap in itertools.product((1, 2, 3, np.inf), (False, True)):

        def d(x, y, degree=degree):
            return np.array([distance.minkowski(u + 0.125, v, degree) if degree < np.inf else distance.chebyshev(u + 0.125, v)
                             for u, v in zip(x, y, strict=True)])  # fmt: skip

        away = np.minimum(d(a, n), d(p, n)) if swap else d(a, n)
        wanted = np.maximum(0, d(a, p) - away + 1.5)
        agree(embedding_loss.triplet_margin_loss, arrays, wanted, margin=1.5, p=degree, eps=0.125, swap=swap)
    for name, metric in (("manhattan", distance.cityblock), ("squared", distance.sqeuclidean)):
        near, far = ([metric(u, v) for u, v in zip(a, other, strict=True)] for other in (p, n))
        wanted = np.maximum(0, np.subtract(near, far) + 1.5)
        agree(embedding_loss.triplet_margin_with_distance_loss, arrays, wanted, distance_function=name, margin=1.5, swap=False)


def test_class_losses_are_their_sums():
    x, weight = drawn(3, 4, 2), RNG.random(4) + 0.5
    target = np.array([[0, -1], [3, 1], [-1, 2]])
    logs = x - special.logsumexp(x, axis=1, keepdims=True)
    cells = [(n, d, target[n, d]) for n in range(3) for d in range(2)]
    each = np.array([0.0 if c < 0 else -weight[c] * x[n, c, d] for n, d, c in cells]).reshape(3, 2)
    total = sum(weight[c] for _, _, c in cells if c >= 0)
    arrays: dict[str, Any] = {"input": x, "target": target, "weight": weight}
    for reduction, wanted in (("none", each), ("sum", each.sum()), ("mean", each.sum() / total)):
        found = classification_loss.nll_loss(**arrays, ignore_index=-1, reduction=reduction)
        np.testing.assert_allclose(found, wanted, 1e-12)
    differentiable(classification_loss.nll_loss, arrays, ignore_index=-1)
    smooth = 0.2
    shares = [[(1 - smooth) * (c == k) + smooth / 4 for k in range(4)] for *_, c in cells]
    each = np.array(
        [
            0.0 if c < 0 else -sum(weight[k] * share[k] * logs[n, k, d] for k in range(4))
            for (n, d, c), share in zip(cells, shares, strict=True)
        ]
    ).reshape(3, 2)
    for reduction, wanted in (("none", each), ("sum", each.sum()), ("mean", each.sum() / total)):
        found = classification_loss.cross_entropy(**arrays, ignore_index=-1, reduction=reduction, label_smoothing=smooth)
        np.testing.assert_allclose(found, wanted, 1e-12)
    differentiable(classification_loss.cross_entropy, arrays, ignore_index=-1, label_smoothing=smooth)
    likely = np.moveaxis(RNG.dirichlet(np.ones(4), (3, 2)), -1, 1)
    mixed = (1 - smooth) * likely + smooth / 4
    each = -sum(weight[k] * mixed[:, k] * logs[:, k] for k in range(4))
    arrays = {"input": x, "target": likely, "weight": weight}
    agree(classification_loss.cross_entropy, arrays, each, ignore_index=-100, label_smoothing=smooth)


def paths(logs: np.ndarray, target: tuple[int, ...], blank: int) -> float:
    """−log of the summed probability of every path that collapses to the target, all paths enumerated."""
    total = 0.0
    for path in itertools.product(range(logs.shape[1]), repeat=len(logs)):
        if tuple(label for label, _ in itertools.groupby(path) if label != blank) == target:
            total += math.exp(sum(logs[t, label] for t, label in enumerate(path)))
    return -math.log(total) if total else math.inf


@pytest.mark.parametrize("blank", [0, 2])
def test_ctc_sums_over_all_paths(blank):
    labels = [c for c in range(3) if c != blank]
    targets = [(), (labels[0],), (labels[0], labels[0]), (labels[1], labels[0]), (labels[0], labels[1], labels[0])]
    logs = drawn(4, 5, 3)
    logs = logs - special.logsumexp(logs, axis=-1, keepdims=True)
    inputs, sizes = np.array([4, 3, 2, 4, 4]), np.array([len(t) for t in targets])
    wanted = np.array([paths(logs[:length, n], target, blank) for n, (length, target) in enumerate(zip(inputs, targets, strict=True))])
    padded = np.full((5, 4), labels[0])
    for n, target in enumerate(targets):
        padded[n, : len(target)] = target
    options = {"blank": blank, "zero_infinity": False}
    for form in (padded, np.concatenate([np.array(t, int) for t in targets])):
        found = ctc_loss.ctc_loss(logs, form, inputs, sizes, **options, reduction="none")
        np.testing.assert_allclose(found, wanted, 1e-12)
    assert np.isinf(wanted[2])
    assert np.isinf(found[2])
    options["zero_infinity"] = True
    finite = np.where(np.isinf(wanted), 0, wanted)
    found = ctc_loss.ctc_loss(logs, padded, inputs, sizes, **options, reduction="mean")
    assert found == pytest.approx(np.mean(finite / np.maximum(sizes, 1)))
    arrays = {"log_probs": logs, "targets": padded, "input_lengths": inputs, "target_lengths": sizes}
    differentiable(ctc_loss.ctc_loss, arrays, **options)
    scores = drawn(4, 5, 3)
    arrays = {"input": scores, "targets": padded, "input_lengths": inputs, "target_lengths": sizes}
    differentiable(ctc_loss.ctc_loss_of_logits, arrays, **options)
    single = ctc_loss.ctc_loss(logs[:, 3], np.array(targets[3]), np.asarray(4), np.asarray(2), **options, reduction="none")
    assert single == pytest.approx(wanted[3])
