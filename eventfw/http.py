"""What HTTP handlers receive and return: Request, Response, HTTPError, whichever service the request came through."""

from __future__ import annotations

from .errors import PayloadError
from .events import Event
from .options import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import Any

JSON = "application/json"
_PLAIN = frozenset((str, int, float, bool, type(None)))
_NO_CHARSETS = ("idna", "punycode")  # of host names: a megabyte would take them minutes, and the client chooses
_NAME = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


class Headers:
    """Header fields: names in any case, several values a name, in the order they came."""

    __slots__ = ("_fields",)

    def __init__(self, fields: Mapping[str, str | list[str]] | Iterable[tuple[str, str | list[str]]] = ()) -> None:
        self._fields: dict[str, list[str]] = {}
        pairs = fields.items() if hasattr(fields, "items") else fields
        for name, value in pairs:
            for one in value if isinstance(value, list) else (value,):
                self.add(name, one)

    def add(self, name: str, value: str) -> None:
        """Add a value, keeping those there are."""
        self._fields.setdefault(name.lower(), []).append(checked(name, value))

    def __setitem__(self, name: str, value: str) -> None:
        self._fields[name.lower()] = [checked(name, value)]

    def __getitem__(self, name: str) -> str:
        return ",".join(self._fields[name.lower()])

    def __delitem__(self, name: str) -> None:
        del self._fields[name.lower()]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._fields

    def __iter__(self) -> Iterator[str]:
        """The names, in lower case."""
        return iter(self._fields)

    keys = __iter__

    def __len__(self) -> int:
        return len(self._fields)

    def __repr__(self) -> str:
        return f"Headers({list(self.items())!r})"

    def get(self, name: str, default: str = "") -> str:
        """All values of a name joined with ``,``, or ``default``."""
        values = self._fields.get(name.lower())
        return default if values is None else ",".join(values)

    def get_all(self, name: str) -> list[str]:
        """Every value of a name. Lambda's HTTP events join repeated fields with ``,``; they are taken apart again, so
        ask :meth:`get` for a field whose one value may hold a comma, such as ``user-agent`` or ``date``."""
        return [part for value in self._fields.get(name.lower(), []) for part in comma_separated(value)]

    def items(self) -> Iterator[tuple[str, str]]:
        """Each name and value, a name as often as it has values."""
        for name, values in self._fields.items():
            for value in values:
                yield name, value


def checked(name: str, value: str) -> str:
    """A header value that cannot smuggle in another header."""
    if not isinstance(name, str) or not name or not _NAME.issuperset(name):
        raise ValueError(f"{name!r} is not a header name.")
    text = str(value)
    if "\r" in text or "\n" in text or "\0" in text:
        raise ValueError(f"The header {name!r} has a line break in its value: {text!r}.")
    return text


def comma_separated(value: str) -> list[str]:
    """The parts of a list-valued header; commas inside quotes do not count."""
    if "," not in value:
        return [value]
    parts, start, quoted = [], 0, False
    for index, char in enumerate(value):
        if char == '"' and value[index - 1 : index] != "\\":
            quoted = not quoted
        elif char == "," and not quoted:
            parts.append(value[start:index].strip())
            start = index + 1
    return [*parts, value[start:].strip()]


class Query:
    """Query parameters, decoded; ``[]`` and ``get`` give a name's first value, ``get_all`` every one."""

    __slots__ = ("_values",)

    def __init__(self, raw: str) -> None:
        self._values: dict[str, list[str]] = {}
        if raw:
            from urllib.parse import parse_qsl

            for name, value in parse_qsl(raw, keep_blank_values=True):
                self._values.setdefault(name, []).append(value)

    def __getitem__(self, name: str) -> str:
        return self._values[name][0]

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def __iter__(self) -> Iterator[str]:
        """The names."""
        return iter(self._values)

    keys = __iter__

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Query({self._values!r})"

    def get(self, name: str, default: str = "") -> str:
        """The first value of a name, or ``default``."""
        values = self._values.get(name)
        return values[0] if values else default

    def get_all(self, name: str) -> list[str]:
        """Every value of a name, in order."""
        return list(self._values.get(name, ()))


