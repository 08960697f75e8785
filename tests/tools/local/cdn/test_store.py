"""What the cache holds, and what it forgets."""

from __future__ import annotations

import pytest

from eventfw.tools.local.cdn.freshness import Lifetime
from eventfw.tools.local.cdn.keys import Key
from eventfw.tools.local.cdn.store import OVERHEAD, Entry, Store, invalidated
from eventfw.tools.local.web.asgi import HttpResponse


def entry(size: int = 0) -> Entry:
    return Entry(HttpResponse(200, [], b"x" * size), Lifetime(10), 0, [], 200)


def key(path: str, query: str = "", distribution: str = "site") -> Key:
    return Key((distribution, ""), "GET", path, query)


def test_what_was_not_asked_for_the_longest_gives_way() -> None:
    store = Store(3 * (OVERHEAD + 100))
    for name in "abc":
        store.put(key(name), entry(100))
    store.get(key("a"))
    store.put(key("d"), entry(100))
    assert [name for name in "abcd" if store.get(key(name))] == ["a", "c", "d"]
    assert store.size == store.limit


def test_an_answer_takes_the_place_of_the_one_before_and_counts_once() -> None:
    store = Store(10_000)
    store.put(key("a"), entry(2_000))
    store.put(key("a"), entry(1_000))
    assert (len(store), store.size) == (1, OVERHEAD + 1_000)
    store.drop(key("a"))
    assert (len(store), store.size) == (0, 0)


def test_what_is_larger_than_everything_is_not_held() -> None:
    store = Store(1_000)
    store.put(key("a"), entry(10))
    store.put(key("b"), entry(2_000))
    assert [name for name in "ab" if store.get(key(name))] == ["a"]


@pytest.mark.parametrize(
    ("path", "forgotten"),
    [
        ("/a", ["/a"]),
        ("/a?x=1", ["/a?x=1"]),
        ("/a*", ["/a", "/a?x=1", "/ab"]),
        ("/*", ["/a", "/a?x=1", "/ab", "/b/a"]),
        ("/A", []),
        ("/b/", []),
    ],
)
def test_an_invalidation_forgets_paths_and_what_begins_like_one(path: str, forgotten: list[str]) -> None:
    keys = [key("/a"), key("/a", "x=1"), key("/ab"), key("/b/a")]
    matches = invalidated("site", (path,))
    assert [one.path + "?" * bool(one.query) + one.query for one in keys if matches(one)] == forgotten
    assert not invalidated("admin", ("/*",))(keys[0])
