"""The cross entropy of logits that a linear map makes, at once or in chunks of the batch."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Trial
from conformance.model import Case, Law, Operation, Shape, torch
from conformance.operations import classification_loss
from conformance.operations.classification_loss import CrossEntropyLoss, by_index, indices, weights
from conformance.operations.elementwise import room
from conformance.operations.linear import Linear
from conformance.operations.loss import REGIMES, array, assert_close, loss, mean_times_count_by, numbers, options, probabilities
from conformance.strategies import data_of
from oracles import costs
from oracles import linear_cross_entropy as oracles
from oracles.costs import Work

# The call.


def layer_of(linear_weight: Any, linear_bias: Any, *, out_features: Any, chunks: Any = None, **settings: Any) -> Any:
    """The module that takes these arrays, without values of its own."""
    chosen = dict(chunks or ())
    if "acc_dtype" in chosen:
        chosen["acc_dtype"] = getattr(torch, chosen["acc_dtype"])
    return torch.nn.LinearCrossEntropyLoss(
        linear_weight.shape[1],
        len(linear_weight) // math.prod(out_features),
        out_features=out_features,
        bias=linear_bias is not None,
        device="meta",
        options=None if chunks is None else torch.nn.LinearCrossEntropyOptions(**chosen),
        **settings,
    )


def linear_cross_entropy(input: Any, linear_weight: Any, target: Any, linear_bias: Any, weight: Any, **settings: Any) -> Any:
    """The module's forward, with its parameters given."""
    layer = layer_of(linear_weight, linear_bias, weight=weight, **settings)
    parameters = {"linear.weight": linear_weight} if linear_bias is None else {"linear.weight": linear_weight, "linear.bias": linear_bias}
    return torch.func.functional_call(layer, parameters, (input, target))


def layer(linear_weight: Any, linear_bias: Any, out_features: Any, **others: Any) -> Any:
    """The module with its parameters only."""
    return layer_of(linear_weight, linear_bias, out_features=out_features)


def classes(linear_weight: Shape, out_features: tuple[int, ...]) -> int:
    """The number of classes."""
    return linear_weight[0] // math.prod(out_features)


def shape(input: Any, *, reduction: str, out_features: tuple[int, ...], **others: Any) -> dict[str, Any]:
    """The batch and further axes, or a single number."""
    return {"output": (*input[:-1], *out_features) if reduction == "none" else ()}


def cost(input: Any, linear_weight: Any, linear_bias: Any, **others: Any) -> Work:
    """That of the linear map: the cross entropy has no products."""
    outputs, inner = linear_weight
    return costs.linear(input, (*input[:-1], outputs), inner, outputs, linear_bias is not None)


# The cases.

CHUNKS = st.fixed_dictionaries(
    {},
    optional={
        "batch_chunk_size": st.sampled_from((1, 2, 3, 64)),  # a chunking_method is another way to say it: they exclude each other
        "acc_policy": st.sampled_from(("auto", "accurate", "balanced", "compact")),
        "allow_retain_graph": st.booleans(),
    },
)


def cases(chunked: bool) -> Callable[[str], st.SearchStrategy[Case]]:
    """Class indices or probabilities of one axis or several; in chunks class indices without smoothing or further axes, as documented."""

    @st.composite
    def drawn(draw: st.DrawFn, dtype: str) -> Case:
        data, batch = draw(data_of(dtype, REGIMES)), draw(st.sampled_from((1, 2, 3, 8, 0, None)))
        further = () if batch is None or chunked else draw(st.sampled_from(((), (), (3,), (2, 2))))
        inner, count = draw(st.integers(1, 6)), draw(st.one_of(st.integers(1, 6), st.sampled_from((8, 17))))
        logits = (count, *further) if batch is None else (batch, count, *further)
        target, ignored = indices(draw, data, logits)
        ignore_index = None if ignored == -100 and draw(st.booleans()) else ignored
        if not chunked and draw(st.sampled_from((False, False, True))):
            target, ignore_index = probabilities(data, "target", *logits), None
        rows = count * math.prod(further)
        arrays = {
            "input": numbers(data, "input", *logits[: batch is not None], inner),
            "linear_weight": data.array("linear_weight", rows, inner),
            "target": target,
            "linear_bias": data.array("linear_bias", rows) if draw(st.booleans()) else None,
            "weight": weights(draw, data, logits),
        }
        smoothing = (0.0,) if chunked else (0.0, 0.0, 0.1, 0.5, 1.0)
        chosen = {"out_features": further, "ignore_index": ignore_index, **options(draw, label_smoothing=smoothing)}
        return data.case(arrays, **chosen, chunks=tuple(draw(CHUNKS).items()) if chunked else None)

    return drawn


