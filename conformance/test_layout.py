"""Equal values give accepted results however they lie in memory: strides, views, offsets, reversed axes, empty batches."""

from hypothesis import strategies as st

from conformance.harness import for_every_case
from conformance.judgement import Disagreement, assert_accepted, expected
from conformance.layouts import LAYOUTS
from conformance.model import Backend, Case, Operation


def has_layouts(operation: Operation, backend: Backend) -> str | None:
    """Backends that take arrays of several layouts, operations that take arrays."""
    if not operation.takes_arrays:
        return "the operation takes no arrays"
    return None if getattr(backend, "layouts", ()) else "the backend takes contiguous arrays only"


def laid_out_cases(operation: Operation, dtype: str, backend: Backend) -> st.SearchStrategy[Case]:
    """The operation's cases with a layout drawn for each array, at least one of them unusual."""

    @st.composite
    def cases(draw: st.DrawFn) -> Case:
        case = draw(operation.cases(dtype))
        layouts = {}
        for name, array in case.arrays.items():
            if array is not None and array.ndim:
                fitting = [layout for layout in backend.layouts if LAYOUTS[layout][1] <= array.ndim]  # type: ignore[attr-defined]
                layouts[name] = draw(st.sampled_from(fitting))
        return case.laid_out(**layouts)

    return cases()


@for_every_case(applies=has_layouts, cases=laid_out_cases)
def test_layout(operation: Operation, case: Case, backend: Backend) -> None:
    """The result of laid-out arrays is accepted like that of contiguous ones."""
    observed = backend.run(operation, case)
    try:
        assert_accepted(observed, expected(operation, case, backend, observed))
    except Disagreement as failure:
        layouts = ", ".join(f"{name} is {layout}" for name, layout in case.layouts.items())
        failure.args = (f"{failure} (in memory {layouts})",)
        raise
