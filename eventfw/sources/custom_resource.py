"""``@app.custom_resource``: CloudFormation creates, updates and deletes something of yours."""

from __future__ import annotations

from ..errors import ResourceError
from ..http import HTTPError
from ..models import built_in
from ..options import printable, refused, text, whole
from ..reporting import Reported, Reporting, reason
from ..resources.names import pascal
from ..resources.resource import Resource
from ..trigger import Finder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from typing import Any

    from ..function import Function
    from ..resources.resource import Template

BODY_MAX = 4096  # bytes of an answer: "The total size of the response body can't exceed 4096 bytes."
ID_MAX = 1024  # bytes of a physical id: "can be up to 1 KB in size"
NAME_MAX = 60  # characters of a type, `Custom::` not included
TIMEOUT_MAX = 3600  # seconds, ServiceTimeout
TRIES = 3  # of one answer
PATIENCE = 10  # seconds for one try
GRACE = 300  # seconds beyond the function's timeout until CloudFormation gives up: an event may wait to be run


class ResourceRequest(Reported):
    """What CloudFormation asks for.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requests.html
    """

    def __init__(self, raw: Any, context: Any = None) -> None:
        super().__init__(raw, context)
        self._physical_id = ""
        self._no_echo = False

    def summary(self) -> str:
        return f"{self.request_type} {self.logical_id}"

    @property
    def request_type(self) -> str:
        """``Create``, ``Update`` or ``Delete``."""
        return str(self.raw["RequestType"])

    @property
    def properties(self) -> dict[str, Any]:
        """The properties in the template. Numbers and booleans come as text, ``"true"`` and ``"5"``."""
        found: dict[str, Any] = self.raw.get("ResourceProperties") or {}
        return {name: value for name, value in found.items() if name not in ("ServiceToken", "ServiceTimeout")}

    @property
    def old_properties(self) -> dict[str, Any]:
        """On ``Update``, the properties before; else empty."""
        found: dict[str, Any] = self.raw.get("OldResourceProperties") or {}
        return {name: value for name, value in found.items() if name not in ("ServiceToken", "ServiceTimeout")}

    @property
    def physical_id(self) -> str:
        """What names the thing; set it on ``Create``. On ``Update`` another one makes CloudFormation delete the old."""
        return self._physical_id or str(self.raw.get("PhysicalResourceId") or self._made_up())

    @physical_id.setter
    def physical_id(self, value: str) -> None:
        self._physical_id = value

    def _made_up(self) -> str:
        """One that is the same when Lambda tries the event again."""
        stack = self.stack_id.split("/")[1] if "/" in self.stack_id else "stack"
        return f"{stack}-{self.logical_id}-{str(self.raw['RequestId'])[:8]}"

    @property
    def no_echo(self) -> bool:
        """Whether CloudFormation masks the data that is returned; set it to ``True`` for secrets."""
        return self._no_echo

    @no_echo.setter
    def no_echo(self, value: bool) -> None:
        self._no_echo = value

    @property
    def logical_id(self) -> str:
        """The resource's id in its template."""
        return str(self.raw["LogicalResourceId"])

    @property
    def resource_type(self) -> str:
        """The resource's type, such as ``Custom::Seed``."""
        return str(self.raw["ResourceType"])

    @property
    def stack_id(self) -> str:
        """The ARN of the stack that it is in."""
        return str(self.raw["StackId"])

    @property
    def request_id(self) -> str:
        """The id of this request; the same when Lambda tries the event again."""
        return str(self.raw["RequestId"])


