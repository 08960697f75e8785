"""``@app.authorizer``: API Gateway asks a handler whether a request may pass, before the route's handler runs."""

from __future__ import annotations

from ..http import HTTPError
from ..options import flag, one_of, refused, strings, whole
from ..trigger import Finder, Trigger
from .authorizer_events import Allow as Allow
from .authorizer_events import AuthorizerRequest as AuthorizerRequest
from .authorizer_events import Deny as Deny
from .authorizer_events import Unauthorized, _Answer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from ..app import App, Handler
    from ..function import Function
    from ..resources.api import Api
    from ..resources.resource import Template
    from ..rules.witness import Effort

TTL_MAX = 3600  # seconds, AuthorizerResultTtlInSeconds
TOKEN_KIND, REQUEST_KIND, V2_KIND = "apigw_authorizer_token", "apigw_authorizer_request", "apigw_authorizer_v2"


class Authorizer(Trigger):
    """Say who may send requests to the routes that name the handler: ``@app.get("/x", authorizer=check)``.

    The handler returns True or False, an ``Allow`` or ``Deny``, or an IAM policy. It may serve HTTP, REST and WebSocket
    APIs alike; each is told in its own form.

    Options
        ``type``: ``"REQUEST"``, which shows the handler the request, or ``"TOKEN"`` (REST APIs only), one header of it.
        ``identity_sources``: what a request must have, else it is a 401 and the handler is not asked:
        ``header.NAME``, ``querystring.NAME``, ``context.NAME``, ``stageVariables.NAME``.
        ``ttl``: seconds, 0-3600, for which an answer is used again for whoever sends the same identity sources, to
        whichever route of the API. Unless said, every request is asked about.
        ``identity_validation_expression``: a regular expression for the token of a ``"TOKEN"`` authorizer.
        ``simple_responses``: whether an HTTP API is told yes or no; with False it is told an IAM policy.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html
    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html
    """

    decorator = "authorizer"
    example = "@app.authorizer()"
    kinds = (V2_KIND, REQUEST_KIND, TOKEN_KIND)
    kinds_in_words = "a question of API Gateway's for an authorizer"
    answers = (HTTPError,)

    def __init__(
        self,
        type: str = "REQUEST",
        *,
        identity_sources: Sequence[str] = ("header.Authorization",),
        ttl: int = 0,
        identity_validation_expression: str = "",
        simple_responses: bool = True,
    ) -> None:
        super().__init__()
        self.type = type
        self.identity_sources = identity_sources
        self.ttl = ttl
        self.identity_validation_expression = identity_validation_expression
        self.simple_responses = simple_responses
        self.apis: list[Api | None] = []
        self.function = ""
        self.validate()

    def validate(self) -> None:
        one_of("authorizer", "type", self.type, ("REQUEST", "TOKEN"))
        whole("authorizer", "ttl", self.ttl, 0, TTL_MAX, "Remove it to ask for every request.")
        flag("authorizer", "simple_responses", self.simple_responses)
        strings("authorizer", "identity_sources", self.identity_sources, "header.Authorization")
        for source in self.identity_sources:
            place, _, name = source.partition(".")
            if place not in ("header", "querystring", "context", "stageVariables") or not name:
                raise refused(
                    f"identity_sources takes header.NAME, querystring.NAME, context.NAME and stageVariables.NAME for "
                    f"authorizer, not {source!r}."
                )
        if self.ttl and not self.identity_sources:
            raise refused("ttl needs identity_sources for authorizer, by which answers are kept. Remove ttl.")
        expression: object = self.identity_validation_expression
        if not isinstance(expression, str):
            raise refused(f"identity_validation_expression must be text for authorizer, not {expression!r}.")
        if self.type == "TOKEN":
            if len(self.identity_sources) != 1 or not self.identity_sources[0].startswith("header."):
                raise refused(
                    f"identity_sources must be one header for a TOKEN authorizer, not {self.identity_sources!r}. "
                    f"Use type='REQUEST' for more."
                )
        elif expression:
            raise refused("identity_validation_expression is for type='TOKEN' of authorizer. Remove it.")
        import re

        try:
            re.compile(expression)
        except re.error as error:
            raise refused(f"identity_validation_expression is no regular expression for authorizer: {error}.") from None

    def title(self) -> str:
        return f"authorizer {self.type} by {', '.join(self.identity_sources) or 'everything'}"

    def parse(self, raw: Any, context: Any) -> AuthorizerRequest:
        request = AuthorizerRequest(raw, context)
        request._sources = self.identity_sources
        return request

    def encode(self, result: Any, event: AuthorizerRequest) -> dict[str, Any]:
        """The answer in the form that the API takes."""
        simple = "routeArn" in event.raw and self.simple_responses
        if isinstance(result, HTTPError):
            if result.status == 401 and "routeArn" not in event.raw:
                raise Unauthorized
            if result.status not in (401, 403):
                raise result
            result = Deny()
        if isinstance(result, bool):
            result = Allow() if result else Deny()
        if isinstance(result, _Answer):
            return result.simple() if simple else result.policy(event.arn)
        if isinstance(result, dict) and (
            isinstance(result.get("isAuthorized"), bool) if simple else "policyDocument" in result
        ):
            return result
        wanted = "{'isAuthorized': ...}" if simple else "an IAM policy with a policyDocument"
        raise TypeError(f"An authorizer returns True, False, Allow(...), Deny(...) or {wanted}, not {result!r:.200}.")

    def mismatch(self, raw: Any) -> str:
        return "" if raw.get("type") == self.type else f"type {raw.get('type')} is not {self.type}"

    @classmethod
    def index(cls, triggers: Sequence[Authorizer]) -> Finder:
        """By the type; nothing else in an event says which of several authorizers is asked."""
        types = [trigger.type for trigger in triggers]
        return Finder(lambda raw: [at for at, type_ in enumerate(types) if type_ == raw.get("type")], exact=True)

    def overlap(self, other: Trigger, effort: Effort) -> dict[str, Any] | None:
        """Any two of a type in one function: an event does not name its authorizer."""
        return self.sample() if isinstance(other, Authorizer) and other.type == self.type else None

    def faults(self) -> list[str]:
        return [] if self.apis else [f"No route names {self.handler}. Write authorizer={self.handler} in one."]

    def settle(self, app: App, handler: Handler) -> None:
        """Learn which function runs it."""
        self.function = handler.function

    def serve(self, api: Api | None) -> None:
        """Take the questions of an API; ``None`` is the default one."""
        if all((known.key if known else "") != (api.key if api else "") for known in self.apis):
            self.apis.append(api)

    def id_in(self, api: Api) -> str:
        """The logical id of the authorizer for one API; it has one in each that names it."""
        from ..resources.names import pascal

        return (api.logical_id if api.key else "") + pascal(self.handler) + "Authorizer"

    def sources_of(self, request: str, context: str, stage: str) -> list[str]:
        """The identity sources as an API writes them, behind its prefixes."""
        prefixes = {"header": request, "querystring": request, "context": context, "stageVariables": stage}
        found = []
        for source in self.identity_sources:
            place, _, name = source.partition(".")
            found.append(prefixes[place] + (source if prefixes[place] == request else name))
        return found

    def resources(self, function: Function, template: Template) -> None:
        """An authorizer in every API whose routes name it, each with a permission."""
        from ..resources.http_api import HttpApi

        for api in self.apis:
            if self.type == "TOKEN" and not (api and api.rest):
                raise self.refused(
                    "Only REST APIs have TOKEN authorizers. Remove type= to have the request shown to the handler."
                )
            (api or HttpApi()).add_authorizer(template, function, self)

    def guard(self) -> dict[str, Any]:
        """It as data, for the local server."""
        return {
            "kind": "lambda",
            "name": self.handler,
            "function": self.function,
            "type": self.type,
            "identity_sources": list(self.identity_sources),
            "ttl": self.ttl,
            "expression": self.identity_validation_expression,
            "simple": self.simple_responses,
        }

    def sample(self, **fields: Any) -> dict[str, Any]:
        """A question for the first route's API. Fields: ``method``, ``path``, ``query``, ``headers``; or ``token``."""
        api = self.apis[0] if self.apis else None
        request = () if self.type == "TOKEN" else ("method", "path", "query", "headers")
        self.fields_among(fields, ("token", *request))
        if self.type == "TOKEN":
            arn = "arn:aws:execute-api:us-east-1:123456789012:example/v1/GET/photos"
            return {"type": "TOKEN", "authorizationToken": fields.get("token", "Bearer example"), "methodArn": arn}
        method, path = str(fields.get("method", "GET")).upper(), str(fields.get("path", "/photos"))
        token = str(fields.get("token", "Bearer example"))
        headers = {str(name).lower(): str(value) for name, value in (fields.get("headers") or {}).items()}
        headers = {"host": "example.execute-api.us-east-1.amazonaws.com", "authorization": token, **headers}
        query = str(fields.get("query", ""))
        return (asked_by_rest if api and api.rest else asked_by_http)(method, path, query, headers)


