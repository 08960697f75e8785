"""The Runtime API, by the letter: what a runtime is told, what it may answer, and what its caller gets."""

from __future__ import annotations

import asyncio
import json
import time
from base64 import b64encode
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from eventfw.errors import LocalError
from eventfw.tools.local.lambdas import runtime_function
from eventfw.tools.local.lambdas.runtime_api import RuntimeApi
from eventfw.tools.local.web.guard import Guard
from eventfw.tools.local.workers.answers import PAYLOAD_LIMIT
from eventfw.tools.local.workers.journal import Journal
from eventfw.tools.local.workers.request import InvocationRequest
from eventfw.tools.local.workers.results import Result
from eventfw.tools.local.workers.variables import Place

NEXT = "GET /2018-06-01/runtime/invocation/next"
ARN = "arn:aws:lambda:us-east-1:000000000000:function:work"

Answer = tuple[int, dict[str, str], bytes]


class Runtime:
    """A connection to an endpoint, which speaks HTTP to the byte."""

    def __init__(self, address: str) -> None:
        self.address = address

    async def connect(self) -> Runtime:
        host, _, port = self.address.partition(":")
        self.reader, self.writer = await asyncio.open_connection(host, int(port))
        return self

    def send(self, line: str, body: bytes = b"", **headers: str) -> None:
        named = {"Host": self.address, "Content_Length": str(len(body)), **headers}
        head = [f"{line} HTTP/1.1", *(f"{name.replace('_', '-')}: {value}" for name, value in named.items() if value)]
        self.writer.write("\r\n".join([*head, "", ""]).encode() + body)

    async def answer(self) -> Answer:
        status, *fields = (await self.reader.readuntil(b"\r\n\r\n")).decode().splitlines()[:-1]
        headers = dict(field.split(": ", 1) for field in fields)
        return int(status.split()[1]), headers, await self.reader.readexactly(int(headers["Content-Length"]))

    async def ask(self, line: str, body: bytes = b"", **headers: str) -> Answer:
        self.send(line, body, **headers)
        return await self.answer()

    async def respond(self, request_id: str, body: bytes, what: str = "response", **headers: str) -> int:
        return (await self.ask(f"POST /2018-06-01/runtime/invocation/{request_id}/{what}", body, **headers))[0]

    def hang_up(self) -> None:
        self.writer.close()


class Bench:
    """An API that serves the function ``work``, and a task for each invocation."""

    def __init__(self, seconds: float = 20.0) -> None:
        self.said: list[str] = []
        self.others: list[str] = []
        self.opened: list[Runtime] = []
        self.api = RuntimeApi((), self, Place("/project", "http://127.0.0.1:9"), guard=Guard(), say=self.said.append)
        self.serve(work=seconds)

    def serve(self, **timeouts: float) -> None:
        self.api.replace({name: {"timeout": s, "memory": 256, "environment": {}} for name, s in timeouts.items()})

    async def invoke(self, request: InvocationRequest) -> Result:
        """What runs the functions that are not served."""
        self.others.append(request.function)
        return Result(b"1")

    def begin(self, event: Any = None, request_id: str = "r-1", **how: Any) -> asyncio.Task[Result]:
        request = InvocationRequest("work", json.dumps(event).encode(), request_id, **how)
        return asyncio.create_task(self.api.invoke(request))

    def address(self, function: str = "work") -> str:
        return self.api.environments[function]["AWS_LAMBDA_RUNTIME_API"]

    async def runtime(self) -> Runtime:
        runtime = await Runtime(self.address()).connect()
        self.opened.append(runtime)
        return runtime


def run(test: Callable[[Bench], Awaitable[None]], **how: Any) -> Bench:
    async def main() -> Bench:
        bench = Bench(**how)
        try:
            await asyncio.wait_for(test(bench), 20)
        finally:
            await bench.api.stop()
            for runtime in bench.opened:
                runtime.hang_up()
                await asyncio.gather(runtime.writer.wait_closed(), return_exceptions=True)
        return bench

    return asyncio.run(main())


