"""One entry of a config, read field by field: what is wrong is said in a sentence, under its path, and all of it at once."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

import pytest

from providers.fields import ConfigError, Fields, Problems, first_repeated, name_of


class Kind(Enum):
    LAB = "lab"


@pytest.fixture
def problems() -> Problems:
    return Problems()


@pytest.mark.parametrize(
    ("read", "value", "sentence"),
    [
        pytest.param(lambda f: f.text("x"), ["a"], "Must be text, not a list.", id="text"),
        pytest.param(lambda f: f.text("x"), True, "Must be text, not a yes or no.", id="text as a flag"),
        pytest.param(lambda f: f.required("x"), None, "Is missing; every entry here needs 'x'.", id="required"),
        pytest.param(lambda f: f.required("x"), {}, "Must be text, not a mapping.", id="required of another kind"),
        pytest.param(lambda f: f.number("x"), "soon", "Must be a number, not 'soon'.", id="number"),
        pytest.param(lambda f: f.number("x"), True, "Must be a number, not True.", id="number as a flag"),
        pytest.param(lambda f: f.number("x"), [1], "Must be a number, not a list.", id="number as a list"),
        pytest.param(lambda f: f.number("x"), float("inf"), "Must be a number, not inf.", id="endless number"),
        pytest.param(lambda f: f.number("x"), -1, "Must be 0 or more, not -1.", id="negative number"),
        pytest.param(lambda f: f.number("x", above=0), 0, "Must be above 0, not 0.", id="number above"),
        pytest.param(lambda f: f.integer("x"), 1.5, "Must be a whole number, not 1.5.", id="integer"),
        pytest.param(
            lambda f: f.money("x"), "cheap", "Must be an amount in USD such as \"0.40\", not 'cheap'.", id="money"
        ),
        pytest.param(lambda f: f.money("x"), True, 'Must be an amount in USD such as "0.40", not True.', id="money as a flag"),
        pytest.param(
            lambda f: f.money("x"), "-1", "A price can't be negative (-1); enter 0 for what is free.", id="negative money"
        ),
        pytest.param(lambda f: f.flag("x"), "yes", "Must be true or false, not 'yes'.", id="flag"),
        pytest.param(lambda f: f.day("x"), "soon", "Must be a day such as 2026-01-31, not 'soon'.", id="day"),
        pytest.param(lambda f: f.mapping("x"), [1], "Must be a mapping, not a list.", id="mapping"),
        pytest.param(lambda f: f.items("x"), "a", "Must be a list, not text.", id="list"),
        pytest.param(lambda f: f.items("x"), 1.5, "Must be a list, not a number.", id="list as a number"),
        pytest.param(lambda f: f.items("x"), {1}, "Must be a list, not set.", id="list as something else"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_a_sentence_under_its_path(problems: Problems, read: Any, value: Any, sentence: str):
    assert not read(Fields({"x": value}, "models[0]", problems=problems))

    with pytest.raises(ConfigError) as caught:
        problems.raise_if_any()
    assert caught.value.fields == {"models[0].x": sentence}


@pytest.mark.parametrize(
    ("read", "value", "expected"),
    [
        pytest.param(lambda f: f.text("x"), Kind.LAB, "lab", id="member of an enumeration"),
        pytest.param(lambda f: f.text("x"), 7, "7", id="number as text"),
        pytest.param(lambda f: f.number("x"), "2.50", 2.5, id="number as text"),
        pytest.param(lambda f: f.integer("x"), "3", 3, id="integer as text"),
        pytest.param(lambda f: f.money("x"), 0.4, Decimal("0.4"), id="money as a float"),
        pytest.param(lambda f: f.day("x"), "2026-01-31", date(2026, 1, 31), id="day as text"),
        pytest.param(lambda f: f.day("x"), date(2026, 1, 31), date(2026, 1, 31), id="day"),
        pytest.param(lambda f: f.day("x"), datetime(2026, 1, 31, 9, tzinfo=UTC), date(2026, 1, 31), id="moment of a day"),
        pytest.param(lambda f: f.flag("x"), True, True, id="flag"),
        pytest.param(lambda f: f.mapping("x"), {1: 2}, {"1": 2}, id="mapping by numbers"),
        pytest.param(lambda f: f.items("x"), ("a",), [("p.x[0]", "a")], id="items with their paths"),
    ],
)  # fmt: skip
def test_what_people_write_in_other_forms_is_read(problems: Problems, read: Any, value: Any, expected: Any):
    assert read(Fields({"x": value}, "p", problems=problems)) == expected
    assert problems.fields == {}


@pytest.mark.parametrize("read", ["text", "number", "integer", "money", "day"])
def test_what_is_left_out_is_none(problems: Problems, read: str):
    assert getattr(Fields({}, "p", problems=problems), read)("x") is None
    assert problems.fields == {}


def test_an_entry_that_is_no_mapping_is_said_once(problems: Problems):
    fields = Fields(["a"], "providers.lab", problems=problems)

    assert fields.text("kind") is None
    assert problems.fields == {"providers.lab": "Must be a mapping of fields, not a list."}


def test_nothing_at_all_is_an_empty_entry(problems: Problems):
    Fields(None, "p", problems=problems).refuse_rest()

    assert problems.fields == {}


def test_of_several_problems_at_one_path_the_first_is_kept(problems: Problems):
    problems.add("p", "First.")
    problems.add("p", "Second.")

    assert problems.fields == {"p": "First."}


def test_a_field_nobody_knows_is_refused_where_people_write_and_passed_over_in_a_document():
    strict, loose = Problems(), Problems(is_strict=False)

    Fields({"colour": 1}, "p", problems=strict).refuse_rest()
    Fields({"colour": 1}, "p", problems=loose).refuse_rest()

    assert strict.fields == {"p.colour": "Is not a field here; check its spelling."}
    assert loose.fields == {}


def test_error_classes_are_known_names_or_told(problems: Problems):
    fields = Fields({"retry_on": ["timeout", "boredom"]}, "p", problems=problems)

    fields.error_classes("retry_on")

    assert problems.fields["p.retry_on"].startswith("Unknown error class boredom; use ")
    assert fields.error_classes("fallback_on") is None


def test_a_name_is_text_or_a_member_and_the_first_repeated_one_is_found():
    assert (name_of(Kind.LAB), name_of("lab")) == ("lab", "lab")
    assert first_repeated(["a", "b", "a", "b"]) == "a"
    assert first_repeated(["a", "b"]) is None
