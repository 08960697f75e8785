"""Lambda's Invoke in its three forms, as SDKs send it and expect it answered.

https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
https://docs.aws.amazon.com/lambda/latest/api/API_InvokeWithResponseStream.html
https://docs.aws.amazon.com/lambda/latest/api/API_InvokeAsync.html
"""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote

from eventfw.errors import EventfwError
from eventfw.resources.names import LOCAL_ACCOUNT
from eventfw.tools.local.lambdas import event_stream
from eventfw.tools.local.lambdas.service import LambdaService
from eventfw.tools.local.lambdas.versions import UnknownFunction
from eventfw.tools.local.web.asgi import BodyTooLarge, HttpRequest, HttpResponse, Receive, body_of
from eventfw.tools.local.workers.results import Result, Throttled, new_request_id

INVOKE, STREAM, ASYNC = "invocations", "response-streaming-invocations", "invoke-async"
DATES = {INVOKE: "2015-03-31", STREAM: "2021-11-15", ASYNC: "2014-11-13"}
PATH = re.compile(r"/(\d{4}-\d\d-\d\d)/functions/([^/]+)/(" + "|".join(DATES) + r")/?")
CHANGED = re.compile(r"/2015-03-31/functions/[^/]+/(?:versions|aliases)")
NAME = re.compile(r"(?:(?:arn:aws[a-z-]*:lambda:([^:]*):)?(\d{12}):)?(?:function:)?([\w-]+)(?::([\w$-]+))?", re.ASCII)

TYPES = {INVOKE: ("Event", "RequestResponse", "DryRun"), STREAM: ("RequestResponse", "DryRun"), ASYNC: ("Event",)}
LOG_TAIL = 4096  # bytes
REQUEST_LIMIT = 6 * 1024 * 1024  # bytes of a synchronous event
EVENT_LIMIT = 1024 * 1024  # and of an asynchronous one
CONTEXT_LIMIT = 3583  # bytes of a client context, encoded
RETRY_AFTER = "1"  # seconds

NO_TENANT = "Add a valid tenant ID in your request and try again."
TENANCY = {True: "enabled with", False: "not enabled with"}


def _no_number(word: str) -> None:
    raise ValueError(f"{word} is no JSON")


JSON = json.JSONDecoder(parse_constant=_no_number)
"""What Lambda takes for an event: by itself Python's takes NaN and Infinity, too."""


class Refused(Exception):
    """Lambda does not take a request: the status, the name of the error, and its message."""

    def __init__(self, status: int, kind: str, message: str, **more: str) -> None:
        super().__init__(message)
        self.response = refused(status, kind, message, **more)


@dataclass(frozen=True)
class Call:
    """Which function a request is to run, and by which operation: :data:`INVOKE`, :data:`STREAM` or :data:`ASYNC`."""

    operation: str
    function: str
    qualifier: str = ""
    region: str = ""
    account: str = ""


@dataclass(frozen=True)
class Invocation:
    """How it is to be run."""

    type: str = "RequestResponse"
    tail: bool = False
    client_context: dict[str, Any] | None = None
    tenant: str = ""