def test_a_runtime_is_told_everything_and_its_caller_gets_its_answer() -> None:
    async def test(bench: Bench) -> None:
        runtime = await bench.runtime()
        runtime.send(NEXT)
        call = bench.begin({"a": "ü"}, client_context={"custom": {"k": "ü"}}, arn=f"{ARN}:live", tenant="blue")
        status, headers, body = await runtime.answer()
        assert (status, json.loads(body)) == (200, {"a": "ü"})
        assert headers["Content-Type"] == "application/json"
        assert headers["Lambda-Runtime-Aws-Request-Id"] == "r-1"
        assert headers["Lambda-Runtime-Invoked-Function-Arn"] == f"{ARN}:live"
        assert json.loads(headers["Lambda-Runtime-Client-Context"]) == {"custom": {"k": "ü"}}
        assert headers["Lambda-Runtime-Aws-Tenant-Id"] == "blue"
        assert headers["Lambda-Runtime-Trace-Id"].startswith("Root=1-")
        left = int(headers["Lambda-Runtime-Deadline-Ms"]) / 1000 - time.time()
        assert 10 < left <= 20  # a moment, not a duration
        status, _, body = await runtime.ask("POST /2018-06-01/runtime/invocation/r-1/response", b'{"b": 1}')
        assert (status, json.loads(body)) == (202, {"status": "OK"})
        result = await call
        assert (result.payload, result.error, result.request_id) == (b'{"b": 1}', False, "r-1")
        assert result.duration_ms > 0

    run(test)


def test_a_runtime_is_told_the_variables_that_workers_have() -> None:
    async def test(bench: Bench) -> None:
        told = bench.api.environments["work"]
        assert told["AWS_LAMBDA_FUNCTION_NAME"] == "work" and told["_HANDLER"] == "eventfw_entry.work"
        assert told["AWS_ENDPOINT_URL"] == "http://127.0.0.1:9" and "PATH" not in told

    run(test)


def test_events_wait_for_a_runtime_and_each_runtime_has_one_at_a_time() -> None:
    async def test(bench: Bench) -> None:
        calls = [bench.begin(number, f"r-{number}") for number in range(3)]
        first, second = await bench.runtime(), await bench.runtime()
        assert (await first.ask(NEXT))[2] == b"0"
        assert (await second.ask(NEXT))[2] == b"1"
        status, _, body = await first.ask(NEXT)
        assert (status, json.loads(body)["errorType"]) == (403, "InvalidStateTransition")
        assert await second.respond("r-1", b'"one"') == 202
        assert (await second.ask(NEXT))[2] == b"2"
        assert await first.respond("r-0", b'"zero"') == 202
        assert await second.respond("r-2", b'"two"') == 202
        assert [result.payload for result in await asyncio.gather(*calls)] == [b'"zero"', b'"one"', b'"two"']

    run(test)


def test_a_function_that_is_not_served_is_run_by_the_others() -> None:
    async def test(bench: Bench) -> None:
        assert (await bench.api.invoke(InvocationRequest("other", b"{}"))).payload == b"1"

    assert run(test).others == ["other"]


def test_a_reported_error_reaches_the_caller_as_it_is() -> None:
    async def test(bench: Bench) -> None:
        runtime, call = await bench.runtime(), bench.begin()
        await runtime.ask(NEXT)
        document = b'{"errorMessage": "no", "errorType": "Shop.Closed", "stackTrace": []}'
        assert await runtime.respond("r-1", document, "error", Lambda_Runtime_Function_Error_Type="Function.X") == 202
        result = await call
        assert (result.payload, result.error, result.error_type) == (document, True, "Shop.Closed")
        for payload in (b"plain", b"[1]", b"[" * 100_000):
            call = bench.begin()
            await runtime.ask(NEXT)
            await runtime.respond("r-1", payload, "error", Lambda_Runtime_Function_Error_Type="Function.X")
            assert ((await call).payload, (await call).error_type) == (payload, "Function.X")

    run(test)


