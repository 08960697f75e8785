"""The server's three addresses, which are its own from the start, before anything answers on them."""

from __future__ import annotations

import contextlib
from types import TracebackType

from eventfw.tools.local.options import Options
from eventfw.tools.local.web.listening import bound, port_of, url_of


class Addresses:
    """The sockets of HTTP, the edge and the AWS, and their URLs. Raises LocalError for a port that is taken."""

    def __init__(self, options: Options) -> None:
        with contextlib.ExitStack() as opened:
            self.sockets = [
                opened.enter_context(bound(port, option))
                for port, option in (
                    (options.port, "--port"),
                    (options.edge_port, "--edge-port"),
                    (options.aws_port, "--aws-port"),
                )
            ]
            self._opened = opened.pop_all()
        self.http, self.edge, self.aws = map(url_of, self.sockets)
        self.http_port, self.edge_port, self.aws_port = map(port_of, self.sockets)

    def __enter__(self) -> Addresses:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._opened.close()
