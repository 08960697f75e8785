"""Who may talk to a server on this machine: nobody's web page but the developer's own."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address
from urllib.parse import urlsplit

from eventfw.tools.local.web.asgi import Headers, HttpResponse


class Guard:
    """Refuses requests that a foreign web page makes a browser send to this machine.

    A page whose name is made to resolve to 127.0.0.1 (DNS rebinding) shows in the Host header, any other page in the
    Origin header. Loopback names (``localhost``, ``*.localhost``, ``127.*``, ``[::1]``) pass on every port, so that a
    front end on ``http://localhost:3000`` may call the app; ``allowed`` adds names. An image or a script, for which a
    browser sends no Origin, is marked as cross-site; a link that the developer follows is, too, and passes.
    """

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        self.allowed = frozenset(name.lower().rstrip(".") for name in allowed)

    def refusal(self, headers: Headers) -> HttpResponse | None:
        """The answer to a request that must not pass, or None. Header names are lower case."""
        hosts = [value for name, value in headers if name == "host"]
        if len(hosts) != 1 or not self.trusts(host_name(hosts[0])):
            return self._refused("Host", ", ".join(hosts))
        for name, value in headers:
            if name == "origin" and not self.trusts(_origin_name(value)):
                return self._refused("Origin", value)
        return self._embedded(dict(headers))

    def _embedded(self, headers: dict[str, str]) -> HttpResponse | None:
        """The refusal of what a foreign page loads for itself, by the headers that browsers add."""
        followed = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
        if headers.get("sec-fetch-site") != "cross-site" or followed or "origin" in headers:
            return None
        page = headers.get("referer", "")
        return None if self.trusts(_origin_name(page)) else self._refused("Referer", page)

    def trusts(self, name: str) -> bool:
        """Whether the host name is this machine's, or one that was allowed."""
        name = name.lower().rstrip(".")
        return name == "localhost" or name.endswith(".localhost") or name in self.allowed or _loopback(name)

    def _refused(self, header: str, value: str) -> HttpResponse:
        shown = "".join(character if character.isprintable() else "?" for character in value)[:200]
        text = (
            f"eventfw local refuses requests with the {header} header {shown!r}: it is not a name of this machine, and "
            "a foreign web page could be behind it. Use http://localhost or http://127.0.0.1 with this port, or allow "
            "the name with --allow-host.\n"
        )
        return HttpResponse(403, [("content-type", "text/plain; charset=utf-8")], text.encode(), text.strip())


def host_name(host: str) -> str:
    """The name in a Host header, without its port and the brackets of an IPv6 address."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.rpartition(":")[0] if ":" in host else host


def _origin_name(origin: str) -> str:
    """The host name in an Origin header; empty for ``null``, which a page in a sandbox sends."""
    try:
        return urlsplit(origin).hostname or ""
    except ValueError:
        return ""


def _loopback(name: str) -> bool:
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False