@pytest.mark.parametrize(
    ("line", "status", "error_type"),
    [
        ("POST /2018-06-01/runtime/invocation/other/response", 400, "InvalidRequestID"),
        ("POST /2018-06-01/runtime/invocation/other/error", 400, "InvalidRequestID"),
        ("GET /2018-06-01/runtime/invocation/r-1/response", 405, "MethodNotAllowed"),
        ("POST /2018-06-01/runtime/invocation/next", 405, "MethodNotAllowed"),
        ("POST /2020-01-01/extension/register", 404, "NotFound"),
        ("GET /2018-06-01/runtime/restore/next", 404, "NotFound"),
        ("GET /", 404, "NotFound"),
    ],
)
def test_what_is_not_of_the_api_is_refused(line: str, status: int, error_type: str) -> None:
    async def test(bench: Bench) -> None:
        runtime, call = await bench.runtime(), bench.begin()
        await runtime.ask(NEXT)
        answered, _, body = await runtime.ask(line)
        assert (answered, json.loads(body)["errorType"]) == (status, error_type)
        assert not call.done()

    run(test)


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Origin": "http://evil.example"}])
def test_a_foreign_page_gets_no_event(headers: dict[str, str]) -> None:
    async def test(bench: Bench) -> None:
        runtime, call = await bench.runtime(), bench.begin()
        assert (await runtime.ask(f"{NEXT}/"))[0] == 404  # what passes first vouches for nothing that follows
        assert (await runtime.ask(NEXT, **headers))[0] == 403
        assert not call.done()

    run(test)


def test_an_answer_over_lambdas_limit_is_refused_and_told_to_the_caller() -> None:
    async def test(bench: Bench) -> None:
        runtime, call = await bench.runtime(), bench.begin()
        await runtime.ask(NEXT)
        assert await runtime.respond("r-1", b"x" * (PAYLOAD_LIMIT + 1)) == 413
        result = await call
        assert (result.error, result.error_type) == (True, "Function.ResponseSizeTooLarge")
        call = bench.begin()
        await runtime.ask(NEXT)
        assert await runtime.respond("r-1", b"x" * PAYLOAD_LIMIT) == 202
        assert len((await call).payload) == PAYLOAD_LIMIT

    run(test)


def streamed(runtime: Runtime, mode: str, *chunks: bytes, end: str = "0\r\n\r\n") -> None:
    runtime.send(
        "POST /2018-06-01/runtime/invocation/r-1/response",
        Content_Length="",
        Transfer_Encoding="chunked",
        Lambda_Runtime_Function_Response_Mode=mode,
        Trailer="Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body",
    )
    for chunk in chunks:
        runtime.writer.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
    runtime.writer.write(end.encode())


@pytest.mark.parametrize("mode", ["streaming", ""])
def test_an_answer_in_chunks_is_put_together(mode: str) -> None:
    async def test(bench: Bench) -> None:
        runtime, call = await bench.runtime(), bench.begin()
        await runtime.ask(NEXT)
        streamed(runtime, mode, b'{"a"', b": 1}")
        assert (await runtime.answer())[0] == 202
        assert ((await call).payload, (await call).error) == (b'{"a": 1}', False)

    run(test)


def test_trailers_end_a_stream_with_an_error() -> None:
    async def test(bench: Bench) -> None:
        runtime, call = await bench.runtime(), bench.begin()
        await runtime.ask(NEXT)
        document = b'{"errorType": "Shop.Closed", "errorMessage": "in the middle"}'
        trailers = {"Type": "Shop.Closed", "Body": b64encode(document).decode()}
        end = "".join(f"Lambda-Runtime-Function-Error-{name}: {value}\r\n" for name, value in trailers.items())
        streamed(runtime, "streaming", b"half", end=f"0\r\n{end}\r\n")
        assert (await runtime.answer())[0] == 202
        assert ((await call).payload, (await call).error_type) == (document, "Shop.Closed")

    run(test)


