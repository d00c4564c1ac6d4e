"""The nouns that everything else is about: Operation, Case, Backend, Cost."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from oracles.costs import Cost

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from oracles.bounded import Arithmetic

Results = Mapping[str, np.ndarray]
Shape = tuple[int, ...]

FLOATS = ("float64", "float32", "float16", "bfloat16")


class Library:
    """A library on trial, looked up by attribute whenever it is used.

    It may be missing, patched or instrumented: nothing of it is bound at import.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(importlib.import_module(self._name), attribute)


class NotAsked(Exception):
    """A backend cannot be asked this case, and says why: neither a failure nor a pass, but counted with its sentence."""


torch: Any = Library("torch")
cv2: Any = Library("cv2")


@dataclass(frozen=True)
class Case:
    """The named arrays and plain options of one call.

    Arrays are NumPy arrays of the case's own dtype (bfloat16 through ml_dtypes), of integers, or None where an optional one is left out.
    `regime` and `seed` name the data, so that a property can draw more of the same kind; `layouts` says how arrays lie in memory;
    `asked` names what is asked of the case where a property asks one of several things.
    """

    arrays: Mapping[str, np.ndarray | None]
    options: Mapping[str, Any]
    dtype: str
    regime: str = "integers"
    seed: int = 0
    layouts: Mapping[str, str] = field(default_factory=dict)
    asked: str = ""

    def but(self, **changes: Any) -> Case:
        """The same case with some arrays or options replaced, by name; KeyError for a name that it does not have."""
        arrays, options = dict(self.arrays), dict(self.options)
        for name, value in changes.items():
            if name not in arrays and name not in options:
                raise KeyError(f"the case has no array or option {name!r}")
            (arrays if name in arrays else options)[name] = value
        return replace(self, arrays=arrays, options=options)

    def with_options(self, **options: Any) -> Case:
        """The same case with options added."""
        return replace(self, options={**self.options, **options})

    def asking(self, asked: str) -> Case:
        """The same case, asked for one thing."""
        return replace(self, asked=asked)

    def laid_out(self, **layouts: str) -> Case:
        """The same case with arrays laid out in memory as named."""
        return replace(self, layouts={**self.layouts, **layouts})

    def __repr__(self) -> str:
        arrays = (f"{name}={'None' if a is None else f'{a.dtype}{list(a.shape)}'}" for name, a in self.arrays.items())
        options = (f"{name}={value!r}" for name, value in self.options.items())
        layouts = (f"{name} is {layout}" for name, layout in self.layouts.items())
        asked = [f"asked for {self.asked}"] if self.asked else []
        return ", ".join([*arrays, *options, *layouts, *asked, f"{self.regime} from seed {self.seed}"])


@dataclass(frozen=True)
class Law:
    """A statement about several calls that needs no oracle.

    `check(trial, case)` calls `trial.run(case)` as often as it likes and raises Disagreement through `trial` where the law is broken.
    """

    name: str
    check: Callable[[Any, Case], None]


