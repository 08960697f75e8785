"""Lambda's Invoke: what its requests say, and how they are answered."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote

import pytest

from eventfw.tools.local.lambdas.lambda_api import LOG_TAIL, Invocation, answer, function_of, invocation
from eventfw.tools.local.web.asgi import HttpRequest
from eventfw.tools.local.workers.results import Result


def request(name: str = "direct", method: str = "POST", **headers: str) -> HttpRequest:
    given = [(key.replace("_", "-"), value) for key, value in headers.items()]
    return HttpRequest(method, f"/2015-03-31/functions/{name}/invocations", headers=given)


@pytest.mark.parametrize(
    "name",
    [
        "direct",
        "direct:$LATEST",
        "000000000000:function:direct",
        "arn:aws:lambda:us-east-1:000000000000:function:direct",
        "arn:aws:lambda:us-east-1:000000000000:function:direct:live",
    ],
)
def test_a_function_is_named_in_every_way_that_lambda_knows(name: str) -> None:
    assert function_of(request(name)) == "direct"
    assert function_of(request(quote(name, safe=""))) == "direct"


def test_other_requests_are_not_invoke() -> None:
    assert function_of(request(method="GET")) == ""
    assert function_of(HttpRequest("POST", "/2015-03-31/functions")) == ""
    assert function_of(HttpRequest("POST", "/2014-11-13/functions/direct/invocations")) == ""
    assert function_of(HttpRequest("POST", "/bucket/functions/direct/invocations")) == ""


def test_the_headers_say_how() -> None:
    context = base64.b64encode(b'{"custom": {"a": 1}}').decode()
    headers: dict[str, Any] = {"x_amz_invocation_type": "Event", "x_amz_log_type": "Tail"}
    assert invocation(request(**headers, x_amz_client_context=context)) == Invocation(
        "Event", True, {"custom": {"a": 1}}
    )
    assert invocation(request()) == Invocation("RequestResponse", False, None)


@pytest.mark.parametrize(
    "headers", [{"x_amz_invocation_type": "Later"}, {"x_amz_client_context": "{}"}, {"x_amz_client_context": "YWJj"}]
)
def test_what_lambda_refuses_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="must be"):
        invocation(request(**headers))


def test_a_failure_is_a_200_with_its_header_and_the_end_of_the_log() -> None:
    result = Result(b'{"errorMessage": "no"}', True, "Unhandled", logs="x" * 9000 + "end", request_id="id-1")
    response = answer(result, Invocation(tail=True))
    headers = dict(response.headers)
    assert (response.status, json.loads(response.body)) == (200, {"errorMessage": "no"})
    assert headers["x-amz-function-error"] == "Unhandled"
    tail = base64.b64decode(headers["x-amz-log-result"])
    assert (len(tail), tail[-3:]) == (LOG_TAIL, b"end")
    assert "x-amz-function-error" not in dict(answer(Result(b"1"), Invocation()).headers)
