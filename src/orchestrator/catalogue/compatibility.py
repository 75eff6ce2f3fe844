"""What a change of a schema does to those who read the events. Pure: two JSON Schemas in, findings out.

| rule | breaks | because |
|---|---|---|
| EVENT_REMOVED | readers | they wait for what never comes |
| FIELD_REMOVED | readers | they read it |
| TYPE_CHANGED | readers | 10 is not "10"; text that may now be null is not text. Narrowing (null no more) is fine |
| FIELD_OPTIONAL | readers | they count on it to be there |
| FIELD_REQUIRED | older messages | those still in a broker do not have it |
| ENUM_NARROWED | older messages | they hold the value; and readers written for it wait in vain |
| CONSTANT_CHANGED | readers | they compare with it |
| RANGE_NARROWED, PATTERN_CHANGED | older messages | what was valid is not any more |
| EXTRA_REFUSED | older messages | names that were allowed are not any more |
| CHANNEL_REMOVED, ADDRESS_CHANGED, ROUTING_KEY_CHANGED | readers | they listen elsewhere |
| KEY_CHANGED | readers | they lose the order that they had |
| CONTENT_TYPE_CHANGED | readers | they cannot decode it |

A new field that no schema requires, a new constant of an enumeration, a new event and another description are no break:
readers skip names and pass on constants that they do not know.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from orchestrator.catalogue.model import Json

_LOWER_BOUNDS: Final = ("minimum", "exclusiveMinimum", "minLength", "minItems")
_UPPER_BOUNDS: Final = ("maximum", "exclusiveMaximum", "maxLength", "maxItems")
_CHANNEL_RULES: Final = {
    "address": "ADDRESS_CHANGED",
    "x-routing-key": "ROUTING_KEY_CHANGED",
    "x-partition-key": "KEY_CHANGED",
}
_WORDING: Final = frozenset({"description", "title", "examples", "$id", "$schema"})


@dataclass(frozen=True, slots=True)
class Break:
    """One thing that a change would break."""

    event: str
    field: str
    """Path: "data.data.amount"; empty: the event itself."""
    rule: str
    detail: str

    def __str__(self) -> str:
        where = f": {self.field}" if self.field else ""
        return f"{self.event}{where}: {self.rule}: {self.detail}"


def breaks_of_events(old: Mapping[str, Json], new: Mapping[str, Json]) -> list[Break]:
    """Of all events: id → schema before and after."""
    found = []
    for event, schema in old.items():
        if event in new:
            found += breaks(event, schema, new[event])
        else:
            found.append(Break(event, "", "EVENT_REMOVED", "it was published, and is no more"))
    return found


def breaks_of_channels(old: Json, new: Json) -> list[Break]:
    """Of what two AsyncAPI documents of ours say of channels and messages."""
    found = []
    for name, before in old.get("channels", {}).items():
        after = new.get("channels", {}).get(name)
        if after is None:
            found.append(Break(f"channel {name}", "", "CHANNEL_REMOVED", "it was published to, and is no more"))
            continue
        for key, rule in _CHANNEL_RULES.items():
            if before.get(key) != after.get(key):
                found.append(Break(f"channel {name}", key, rule, f"{before.get(key)} became {after.get(key)}"))
        gone = [message for message in before.get("messages", {}) if message not in after.get("messages", {})]
        found += [Break(message, "", "EVENT_REMOVED", f"it is no more on the channel {name}") for message in gone]
    messages = new.get("components", {}).get("messages", {})
    for name, before in old.get("components", {}).get("messages", {}).items():
        types = before.get("contentType"), messages.get(name, before).get("contentType")
        if types[0] != types[1]:
            found.append(Break(name, "contentType", "CONTENT_TYPE_CHANGED", f"{types[0]} became {types[1]}"))
    return found


def breaks(event: str, old: Json, new: Json) -> list[Break]:
    """Of one event: its schema before and after."""
    return [Break(event, *finding) for finding in _compare(_Pair(old, old, new, new), "", frozenset())]


def wording_apart(schema: Any) -> Any:
    """The schema without what only people read: equal for two that accept the same by the same rules."""
    if isinstance(schema, list):
        return [wording_apart(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    named = {  # a field may be called "title": its name is none of the schema's words
        keyword: {name: wording_apart(part) for name, part in schema[keyword].items()}
        for keyword in ("properties", "$defs")
        if keyword in schema
    }
    return {word: wording_apart(part) for word, part in schema.items() if word not in _WORDING | named.keys()} | named


@dataclass(frozen=True, slots=True)
class _Pair:
    """A part of both schemas, and the documents that references point into."""

    old: Json
    old_root: Json
    new: Json
    new_root: Json

    def at(self, old: Json, new: Json) -> _Pair:
        return _Pair(_resolved(old, self.old_root), self.old_root, _resolved(new, self.new_root), self.new_root)


_Finding = tuple[str, str, str]
"""Path, rule, detail."""


def _resolved(part: Json, root: Json) -> Json:
    """What `#/$defs/Name` stands for, with what stands beside the reference."""
    if "$ref" not in part:
        return part
    name = part["$ref"].removeprefix("#/$defs/")
    beside = {key: value for key, value in part.items() if key != "$ref"}
    return _resolved(root["$defs"][name], root) | beside


def _compare(pair: _Pair, path: str, above: frozenset[tuple[int, int]]) -> Iterator[_Finding]:
    marks = (id(pair.old.get("properties")), id(pair.new.get("properties")))
    if "properties" in pair.old and marks in above:
        return  # a message that holds itself
    yield from _compare_types(pair, path)
    yield from _compare_values(pair, path)
    yield from _compare_bounds(pair, path)
    yield from _compare_objects(pair, path, above | {marks})
    if "items" in pair.old and "items" in pair.new:
        yield from _compare(pair.at(pair.old["items"], pair.new["items"]), f"{path}[]", above)
    values = pair.old.get("additionalProperties"), pair.new.get("additionalProperties")
    if isinstance(values[0], dict) and isinstance(values[1], dict):
        yield from _compare(pair.at(values[0], values[1]), f"{path}.*", above)


def _compare_types(pair: _Pair, path: str) -> Iterator[_Finding]:
    before, after = _types(pair.old), _types(pair.new)
    if before and not (after and after <= before):
        yield path, "TYPE_CHANGED", f"{_or(before)} became {_or(after) if after else 'anything'}"


def _compare_values(pair: _Pair, path: str) -> Iterator[_Finding]:
    if "const" in pair.old and pair.old.get("const") != pair.new.get("const"):
        yield path, "CONSTANT_CHANGED", f"{pair.old['const']!r} became {pair.new.get('const', 'any value')!r}"
    if "const" in pair.new and "const" not in pair.old:
        yield path, "ENUM_NARROWED", f"only {pair.new['const']!r} is left"
    if "enum" in pair.new:
        if "enum" not in pair.old:
            if "const" not in pair.old:
                yield path, "ENUM_NARROWED", f"only {_or(map(str, pair.new['enum']))} are left of all values"
            return
        gone = [value for value in pair.old["enum"] if value not in pair.new["enum"]]
        if gone:
            yield path, "ENUM_NARROWED", f"{_or(map(str, gone))} is gone"


def _compare_bounds(pair: _Pair, path: str) -> Iterator[_Finding]:
    for names, narrower in ((_LOWER_BOUNDS, 1), (_UPPER_BOUNDS, -1)):
        for name in names:
            before, after = pair.old.get(name), pair.new.get(name)
            if after is not None and (before is None or (after - before) * narrower > 0):
                yield path, "RANGE_NARROWED", f"{name} {'none' if before is None else before} became {after}"
    for name in ("pattern", "format", "contentEncoding"):
        if pair.new.get(name) is not None and pair.new[name] != pair.old.get(name):
            yield path, "PATTERN_CHANGED", f"{name} {pair.old.get(name, 'none')} became {pair.new[name]}"


def _compare_objects(pair: _Pair, path: str, above: frozenset[tuple[int, int]]) -> Iterator[_Finding]:
    before: Json = pair.old.get("properties", {})
    after: Json = pair.new.get("properties", {})
    required_before, required_after = set(pair.old.get("required", ())), set(pair.new.get("required", ()))
    for name, part in before.items():
        inside = f"{path}.{name}" if path else name
        if name not in after:
            yield inside, "FIELD_REMOVED", "it was published, and is no more"
            continue
        if name in required_before and name not in required_after:
            yield inside, "FIELD_OPTIONAL", "it was always there, and may now be missing"
        yield from _compare(pair.at(part, after[name]), inside, above)
    for name in after:
        if name in required_after and name not in required_before:
            inside = f"{path}.{name}" if path else name
            yield inside, "FIELD_REQUIRED", "events recorded before do not have it"
    if pair.new.get("additionalProperties") is False and pair.old.get("additionalProperties", True) is not False:
        yield path, "EXTRA_REFUSED", "names that were allowed are refused"


def _types(part: Json) -> set[str]:
    types = part.get("type", ())
    found = {types} if isinstance(types, str) else set(types)
    return found | {"integer"} if "number" in found else found


def _or(words: Any) -> str:
    return " or ".join(sorted(words))
