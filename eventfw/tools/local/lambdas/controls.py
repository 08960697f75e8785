"""What clients ask and change of functions' concurrency, asynchronous invocation and recursion, at run time.

The embedded AWS knows none of it as the app has it, and would throttle by itself what was changed in it.

https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionConcurrency.html
https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionEventInvokeConfig.html
https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionRecursionConfig.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from eventfw.tools.local.lambdas.api import Refused, called_name, is_ours
from eventfw.tools.local.lambdas.configuration import EVENT_AGE, RETRIES, FunctionConfiguration
from eventfw.tools.local.lambdas.service import LambdaService
from eventfw.tools.local.web.asgi import BodyTooLarge, HttpRequest, HttpResponse, Receive, body_of
from eventfw.tools.local.workers.results import LATEST

CONCURRENCY, ASYNCHRONOUS, RECURSION = "concurrency", "event-invoke-config", "recursion-config"
PATH = re.compile(rf"/\d{{4}}-\d\d-\d\d/functions/([^/]+)/({CONCURRENCY}|{ASYNCHRONOUS}|{RECURSION})/?")
LOOPS = ("Allow", "Terminate")
BODY_LIMIT = 64 * 1024  # bytes
UNRESERVED = 100  # what an account must have left for functions that reserve nothing
DEFAULTS = {
    "maximum_retry_attempts": RETRIES,
    "maximum_event_age": EVENT_AGE,
    "on_success": "",
    "on_failure": "",
}
DESTINATION = re.compile(r"arn:aws[a-zA-Z0-9-]*:(sqs|sns|lambda|events|s3):[a-z0-9-]*:(\d{12})?:.+")
TARGETS = {  # by service: what an ARN has after the account
    "sqs": re.compile(r"[\w-]+(\.fifo)?", re.ASCII),
    "sns": re.compile(r"[\w-]+(\.fifo)?", re.ASCII),
    "lambda": re.compile(r"function:[\w-]+(:[\w$-]+)?", re.ASCII),
    "events": re.compile(r"event-bus/[\w./-]+", re.ASCII),
    "s3": re.compile(r"[a-z0-9.-]+"),
}
LIMITS = {"MaximumRetryAttempts": (0, 2), "MaximumEventAgeInSeconds": (60, EVENT_AGE)}


class ControlsApi:
    """Answers for the app's functions. What is changed holds until the server ends, over reloads too."""

    def __init__(self, lambdas: LambdaService) -> None:
        self.lambdas = lambdas

    def concerns(self, request: HttpRequest) -> str:
        """The function of the app that a request is about; ``""`` for other requests."""
        path = PATH.fullmatch(request.path)
        named = called_name(path[1]) if path else None
        if named is None or not is_ours(named, self.lambdas):
            return ""
        qualifier = "".join(parse_qs(request.query).get("Qualifier", [])) or named.qualifier
        return named.function if qualifier in ("", LATEST) else ""

    async def answer(self, function: str, request: HttpRequest, receive: Receive) -> HttpResponse:
        """Tell or change it."""
        try:
            body = await body_of(request, receive, BODY_LIMIT)
            sent = sent_in(body) if request.method in ("PUT", "POST") else {}
            if request.path.rstrip("/").endswith(CONCURRENCY):
                return self._concurrency(function, request.method, sent)
            if request.path.rstrip("/").endswith(RECURSION):
                return self._recursion(function, request.method, sent)
            return self._asynchronous(function, request.method, sent)
        except Refused as refusal:
            return refusal.response
        except BodyTooLarge:
            message = f"Request must be smaller than {BODY_LIMIT} bytes"
            return Refused(413, "RequestEntityTooLargeException", message).response

    def _concurrency(self, function: str, method: str, sent: Mapping[str, Any]) -> HttpResponse:
        if method == "DELETE":
            self.lambdas.change(function, {"reserved_concurrency": None})
            return HttpResponse(204, [])
        if method == "PUT":
            number = _integer(sent, "ReservedConcurrentExecutions", 0, self.lambdas.concurrency.account)
            left = self.lambdas.concurrency.left(without=function) - number
            if number and left < UNRESERVED:
                message = (
                    "Specified ReservedConcurrentExecutions for function decreases account's "
                    f"UnreservedConcurrentExecution below its minimum value of [{UNRESERVED}]."
                )
                raise Refused(400, "InvalidParameterValueException", message)
            self.lambdas.change(function, {"reserved_concurrency": number})
        reserved = self.lambdas.configuration(function).reserved_concurrency
        return _json({} if reserved is None else {"ReservedConcurrentExecutions": reserved})

    def _recursion(self, function: str, method: str, sent: Mapping[str, Any]) -> HttpResponse:
        if method == "PUT":
            wanted = sent.get("RecursiveLoop")
            if wanted not in LOOPS:
                message = (
                    f"1 validation error detected: Value '{wanted}' at 'recursiveLoop' failed to satisfy constraint: "
                    f"Member must satisfy enum value set: [{', '.join(LOOPS)}]"
                )
                raise Refused(400, "ValidationException", message)
            self.lambdas.change(function, {"recursive_loop": wanted})
        return _json({"RecursiveLoop": self.lambdas.configuration(function).recursive_loop})

    def _asynchronous(self, function: str, method: str, sent: Mapping[str, Any]) -> HttpResponse:
        if method == "DELETE":
            self.lambdas.change(function, DEFAULTS)
            return HttpResponse(204, [])
        if method in ("PUT", "POST"):  # which replaces it, or changes what is sent
            self.lambdas.change(function, {**(DEFAULTS if method == "PUT" else {}), **changes(sent)})
        elif not configured(self.lambdas.configuration(function)):
            arn = self.lambdas.qualified_arn(function, "")
            message = f"The function {arn} doesn't have an EventInvokeConfig"
            raise Refused(404, "ResourceNotFoundException", message)
        how = self.lambdas.configuration(function)
        ends = {"OnSuccess": how.on_success, "OnFailure": how.on_failure}
        return _json(
            {
                "FunctionArn": self.lambdas.qualified_arn(function, ""),
                "LastModified": int(self.lambdas.clock.time()),
                "MaximumRetryAttempts": how.maximum_retry_attempts,
                "MaximumEventAgeInSeconds": how.maximum_event_age,
                "DestinationConfig": {name: {"Destination": arn} if arn else {} for name, arn in ends.items()},
            }
        )


