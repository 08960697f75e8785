"""``@app.appsync_resolver``: the fields of an AppSync GraphQL API."""

from __future__ import annotations

from ..errors import users_traceback
from ..events import Event
from ..http import plain
from ..options import flag, refused, whole
from ..resources.appsync import data_source
from ..resources.graphql_api import GraphQLApi
from ..resources.names import pascal
from ..trigger import Trigger, filed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from typing import Any

    from ..calling import Binding
    from ..function import Function
    from ..resources.resource import Template
    from ..rules.witness import Effort
    from ..trigger import Finder

BATCH_MAX = 2000  # CreateResolver's maxBatchSize


class AppSyncEvent(Event):
    """A field to resolve. https://docs.aws.amazon.com/appsync/latest/devguide/resolver-context-reference.html"""

    def summary(self) -> str:
        return f"{self.type_name}.{self.field_name}"

    @property
    def info(self) -> dict[str, Any]:
        """What AppSync says of the field: ``selectionSetList``, ``variables``..."""
        return self.raw.get("info") or {}

    @property
    def type_name(self) -> str:
        """The type that the field belongs to: ``Query``, ``Mutation``, ``Post``."""
        return str(self.info.get("parentTypeName") or self.raw.get("typeName", ""))

    @property
    def field_name(self) -> str:
        """The field's name."""
        return str(self.info.get("fieldName") or self.raw.get("fieldName", ""))

    @property
    def arguments(self) -> dict[str, Any]:
        """The field's arguments by name."""
        return self.raw.get("arguments") or {}

    @property
    def source(self) -> dict[str, Any]:
        """The object that the field belongs to; empty for a field of ``Query`` or ``Mutation``."""
        return self.raw.get("source") or {}

    @property
    def identity(self) -> dict[str, Any]:
        """Who asks. Its form follows the API's authorization; empty with an API key."""
        return self.raw.get("identity") or {}

    @property
    def username(self) -> str:
        """The user's name with Cognito or IAM, else ``""``."""
        return str(self.identity.get("username") or "")

    @property
    def claims(self) -> dict[str, Any]:
        """The token's claims with Cognito or OpenID Connect, else empty."""
        return self.identity.get("claims") or {}

    @property
    def resolver_context(self) -> dict[str, Any]:
        """What the Lambda authorizer added, else empty."""
        return self.identity.get("resolverContext") or {}

    @property
    def headers(self) -> dict[str, str]:
        """The request's headers by lower-case name."""
        found = (self.raw.get("request") or {}).get("headers") or {}
        return {name.lower(): value for name, value in found.items()}

    @property
    def selection(self) -> list[str]:
        """The fields asked for inside this one, with ``/`` between levels: ``author/name``."""
        return self.info.get("selectionSetList") or []

    @property
    def stash(self) -> dict[str, Any]:
        """What earlier functions of a pipeline stored."""
        return self.raw.get("stash") or {}

    @property
    def prev(self) -> Any:
        """What the function before gave, in a pipeline, else ``None``."""
        return (self.raw.get("prev") or {}).get("result")


class AppSyncBatch(Event):
    """One field of many objects, in AppSync's order."""

    def __init__(self, raw: Any, context: Any = None) -> None:
        super().__init__(raw, context)
        self.events = [AppSyncEvent(each, context) for each in (raw if isinstance(raw, list) else [raw])]

    def summary(self) -> str:
        return f"{len(self)} of {self.events[0].summary()}"

    def __iter__(self) -> Iterator[AppSyncEvent]:
        return iter(self.events)

    def __len__(self) -> int:
        return len(self.events)


