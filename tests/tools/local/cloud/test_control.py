"""The server's own paths: who may use them, and what they answer."""

from __future__ import annotations

import asyncio
import http.client
import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from eventfw.errors import LocalError
from eventfw.tools.local.clock import RealClock, VirtualClock
from eventfw.tools.local.cloud.control import Control
from eventfw.tools.local.lambdas.configuration import FunctionConfiguration
from eventfw.tools.local.web.http_api import PAYLOAD_LIMIT
from eventfw.tools.local.workers.results import Result

Serve = Callable[[Any], int]
TOKEN = "secret"


class Functions:
    """Stands for the service: keeps what it was asked for."""

    def __init__(self, result: Result, *, unmarked: bool = False) -> None:
        self.result = result
        self.unmarked = unmarked
        self.calls: list[tuple[str, bytes, str, str | None]] = []
        self.accepted: list[tuple[str, bytes, str, str | None, str]] = []

    async def invoke(
        self, function: str, event: bytes, *, request_id: str | None = None, qualifier: str = "", source: str = ""
    ) -> Result:
        self.calls.append((function, event, source, request_id))
        if function == "nobody":
            raise LocalError("There is no function 'nobody'.")
        return self.result

    def accept(
        self, function: str, event: bytes, *, source: str, request_id: str | None = None, qualifier: str = ""
    ) -> str:
        self.accepted.append((function, event, source, request_id, qualifier))
        return request_id or "made"

    def configuration(self, function: str) -> FunctionConfiguration:
        return FunctionConfiguration(function, unmarked=self.unmarked)


def ask(port: int, path: str, body: bytes = b"{}", method: str = "POST", **headers: str) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def test_a_push_runs_the_function_and_a_failure_is_no_success(serve: Serve) -> None:
    good = Functions(Result(b'{"batchItemFailures": []}'))
    port = serve(Control(good, TOKEN, RealClock()))
    path = Control(good, TOKEN, RealClock()).push_url("") + "/order"
    assert ask(port, path, b'{"a": 1}', X_Amzn_Lambda_Request_Id="id-1") == (200, {"batchItemFailures": []})
    assert good.calls == [("order", b'{"a": 1}', "unknown", "id-1")]
    bad = Functions(Result(b'{"errorMessage": "no"}', True))
    assert ask(serve(Control(bad, TOKEN, RealClock())), path) == (500, {"errorMessage": "no"})


def test_an_asynchronous_push_is_accepted_at_once(serve: Serve) -> None:
    failing = Functions(Result(b'{"errorMessage": "no"}', True), unmarked=True)
    port = serve(Control(failing, TOKEN, RealClock()))
    path = f"/_eventfw/push/{TOKEN}/order"
    event = json.dumps({"Records": [{"EventSource": "aws:sns", "Sns": {}}]}).encode()
    arn = "arn:aws:lambda:us-east-1:000000000000:function:order:live"
    assert ask(port, path, event, X_Amzn_Lambda_Request_Id="id-1", X_Amzn_Lambda_Function_Arn=arn) == (200, None)
    assert failing.accepted == [("order", event, "sns", "id-1", "live")]
    assert ask(port, path, b'{"temperature": 5}') == (200, None)
    assert failing.accepted[1] == ("order", b'{"temperature": 5}', "unknown", None, "")
    assert failing.calls == []


def test_asking_gives_payload_logs_and_error(serve: Serve) -> None:
    functions = Functions(Result(b"[1]", False, "", "printed\n", 1.5, "id-2"))
    port = serve(Control(functions, TOKEN, RealClock()))
    status, answer = ask(port, "/_eventfw/invoke/direct", x_eventfw_token=TOKEN, x_eventfw_source="send")
    assert status == 200
    assert answer == {
        "payload": "[1]",
        "error": False,
        "logs": "printed\n",
        "printed": "printed\n",
        "duration_ms": 1.5,
        "request_id": "id-2",
    }
    assert functions.calls == [("direct", b"{}", "send", None)]
    ask(port, "/_eventfw/invoke/..%2Fs%C3%A4ge", x_eventfw_token=TOKEN)
    assert functions.calls.pop() == ("../säge", b"{}", "invoke", None)
    status, answer = ask(port, "/_eventfw/invoke/nobody", x_eventfw_token=TOKEN)
    assert (status, answer["errorMessage"]) == (404, "There is no function 'nobody'.")


