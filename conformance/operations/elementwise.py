"""What activations share: one number in, one number out, whatever the shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ml_dtypes
import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Disagreement, Trial, assert_accepted, expected
from conformance.model import FLOATS, Case, Law, Operation
from conformance.operations.laws import assert_same
from conformance.strategies import FLOAT_REGIMES, Data, data_of, side

Rejects = Mapping[str, Callable[[Case], Case | None]]

FAR = (20.0, 88.0, 89.0, 100.0, 104.0, 710.0, 746.0)
"""Where exponentials of some format overflow, vanish or stop to matter."""

FEW = st.integers(1, 4)
SHAPES = st.one_of(
    st.tuples(side()),
    st.tuples(side(), FEW),
    st.tuples(FEW, side()),
    st.tuples(FEW, FEW, side()),
    st.tuples(FEW, FEW, FEW, FEW),
    st.sampled_from(((), (0,), (0, 3), (3, 0), (2, 0, 2), (0, 1, 2, 2))),
)
NO_OPTIONS: st.SearchStrategy[dict[str, Any]] = st.just({})

# The cases.


def sprinkled(data: Data, x: np.ndarray, points: Sequence[float]) -> np.ndarray:
    """x with about a third of its elements at the points, of either sign, or right beside them."""
    rng, step = data.rng("points"), float(ml_dtypes.finfo(x.dtype).eps)  # type: ignore[no-untyped-call]
    at = rng.choice([sign * point for point in points for sign in (1, -1)], x.shape) * (1 + step * rng.integers(-2, 3, x.shape))
    return np.asarray(np.where(rng.random(x.shape) < 0.3, at, x.astype(float))).astype(x.dtype)


PECULIAR = st.sampled_from(("nan", "inf", "-inf", "nan", "0", "-0", "tiny", "-tiny", "huge", "-huge"))
ARRANGEMENTS = st.sampled_from(("mixed", "everywhere", "alone", "nan everywhere"))
REGIMES = (*FLOAT_REGIMES, "special")  # twice as often as the others: special values at every place of a vector


@st.composite
def arrangements(draw: st.DrawFn, data: Data, name: str, *shape: int) -> np.ndarray:
    """An array of the data's own; of special values now and then one everywhere, or one at one place among ordinary numbers.

    Vectors and what remains of them, and every place in them, are thus seen with each value.
    """
    x = data.array(name, *shape)
    arrangement = draw(ARRANGEMENTS) if data.regime == "special" and x.size else "mixed"
    if arrangement == "mixed":
        return x
    if arrangement == "nan everywhere":
        return np.full_like(x, np.nan)
    limits, value = ml_dtypes.finfo(x.dtype), draw(PECULIAR)  # type: ignore[no-untyped-call]
    sizes = {"tiny": float(limits.smallest_subnormal), "huge": float(limits.max)}
    number = float(value) if value.strip("-") not in sizes else sizes[value.strip("-")] * (-1 if value[0] == "-" else 1)
    if arrangement == "everywhere":
        return np.full_like(x, number)
    x = data.array(name, *shape, regime="normal")
    x.flat[draw(st.integers(0, x.size - 1))] = number
    return x


def cases(options: st.SearchStrategy[dict[str, Any]], points: Callable[..., Sequence[float]]) -> Callable[[str], st.SearchStrategy[Case]]:
    """Strategies of cases by dtype: data of any shape, now and then at the points that the options make special."""

    @st.composite
    def drawn(draw: st.DrawFn, dtype: str) -> Case:
        data, chosen = draw(data_of(dtype, REGIMES)), draw(options)
        x = draw(arrangements(data, "x", *draw(SHAPES)))
        at = points(**chosen) if draw(st.booleans()) else ()
        return data.case({"x": sprinkled(data, x, at) if at else x}, **chosen)

    return drawn


def one_of_each(**values: Sequence[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Options, each one of its values."""
    return st.fixed_dictionaries({name: st.sampled_from(tuple(choices)) for name, choices in values.items()})


def far(**options: Any) -> Sequence[float]:
    """Where an exponential goes over."""
    return FAR


# The operation.


def same_shape(x: Any, **options: Any) -> dict[str, Any]:
    """The output is as the input."""
    return {"output": x}


def written_over(call: Callable[..., Any]) -> Callable[..., Any]:
    """The call with the module's in-place option."""

    def in_place(**arguments: Any) -> Any:
        return call(**arguments, inplace=True)

    return in_place


def elementwise(
    name: str,
    call: Callable[..., Any],
    oracles: Any,
    *,
    options: st.SearchStrategy[dict[str, Any]] = NO_OPTIONS,
    points: Callable[..., Sequence[float]] = far,
    in_place: bool | Callable[..., Any] = True,
    laws: tuple[Law, ...] = (),
    rejects: Rejects | None = None,
    **more: Any,
) -> Operation:
    """An activation of torch.nn.

    `oracles` has a function of the call's name and its gradient; `points` gives the numbers at which the options make something happen;
    `in_place` says whether the module has that option, or is the function that does it.
    """
    return Operation(
        name=f"torch.nn.{name}",
        call=call,
        oracle=getattr(oracles, call.__name__),
        gradient=getattr(oracles, f"{call.__name__}_gradient"),
        **{"shape": same_shape, "cases": cases(options, points), "dtypes": FLOATS, "share": 2.0, **more},
        laws=laws,
        rejects=rejects or {},
        in_place=written_over(call) if in_place is True else in_place or None,
    )


