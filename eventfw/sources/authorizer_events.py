"""Requests that an authorizer is asked about, and its answers."""

from __future__ import annotations

from ..http import Query, Request
from ..http_forms import ProxyRequest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any


POLICY = "2012-10-17"


class AuthorizerRequest(ProxyRequest):
    """The request that API Gateway asks about, without its body, which no authorizer sees. Of a TOKEN authorizer's it
    has the token, the method and the path.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-input.html
    """

    _sources: Sequence[str] = ("header.Authorization",)

    @property
    def type(self) -> str:
        """``REQUEST`` or ``TOKEN``."""
        return str(self.raw.get("type", ""))

    @property
    def arn(self) -> str:
        """The ARN of the method or route that is asked for: ``arn:aws:execute-api:...:api/stage/GET/photos``."""
        return str(self.raw.get("methodArn") or self.raw.get("routeArn") or "")

    @property
    def token(self) -> str:
        """The first identity source: the ``Authorization`` header unless the authorizer says another; ``""`` if absent.
        ``Bearer`` still stands in it."""
        raw = self.raw
        found = raw.get("authorizationToken") or raw.get("identitySource")
        if isinstance(found, list):
            found = found[0] if found else ""
        place, _, name = (self._sources or self.__class__._sources)[0].partition(".")
        return str(found or (self.query if place == "querystring" else self.headers).get(name))

    @property
    def method(self) -> str:
        """The method that is asked for; ``""`` for a WebSocket's connection."""
        raw = self.raw
        if self.type == "TOKEN":
            return self.arn.split("/")[2] if self.arn.count("/") > 1 else ""
        http = (raw.get("requestContext") or {}).get("http") or {}
        return str(raw.get("httpMethod") or http.get("method") or "")

    @property
    def raw_path(self) -> str:
        """The path that is asked for, percent-encoded, without the stage."""
        raw = self.raw
        if "rawPath" in raw or "path" in raw:
            return super().raw_path
        return "/" + "/".join(self.arn.split("/")[3:])

    @property
    def path_parameters(self) -> dict[str, str]:  # type: ignore[override]
        """The path parameters as API Gateway found them."""
        return self.raw.get("pathParameters") or {}

    @property
    def query(self) -> Query:
        """The query parameters, decoded."""
        if "rawQueryString" in self.raw:
            return Request(self.raw).query
        return super().query

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies by name."""
        return Request(self.raw).cookies if self.raw.get("cookies") else super().cookies

    @property
    def source_ip(self) -> str:
        """The address the request came from; ``""`` for a TOKEN authorizer, which is not told."""
        http = (self.raw.get("requestContext") or {}).get("http") or {}
        return str(http.get("sourceIp") or super().source_ip)


class Unauthorized(Exception):
    """What a REST or WebSocket API answers with 401: it reads the error's message."""

    def __init__(self) -> None:
        super().__init__("Unauthorized")


class _Answer:
    """``Allow`` or ``Deny``, in either form."""

    effect = ""

    def __init__(self, principal: str = "user", *, context: Mapping[str, Any] | None = None) -> None:
        self.principal = principal
        self.context = dict(context or {})
        for name in self.context:
            if not isinstance(name, str):
                raise TypeError(f"The names in an authorizer's context are strings, not {name!r}.")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.principal!r}, context={self.context!r})"

    def simple(self) -> dict[str, Any]:
        """A simple response, of HTTP APIs. The principal goes with the context, since it has no place of its own."""
        context = {"principalId": self.principal, **self.context}
        return {"isAuthorized": self.effect == "Allow", "context": context}

    def policy(self, arn: str) -> dict[str, Any]:
        """A policy for the whole stage of the API: a kept answer is used for every route, not only for this one."""
        for name, value in self.context.items():
            if not isinstance(value, (str, int, float, bool)):
                raise TypeError(
                    f"The context of an authorizer has strings, numbers and booleans here, not {name!r} of type "
                    f"{type(value).__name__}: API Gateway answers 500. Write it as JSON text."
                )
        stage = "/".join(arn.split("/")[:2])
        statement = {"Action": "execute-api:Invoke", "Effect": self.effect, "Resource": f"{stage}/*"}
        answer: dict[str, Any] = {
            "principalId": self.principal,
            "policyDocument": {"Version": POLICY, "Statement": [statement]},
        }
        if self.context:
            answer["context"] = self.context
        return answer


class Allow(_Answer):
    """Lets a request pass. ``principal`` is who sends it, and ``context`` is what the route's handler finds in
    ``request.authorizer``: strings, numbers and booleans by name."""

    effect = "Allow"


class Deny(_Answer):
    """Refuses a request: the client gets 403."""

    effect = "Deny"
