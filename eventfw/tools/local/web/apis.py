"""The app's APIs as the gateway knows them: which one a request is for, and what its options say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from eventfw.paths import HttpTable
from eventfw.tools.local.web.asgi import HttpRequest, HttpResponse


class Routes(Protocol):
    """Which handler a request reaches."""

    def match(self, method: str, path: str, /) -> tuple[str, dict[str, str], str, str] | None:
        """Route key, path parameters, function and handler; None when no route matches."""


@dataclass(frozen=True)
class LocalApi:
    """One API. ``guards`` says, by route key, who may send requests; ``cors`` is as CloudFormation writes it.

    Its paths begin with its name, which is its stage's. The default API has none.
    """

    name: str
    routes: Routes
    rest: bool = False
    guards: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    cors: Mapping[str, Any] | None = None
    binary_media_types: tuple[str, ...] = ()

    @property
    def stage(self) -> str:
        """The name of its stage."""
        return self.name or "$default"


class Apis:
    """All APIs of an app, on one address."""

    def __init__(self, default: LocalApi, named: Iterable[LocalApi] = ()) -> None:
        self.default = default
        self.named = {api.name: api for api in named}

    def find(self, path: str, only: str | None = None) -> tuple[LocalApi, str | None]:
        """The API that a path is for, by its first segment, and the path below its stage.

        ``only`` names the one that was asked at an address of its own, as a distribution asks its origin; the path is
        ``None`` where it does not begin with that one's stage.
        """
        first, _, rest = path.lstrip("/").partition("/")
        if only == "" or (only is None and first not in self.named):
            return self.default, path
        api = self.named.get(first if only is None else only, self.default)
        return api, "/" + rest if api.name == first else None


def apis_of(described: Iterable[Mapping[str, Any]]) -> Apis:
    """The APIs of a description of the app."""
    apis = [
        LocalApi(
            api["name"],
            HttpTable(api["routes"]),
            api["rest"],
            api["guards"],
            api.get("cors"),
            tuple(api.get("binary_media_types", ())),
        )
        for api in described
    ]
    return Apis(
        next((api for api in apis if not api.name), LocalApi("", HttpTable([]))), [api for api in apis if api.name]
    )


def preflight(api: LocalApi, request: HttpRequest) -> HttpResponse | None:
    """The answer to a browser's question whether it may send a request, which an API with CORS gives by itself."""
    asked = request.header("access-control-request-method")
    if api.cors is None or request.method != "OPTIONS" or not asked or not request.header("origin"):
        return None
    headers = allowed(api.cors, request)
    if headers:
        headers.append(("access-control-allow-methods", ",".join(api.cors["AllowMethods"])))
        headers.append(("access-control-allow-headers", ",".join(api.cors["AllowHeaders"])))
        if "MaxAge" in api.cors:
            headers.append(("access-control-max-age", str(api.cors["MaxAge"])))
    return HttpResponse(204, headers)


def with_cors(api: LocalApi, request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """A response with the headers of the API's CORS, which take the place of the function's own."""
    if api.cors is None or not request.header("origin"):
        return response
    kept = [(name, value) for name, value in response.headers if not name.startswith("access-control-")]
    headers = allowed(api.cors, request)
    if headers and api.cors.get("ExposeHeaders"):
        headers.append(("access-control-expose-headers", ",".join(api.cors["ExposeHeaders"])))
    return HttpResponse(response.status, kept + headers, response.body, response.problem, response.outcome)


def allowed(cors: Mapping[str, Any], request: HttpRequest) -> list[tuple[str, str]]:
    """What every response to an allowed origin has; nothing for another one."""
    origin = request.header("origin")
    scheme = origin.partition("://")[0]
    if not {origin, "*", f"{scheme}://*"} & set(cors["AllowOrigins"]):
        return []
    everybody = "*" in cors["AllowOrigins"]
    headers = [("access-control-allow-origin", "*" if everybody else origin)]
    if cors.get("AllowCredentials"):
        headers.append(("access-control-allow-credentials", "true"))
    return headers