def test_another_response_mode_is_refused_and_told_to_the_caller() -> None:
    async def test(bench: Bench) -> None:
        runtime, call = await bench.runtime(), bench.begin()
        await runtime.ask(NEXT)
        streamed(runtime, "slow", b"half")
        status, _, body = await runtime.answer()
        assert (status, json.loads(body)["errorType"]) == (400, "InvalidFunctionResponseMode")
        assert (await call).error_type == "Runtime.InvalidResponseModeHeader"

    run(test)


def test_an_answer_that_breaks_off_is_no_answer() -> None:
    async def test(bench: Bench) -> None:
        runtime, call = await bench.runtime(), bench.begin()
        await runtime.ask(NEXT)
        streamed(runtime, "streaming", b"half", end="")
        runtime.hang_up()
        assert (await call).error_type == "Runtime.TruncatedResponse"

    run(test)


def test_a_late_answer_is_refused_and_reaches_no_other_caller() -> None:
    async def test(bench: Bench) -> None:
        slow, call = await bench.runtime(), bench.begin()
        await slow.ask(NEXT)
        result = await call
        assert (result.error, result.error_type) == (True, "Sandbox.Timedout")
        assert json.loads(result.payload)["errorMessage"] == "RequestId: r-1 Error: Task timed out after 0.20 seconds"
        again, runtime = bench.begin(), await bench.runtime()  # Lambda retries with the same request id
        number = (await runtime.ask(NEXT))[1]["Lambda-Runtime-Invocation-Id"]
        assert await slow.respond("r-1", b'"late"') == 400
        assert await (await bench.runtime()).respond("r-1", b"0", Lambda_Runtime_Invocation_Id="another") == 400
        assert await (await bench.runtime()).respond("r-1", b'"new"', Lambda_Runtime_Invocation_Id=number) == 202
        assert (await again).payload == b'"new"'
        assert await runtime.respond("r-1", b'"twice"') == 400

    run(test, seconds=0.2)


def test_a_runtime_that_makes_a_connection_for_each_request_is_served() -> None:
    async def test(bench: Bench) -> None:
        asking, call = await bench.runtime(), bench.begin()
        await asking.ask(NEXT, User_Agent="curl/8.5.0")
        asking.hang_up()
        await asyncio.sleep(0.05)
        assert not call.done()
        assert await (await bench.runtime()).respond("r-1", b'"ok"') == 202
        assert (await call).payload == b'"ok"'

    run(test)


@pytest.mark.parametrize(("agent", "served"), [("aws-lambda-python/3.13", 0), ("mine", 1)])
def test_a_runtime_that_keeps_its_connection_and_closes_it_has_ended(agent: str, served: int) -> None:
    async def test(bench: Bench) -> None:
        runtime = await bench.runtime()
        for _ in range(served):
            call = bench.begin()
            await runtime.ask(NEXT, User_Agent=agent)
            await runtime.respond("r-1", b"1", User_Agent=agent)
            await call
        call = bench.begin()
        await runtime.ask(NEXT, User_Agent=agent)
        runtime.hang_up()
        result = await call
        assert result.error_type == "Runtime.ExitError"
        assert b"Runtime exited without providing a reason" in result.payload

    run(test)


def test_a_runtime_that_left_while_it_waited_gets_no_event() -> None:
    async def test(bench: Bench) -> None:
        left, stays = await bench.runtime(), await bench.runtime()
        left.send(NEXT)
        await asyncio.sleep(0.02)
        left.hang_up()
        await asyncio.sleep(0.02)
        bench.begin("an event")
        assert (await stays.ask(NEXT))[2] == b'"an event"'

    run(test)


def test_a_caller_that_leaves_takes_its_waiting_event_along() -> None:
    async def test(bench: Bench) -> None:
        leaving = bench.begin("left", "r-1")
        stays = bench.begin("stays", "r-2")
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)
        runtime = await bench.runtime()
        assert (await runtime.ask(NEXT))[2] == b'"stays"'
        await runtime.respond("r-2", b"1")
        assert (await stays).payload == b"1"

    run(test)


