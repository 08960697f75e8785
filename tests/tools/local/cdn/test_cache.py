"""The cache around an origin: what is asked, when, and what the viewer is told of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from eventfw.tools.local.cdn.cache import Cache, Fetched
from eventfw.tools.local.cdn.keys import Key
from eventfw.tools.local.cdn.policies import CachePolicy
from eventfw.tools.local.web.asgi import Headers, HttpResponse

KEY = Key(("site", ""), "GET", "/a")
POLICY = CachePolicy(0, 100, 1_000)


def answer(body: str = "a", status: int = 200, cache_control: str = "", **more: Any) -> Fetched:
    headers = [("etag", '"1"')] + ([("cache-control", cache_control)] if cache_control else [])
    return Fetched(HttpResponse(status, headers, body.encode()), "Error" if status >= 400 else "Miss", status, **more)


@dataclass
class Bench:
    """A cache at a time that the test sets, before an origin that gives these answers, the last one again and again."""

    answers: list[Fetched]
    time: float = 0
    asked: list[Headers] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    gate: asyncio.Event | None = None

    def __post_init__(self) -> None:
        self.cache = Cache(lambda: self.time, self.told.append)

    async def fetch(self, validators: Headers) -> Fetched:
        self.asked.append(validators)
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if self.gate is not None:
            await self.gate.wait()
        return found

    async def get(self, key: Key = KEY, *, collapse: bool = True) -> tuple[str, bytes, str]:
        found = await self.cache.answer(key, POLICY, self.fetch, collapse=collapse)
        return found.result_type, found.response.body, dict(found.response.headers).get("age", "")


def bench(*answers: Fetched) -> Bench:
    return Bench(list(answers))


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), 10))  # a broken cache waits forever


def test_the_second_request_is_a_hit_that_says_its_age() -> None:
    async def test() -> None:
        one = bench(answer())
        assert await one.get() == ("Miss", b"a", "")
        one.time = 99.9
        assert await one.get() == ("Hit", b"a", "99")
        assert len(one.asked) == 1

    run(test)


def test_the_age_that_the_origin_says_counts() -> None:
    async def test() -> None:
        one = bench(answer())
        one.answers[0].response.headers.append(("age", "7"))
        await one.get()
        one.time = 3
        assert (await one.get())[2] == "10"

    run(test)


def test_an_old_answer_is_asked_about_and_confirmed() -> None:
    async def test() -> None:
        same = Fetched(HttpResponse(304, [("x-new", "1"), ("cache-control", "max-age=5")]), "Miss", 304)
        one = bench(answer(validators=(("if-none-match", '"1"'),)), same)
        await one.get()
        one.time = 100
        assert await one.get() == ("RefreshHit", b"a", "")
        assert one.asked == [[], [("if-none-match", '"1"')]]
        one.time = 104
        assert (await one.get())[0] == "Hit"
        one.time = 105
        assert (await one.get())[0] == "RefreshHit"
        assert one.asked[2] == [("if-none-match", '"1"')]
        found = one.cache.store.get(KEY)
        assert found is not None and dict(found.response.headers)["x-new"] == "1"

    run(test)


def test_a_new_answer_takes_the_place_of_an_old_one() -> None:
    async def test() -> None:
        one = bench(answer("a"), answer("b"))
        await one.get()
        one.time = 100
        assert (await one.get())[:2] == ("Miss", b"b")
        assert (await one.get())[:2] == ("Hit", b"b")

    run(test)


def test_what_must_not_be_kept_is_asked_for_each_time() -> None:
    async def test() -> None:
        one = bench(answer(cache_control="private"))
        assert [(await one.get())[0] for _ in range(2)] == ["Miss", "Miss"]
        assert len(one.cache.store) == 0

    run(test)


def test_an_error_is_kept_for_ten_seconds_and_said_to_be_one() -> None:
    async def test() -> None:
        one = bench(answer("gone", 404), answer("back"))
        assert (await one.get())[:2] == ("Error", b"gone")
        one.time = 9
        assert (await one.get())[:2] == ("Error", b"gone")
        one.time = 10
        assert (await one.get())[:2] == ("Miss", b"back")

    run(test)


@pytest.mark.parametrize(
    ("cache_control", "result"),
    [("max-age=100", "Hit"), ("max-age=100, stale-if-error=0", "Error"), ("max-age=100, stale-if-error=60", "Hit")],
)
def test_an_old_answer_stands_in_for_an_origin_that_fails(cache_control: str, result: str) -> None:
    async def test() -> None:
        one = bench(answer(cache_control=cache_control), answer("broken", 503))
        await one.get()
        one.time = 110
        assert (await one.get())[0] == result
        asked = len(one.asked)
        one.time = 119  # the origin is left alone for ten seconds
        assert ((await one.get())[0], len(one.asked)) == (result, asked)
        one.time = 160
        await one.get()
        assert len(one.asked) == asked + 1

    run(test)


def test_the_developer_is_told_that_an_old_answer_stands_in() -> None:
    async def test() -> None:
        one = bench(answer(), answer("broken", 503, function="dress"))
        await one.get()
        one.time = 100
        found = await one.cache.answer(KEY, POLICY, one.fetch, collapse=True)
        said = "The origin answered 503. CloudFront gives the viewer the answer of 100 s ago."
        assert (found.response.status, found.response.problem, found.function) == (200, said, "dress")
        assert not found.failed

    run(test)


def test_an_error_of_the_viewers_own_does_not_have_the_old_answer_back() -> None:
    async def test() -> None:
        one = bench(answer(), answer("no", 404))
        await one.get()
        one.time = 100
        assert (await one.get())[:2] == ("Error", b"no")

    run(test)


def test_an_old_answer_is_given_while_the_origin_is_asked_once() -> None:
    async def test() -> None:
        one = bench(answer("a", cache_control="max-age=10, stale-while-revalidate=30"), answer("b"))
        await one.get()
        one.time, one.gate = 20, asyncio.Event()
        assert [(await one.get())[:2] for _ in range(3)] == [("Hit", b"a")] * 3
        one.gate.set()
        assert await one.cache.settle()
        assert (len(one.asked), (await one.get())[:2]) == (2, ("Hit", b"b"))

    run(test)


def test_what_fails_while_no_viewer_waits_is_told() -> None:
    async def test() -> None:
        failed = answer("page", 503, kept=False)
        failed = replace(failed, response=replace(failed.response, problem="boom"), origin_status=0)
        one = bench(answer("a", cache_control="max-age=10, stale-while-revalidate=30"), failed)
        await one.get()
        one.time = 20
        await one.get()
        await one.cache.settle()
        assert one.told == ["While a viewer had an old answer for /a: boom"]
        assert (await one.get())[:2] == ("Hit", b"a")
        await one.cache.close()

    run(test)


def test_requests_that_come_together_are_one_to_the_origin() -> None:
    async def test() -> None:
        one = bench(answer())
        one.gate = asyncio.Event()
        waiting = [asyncio.create_task(one.get()) for _ in range(4)]
        await asyncio.sleep(0)
        one.gate.set()
        assert sorted(found[0] for found in await asyncio.gather(*waiting)) == ["Hit", "Hit", "Hit", "Miss"]
        assert len(one.asked) == 1

    run(test)


@pytest.mark.parametrize(("kept", "collapse"), [(False, True), (True, False)])
def test_each_asks_where_nothing_is_kept_or_cookies_are_sent(kept: bool, collapse: bool) -> None:
    async def test() -> None:
        one = bench(answer(cache_control="" if kept else "no-store"))
        one.gate = asyncio.Event()
        waiting = [asyncio.create_task(one.get(collapse=collapse)) for _ in range(3)]
        await asyncio.sleep(0)
        one.gate.set()
        await asyncio.gather(*waiting)
        assert len(one.asked) == 3

    run(test)


def test_one_that_ends_with_an_error_leaves_nobody_waiting() -> None:
    async def test() -> None:
        one = bench(answer())

        async def broken(validators: Headers) -> Fetched:
            await asyncio.sleep(0)
            raise ValueError

        first = asyncio.create_task(one.cache.answer(KEY, POLICY, broken, collapse=True))
        await asyncio.sleep(0)
        second = asyncio.create_task(one.get())
        with pytest.raises(ValueError):
            await first
        assert (await second)[0] == "Miss"

    run(test)


def test_the_answer_to_get_answers_head_and_not_the_other_way_round() -> None:
    async def test() -> None:
        one, head = bench(answer()), replace(KEY, method="HEAD")
        assert (await one.get(head))[0] == "Miss"
        assert (await one.get())[0] == "Miss"
        assert (await one.get(head))[0] == "Hit"

    run(test)


def test_what_was_asked_for_before_it_was_emptied_is_not_kept() -> None:
    async def test() -> None:
        one = bench(answer("old"), answer("new"))
        gate = one.gate = asyncio.Event()
        waiting = asyncio.create_task(one.get())
        await asyncio.sleep(0)
        assert one.cache.clear() == 0
        one.gate = None
        assert (await one.get())[:2] == ("Miss", b"new")
        gate.set()
        assert (await waiting)[1] == b"old"
        assert (await one.get())[:2] == ("Hit", b"new")

    run(test)


def test_an_old_answer_is_forgotten_once_the_origin_wants_nothing_kept() -> None:
    async def test() -> None:
        one = bench(answer("a", cache_control="max-age=10, stale-while-revalidate=90"), answer("b", 200, "private"))
        await one.get()
        one.time = 20
        assert (await one.get())[:2] == ("Hit", b"a")
        await one.cache.settle()
        assert (await one.get())[:2] == ("Miss", b"b")

    run(test)


def test_an_invalidation_has_the_origin_asked_again() -> None:
    async def test() -> None:
        one = bench(answer("old"), answer("new"))
        await one.get()
        assert [one.cache.invalidate("site", paths) for paths in (["/b*"], ["/a"], ["/a"])] == [0, 1, 0]
        assert (await one.get())[:2] == ("Miss", b"new")

    run(test)
