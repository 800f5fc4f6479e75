"""Known answers of the three tests, and that they cry wolf as seldom as they say."""

from __future__ import annotations

import random
from math import comb

import pytest

from llmadmin.impact.noise import chance_of_means, chance_of_shares, chance_of_times


@pytest.mark.parametrize(
    ("table", "chance"),
    [
        ((1, 12, 9, 12), 0.002759),  # the example of Wikipedia's page on Fisher's exact test
        ((0, 5, 0, 500), 1.0),
        ((5, 50, 50, 500), 1.0),
        ((0, 0, 5, 10), 1.0),
    ],
    ids=["known", "nothing failed", "same share", "no calls"],
)
def test_shares_are_judged_as_fisher_would(table, chance):
    assert chance_of_shares(*table) == pytest.approx(chance, abs=1e-6)


@pytest.mark.parametrize("table", [(3, 40, 9, 800), (7, 30, 2, 90), (0, 25, 40, 60), (12, 12, 0, 9)])
def test_shares_are_judged_as_counting_every_table_would(table):
    hits, total, other_hits, other_total = table
    all_hits = hits + other_hits

    def ways(count: int) -> int:
        return comb(total, count) * comb(other_total, all_hits - count)

    tables = [ways(count) for count in range(all_hits + 1) if count <= total and all_hits - count <= other_total]
    exact = sum(one for one in tables if one <= ways(hits)) / comb(total + other_total, all_hits)
    assert chance_of_shares(*table) == pytest.approx(exact, rel=1e-6)


def test_times_are_judged_by_their_ranks():
    steady = [float(n) for n in range(100, 200)]

    assert chance_of_times(steady, steady) == 1.0
    assert chance_of_times(steady, [n + 40 for n in steady]) < 0.001
    assert chance_of_times([1.0] * 50, [1.0] * 50) == 1.0
    assert chance_of_times([], steady) == 1.0
    # One call that took an hour does not make a side slow.
    assert chance_of_times(steady, [*steady[:-1], 3_600_000.0]) > 0.9


def test_means_are_judged_by_what_is_paid():
    cheap, dear = [0.01, 0.012] * 50, [0.02, 0.022] * 50

    assert chance_of_means(cheap, dear) < 0.001
    assert chance_of_means(cheap, cheap) == 1.0
    assert chance_of_means([0.01] * 40, [0.02] * 40) == 0.0
    assert chance_of_means([0.01], dear) == 1.0


@pytest.mark.parametrize("judge", ["shares", "times", "means"])
def test_equal_sides_are_told_apart_no_more_often_than_was_said(judge):
    rng = random.Random(20)

    def chance() -> float:
        ours, theirs = ([rng.lognormvariate(6, 1) for _ in range(size)] for size in (60, 300))
        if judge == "times":
            return chance_of_times(ours, theirs)
        if judge == "means":
            return chance_of_means(ours, theirs)
        hits, others = (sum(value > 1500 for value in side) for side in (ours, theirs))
        return chance_of_shares(hits, 60, others, 300)

    found = [chance() for _ in range(600)]

    assert sum(one < 0.05 for one in found) < 600 * 0.09
