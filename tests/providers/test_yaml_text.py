"""YAML as we read it: quick, and strict where YAML is lenient."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from providers import yaml_text
from providers.config import ConfigError, LLMConfig
from providers.sources import parse_yaml

LAUGHS = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        pytest.param("a: 1\nb: {c: 1, c: 2}", "Line 2 has the name 'c' a second time", id="a name that stands twice"),
        pytest.param("models: []\nmodels: []", "Line 2 has the name 'models' a second time", id="a section twice"),
        pytest.param("aliases:\n  yes: openai/gpt", "Line 2 has the name yes, which is a yes or no", id="yes"),
        pytest.param("aliases: {4: x}", "has the name 4, which is a number in YAML. Put it in quotes", id="a number"),
        pytest.param("~: x", "has the name ~, which is nothing", id="nothing"),
        pytest.param("? [a]\n: x", "has a list or a mapping for a name", id="a list as a name"),
        pytest.param(LAUGHS, "holds more than 500000 values", id="a billion laughs"),
        pytest.param("a: &a [*a]", "holds itself", id="an endless document"),
        pytest.param("[" * 60 + "]" * 60, "nested more than 50 deep", id="too deep"),
        pytest.param("[" * 1_000_000, "nested more than 50 deep", id="far too deep"),
        pytest.param("{a: " * 1_000_000, "nested more than 50 deep", id="far too deep in mappings"),
        pytest.param("- " * 1_000_000, "nested more than 50 deep", id="far too deep in a block"),
        pytest.param("a: [", "Is no valid YAML in line", id="cut short"),
        pytest.param("a: !!python/object/apply:os.system [ls]", "Is no valid YAML in line 1", id="a tag that acts"),
        pytest.param("a: 2026-99-99", "Holds a value that can't be read", id="a day that is none"),
        pytest.param("#" * (yaml_text.MAX_BYTES + 1), "longer than 20 MB", id="too long"),
    ],
)
def test_what_yaml_lets_pass_is_refused_with_its_line(text: str, sentence: str) -> None:
    with pytest.raises(ConfigError) as refused:
        yaml_text.parse(text, name="text")

    assert sentence in refused.value.fields["text"]


def test_anchors_and_merges_of_ordinary_files_are_read() -> None:
    found = yaml_text.parse(
        "base: &base {a: 1}\none: {<<: *base, b: 2}\ntwo: {<<: [*base], <<: *base}\nday: 2026-01-31"
    )

    assert found["one"] == {"a": 1, "b": 2}
    assert found["day"] == date(2026, 1, 31)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param({"z": 1, "a": [1.5, "0.40", None, True, "yes", "~"]}, id="order and look-alikes"),
        pytest.param({"text": "line\u0085break\u2028here: #no comment"}, id="odd line breaks"),
        pytest.param({"日本": "émoji 🙂", "quote": 'it\'s "so"'}, id="other scripts"),
    ],
)
def test_what_is_written_is_read_back_to_the_letter(value: Any) -> None:
    text = yaml_text.write(value)

    assert yaml_text.parse(text) == value
    assert list(yaml_text.parse(text)) == list(value)


def test_text_that_looks_like_a_path_opens_no_file(tmp_path) -> None:
    file = tmp_path / "secret.yaml"
    file.write_text("providers: {lab: {kind: local}}")

    with pytest.raises(ConfigError, match="Must be a mapping"):
        parse_yaml(str(file))
    assert LLMConfig.from_yaml(str(file)).providers.keys() == {"lab"}
