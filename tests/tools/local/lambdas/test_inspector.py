"""What ``--inspect`` shows of events and answers, and what it keeps to itself."""

from __future__ import annotations

import asyncio
import io
import json
from typing import Any

import pytest
from click import unstyle

from eventfw.tools.local.lambdas import inspector
from eventfw.tools.local.lambdas.inspector import Inspector, shown, without_secrets
from eventfw.tools.local.terminal import Terminal
from eventfw.tools.local.workers.request import InvocationRequest
from eventfw.tools.local.workers.results import Result, Throttled


class Environments:
    """Gives the result, or raises the error, that the test wants."""

    def __init__(self, outcome: Result | Throttled) -> None:
        self.outcome = outcome
        self.request: InvocationRequest | None = None

    def begin(self, *_: Any) -> bool:
        return True

    async def invoke(self, request: InvocationRequest) -> Result:
        self.request = request
        if isinstance(self.outcome, Throttled):
            raise self.outcome
        return self.outcome


def inspected(outcome: Result | Throttled, event: bytes, **how: Any) -> list[str]:
    said: list[str] = []
    asyncio.run(Inspector(Environments(outcome), said.append).invoke(InvocationRequest("work", event, **how)))
    return [unstyle(one) for one in said]


def test_an_invocation_shows_its_event_and_then_its_answer() -> None:
    event, answer = inspected(Result(b'{"b": "\\u00fc"}', duration_ms=1.26), b'{"a": 1}', request_id="r-1")
    assert event == '--- event work  r-1  unknown\n{\n  "a": 1\n}'
    assert answer == '--- answer work  r-1  1.3 ms\n{\n  "b": "ü"\n}'


def test_what_is_handed_on_is_as_it_was_with_a_request_id_of_its_own() -> None:
    environments, request = Environments(Result(b"1")), InvocationRequest("work", b"{}", arn="arn", tenant="blue")
    result = asyncio.run(Inspector(environments, lambda _: None).invoke(request))
    assert result.payload == b"1"
    assert environments.request is request
    assert len(request.request_id) == 36
    assert not Inspector(environments, lambda _: None).begin("work", b"{}", lambda _: None, 1.0)


def test_an_error_and_a_refusal_are_told_apart() -> None:
    _, error = inspected(Result(b'{"errorType": "KeyError"}', error=True), b"{}", request_id="r-1")
    assert error.startswith('--- error work  r-1  0.0 ms\n{\n  "errorType": "KeyError"')
    said: list[str] = []
    with pytest.raises(Throttled):
        asyncio.run(
            Inspector(Environments(Throttled("too many")), said.append).invoke(InvocationRequest("work", b"{}", "r-1"))
        )
    assert unstyle(said[1]) == "--- no answer work  r-1  too many"


def test_secrets_are_hidden_in_every_form_that_services_give_headers() -> None:
    data = {
        "headers": {"Authorization": "Bearer abc", "Accept": "*/*", "x-api-key": "k"},
        "multiValueHeaders": {"Cookie": ["a=1", "b=2"]},
        "cookies": ["session=1"],
        "authorizationToken": "abc",
        "requestContext": {"identity": {"apiKey": None}},
        "Records": [{"cf": {"request": {"headers": {"cookie": [{"key": "Cookie", "value": "a=1"}]}}}}],
    }
    assert without_secrets(data) == {
        "headers": {"Authorization": "*****", "Accept": "*/*", "x-api-key": "*****"},
        "multiValueHeaders": {"Cookie": ["*****", "*****"]},
        "cookies": ["*****"],
        "authorizationToken": "*****",
        "requestContext": {"identity": {"apiKey": None}},
        "Records": [{"cf": {"request": {"headers": {"cookie": [{"key": "Cookie", "value": "*****"}]}}}}],
    }


def test_what_is_long_is_cut_with_a_note() -> None:
    text = json.loads(shown(json.dumps({"body": "x" * 5000}).encode()))["body"]
    assert text == "x" * inspector.LONGEST_TEXT + " ... and 4000 more characters"
    lines = shown(json.dumps(list(range(1000))).encode()).splitlines()
    assert len(lines) == inspector.MOST_LINES + 1 and lines[-1] == "... and 802 more lines"


@pytest.mark.parametrize("payload", [b"plain text", b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_json_is_shown_as_text(payload: bytes) -> None:
    assert shown(payload).startswith(payload[:10].decode(errors="replace"))


def test_there_are_no_colours_but_on_a_terminal() -> None:
    stream = io.StringIO()
    asyncio.run(
        Inspector(Environments(Result(b"1")), Terminal(stream).line).invoke(InvocationRequest("work", b"{}", "r"))
    )
    assert stream.getvalue() == "--- event work  r  unknown\n{}\n--- answer work  r  0.0 ms\n1\n"
