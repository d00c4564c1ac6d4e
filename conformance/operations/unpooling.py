"""Maxima put back to where they came from."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from hypothesis import strategies as st

from conformance.judgement import Trial
from conformance.model import FLOATS, Case, Law, Operation, Shape, torch
from conformance.operations.laws import assert_same
from conformance.operations.pooling import MAX_POOLS
from conformance.operations.sliding import FLAGS, LARGE, Slides, image, nothing, planes, pooling_data, slides, speckled, whole, written
from conformance.strategies import Data
from oracles.pools import sliding
from oracles.unpooling import max_unpool, max_unpool_gradient, unpooled_sides
from oracles.windows import of_rank, spread

# The calls: the module's forward.


def max_unpool1d(x: Any, indices: Any, output_size: Any, **options: Any) -> Any:
    return torch.nn.MaxUnpool1d(**options)(x, indices, output_size=output_size)


def max_unpool2d(x: Any, indices: Any, output_size: Any, **options: Any) -> Any:
    return torch.nn.MaxUnpool2d(**options)(x, indices, output_size=output_size)


def max_unpool3d(x: Any, indices: Any, output_size: Any, **options: Any) -> Any:
    return torch.nn.MaxUnpool3d(**options)(x, indices, output_size=output_size)


def shape(rank: int) -> Callable[..., Mapping[str, Shape]]:
    """(L − 1)·stride − 2·padding + kernel_size along every axis, or output_size."""

    def shape(x: Shape, indices: Shape, *, output_size: Any, **options: Any) -> Mapping[str, Shape]:
        return {"output": (*x[:-rank], *unpooled_sides(x[-rank:], output_size=output_size, **options))}

    return shape


# The cases.


def from_pooling(data: Data, batch: Shape, found: Slides) -> tuple[np.ndarray, np.ndarray, Shape]:
    """The maxima of an image, where they are, and the image's sides: windows that overlap may report a cell twice."""
    cells = data.array("image", *batch, *found.sides)
    pools = sliding(cells.shape, found.kernel, found.stride, found.padding, 1, False, len(found.sides))
    order = data.rng("order").integers(0, 5, pools.flat)
    first = np.argmax(np.where(pools.inside, order[:, pools.places], -1), axis=-1)
    at = np.take_along_axis(np.broadcast_to(pools.places, (pools.flat[0], *pools.places.shape)), first[..., None], axis=-1)[..., 0]
    x = np.take_along_axis(cells.reshape(pools.flat), at, axis=1)
    return x.reshape(pools.output), at.reshape(pools.output), found.sides


def from_anywhere(draw: st.DrawFn, data: Data, batch: Shape, found: Slides) -> tuple[np.ndarray, np.ndarray, Shape] | None:
    """Values that go to any cells, each to its own, and the new sides; None where there is no room."""
    options = {"kernel_size": found.kernel, "stride": found.stride, "padding": found.padding, "output_size": None}
    usual, steps = unpooled_sides(found.sides, **options), found.stride or found.kernel
    new = tuple(max(1, side + draw(st.integers(1 - step, step - 1))) for side, step in zip(usual, steps, strict=True))
    if min(usual) < 1 or math.prod(found.sides) > math.prod(new):
        return None
    rng = data.rng("indices")
    rows = [rng.permutation(math.prod(new))[: math.prod(found.sides)] for _ in range(math.prod(batch))]
    at = np.array(rows, np.int64).reshape(*batch, *found.sides)
    return speckled(data, *batch, *found.sides), at, new


def cases(rank: int) -> Callable[[str], st.SearchStrategy[Case]]:
    """Strategies of cases by dtype: what max pooling reports, or cells drawn at random; output_size where it must be, or is, given."""

    @st.composite
    def drawn(draw: st.DrawFn, dtype: str) -> Case:
        data, large = draw(pooling_data(dtype)), draw(LARGE)
        found = slides(draw, rank, "" if rank == 3 else large, dilated=False)
        least = zip(found.sides, found.kernel, found.padding, strict=True)  # without ceil_mode no window hangs over
        found = Slides(found.kernel, found.stride, found.padding, (1,) * rank, False, tuple(max(n, k - 2 * p) for n, k, p in least))
        batch = planes(draw, large, rank)
        other = from_anywhere(draw, data, batch, found) if draw(FLAGS) else None
        x, indices, new = other or from_pooling(data, batch, found)
        options = {"kernel_size": found.kernel, "stride": found.stride, "padding": found.padding}
        output_size: Any = new
        if unpooled_sides(x.shape[-rank:], output_size=None, **options) == new and draw(FLAGS):
            output_size = None
        elif len(batch) == 2 and draw(FLAGS):
            output_size = (*batch, *new)
        return data.case(
            {"x": x, "indices": indices},
            kernel_size=written(draw, found.kernel, tuples_of_one=False),
            stride=None if found.stride is None else written(draw, found.stride, tuples_of_one=False),
            padding=written(draw, found.padding, tuples_of_one=False),
            output_size=output_size,
        )

    return drawn


