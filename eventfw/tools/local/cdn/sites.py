"""Distributions as the local edge serves them: which behavior a path has, with which origin and functions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from eventfw.errors import LocalError
from eventfw.resources.distribution import bare

API = {"kind": "api"}
EVENT_TYPES = ("viewer-request", "origin-request", "origin-response", "viewer-response")


@dataclass(frozen=True)
class Association:
    """That a distribution runs a function on an event type, for all paths or those of a cache behavior."""

    function: str
    event_type: str
    distribution: str
    handler: str = ""
    include_body: bool = False
    path: str = ""


@dataclass
class Behavior:
    """The paths of a pattern, ``""`` for all that no other has: their origin, and the functions by event type."""

    path: str
    origin: Mapping[str, str]
    hooks: dict[str, Association] = field(default_factory=dict)

    def __post_init__(self) -> None:
        parts = re.split(r"([*?])", "/" + self.path.removeprefix("/"))
        text = "".join({"*": ".*", "?": "."}.get(part) or re.escape(part) for part in parts)
        self._matches = re.compile(text, re.DOTALL).fullmatch

    def takes(self, path: str) -> bool:
        """Whether a path fits the pattern. Letter case matters."""
        return not self.path or self._matches(path) is not None


@dataclass
class Site:
    """One distribution."""

    name: str
    behaviors: list[Behavior]
    default_root_object: str = ""

    @property
    def default(self) -> Behavior:
        """The behavior of all other paths: the last."""
        return self.behaviors[-1]

    def behavior(self, path: str) -> Behavior:
        """The first behavior that takes a path."""
        return next(one for one in self.behaviors if one.takes(path))

    def associate(self, association: Association) -> None:
        """Run a function. A pattern that only it names has the origin of the default behavior."""
        found = next((one for one in self.behaviors if bare(one.path) == bare(association.path)), None)
        if found is None:
            found = Behavior(association.path, self.default.origin)
            self.behaviors.insert(-1, found)
        if association.event_type not in EVENT_TYPES:
            raise LocalError(f"CloudFront has no event type {association.event_type!r}.")
        other = found.hooks.setdefault(association.event_type, association)
        if other is not association:
            raise LocalError(
                f"the distribution {self.name!r} has two {association.event_type} functions, {other.function} and "
                f"{association.function}: CloudFront runs one. Remove one."
            )


def sites(associations: Iterable[Association], described: Iterable[Mapping[str, Any]] = ()) -> dict[str, Site]:
    """Every distribution by name, the app's own first. One that is not the app's has the app's API for its origin."""
    found = {
        one["name"]: Site(
            one["name"],
            [Behavior(row["path"], row["origin"]) for row in one["behaviors"]],
            one["default_root_object"],
        )
        for one in described
    }
    for association in associations:
        name = association.distribution
        found.setdefault(name, Site(name, [Behavior("", API)])).associate(association)
    return found
