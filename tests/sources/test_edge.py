"""Lambda@Edge: a request that goes on, changed or not, or an answer at once."""

from __future__ import annotations

from typing import Any

import pytest

from eventfw import App, EdgeRequest, HTTPError, Response
from eventfw.testing import Client


def answer(returned: Any) -> Any:
    app = App("demo")

    @app.edge_viewer_request("site")
    def site(request: EdgeRequest) -> Any:
        if isinstance(returned, Exception):
            raise returned
        return returned(request) if callable(returned) else returned

    return Client(app).send(site, uri="/a")


def changed(request: EdgeRequest) -> EdgeRequest:
    request.uri = "/b"
    request.set_header("X-One", "1")
    return request


def test_a_changed_request_goes_on() -> None:
    result = answer(changed)
    assert result["uri"] == "/b" and result["headers"]["x-one"] == [{"key": "X-One", "value": "1"}]


@pytest.mark.parametrize("generated", [Response("no", 403), HTTPError(403)])
def test_a_response_answers_at_once(generated: Any) -> None:
    assert answer(generated)["status"] == "403"


@pytest.mark.parametrize("returned", [None, {"a": 1}, "text", lambda request: request.raw])
def test_what_cloudfront_would_refuse_is_an_error(returned: Any) -> None:
    with pytest.raises(TypeError, match="returns the request or a Response"):
        answer(returned)


def test_a_header_cannot_smuggle_in_another() -> None:
    with pytest.raises(ValueError, match="line break"):
        answer(lambda request: request.set_header("x", "a\r\nb: c"))
