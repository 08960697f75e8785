"""Lambda's Invoke as boto3 sends it: what is run, how it is answered, and what is refused in Lambda's words."""

from __future__ import annotations

import asyncio
import base64
import json
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import ClientError
from urllib3._collections import HTTPHeaderDict
from urllib3.response import HTTPResponse

from eventfw.errors import LocalError
from eventfw.tools.local.clock import RealClock
from eventfw.tools.local.lambdas.api import InvokeApi, called
from eventfw.tools.local.lambdas.configuration import FunctionConfiguration
from eventfw.tools.local.lambdas.service import LambdaService
from eventfw.tools.local.lambdas.versions import Routing
from eventfw.tools.local.terminal import Terminal
from eventfw.tools.local.web.asgi import HttpRequest, HttpResponse
from eventfw.tools.local.workers.request import InvocationRequest
from eventfw.tools.local.workers.results import Result

ONCE = Config(retries={"total_max_attempts": 1})
HERE = "arn:aws:lambda:us-east-1:000000000000:function"


class Functions:
    """Stands for the pool: keeps what it was asked for, and gives one result."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any, dict[str, Any]]] = []
        self.result = Result(b'{"ok": true}', logs="one line\n", request_id="id-1")

    async def invoke(self, request: InvocationRequest) -> Result:
        how = {name: getattr(request, name) for name in ("client_context", "arn", "version", "tenant")}
        self.calls.append((request.function, json.loads(request.event), how))
        return self.result


class Bench:
    """The API before functions, and boto3 before it, with nothing between them."""

    def __init__(self, **settings: Any) -> None:
        self.functions = Functions()
        self.service = LambdaService(self.functions, Terminal(None), RealClock(), "us-east-1")
        self.service.functions = {"order": FunctionConfiguration("order", **settings)}
        known = {("order", "7"): Routing("7"), ("order", "live"): Routing("7", {"8": 1.0})}
        self.service.versions._known = known
        self.api = InvokeApi(self.service)
        self.client = boto3.client(
            "lambda", region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test", config=ONCE
        )
        self.client.meta.events.register("before-send.lambda", self.sent)

    def sent(self, request: Any, **more: Any) -> AWSResponse:
        """Stands for the way there and back."""
        parts = urlsplit(request.url)
        headers = [
            (name.lower(), value.decode() if isinstance(value, bytes) else value)
            for name, value in request.headers.items()
        ]
        answer = asyncio.run(self.answered(HttpRequest(request.method, parts.path, parts.query, headers), request.body))
        given = HTTPHeaderDict(answer.headers)
        raw = HTTPResponse(BytesIO(answer.body), given, answer.status, preload_content=False)
        return AWSResponse(request.url, answer.status, given, raw)

    async def answered(self, request: HttpRequest, body: Any) -> HttpResponse:
        async def receive() -> Any:
            return {"type": "http.request", "body": body if isinstance(body, bytes) else b"", "more_body": False}

        call = self.api.call(request)
        assert call is not None
        response = await self.api.answer(call, request, receive)
        await self.service.settle()
        return response

    def error(self, **asked: Any) -> tuple[int, dict[str, Any]]:
        """What an SDK shows of a refusal."""
        with pytest.raises(ClientError) as caught:
            self.client.invoke(FunctionName="order", **asked)
        response = caught.value.response
        return response["ResponseMetadata"]["HTTPStatusCode"], {**response, **response["Error"]}


@pytest.fixture
def bench() -> Bench:
    return Bench()


def post(name: str, last: str = "invocations", date: str = "2015-03-31", method: str = "POST") -> HttpRequest:
    return HttpRequest(method, f"/{date}/functions/{name}/{last}")


@pytest.mark.parametrize(
    ("name", "qualifier"),
    [
        ("order", ""),
        ("order:live", "live"),
        ("function:order", ""),
        ("000000000000:function:order", ""),
        ("000000000000:order:7", "7"),
        (f"{HERE}:order", ""),
        (f"{HERE}:order:$LATEST", "$LATEST"),
        (f"{HERE}%3Aorder%3A$LATEST", "$LATEST"),
    ],
)
def test_a_function_is_named_in_every_way_that_lambda_knows(name: str, qualifier: str) -> None:
    call = called(post(name))
    assert call is not None
    assert (call.function, call.qualifier) == ("order", qualifier)


def test_other_requests_are_not_invoke(bench: Bench) -> None:
    assert called(post("order", method="GET")) is None
    assert called(post("order", date="2014-11-13")) is None
    assert called(post("order", "versions")) is None
    assert called(HttpRequest("POST", "/bucket/functions/order/invocations")) is None
    assert bench.api.call(post("other")) is None
    assert bench.api.call(post(HERE.replace("us-east-1", "eu-west-1") + ":order")) is None
    assert bench.api.call(post(HERE.replace("000000000000", "111111111111") + ":order")) is None


def test_a_result_comes_with_its_version_and_the_end_of_the_log(bench: Bench) -> None:
    bench.functions.result = Result(b"[1]", logs="x" * 9000 + "end")
    context = base64.b64encode(b'{"custom": {"a": "1"}}').decode()
    answer = bench.client.invoke(FunctionName="order", Payload=b'{"n": 1}', LogType="Tail", ClientContext=context)
    assert (answer["StatusCode"], answer["ExecutedVersion"], "FunctionError" in answer) == (200, "$LATEST", False)
    assert json.loads(answer["Payload"].read()) == [1]
    tail = base64.b64decode(answer["LogResult"])
    assert (len(tail), tail[-3:]) == (4096, b"end")
    [(_, event, how)] = bench.functions.calls
    assert (event, how["client_context"], how["arn"]) == ({"n": 1}, {"custom": {"a": "1"}}, "")


def test_a_functions_error_is_a_200_that_says_so(bench: Bench) -> None:
    bench.functions.result = Result(b'{"errorType": "KeyError", "errorMessage": "gone"}', error=True)
    answer = bench.client.invoke(FunctionName="order")
    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    assert json.loads(answer["Payload"].read())["errorType"] == "KeyError"
    assert bench.functions.calls[0][1] == {}


@pytest.mark.parametrize(("how", "status", "calls"), [("Event", 202, 1), ("DryRun", 204, 0)])
def test_the_other_invocation_types(bench: Bench, how: str, status: int, calls: int) -> None:
    answer = bench.client.invoke(FunctionName="order", InvocationType=how, Payload=b"{}")
    assert (answer["StatusCode"], answer["Payload"].read()) == (status, b"")
    assert answer["ResponseMetadata"]["RequestId"]
    bench.client.invoke(FunctionName="order")  # so that what was accepted before has ended
    assert len(bench.functions.calls) == calls + 1


def test_invoke_async_is_answered_too(bench: Bench) -> None:
    assert bench.client.invoke_async(FunctionName="order", InvokeArgs=b'{"a": 1}')["Status"] == 202


def test_a_qualifier_is_a_version_or_an_alias_with_weights(bench: Bench) -> None:
    answers = [bench.client.invoke(FunctionName="order:live"), bench.client.invoke(FunctionName="order", Qualifier="7")]
    assert [one["ExecutedVersion"] for one in answers] == ["8", "7"]
    assert [(how["arn"], how["version"]) for _, _, how in bench.functions.calls] == [
        (f"{HERE}:order:live", "8"),
        (f"{HERE}:order:7", "7"),
    ]
    status, error = bench.error(Qualifier="9")
    assert (status, error["Code"]) == (404, "ResourceNotFoundException")
    assert error["Message"] == f"Function not found: {HERE}:order:9"
    with pytest.raises(ClientError, match="derived qualifier from the function name does not match"):
        bench.client.invoke(FunctionName="order:live", Qualifier="7")


@pytest.mark.parametrize(("how", "limit"), [("Event", 1_048_576), ("RequestResponse", 6_291_456)])
def test_a_payload_is_limited(bench: Bench, how: str, limit: int) -> None:
    fits = b'"' + b"x" * (limit - 2) + b'"'
    assert bench.client.invoke(FunctionName="order", InvocationType=how, Payload=fits)["StatusCode"] in (200, 202)
    status, error = bench.error(InvocationType=how, Payload=fits + b" ")
    assert (status, error["Code"]) == (413, "RequestEntityTooLargeException")
    assert str(limit) in error["Message"]


@pytest.mark.parametrize(
    ("asked", "code", "message"),
    [
        ({"Payload": b"{"}, "InvalidRequestContentException", "Could not parse request body into json"),
        ({"Payload": b'{"a": NaN}'}, "InvalidRequestContentException", "NaN is no JSON"),
        (
            {"Payload": '"ä"'.encode("utf-16")},
            "InvalidRequestContentException",
            "Could not parse request body into json",
        ),
        ({"ClientContext": "YWJj"}, "InvalidRequestContentException", "valid Base64-encoded JSON object"),
        ({"ClientContext": "!"}, "InvalidRequestContentException", "valid Base64-encoded JSON object"),
        ({"ClientContext": "e30K" * 1000}, "InvalidRequestContentException", "at most 3583 bytes"),
        ({"InvocationType": "Later"}, "ValidationException", "[Event, RequestResponse, DryRun]"),
        ({"TenantId": "blue"}, "InvalidParameterValueException", "not enabled with tenancy"),
    ],
)
def test_what_lambda_refuses_is_refused(bench: Bench, asked: dict[str, Any], code: str, message: str) -> None:
    status, error = bench.error(**asked)
    assert (status, error["Code"]) == (400, code)
    assert message in error["Message"]
    assert error["ResponseMetadata"]["RequestId"]
    assert bench.functions.calls == []


def test_a_function_of_tenants_needs_one() -> None:
    bench = Bench(tenant_isolation_mode="PER_TENANT")
    bench.client.invoke(FunctionName="order", TenantId="blue")
    bench.client.invoke(FunctionName="order", TenantId="green", InvocationType="Event")
    assert [how["tenant"] for _, _, how in bench.functions.calls] == ["blue", "green"]
    assert "Add a valid tenant ID" in bench.error()[1]["Message"]


def test_a_throttle_is_a_429_that_says_which_limit() -> None:
    bench = Bench(reserved_concurrency=0)
    status, error = bench.error()
    assert (status, error["Code"], error["Message"]) == (429, "TooManyRequestsException", "Rate Exceeded.")
    assert error["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    assert error["ResponseMetadata"]["HTTPHeaders"]["retry-after"] == "1"


def test_what_cannot_be_run_is_a_fault_of_the_service(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*given: Any, **how: Any) -> Result:
        raise LocalError("The app could not be loaded yet.")

    monkeypatch.setattr(bench.functions, "invoke", broken)
    assert bench.error()[0] == 503


def test_a_response_stream_has_the_payload_and_its_end(bench: Bench) -> None:
    payload = b'"' + b"x" * 3_000_000 + b'"'
    bench.functions.result = Result(payload, logs="a line\n")
    answer = bench.client.invoke_with_response_stream(FunctionName="order:live", LogType="Tail", Payload=b"{}")
    assert answer["ExecutedVersion"] == "8"
    events = list(answer["EventStream"])
    assert b"".join(one["PayloadChunk"]["Payload"] for one in events[:-1]) == payload
    assert events[-1] == {"InvokeComplete": {"LogResult": base64.b64encode(b"a line\n").decode()}}


def test_a_response_stream_tells_of_an_error_at_its_end(bench: Bench) -> None:
    bench.functions.result = Result(b'{"errorMessage": "no"}', error=True)
    [chunk, end] = bench.client.invoke_with_response_stream(FunctionName="order")["EventStream"]
    assert chunk == {"PayloadChunk": {"Payload": b'{"errorMessage": "no"}'}}
    assert end == {"InvokeComplete": {"ErrorCode": "Unhandled", "ErrorDetails": '{"errorMessage": "no"}'}}


def test_a_change_of_aliases_is_asked_for_anew(bench: Bench) -> None:
    async def version() -> str:
        return await bench.service.versions.version("order", "live")

    assert asyncio.run(version()) == "8"
    bench.api.passed(post("order", "aliases/live", method="GET"))
    assert asyncio.run(version()) == "8"
    bench.api.passed(post("order", "aliases/live", method="PUT"))
    with pytest.raises(LocalError, match="no version or alias 'live'"):
        asyncio.run(version())
