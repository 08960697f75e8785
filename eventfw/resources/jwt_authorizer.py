"""JwtAuthorizer: API Gateway looks at the tokens of an issuer itself, before a handler is asked."""

from __future__ import annotations

from ..options import refused, strings, text
from .names import pascal
from .resource import Resource

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from .api import Api
    from .names import Names
    from .resource import Template
    from .user_pool import UserPool


class JwtAuthorizer(Resource):
    """Takes requests with a token (JWT) of an issuer, for an HTTP API; for a REST API the issuer is a user pool. No
    function of yours is asked.

    Options
        ``name``: the authorizer's.
        ``issuer``: its address, ``https://...``, as the tokens' ``iss`` says it, or a user pool of the app.
        ``audience``: one of these must be the token's ``aud`` or ``client_id``; of a user pool that the app owns, its
        app client unless said.
        ``identity_sources``: where the token is: ``header.Authorization``, behind ``Bearer`` or alone.

    A route says which scopes it wants: ``@app.get("/photos", authorizer=people, scopes=["photos/read"])``.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html
    """

    type = "jwt_authorizer"
    decorator = ""

    def __init__(
        self,
        name: str,
        *,
        issuer: str | UserPool,
        audience: str | Sequence[str] = (),
        identity_sources: Sequence[str] = ("header.Authorization",),
    ) -> None:
        super().__init__(name)
        self.issuer = issuer
        self.audience = [audience] if isinstance(audience, str) else audience
        self.identity_sources = identity_sources
        self.validate()

    def validate(self) -> None:
        text(self.type, "name", self.key, 'Write app.jwt_authorizer("people", ...).')
        issuer = self.issuer
        pool = isinstance(issuer, Resource) and issuer.type == "user_pool"
        if not pool and not (isinstance(issuer, str) and issuer.startswith("https://")):
            raise refused(
                f"issuer must be an address that begins with https://, or a user pool of the app, for {self.type}, "
                f"not {issuer!r}."
            )
        own = not isinstance(issuer, str) and issuer.owned  # its app client is the audience
        strings(self.type, "audience", self.audience, "photos")
        if not self.audience and not own:
            raise refused(
                f"audience must be one or several client ids or audiences for {self.type}, not {self.audience!r}."
            )
        strings(self.type, "identity_sources", self.identity_sources, "header.Authorization")
        if not self.identity_sources:
            raise refused(f"identity_sources must say where the token is for {self.type}: ['header.Authorization'].")
        for source in self.identity_sources:
            if not source.startswith(("header.", "querystring.")):
                raise refused(
                    f"identity_sources takes header.NAME and querystring.NAME for {self.type}, not {source!r}."
                )

    @property
    def logical_id(self) -> str:
        return pascal(self.key) + "JwtAuthorizer"

    def id_in(self, api: Api) -> str:
        """Its logical id for one API."""
        return (api.logical_id if api.key else "") + self.logical_id

    def local_value(self, names: Names, endpoint: str) -> str:
        return self.key

    def reference(self, template: Template) -> Any:
        """Its name: it is made for each API whose routes name it."""
        return self.key

    def resources(self, template: Template) -> None:
        """Nothing by itself."""

    def guard(self) -> dict[str, Any]:
        """It as data, for the local server, which does not know a pool's id and client."""
        return {
            "kind": "jwt",
            "name": self.key,
            "identity_sources": list(self.identity_sources),
            "issuer": self.issuer if isinstance(self.issuer, str) else "",
            "audience": list(self.audience),
        }

    def issuer_in(self, template: Template) -> Any:
        """The issuer as a template writes it."""
        if isinstance(self.issuer, str):
            return self.issuer
        pool = "https://cognito-idp.${AWS::Region}.${AWS::URLSuffix}/${pool}"
        id_ = template.reference(self.issuer.logical_id) if self.issuer.owned or template.local else self.issuer.key
        return {"Fn::Sub": [pool, {"pool": id_}]}

    def pool_arn_in(self, template: Template) -> Any:
        """The ARN of the user pool that is the issuer."""
        return "" if isinstance(self.issuer, str) else self.issuer.arn_in(template)

    def audience_in(self, template: Template) -> list[Any]:
        """The audience as a template writes it."""
        if self.audience or isinstance(self.issuer, str):
            return list(self.audience)
        return [template.reference(self.issuer.client_logical_id)]
