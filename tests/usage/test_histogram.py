from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from llmadmin.usage.histogram import Histogram, add, merge, merge_text, percentile, percentiles, to_json

times = st.lists(st.floats(min_value=0.01, max_value=10_000_000), min_size=1, max_size=200)


def histogram_of(values: list[float]) -> Histogram:
    histogram: Histogram = {}
    for value in values:
        add(histogram, value)
    return histogram


@given(times, st.floats(min_value=0, max_value=1))
def test_a_percentile_is_off_by_less_than_two_percent(values, share):
    exact = sorted(values)[max(0, math.ceil(share * len(values)) - 1)]

    found = percentile(histogram_of(values), share)

    assert found is not None
    assert abs(found - exact) <= 0.02 * exact + 0.001


@given(times, times)
def test_merged_histograms_are_the_histogram_of_all(first, second):
    merged = histogram_of(first)
    merge(merged, histogram_of(second))
    import json

    through_text = histogram_of(first)
    merge_text(through_text, json.dumps(to_json(histogram_of(second))))

    assert merged == through_text == histogram_of([*first, *second])


def test_times_that_nobody_measured_are_left_out():
    histogram = histogram_of([0.0, 0.0])
    add(histogram, None)

    assert histogram == {}
    assert percentiles(histogram) == [None, None, None]