# Constraints.


def classes_of(case: Case) -> int:
    """The number of classes."""
    return classes(array(case, "linear_weight").shape, case.options["out_features"])


def no_such_class(case: Case) -> Case | None:
    """The first target is a class that there is not."""
    if not by_index(case):
        return None
    target = array(case, "target").copy()
    target.flat[0] = classes_of(case)
    return case.but(target=target)


def as_integers_of_32_bits(case: Case) -> Case | None:
    """Class indices of another dtype."""
    return case.but(target=array(case, "target").astype("int32")) if by_index(case) else None


def weight_too_long(case: Case) -> Case | None:
    """A weight more than there are classes."""
    return case.but(weight=np.ones(classes_of(case) + 1, array(case, "input").dtype)) if by_index(case) else None


def feature_too_many(case: Case) -> Case:
    """The input has a feature more than the map."""
    input = array(case, "input")
    return case.but(input=np.concatenate([input, input[..., :1]], axis=-1))


def batch_too_long(case: Case) -> Case | None:
    """A target more than there are inputs."""
    return classification_loss.batch_too_long(case) if array(case, "input").ndim > 1 else None


def ignored_probability(case: Case) -> Case | None:
    """Probabilities and an ignore_index."""
    return case.but(ignore_index=0) if array(case, "target").dtype.kind != "i" else None


REJECTS = {
    "a class index must be less than the number of classes": no_such_class,
    "class indices must not be int32": as_integers_of_32_bits,
    "weight must have one element for every class": weight_too_long,
    "the input must have in_features features": feature_too_many,
    "there must be a target for every input": batch_too_long,
    "probabilities exclude ignore_index": ignored_probability,
    "label_smoothing must be at most 1": lambda case: case.but(label_smoothing=1.1),
}

# Laws.


def count(case: Case) -> float:
    """What a mean divides by."""
    target, weight = array(case, "target"), case.arrays["weight"]
    if not by_index(case):
        return target.size / max(1, classes_of(case))
    kept = target[target != (-100 if case.options["ignore_index"] is None else case.options["ignore_index"])]
    return float(kept.size if weight is None else np.sum(weight.astype(float)[kept]))


def of_a_layer(trial: Trial, case: Case) -> None:
    """It is CrossEntropyLoss of Linear."""
    if case.regime == "special":
        return
    x, matrix, further = array(case, "input"), array(case, "linear_weight"), case.options["out_features"]
    mapped = replace(case, arrays={"x": x, "weight": matrix, "bias": case.arrays["linear_bias"]}, options={})
    logits = trial.backend.run(Linear, mapped)["output"].reshape(*x.shape[:-1], classes_of(case), *further)
    ignore_index = -100 if case.options["ignore_index"] is None else case.options["ignore_index"]
    kept = {"ignore_index": ignore_index, **{name: case.options[name] for name in ("reduction", "label_smoothing")}}
    other = replace(case, arrays={"input": logits, "target": array(case, "target"), "weight": case.arrays["weight"]}, options=kept)
    width = room(replace(trial, operation=CrossEntropyLoss), other)
    assert_close(trial, case, trial.backend.run(CrossEntropyLoss, other)["output"], "it is not CrossEntropyLoss of Linear", width)


LinearCrossEntropyLoss = loss(
    "LinearCrossEntropyLoss",
    linear_cross_entropy,
    oracles,
    cases=cases(chunked=False),
    shape=shape,
    cost=cost,
    module=layer,
    constants=("weight",),
    laws=(mean_times_count_by(count), Law("it is CrossEntropyLoss of Linear", of_a_layer)),
    rejects=REJECTS,
)
LinearCrossEntropyLoss_Chunked = replace(
    LinearCrossEntropyLoss,
    variant="Chunked",
    cases=cases(chunked=True),
    cost=None,  # what is computed twice to save memory is not documented
    module=None,
    rejects={name: broken for name, broken in REJECTS.items() if "probabilities" not in name and "smoothing" not in name},
)

OPERATIONS: tuple[Operation, ...] = (LinearCrossEntropyLoss, LinearCrossEntropyLoss_Chunked)
