"""CloudFront's cache, around whatever fetches an answer: a miss waits, a hit does not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace

from eventfw.tools.local.cdn.freshness import lifetime
from eventfw.tools.local.cdn.keys import Key
from eventfw.tools.local.cdn.policies import CachePolicy
from eventfw.tools.local.cdn.store import LIMIT, Entry, Store, invalidated
from eventfw.tools.local.web.asgi import Headers, HttpResponse


@dataclass(frozen=True)
class Fetched:
    """An answer for the viewer. ``result_type`` is what X-Cache says of it.

    ``origin_status``: what the origin itself answered, 502 or 504 where it gave no answer, 0 where it was not asked.
    ``validators``: what to ask it with whether the answer is still right. ``kept``: whether the cache may keep it.
    ``function``: the last that ran for it.
    """

    response: HttpResponse
    result_type: str
    origin_status: int = 0
    validators: tuple[tuple[str, str], ...] = ()
    kept: bool = True
    function: str = ""

    @property
    def failed(self) -> bool:
        """Whether the origin's own status was an error."""
        return self.origin_status >= 400


#: Asks the origin, on condition of the headers given, and runs the origin's functions.
Fetch = Callable[[Headers], Awaitable[Fetched]]


class Cache:
    """Answers by their keys, each for as long as its policy and its headers say. ``now`` gives seconds since 1970.

    What goes wrong while no viewer waits is told to ``tell``.
    """

    def __init__(
        self, now: Callable[[], float], tell: Callable[[str], None] = lambda problem: None, limit: int = LIMIT
    ) -> None:
        self.now = now
        self.tell = tell
        self.store = Store(limit)
        self._asked: dict[Key, asyncio.Event] = {}
        self._refreshing: dict[Key, asyncio.Task[None]] = {}
        self._emptied = 0  # how often: what was fetched before is not kept after

    async def answer(self, key: Key, policy: CachePolicy, fetch: Fetch, *, collapse: bool) -> Fetched:
        """The answer for a key. With ``collapse``, requests that come while the first is on its way wait for it."""
        now = self.now()
        entry = self._found(key, now)
        if entry is not None and entry.fresh(now):
            return hit(entry, now)
        if entry is not None and entry.while_revalidated(now):
            self._refresh(key, policy, fetch)
            return hit(entry, now)
        if not collapse:
            return await self._fetched(key, policy, fetch)
        if (under_way := self._asked.get(key)) is not None:
            await under_way.wait()
            now = self.now()
            entry = self.store.get(key)
            if entry is not None and entry.fresh(now):
                return hit(entry, now)
            return await self._fetched(key, policy, fetch)
        begun = self._asked[key] = asyncio.Event()
        try:
            return await self._fetched(key, policy, fetch)
        finally:
            begun.set()
            if self._asked.get(key) is begun:
                del self._asked[key]

    def clear(self) -> int:
        """Forget everything; how many answers that were."""
        return self._forget(lambda key: True)

    def invalidate(self, distribution: str, paths: Iterable[str]) -> int:
        """Forget a distribution's answers for some paths; how many."""
        return self._forget(invalidated(distribution, tuple(paths)))

    async def close(self) -> None:
        """End what is still asked in the background."""
        tasks = list(self._refreshing.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def settle(self) -> bool:
        """Wait for what is asked in the background; whether there was anything."""
        tasks = list(self._refreshing.values())
        await asyncio.gather(*tasks, return_exceptions=True)
        return bool(tasks)

    def _found(self, key: Key, now: float) -> Entry | None:
        """What there is for a key; the answer to GET also answers HEAD."""
        if key.method == "HEAD":
            whole = self.store.get(replace(key, method="GET"))
            if whole is not None and whole.fresh(now):
                return whole
        return self.store.get(key)

    def _forget(self, matches: Callable[[Key], bool]) -> int:
        self._emptied += 1
        self._asked.clear()
        return self.store.forget(matches)

    def _refresh(self, key: Key, policy: CachePolicy, fetch: Fetch) -> None:
        """Ask the origin while the viewer has the old answer, once at a time."""
        if key not in self._refreshing:
            task = self._refreshing[key] = asyncio.create_task(self._refreshed(key, policy, fetch))
            task.add_done_callback(lambda done: self._refreshing.pop(key, None))

    async def _refreshed(self, key: Key, policy: CachePolicy, fetch: Fetch) -> None:
        found = await self._fetched(key, policy, fetch)
        if found.response.problem:
            self.tell(f"While a viewer had an old answer for {key.path}: {found.response.problem}")

    async def _fetched(self, key: Key, policy: CachePolicy, fetch: Fetch) -> Fetched:
        """The origin's answer, which is kept where it may be; or the old one, where the origin confirms it or fails."""
        emptied, entry = self._emptied, self.store.get(key)
        found = await fetch(entry.validators if entry is not None else [])
        now = self.now()
        if entry is not None and found.origin_status >= 500 and entry.if_error(now):
            entry.put_off(now)
            return replace(stood_in(entry, found, now), function=found.function)
        if entry is not None and found.origin_status == found.response.status == 304:
            found = confirmed(entry, found)
        if emptied != self._emptied:
            return found
        kept = lifetime(policy, found.response.status, found.response.headers, now) if found.kept else None
        if kept is not None:
            self.store.put(key, Entry(found.response, kept, now, list(found.validators), found.origin_status))
        elif found.kept:
            self.store.drop(key)
        return found


def hit(entry: Entry, now: float) -> Fetched:
    """An answer out of the cache."""
    kept, problem = entry.response, entry.response.problem
    if kept.status >= 400:
        again = (
            f"CloudFront keeps an error for {entry.lifetime.fresh:g} s and asks again in {entry.expires - now:.0f} s."
        )
        problem = f"{problem} {again}".lstrip()
    response = HttpResponse(kept.status, [*entry.headers, ("age", str(entry.age(now)))], kept.body, problem)
    return Fetched(response, "Error" if response.status >= 400 else "Hit", entry.origin_status)


def stood_in(entry: Entry, found: Fetched, now: float) -> Fetched:
    """The old answer in the place of the origin's failure, of which the developer is told."""
    old = hit(entry, now)
    why = found.response.problem or f"The origin answered {found.origin_status}."
    problem = f"{why} CloudFront gives the viewer the answer of {entry.age(now)} s ago."
    return replace(old, response=replace(old.response, problem=problem))


def confirmed(entry: Entry, found: Fetched) -> Fetched:
    """The old answer, which the origin says is right still, with the headers of now (RFC 9111, 3.2)."""
    fixed = ("content-length", "content-encoding", "content-type", "content-range", "etag", "vary")
    new = [(name, value) for name, value in found.response.headers if name not in fixed]
    names = {name for name, _ in new} | {"age"}
    headers = [pair for pair in entry.response.headers if pair[0] not in names] + new
    response = replace(entry.response, headers=headers)
    return replace(
        found,
        response=response,
        result_type="RefreshHit",
        origin_status=entry.origin_status,
        validators=found.validators or tuple(entry.validators),
    )
