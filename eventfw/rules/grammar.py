"""Compiling a pattern: JSON to branches of fields, with the place of every fault.

The grammar is event-ruler's. A pattern is a conjunction of fields; ``$or`` forks it, so that a pattern becomes one
branch or several, of which one must be satisfied.
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
"""

from __future__ import annotations

from ..errors import RuleError
from ..options import closest
from .fields import Field
from .matchers import Addresses, AnyCase, AnythingBut, Prefix, Present, Range, Suffix, Wildcard, address
from .reading import DEEPEST, Inexact, Members, named, shown, token
from .wildcards import complexity, segments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .dialects import Dialect
    from .matchers import Matcher

    Branch = dict[str, Field]

BRANCHES_MAX = 1000
FIELDS_MAX = 256  # of one branch
NAME_MAX = 4096  # characters of a field's full name; a pattern for EventBridge has no room for more
#: Names that an object of ``$or`` cannot have as fields: with one of them it is taken for the value of a field "$or".
_RESERVED = frozenset((
    "exactly", "equals-ignore-case", "prefix", "suffix", "anything-but", "exists", "wildcard", "numeric", "cidr",
    "=", "<", "<=", ">", ">=", "regex", "not-wildcard", "not-equals-ignore-case", "date-after", "date-on-or-after",
    "date-before", "date-on-or-before", "in-date-range", "ip-address-in-range", "ip-address-not-in-range",
))  # fmt: skip


class TooComplex(RuleError):
    """A pattern that is well-formed, and over a limit of the service."""


def compiled(pattern: Members, dialect: Dialect) -> list[Branch]:
    """The branches of a pattern, each ``{name: field}`` in the order they were written. Raises RuleError."""
    try:
        branches = _read(pattern, dialect)
    except RecursionError:
        raise TooComplex(f"The pattern is nested too deeply, near {DEEPEST} levels. Flatten it.") from None
    if dialect.complexity:
        _check_complexity(branches, dialect)
    return branches


def _check_complexity(branches: list[Branch], dialect: Dialect) -> None:
    """Refuse wildcards of one field that are too complex together.

    Those of other branches count with them where the engine keeps them together: in the field that comes first.
    """
    fields: dict[tuple[str, int], dict[str, Wildcard]] = {}
    for number, branch in enumerate(branches):
        for at, name in enumerate(sorted(branch)):
            for matcher in branch[name].matchers:
                found = _wildcard_of(matcher)
                if found is not None:
                    fields.setdefault((name, number if at else -1), {})[found.text] = found
    for (name, _), wildcards in fields.items():
        if complexity([each.segments for each in wildcards.values()], dialect.complexity) > dialect.complexity:
            raise TooComplex(
                f"{named(name)}: {dialect.name} refuses the wildcards {', '.join(map(shown, [*wildcards][:3]))} as too "
                f"complex. Use fewer of them, fewer stars, or fewer repeated characters after a star."
            )


def _wildcard_of(matcher: Matcher) -> Wildcard | None:
    """The wildcard a matcher has; of an anything-but with several the longest, since the engine counts them as one."""
    if isinstance(matcher, AnythingBut):
        several = [each for each in matcher.matchers if isinstance(each, Wildcard)]
        return max(several, key=lambda each: (len(each.segments), len(each.text)), default=None)
    return matcher if isinstance(matcher, Wildcard) else None


def _read(pattern: Members, dialect: Dialect) -> list[Branch]:
    try:
        return _Compiler(dialect, forks=True).object(pattern, "", "", [{}], within_or=False)
    except RuleError as fault:
        if "$or" not in dialect.operators or not _mentions_or(pattern):
            raise
        try:  # The engine then takes "$or" for the name of a field, and so does EventBridge.
            return _Compiler(dialect, forks=False).object(pattern, "", "", [{}], within_or=False)
        except TooComplex:
            raise
        except RuleError:
            raise fault from None


