"""Wildcards: what stands between their stars, and how complex they are to match.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html#eb-filtering-wildcard-matching
"""

from __future__ import annotations

from ..errors import RuleError
from .reading import shown

_STATES_MAX = 2000  # combinations of places that are looked at; with fewer stars than are refused there are not so many


def segments(text: str) -> list[str]:
    """What stands between the stars; ``\\*`` and ``\\\\`` are the characters themselves. Raises RuleError."""
    parts, current, index = [], "", 0
    while index < len(text):
        char = text[index]
        if char == "*":
            if text[index + 1 : index + 2] == "*":
                raise RuleError(f"two stars in a row mean no more than one: {shown(text)}. Remove one")
            parts.append(current)
            current = ""
        elif char == "\\":
            index += 1
            char = text[index : index + 1]
            if char not in ("*", "\\"):
                raise RuleError(f"a backslash stands before * or \\ only: {shown(text)}. Double it")
            current += char
        else:
            current += char
        index += 1
    return [*parts, current]


def complexity(parts: list[str], enough: int) -> int:
    """At how many of its places at once the matching of a wildcard can be, for the worst text; what EventBridge limits.

    ``parts`` are the segments. A star stays a place from when it is reached; a character is one after it was read. More
    than ``enough`` is not counted.
    """
    places = ['"', *parts[0]]  # "" is a star
    for part in parts[1:]:
        places += ["", *part]
    places.append('"')
    stars = sum(1 << at for at, char in enumerate(places) if not char)
    letters: dict[str, int] = {}
    for at, char in enumerate(places):
        if char:
            letters[char] = letters.get(char, 0) | 1 << at
    pending = [1 | 2 & stars]  # the quote that every text begins with, and a star right after it
    seen, most = set(pending), 0
    for active in pending:  # which grows meanwhile
        most = max(most, active.bit_count())
        if most > enough or len(seen) > _STATES_MAX:
            break
        for letter in (*letters.values(), 0):
            read = active << 1 & letter
            after = read | active & stars | read << 1 & stars
            if after not in seen:
                seen.add(after)
                pending.append(after)
    return most
