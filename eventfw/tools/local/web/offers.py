"""Requests that offer another protocol beside HTTP/1.1, as Java's HttpClient and ``curl --http2`` offer HTTP/2.

To answer them as what they are declines the offer. The parser takes what follows the head for the other protocol, the
request's body too, which uvicorn would leave out. https://datatracker.ietf.org/doc/html/rfc9110#name-upgrade
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import httptools

Head = tuple[bytes, Iterable[tuple[bytes, bytes]]]

HOP = frozenset((b"connection", b"upgrade", b"http2-settings"))


class Http1Parser:
    """A parser that calls ``protocol``, for which the offer of a protocol is not there, unless ``speaks`` says that
    it is spoken. ``head`` gives the target and the headers of the request at hand.

    The head is parsed a second time without the offer; until then :attr:`declining` says that what the parser calls is
    not meant.
    """

    def __init__(self, protocol: Any, head: Callable[[], Head], speaks: Callable[[], bool] = lambda: False) -> None:
        self._protocol = protocol
        self._of_request = head
        self._speaks = speaks
        self._parser = _parser(protocol)

    def feed_data(self, data: bytes) -> None:
        """Parse what has arrived. Raises what httptools raises."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            if not self.declining:
                raise
            head = self._head()
            self._parser = _parser(self._protocol)
            self.feed_data(head + data[upgrade.args[0] :])

    @property
    def declining(self) -> bool:
        """Whether the request at hand offers a protocol that is not spoken here."""
        return bool(self._parser.should_upgrade()) and not self._speaks()

    def _head(self) -> bytes:
        """The head again, without the offer."""
        target, headers = self._of_request()
        kept = [b"%s: %s" % one for one in headers if one[0].lower() not in HOP]
        return b"\r\n".join([b"%s %s HTTP/1.1" % (self._parser.get_method(), target), *kept, b"", b""])

    def __getattr__(self, name: str) -> Any:
        return getattr(self._parser, name)


def _parser(protocol: Any) -> Any:
    parser = httptools.HttpRequestParser(protocol)
    parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn has it
    return parser