# What must be refused.


def indices_of(case: Case) -> np.ndarray:
    """Where the values go."""
    indices = case.arrays["indices"]
    assert indices is not None
    return indices


def with_one_index(index: Callable[[Case], int]) -> Callable[[Case], Case | None]:
    """The last value goes to a cell of one's own choice."""

    def broken(case: Case) -> Case | None:
        indices = indices_of(case).copy()
        if not indices.size:
            return None
        indices.reshape(-1)[-1] = index(case)
        return case.but(indices=indices)

    return broken


def cells_of(case: Case, rank: int) -> int:
    """How many cells a plane of the result has."""
    return math.prod(unpooled_sides(image(case).shape[-rank:], **case.options))


def too_large(case: Case, rank: int) -> Case:
    """A whole stride more than the usual size."""
    options = {**case.options, "output_size": None}
    usual = unpooled_sides(image(case).shape[-rank:], **options)
    steps = options["kernel_size"] if options["stride"] is None else options["stride"]
    return case.but(output_size=tuple(side + step for side, step in zip(usual, spread(steps, rank), strict=True)))


def rejects(rank: int) -> Mapping[str, Callable[[Case], Case | None]]:
    """Every documented constraint."""
    return {
        "indices must lie in the plane: not behind it": with_one_index(lambda case: cells_of(case, rank)),
        "indices must lie in the plane: not before it": with_one_index(lambda case: -1),
        "indices must have the shape of x": lambda case: case.but(indices=np.repeat(indices_of(case), 2, axis=-1)),
        "indices must be of int64": lambda case: case.but(indices=indices_of(case).astype(np.int32)),
        "output_size must be less than a stride from the usual size": lambda case: too_large(case, rank),
        "output_size must have a side for every axis": lambda case: case.but(output_size=(4,) * (rank + 1)),
        "x must have a batch axis at most": lambda case: case.but(
            x=image(case)[(None,) * (rank + 3 - image(case).ndim)], indices=indices_of(case)[(None,) * (rank + 3 - image(case).ndim)]
        ),
    }


# The laws.


def is_undone_by_pooling(rank: int) -> Law:
    """Pooling, unpooling and pooling again is pooling, of positive images."""

    def check(trial: Trial, case: Case) -> None:
        cells, pool = whole(case) + np.asarray(10, image(case).dtype), Trial(MAX_POOLS[rank], trial.backend)
        options = {name: case.options[name] for name in ("kernel_size", "stride", "padding")}
        kernel, padding = spread(options["kernel_size"], rank), spread(options["padding"], rank)
        if any(side + 2 * p < k for side, k, p in zip(cells.shape[-rank:], kernel, padding, strict=True)):
            return
        others = {"dilation": 1, "ceil_mode": False, "return_indices": True}
        once = pool.run(Case({"x": cells}, {**options, **others}, case.dtype))
        back = trial.run(case.but(x=once["output"], indices=once["indices"], output_size=cells.shape[-rank:]))["output"]
        assert_same(np.where(back == 0, cells, back), cells, "what comes back is not the image")
        again = pool.run(Case({"x": back}, {**options, **others}, case.dtype))
        assert_same(again["output"], once["output"], "pooling what was unpooled is not what was pooled")
        assert_same(again["indices"], once["indices"], "pooling what was unpooled does not find the same cells")

    return Law("unpooling is undone by pooling", check)


def operation(rank: int, call: Callable[..., Any], share: float = 1.0) -> Operation:
    """The partial inverse of max pooling of signals, images or volumes."""
    return Operation(
        name=f"torch.nn.MaxUnpool{rank}d",
        call=call,
        oracle=of_rank(max_unpool, rank),
        gradient=of_rank(max_unpool_gradient, rank),
        shape=shape(rank),
        cost=nothing,
        cases=cases(rank),
        rejects=rejects(rank),
        laws=(is_undone_by_pooling(rank),),
        dtypes=FLOATS,
        share=share,
    )


OPERATIONS = (operation(1, max_unpool1d), operation(2, max_unpool2d), operation(3, max_unpool3d, share=0.6))
