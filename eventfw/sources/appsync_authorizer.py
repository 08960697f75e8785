"""``@app.appsync_authorizer``: who may use an AppSync GraphQL API."""

from __future__ import annotations

from ..answering.choosing import Choosing, only_one
from ..events import Event
from ..options import refused, whole
from ..resources.graphql_api import GraphQLApi

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from typing import Any

    from ..function import Function
    from ..resources.resource import Template

CONTEXT_MAX = 5 * 1024 * 1024  # bytes of a resolverContext
TTL_MAX = 3600  # seconds
ANSWER = ("isAuthorized", "resolverContext", "deniedFields", "ttlOverride")


class AppSyncAuthorization(Event):
    """A request to allow or refuse. https://docs.aws.amazon.com/appsync/latest/devguide/security-authz.html"""

    def summary(self) -> str:
        return f"{self.api_id} {self.operation}".strip()

    @property
    def token(self) -> str:
        """The ``Authorization`` header."""
        return str(self.raw["authorizationToken"])

    @property
    def request_context(self) -> dict[str, Any]:
        """What AppSync says of the request."""
        return self.raw["requestContext"]  # type: ignore[no-any-return]

    @property
    def api_id(self) -> str:
        """The API's id."""
        return str(self.request_context["apiId"])

    @property
    def query(self) -> str:
        """The GraphQL document."""
        return str(self.request_context.get("queryString", ""))

    @property
    def operation(self) -> str:
        """The operation's name; ``""`` where it has none."""
        return str(self.request_context.get("operationName") or "")

    @property
    def variables(self) -> dict[str, Any]:
        """The document's variables by name."""
        return self.request_context.get("variables") or {}

    @property
    def headers(self) -> dict[str, str]:
        """The request's headers by lower-case name."""
        return {name.lower(): value for name, value in (self.raw.get("requestHeaders") or {}).items()}

    def allow(
        self, *, context: dict[str, Any] | None = None, denied_fields: Sequence[str] = (), ttl: int | None = None
    ) -> dict[str, Any]:
        """The answer that lets the request through.

        ``context`` is what resolvers get as ``event.resolver_context``: flat, at most 5 MB. ``denied_fields``
        (``Mutation.createPost`` or ARNs) become null. ``ttl`` is how many seconds the answer is kept for the token, 0
        for not at all, instead of what the API says.
        """
        answer: dict[str, Any] = {"isAuthorized": True}
        if context:
            answer["resolverContext"] = context
        if denied_fields:
            answer["deniedFields"] = denied_fields if isinstance(denied_fields, str) else list(denied_fields)
        if ttl is not None:
            answer["ttlOverride"] = ttl
        return answer

    def deny(self, *, ttl: int | None = None) -> dict[str, Any]:
        """The answer that refuses the request."""
        return {"isAuthorized": False, **({} if ttl is None else {"ttlOverride": ttl})}


