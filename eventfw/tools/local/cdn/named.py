"""Origins that the developer names with ``--edge-origin``, instead of those of the app's distributions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from eventfw.errors import LocalError


@dataclass(frozen=True)
class Named:
    """A server that may be asked. ``distribution`` is the one it is the origin of, ``""`` where it is of all.
    ``stands_for`` is an origin's host name in whose place it is asked; it is then the origin of no other."""

    distribution: str
    protocol: str
    host: str
    port: int
    path: str = ""
    stands_for: str = ""

    @property
    def url(self) -> str:
        """Its address, as the developer would write it."""
        return f"{self.protocol}://{self.host}:{self.port}{self.path}"


def named_origin(option: str) -> Named:
    """``URL``, ``DISTRIBUTION=URL`` or ``HOST=URL``. Raises LocalError for what CloudFront could have no origin of."""
    whose, equals, url = option.partition("=")
    if not equals or "/" in whose or ":" in whose:
        whose, url = "", option
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise _refused(option, "That is no URL.") from None
    if parts.scheme not in ("http", "https") or not host:
        raise _refused(option, "It begins with http:// or https:// and a host.")
    if parts.query or parts.fragment or parts.username is not None:
        raise _refused(option, "It has no query string, fragment or user name.")
    if _address(host) and not ip_address(host).is_loopback:
        raise _refused(option, "CloudFront takes no IP address for an origin: write a name, from /etc/hosts perhaps.")
    port = port if port is not None else 443 if parts.scheme == "https" else 80
    if port not in (80, 443) and not 1024 <= port <= 65535:
        raise _refused(option, f"The port of an origin is 80, 443 or 1024 to 65535, not {port}.")
    host, path = "localhost" if _address(host) else host, parts.path.rstrip("/")
    if "." in whose:
        return Named("", parts.scheme, host, port, path, whose.lower())
    return Named(whose, parts.scheme, host, port, path)


def chosen(named: Iterable[Named], distribution: str) -> Named | None:
    """The origin that is named for a distribution: by its name, or else for all."""
    found = {one.distribution: one for one in named if not one.stands_for}
    return found.get(distribution) or found.get("")


def refuse_strangers(named: Iterable[Named], distributions: Iterable[str]) -> None:
    """Raise LocalError where an origin is named for a distribution that there is not."""
    known = sorted(distributions)
    for one in named:
        if one.distribution and one.distribution not in known:
            there = f"The app has {', '.join(known)}" if known else "The app has none"
            raise LocalError(
                f"--edge-origin names {one.url} for the distribution {one.distribution!r}. {there}. Name one of the "
                f"app's, or leave the name out."
            )


def _refused(option: str, why: str) -> LocalError:
    return LocalError(f"--edge-origin takes URL, DISTRIBUTION=URL or HOST=URL, not {option!r}. {why}")


def _address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