def _mentions_or(pattern: Members) -> bool:
    pending = [pattern]
    while pending:
        for name, value in pending.pop():
            if name == "$or":
                return True
            if isinstance(value, Members):
                pending.append(value)
    return False


class _Compiler:
    """One reading of a pattern, with or without ``$or``."""

    def __init__(self, dialect: Dialect, *, forks: bool) -> None:
        self.dialect = dialect
        self.forks = forks

    def object(
        self, members: Members, path: str, where: str, branches: list[Branch], *, within_or: bool
    ) -> list[Branch]:
        """``branches`` with all fields of an object. ``path`` is the field's name, ``where`` what errors call it."""
        if not members:
            raise _fault(where, "an empty object matches nothing and is refused. Remove it or name a field")
        for name, value in members:
            at = f"{where}.{name}" if where else name
            if name == "$or" and self.forks:
                branches = self._fork(value, path, at, branches)
                continue
            if within_or and name in _RESERVED:
                raise _fault(where, f"{name!r} cannot be the name of a field within $or")
            full = f"{path}.{name}" if path else name
            if len(full) > NAME_MAX:
                raise TooComplex(f"A field's name has at most {NAME_MAX} characters, not {len(full)}. Shorten it.")
            if isinstance(value, Members):
                branches = self.object(value, full, at, branches, within_or=within_or)
            elif isinstance(value, list):
                field = self.field(value, at)
                for branch in branches:
                    branch[full] = field
                    if len(branch) > FIELDS_MAX:
                        raise TooComplex(f"A pattern has at most {FIELDS_MAX} fields. Split the rule.")
            else:
                raise _fault(
                    at, f"a field takes a list or an object, not {shown(value)}. {_instead(name, value, where)}"
                )
        return branches

    def _fork(self, value: Any, path: str, where: str, branches: list[Branch]) -> list[Branch]:
        if "$or" not in self.dialect.operators:
            raise _fault(where, f"{self.dialect.name} has no $or")
        if not isinstance(value, list) or isinstance(value, Members):
            raise _fault(where, f"$or takes a list of objects, not {shown(value)}")
        if len(value) < 2:
            raise _fault(where, "$or takes at least two objects. Move the fields of the one beside it")
        forked: list[Branch] = []
        for index, one in enumerate(value):
            if not isinstance(one, Members):
                raise _fault(f"{where}[{index}]", f"$or takes objects, not {shown(one)}")
            copies = [dict(branch) for branch in branches]
            forked += self.object(one, path, f"{where}[{index}]", copies, within_or=True)
            if len(forked) > BRANCHES_MAX:
                raise TooComplex(
                    f"{named(where)}: the alternatives of $or multiply to more than {BRANCHES_MAX} combinations, which "
                    f"{self.dialect.name} refuses. Use fewer of them, or several rules."
                )
        return forked

    def field(self, values: list[Any], where: str) -> Field:
        """The alternatives of one field."""
        if not values:
            raise _fault(where, "an empty list matches nothing and is refused. Write the values it may have")
        tokens: list[Any] = []
        matchers: list[Matcher] = []
        absent = False
        for index, value in enumerate(values):
            at = f"{where}[{index}]"
            if isinstance(value, Members):
                matcher = self._expression(value, at)
                if matcher is None:
                    absent = True
                elif isinstance(matcher, str):
                    tokens.append(matcher)
                else:
                    matchers.append(matcher)
            elif isinstance(value, list):
                raise _fault(at, "a value is a string, a number, true, false, null or an object, not a list")
            elif isinstance(value, str) and (given := address(value)) is not None:
                matchers.append(Addresses(value, given, given))  # addresses are compared as such
            else:
                tokens.append(token(value))
        return Field(tokens, matchers, absent)

    def _expression(self, members: Members, where: str) -> Matcher | str | None:
        """``{"prefix": "x"}``: its matcher; text for an exact value; ``None`` for ``exists: false``."""
        if not members:
            raise _fault(where, 'an empty object is no condition. Write one such as {"prefix": "x"}')
        name, value = members[0]
        read = _OPERATORS.get(name)
        if read is None:
            raise _fault(where, f"there is no operator {name!r}.{closest(name, _OPERATORS)}", end="")
        if len(members) > 1:
            raise _fault(
                where, f"one object has one operator, not {name!r} and {members[1][0]!r}. Use an object for each"
            )
        self.take(name, where)
        found: Matcher | str | None = read(self, value, f"{where}.{name}")
        return found

    def take(self, operator: str, where: str) -> None:
        """Refuse an operator that the service does not have."""
        if operator not in self.dialect.operators:
            raise _fault(where, f"{self.dialect.name} does not take the operator {operator.replace('/', ' with ')!r}")

    def exactly(self, value: Any, where: str) -> str:
        return _text(value, where)

    def prefix(self, value: Any, where: str) -> Matcher:
        if isinstance(value, Members):
            return AnyCase(self._folded(value, "prefix", where), "prefix")
        return Prefix(_text(value, where))

    def suffix(self, value: Any, where: str) -> Matcher:
        if isinstance(value, Members):
            return AnyCase(self._folded(value, "suffix", where), "suffix")
        return Suffix(_text(value, where))

    def _folded(self, members: Members, operator: str, where: str) -> str:
        if len(members) != 1 or members[0][0] != "equals-ignore-case":
            raise _fault(where, f'{operator} takes text or {{"equals-ignore-case": text}}, not {shown(members)}')
        self.take(f"{operator}/equals-ignore-case", where)
        return _text(members[0][1], f"{where}.equals-ignore-case")

    def any_case(self, value: Any, where: str) -> Matcher:
        return AnyCase(_text(value, where))

    def wildcard(self, value: Any, where: str) -> Matcher:
        text = _text(value, where)
        try:
            parts = segments(text)
        except RuleError as error:
            raise _fault(where, error.message) from None
        return Wildcard(text, parts)

    def exists(self, value: Any, where: str) -> Matcher | None:
        if not isinstance(value, bool):
            raise _fault(where, f"exists takes true or false, not {shown(value)}")
        return Present() if value else None

    def cidr(self, value: Any, where: str) -> Matcher:
        return network(_text(value, where), where)

    def numeric(self, value: Any, where: str) -> Matcher:
        return numeric(value, where)

    def anything_but(self, value: Any, where: str) -> Matcher:
        if not isinstance(value, Members):
            return AnythingBut(_refused(value, where), ())
        if len(value) != 1:
            raise _fault(where, f"anything-but takes one condition, not {len(value)}")
        name, inner = value[0]
        if name not in ("prefix", "suffix", "equals-ignore-case", "wildcard"):
            raise _fault(where, f"anything-but takes prefix, suffix, equals-ignore-case or wildcard, not {name!r}")
        self.take(f"anything-but/{name}", where)
        at = f"{where}.{name}"
        given = inner if isinstance(inner, list) and not isinstance(inner, Members) else [inner]
        texts = [_text(each, at) for each in given]
        if not texts or (name in ("prefix", "suffix") and "" in texts):
            raise _fault(at, f"an empty {name if texts else 'list'} excludes everything or nothing and is refused")
        return AnythingBut((), [_EXCLUDED[name](self, text, at) for text in texts])


