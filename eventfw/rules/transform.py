"""What a rule's target gets in place of the event: a path of it, or a template filled from paths.

Runs on the developer's machine only. https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
"""

from __future__ import annotations

from ..errors import RuleError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from re import Match
    from typing import Any

PATHS_MAX = 100
PATH_MAX = 256  # characters
TEMPLATE_MAX = 8192  # characters, as for a constant
#: What marks an event that a rule of the embedded AWS hands over whole, for the local server to make something of it.
WHOLE_EVENT = "eventfw.rule"
RESERVED = {
    "aws.events.rule-arn",
    "aws.events.rule-name",
    "aws.events.event.ingestion-time",
    "aws.events.event",
    "aws.events.event.json",
}
_STEP = r"\.(?:[A-Za-z0-9_/-]+|\*)|\[(?:[0-9]+|\*)\]"
_PLACE = r'<([^<>"\\]+)>'
_TOKEN = r'"(?:\\[\s\S]|[^"\\])*"|<[^<>"\\]+>'


def check_path(path: object) -> None:
    """Refuse what is no path that EventBridge knows: ``$.detail.items[0]``."""
    from re import fullmatch

    if not isinstance(path, str) or len(path) > PATH_MAX or not fullmatch(rf"\$(?:{_STEP})*", path):
        raise RuleError(
            f"a path is text such as $.detail.items[0] of at most {PATH_MAX} characters, not {path!r:.80}. Its names "
            f"have letters, digits, _, - and /; a number or * may be in brackets."
        )


def check_transformer(paths: Mapping[str, Any], template: object) -> None:
    """Refuse a template that EventBridge would not take, or that gives no JSON, which Lambda asks for."""
    from json import loads
    from re import findall, fullmatch

    if not isinstance(paths, dict):
        raise RuleError(f"input_paths_map has paths by name, and is no {type(paths).__name__}.")
    if len(paths) > PATHS_MAX:
        raise RuleError(f"input_paths_map has at most {PATHS_MAX} paths, not {len(paths)}.")
    for name, path in paths.items():
        if not isinstance(name, str) or not fullmatch(r"[A-Za-z0-9_-]{1,256}", name):
            raise RuleError(f"input_paths_map has names of letters, digits, _ and -, not {name!r}.")
        check_path(path)
    if not isinstance(template, str) or not 0 < len(template) <= TEMPLATE_MAX:
        raise RuleError(f"input_template is text of 1 to {TEMPLATE_MAX} characters, not {template!r:.80}.")
    for name in findall(_PLACE, template):
        if name not in paths and name not in RESERVED:
            raise RuleError(f"input_template has <{name}>, which input_paths_map does not name.")
    try:
        loads(filled(template, lambda name: ""))
    except ValueError as error:
        raise RuleError(
            f"input_template does not give JSON ({error}), which Lambda asks for. Write text in quotes: "
            f'"<name> is there".'
        ) from None


def at(path: str, event: Any) -> Any:
    """What a path leads to; ``None`` where it leads nowhere, a list where it has a ``*``."""
    from re import findall

    found = [event]
    for step in findall(_STEP, path):
        found = [inner for value in found for inner in _within(value, step.strip(".[]"), by_place=step[1].isdigit())]
    return found if "*" in path else next(iter(found), None)


def _within(value: Any, step: str, *, by_place: bool) -> list[Any]:
    if step == "*":
        return list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    if by_place and isinstance(value, list):
        return value[int(step) : int(step) + 1]
    return [value[step]] if isinstance(value, dict) and step in value else []


def transformed(paths: Mapping[str, str], template: str, event: Mapping[str, Any], rule: str, arn: str = "") -> Any:
    """What the template makes of an event, for the rule of that name and ARN; without one, it is an example's."""
    from json import loads

    values: dict[str, Any] = {
        "aws.events.rule-arn": arn or f"arn:aws:events:us-east-1:123456789012:rule/{rule}",
        "aws.events.rule-name": rule,
        "aws.events.event.ingestion-time": event.get("time"),
        "aws.events.event": {name: value for name, value in event.items() if name != "detail"},
        "aws.events.event.json": event,
        **{name: at(path, event) for name, path in paths.items()},
    }
    return loads(filled(template, values.__getitem__))


def filled(template: str, value_of: Callable[[str], Any]) -> str:
    """A template with values in its places: as JSON where JSON is expected, as they are within quotes."""
    from json import dumps
    from re import sub

    def place(found: Match[str]) -> str:
        token = found[0]
        if token.startswith("<"):
            return dumps(value_of(token[1:-1]))
        return sub(_PLACE, lambda inner: _within_quotes(value_of(inner[1])), token)

    return sub(_TOKEN, place, template)


def _within_quotes(value: Any) -> str:
    from json import dumps

    if value is None:
        return ""
    return dumps(value)[1:-1] if isinstance(value, str) else dumps(value).replace('"', "")
