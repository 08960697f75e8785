"""Dialects: what each service takes of the pattern grammar."""

from __future__ import annotations

_ALL = frozenset((
    "exactly", "equals-ignore-case", "prefix", "suffix", "prefix/equals-ignore-case", "suffix/equals-ignore-case",
    "anything-but", "anything-but/prefix", "anything-but/suffix", "anything-but/equals-ignore-case",
    "anything-but/wildcard", "exists", "wildcard", "numeric", "cidr", "$or",
))  # fmt: skip


class Dialect:
    """What one service takes: the operators, of those the engine knows; how many characters a pattern may have; and
    where it limits that in the engine's way, the complexity of a wildcard (:mod:`eventfw.rules.wildcards`)."""

    __slots__ = ("complexity", "longest", "name", "operators")

    def __init__(self, name: str, longest: int, refused: tuple[str, ...] = (), *, complexity: int = 0) -> None:
        self.name = name
        self.longest = longest
        self.complexity = complexity
        self.operators = _ALL.difference(refused)


#: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html; the quota is 2048 until it is raised.
#: It was seen to refuse a wildcard of complexity 11; 10 is what the engine's authors advise.
EVENTBRIDGE = Dialect("EventBridge", 4096, complexity=10)
#: https://docs.aws.amazon.com/sns/latest/dg/string-value-matching.html; anything-but with suffix was refused by SNS.
SNS = Dialect(
    "SNS",
    256 * 1024,
    (
        "anything-but/suffix",
        "anything-but/equals-ignore-case",
        "prefix/equals-ignore-case",
        "suffix/equals-ignore-case",
    ),
)
#: https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html#filtering-syntax
LAMBDA = Dialect(
    "Lambda",
    4096,
    (
        "anything-but/prefix", "anything-but/suffix", "anything-but/equals-ignore-case", "anything-but/wildcard",
        "prefix/equals-ignore-case", "suffix/equals-ignore-case", "wildcard", "cidr",
    ),
)  # fmt: skip
