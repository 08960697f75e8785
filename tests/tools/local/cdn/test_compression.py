"""What CloudFront compresses."""

from __future__ import annotations

import asyncio
import gzip

import pytest

from eventfw.tools.local.cdn.compression import compressed, compressible
from eventfw.tools.local.web.asgi import HttpResponse


def answer(
    size: int = 5_000, status: int = 200, kind: str = "text/html; charset=utf-8", **headers: str
) -> HttpResponse:
    given = {"content-type": kind, "content-length": str(size), **headers}
    return HttpResponse(status, list(given.items()), b"a" * size)


@pytest.mark.parametrize(
    ("response", "is_compressed"),
    [
        (answer(), True),
        (answer(kind="application/json"), True),
        (answer(kind="image/png"), False),
        (answer(1_000), True),
        (answer(999), False),
        (answer(10_000_001), False),
        (answer(status=404), True),
        (answer(status=500), False),
        (answer(**{"content-encoding": "br"}), False),
        (HttpResponse(200, [("content-type", "text/html")], b"a" * 5_000), False),
    ],
)
def test_texts_of_a_known_size_are_compressed(response: HttpResponse, is_compressed: bool) -> None:
    assert compressible(response) == is_compressed


@pytest.mark.parametrize("size", [5_000, 500_000])
def test_the_answer_says_that_it_is_compressed(size: int) -> None:
    made = asyncio.run(compressed(answer(size, etag='"t"', vary="Origin")))
    headers = dict(made.headers)
    assert gzip.decompress(made.body) == b"a" * size
    assert (headers["content-encoding"], headers["vary"], headers["etag"]) == (
        "gzip",
        "Origin, Accept-Encoding",
        'W/"t"',
    )
    assert headers["content-length"] == str(len(made.body))


def test_a_weak_tag_stays_and_what_is_no_tag_goes() -> None:
    tags = [dict(asyncio.run(compressed(answer(etag=tag))).headers).get("etag") for tag in ('W/"t"', "t")]
    assert tags == ['W/"t"', None]
