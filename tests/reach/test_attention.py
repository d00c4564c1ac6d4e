"""The strategies of attention reach the inputs that reported bugs needed."""

import hypothesis
import numpy as np
import pytest
from hypothesis import Phase

from conformance.operations.attention import ScaledDotProductAttention
from conformance.operations.multihead_attention import MultiheadAttention


class Found(Exception):
    """A case that is wanted."""


def reaches(operation, wanted):
    """The first drawn case that is wanted; fails if three thousand draws have none."""

    @hypothesis.seed(3)
    @hypothesis.settings(max_examples=3000, database=None, deadline=None, phases=(Phase.generate,), report_multiple_bugs=False)
    @hypothesis.given(operation.cases("float32"))
    def look(case):
        if wanted(**case.arrays, **case.options):
            raise Found(case)

    with pytest.raises(Found) as found:
        look()
    return found.value.args[0]


def hidden_rows(mask):
    """Whether a row of a mask, which may be of either form, hides every key."""
    hidden = ~mask if mask.dtype == bool else mask == -np.inf
    return hidden.size > 0 and hidden.all(axis=-1).any()


@pytest.mark.parametrize("kind", ["bool", "float32"])
@pytest.mark.parametrize("axes", [2, 3, 4])
def test_a_row_that_hides_every_key(kind, axes):
    """pytorch#103963, of masks in both forms and of several ranks."""
    reaches(
        ScaledDotProductAttention,
        lambda attn_mask, **_: attn_mask is not None and attn_mask.dtype == kind and attn_mask.ndim == axes and hidden_rows(attn_mask),
    )


def test_queries_that_are_not_numbers():
    """pytorch#141128: zeros for NaN queries."""
    reaches(ScaledDotProductAttention, lambda query, key, **_: query.ndim == 4 and key.size > 0 and np.isnan(query).all(axis=-1).any())


@pytest.mark.parametrize("scale", [0.0, -1.0])
def test_a_causal_scale_that_is_not_positive(scale):
    reaches(ScaledDotProductAttention, lambda key, is_causal, **o: is_causal and o["scale"] == scale and key.shape[-2] > 1)


def test_grouped_queries_under_a_mask():
    reaches(
        ScaledDotProductAttention,
        lambda query, key, enable_gqa, attn_mask, **_: enable_gqa and attn_mask is not None and query.shape[-3] > key.shape[-3] > 1,
    )


@pytest.mark.parametrize("need_weights", [False, True])
@pytest.mark.parametrize("training", [False, True])
def test_a_batch_entry_of_padding_only(need_weights, training):
    """pytorch PR 190486: NaN or numbers, by the path that is taken."""

    def wanted(key_padding_mask, batch_first, **options):
        chosen = options["need_weights"] == need_weights and options["training"] == training
        padding = key_padding_mask
        return chosen and batch_first and padding is not None and padding.dtype == bool and padding.ndim == 2 and padding.all(axis=-1).any()

    reaches(MultiheadAttention, wanted)


def test_a_mask_of_numbers_in_evaluation():
    """pytorch#107084: a float mask was taken for a boolean one on the fast path."""

    def wanted(attn_mask, key, batch_first, training, num_heads, **_):
        numbers = attn_mask is not None and attn_mask.dtype == np.float32 and np.any(np.isfinite(attn_mask) & (attn_mask != 0))
        return numbers and key is None and batch_first and not training and num_heads % 2 == 0

    reaches(MultiheadAttention, wanted)