def test_an_error_at_the_start_fails_events_until_a_runtime_has_started() -> None:
    async def test(bench: Bench) -> None:
        waiting, runtime = bench.begin(), await bench.runtime()
        document = b'{"errorType": "Runtime.ImportModuleError", "errorMessage": "no module"}'
        status, _, _ = await runtime.ask("POST /2018-06-01/runtime/init/error", document)
        assert status == 202
        assert ((await waiting).payload, (await waiting).error) == (document, True)
        assert (await bench.begin()).error_type == "Runtime.ImportModuleError"
        runtime.send(NEXT)
        await asyncio.sleep(0.02)
        call = bench.begin()
        await runtime.answer()
        await runtime.respond("r-1", b"1")
        assert (await call).payload == b"1"

    bench = run(test)
    assert bench.said == ["The runtime of work could not start: Runtime.ImportModuleError"]


def test_without_a_runtime_an_event_waits_for_a_start_and_the_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime_function, "PATIENCE", 0.05)
    monkeypatch.setattr(runtime_function, "INIT_SECONDS", 0.1)

    async def test(bench: Bench) -> None:
        assert [result.error_type for result in await asyncio.gather(bench.begin(), bench.begin())] == [
            "Sandbox.Timedout",
            "Sandbox.Timedout",
        ]

    bench = run(test, seconds=0.1)
    assert bench.said == ["work has an event and no runtime. Attach one: eventfw attach work"]


def test_while_a_runtime_works_events_wait_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime_function, "PATIENCE", 0.02)
    monkeypatch.setattr(runtime_function, "INIT_SECONDS", 0.02)

    async def test(bench: Bench) -> None:
        runtime, first = await bench.runtime(), bench.begin("first", "r-1")
        bench.serve(work=20)
        await runtime.ask(NEXT)
        bench.serve(work=0.02)
        second = bench.begin("second", "r-2")
        await asyncio.sleep(0.1)
        assert not second.done()
        bench.serve(work=20)
        await runtime.respond("r-1", b"1")
        await runtime.ask(NEXT)
        await runtime.respond("r-2", b"2")
        assert [(await first).payload, (await second).payload] == [b"1", b"2"]

    assert run(test).said == []


def test_a_save_keeps_ports_and_events_and_opens_others() -> None:
    async def test(bench: Bench) -> None:
        address, call = bench.address(), bench.begin("kept")
        await asyncio.sleep(0)
        bench.serve(work=7, more=7)
        assert bench.address() == address and bench.address("more") != address
        runtime = await bench.runtime()
        _, headers, body = await runtime.ask(NEXT)
        assert body == b'"kept"' and int(headers["Lambda-Runtime-Deadline-Ms"]) / 1000 - time.time() <= 7
        await runtime.respond("r-1", b"1")
        assert (await call).payload == b"1"

    run(test)


def test_a_function_that_goes_with_a_save_answers_what_it_has_and_then_loses_its_port() -> None:
    async def test(bench: Bench) -> None:
        runtime, idle, has = await bench.runtime(), await bench.runtime(), bench.begin("a")
        await runtime.ask(NEXT)
        waits = bench.begin("b", "r-2")
        await asyncio.sleep(0)
        bench.serve()
        with pytest.raises(LocalError, match="no function 'work' any more"):
            await waits
        assert "work" not in bench.api.environments
        idle.send(NEXT)
        assert await idle.reader.read() == b""
        assert await runtime.respond("r-1", b'"done"') == 202
        assert (await has).payload == b'"done"'
        assert await runtime.reader.read() == b""
        with pytest.raises(ConnectionError):
            await Runtime(idle.address).connect()

    run(test)


def test_events_that_a_stopping_server_has_given_out_end_as_those_of_a_process_that_ends() -> None:
    async def test(bench: Bench) -> None:
        runtime, call = await bench.runtime(), bench.begin()
        await runtime.ask(NEXT)
        await bench.api.stop()
        assert (await call).error_type == "Runtime.ExitError"
        assert await runtime.reader.read() == b""

    run(test)


