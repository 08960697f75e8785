"""What clients ask and change of functions' concurrency and asynchronous invocation, at run time.

The embedded AWS knows neither as the app has them, and would throttle by itself what was changed in it.

https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionConcurrency.html
https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionEventInvokeConfig.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from eventfw.tools.local.lambdas.api import Refused, called_name
from eventfw.tools.local.lambdas.configuration import EVENT_AGE, RETRIES, FunctionConfiguration
from eventfw.tools.local.lambdas.service import LambdaService
from eventfw.tools.local.web.asgi import HttpRequest, HttpResponse, Receive, body_of
from eventfw.tools.local.workers.results import LATEST

CONCURRENCY, ASYNCHRONOUS = "concurrency", "event-invoke-config"
PATH = re.compile(rf"/\d{{4}}-\d\d-\d\d/functions/([^/]+)/({CONCURRENCY}|{ASYNCHRONOUS})/?")
BODY_LIMIT = 64 * 1024  # bytes
UNRESERVED = 100  # what an account must have left for functions that reserve nothing
DEFAULTS = {
    "maximum_retry_attempts": RETRIES,
    "maximum_event_age": EVENT_AGE,
    "on_success": "",
    "on_failure": "",
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
        if named is None or not self.lambdas.known(named.function):
            return ""
        qualifier = "".join(parse_qs(request.query).get("Qualifier", [])) or named.qualifier
        return named.function if qualifier in ("", LATEST) else ""

    async def answer(self, function: str, request: HttpRequest, receive: Receive) -> HttpResponse:
        """Tell or change it."""
        try:
            body = await body_of(request, receive, BODY_LIMIT)
            sent = json.loads(body or b"{}") if request.method in ("PUT", "POST") else {}
            if request.path.rstrip("/").endswith(CONCURRENCY):
                return self._concurrency(function, request.method, sent)
            return self._asynchronous(function, request.method, sent)
        except Refused as refusal:
            return refusal.response
        except ValueError:
            return Refused(400, "SerializationException", "The body must be a JSON object.").response

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
    ends = sent.get("DestinationConfig") or {}
    for name, setting in (("OnSuccess", "on_success"), ("OnFailure", "on_failure")):
        if name in ends:
            wanted[setting] = str((ends[name] or {}).get("Destination") or "")
    return wanted


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