def must_be_numbers(*names: str) -> Rejects:
    """Options that are documented as numbers, given as words."""
    return {f"{name} must be a number": lambda case, name=name: case.but(**{name: "large"}) for name in names}  # type: ignore[misc]


# Laws.


def the_input(case: Case) -> np.ndarray:
    """x, which every case has."""
    x = case.arrays["x"]
    assert x is not None
    return x


def turned(trial: Trial, case: Case) -> None:
    """The elements in reverse order give the output in reverse order."""
    x = the_input(case)
    backwards = np.ascontiguousarray(x.ravel()[::-1]).reshape(x.shape)
    y = trial.run(case)["output"].ravel()
    assert_same(trial.run(case.but(x=backwards))["output"].ravel()[::-1], y, "an element's place changes its result")


def twice(trial: Trial, case: Case) -> None:
    """f(f(x)) = f(x)."""
    once = trial.run(case)["output"]
    assert_same(trial.run(case.but(x=once))["output"], once, "applied twice it is not as applied once")


def doubled(trial: Trial, case: Case) -> None:
    """f(2x) = 2 f(x): doubling rounds nothing in these regimes."""
    if case.regime in ("integers", "normal", "constant", "cancelling"):
        x = the_input(case)
        assert_same(trial.run(case.but(x=x + x))["output"], 2 * trial.run(case)["output"], "f(2x) is not 2 f(x)")


def odd(trial: Trial, case: Case) -> None:
    """f(−x) = −f(x)."""
    both_add_up(0.0, sign=1)(trial, case)


def room(trial: Trial, case: Case) -> np.ndarray:
    """How far an accepted output may be from the mathematics: the width of what is accepted, in the formulation that leaves most of it,

    and the rounding of a result to the format in which it is stored.
    """
    expectation, storage = expected(trial.operation, case, trial.backend), trial.backend.arithmetic(trial.operation, case.dtype).storage
    with np.errstate(all="ignore"):
        limits = [sets["output"].limits() for sets in (expectation.first, *expectation.further())]
        widths = [high - low + storage.unit * np.maximum(np.abs(low), np.abs(high)) + storage.tiny for low, high in limits]
        return np.asarray(np.max([np.where(np.isnan(width), np.inf, width) for width in widths], axis=0))


def assert_within(actual: np.ndarray, wanted: Any, width: np.ndarray, otherwise: str) -> None:
    """Raise Disagreement, beginning with `otherwise`, at the first element that differs by more than the width."""
    with np.errstate(all="ignore"):
        wrong = ~((np.abs(actual - wanted) <= width) | (actual == wanted))
    if wrong.any():
        index = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise Disagreement(f"{otherwise}: element {list(index)} is {float(actual[index])!r}", result="output", index=index)


def both_add_up(wanted: Any, sign: int, where: Callable[..., Any] | None = None) -> Callable[[Trial, Case], None]:
    """f(x) + sign · f(−x) is a number, or x itself ("x"), within the accepted widths of both."""

    def check(trial: Trial, case: Case) -> None:
        if case.regime == "special":
            return
        x, minus = the_input(case), case.but(x=-the_input(case))
        total = trial.run(case)["output"].astype(float) + sign * trial.run(minus)["output"].astype(float)
        width = room(trial, case) + room(trial, minus)
        if where is not None:
            width = np.where(where(x.astype(float), **case.options), width, np.inf)
        assert_within(total, x.astype(float) if wanted == "x" else wanted, width, f"f(x) {'+-'[sign < 0]} f(−x) is not {wanted}")

    return check


def nowhere_above(trial: Trial, case: Case) -> None:
    """|f(x)| ≤ |x|, within the accepted widths."""
    if case.regime != "special":
        x, y = the_input(case).astype(float), trial.run(case)["output"].astype(float)
        assert_within(np.maximum(np.abs(y), np.abs(x)), np.abs(x), room(trial, case), "|f(x)| is above |x|")


def promoted(trial: Trial, case: Case) -> None:
    """Whole numbers of an integer dtype are taken as float32."""
    if case.dtype == "float32":
        kind = ("int64", "int32", "int16", "int8", "uint8")[case.seed % 5]
        whole = np.rint(np.clip(np.nan_to_num(the_input(case)), 0 if kind == "uint8" else -100, 100))
        observed = trial.run(case.but(x=whole.astype(kind)))
        assert_accepted(observed, expected(trial.operation, case.but(x=whole), trial.backend))


PLACE = Law("an element's place does not matter", turned)
TWICE = Law("applied twice it is as applied once", twice)
DOUBLED = Law("doubling the input doubles the output", doubled)
ODD = Law("f(−x) = −f(x)", odd)
ADDS_UP_TO_ONE = Law("f(x) + f(−x) = 1", both_add_up(1.0, sign=1))
ATTENUATES = Law("|f(x)| ≤ |x|", nowhere_above)
PROMOTES = Law("integers are taken as float32", promoted)
DIFFERS_BY_X = Law("f(x) − f(−x) = x", both_add_up("x", sign=-1))
