"""``@app.http``: API Gateway HTTP API; its events, and those of whatever else leads HTTP requests to a function."""

from __future__ import annotations

from ..errors import PayloadError, RuleError
from ..http import JSON, HTTPError, Request, json_text, method_and_path
from ..options import printable, refused
from ..paths import HttpTable, PathTemplate
from ..trigger import Finder, Trigger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence
    from typing import Any

    from ..app import App, Handler
    from ..calling import Binding
    from ..function import Function
    from ..resources.api import Api
    from ..resources.jwt_authorizer import JwtAuthorizer
    from ..resources.resource import Template
    from ..rules.witness import Effort

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "ANY")


class Http(Trigger):
    """Answer HTTP requests on a path.

    ``path`` may hold parameters: ``/photos/{name}``, ``{id:int}``, ``{rest:path}`` (last, takes slashes too).
    ``methods`` is one method or several; ``ANY`` takes every method no other route of the path names.
    ``api`` is the API it belongs to, made with ``app.http_api`` or ``app.rest_api``; the app's default HTTP API unless
    said. ``authorizer`` says who may send requests: the handler of an ``@app.authorizer`` or its name, an
    ``app.jwt_authorizer``, or ``"iam"`` for signed requests; everybody unless said. ``scopes`` are those a token must
    have one of.

    The API sends a request to the most specific route: a literal segment goes before a parameter, a parameter before
    ``{rest:path}``. A path or method without a route is API Gateway's 404 and invokes nothing. A function URL, a load
    balancer and VPC Lattice send everything to the function, which then answers 404 itself, or 405 where the path has
    routes for other methods.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
    """

    decorator = "http"
    example = '@app.http("/path")'
    kinds = (
        "apigw_http_v2",
        "apigw_rest",
        "apigw_http_v1",
        "function_url",
        "alb",
        "vpc_lattice_v1",
        "vpc_lattice_v2",
    )
    kinds_in_words = "an HTTP request"
    self_routed = kinds[3:]
    answers = (HTTPError, PayloadError)
    shares_api = True

    def __init__(
        self,
        path: str,
        methods: str | Sequence[str] = "GET",
        *,
        api: Api | None = None,
        authorizer: Callable[..., Any] | JwtAuthorizer | str | None = None,
        scopes: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self.methods = checked_methods(methods)
        if not isinstance(path, str):
            raise refused(f'path must be text such as "/photos/{{name}}" for {self.decorator}, not {path!r}.')
        self.path = path
        self.api = api
        self.authorizer: Any = authorizer
        self.scopes = scopes
        self.mount("")
        self.validate()

    def validate(self) -> None:
        if self.api is not None and not getattr(self.api, "http", False):
            raise refused(
                f"api must be what app.http_api(...) or app.rest_api(...) gave for {self.decorator}, not {self.api!r}."
            )
        by = self.authorizer
        if by is not None and not callable(by) and not isinstance(by, str) and not hasattr(by, "id_in"):
            raise refused(
                f"authorizer must be the handler of an @app.authorizer or its name, an app.jwt_authorizer or 'iam' for "
                f"{self.decorator}, not {by!r}."
            )
        if not isinstance(self.scopes, (list, tuple)) or not all(isinstance(one, str) and one for one in self.scopes):
            raise refused(f"scopes must be a list such as ['photos/read'] for {self.decorator}, not {self.scopes!r}.")
        if self.scopes and not hasattr(by, "id_in"):
            raise refused(
                f"scopes are for routes whose authorizer is an app.jwt_authorizer; this {self.decorator} has none."
            )

    def settle(self, app: App, handler: Handler) -> None:
        """Find the authorizer, and tell it for which API it is asked."""
        by = self.authorizer
        if by is not None and by != "iam" and not hasattr(by, "id_in"):
            self.authorizer = self.authorizer_named(by, app, handler, self.api)

    def mount(self, prefix: str) -> None:
        """Compile the path, behind the prefix of the blueprint it is mounted with."""
        try:
            self.template = PathTemplate(prefix if prefix and self.path == "/" else prefix + self.path)
        except RuleError as error:
            raise refused(error.message) from None
        self.parameters = tuple(self.template.parameters)
        self.route_keys = [f"{method} {self.template.api}" for method in self.methods]

    def key(self) -> Collection[tuple[str, str]]:
        api = f"{self.api_key} " if self.api_key else ""
        said = f" of the API {self.api_key!r}" if self.api_key else ""
        return [
            (f"{api}{method} {self.template.shape}", f"The route {method} {self.template.api}{said}")
            for method in self.methods
        ]

    def title(self) -> str:
        return f"{','.join(self.methods)} {self.template.text}" + (f" of {self.api_key}" if self.api_key else "")

    def parse(self, raw: Any, context: Any) -> Request:
        if "rawPath" in raw or "routeKey" in raw:
            return Request(raw, context)
        from ..http_forms import ProxyRequest, TargetRequest

        return ProxyRequest(raw, context) if "resource" in raw else TargetRequest(raw, context)

    def call(self, binding: Binding, event: Request) -> Any:
        if self.authorizer is not None and not self._asked(event.raw):
            raise HTTPError(403)
        if not self.parameters:
            return binding(event, event.context)
        values = self.template.values(event.raw_path)
        if values is None:
            raise HTTPError(404)
        event.path_parameters = values
        return binding(event, event.context, values)

    def _asked(self, raw: Any) -> bool:
        """Whether the authorizer was asked: by the route's own API, which alone does it, before it sent the request.

        Another API, a function URL, a load balancer or Lattice in front of the function would else be a way around it.
        A function URL can want signed requests, too.
        """
        if "resource" in raw:
            own = self.api.key if self.api is not None and self.api.rest else None
            return own is not None and place_of(raw, "") == f"{own}  {self.template.api}"
        if raw.get("routeKey") in self.route_keys:
            return True
        context = raw.get("requestContext") or {}
        return self.authorizer == "iam" and bool((context.get("authorizer") or {}).get("iam"))

    def payload(self, event: Request) -> Any:
        return event.json

    def encode(self, result: Any, event: Request) -> dict[str, Any]:
        kind = type(result)
        if (kind is dict or kind is list) and type(event) is Request:
            # The usual answers, as the rest of this would give them, in half the time.
            return {"statusCode": 200, "headers": {"content-type": JSON}, "body": json_text(result)}
        from ..answering.requests import encoded

        return encoded(result, event)

    def mismatch(self, raw: Any) -> str:
        if raw.get("routeKey") in self.route_keys:
            return ""
        method, path = method_and_path(raw)
        if method not in self.methods and "ANY" not in self.methods:
            return f"method {printable(method)} is not {' or '.join(self.methods)}"
        table = HttpTable([("ANY", self.template.api, "", "")])
        return "" if table.match("", path) else f"path `{printable(path)}` does not match `{self.template.text}`"

    @classmethod
    def index(cls, triggers: Sequence[Http]) -> Finder:
        """By the route where one of our APIs has matched it, else the most specific route of method and path.

        Our APIs answer misses for themselves; through another, whose one route takes everything, and from the other
        services a path or method without a route comes here.
        """
        keys = {key: position for position, trigger in enumerate(triggers) for key in trigger.route_keys}
        table = HttpTable((*key.split(" ", 1), "", "") for key in keys)
        places = {
            f"{trigger.api.key} {key}": position
            for position, trigger in enumerate(triggers)
            if trigger.api is not None and trigger.api.rest
            for key in trigger.route_keys
        }

        def find(raw: Any) -> Iterable[int]:
            position = keys.get(raw.get("routeKey"))
            if position is None and places and "resource" in raw:
                position = places.get(place_of(raw, raw.get("httpMethod")), places.get(place_of(raw, "ANY")))
            if position is not None:
                return (position,)
            found = table.match(*method_and_path(raw))
            return () if found is None else (keys[found[0]],)

        def miss(kind: str, raw: Any) -> HTTPError | None:
            if kind == "apigw_http_v2" and raw.get("routeKey") != "$default":
                return None
            allowed = table.allowed(method_and_path(raw)[1])
            return HTTPError(405, headers={"allow": ", ".join(allowed)}) if allowed else HTTPError(404)

        return Finder(find, exact=True, miss=miss)

    def shadow(self, others: Sequence[Trigger]) -> str:
        """``ANY`` gets what no other route of its path names: next to nothing, where they name all seven methods."""
        if "ANY" not in self.methods:
            return ""
        same = [
            other
            for other in (self, *others)
            if isinstance(other, Http) and other.template.shape == self.template.shape and other.api_key == self.api_key
        ]
        named = {method for other in same for method in other.methods}
        if not named.issuperset(METHODS):
            return ""
        return (
            f"ANY {self.template.text} is left with nothing but unusual methods such as TRACE: all seven others have "
            f"routes of their own. Remove ANY."
        )

    def guard(self) -> dict[str, Any] | None:
        """Who may send requests, as data for the local server; ``None`` where everybody may."""
        if self.authorizer is None:
            return None
        if self.authorizer == "iam":
            return {"kind": "iam"}
        return {**self.authorizer.guard(), "scopes": list(self.scopes)}

    def overlap(self, other: Trigger, effort: Effort) -> dict[str, Any] | None:
        """One function serves one route of a method and path, of whichever API: an event does not name its API. Several
        routes of one handler do no harm."""
        if not isinstance(other, Http) or self.handler == other.handler or self.api_key == other.api_key:
            return None
        same = other.template.shape == self.template.shape and set(self.methods) & set(other.methods)
        return self.sample(method=min(same)) if same else None

    def resources(self, function: Function, template: Template) -> None:
        """What the API does for it: an integration and a permission for each function; a route for each method."""
        from ..resources.http_api import HttpApi

        (self.api or HttpApi()).add_route(template, function, self)

    def sample(self, **fields: Any) -> dict[str, Any]:
        """A request for this route. Fields: ``method``, ``path``, ``query``, ``body``, ``headers``, path parameters;
        and what an authorizer found out: ``authorizer`` (its context) or ``claims`` (of a token)."""
        from urllib.parse import quote

        parameters = () if fields.get("path") else self.parameters
        known = ("method", "path", "query", "body", "headers", "authorizer", "claims", *parameters)
        self.fields_among(fields, known)
        context, claims = fields.pop("authorizer", None), fields.pop("claims", None)
        method = str(fields.pop("method", "GET" if "ANY" in self.methods else self.methods[0])).upper()
        segments = self.template.text.split("/")
        for index, name, converter in () if fields.get("path") else self.template.positions:
            value = str(fields.pop(name, "1" if converter == "int" else "example"))
            segments[index] = quote(value, safe="/" if converter == "path" else "")
        path = fields.pop("path", "") or "/".join(segments)
        body = fields.pop("body", None)
        headers = {"host": "example.execute-api.us-east-1.amazonaws.com", **(fields.pop("headers", None) or {})}
        if body is not None and not isinstance(body, str):
            from json import dumps

            body = dumps(body)
            headers.setdefault("content-type", "application/json")
        query = str(fields.pop("query", ""))
        from ..resources.http_api import HttpApi

        api = self.api or HttpApi()
        event = api.event(method, path, query, headers, body, self)
        if claims is not None:
            event["requestContext"]["authorizer"] = {"jwt": {"claims": dict(claims), "scopes": None}}
        if context is not None:
            event["requestContext"]["authorizer"] = dict(context) if api.rest else {"lambda": dict(context)}
        return event


Http.family = Http


class _Verb(Http):
    """``@app.http`` with the method fixed."""

    def __init__(
        self,
        path: str,
        *,
        api: Api | None = None,
        authorizer: Callable[..., Any] | JwtAuthorizer | str | None = None,
        scopes: Sequence[str] = (),
    ) -> None:
        super().__init__(path, self.decorator, api=api, authorizer=authorizer, scopes=scopes)


class Get(_Verb):
    """Answer GET requests on a path: ``@app.http(path, "GET")``.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
    """

    decorator = "get"
    example = '@app.get("/photos")'


class Post(_Verb):
    """Answer POST requests on a path: ``@app.http(path, "POST")``.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
    """

    decorator = "post"
    example = '@app.post("/photos")'


class Put(_Verb):
    """Answer PUT requests on a path: ``@app.http(path, "PUT")``.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
    """

    decorator = "put"
    example = '@app.put("/photos")'


class Patch(_Verb):
    """Answer PATCH requests on a path: ``@app.http(path, "PATCH")``.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
    """

    decorator = "patch"
    example = '@app.patch("/photos")'


class Delete(_Verb):
    """Answer DELETE requests on a path: ``@app.http(path, "DELETE")``.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
    """

    decorator = "delete"
    example = '@app.delete("/photos")'


def place_of(raw: Any, method: object) -> str:
    """Where a REST API has a request from: its stage, which has its name, the method and the path of the resource.

    An HTTP API that writes format 1.0, which none of ours does, is none.
    """
    stage = "" if "version" in raw else (raw.get("requestContext") or {}).get("stage")
    return f"{stage} {method} {raw['resource']}"


def checked_methods(methods: object) -> tuple[str, ...]:
    """HTTP methods in upper case."""
    if callable(methods):
        raise refused("methods must be a string or a list of strings for http.")
    given = [methods] if isinstance(methods, str) else methods
    if not isinstance(given, (list, tuple)) or not given:
        raise refused(f"methods must be 'GET' or a list such as ['GET', 'POST'] for http, not {methods!r}.")
    found = []
    for method in given:
        upper = method.upper() if isinstance(method, str) else method
        if upper not in METHODS:
            raise refused(f"methods must be among {', '.join(METHODS)} for http, not {method!r}.")
        if upper in found:
            raise refused(f"methods has {upper!r} twice for http. Remove one.")
        found.append(upper)
    return tuple(found)