class InvokeApi:
    """Answers for the app's functions; those of others, elsewhere or of another account are the embedded AWS's."""

    def __init__(self, lambdas: LambdaService) -> None:
        self.lambdas = lambdas

    def call(self, request: HttpRequest) -> Call | None:
        """What a request asks for, if that is to run a function of the app."""
        found = called(request)
        return found if found is not None and is_ours(found, self.lambdas) else None

    def passed(self, request: HttpRequest) -> None:
        """See a request that the embedded AWS has answered: it may have changed a version or an alias."""
        if request.method != "GET" and CHANGED.match(request.path):
            self.lambdas.versions.forget()

    async def answer(self, call: Call, request: HttpRequest, receive: Receive) -> HttpResponse:
        """Run the function, or say why not."""
        try:
            return await self._answer(call, request, receive)
        except Refused as refusal:
            return refusal.response
        except Throttled as error:
            self.lambdas.terminal.problem(f"{call.function} was throttled: {error}")
            return throttled(error)
        except EventfwError as error:
            self.lambdas.terminal.problem(str(error))
            return refused(503, "ServiceException", str(error))

    async def _answer(self, call: Call, request: HttpRequest, receive: Receive) -> HttpResponse:
        qualifier = qualifier_of(call, request)
        how = invocation(call, request)
        self._check_tenant(call.function, how)
        payload = await payload_of(request, receive, how.type)
        version = await self._version(call.function, qualifier)
        if how.type == "DryRun":
            return HttpResponse(204, [("x-amz-executed-version", version), ("x-amzn-requestid", new_request_id())])
        if how.type == "Event":
            id_ = self.lambdas.accept(call.function, payload, source="invoke", qualifier=qualifier, tenant=how.tenant)
            body = b'{"Status":202}' if call.operation == ASYNC else b""
            return HttpResponse(202, [("x-amzn-requestid", id_)], body)
        result = await self.lambdas.invoke(
            call.function,
            payload,
            client_context=how.client_context,
            qualifier=qualifier,
            version=version,
            tenant=how.tenant,
            source="invoke",
        )
        return streamed(result, how, version) if call.operation == STREAM else answered(result, how, version)

    async def _version(self, function: str, qualifier: str) -> str:
        try:
            return await self.lambdas.versions.version(function, qualifier)
        except UnknownFunction:
            arn = f"{self.lambdas.arn(function)}:{qualifier}"
            raise Refused(404, "ResourceNotFoundException", f"Function not found: {arn}") from None

    def _check_tenant(self, function: str, how: Invocation) -> None:
        isolated = bool(self.lambdas.configuration(function).tenant_isolation_mode)
        if isolated != bool(how.tenant):
            remedy = NO_TENANT if isolated else "Remove the tenant ID from your request and try again."
            message = f"The invoked function is {TENANCY[isolated]} tenancy configuration. {remedy}"
            raise Refused(400, "InvalidParameterValueException", message)


def is_ours(call: Call, lambdas: LambdaService) -> bool:
    """Whether a function is the app's: not one of another region or account that is called like it."""
    here = call.region in ("", lambdas.region) and call.account in ("", LOCAL_ACCOUNT)
    return here and lambdas.known(call.function)


def called(request: HttpRequest) -> Call | None:
    """The function that a request names: by its name, its ARN or a part of that, with or without a qualifier."""
    path = PATH.fullmatch(request.path) if request.method == "POST" else None
    if path is None or DATES[path[3]] != path[1]:
        return None
    return called_name(path[2], path[3])


def called_name(encoded: str, operation: str = "") -> Call | None:
    """The function that a part of a path names."""
    named = NAME.fullmatch(unquote(encoded))
    if named is None:
        return None
    region, account, function, qualifier = named.groups(default="")
    return Call(operation, function, qualifier, region, account)


def qualifier_of(call: Call, request: HttpRequest) -> str:
    """The version or alias, which the name may have, or the query string, or both alike."""
    said = "".join(parse_qs(request.query).get("Qualifier", [])[:1])
    if said and call.qualifier and said != call.qualifier:
        message = "The derived qualifier from the function name does not match the specified qualifier."
        raise Refused(400, "InvalidParameterValueException", message)
    return said or call.qualifier


def invocation(call: Call, request: HttpRequest) -> Invocation:
    """The headers of a request."""
    types = TYPES[call.operation]
    type_ = request.header("x-amz-invocation-type") or ("Event" if call.operation == ASYNC else "RequestResponse")
    if type_ not in types:
        message = (
            f"1 validation error detected: Value '{type_}' at 'invocationType' failed to satisfy constraint: "
            f"Member must satisfy enum value set: [{', '.join(types)}]"
        )
        raise Refused(400, "ValidationException", message)
    context = client_context(request.header("x-amz-client-context"))
    tail = request.header("x-amz-log-type") == "Tail"
    return Invocation(type_, tail, context, request.header("x-amz-tenant-id"))


