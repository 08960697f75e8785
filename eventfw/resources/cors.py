"""Cors: which pages of other sites may call an API from a browser."""

from __future__ import annotations

from ..options import Checked, flag, refused, whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

DAY = 86_400
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "*")


class Cors(Checked):
    """Cross-origin resource sharing: what a browser lets pages of other origins do. AWS answers the preflight requests
    itself and invokes nothing for them.

    Options
        ``allow_origins``: the pages' origins, ``https://example.com``, or ``"*"`` for all.
        ``allow_methods``, ``allow_headers``: what a page may send; all of them unless said.
        ``expose_headers``: headers of an answer that the page may read, beside the harmless ones.
        ``allow_credentials``: whether cookies are sent; then nothing may be ``*``.
        ``max_age``: seconds for which a browser remembers, 0-86400; AWS's default unless said.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html
    """

    def __init__(
        self,
        allow_origins: str | Sequence[str],
        *,
        allow_methods: Sequence[str] = ("*",),
        allow_headers: Sequence[str] = ("*",),
        expose_headers: Sequence[str] = (),
        allow_credentials: bool = False,
        max_age: int | None = None,
    ) -> None:
        self.allow_origins = [allow_origins] if isinstance(allow_origins, str) else allow_origins
        self.allow_methods = allow_methods
        self.allow_headers = allow_headers
        self.expose_headers = expose_headers
        self.allow_credentials = allow_credentials
        self.max_age = max_age
        self.validate()

    def validate(self) -> None:
        for option in ("allow_origins", "allow_methods", "allow_headers", "expose_headers"):
            values = getattr(self, option)
            if not isinstance(values, (list, tuple)) or not all(isinstance(value, str) and value for value in values):
                raise refused(f"{option} must be a list of strings for Cors, not {values!r}.")
            if not values and option != "expose_headers":
                raise refused(f"{option} is empty for Cors, which allows nothing. Name some, or ['*'].")
        for origin in self.allow_origins:
            host = origin.partition("://")[2]
            if origin != "*" and (not origin.startswith(("https://", "http://")) or not host or "/" in host):
                raise refused(
                    f"allow_origins takes origins such as 'https://example.com' for Cors, not {origin!r}: a scheme, a "
                    f"host, perhaps a port, and no path."
                )
            if "*" in origin and host not in ("*", ""):
                raise refused(
                    f"allow_origins has no * within a host for Cors, as in {origin!r}: API Gateway compares whole "
                    f"origins. Name each, or 'https://*' for every one."
                )
        for method in self.allow_methods:
            if method.upper() not in METHODS:
                raise refused(f"allow_methods must be among {', '.join(METHODS)} for Cors, not {method!r}.")
        for option in ("allow_headers", "expose_headers"):
            for name in getattr(self, option):
                if not all(char.isascii() and (char.isalnum() or char in "!#$%&'*+-.^_`|~") for char in name):
                    raise refused(f"{option} takes names of headers for Cors, not {name!r}.")
        flag("Cors", "allow_credentials", self.allow_credentials)
        if self.allow_credentials:
            for option in ("allow_origins", "allow_methods", "allow_headers", "expose_headers"):
                if not {"*", "https://*", "http://*"}.isdisjoint(getattr(self, option)):
                    raise refused(
                        f"{option} must not have '*' for Cors with allow_credentials: any page could act as whoever "
                        f"is signed in, which browsers and API Gateway refuse. Name them."
                    )
        if self.max_age is not None:
            whole("Cors", "max_age", self.max_age, 0, DAY, "Remove it for AWS's default.")

    def properties(self) -> dict[str, Any]:
        """It as CloudFormation writes it, for an HTTP API and for the local server."""
        found: dict[str, Any] = {
            "AllowOrigins": list(self.allow_origins),
            "AllowMethods": [method.upper() for method in self.allow_methods],
            "AllowHeaders": list(self.allow_headers),
        }
        if self.expose_headers:
            found["ExposeHeaders"] = list(self.expose_headers)
        if self.allow_credentials:
            found["AllowCredentials"] = True
        if self.max_age is not None:
            found["MaxAge"] = self.max_age
        return found


def checked_cors(owner: str, cors: Any) -> Cors | None:
    """What ``cors=`` says: a :class:`Cors`, or the origins alone."""
    if cors is None or isinstance(cors, Cors):
        return cors
    if isinstance(cors, (str, list, tuple)):
        return Cors(cors)
    raise refused(f"cors must be origins such as ['https://example.com'], or a Cors(...), for {owner}, not {cors!r}.")
