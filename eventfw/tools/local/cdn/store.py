"""What CloudFront's cache holds: answers by their keys, of a bounded size together."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from eventfw.tools.local.cdn.freshness import ERROR_TTL, Lifetime, age_of
from eventfw.tools.local.cdn.keys import Key
from eventfw.tools.local.web.asgi import Headers, HttpResponse

LIMIT = 64 * 1024 * 1024  # bytes
OVERHEAD = 500  # bytes of memory that an answer takes beside its headers and its body


@dataclass
class Entry:
    """An answer as the origin's functions left it. ``validators`` are what the origin is asked with once it is old;
    ``origin_status`` is what the origin itself answered, 0 where it was not asked. Times are seconds since 1970."""

    response: HttpResponse
    lifetime: Lifetime
    stored: float
    validators: Headers
    origin_status: int
    retry: float = 0

    def __post_init__(self) -> None:
        self.age_before = age_of(self.response.headers)
        self.headers = [pair for pair in self.response.headers if pair[0] != "age"]
        self.size = OVERHEAD + len(self.response.body)
        self.size += sum(len(name) + len(value) for name, value in self.response.headers)

    @property
    def expires(self) -> float:
        """When the origin is to be asked again."""
        return self.stored + self.lifetime.fresh

    def fresh(self, now: float) -> bool:
        """Whether it is given without asking the origin."""
        return now < self.expires or now < self.retry

    def while_revalidated(self, now: float) -> bool:
        """Whether it is given while the origin is asked."""
        return now < self.expires + self.lifetime.while_revalidated

    def if_error(self, now: float) -> bool:
        """Whether it stands in for an origin that fails; no error does, by its lifetime."""
        return now < self.expires + self.lifetime.if_error

    def put_off(self, now: float) -> None:
        """Leave a failing origin alone for a while."""
        self.retry = now + ERROR_TTL

    def age(self, now: float) -> int:
        """The seconds since the origin answered, for the Age header."""
        return self.age_before + max(int(now - self.stored), 0)


class Store:
    """Answers by their keys. Those that were not asked for the longest give way to new ones."""

    def __init__(self, limit: int = LIMIT) -> None:
        self.limit = limit
        self.size = 0
        self._entries: OrderedDict[Key, Entry] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: Key) -> Entry | None:
        """An answer, which has then been asked for."""
        entry = self._entries.get(key)
        if entry is not None:
            self._entries.move_to_end(key)
        return entry

    def put(self, key: Key, entry: Entry) -> None:
        """Hold an answer, unless it is larger than all that may be held."""
        self.drop(key)
        if entry.size > self.limit:
            return
        self._entries[key] = entry
        self.size += entry.size
        while self.size > self.limit:
            self.size -= self._entries.popitem(last=False)[1].size

    def drop(self, key: Key) -> None:
        """Hold an answer no longer."""
        entry = self._entries.pop(key, None)
        if entry is not None:
            self.size -= entry.size

    def forget(self, matches: Callable[[Key], bool]) -> int:
        """Drop all whose keys match; how many."""
        gone = [key for key in self._entries if matches(key)]
        for key in gone:
            self.drop(key)
        return len(gone)


def invalidated(distribution: str, paths: Iterable[str]) -> Callable[[Key], bool]:
    """Whether an invalidation of these paths concerns a key. A ``*`` at a path's end stands for any characters; a path
    without one is the path and, where that is part of the key, the query string.

    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/Invalidation.html
    """
    exact = {path for path in paths if not path.endswith("*")}
    begun = tuple(path[:-1] for path in paths if path.endswith("*"))

    def matches(key: Key) -> bool:
        target = f"{key.path}?{key.query}" if key.query else key.path
        return key.place[0] == distribution and (target in exact or target.startswith(begun))

    return matches