class CustomResource(Reporting):
    """Run when CloudFormation creates, updates or deletes a resource of the type ``Custom::<name>``.

    ``name``: letters, digits, ``_``, ``@`` and ``-``, at most 60. ``instances``: resources of this type in the app's
    own stack, by logical id, each with its properties; resources of the app stand in them for their names.
    ``service_timeout``: seconds, 1-3600, after which CloudFormation gives up on an instance; 300 more than the function
    has unless said.

    CloudFormation is always answered, once: with the dict that the handler returns as the resource's attributes; when
    it raises, or the function is about to run out of time, with the failure. The physical id stays what it is unless
    the handler sets another. https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html
    """

    decorator = "custom_resource"
    example = '@app.custom_resource("Seed")'
    kinds = ("cloudformation_custom_resource",)

    def __init__(
        self,
        name: str,
        *,
        instances: Mapping[str, Mapping[str, Any]] | None = None,
        service_timeout: int | None = None,
    ) -> None:
        super().__init__()
        self.name = name
        self.instances: Mapping[str, Mapping[str, Any]] = {} if instances is None else instances
        self.service_timeout = service_timeout
        self.validate()

    def validate(self) -> None:
        text("custom_resource", "name", self.name, 'Write @app.custom_resource("Seed") for the type Custom::Seed.')
        if len(self.name) > NAME_MAX or not all(c.isascii() and (c.isalnum() or c in "_@-") for c in self.name):
            raise refused(
                f"CloudFormation refuses the type Custom::{self.name}: the name has 1 to {NAME_MAX} letters, digits, "
                f"_, @ and -."
            )
        if not hasattr(self.instances, "items"):
            raise refused(f"instances must be a dict of properties by logical id, not {self.instances!r}.")
        for logical_id, properties in self.instances.items():
            if not isinstance(logical_id, str) or not logical_id.isascii() or not logical_id.isalnum():
                raise refused(f"The logical id {logical_id!r} must be made of letters and digits. Rename the instance.")
            if not hasattr(properties, "items"):
                raise refused(f"The properties of {logical_id} must be a dict for custom_resource, not {properties!r}.")
            if set(properties) & {"ServiceToken", "ServiceTimeout"}:
                raise refused(f"{logical_id} gets ServiceToken and ServiceTimeout from eventfw. Remove them.")
        if self.service_timeout is not None:
            remedy = "Remove it for the function's timeout and 300 seconds."
            whole("custom_resource", "service_timeout", self.service_timeout, 1, TIMEOUT_MAX, remedy)

    @property
    def type_name(self) -> str:
        """The type in templates."""
        return f"Custom::{self.name}"

    def key(self) -> Collection[tuple[str, str]]:
        return [(f"custom resource {self.name}", f"The handler of {self.type_name}")]

    def title(self) -> str:
        return f"custom resource {self.type_name}"

    def parse(self, raw: Any, context: Any) -> ResourceRequest:
        return self.begun(ResourceRequest(raw, context))

    def payload(self, event: ResourceRequest) -> Any:
        """The properties, for a parameter that is a data class."""
        return event.properties

    def mismatch(self, raw: Any) -> str:
        found = raw["ResourceType"]
        return "" if found == self.type_name else f"type `{printable(found)}` is not `{self.type_name}`"

    @classmethod
    def index(cls, triggers: Sequence[CustomResource]) -> Finder:
        """By type. Of a type that none has, CloudFormation is told so, instead of waiting for an hour."""
        known = {trigger.type_name: position for position, trigger in enumerate(triggers)}

        def find(raw: Any) -> Collection[int]:
            return (known[raw["ResourceType"]],) if raw["ResourceType"] in known else ()

        def miss(kind: str, raw: Any) -> HTTPError | None:
            if kind not in cls.kinds or raw["ResourceType"] in known:
                return None
            return HTTPError(404, f"This function makes {', '.join(known)}, not {raw['ResourceType']}.")

        return Finder(find, exact=True, miss=miss)

    def report(self, result: Any, event: ResourceRequest) -> None:
        put(str(event.raw["ResponseURL"]), body_of(result, event))

    def resources(self, function: Function, template: Template) -> None:
        """The instances, and an output with what templates of other stacks say as ``ServiceToken``.

        CloudFormation invokes the function with the rights of whoever deploys the stack: no permission is needed.
        """
        arn = template.function_arn(function)
        template.output(pascal(self.name) + "ServiceToken", arn, f"ServiceToken of {self.type_name}")
        for logical_id, properties in self.instances.items():
            more = {name: in_template(value, template) for name, value in properties.items()}
            timeout = self.service_timeout or min(function.timeout + GRACE, TIMEOUT_MAX)
            template.add(logical_id, self.type_name, {"ServiceToken": arn, "ServiceTimeout": timeout, **more})
            for first in unseen([grant.resource for grant in function.uses], properties, more):
                if template.main is template and template.has(
                    first
                ):  # else what the app owns is in a stack that is there already
                    template.depend(logical_id, first)

    def sample(self, **fields: Any) -> dict[str, Any]:
        """A request. Fields: ``request_type``, ``properties``, ``old_properties``, ``physical_id``, ``logical_id``,
        ``response_url``."""
        known = ("request_type", "properties", "old_properties", "physical_id", "logical_id", "response_url")
        self.fields_among(fields, known)
        token = "arn:aws:lambda:us-east-1:123456789012:function:example"
        request_type = str(fields.get("request_type", "Create"))
        event = {
            "RequestType": request_type,
            "ServiceToken": token,
            "ResponseURL": str(fields.get("response_url", "https://cloudformation.example/answer")),
            "StackId": "arn:aws:cloudformation:us-east-1:123456789012:stack/example/0a1b2c3d",
            "RequestId": "7bfe2d54-710b-4e6e-9c5c-1a2b3c4d5e6f",
            "ResourceType": self.type_name,
            "LogicalResourceId": str(fields.get("logical_id", "Example")),
            "ResourceProperties": {"ServiceToken": token, **as_sent(fields.get("properties", {}))},
        }
        if request_type != "Create" or "physical_id" in fields:
            event["PhysicalResourceId"] = str(fields.get("physical_id", "example-1"))
        if request_type == "Update" or "old_properties" in fields:
            event["OldResourceProperties"] = {"ServiceToken": token, **as_sent(fields.get("old_properties", {}))}
        return event


