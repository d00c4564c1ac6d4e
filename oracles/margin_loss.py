"""Losses that stop where a margin is kept: of pairs of numbers, of classes and of sets of labels."""

from __future__ import annotations

from typing import Any

import numpy as np

from oracles.loss import gated, reduced, shared, slope

Gradients = dict[str, Any]


def hinge_embedding_loss(input: Any, target: Any, *, margin: float, reduction: str) -> Any:
    """input where the target is 1, max(0, margin − input) where it is −1

    input (*), target (*) of 1 and −1 → (*), or () if it is reduced
    Source: torch.nn.HingeEmbeddingLoss, first formula.
    """
    return reduced(np.where(target == 1, input, np.maximum(0, margin - input)), reduction)


def hinge_embedding_loss_gradient(dy: Any, input: Any, target: Any, *, margin: float, reduction: str) -> Gradients:
    """1, or −1 where the margin is not kept."""
    g = shared(dy, input.shape, reduction)
    return {"input": np.where(target == 1, g, -gated(margin - input, g))}


def margin_ranking_loss(input1: Any, input2: Any, target: Any, *, margin: float, reduction: str) -> Any:
    """max(0, −target · (input1 − input2) + margin)

    input1 (N,) or (), input2 and target the same → the same, or () if it is reduced
    Source: torch.nn.MarginRankingLoss, first formula.
    """
    return reduced(np.maximum(0, -target * (input1 - input2) + margin), reduction)


def margin_ranking_loss_gradient(dy: Any, input1: Any, input2: Any, target: Any, *, margin: float, reduction: str) -> Gradients:
    """∓target, and input2 − input1 of the target, where the margin is not kept."""
    difference = input1 - input2
    g = gated(-target * difference + margin, shared(dy, input1.shape, reduction))
    return {"input1": -g * target, "input2": g * target, "target": -g * difference}


def margins(input: Any, target: np.ndarray, margin: float) -> tuple[np.ndarray, Any]:
    """Which classes are not the target, and by how much each of them misses the margin below it."""
    wanted = np.take_along_axis(input, target[..., None], axis=-1)
    return np.arange(input.shape[-1]) != target[..., None], margin - wanted + input


def multi_margin_loss(input: Any, target: np.ndarray, weight: Any = None, *, p: int, margin: float, reduction: str) -> Any:
    """Σ over i ≠ target of weight[target] · max(0, margin − input[target] + input[i])^p / C

    input (N, C) or (C,), target (N,) or () of class indices, weight (C,) → as target, or () if it is reduced
    Source: torch.nn.MultiMarginLoss, second formula.
    """
    others, missing = margins(input, target, margin)
    terms = np.maximum(0, missing) if p == 1 else np.square(np.maximum(0, missing))
    terms = terms if weight is None else terms * weight[target][..., None]
    return reduced(np.sum(np.where(others, terms, 0.0), axis=-1) / input.shape[-1], reduction)


def multi_margin_loss_gradient(
    dy: Any, input: Any, target: np.ndarray, weight: Any = None, *, p: int, margin: float, reduction: str
) -> Gradients:
    """weight[target] / C · p · max(0, …)^(p − 1) of every other class, and minus their sum of the target."""
    others, missing = margins(input, target, margin)
    slopes = (slope(missing) if p == 1 else 2 * np.maximum(0, missing)) / input.shape[-1]
    slopes = np.where(others, slopes if weight is None else slopes * weight[target][..., None], 0.0)
    slopes = np.where(others, slopes, -np.sum(slopes, axis=-1, keepdims=True))
    return {"input": slopes * shared(dy, target.shape, reduction)[..., None]}


def pairs(input: Any, target: np.ndarray) -> tuple[np.ndarray, np.ndarray, Any]:
    """The class of each place of the list (…, C), which pairs of a listed and an unlisted class count (…, C, C), and what each misses."""
    listed = np.logical_and.accumulate(target >= 0, axis=-1)
    at = np.where(listed, target, 0)
    labels = np.any((at[..., None] == np.arange(input.shape[-1])) & listed[..., None], axis=-2)
    wanted = np.take_along_axis(input, at, axis=-1)
    return at, listed[..., None] & ~labels[..., None, :], 1 - wanted[..., None] + input[..., None, :]


def multilabel_margin_loss(input: Any, target: np.ndarray, *, reduction: str) -> Any:
    """Σ over the listed classes j and the unlisted i of max(0, 1 − (input[j] − input[i])) / C; the list ends before the first −1

    input (N, C) or (C,), target the same, of class indices and −1 → (N,) or (), or () if it is reduced
    Source: torch.nn.MultiLabelMarginLoss, first formula.
    """
    _, counted, missing = pairs(input, target)
    return reduced(np.sum(np.where(counted, np.maximum(0, missing), 0.0), axis=(-2, -1)) / input.shape[-1], reduction)


def multilabel_margin_loss_gradient(dy: Any, input: Any, target: np.ndarray, *, reduction: str) -> Gradients:
    """1 / C of every unlisted class for each listed one that is not above it by 1, and minus their number of the listed one."""
    at, counted, missing = pairs(input, target)
    g = np.where(counted, slope(missing) / input.shape[-1], 0.0)
    own = at[..., None] == np.arange(input.shape[-1])
    terms = np.concatenate([g, np.where(own, -np.sum(g, axis=-1, keepdims=True), 0.0)], axis=-2)
    return {"input": np.sum(terms, axis=-2) * shared(dy, target.shape[:-1], reduction)[..., None]}
