"""``@app.appsync_authorizer``: who may use an AppSync GraphQL API."""

from __future__ import annotations

from ..answering.choosing import Choosing, only_one
from ..answering.elsewhere import arn_of, check_named, end_of, id_in
from ..events import Event

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
            answer["deniedFields"] = list(denied_fields)
        if ttl is not None:
            answer["ttlOverride"] = ttl
        return answer

    def deny(self, *, ttl: int | None = None) -> dict[str, Any]:
        """The answer that refuses the request."""
        return {"isAuthorized": False, **({} if ttl is None else {"ttlOverride": ttl})}


class AppSyncAuthorizer(Choosing):
    """Run to allow or refuse the requests of an API whose authorization is ``AWS_LAMBDA``.

    ``api``: the GraphQL API, by ARN or id.

    The handler returns ``True``, ``False``, or an answer of ``event.allow(...)`` or ``event.deny()``. When it raises,
    the request is refused. AppSync waits 10 seconds.
    https://docs.aws.amazon.com/appsync/latest/devguide/security-authz.html
    """

    decorator = "appsync_authorizer"
    example = '@app.appsync_authorizer("abcdefghijklmnopqrstuvwxyz")'
    kinds = ("appsync_authorizer",)
    choices = ("api_id",)

    def __init__(self, api: str) -> None:
        super().__init__()
        self.graphql_api = api
        self.api_id = id_in(api, "apis")
        self.validate()

    def validate(self) -> None:
        check_named("appsync_authorizer", "a GraphQL API", self.graphql_api, "appsync", "apis")

    def key(self) -> Collection[tuple[str, str]]:
        return [(f"appsync authorizer {self.api_id}", f"The authorizer of API {self.api_id}")]

    def title(self) -> str:
        return f"appsync authorizer {self.api_id}"

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
        """The permission, for the API only, and the ARN that the API's settings take."""
        name = f"Authorizer{end_of(self.api_id)}"
        only_one(self, function, template, name + "Permission", "An API's authorization")
        template.permit(function, name, "appsync.amazonaws.com", arn_of(self.graphql_api, "appsync", "apis"))
        template.output(name + "FunctionArn", template.function_arn(function), f"The authorizer of API {self.api_id}")

    def sample(self, **fields: Any) -> dict[str, Any]:
        """A request. Fields: ``token``, ``query``, ``operation``, ``variables``, ``headers``, ``api_id``."""
        self.fields_among(fields, ("token", "query", "operation", "variables", "headers", "api_id"))
        return {
            "authorizationToken": fields.get("token", "example-token"),
            "requestContext": {
                "apiId": fields.get("api_id", self.api_id),
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
    context = answer.get("resolverContext") or {}
    for name, value in context.items():
        if not isinstance(value, (str, int, float)):
            raise TypeError(
                f"resolverContext is flat: {name!r} must be text, a number or a boolean, not {value!r:.80}."
            )
    from json import dumps

    size = len(dumps(context).encode())
    if size > CONTEXT_MAX:
        raise ValueError(f"resolverContext has {size} bytes, over the {CONTEXT_MAX} that AppSync takes.")
    ttl = answer.get("ttlOverride", 0)
    if isinstance(ttl, bool) or not isinstance(ttl, int) or not 0 <= ttl <= TTL_MAX:
        raise ValueError(f"ttlOverride must be 0 to {TTL_MAX} seconds, not {ttl!r}.")
    return answer
