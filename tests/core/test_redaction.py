from decimal import Decimal

from llmadmin.core.redaction import hide, redact_deep, redact_text


def test_what_was_hidden_is_removed_whole_also_where_one_secret_begins_with_another():
    hide("correct horse")
    hide("correct horse battery")

    text = redact_text("first correct horse battery, then correct horse.")

    assert text == "first [redacted], then [redacted]."


def test_very_short_texts_are_not_hidden_since_they_would_eat_words():
    hide("the")

    assert redact_text("on the road") == "on the road"


def test_numbers_and_flags_stay_what_they_are():
    value = {"calls": 3, "share": 0.5, "ok": True, "none": None, "usd": Decimal("1.50")}

    assert redact_deep(value) == {"calls": 3, "share": 0.5, "ok": True, "none": None, "usd": "1.50"}


def test_names_that_only_contain_a_secret_word_keep_their_values():
    value = {"api_key_count": "3 keys", "max_tokens": 5, "password_changed": "yes"}

    assert redact_deep(value) == value