def client_context(encoded: str) -> dict[str, Any] | None:
    """What a client says of itself. Lambda hands it to functions that are invoked synchronously."""
    if not encoded:
        return None
    if len(encoded) > CONTEXT_LIMIT:
        raise Refused(
            400, "InvalidRequestContentException", f"Client context must be at most {CONTEXT_LIMIT} bytes, encoded."
        )
    try:
        context = json.loads(b64decode(encoded, validate=True))
    except (ValueError, RecursionError):
        context = None
    if not isinstance(context, dict):
        message = "Client context must be a valid Base64-encoded JSON object."
        raise Refused(400, "InvalidRequestContentException", message)
    return context


async def payload_of(request: HttpRequest, receive: Receive, type_: str) -> bytes:
    """The event. Nothing stands for an empty object.

    The API reference calls the error of one that is too long RequestTooLargeException; Lambda answers by another name.
    """
    limit = EVENT_LIMIT if type_ == "Event" else REQUEST_LIMIT
    try:
        payload = await body_of(request, receive, REQUEST_LIMIT) or b"{}"
    except BodyTooLarge:
        message = f"Request must be smaller than {REQUEST_LIMIT} bytes for the InvokeFunction operation"
        raise Refused(413, "RequestEntityTooLargeException", message) from None
    if len(payload) > limit:
        message = f"{len(payload)} byte payload is too large for the {type_} invocation type (limit {limit} bytes)"
        raise Refused(413, "RequestEntityTooLargeException", message)
    try:
        JSON.decode(payload.decode())
    except (ValueError, RecursionError) as error:
        message = f"Could not parse request body into json: Could not parse payload into json: {error}"
        raise Refused(400, "InvalidRequestContentException", message) from None
    return payload


def answered(result: Result, how: Invocation, version: str) -> HttpResponse:
    """The response to Invoke."""
    headers = [
        ("content-type", "application/json"),
        ("x-amz-executed-version", version),
        ("x-amzn-requestid", result.request_id),
    ]
    if result.error:
        headers.append(("x-amz-function-error", "Unhandled"))
    if how.tail:
        headers.append(("x-amz-log-result", log_tail(result)))
    return HttpResponse(200, headers, result.payload)


def streamed(result: Result, how: Invocation, version: str) -> HttpResponse:
    """The response to InvokeWithResponseStream. A handler that returns its result at once streams it at once."""
    complete = {"ErrorCode": "Unhandled", "ErrorDetails": result.payload.decode()} if result.error else {}
    if how.tail:
        complete["LogResult"] = log_tail(result)
    headers = [
        ("content-type", "application/vnd.amazon.eventstream"),
        ("x-amz-executed-version", version),
        ("x-amzn-requestid", result.request_id),
    ]
    return HttpResponse(200, headers, event_stream.response(result.payload, complete))


def log_tail(result: Result) -> str:
    """The end of the invocation's log, encoded."""
    return b64encode(result.logs.encode()[-LOG_TAIL:]).decode()


def throttled(error: Throttled) -> HttpResponse:
    """The response where no more may run. SDKs try again."""
    response = refused(429, "TooManyRequestsException", "Rate Exceeded.", Reason=error.reason)
    return HttpResponse(429, [*response.headers, ("retry-after", RETRY_AFTER)], response.body)


def refused(status: int, kind: str, message: str, **more: str) -> HttpResponse:
    """An error that SDKs of every service show with its message."""
    headers = [
        ("content-type", "application/json"),
        ("x-amzn-errortype", kind),
        ("x-amzn-requestid", new_request_id()),
    ]
    document = {"Type": "User", "__type": kind, "message": message, **more}
    return HttpResponse(status, headers, json.dumps(document).encode())
