"""Client: send events to an app from a test, through the same ``invoke`` as in Lambda."""

from __future__ import annotations

from .errors import RoutingError
from .http import Headers
from .options import printable
from .paths import HttpTable
from .routing import Router
from .runtime import entry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from .app import App, Handler
    from .resources.api import Api
    from .trigger import Trigger


class Context:
    """A Lambda context with plausible values and all the time in the world."""

    function_version = "$LATEST"
    memory_limit_in_mb = "256"
    aws_request_id = "00000000-0000-0000-0000-000000000000"
    log_stream_name = "2026/01/01/[$LATEST]test"
    identity = None
    client_context = None

    def __init__(self, function: str) -> None:
        self.function_name = function
        self.invoked_function_arn = f"arn:aws:lambda:us-east-1:000000000000:function:{function}"
        self.log_group_name = f"/aws/lambda/{function}"

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the timeout."""
        return 30_000


class HttpResult:
    """What the client of an HTTP API would get."""

    def __init__(self, status: int, headers: Headers, body: bytes, cookies: list[str]) -> None:
        self.status = status
        self.headers = headers
        self.body = body
        self.cookies = cookies

    def __repr__(self) -> str:
        return f"<HttpResult {self.status} {self.body[:80]!r}>"

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    @property
    def json(self) -> Any:
        """The body read as JSON."""
        import json

        return json.loads(self.body)


def sample_of(trigger: Trigger, fields: Mapping[str, Any]) -> Any:
    """A trigger's sample event with some fields overridden. Raises RegistrationError for what they cannot be."""
    try:
        return trigger.sample(**fields)
    except _MISFITS as error:
        name = next((name for name in fields if len(fields) == 1 or _misfits(trigger, name, fields[name])), "")
        if not name:
            raise
        raise trigger.refused(
            f"{trigger.title()} cannot have {name}={printable(repr(fields[name]))}: {error}. "
            f"What is an object or a list in the event is one here."
        ) from error


_MISFITS = (AttributeError, KeyError, TypeError, ValueError)


def _misfits(trigger: Trigger, name: str, value: Any) -> bool:
    try:
        trigger.sample(**{name: value})
    except _MISFITS:
        return True
    return False


class Client:
    """Runs an app's handlers in this process.

    ``client.get("/photos/cat")`` sends a request; ``client.send(thumbnail, key="a.png")`` builds a sample event
    for a handler, with fields overridden; ``client.invoke("thumbnail", event)`` sends any payload to a function. All
    three return what Lambda would return to the source; exceptions of the handler come through.
    """

    def __init__(self, app: App) -> None:
        self.app = app
        self.router = Router(app)
        keys = ["", *(trigger.api.key for handler in app.handlers for trigger in handler.triggers if trigger.api)]
        self._tables = {key: HttpTable(self.router.http_routes(key)) for key in dict.fromkeys(keys)}
        self._entries: dict[str, Callable[[Any, Any], Any]] = {}

    def invoke(self, function: str, event: Any, context: Any = None) -> Any:
        """Invoke a function, by its short name, with a payload."""
        if function not in self._entries:
            self._entries[function] = entry(self.app, function)
        return self._entries[function](event, context or Context(function))

    def send(self, handler: str | Callable[..., Any], **fields: Any) -> Any:
        """Send a handler a sample event, made by its first trigger, with some fields overridden."""
        found = find_handler(self.app, handler)
        return self.invoke(found.function, sample_of(found.triggers[0], fields))

    def request(
        self,
        method: str,
        target: str,
        *,
        json: Any = None,
        body: str | bytes | None = None,
        headers: Mapping[str, str] | None = None,
        api: Api | None = None,
        authorizer: Mapping[str, Any] | None = None,
        claims: Mapping[str, Any] | None = None,
    ) -> HttpResult:
        """Send a request as the API would; without a route for it, the answer is the API's 404, or a REST API's 403.

        ``api`` is the API that is asked; the default one unless said, and where that has no route, whichever has one.
        No authorizer is asked: ``authorizer`` is the context it would have given, ``claims`` those of a token.
        """
        from base64 import b64encode
        from urllib.parse import urlsplit

        parts = urlsplit(target)
        found = self._found(method, parts.path, api)
        if found is None:
            return missed(api)
        function, trigger = found
        lowered = {name.lower(): value for name, value in (headers or {}).items()}
        cookie = lowered.pop("cookie", "")
        sent = body if json is None else json
        text = "" if isinstance(sent, bytes) else sent
        known = {"authorizer": authorizer, "claims": claims}
        event = trigger.sample(method=method, path=parts.path, query=parts.query, headers=lowered, body=text, **known)
        if isinstance(sent, bytes):
            event |= {"body": b64encode(sent).decode(), "isBase64Encoded": True}
        if cookie and "multiValueHeaders" in event:
            event["headers"]["cookie"], event["multiValueHeaders"]["cookie"] = cookie, [cookie]
        elif cookie:
            event["cookies"] = [pair.strip() for pair in cookie.split(";")]
        return _result(self.invoke(function, event))

    def _found(self, method: str, path: str, api: Api | None) -> tuple[str, Trigger] | None:
        """The function and the trigger that a request goes to."""
        for key in self._tables if api is None else (api.key,):
            match = self._tables[key].match(method, path) if key in self._tables else None
            if match is not None:
                route, _, function, handler = match
                for trigger in find_handler(self.app, handler).triggers:
                    if route in trigger.route_keys and trigger.api_key == key:
                        return function, trigger
        return None

    def get(self, target: str, **options: Any) -> HttpResult:
        """Send a GET request."""
        return self.request("GET", target, **options)

    def post(self, target: str, **options: Any) -> HttpResult:
        """Send a POST request."""
        return self.request("POST", target, **options)

    def put(self, target: str, **options: Any) -> HttpResult:
        """Send a PUT request."""
        return self.request("PUT", target, **options)

    def patch(self, target: str, **options: Any) -> HttpResult:
        """Send a PATCH request."""
        return self.request("PATCH", target, **options)

    def delete(self, target: str, **options: Any) -> HttpResult:
        """Send a DELETE request."""
        return self.request("DELETE", target, **options)


def find_handler(app: App, wanted: str | Callable[..., Any]) -> Handler:
    """A handler of the app, by its name or its function."""
    for handler in app.handlers:
        if wanted in (handler.name, handler.func):
            return handler
    names = ", ".join(handler.name for handler in app.handlers)
    raise RoutingError(f"App {app.name!r} has no handler {wanted!r}. It has: {names}.")


def missed(api: Api | None) -> HttpResult:
    """What an API answers to a request that it has no route for."""
    rest = api is not None and api.rest
    body = b'{"message":"Missing Authentication Token"}' if rest else b'{"message":"Not Found"}'
    return HttpResult(403 if rest else 404, Headers({"content-type": "application/json"}), body, [])


def _result(payload: Mapping[str, Any]) -> HttpResult:
    import base64

    body = payload.get("body") or ""
    decoded = base64.b64decode(body) if payload.get("isBase64Encoded") else body.encode()
    headers, cookies = Headers(payload.get("headers") or payload.get("multiValueHeaders") or {}), payload.get("cookies")
    if cookies is None and "set-cookie" in headers:
        cookies = headers._fields["set-cookie"]
        del headers["set-cookie"]
    return HttpResult(payload["statusCode"], headers, decoded, list(cookies or ()))