START = "arn:aws:execute-api:us-east-1:123456789012:example/"


def asked_by_rest(method: str, path: str, query: str, headers: dict[str, str]) -> dict[str, Any]:
    """A REST API's question."""
    from urllib.parse import parse_qs

    several = parse_qs(query, keep_blank_values=True)
    return {
        "type": "REQUEST",
        "methodArn": f"{START}v1/{method}{path}",
        "resource": path,
        "path": path,
        "httpMethod": method,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": {name: values[-1] for name, values in several.items()},
        "multiValueQueryStringParameters": several,
        "pathParameters": {},
        "stageVariables": {},
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "example",
            "httpMethod": method,
            "identity": {"sourceIp": "203.0.113.10", "userAgent": "eventfw"},
            "path": f"/v1{path}",
            "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
            "resourcePath": path,
            "stage": "v1",
        },
    }


def asked_by_http(method: str, path: str, query: str, headers: dict[str, str]) -> dict[str, Any]:
    """An HTTP API's question, in format 2.0."""
    key = f"{method} {path}"
    return {
        "version": "2.0",
        "type": "REQUEST",
        "routeArn": f"{START}$default/{method}{path}",
        "identitySource": [headers["authorization"]],
        "routeKey": key,
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "example",
            "domainName": "example.execute-api.us-east-1.amazonaws.com",
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "203.0.113.10",
                "userAgent": "eventfw",
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": key,
            "stage": "$default",
            "time": "01/Jan/2026:00:00:00 +0000",
            "timeEpoch": 1767225600000,
        },
    }
