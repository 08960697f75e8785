"""What one value of a pattern asks for: a prefix, a range, an address, anything but something.

Every matcher answers ``test(token)`` for a scalar of an event, as :func:`eventfw.rules.reading.token` gives it, and
``str()`` says it in words. They follow event-ruler, EventBridge's own matcher.
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
"""

from __future__ import annotations

from .reading import shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Any, Protocol

    class Matcher(Protocol):
        """One alternative of a field."""

        def test(self, token: Any, /) -> bool:
            """Whether a scalar of an event is what is asked for."""


class Prefix:
    """Strings that begin so."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def test(self, token: Any) -> bool:
        return isinstance(token, str) and token.startswith(self.text)

    def __str__(self) -> str:
        return f"beginning with {shown(self.text)}"


class Suffix:
    """Strings that end so."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def test(self, token: Any) -> bool:
        return isinstance(token, str) and token.endswith(self.text)

    def __str__(self) -> str:
        return f"ending in {shown(self.text)}"


class AnyCase:
    """Strings that are, begin or end so, whatever the case of each letter.

    A letter stands for its lower and its upper case form, each of which may have several letters (``SS`` for ``ß``).
    """

    __slots__ = ("_choices", "_plain", "part", "text")

    def __init__(self, text: str, part: str = "whole") -> None:
        self.text = text
        self.part = part  # whole, prefix, suffix
        self._plain = text.lower() if text.isascii() else ""
        # The engine folds UTF-16 units one by one; those of a character beyond 16 bits become question marks.
        letters = "" if text.isascii() else text
        self._choices = [(char.lower(), char.upper()) if char <= "\uffff" else ("??",) for char in letters]

    def test(self, token: Any) -> bool:
        if not isinstance(token, str):
            return False
        if self._plain or not self.text:
            size = len(self._plain)
            if self.part == "whole" and len(token) != size:
                return False
            piece = token[len(token) - size :] if self.part == "suffix" else token[:size]
            return piece.isascii() and piece.lower() == self._plain
        return self._fits(token)

    def _fits(self, token: str) -> bool:
        """Every place at which the letters read so far may end."""
        if self.part == "suffix":
            ends = {len(token)}
            for choices in reversed(self._choices):
                ends = {end - len(one) for end in ends for one in choices if token.endswith(one, 0, end)}
            return bool(ends)
        starts = {0}
        for choices in self._choices:
            starts = {start + len(one) for start in starts for one in choices if token.startswith(one, start)}
        return bool(starts) if self.part == "prefix" else len(token) in starts

    def __str__(self) -> str:
        words = {"whole": "", "prefix": "beginning with ", "suffix": "ending in "}[self.part]
        return f"{words}{shown(self.text)} in any case"


class Wildcard:
    """Strings in which each ``*`` stands for any characters. ``segments`` are the parts between the stars."""

    __slots__ = ("segments", "text")

    def __init__(self, text: str, segments: list[str]) -> None:
        self.text = text
        self.segments = segments

    def test(self, token: Any) -> bool:
        if not isinstance(token, str):
            return False
        first, *middle = self.segments
        if not middle:
            return token == first
        last = middle.pop()
        start, end = len(first), len(token) - len(last)
        if start > end or not token.startswith(first) or not token.endswith(last):
            return False
        for segment in middle:  # the leftmost place of each is as good as any other
            found = token.find(segment, start, end)
            if found < 0:
                return False
            start = found + len(segment)
        return True

    def __str__(self) -> str:
        return f"like {shown(self.text)}"


class Range:
    """Numbers between two bounds, each of which may be open or missing."""

    __slots__ = ("high", "high_open", "low", "low_open")

    def __init__(self, low: float | None, low_open: bool, high: float | None, high_open: bool) -> None:
        self.low = low
        self.low_open = low_open
        self.high = high
        self.high_open = high_open

    def test(self, token: Any) -> bool:
        if type(token) is not float:
            return False
        low, high = self.low, self.high
        if low is not None and (token < low or (self.low_open and token == low)):
            return False
        return high is None or token < high or (token == high and not self.high_open)

    def __str__(self) -> str:
        if self.low is not None and self.low == self.high:
            return f"= {shown(self.low)}"
        low = [f"{'>' if self.low_open else '>='} {shown(self.low)}"] if self.low is not None else []
        high = [f"{'<' if self.high_open else '<='} {shown(self.high)}"] if self.high is not None else []
        return " and ".join(low + high)


class Addresses:
    """IP addresses, v4 or v6, from one to another; each is its bytes."""

    __slots__ = ("high", "low", "text")

    def __init__(self, text: str, low: bytes, high: bytes) -> None:
        self.text = text
        self.low = low
        self.high = high

    def test(self, token: Any) -> bool:
        if not isinstance(token, str):
            return False
        value = address(token)
        return value is not None and len(value) == len(self.low) and self.low <= value <= self.high

    def __str__(self) -> str:
        return f"in {self.text}" if "/" in self.text else f'the address "{self.text}"'


class AnythingBut:
    """Any value, of any type, but those: ``tokens`` themselves, or what a matcher takes."""

    __slots__ = ("matchers", "tokens")

    def __init__(self, tokens: Collection[Any], matchers: Collection[Matcher]) -> None:
        self.tokens = frozenset(tokens)
        self.matchers = tuple(matchers)

    def test(self, token: Any) -> bool:
        return token not in self.tokens and not any(matcher.test(token) for matcher in self.matchers)

    def __str__(self) -> str:
        refused = [*sorted(shown(token) for token in self.tokens), *map(str, self.matchers)]
        return f"anything but {' or '.join(refused)}"


class Present:
    """Any value, ``null`` too. An object or a list is none."""

    __slots__ = ()

    def test(self, token: Any) -> bool:
        return True

    def __str__(self) -> str:
        return "present"


_HEX = frozenset("0123456789abcdefABCDEF:")


def address(text: str) -> bytes | None:
    """The bytes of an IP address; ``None`` for what is none. A v4 address mapped into v6 is the v4 address."""
    if ":" in text:
        if len(text) > 45 or not _HEX.issuperset(text):
            return None
        from ipaddress import IPv6Address

        try:
            value = IPv6Address(text)
        except ValueError:
            return None
        return value.packed if value.ipv4_mapped is None else value.ipv4_mapped.packed
    if text.count(".") != 3 or not text.isascii():
        return None
    parts = text.split(".")
    if not all(part.isdigit() and len(part) <= 12 and int(part) <= 255 for part in parts):
        return None
    return bytes(map(int, parts))