_OPERATORS: dict[str, Callable[[_Compiler, Any, str], Any]] = {
    "exactly": _Compiler.exactly,
    "prefix": _Compiler.prefix,
    "suffix": _Compiler.suffix,
    "equals-ignore-case": _Compiler.any_case,
    "wildcard": _Compiler.wildcard,
    "anything-but": _Compiler.anything_but,
    "numeric": _Compiler.numeric,
    "exists": _Compiler.exists,
    "cidr": _Compiler.cidr,
}
_EXCLUDED: dict[str, Callable[[_Compiler, str, str], Matcher]] = {
    "prefix": _Compiler.prefix,
    "suffix": _Compiler.suffix,
    "equals-ignore-case": _Compiler.any_case,
    "wildcard": _Compiler.wildcard,
}


def _instead(name: str, value: Any, where: str) -> str:
    if name in _OPERATORS and where:
        return f'Write {named(where.rpartition(".")[2])}: [{{"{name}": {shown(value)}}}]'
    return f"Write [{shown(value)}]"


def _fault(where: str, message: str, *, end: str = ".") -> RuleError:
    return RuleError(f"{named(where) or 'The pattern'}: {message}{end}")


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise _fault(where, f"it takes a string, not {shown(value)}")
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, Inexact)) and not isinstance(value, bool)


