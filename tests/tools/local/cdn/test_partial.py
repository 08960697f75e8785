"""Conditions and ranges, answered out of a whole answer."""

from __future__ import annotations

import pytest

from eventfw.tools.local.cdn.partial import asked_for, ranges
from eventfw.tools.local.web.asgi import HttpRequest, HttpResponse

DATE = "Tue, 14 Nov 2023 22:13:20 GMT"
HEADERS = [("content-type", "text/plain"), ("etag", '"t"'), ("last-modified", DATE), ("content-length", "10")]
WHOLE = HttpResponse(200, HEADERS, b"0123456789")


def asked(method: str = "GET", **headers: str) -> HttpResponse:
    given = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return asked_for(HttpRequest(method, "/", headers=given), WHOLE)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("bytes=0-3", [(0, 3)]),
        ("bytes=8-", [(8, 9)]),
        ("bytes=-3", [(7, 9)]),
        ("bytes=-30", [(0, 9)]),
        ("bytes=5-500", [(5, 9)]),
        ("bytes=0-0, 4-5", [(0, 0), (4, 5)]),
        ("bytes=10-", []),
        ("bytes=-0", []),
        ("bytes=4-5,0-1", None),
        ("bytes=0-5,3-8", None),
        ("bytes=5-3", None),
        ("bytes=a-b", None),
        ("bytes=-", None),
        ("bytes", None),
        ("items=0-3", None),
    ],
)
def test_ranges_are_read_as_cloudfront_reads_them(wanted: str, found: list[tuple[int, int]] | None) -> None:
    assert ranges(wanted, 10) == found


def test_a_range_is_a_206() -> None:
    answer = asked(range="bytes=2-4")
    assert (answer.status, answer.body) == (206, b"234")
    assert dict(answer.headers)["content-range"] == "bytes 2-4/10"
    assert "content-length" not in dict(answer.headers)


def test_several_ranges_are_parts_of_one_answer() -> None:
    answer = asked(range="bytes=0-1,8-9")
    kind = dict(answer.headers)["content-type"]
    boundary = kind.partition("boundary=")[2].strip('"').encode()
    parts = answer.body.split(b"--" + boundary)
    assert (answer.status, kind.partition(";")[0], len(parts)) == (206, "multipart/byteranges", 4)
    assert b"Content-Range: bytes 8-9/10\r\n\r\n89\r\n" in parts[2] and parts[3] == b"--\r\n"


def test_a_range_behind_the_end_is_a_416_that_says_how_long_it_is() -> None:
    answer = asked(range="bytes=10-20")
    assert (answer.status, answer.body, dict(answer.headers)["content-range"]) == (416, b"", "bytes */10")


@pytest.mark.parametrize(
    ("condition", "status"),
    [('"t"', 206), ('"other"', 200), ('W/"t"', 200), (DATE, 206), ("Tue, 14 Nov 2023 22:13:21 GMT", 200)],
)
def test_a_range_on_condition_is_the_whole_where_the_object_has_changed(condition: str, status: int) -> None:
    assert asked(range="bytes=0-1", if_range=condition).status == status


def test_the_head_of_a_range_is_that_of_the_whole() -> None:
    assert asked("HEAD", range="bytes=0-1").status == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"if_none_match": '"t"'}, 304),
        ({"if_none_match": '"a", W/"t"'}, 304),
        ({"if_none_match": "*"}, 304),
        ({"if_none_match": '"a"'}, 200),
        ({"if_modified_since": DATE}, 304),
        ({"if_modified_since": "Tue, 14 Nov 2023 22:13:19 GMT"}, 200),
        ({"if_modified_since": "yesterday"}, 200),
        ({"if_none_match": '"a"', "if_modified_since": DATE}, 200),
    ],
)
def test_what_the_viewer_has_already_is_a_304(headers: dict[str, str], status: int) -> None:
    answer = asked(**headers)
    assert (answer.status, bool(answer.body)) == (status, status == 200)
    assert ("content-type" in dict(answer.headers)) == (status == 200)
    assert "etag" in dict(answer.headers)


def test_only_a_200_is_cut() -> None:
    failed = HttpResponse(404, [("etag", '"t"')], b"no")
    assert asked_for(HttpRequest("GET", "/", headers=[("if-none-match", '"t"')]), failed) is failed