@dataclass(frozen=True)
class Operation:
    """A public name and two functions of one signature: the library's `call` and the mathematics' `oracle`.

    call(**arrays, **options)               library arrays in, one array or a mapping of named arrays out
    oracle(**arrays, **options)             Bounded in, accepted sets out; with `follows_subject` also observed=results
    gradient(dy, **arrays, **options)       accepted sets by input name, dy the cotangent of "output"
    shape(**shapes, **options)              the shapes of the results by name, from the arrays' shapes (None for None)
    cost(**shapes, **options)               a Cost, or the Work of `oracles.costs`
    cases(dtype)                            a Hypothesis strategy of cases
    rejects                                 {sentence: break a valid case in one way, or None where that cannot be done}
    in_place(**arrays, **options)           as `call`, writing the output over the first array
    state                                   the option that saves and loads the state before that step (None: never)
    chances(**arrays, **options)            for random operations: {event: (count, trials, probability)} from observed=results
    result_dtypes                           {result: dtype name} of results that do not have the case's dtype
    abstract                                whether the call can be inferred without data (random and data-dependent ones cannot)
    pure                                    False for operations that write over their inputs by design, as optimizers
    takes_arrays                            False for operations on plain numbers, as schedulers
    constants                               floating arrays with respect to which nothing is differentiated
    plain                                   arrays that the oracle takes as they are: indices, masks, structuring elements
    share                                   of the profile's examples, for operations that cost more or less than most
    leading                                 the dtype that stands for all where a verb needs one only (float32 or uint8 if None)
    needs                                   what must be there beside the library: "display", a screen to show windows on
    reach(case)                             a case of one image for each pixel that is 1 there, on which every path shows, and for each
                                            axis what its outputs see: a receptive field and a set, outputs × inputs
    """

    name: str
    call: Callable[..., Any]
    oracle: Callable[..., Any]
    cases: Callable[[str], SearchStrategy[Case]]
    dtypes: tuple[str, ...]
    variant: str = ""
    gradient: Callable[..., Any] | None = None
    shape: Callable[..., Mapping[str, Shape]] | None = None
    cost: Callable[..., Cost] | None = None
    module: Callable[..., Any] | None = None
    rejects: Mapping[str, Callable[[Case], Case | None]] = field(default_factory=dict)
    laws: tuple[Law, ...] = ()
    in_place: Callable[..., Any] | None = None
    state: str | None = None
    chances: Callable[..., Mapping[str, tuple[int, int, float]]] | None = None
    result_dtypes: Mapping[str, str] = field(default_factory=dict)
    constants: tuple[str, ...] = ()
    plain: tuple[str, ...] = ()
    abstract: bool = True
    takes_arrays: bool = True
    pure: bool = True
    follows_subject: bool = False
    share: float = 1.0
    leading: str | None = None
    needs: str = ""
    reach: Callable[[Case], tuple[Case, Any]] | None = None

    @property
    def id(self) -> str:
        """The part of a test id that names the operation, as `Conv2d` or `cvtColor_BGR2GRAY`."""
        short = self.name.rpartition(".")[2]
        return f"{short}_{self.variant}" if self.variant else short

    @property
    def library(self) -> str:
        """The library whose public name it is: "torch" or "cv2"."""
        return self.name.partition(".")[0]

    def __repr__(self) -> str:
        return self.id


@runtime_checkable
class Backend(Protocol):
    """A subject on trial: how it runs a call and the arithmetic that it promises.

    `library` is the library whose public names it answers to, `refusals` the exceptions by which it refuses a
    call. Optional methods, each forming more pairs where it is present:

    pullback(operation, case, dy)   gradients by input name, dy the cotangent of "output"
    abstract(operation, case)       {result: (shape, dtype name)} without computing, as on torch's meta device
    fake(operation, case)           the same in a second way, as on torch's fake tensors
    count(operation, case)          {"parameters": …, "flops": …} as the library's own counters say; a backend that counts a backward
                                    pass, of the gradients of every floating array that is not one of `constants`, gives
                                    "backward_flops" too, and may give only those that `case.asked` begins with
    abstract_count(operation, case) the same without computing; parameters may be left out
    layouts                         names of memory layouts that it honours in Case.layouts, of `conformance.layouts`
    deterministic                   False where the same call may give other bits the next time
    known_failures                  the file of its known failures, or several
    kin                             names of other backends whose known failures in those files are its own too, while the witness fails
    lacks(operation, dtype)         a reason why the pair cannot be formed, or None
    without                         {property: reason} of properties that cannot be asked of it
    narrow(operation, case)         the case with options of a smaller set, where each set costs much, as a kernel to compile
    reuse                           examples for every set of shapes and options, where each costs much
    patience                        by how much a test of it may run longer than others before it counts as a hang
    tally()                         {what: how many} since it was last asked, for the report
    untested(tally)                 a reason why calls that were counted so say nothing of the backend, or None; the test fails for it
    environment()                   {library: version, …} for the report, first the one that known failures are about
    """

    name: str
    library: str
    refusals: tuple[type[Exception], ...]

    def arithmetic(self, operation: Operation, dtype: str) -> Arithmetic:
        """The arithmetic that the backend promises for an operation on a dtype."""

    def run(self, operation: Operation, case: Case) -> Results:
        """Call the operation on the case's arrays and return NumPy arrays by name, "output" where there is one."""