def test_chosen_names_that_the_app_has_not_are_known() -> None:
    async def main() -> list[str]:
        bench = Bench()
        api = RuntimeApi(("a", "work"), bench, bench.api.place, guard=Guard(), say=bench.said.append)
        api.replace({"work": {"timeout": 1, "memory": 256, "environment": {}}, "more": {}})
        try:
            assert list(api.environments) == ["work"]
            return api.missing()
        finally:
            await api.stop()
            await bench.api.stop()

    assert asyncio.run(main()) == ["a"]


def test_bytes_that_are_no_http_are_refused() -> None:
    async def test(bench: Bench) -> None:
        runtime = await bench.runtime()
        runtime.writer.write(b"hello\r\n\r\n")
        assert (await runtime.answer())[0] == 400
        assert await runtime.reader.read() == b""

    run(test)


def test_the_log_has_lambdas_lines_of_what_a_runtime_has_had() -> None:
    begun: list[Journal] = []
    ended: list[Journal] = []

    async def test(bench: Bench) -> None:
        bench.api.oversight.begun, bench.api.oversight.ended = begun.append, ended.append
        runtime = await bench.runtime()
        runtime.send(NEXT)
        call = bench.begin(arn=f"{ARN}:live", version="7")
        await runtime.answer()
        await runtime.respond("r-1", b"1")
        start, end, report = (await call).logs.splitlines()
        assert (start, end) == ("START RequestId: r-1 Version: 7", "END RequestId: r-1")
        assert report.startswith("REPORT RequestId: r-1\tDuration: ") and report.endswith("\tMemory Size: 256 MB\t")
        assert begun == ended == [(await call).journal]
        assert begun[0].stream.name == bench.api.environments["work"]["AWS_LAMBDA_LOG_STREAM_NAME"]
        bench.serve(work=0.05)
        runtime.send(NEXT)
        call = bench.begin(request_id="r-2")
        await runtime.answer()
        logs = (await call).logs.splitlines()
        assert logs[1].endswith(" r-2 Task timed out after 0.05 seconds")
        assert "Duration: 50.00 ms" in logs[-1] and logs[-1].endswith("Status: timeout\t")
        bench.serve(work=20)
        broken = await bench.runtime()
        broken.send(NEXT, User_Agent="aws-lambda-rust/1")
        call = bench.begin(request_id="r-3")
        await broken.answer()
        broken.hang_up()
        exited = (await call).logs.splitlines()[1:3]
        assert exited == ["RequestId: r-3 Error: Runtime exited without providing a reason", "Runtime.ExitError"]

    run(test)


def test_an_offer_of_http_2_is_declined_and_the_request_answered() -> None:
    async def test(bench: Bench) -> None:
        task = bench.begin()
        runtime = await bench.runtime()
        offer = {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2_Settings": "AAEAAEAA"}
        assert (await runtime.ask(NEXT, **offer))[0] == 200
        assert await runtime.respond("r-1", b'"done"', **offer) == 202
        assert (await task).payload == b'"done"'
        task = bench.begin()
        await runtime.ask(NEXT, **offer)
        path = "POST /2018-06-01/runtime/invocation/r-1/response"
        runtime.send(path, b"", Content_Length="", Transfer_Encoding="chunked", **offer)
        runtime.writer.write(b'4\r\n"two\r\n1\r\n"\r\n0\r\n\r\n')
        assert (await runtime.answer())[0] == 202
        assert (await task).payload == b'"two"'

    run(test)


def test_a_large_body_is_asked_for() -> None:
    async def test(bench: Bench) -> None:
        runtime, call = await bench.runtime(), bench.begin()
        await runtime.ask(NEXT)
        line = "POST /2018-06-01/runtime/invocation/r-1/response"
        runtime.send(line, Content_Length="5", Expect="100-continue")
        assert await runtime.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        runtime.writer.write(b'"abc"')
        assert (await runtime.answer())[0] == 202
        assert (await call).payload == b'"abc"'

    run(test)