def _exact(value: Any, where: str) -> float:
    """A number that can be compared by value."""
    found = token(value)
    if isinstance(found, Inexact):
        raise _fault(where, f"the number {shown(found)} is beyond what a double holds exactly. Round it")
    return found  # type: ignore[no-any-return]


def _refused(value: Any, where: str) -> list[Any]:
    """The values of a plain anything-but: all strings or all numbers."""
    values = value if isinstance(value, list) else [value]
    strings = [each for each in values if isinstance(each, str)]
    numbers = [each for each in values if _is_number(each)]
    if len(strings) + len(numbers) < len(values) or not values:
        raise _fault(where, f"anything-but takes strings or numbers, not {shown(value)}")
    if strings and numbers:
        raise _fault(where, f"anything-but takes either strings or numbers, not both as in {shown(value)}")
    return strings or [_exact(each, where) for each in numbers]


def numeric(value: Any, where: str) -> Range:
    """``[">", 0, "<=", 5]``: a lower bound, an upper one, or both in this order."""
    if not isinstance(value, list) or isinstance(value, Members) or not value:
        raise _fault(where, f'numeric takes a list such as [">", 0, "<=", 5], not {shown(value)}')
    operator, *rest = value
    if operator not in ("=", "<", "<=", ">", ">=") or not isinstance(operator, str):
        raise _fault(where, f"numeric begins with one of = < <= > >=, not {shown(operator)}")
    if not rest or not _is_number(rest[0]):
        raise _fault(where, f"{operator} takes a number, not {shown(rest[0]) if rest else 'nothing'}")
    bound = _exact(rest[0], where)
    if operator in ("=", "<", "<="):
        if len(rest) > 1:
            raise _fault(where, f"nothing may follow {operator}: the lower bound comes first")
        low = bound if operator == "=" else None
        return Range(low, False, bound, operator == "<")
    if len(rest) == 1:
        return Range(bound, operator == ">", None, False)
    if rest[1] not in ("<", "<=") or not isinstance(rest[1], str) or len(rest) != 3 or not _is_number(rest[2]):
        raise _fault(where, f"after the lower bound comes < or <= and a number, not {shown(rest[1:])}")
    high = _exact(rest[2], where)
    if bound >= high:
        raise _fault(where, f"the lower bound {shown(bound)} must be less than the upper bound {shown(high)}")
    return Range(bound, operator == ">", high, rest[1] == "<")


def network(text: str, where: str) -> Addresses:
    """``10.0.0.0/8``: the addresses of a CIDR block."""
    base, slash, bits = text.partition("/")
    given = address(base)
    if not slash or given is None or not bits.isascii() or not bits.isdigit() or len(bits) > 3:
        raise _fault(where, f"cidr takes an address block such as 10.0.0.0/8, not {shown(text)}")
    width = 8 * len(given)
    if int(bits) >= width:
        raise _fault(
            where, f"the mask must be 0 to {width - 1} bits, not {bits}. Write the one address as an exact value"
        )
    mask = (1 << (width - int(bits))) - 1
    number = int.from_bytes(given, "big")
    return Addresses(text, (number & ~mask).to_bytes(len(given), "big"), (number | mask).to_bytes(len(given), "big"))
