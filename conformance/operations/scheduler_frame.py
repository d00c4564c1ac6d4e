"""What all schedulers share: an optimizer of some groups, many steps, and a restart on the way."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from conformance.model import Case, torch

# The call.


def optimizer_of(lr: Any, lr_as: Any, optimizer: Any = "SGD") -> Any:
    """An optimizer with a group for every rate: numbers, tensors of one element, or one such tensor that is shared by all groups."""
    formats = {"number": float, "float64": torch.float64, "float32": torch.float32, "shared": torch.float64}
    rates = list(lr) if lr_as == "number" else [torch.tensor(rate, dtype=formats[lr_as]) for rate in lr]
    own = [{} if lr_as == "shared" else {"lr": rate} for rate in rates]
    groups = [{"params": [torch.nn.Parameter(torch.zeros(1))], **rate} for rate in own]
    return getattr(torch.optim, optimizer)(groups, lr=rates[0], **({"momentum": 0.9} if optimizer == "SGD" else {}))


def function_of(values: Any, saved: Any, blank: Any) -> Any:
    """A function given as a table: entry t mod length at t; with `saved` an object that keeps the table (blank: not yet loaded)."""
    if not saved:
        return lambda t: values[int(t) % len(values)]

    class Table:
        def __call__(self, t: Any) -> Any:
            return self.values[int(t) % len(self.values)]  # type: ignore[attr-defined]

    table = Table()
    table.values = (1.0,) if blank else values  # type: ignore[attr-defined]
    return table


def scheduler_of(optimizer: Any, name: Any, last_epoch: Any = -1, blank: Any = False, saved: Any = False, **options: Any) -> Any:
    """A scheduler by its name, with those that it is made of; tuples become lists, tables functions."""
    own = {key: list(value) if isinstance(value, tuple) else value for key, value in options.items()}
    if "schedulers" in own:
        inner = last_epoch if name == "ChainedScheduler" else -1
        own["schedulers"] = [scheduler_of(optimizer, child, inner, blank, **settings) for child, settings in own["schedulers"]]
    if "lr_lambda" in own:
        functions = [function_of(values, saved, blank) for values in options["lr_lambda"]]
        own["lr_lambda"] = functions if len(functions) > 1 else functions[0]
    if own.get("scale_fn") is not None:
        own["scale_fn"] = function_of(options["scale_fn"], saved, blank)
    if name not in ("ChainedScheduler", "ReduceLROnPlateau"):
        own["last_epoch"] = last_epoch
    kind = getattr(torch.optim.swa_utils if name == "SWALR" else torch.optim.lr_scheduler, name)
    return kind(optimizer=optimizer, **own)


def run(
    name: Any, lr: Any, lr_as: Any, steps: Any, resume_at: Any, resume_by: Any, given: Any = None, optimizer: Any = "SGD", **options: Any
) -> Any:
    """The rates (and momenta, if they are cycled) before each step, and those that the scheduler says it has set.

    `given` are what step() takes: epochs or metrics. Before step `resume_at` all is saved and built anew, by the scheduler's state_dict or
    by last_epoch.
    """
    subject = optimizer_of(lr, lr_as, optimizer)
    scheduler = scheduler_of(subject, name, **options)
    subject.step()
    rates, said, momenta = [], [], []
    for t in range(steps):
        if t and (given is None or given[t - 1] is None):
            scheduler.step()
        elif t:
            scheduler.step(given[t - 1])
        if t == resume_at:
            states, subject = (subject.state_dict(), scheduler.state_dict()), optimizer_of(lr, lr_as, optimizer)
            if resume_by == "state_dict":
                scheduler = scheduler_of(subject, name, blank=True, **options)
                subject.load_state_dict(states[0])
                scheduler.load_state_dict(states[1])
            else:
                if resume_by == "last_epoch":  # "nothing": the rates of the run before are lost
                    subject.load_state_dict(states[0])
                scheduler = scheduler_of(subject, name, t - 1, **options)
            subject.step()
        rates.append([float(group["lr"]) for group in subject.param_groups])
        said.append([float(rate) for rate in scheduler.get_last_lr()])
        momenta.append([group["betas"][0] if "betas" in group else group["momentum"] for group in subject.param_groups])
        for rate in scheduler.get_last_lr():
            if torch.is_tensor(rate):
                rate.fill_(77.0)  # a copy, which changes nothing
    results = {"lr": torch.tensor(rates, dtype=torch.float64), "last_lr": torch.tensor(said, dtype=torch.float64)}
    return {**results, "momentum": torch.tensor(momenta, dtype=torch.float64)} if options.get("cycle_momentum") else results


def shape(*, lr: Any, steps: int, cycle_momentum: bool = False, **options: Any) -> dict[str, tuple[int, ...]]:
    """A rate for every step and group."""
    return dict.fromkeys(("lr", "last_lr", "momentum")[: 2 + cycle_momentum], (steps, len(lr)))


DTYPES = {"lr": "float64", "last_lr": "float64", "momentum": "float64"}


def without_the_rates(case: Case) -> Case:
    """A scheduler begun again from last_epoch on an optimizer that has no initial_lr."""
    return case.but(steps=max(2, case.options["steps"]), resume_at=1, resume_by="nothing")


NEEDS_RATES = {"last_epoch needs the initial_lr of the run before": without_the_rates}

# The cases.

RATES = st.sampled_from((1.0, 0.1, 0.5, 0.05, 0.3, 1e-5, 0.0, 7.0))
STEPS = st.one_of(
    st.integers(1, 12), st.integers(1, 12), st.integers(1, 12), st.integers(1, 12), st.integers(1, 40), st.sampled_from((60, 300))
)
TENSORS = st.sampled_from(("number", "number", "number", "float64", "float32"))
FACTORS = st.sampled_from((0.5, 0.1, 0.9, 0.99, 1.0, 0.0, 1.01, 1 / 3))


@st.composite
def frame(draw: st.DrawFn, by: tuple[str, ...] = ("state_dict", "last_epoch"), events: tuple[int, ...] = ()) -> dict[str, Any]:
    """One to three groups, up to hundreds of steps, and perhaps a restart: anywhere, or exactly at one of the `events`."""
    steps = draw(STEPS)
    within = [event for event in events if event < steps]
    resume_at = draw(st.one_of(st.none(), st.integers(0, steps - 1), *([st.sampled_from(within)] if within else [])))
    return {
        "lr": tuple(draw(RATES) for _ in range(draw(st.integers(1, 3)))),
        "lr_as": draw(TENSORS),
        "steps": steps,
        "resume_at": resume_at,
        "resume_by": draw(st.sampled_from(by if resume_at else by[:1])),  # at step 0 there is no last epoch
    }


def a_case(dtype: str, **options: Any) -> Case:
    """A case: schedulers take numbers, not arrays."""
    return Case({}, options, dtype, regime="rates")


def tables(groups: int) -> st.SearchStrategy[Any]:
    """Functions as tables of factors: one for all groups, or one for each."""
    one = st.lists(FACTORS, min_size=1, max_size=4).map(tuple)
    return st.one_of(st.tuples(one), st.tuples(*[one] * groups))


def told_the_epoch(draw: st.DrawFn, steps: int) -> Any:
    """Whether step() is told the number of the epoch: then the closed form is used."""
    return tuple(range(1, steps)) if draw(st.integers(0, 3)) == 3 else None


def limits(draw: st.DrawFn, values: st.SearchStrategy[float], groups: int) -> Any:
    """A number for all groups, or one for each."""
    return tuple(draw(values) for _ in range(groups)) if draw(st.booleans()) else draw(values)