class Request(Event):
    """An HTTP request: API Gateway's and a function URL's in payload format 2.0, and what
    :class:`~eventfw.sources.http.TargetRequest` makes of a load balancer's and VPC Lattice's.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
    """

    path_parameters: Mapping[str, Any] = {}
    """The path parameters' values, converted."""
    _headers: Headers | None = None
    _query: Query | None = None

    def summary(self) -> str:
        return printable(f"{self.method} {self.raw_path}")

    @property
    def method(self) -> str:
        """``GET``, ``POST``..."""
        return str(method_and_path(self.raw)[0])

    @property
    def raw_path(self) -> str:
        """The path as the client sent it, percent-encoded, without the stage."""
        return raw_path(self.raw)

    @property
    def path(self) -> str:
        """The path, decoded."""
        from urllib.parse import unquote

        return unquote(self.raw_path)

    @property
    def headers(self) -> Headers:
        """The header fields."""
        if self._headers is None:
            self._headers = Headers(self.raw.get("headers") or self.raw.get("multiValueHeaders") or {})
        return self._headers

    @property
    def query(self) -> Query:
        """The query parameters, decoded."""
        if self._query is None:
            self._query = Query(self.raw.get("rawQueryString") or "")
        return self._query

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies by name."""
        pairs = (cookie.partition("=") for cookie in self.raw.get("cookies") or ())
        return {name.strip(): value.strip().strip('"') for name, _, value in pairs}

    @property
    def body(self) -> bytes:
        """The body's bytes; ``b""`` where there is none. At most 6 MB with the rest of the event, 1 MB behind a load
        balancer."""
        body = self.raw.get("body")
        if not body:
            return b""
        if self.raw.get("isBase64Encoded") or self.raw.get("is_base64_encoded"):
            from base64 import b64decode

            return b64decode(body)
        return str(body).encode()

    @property
    def text(self) -> str:
        """The body as text, in the charset its content type names, UTF-8 otherwise. Not text: a 400."""
        charset = "utf-8"
        for part in self.headers.get("content-type").split(";")[1:]:
            name, _, value = part.partition("=")
            if name.strip().lower() == "charset" and value:
                charset = value.strip().strip('"')
        try:
            from codecs import lookup

            if lookup(charset).name in _NO_CHARSETS:
                raise LookupError
            return self.body.decode(charset)
        except (LookupError, ValueError):
            raise HTTPError(400, f"The request body is not {charset} text.") from None

    @property
    def json(self) -> Any:
        """The body read as JSON. Not JSON: a 400."""
        from json import loads

        try:
            return loads(self.body)
        except (ValueError, RecursionError) as error:
            raise HTTPError(400, f"The request body is not JSON: {error}.") from None

    @property
    def source_ip(self) -> str:
        """The address the request came from. Behind a load balancer or VPC Lattice it is the last one of
        X-Forwarded-For, which the service adds itself; what stands before it, the client may have made up. A load
        balancer told to preserve the header adds nothing, and all of it is the client's."""
        return str(self.raw["requestContext"]["http"].get("sourceIp", ""))

    @property
    def authorizer(self) -> dict[str, Any]:
        """What the route's authorizer said of the caller: the ``context`` of a handler's answer; ``{}`` without one."""
        found = (self.raw.get("requestContext") or {}).get("authorizer") or {}
        return found["lambda"] or {} if "lambda" in found else found

    @property
    def claims(self) -> dict[str, Any]:
        """The claims of the caller's token, where API Gateway has looked at it itself; else ``{}``."""
        found = (self.raw.get("requestContext") or {}).get("authorizer") or {}
        return (found.get("jwt") or found).get("claims") or {}

    @property
    def request_id(self) -> str:
        """API Gateway's id of the request, or the function URL's; ``""`` where the service gives none: a load balancer
        and VPC Lattice. ``context.aws_request_id`` is always there."""
        return str((self.raw.get("requestContext") or {}).get("requestId", ""))


def method_and_path(raw: Any) -> tuple[Any, str]:
    """The method of a payload of any form, and its path as the client sent it, percent-encoded."""
    return raw.get("httpMethod") or raw.get("method") or raw["requestContext"]["http"]["method"], raw_path(raw)


def raw_path(raw: Any) -> str:
    """The path of a payload, without the stage that an HTTP API leaves in front of it, and the query string that VPC
    Lattice leaves behind it."""
    try:
        path = raw["rawPath"]
    except KeyError:
        path = (raw.get("raw_path") or raw["path"]).partition("?")[0]
        if "resource" not in raw:
            return path or "/"
        if raw.get("version") != "1.0":  # a REST API takes no notice of a slash at the end
            return path.rstrip("/") or "/"
    stage = raw["requestContext"].get("stage", "$default")
    if stage != "$default" and (path == f"/{stage}" or path.startswith(f"/{stage}/")):
        path = path[len(stage) + 1 :]
    return path or "/"