def as_sent(value: Any) -> Any:
    """A property as CloudFormation sends it: numbers and booleans are text."""
    if isinstance(value, dict):
        return {name: as_sent(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_sent(inner) for inner in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, (int, float)) else value


def body_of(result: Any, event: ResourceRequest) -> bytes:
    """The answer as it is sent. What cannot be sent becomes a failure that says why."""
    answer: dict[str, Any] = {name: event.raw[name] for name in ("StackId", "RequestId", "LogicalResourceId")}
    given = event.raw.get("PhysicalResourceId") or event._made_up()
    if not isinstance(result, BaseException):
        try:
            answer |= {"Status": "SUCCESS", "PhysicalResourceId": checked_id(event.physical_id)}
            answer |= {"NoEcho": event.no_echo, "Data": checked_data(result)}
            return within_limit(answer)
        except (TypeError, ValueError) as error:
            result = error
    # A failed Create is followed by a Delete of what is named here; a failed Update leaves the old thing as it is.
    name = event.physical_id if event.request_type == "Create" else given
    whole_id = isinstance(name, str) and 0 < len(name.encode()) <= ID_MAX
    answer |= {"Status": "FAILED", "PhysicalResourceId": name if whole_id else given}
    answer.pop("NoEcho", None), answer.pop("Data", None)
    return shortened(answer, reason(result, BODY_MAX))


def checked_id(name: object) -> str:
    """A physical id that CloudFormation takes."""
    if not isinstance(name, str) or not 0 < len(name.encode()) <= ID_MAX:
        raise ValueError(f"physical_id must be text of 1 to {ID_MAX} bytes, not {printable(repr(name))}.")
    return name


def checked_data(result: Any) -> dict[str, Any]:
    """What the handler returned, if it is attributes by name."""
    if result is None:
        return {}
    if not isinstance(result, dict) or not all(isinstance(name, str) for name in result):
        raise TypeError(f"A custom resource returns a dict of attributes, or nothing, not {printable(repr(result))}.")
    return result


def within_limit(answer: dict[str, Any]) -> bytes:
    """The answer as JSON, if CloudFormation takes that much."""
    from json import dumps

    body = dumps(answer, allow_nan=False, default=built_in).encode()
    if len(body) > BODY_MAX:
        raise ValueError(f"The answer has {len(body)} bytes, and CloudFormation takes {BODY_MAX}. Return less.")
    return body


def shortened(answer: dict[str, Any], why: str) -> bytes:
    """A failure as JSON, with as much of its reason as there is room for."""
    from json import dumps

    while True:
        body = dumps({**answer, "Reason": why or "Failed."}).encode()
        if len(body) <= BODY_MAX or not why:
            return body
        why = why[: len(why) * 3 // 4]


def put(url: str, body: bytes) -> None:
    """Send an answer to the presigned URL. It must have no content type: the signature covers an empty one."""
    from http.client import HTTPConnection, HTTPException, HTTPSConnection
    from time import sleep
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    loopback = parts.hostname in ("127.0.0.1", "localhost", "::1")  # where an embedded AWS listens
    if parts.hostname is None or not (parts.scheme == "https" or (parts.scheme == "http" and loopback)):
        raise ResourceError(f"The answer to CloudFormation goes to an https URL, not to {printable(url)}.")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    for attempt in range(1, TRIES + 1):
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        connection = kind(parts.hostname, parts.port, timeout=PATIENCE)
        try:
            connection.request("PUT", target, body, {"Content-Type": ""})
            status = connection.getresponse().status
            if status < 300:
                return
            fault = f"was answered with {status}"
        except (OSError, HTTPException) as error:
            fault = f"failed ({type(error).__name__}: {error})"
        finally:
            connection.close()
        if attempt < TRIES:
            sleep(0.2 * attempt)
    raise ResourceError(f"The answer to CloudFormation {fault}, {TRIES} times. The stack waits until its timeout.")


def unseen(used: Iterable[Resource], properties: Any, written: Any) -> list[str]:
    """What an instance has to wait for, since its handler may use it, and to which no reference shows the order.

    Buckets are referred to by names, because they wait for their functions themselves.
    """
    from json import dumps

    text = dumps(written)
    ids = {each.logical_id for each in (*used, *resources_in(properties)) if each.owned}
    return sorted(one for one in ids if f'{{"Ref": "{one}"' not in text and f'{{"Fn::GetAtt": ["{one}"' not in text)


def resources_in(value: Any) -> Iterator[Resource]:
    """The app's resources among the properties."""
    if isinstance(value, Resource):
        yield value
    elif isinstance(value, (list, tuple)) or hasattr(value, "values"):
        for inner in value.values() if hasattr(value, "values") else value:
            yield from resources_in(inner)


def in_template(value: Any, template: Template) -> Any:
    """A property as a template has it: resources of the app are their real names."""
    if isinstance(value, Resource):
        return value.reference(template)
    if isinstance(value, dict):
        return {name: in_template(inner, template) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [in_template(inner, template) for inner in value]
    return value