class AppSyncAuthorizer(Choosing):
    """Run to allow or refuse the requests of an API whose authorization is ``AWS_LAMBDA``.

    ``api``: a GraphQL API that the app owns, or the ARN or id of an existing one. ``ttl``: seconds (0-3600) for which
    an owned API keeps an answer for its token, none unless said.

    The handler returns ``True``, ``False``, or an answer of ``event.allow(...)`` or ``event.deny()``. When it raises,
    the request is refused. AppSync waits 10 seconds.
    https://docs.aws.amazon.com/appsync/latest/devguide/security-authz.html
    """

    decorator = "appsync_authorizer"
    example = '@app.appsync_authorizer("abcdefghijklmnopqrstuvwxyz")'
    kinds = ("appsync_authorizer",)
    choices = ("api_id",)

    def __init__(self, api: GraphQLApi | str, *, ttl: int = 0) -> None:
        super().__init__()
        self.graphql_api = self.resource = GraphQLApi.of("appsync_authorizer", api)
        self.api_id = None if self.graphql_api.owned else self.graphql_api.key  # AWS makes the id of an owned one
        self.ttl = ttl
        self.validate()

    def validate(self) -> None:
        whole("appsync_authorizer", "ttl", self.ttl, 0, TTL_MAX, "Remove it to keep no answer.")
        if self.ttl and not self.graphql_api.owned:
            raise refused(
                "ttl is a setting of the API, which exists already. Set it there, or return event.allow(ttl=...)."
            )
        if self.graphql_api.owned and self.graphql_api.authorization != "AWS_LAMBDA":
            raise refused(
                f"The API {self.graphql_api.key!r} has authorization={self.graphql_api.authorization!r}, which asks no "
                f"function. Write app.graphql_api(..., authorization='AWS_LAMBDA')."
            )

    def key(self) -> Collection[tuple[str, str]]:
        return [(f"appsync authorizer {self.graphql_api.key}", f"The authorizer of API {self.graphql_api.key!r}")]

    def title(self) -> str:
        return f"appsync authorizer {self.graphql_api.key}"

    @classmethod
    def told(cls, raw: Any) -> tuple[str | None, ...]:
        return (raw["requestContext"]["apiId"],)

    def parse(self, raw: Any, context: Any) -> AppSyncAuthorization:
        return AppSyncAuthorization(raw, context)

    def encode(self, result: Any, event: AppSyncAuthorization) -> dict[str, Any]:
        if isinstance(result, bool):
            return {"isAuthorized": result}
        if not isinstance(result, dict) or not isinstance(result.get("isAuthorized"), bool):
            raise TypeError(
                f"An appsync_authorizer handler returns True, False, event.allow(...) or event.deny(), not "
                f"{result!r:.80}."
            )
        return checked_answer(result)

    def resources(self, function: Function, template: Template) -> None:
        """The permission, for the API only. An owned API is told of the function; for an existing one its ARN is an
        output, which the API's settings take."""
        api = self.graphql_api
        name = f"Authorizer{api.part}"
        only_one(self, function, template, name + "Permission", "An API's authorization")
        arn = template.function_arn(function)
        if not api.owned:
            template.permit(function, name, "appsync.amazonaws.com", api.arn_in(template))
            template.output(name + "FunctionArn", arn, f"The authorizer of API {api.key}")
            return
        if template.main is not template:
            raise self.refused(
                f"The API {api.key!r} is in the app's main stack, which is deployed before this one, and needs the "
                f"function. Mount the blueprint without stack=True, or move the authorizer."
            )
        template.permit(function, name, "appsync.amazonaws.com", api.arn_in(template))
        config = {"AuthorizerUri": arn, "AuthorizerResultTtlInSeconds": self.ttl}
        template.properties(api.logical_id)["LambdaAuthorizerConfig"] = config

    def sample(self, **fields: Any) -> dict[str, Any]:
        """A request. Fields: ``token``, ``query``, ``operation``, ``variables``, ``headers``, ``api_id``."""
        self.fields_among(fields, ("token", "query", "operation", "variables", "headers", "api_id"))
        return {
            "authorizationToken": fields.get("token", "example-token"),
            "requestContext": {
                "apiId": fields.get("api_id", self.api_id) or "abcdefghijklmnopqrstuvwxyz",
                "accountId": "123456789012",
                "requestId": "6c3d0a2e-0000-4000-8000-000000000000",
                "queryString": fields.get("query", "query Example { __typename }"),
                "operationName": fields.get("operation", "Example"),
                "variables": dict(fields.get("variables") or {}),
            },
            "requestHeaders": dict(fields.get("headers") or {}),
        }


def checked_answer(answer: dict[str, Any]) -> dict[str, Any]:
    """Refuse an authorizer's answer that AppSync would count as a refusal."""
    unknown = sorted(answer.keys() - set(ANSWER))
    if unknown:
        raise TypeError(f"An authorizer's answer has no {unknown[0]!r}; it has {', '.join(ANSWER)}.")
    denied = answer.get("deniedFields") or []
    if not isinstance(denied, list) or not all(isinstance(field, str) for field in denied):
        raise TypeError(f"deniedFields is a list such as ['Mutation.createPost'], not {denied!r:.80}.")
    context = answer.get("resolverContext") or {}
    if not isinstance(context, dict):
        raise TypeError(f"resolverContext has values by name, and is not {context!r:.80}.")
    for name, value in context.items():
        if not isinstance(value, (str, int, float)):
            raise TypeError(
                f"resolverContext is flat: {name!r} must be text, a number or a boolean, not {value!r:.80}."
            )
    from json import dumps

    size = len(dumps(context, ensure_ascii=False).encode(errors="replace"))
    if size > CONTEXT_MAX:
        raise ValueError(f"resolverContext has {size} bytes, over the {CONTEXT_MAX} that AppSync takes.")
    ttl = answer.get("ttlOverride", 0)
    if isinstance(ttl, bool) or not isinstance(ttl, int) or not 0 <= ttl <= TTL_MAX:
        raise ValueError(f"ttlOverride must be 0 to {TTL_MAX} seconds, not {ttl!r}.")
    return answer