class Response:
    """An answer with its status, headers and cookies.

    ``body`` is a dict, list or model (sent as JSON), a str (``text/plain``) or bytes (``application/octet-stream``),
    unless ``headers`` name another content type.
    """

    def __init__(
        self,
        body: Any = b"",
        status: int = 200,
        headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
    ) -> None:
        if isinstance(status, bool) or not isinstance(status, int) or not 100 <= status <= 599:
            raise ValueError(f"The status must be 100 to 599, not {status!r}.")
        self.body = body
        self.status = status
        self.headers = headers if isinstance(headers, Headers) else Headers(headers)
        self.cookies: list[str] = []

    def set_cookie(
        self,
        name: str,
        value: str,
        *,
        max_age: int | None = None,
        path: str = "/",
        secure: bool = True,
        http_only: bool = True,
        same_site: str = "Lax",
    ) -> None:
        """Add a cookie; one that is sent over TLS only and hidden from scripts, unless said otherwise."""
        if not _NAME.issuperset(name) or not name or any(char in value for char in ' ",;\\') or not value.isprintable():
            raise ValueError(f"The cookie {name!r} cannot carry {value!r}: encode it, base64 for example.")
        if ";" in path or ";" in same_site:
            raise ValueError(f"The cookie {name!r} would get more attributes by {path!r} and {same_site!r}.")
        parts = [f"{name}={value}", f"Path={path}"]
        if max_age is not None:
            parts.append(f"Max-Age={max_age}")
        parts += ["Secure"] * secure + ["HttpOnly"] * http_only + [f"SameSite={same_site}"] * bool(same_site)
        self.cookies.append(checked("set-cookie", "; ".join(parts)))


class HTTPError(Exception):
    """Raised to answer with an error status: ``raise HTTPError(404, "No such photo.")`` sends ``{"message": ...}``."""

    def __init__(
        self, status: int, message: str = "", headers: Mapping[str, str] | Iterable[tuple[str, str]] = ()
    ) -> None:
        if isinstance(status, bool) or not isinstance(status, int) or not 400 <= status <= 599:
            raise ValueError(f"An HTTPError has a status of 400 to 599, not {status!r}. Return a Response for others.")
        super().__init__(status, message)
        self.status = status
        self.message = message or phrase(status)
        self.headers = headers

    def __str__(self) -> str:
        return f"{self.status} {self.message}"

    def response(self) -> Response:
        """The answer it stands for."""
        return Response({"message": self.message}, self.status, self.headers)


def phrase(status: int) -> str:
    """The status's reason phrase."""
    from http import HTTPStatus

    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def as_response(result: Any) -> Response:
    """What a handler returned, as a Response: ``(body, status)``, ``(body, status, headers)``, or a body alone."""
    if isinstance(result, Response):
        return result
    if isinstance(result, HTTPError):
        return result.response()
    if isinstance(result, PayloadError):
        return Response({"message": "The request body does not fit.", "errors": result.errors}, 422)
    if isinstance(result, tuple):
        if len(result) not in (2, 3) or isinstance(result[1], bool) or not isinstance(result[1], int):
            raise TypeError(f"An http handler returns (body, status) or (body, status, headers), not {result!r:.200}.")
        return Response(*result)
    if result is None:
        return Response(b"", 204)
    return Response(result)


class _Encoder:
    """The one JSON encoder, made when the first body is written: to make it costs as much as to write a small body."""

    encode: Callable[[Any], str] | None = None


def json_text(value: Any) -> str:
    """A value as compact JSON, with models as objects. NaN and infinities are not JSON: clients could not read them."""
    if _Encoder.encode is None:
        from json import JSONEncoder

        encoder = JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_built_in)
        _Encoder.encode = encoder.encode
    return _Encoder.encode(value)


def _built_in(value: Any) -> Any:
    from .models import built_in

    return built_in(value)


def plain(result: Any) -> Any:
    """What a handler returned to whoever takes any JSON: as it is, or with models anywhere in it, as JSON has it."""
    kind = type(result)
    if kind in _PLAIN or (kind is dict and _PLAIN.issuperset(map(type, result.values()))):
        return result
    from .models import has_model

    try:
        if not has_model(result):
            return result
    except RecursionError:  # it holds itself, or is too deep: whoever writes it as JSON says so
        return result
    from json import loads

    return loads(json_text(result))


def encoded_body(response: Response) -> tuple[str, bool, str]:
    """``(body, whether it is base64, content type)``."""
    body = response.body
    if isinstance(body, (dict, list)):
        return json_text(body), False, JSON
    if isinstance(body, str):
        return body, False, "text/plain; charset=utf-8"
    if isinstance(body, (bytes, bytearray, memoryview)):
        if not body:
            return "", False, ""
        from base64 import b64encode

        return b64encode(body).decode(), True, "application/octet-stream"
    from .models import is_model

    if is_model(type(body)):
        return json_text(body), False, JSON
    raise TypeError(
        f"An http handler returns a dict, list, str, bytes, a model, (body, status) or Response, not "
        f"{type(body).__name__}."
    )