def configured(how: FunctionConfiguration) -> bool:
    """Whether a function has anything of its own about asynchronous events."""
    return any(getattr(how, name) != value for name, value in DEFAULTS.items())


def changes(sent: Mapping[str, Any]) -> dict[str, Any]:
    """What a client wants of asynchronous events, as settings."""
    wanted: dict[str, Any] = {}
    if "MaximumRetryAttempts" in sent:
        wanted["maximum_retry_attempts"] = _integer(sent, "MaximumRetryAttempts", *LIMITS["MaximumRetryAttempts"])
    if "MaximumEventAgeInSeconds" in sent:
        age = _integer(sent, "MaximumEventAgeInSeconds", *LIMITS["MaximumEventAgeInSeconds"])
        wanted["maximum_event_age"] = age
    ends = _object(sent.get("DestinationConfig"))
    for name, setting in (("OnSuccess", "on_success"), ("OnFailure", "on_failure")):
        if name in ends:
            wanted[setting] = _destination(name, _object(ends[name]).get("Destination") or "")
    return wanted


def sent_in(body: bytes) -> dict[str, Any]:
    """What a client sends."""
    try:
        return _object(json.loads(body or b"{}"))
    except (ValueError, RecursionError):
        return _object(body)


def _object(value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Refused(400, "SerializationException", "The body, and what is within it, must be JSON objects.")
    return value


def _destination(name: str, arn: Any) -> str:
    """An ARN that Lambda sends records to, or nothing."""
    if arn == "":
        return ""
    if not isinstance(arn, str) or not DESTINATION.fullmatch(arn):
        member = f"destinationConfig.on{name.removeprefix('On')}.destination"
        message = (
            f"1 validation error detected: Value '{arn}' at '{member}' failed to satisfy constraint: "
            f"Member must satisfy regular expression pattern: {DESTINATION.pattern}"
        )
        raise Refused(400, "ValidationException", message)
    service = arn.split(":")[2]
    if not TARGETS[service].fullmatch(arn.split(":", 5)[5]) or (service == "s3" and name == "OnSuccess"):
        message = f"The provided destination config DestinationConfig({name}={name}(Destination={arn})) is invalid."
        raise Refused(400, "InvalidParameterValueException", message)
    return arn


def _integer(sent: Mapping[str, Any], name: str, least: int, most: int) -> int:
    value = sent.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        member = name[0].lower() + name[1:]
        message = (
            f"1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: "
            f"Member must have value between {least} and {most}"
        )
        raise Refused(400, "ValidationException", message)
    return value


def _json(told: Mapping[str, Any]) -> HttpResponse:
    return HttpResponse(200, [("content-type", "application/json")], json.dumps(told).encode())
