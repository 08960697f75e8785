"""Concurrency and asynchronous settings, asked and changed by a client at run time."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from eventfw.tools.local.clock import RealClock
from eventfw.tools.local.lambdas.configuration import FunctionConfiguration
from eventfw.tools.local.lambdas.controls import ControlsApi
from eventfw.tools.local.lambdas.service import LambdaService
from eventfw.tools.local.terminal import Terminal
from eventfw.tools.local.web.asgi import HttpRequest

ARN = "arn:aws:lambda:us-east-1:000000000000:function:order"
QUEUE = "arn:aws:sqs:us-east-1:000000000000:failures"
APP = {
    "order": FunctionConfiguration("order", reserved_concurrency=5, on_failure=QUEUE),
    "plain": FunctionConfiguration("plain"),
}
RECURSION = "/2024-08-31/functions/{}/recursion-config"
CONCURRENCY, ASYNCHRONOUS = "/2017-10-31/functions/{}/concurrency", "/2019-09-25/functions/{}/event-invoke-config"


class Bench:
    """The API before a service that runs nothing."""

    def __init__(self) -> None:
        self.service = LambdaService(None, Terminal(None), RealClock(), "us-east-1")  # type: ignore[arg-type]
        self.service.functions = APP
        self.api = ControlsApi(self.service)

    def ask(self, method: str, path: str, sent: Any = None, function: str = "order") -> tuple[int, Any]:
        request = HttpRequest(method, path.format(function))
        assert self.api.concerns(request) == function

        async def receive() -> Any:
            return {"type": "http.request", "body": b"" if sent is None else json.dumps(sent).encode()}

        response = asyncio.run(self.api.answer(function, request, receive))
        return response.status, json.loads(response.body or b"null")


def test_reserved_concurrency_is_told_changed_and_removed_and_stays_over_a_reload() -> None:
    bench = Bench()
    assert bench.ask("GET", CONCURRENCY) == (200, {"ReservedConcurrentExecutions": 5})
    assert bench.ask("GET", CONCURRENCY, function="plain") == (200, {})
    changed = {"ReservedConcurrentExecutions": 0}
    assert bench.ask("PUT", CONCURRENCY, changed) == (200, changed)
    assert bench.service.is_off("order")
    bench.service.functions = dict(APP)
    assert bench.ask("GET", CONCURRENCY) == (200, changed)
    assert bench.ask("DELETE", CONCURRENCY) == (204, None)
    assert bench.ask("GET", CONCURRENCY) == (200, {})


def test_recursion_is_told_and_changed() -> None:
    bench = Bench()
    assert bench.ask("GET", RECURSION) == (200, {"RecursiveLoop": "Terminate"})
    assert bench.ask("PUT", RECURSION, {"RecursiveLoop": "Allow"}) == (200, {"RecursiveLoop": "Allow"})
    assert bench.service.configuration("order").recursive_loop == "Allow"
    status, error = bench.ask("PUT", RECURSION, {"RecursiveLoop": "Perhaps"})
    assert (status, error["__type"]) == (400, "ValidationException")


def test_an_account_keeps_a_hundred_for_the_others() -> None:
    bench = Bench()
    assert bench.ask("PUT", CONCURRENCY, {"ReservedConcurrentExecutions": 895}, "plain")[0] == 200
    status, error = bench.ask("PUT", CONCURRENCY, {"ReservedConcurrentExecutions": 896}, "plain")
    assert (status, error["__type"]) == (400, "InvalidParameterValueException")
    assert "below its minimum value of [100]" in error["message"]


def test_what_becomes_of_asynchronous_events_is_told_and_changed() -> None:
    bench = Bench()
    told = bench.ask("GET", ASYNCHRONOUS)[1]
    assert (told["FunctionArn"], told["MaximumRetryAttempts"]) == (f"{ARN}:$LATEST", 2)
    assert told["DestinationConfig"] == {"OnSuccess": {}, "OnFailure": {"Destination": QUEUE}}
    assert bench.ask("POST", ASYNCHRONOUS, {"MaximumRetryAttempts": 1})[1]["MaximumRetryAttempts"] == 1
    assert bench.service.configuration("order").on_failure == QUEUE
    put = bench.ask("PUT", ASYNCHRONOUS, {"MaximumEventAgeInSeconds": 60})[1]
    assert (put["MaximumRetryAttempts"], put["MaximumEventAgeInSeconds"]) == (2, 60)
    assert bench.service.configuration("order").on_failure == ""
    assert bench.ask("DELETE", ASYNCHRONOUS) == (204, None)
    status, error = bench.ask("GET", ASYNCHRONOUS)
    assert (status, error["message"]) == (404, f"The function {ARN}:$LATEST doesn't have an EventInvokeConfig")


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        (CONCURRENCY, {}),
        (CONCURRENCY, {"ReservedConcurrentExecutions": -1}),
        (CONCURRENCY, {"ReservedConcurrentExecutions": True}),
        (ASYNCHRONOUS, {"MaximumRetryAttempts": 3}),
        (ASYNCHRONOUS, {"MaximumEventAgeInSeconds": 59}),
        (ASYNCHRONOUS, {"DestinationConfig": {"OnSuccess": {"Destination": "nonsense"}}}),
        (ASYNCHRONOUS, {"DestinationConfig": {"OnFailure": {"Destination": 5}}}),
        (ASYNCHRONOUS, {"DestinationConfig": {"OnFailure": {"Destination": "arn:aws:kinesis:us-east-1:0:x"}}}),
    ],
)
def test_what_lambda_refuses_is_refused(path: str, sent: dict[str, Any]) -> None:
    bench = Bench()
    status, error = bench.ask("PUT", path, sent)
    assert (status, error["__type"]) == (400, "ValidationException")
    assert bench.service.configuration("order") == APP["order"]


@pytest.mark.parametrize("sent", [[], "text", {"DestinationConfig": []}, {"DestinationConfig": {"OnSuccess": "x"}}])
def test_what_is_no_object_is_refused(sent: Any) -> None:
    status, error = Bench().ask("PUT", ASYNCHRONOUS, sent)
    assert (status, error["__type"]) == (400, "SerializationException")


@pytest.mark.parametrize(
    "ends",
    [
        {"OnSuccess": {"Destination": "arn:aws:s3:::uploads"}},
        {"OnFailure": {"Destination": "arn:aws:lambda:us-east-1:000000000000:order"}},
        {"OnFailure": {"Destination": "arn:aws:events:us-east-1:000000000000:rule/shop"}},
    ],
)
def test_a_destination_that_lambda_sends_nothing_to_is_refused(ends: dict[str, Any]) -> None:
    bench = Bench()
    status, error = bench.ask("PUT", ASYNCHRONOUS, {"DestinationConfig": ends})
    assert (status, error["__type"]) == (400, "InvalidParameterValueException")
    assert bench.service.configuration("order") == APP["order"]


def test_other_requests_are_not_its() -> None:
    api = Bench().api
    for path in ("/2015-03-31/functions/order", "/bucket/functions/order/concurrency", CONCURRENCY.format("other")):
        assert api.concerns(HttpRequest("GET", path)) == ""
    assert api.concerns(HttpRequest("GET", ASYNCHRONOUS.format("order"), "Qualifier=live")) == ""
    elsewhere = ARN.replace("us-east-1", "eu-west-1")
    assert api.concerns(HttpRequest("GET", ASYNCHRONOUS.format(elsewhere))) == ""
    assert api.concerns(HttpRequest("GET", ASYNCHRONOUS.format("order:$LATEST"))) == "order"