@pytest.mark.parametrize(
    "path", ["/_eventfw/invoke/direct", "/_eventfw/push/wrong/direct", "/_eventfw/push/secret", "/_eventfw/other"]
)
def test_without_the_token_nothing_runs(serve: Serve, path: str) -> None:
    functions = Functions(Result(b"1"))
    port = serve(Control(functions, TOKEN, RealClock()))
    for token in ("", "wrong", "sécret"):
        assert ask(port, path, x_eventfw_token=token)[0] == 403
    assert ask(port, path, method="PUT", x_eventfw_token=TOKEN)[0] == 405
    assert functions.calls == []


def test_an_event_over_lambdas_limit_is_refused(serve: Serve) -> None:
    functions = Functions(Result(b"1"))
    port = serve(Control(functions, TOKEN, RealClock()))
    too_long = b" " * (PAYLOAD_LIMIT + 1)
    assert ask(port, "/_eventfw/invoke/direct", too_long, x_eventfw_token=TOKEN)[0] == 413
    assert functions.calls == []


def test_a_clock_that_is_advanced_by_nonsense_stands_where_it_stood(serve: Serve) -> None:
    port = serve(Control(Functions(Result(b"1")), TOKEN, VirtualClock(0.0)))
    said = (b'"2m"', b"null", b"true", b"-1", b"NaN", b"Infinity", b"1e300", b"31622401")
    for body in (b"", b"{", b"[]", b"[" * 100_000, *(b'{"advance": %s}' % one for one in said)):
        status, answer = ask(port, "/_eventfw/clock", body, x_eventfw_token=TOKEN)
        assert (status, "seconds" in answer["errorMessage"]) == (400, True)
    assert ask(port, "/_eventfw/clock", b"{}", x_eventfw_token=TOKEN)[1]["now"] == "1970-01-01T00:00:00+00:00"
    told = ask(port, "/_eventfw/clock", b'{"advance": 60}', x_eventfw_token=TOKEN)
    assert told == (200, {"now": "1970-01-01T00:01:00+00:00", "virtual": True})


class Endless(VirtualClock):
    """A clock that something wakes up for without end."""

    def __init__(self) -> None:
        super().__init__(0.0)
        self.settled_by(self.more)
        self.moved = threading.Event()
        self.halted = threading.Event()

    async def more(self) -> bool:
        self.loop = asyncio.get_running_loop()
        self.sleeping = asyncio.ensure_future(self.sleep(1))
        await asyncio.sleep(0)
        self.moved.set()
        return False

    async def advance(self, seconds: float) -> None:
        try:
            await super().advance(seconds)
        finally:
            self.sleeping.cancel()
            self.halted.set()


@pytest.mark.parametrize("who", ["client", "server"])
def test_the_clock_halts_when_the_client_leaves_or_the_server_stops(serve: Serve, who: str) -> None:
    clock = Endless()
    control = Control(Functions(Result(b"1")), TOKEN, clock)
    port = serve(control)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("POST", "/_eventfw/clock", b'{"advance": 31622400}', {"x-eventfw-token": TOKEN})
    assert clock.moved.wait(30)
    assert ask(port, "/_eventfw/clock", b"{}", x_eventfw_token=TOKEN)[0] == 200  # is told meanwhile
    if who == "server":
        clock.loop.call_soon_threadsafe(control.stop)
        assert connection.getresponse().status == 503
    connection.close()
    assert clock.halted.wait(30)
    assert clock.time() < 31_622_400
