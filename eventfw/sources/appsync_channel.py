"""``@app.appsync_channel``: what is published to the channels of an AppSync Event API, and who subscribes to them."""

from __future__ import annotations

from ..answering.choosing import Choosing
from ..errors import users_traceback
from ..events import Event
from ..http import plain
from ..options import one_of, refused
from ..resources.appsync import data_source
from ..resources.elsewhere import arn_of, check_named, end_of, id_in
from ..resources.names import pascal
from ..resources.raw import RawResource

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from typing import Any

    from ..calling import Binding
    from ..function import Function
    from ..resources.resource import Template

API = "AWS::AppSync::Api"
HANDLERS = {"PUBLISH": "OnPublish", "SUBSCRIBE": "OnSubscribe"}
NAMESPACE_MAX = 50  # characters


class AppSyncChannelEvent(Event):
    """A subscription, or what a message came by.

    https://docs.aws.amazon.com/appsync/latest/eventapi/direct-lambda-integrations.html
    """

    def summary(self) -> str:
        return f"{self.operation} {self.channel}"

    @property
    def info(self) -> dict[str, Any]:
        """The channel and the operation, as AppSync sent them."""
        return self.raw["info"]  # type: ignore[no-any-return]

    @property
    def operation(self) -> str:
        """``PUBLISH`` or ``SUBSCRIBE``."""
        return str(self.info.get("operation", ""))

    @property
    def channel(self) -> str:
        """The channel's path: ``/orders/eu/7``; a subscriber's may end in ``/*``."""
        return str(self.info["channel"].get("path", ""))

    @property
    def segments(self) -> list[str]:
        """The parts of the path, the namespace first: ``["orders", "eu", "7"]``."""
        return self.info["channel"].get("segments") or []

    @property
    def namespace(self) -> str:
        """The channel's namespace."""
        return str((self.info.get("channelNamespace") or {}).get("name", ""))

    @property
    def identity(self) -> dict[str, Any]:
        """Who asks. Its form follows the API's authorization; empty with an API key."""
        return self.raw.get("identity") or {}

    @property
    def headers(self) -> dict[str, str]:
        """The request's headers by lower-case name."""
        found = (self.raw.get("request") or {}).get("headers") or {}
        return {name.lower(): value for name, value in found.items()}


class AppSyncMessage(AppSyncChannelEvent):
    """One message that was published."""

    def __init__(self, raw: Any, context: Any = None, message: Any = None) -> None:
        super().__init__(raw, context)
        self._message: dict[str, Any] = message if message is not None else raw["events"][0]
        self.dropped = False

    def summary(self) -> str:
        return f"{self.id} to {self.channel}"

    @property
    def id(self) -> str:
        """The message's id."""
        return str(self._message["id"])

    @property
    def payload(self) -> Any:
        """What was published."""
        return self._message.get("payload")

    def drop(self) -> None:
        """Have the message reach no subscriber, without an error."""
        self.dropped = True


class AppSyncPublication(AppSyncChannelEvent):
    """The messages of one invocation, all to one channel."""

    def __init__(self, raw: Any, context: Any = None) -> None:
        super().__init__(raw, context)
        self.messages = [AppSyncMessage(raw, context, message) for message in raw.get("events") or ()]

    def __iter__(self) -> Iterator[AppSyncMessage]:
        return iter(self.messages)

    def __len__(self) -> int:
        return len(self.messages)


