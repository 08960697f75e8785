"""Paths: templates such as ``/photos/{name}``, ``{id:int}``, ``{rest:path}``, the form API Gateway gives them, and the
table of an API's routes."""

from __future__ import annotations

from .errors import RuleError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

CONVERTERS = ("str", "int", "path")
_LITERAL = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:@!$&'()*+,;=%")


class PathTemplate:
    """A route's path, compiled.

    ``parameters`` maps each name to its converter; ``api`` is the path as API Gateway writes it (``{id}``,
    ``{rest+}``); ``shape`` is the same without names, so that two paths which match the same requests are equal.
    """

    __slots__ = ("api", "parameters", "positions", "shape", "text")

    def __init__(self, text: str) -> None:
        if not isinstance(text, str) or not text.startswith("/"):
            raise RuleError(
                f"A path begins with '/', not {text!r}. Write {'/' + text if isinstance(text, str) else '/'!r}."
            )
        self.text = text
        self.parameters: dict[str, str] = {}
        self.positions: list[tuple[int, str, str]] = []
        written, shaped = [], []
        segments = text[1:].split("/")
        for index, segment in enumerate(segments):
            if "{" not in segment and "}" not in segment:
                self._literal(segment, last=index == len(segments) - 1)
                written.append(segment)
                shaped.append(segment)
                continue
            name, converter = self._parameter(segment, last=index == len(segments) - 1)
            self.parameters[name] = converter
            self.positions.append((index + 1, name, converter))
            greedy = "+" if converter == "path" else ""
            written.append(f"{{{name}{greedy}}}")
            shaped.append(f"{{{greedy}}}")
        self.api = "/" + "/".join(written)
        self.shape = "/" + "/".join(shaped)

    def _literal(self, segment: str, *, last: bool) -> None:
        if not segment and not last:
            raise RuleError(f"The path {self.text!r} has an empty segment ('//'). Remove one of the slashes.")
        wrong = next((char for char in segment if char not in _LITERAL), "")
        if wrong:
            raise RuleError(
                f"The path {self.text!r} has a character that paths cannot carry: {wrong!r}. Percent-encode it."
            )

    def _parameter(self, segment: str, *, last: bool) -> tuple[str, str]:
        inner = segment[1:-1]
        if segment[0] != "{" or segment[-1] != "}" or "{" in inner or "}" in inner:
            raise RuleError(
                f"A path parameter fills a whole segment between slashes; {segment!r} in {self.text!r} does not. "
                f"Write /{{name}}/."
            )
        name, colon, converter = inner.partition(":")
        converter = converter if colon else "str"
        if not name.isidentifier() or not name.isascii():
            raise RuleError(f"The path parameter {name!r} in {self.text!r} is not a Python name.")
        if name in self.parameters:
            raise RuleError(f"The path {self.text!r} has the parameter {name!r} twice. Rename one.")
        if name == "context":
            raise RuleError(f"The path parameter 'context' in {self.text!r} is taken by Lambda's context. Rename it.")
        if converter not in CONVERTERS:
            raise RuleError(
                f"The path parameter {{{inner}}} in {self.text!r} has an unknown converter {converter!r}; "
                f"there are {', '.join(CONVERTERS)}."
            )
        if converter == "path" and not last:
            raise RuleError(f"{{{inner}}} must be the last segment of {self.text!r}: it takes all the rest.")
        return name, converter

    def values(self, raw_path: str) -> dict[str, Any] | None:
        """The parameters' values in a percent-encoded path that matched; ``None`` if one does not convert."""
        if not self.positions:
            return {}
        segments = raw_path.split("/")
        found: dict[str, Any] = {}
        for index, name, converter in self.positions:
            if index >= len(segments):
                return None
            value = "/".join(segments[index:]) if converter == "path" else segments[index]
            if "%" in value:
                from urllib.parse import unquote

                value = unquote(value)
            if converter == "int":
                if not value.isascii() or not value.removeprefix("-").isdigit() or len(value) > 4000:
                    return None
                found[name] = int(value)
            else:
                found[name] = value
        return found


class HttpTable:
    """The routes of an API, as data: ``(method, path as API Gateway writes it, function, handler)``.

    :meth:`match` takes the most specific route: a literal segment before a parameter, a parameter before a greedy one,
    the method itself before ``ANY``. It walks the path's segments, so it costs the same with one route and with 1,000.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
    """

    def __init__(self, routes: Iterable[Sequence[str]]) -> None:
        self.routes = [tuple(route) for route in routes]
        self._methods = sorted({route[0] for route in self.routes})
        self._root: dict[str, Any] = {}
        for method, path, function, handler in self.routes:
            node = self._root
            for segment in path[1:].split("/"):
                shape = ("{+}" if segment.endswith("+}") else "{}") if segment.startswith("{") else segment
                node = node.setdefault("/" + shape, {})
            node[method] = (path, function, handler)

    def match(self, method: str, path: str) -> tuple[str, dict[str, str], str, str] | None:
        """``(route key, raw path parameters, function, handler)`` of the route that takes a raw path, or ``None``."""
        segments = path[1:].split("/")
        found = self._walk(self._root, segments, 0, method)
        if found is None:
            return None
        key_method, (template, function, handler) = found
        return f"{key_method} {template}", _parameters(template, segments), function, handler

    def allowed(self, path: str) -> list[str]:
        """The methods that some route takes a raw path with."""
        return [method for method in self._methods if self.match(method, path) is not None]

    def _walk(self, node: Mapping[str, Any], segments: list[str], index: int, method: str) -> Any:
        if index == len(segments):
            key = method if method in node else "ANY"
            return (key, node[key]) if key in node else None
        segment = segments[index]
        for shape in ("/" + segment, "/{}") if segment else ("/",):
            deeper = node.get(shape)
            if deeper is not None:
                found = self._walk(deeper, segments, index + 1, method)
                if found is not None:
                    return found
        greedy = node.get("/{+}")
        if greedy is None or not any(segments[index:]):
            return None
        return self._walk(greedy, [], 0, method)


def _parameters(template: str, segments: list[str]) -> dict[str, str]:
    found = {}
    for index, part in enumerate(template[1:].split("/")):
        if part.endswith("+}"):
            found[part[1:-2]] = "/".join(segments[index:])
        elif part.startswith("{"):
            found[part[1:-1]] = segments[index]
    return found
