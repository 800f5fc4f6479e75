"""YAML (and JSON) text in and out: quick, and strict where YAML is lenient.

A name that stands twice, a name that is no text (`yes:`, `4:`), an alias (`*name`) that makes the document huge or endless,
and text without end are refused with the line. Needs the extra `yaml`.
"""

from __future__ import annotations

from typing import Any

from providers.fields import ConfigError

MAX_BYTES = 20 * 1024 * 1024
MAX_VALUES = 500_000
MAX_DEPTH = 50
_MERGE = "tag:yaml.org,2002:merge"
_STRING = "tag:yaml.org,2002:str"
_MEANT = {"bool": "a yes or no", "int": "a number", "float": "a number", "null": "nothing", "timestamp": "a day"}


def parse(text: str, *, name: str = "text") -> Any:
    """What `text` says, in Python's own types. Raises `ConfigError` under `name`."""
    yaml = _yaml()
    if len(text) > MAX_BYTES:
        raise ConfigError({name: f"Is longer than {MAX_BYTES // 1024 // 1024} MB. Split it, or check the file."})
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        _check_depth(loader(text), name)
        reader = loader(text)
        try:
            root = reader.get_single_node()
            if root is None:
                return None
            _Measure(name).take(root)
            return reader.construct_document(root)
        finally:
            reader.dispose()
    except yaml.YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)
        line = f" in line {mark.line + 1}" if mark else ""
        what = getattr(problem, "problem", None) or getattr(problem, "context", None) or problem
        raise ConfigError({name: f"Is no valid YAML{line}: {what}."}) from None
    except (ValueError, OverflowError) as problem:
        if isinstance(problem, ConfigError):
            raise
        raise ConfigError({name: f"Holds a value that can't be read: {problem}."}) from None


def write(value: Any) -> str:
    """`value` as YAML text that `parse` reads back to the same."""
    yaml = _yaml()
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    text: str = yaml.dump(value, Dumper=dumper, sort_keys=False, allow_unicode=True, width=120)
    # Some characters that are written plainly (U+0085) are read as line breaks; escaped they survive.
    if yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)) == value:
        return text
    return str(yaml.dump(value, Dumper=yaml.SafeDumper, sort_keys=False, width=120))


def _check_depth(reader: Any, name: str) -> None:
    """Before nodes are made: making them recurses in C, where a million brackets end the process."""
    depth = 0
    try:
        while (event := reader.get_event()) is not None:
            kind = type(event).__name__
            depth += kind.endswith("StartEvent") - kind.endswith("EndEvent")
            if depth > MAX_DEPTH + 2:
                raise ConfigError({name: f"Line {event.start_mark.line + 1} is nested more than {MAX_DEPTH} deep."})
    finally:
        reader.dispose()


class _Measure:
    """Walks a document's nodes: how many values they stand for with aliases written out, and whether its names are good."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._known: dict[int, int] = {}

    def take(self, node: Any) -> int:
        known = self._known.get(id(node))
        if known == 0:
            raise self._refusal(node, "holds itself through one of its aliases (*name). Write it out.")
        if known is not None:
            return known
        self._known[id(node)] = 0
        total = 1 + sum(self.take(part) for part in self._parts(node))
        if total > MAX_VALUES:
            raise self._refusal(node, f"holds more than {MAX_VALUES} values once its aliases (*name) are written out.")
        self._known[id(node)] = total
        return total

    def _parts(self, node: Any) -> list[Any]:
        if node.id == "sequence":
            return list(node.value)
        if node.id != "mapping":
            return []
        self._check_names(node)
        return [value for _, value in node.value]

    def _check_names(self, node: Any) -> None:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.id != "scalar":
                raise self._refusal(key, "has a list or a mapping for a name. Names are text.")
            if key.tag == _MERGE:
                continue
            if key.tag != _STRING:
                meant = _MEANT.get(key.tag.rpartition(":")[2], "no text")
                raise self._refusal(
                    key, f"has the name {key.value or '~'}, which is {meant} in YAML. Put it in quotes."
                )
            if key.value in seen:
                raise self._refusal(key, f"has the name '{key.value}' a second time in one mapping. Keep one of them.")
            seen.add(key.value)

    def _refusal(self, node: Any, sentence: str) -> ConfigError:
        return ConfigError({self._name: f"Line {node.start_mark.line + 1} {sentence}"})


def _yaml() -> Any:
    try:
        import yaml
    except ImportError:
        raise ImportError("Reading YAML needs PyYAML. Install the extra 'yaml'.") from None
    return yaml
