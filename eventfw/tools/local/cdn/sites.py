"""Distributions as the local edge serves them: which behavior a path has, with which origin and functions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from eventfw.errors import LocalError
from eventfw.resources.distribution import bare
from eventfw.tools.local.cdn.named import Named, chosen, refuse_strangers
from eventfw.tools.local.cdn.policies import Policies, policies

API = {"kind": "api"}
READ, ALL = ("GET", "HEAD"), ("GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE")
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
    """The paths of a pattern, ``""`` for all that no other has: their origin, the functions by event type, and what
    the distribution says of it: policies, and the methods that it lets through."""

    path: str
    origin: Mapping[str, Any]
    policies: Policies = field(default_factory=Policies)
    methods: tuple[str, ...] = ALL
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
        """Run a function. A pattern that only it names is a behavior like the default one."""
        found = next((one for one in self.behaviors if bare(one.path) == bare(association.path)), None)
        if found is None:
            default = self.default
            found = Behavior(association.path, default.origin, default.policies, default.methods)
            self.behaviors.insert(-1, found)
        if association.event_type not in EVENT_TYPES:
            raise LocalError(f"CloudFront has no event type {association.event_type!r}.")
        other = found.hooks.setdefault(association.event_type, association)
        if other is not association:
            raise LocalError(
                f"the distribution {self.name!r} has two {association.event_type} functions, {other.function} and "
                f"{association.function}: CloudFront runs one. Remove one."
            )


def sites(
    associations: Iterable[Association], described: Iterable[Mapping[str, Any]] = (), named: Iterable[Named] = ()
) -> dict[str, Site]:
    """Every distribution by name, the app's own first. One that is not the app's has the app's API for its origin.

    An origin in ``named`` takes the place of the default behavior's. Raises LocalError where it is for none, and where
    two functions exclude each other.
    """
    named = tuple(named)
    found = {
        one["name"]: Site(one["name"], [_behavior(row) for row in one["behaviors"]], one["default_root_object"])
        for one in described
    }
    associations = tuple(associations)
    for association in associations:
        found.setdefault(association.distribution, plain_site(association.distribution))
    refuse_strangers(named, found)
    for site in found.values():
        if origin := chosen(named, site.name):
            site.default.origin = named_origin_data(origin)
    for association in associations:
        found[association.distribution].associate(association)
    return found


def plain_site(name: str) -> Site:
    """A distribution of which nothing is known."""
    return Site(name, [Behavior("", API)])


def named_origin_data(origin: Named) -> dict[str, Any]:
    """An origin that the developer named, as those of the app's description are written."""
    return {
        "kind": "named",
        "protocol": origin.protocol,
        "host": origin.host,
        "port": origin.port,
        "path": origin.path,
    }


def _behavior(row: Mapping[str, Any]) -> Behavior:
    methods = READ if row["origin"]["kind"] == "bucket" else ALL
    return Behavior(row["path"], row["origin"], policies(row), methods)
