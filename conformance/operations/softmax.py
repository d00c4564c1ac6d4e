"""Softmax and its relatives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Disagreement, Expectation, Trial, assert_accepted, expected, expected_gradient
from conformance.model import FLOATS, Case, Law, Operation, torch
from conformance.operations.elementwise import REGIMES, arrangements
from conformance.strategies import DTYPES, data_of, more_data, side
from oracles import softmax


def call_softmax(input, *, dim):
    return torch.nn.Softmax(dim)(input)


def call_log_softmax(input, *, dim):
    return torch.nn.LogSoftmax(dim)(input)


def call_softmin(input, *, dim):
    return torch.nn.Softmin(dim)(input)


def call_softmax2d(input):
    return torch.nn.Softmax2d()(input)


def same_shape(input: Any, **options: Any) -> dict[str, Any]:
    return {"output": input}


@st.composite
def softmax_cases(draw: st.DrawFn, dtype: str) -> Case:
    """Up to four axes, one of them long now and then; zero-sized ones anywhere; every axis by either of its numbers."""
    data = draw(data_of(dtype, REGIMES))
    sides = draw(st.lists(st.sampled_from([1, 2, 3, 4, 0]), max_size=3))
    sides.insert(draw(st.integers(0, len(sides))), draw(side()))
    return data.case({"input": draw(arrangements(data, "input", *sides))}, dim=draw(st.integers(-len(sides), len(sides) - 1)))


@st.composite
def softmax2d_cases(draw: st.DrawFn, dtype: str) -> Case:
    data = draw(data_of(dtype, REGIMES))
    batch = draw(st.lists(st.sampled_from([1, 2, 3, 0]), max_size=1))
    height, width = draw(side(0, 4)), draw(st.integers(0, 5))
    return data.case({"input": draw(arrangements(data, "input", *batch, draw(side()), height, width))})


def dim_beyond(case: Case) -> Case:
    rank = np.ndim(case.arrays["input"])
    return case.but(dim=rank if case.options["dim"] >= 0 else -rank - 1)


def rank_changed(case: Case) -> Case:
    """Two axes, or five."""
    array = case.arrays["input"]
    assert array is not None
    return case.but(input=array[0] if array.ndim == 3 and len(array) else array[None, None])


def room_of(trial: Trial, case: Case) -> np.ndarray:
    """The width of what is accepted of the output, in the formulation that leaves most of it."""
    expectation = expected(trial.operation, case, trial.backend)
    with np.errstate(all="ignore"):
        widths = [high - low for low, high in (sets["output"].limits() for sets in (expectation.first, *expectation.further()))]
        return np.asarray(np.max([np.where(np.isnan(width), np.inf, width) for width in widths], axis=0))


def agree(trial: Trial, case: Case, other: Case, sentence: str, back: Callable[[np.ndarray], np.ndarray] = np.asarray) -> None:
    """Two calls that mathematics makes equal (the other's output moved back) differ by no more than the width of what is accepted."""
    first, second = trial.run(case)["output"].astype(float), back(trial.run(other)["output"].astype(float))
    differs = ~((first == second) | np.isnan(first) & np.isnan(second))
    with np.errstate(all="ignore"):
        wrong = differs & ~(np.abs(first - second) <= room_of(trial, case)) if differs.any() else differs
    if wrong.any():
        index = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise Disagreement(f"{sentence}: output{list(index)} is {float(first[index])!r}, then {float(second[index])!r}", index=index)


def shifted_by_a_number(trial: Trial, case: Case) -> None:
    """Adding 16 to whole numbers is exact: to those nearest to the case's own, between −8 and 8."""
    array = case.arrays["input"]
    assert array is not None
    whole = np.rint(np.clip(np.nan_to_num(array.astype(float)), -8, 8))
    case, other = (case.but(input=numbers.astype(array.dtype)) for numbers in (whole, whole + 16))
    agree(trial, case, other, "adding 16 to every number changed the result")


def reversed_along_the_axis(trial: Trial, case: Case) -> None:
    """The order along the axis does not matter."""
    array, dim = case.arrays["input"], case.options.get("dim", -3)
    assert array is not None
    if case.regime != "special":
        turned = case.but(input=np.flip(array, dim).copy())
        agree(trial, case, turned, "reversing the axis does not reverse the result", lambda output: np.flip(output, dim))


def functional(name: str) -> Callable[..., Any]:
    """The function of torch.nn.functional, with its dtype."""
    return lambda input, *, dim, dtype: getattr(torch.nn.functional, name)(input, dim, dtype=getattr(torch, dtype))


def casts_first(name: str) -> Law:
    """With a dtype, the result is that of the input cast to it, and the gradient is cast back."""

    def check(trial: Trial, case: Case) -> None:
        wanted = FLOATS[case.seed % len(FLOATS)]
        array, own = case.arrays["input"], DTYPES[case.dtype]
        operation = replace(trial.operation, name=f"torch.nn.functional.{name}", call=functional(name))
        lacks = getattr(trial.backend, "lacks", lambda operation, dtype: None)
        if lacks(operation, case.dtype) or lacks(operation, wanted):
            return
        assert array is not None
        if case.regime == "integers" and case.seed % 2:
            array = array.astype(np.int64)
        with np.errstate(all="ignore"):
            other = replace(case, arrays={"input": array.astype(DTYPES[wanted])}, dtype=wanted)
        asked = case.but(input=array).with_options(dtype=wanted)
        assert_accepted(trial.backend.run(operation, asked), expected(trial.operation, other, trial.backend))
        if array.dtype == own and hasattr(trial.backend, "pullback"):
            dy = more_data(other).array("cotangent", *array.shape)
            found = trial.backend.pullback(operation, asked, dy)["input"]
            if found.dtype != own:
                raise Disagreement(f"the gradient with dtype={wanted} is of {found.dtype.name}, it must be of {own.name}")
            assert_cast(found, expected_gradient(trial.operation, other, trial.backend, dy))

    return Law("with a dtype, the input is cast first", check)


def assert_cast(found: np.ndarray, expectation: Expectation) -> None:
    """Raise Disagreement unless every number is an accepted one, cast to another format: rounding is monotone."""
    right = np.zeros(found.shape, bool)
    with np.errstate(all="ignore"):
        for sets in (expectation.first, *expectation.further()):
            low, high = (np.asarray(limit).astype(found.dtype) for limit in sets["input"].limits())
            number = found.astype(float)
            undefined = np.isnan(number) & sets["input"].accepts(np.full(found.shape, np.nan))
            right |= (low.astype(float) <= number) & (number <= high.astype(float)) | undefined | sets["input"].free
    if not right.all():
        index = tuple(int(i) for i in np.argwhere(~right)[0])
        raise Disagreement(f"the gradient through a cast is {float(found[index])!r} at {list(index)}", result="input", index=index)


SHIFT = Law("adding one number to all changes nothing", shifted_by_a_number)
ORDER = Law("reversing the axis reverses the result", reversed_along_the_axis)


def along_an_axis(name: str, call: Callable[..., Any], oracle: Callable[..., Any], gradient: Callable[..., Any]) -> Operation:
    """One of the three that take `dim`."""
    return Operation(
        name=name,
        call=call,
        oracle=oracle,
        gradient=gradient,
        shape=same_shape,
        cases=softmax_cases,
        rejects={"dim must be one of the input's axes": dim_beyond},
        laws=(SHIFT, ORDER, casts_first(oracle.__name__)),
        dtypes=FLOATS,
        share=2.0,
    )


Softmax = along_an_axis("torch.nn.Softmax", call_softmax, softmax.softmax, softmax.softmax_gradient)
LogSoftmax = along_an_axis("torch.nn.LogSoftmax", call_log_softmax, softmax.log_softmax, softmax.log_softmax_gradient)
Softmin = along_an_axis("torch.nn.Softmin", call_softmin, softmax.softmin, softmax.softmin_gradient)

Softmax2d = Operation(
    name="torch.nn.Softmax2d",
    call=call_softmax2d,
    oracle=softmax.softmax2d,
    gradient=softmax.softmax2d_gradient,
    shape=same_shape,
    cases=softmax2d_cases,
    rejects={"the input must have three or four axes": rank_changed},
    laws=(SHIFT, ORDER),
    dtypes=FLOATS,
    share=2.0,
)

OPERATIONS = (Softmax, LogSoftmax, Softmin, Softmax2d)