class AppSyncChannel(Choosing):
    """Run for the messages of a namespace's channels, or for those who subscribe to them.

    ``api``: an Event API, by ARN or id, or one made with ``app.resource(..., "AWS::AppSync::Api", ...)``.
    ``namespace``: the namespace, which the app creates. ``operation``: ``PUBLISH``, to run once for each message, or
    ``SUBSCRIBE``.

    For a message, what the handler returns is published in its place, and nothing leaves it as it is; when it raises,
    the message reaches nobody, and its publisher is told why. A subscription is refused when the handler raises.
    https://docs.aws.amazon.com/appsync/latest/eventapi/direct-lambda-integrations.html
    """

    decorator = "appsync_channel"
    example = '@app.appsync_channel("abcdefghijklmnopqrstuvwxyz", "orders")'
    kinds = ("appsync_events",)
    choices = ("namespace", "operation")

    def __init__(self, api: RawResource | str, namespace: str, *, operation: str = "PUBLISH") -> None:
        super().__init__()
        self.event_api = api
        self.resource = self.owned = api if isinstance(api, RawResource) else None
        self.namespace = namespace
        self.operation = operation
        self.validate()

    def validate(self) -> None:
        if self.owned is None:
            check_named("appsync_channel", "an Event API", self.event_api, "appsync", "apis")
        elif self.owned.cloudformation_type != API:
            raise refused(f"An Event API is of type {API}, and {self.owned!r} is not.")
        name = self.namespace
        good = isinstance(name, str) and name.isascii() and name.replace("-", "").isalnum() and name.strip("-") == name
        if not good or len(name) > NAMESPACE_MAX:
            raise refused(
                f"namespace must be 1 to {NAMESPACE_MAX} letters, digits and hyphens, none at its ends, for "
                f"appsync_channel, not {name!r}."
            )
        one_of("appsync_channel", "operation", self.operation, HANDLERS)

    @property
    def _id(self) -> str:
        return self.owned.key if self.owned is not None else id_in(self.event_api, "apis")

    def key(self) -> Collection[tuple[str, str]]:
        return [(f"channel {self._id} {self.asked}", f"The handler of {self.title()}")]

    def title(self) -> str:
        return f"appsync channel /{self.namespace} {self.operation}"

    @classmethod
    def told(cls, raw: Any) -> tuple[str | None, ...]:
        return raw["info"]["channelNamespace"]["name"], raw["info"]["operation"]

    def parse(self, raw: Any, context: Any) -> AppSyncChannelEvent:
        return AppSyncPublication(raw, context) if self.operation == "PUBLISH" else AppSyncChannelEvent(raw, context)

    def payload(self, event: AppSyncChannelEvent) -> Any:
        """What was published; of a subscription, what AppSync says of the channel."""
        return event.payload if isinstance(event, AppSyncMessage) else event.info

    def call(self, binding: Binding, event: AppSyncChannelEvent) -> Any:
        if not isinstance(event, AppSyncPublication):
            return binding(event, event.context)
        answers = []
        for message in event:
            try:
                result = binding(message, event.context)
            except Exception as error:
                import logging

                # The invocation succeeds and reports the message, so nobody else would log why.
                reason = (type(error), error, users_traceback(error))
                logging.getLogger("eventfw").error("Message %s failed.", message.id, exc_info=reason)
                answers.append({"id": message.id, "error": str(error) or type(error).__name__})
                continue
            if not message.dropped:
                answers.append({"id": message.id, "payload": message.payload if result is None else plain(result)})
        return {"events": answers}

    def encode(self, result: Any, event: AppSyncChannelEvent) -> Any:
        if isinstance(event, AppSyncPublication) or result is None:
            return result
        raise TypeError(
            f"A handler of subscriptions returns nothing, and raises to refuse one; it does not return {result!r:.80}."
        )

    def resources(self, function: Function, template: Template) -> None:
        """The namespace, which sends what happens to the function; the function as the API's data source, with a role
        that may invoke it and nothing else. The embedded AWS knows no namespaces."""
        if template.local:
            return
        owned = self.owned is not None
        part = pascal(self._id) if owned else end_of(self._id)
        api_id = template.reference(self._id, "ApiId") if owned else self._id
        api_arn = template.reference(self._id, "ApiArn") if owned else arn_of(str(self.event_api), "appsync", "apis")
        source = data_source(template, function, part, api_id, api_arn)
        name = f"{pascal(self.namespace)}{part}Namespace"
        if not template.has(name):
            namespace: dict[str, Any] = {"ApiId": api_id, "Name": self.namespace, "HandlerConfigs": {}}
            template.add(name, "AWS::AppSync::ChannelNamespace", namespace)
        template.properties(name)["HandlerConfigs"][HANDLERS[self.operation]] = {
            "Behavior": "DIRECT",
            "Integration": {
                "DataSourceName": source,
                "LambdaConfig": {"InvokeType": "REQUEST_RESPONSE"},
            },
        }

    def sample(self, **fields: Any) -> dict[str, Any]:
        """A message, or a subscription. Fields: ``payload``; ``payloads``, a list, for several messages; ``channel``,
        ``identity``, ``headers``, ``namespace``, ``operation``."""
        known = ("payload", "payloads", "channel", "identity", "headers", "namespace", "operation")
        self.fields_among(fields, known)
        namespace = fields.get("namespace", self.namespace)
        path = str(fields.get("channel", f"/{namespace}/example"))
        operation = fields.get("operation", self.operation)
        payloads = fields.get("payloads", [fields.get("payload", {})])
        messages = [{"id": f"00000000-0000-4000-8000-{at:012d}", "payload": one} for at, one in enumerate(payloads, 1)]
        return {
            "identity": fields.get("identity"),
            "request": {"headers": dict(fields.get("headers") or {}), "domainName": None},
            "info": {
                "channel": {"path": path, "segments": path.strip("/").split("/")},
                "channelNamespace": {"name": namespace},
                "operation": operation,
            },
            "events": messages if operation == "PUBLISH" else None,
            "prev": None,
            "stash": {},
            "error": None,
        }
