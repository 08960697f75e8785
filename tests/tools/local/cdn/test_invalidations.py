"""CreateInvalidation at the door."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from edge_bench import Edge, front

from eventfw.resources.distribution import local_id
from eventfw.tools.local.cdn import invalidations
from eventfw.tools.local.cdn.invalidations import NAMESPACE, Invalidations
from eventfw.tools.local.web.guard import Guard

MOMENT = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
OWN = f"/2020-05-31/distribution/{local_id('site')}/invalidation"


def batch(*paths: str, reference: str = "r1") -> bytes:
    items = "".join(f"<Path>{path}</Path>" for path in paths)
    return (
        f'<InvalidationBatch xmlns="{NAMESPACE}"><Paths><Quantity>{len(paths)}</Quantity><Items>{items}</Items></Paths>'
        f"<CallerReference>{reference}</CallerReference></InvalidationBatch>"
    ).encode()


class Bench:
    """The app before a door that answers with a status; what was asked of the door, and what was forgotten."""

    def __init__(self, status: int = 201) -> None:
        self.status = status
        self.passed: list[bytes] = []
        self.forgotten: list[tuple[str, tuple[str, ...]]] = []
        edge = front(Edge())
        edge.invalidate = lambda name, paths: self.forgotten.append((name, tuple(paths))) or 1  # type: ignore
        self.app = Invalidations(self.door, edge, lambda: MOMENT, Guard())

    async def door(self, scope: Any, receive: Any, send: Any) -> None:
        self.passed.append((await receive())["body"])
        await send({"type": "http.response.start", "status": self.status, "headers": []})
        await send({"type": "http.response.body", "body": b"door"})

    def ask(self, method: str, path: str, body: bytes = b"", host: str = "localhost") -> tuple[int, str]:
        sent: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http", "http_version": "1.1", "method": method, "path": path, "raw_path": path.encode(),
            "query_string": b"", "headers": [(b"host", host.encode())],
        }  # fmt: skip
        asyncio.run(self.app(scope, receive, send))
        return sent[0]["status"], sent[1]["body"].decode()


def test_an_invalidation_of_the_apps_distribution_is_done_and_can_be_asked_for() -> None:
    bench = Bench()
    status, made = bench.ask("POST", OWN, batch("/a*", "/b"))
    assert (status, bench.forgotten, bench.passed) == (201, [("site", ("/a*", "/b"))], [])
    assert "<Status>Completed</Status><CreateTime>2024-01-02T03:04:05.000Z</CreateTime>" in made
    id_ = made.partition("<Id>")[2].partition("</Id>")[0]
    assert bench.ask("GET", f"{OWN}/{id_}") == (200, made)
    status, listed = bench.ask("GET", OWN)
    assert (status, f"<InvalidationSummary><Id>{id_}</Id>" in listed) == (200, True)


def test_a_callers_reference_is_done_once() -> None:
    bench = Bench()
    first, again = (bench.ask("POST", OWN, batch("/a")) for _ in range(2))
    assert (first, len(bench.forgotten)) == (again, 1)
    status, said = bench.ask("POST", OWN, batch("/b"))
    assert (status, "<Code>InvalidationBatchAlreadyExists</Code>" in said) == (400, True)
    assert bench.ask("POST", OWN, batch("/b", reference="r2"))[0] == 201


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"<a", "MalformedXML"),
        (batch("a"), "InvalidArgument"),
        (batch("/a*b"), "InvalidArgument"),
        (batch(), "InvalidArgument"),
        (batch("/a", reference=""), "MissingArgument"),
    ],
)
@pytest.mark.parametrize("path", [OWN, "/2020-05-31/distribution/E1/invalidation"])
def test_what_cloudfront_does_not_take_is_refused_in_its_form(path: str, body: bytes, code: str) -> None:
    bench = Bench()
    status, said = bench.ask("POST", path, body)
    assert (status, f"<Code>{code}</Code>" in said) == (400, True)
    assert (bench.forgotten, bench.passed) == ([], []), "the embedded AWS would take it"


def test_the_latest_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invalidations, "REMEMBERED", 2)
    bench = Bench()
    for number in range(4):
        bench.ask("POST", OWN, batch("/a", reference=str(number)))
    assert bench.ask("GET", OWN)[1].count("<InvalidationSummary>") == 2


def test_an_invalidation_that_there_is_not_is_a_404() -> None:
    status, said = Bench().ask("GET", f"{OWN}/I1")
    assert (status, "<Code>NoSuchInvalidation</Code>" in said) == (404, True)


@pytest.mark.parametrize(("status", "forgotten"), [(201, [("site", ("/a",))]), (404, [])])
def test_what_the_embedded_aws_takes_is_forgotten_here_too(status: int, forgotten: list[Any]) -> None:
    bench = Bench(status)
    assert bench.ask("POST", "/2020-05-31/distribution/E1/invalidation", batch("/a")) == (status, "door")
    assert (bench.passed, bench.forgotten) == ([batch("/a")], forgotten)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/bucket/key"),
        ("GET", "/2020-05-31/distribution/E1/invalidation"),
        ("GET", "/2020-05-31/distribution"),
    ],
)
def test_everything_else_is_the_doors(method: str, path: str) -> None:
    bench = Bench(200)
    assert bench.ask(method, path, b"x") == (200, "door")
    assert (bench.passed, bench.forgotten) == ([b"x"], [])


def test_what_comes_from_a_foreign_page_is_the_doors_to_refuse() -> None:
    bench = Bench(403)
    assert bench.ask("POST", OWN, batch("/a"), host="evil.example") == (403, "door")
    assert bench.forgotten == []