class AppSyncResolver(Trigger):
    """Run for a field of an API: a direct Lambda resolver, without mapping templates.

    ``api``: a GraphQL API that the app owns, or the ARN or id of an existing one. ``type_name`` and ``field_name``:
    the field, ``Query`` and ``post``. ``max_batch_size``: have AppSync resolve the field of up to so many objects
    (1-2000) in one invocation, for fields of list items; the handler still runs once for each. ``batch``: hand over all
    of them in one call, which returns a list of as many values in their order; an exception in it fails that item.

    What the handler returns is the field's value, as JSON. When it raises, the field is null and its error, with the
    exception's message, stands in ``errors``. AppSync waits 30 seconds.
    https://docs.aws.amazon.com/appsync/latest/devguide/direct-lambda-reference.html
    """

    decorator = "appsync_resolver"
    example = '@app.appsync_resolver("abcdefghijklmnopqrstuvwxyz", "Query", "post")'
    kinds = ("appsync_resolver", "appsync_batch_resolver")

    def __init__(
        self,
        api: GraphQLApi | str,
        type_name: str,
        field_name: str,
        *,
        max_batch_size: int | None = None,
        batch: bool = False,
    ) -> None:
        super().__init__()
        self.graphql_api = self.resource = GraphQLApi.of("appsync_resolver", api)
        self.type_name = type_name
        self.field_name = field_name
        self.max_batch_size = max_batch_size
        self.batch = batch
        self.validate()

    def validate(self) -> None:
        for option in ("type_name", "field_name"):
            value = getattr(self, option)
            if not isinstance(value, str) or not value.isidentifier() or not value.isascii():
                raise refused(
                    f"{option} must be a name of the schema for appsync_resolver, not {value!r}. Write "
                    f"{self.example.partition('@')[2]} for the field post of Query."
                )
        if self.max_batch_size is not None:
            whole("appsync_resolver", "max_batch_size", self.max_batch_size, 1, BATCH_MAX, "Remove it for no batches.")
        if flag("appsync_resolver", "batch", self.batch) and self.max_batch_size is None:
            raise refused("batch=True needs max_batch_size=1 or more: AppSync sends no batches without it.")

    def key(self) -> Collection[tuple[str, str]]:
        return [
            (f"appsync {self.graphql_api.key} {self.type_name}.{self.field_name}", f"The resolver of {self.title()}")
        ]

    def title(self) -> str:
        batched = f" max_batch_size={self.max_batch_size}" if self.max_batch_size else ""
        return f"appsync {self.graphql_api.key} {self.type_name}.{self.field_name}{batched}"

    def mismatch(self, raw: Any) -> str:
        found, wanted = ".".join(field_of(raw)), f"{self.type_name}.{self.field_name}"
        return "" if found == wanted else f"field `{found}` is not `{wanted}`"

    @classmethod
    def index(cls, triggers: Sequence[AppSyncResolver]) -> Finder:
        """By the field. An event does not say which API it comes from."""
        return filed(([(each.type_name, each.field_name)] for each in triggers), lambda raw: [field_of(raw)])

    def overlap(self, other: Trigger, effort: Effort) -> Any:
        if isinstance(other, AppSyncResolver) and self.mismatch(other.sample()) == "":
            return self.sample()
        return None

    def parse(self, raw: Any, context: Any) -> AppSyncEvent | AppSyncBatch:
        return AppSyncBatch(raw, context) if isinstance(raw, list) or self.batch else AppSyncEvent(raw, context)

    def payload(self, event: AppSyncEvent | AppSyncBatch) -> Any:
        """The arguments."""
        return event.arguments if isinstance(event, AppSyncEvent) else [each.arguments for each in event]

    def call(self, binding: Binding, event: AppSyncEvent | AppSyncBatch) -> Any:
        if self.batch or isinstance(event, AppSyncEvent):
            return binding(event, event.context)
        results: list[Any] = []
        for each in event:
            try:
                results.append(binding(each, event.context))
            except Exception as error:
                import logging

                # The invocation succeeds and reports the item, so nobody else would log why.
                reason = (type(error), error, users_traceback(error))
                logging.getLogger("eventfw").error("%s failed.", each.summary(), exc_info=reason)
                results.append(error)
        return results

    def encode(self, result: Any, event: AppSyncEvent | AppSyncBatch) -> Any:
        if isinstance(event, AppSyncEvent):
            return plain(result)
        if not isinstance(result, list) or len(result) != len(event):
            count = f"{len(result)} values" if isinstance(result, list) else f"{result!r:.80}"
            raise TypeError(f"A batch of {len(event)} needs a list of as many values, in their order, not {count}.")
        answer = [item(each) for each in result]
        if isinstance(event.raw, list):
            return answer
        if isinstance(result[0], BaseException):
            raise result[0]
        return plain(result[0])

    def resources(self, function: Function, template: Template) -> None:
        """The resolver; the function as the API's data source, with a role that may invoke it and nothing else. The
        embedded AWS has no API that exists elsewhere."""
        api = self.graphql_api
        if template.local and not api.owned:
            return
        source = data_source(template, function, api.part, api.id_in(template), api.arn_in(template))
        resolver: dict[str, Any] = {
            "ApiId": api.id_in(template),
            "TypeName": self.type_name,
            "FieldName": self.field_name,
            "DataSourceName": source,
            "Kind": "UNIT",
        }
        if self.max_batch_size:
            resolver["MaxBatchSize"] = self.max_batch_size
        logical_id = f"{pascal(self.type_name)}{pascal(self.field_name)}{api.part}Resolver"
        schema = [api.schema_id] if api.owned and template.main is template else []
        template.add(logical_id, "AWS::AppSync::Resolver", resolver, depends_on=schema)

    def sample(self, **fields: Any) -> Any:
        """A field to resolve; where batches are asked for, a batch of one. Fields: ``arguments``, ``source``,
        ``identity``, ``headers``, ``selection``; ``sources``, a list, makes a batch of as many."""
        self.fields_among(fields, ("arguments", "source", "sources", "identity", "headers", "selection"))
        sources = fields.get("sources", [fields.get("source")])
        events = [
            {
                "arguments": dict(fields.get("arguments") or {}),
                "identity": fields.get("identity"),
                "source": source,
                "request": {"headers": dict(fields.get("headers") or {}), "domainName": None},
                "prev": None,
                "info": {
                    "selectionSetList": list(fields.get("selection") or ()),
                    "selectionSetGraphQL": "",
                    "fieldName": self.field_name,
                    "parentTypeName": self.type_name,
                    "variables": {},
                },
                "stash": {},
            }
            for source in sources
        ]
        return events if self.max_batch_size or "sources" in fields else events[0]


def field_of(raw: Any) -> tuple[str, str]:
    """The type and name of the field that an event asks for; all items of a batch are of one field. A mapping template
    may send them as ``typeName`` and ``fieldName``."""
    event = raw[0] if isinstance(raw, list) else raw
    info = event.get("info") or {}
    return str(info.get("parentTypeName") or event["typeName"]), str(info.get("fieldName") or event["fieldName"])


def item(value: Any) -> dict[str, Any]:
    """One result of a batch, in the form of a direct resolver."""
    if isinstance(value, BaseException):
        return {"data": None, "errorMessage": str(value), "errorType": type(value).__name__}
    return {"data": plain(value), "errorMessage": None, "errorType": None}
