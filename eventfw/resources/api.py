"""Api: what the APIs of API Gateway have in common: a stage, its limits, a domain of its own."""

from __future__ import annotations

from ..options import flag, refused, whole
from .names import pascal
from .resource import Resource

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..function import Function
    from ..sources.authorizer import Authorizer
    from ..sources.http import Http
    from .names import Names
    from .resource import Template

AUTHORIZERS_MAX = 10  # of one API; "Authorizers per API" in the API Gateway quotas
BURST_MAX = RATE_MAX = 1_000_000  # API Gateway has no limit but the account's quota: 10,000 a second unless raised


class Api(Resource):
    """An API that the app owns, and that ``http`` routes name: ``@app.get("/x", api=admin)``.

    ``key`` is its name and its stage's, with which its paths begin; ``""`` is the default API's, whose do not.
    """

    http = True
    """Whether ``http`` routes may be in it."""
    rest = False
    """Whether it is a REST API."""

    def __init__(
        self,
        name: str,
        *,
        rate_limit: float | None,
        burst_limit: int | None,
        domain: str,
        certificate: str,
        disable_execute_api_endpoint: bool,
    ) -> None:
        super().__init__(name)
        self.rate_limit = rate_limit
        self.burst_limit = burst_limit
        self.domain = domain
        self.certificate = certificate
        self.disable_execute_api_endpoint = disable_execute_api_endpoint

    def validate(self) -> None:
        self._check_name()
        if (self.rate_limit is None) != (self.burst_limit is None):
            raise refused(f"rate_limit and burst_limit go together for {self.type}. Say both or none.")
        if self.rate_limit is not None:
            rate: Any = self.rate_limit
            if isinstance(rate, bool) or not isinstance(rate, (int, float)) or not 0 < rate <= RATE_MAX:
                raise refused(f"rate_limit must be requests a second, over 0, for {self.type}, not {rate!r}.")
            whole(self.type, "burst_limit", self.burst_limit, 1, BURST_MAX, "It is the requests at once.")
        self._check_domain()

    def _check_name(self) -> None:
        name: object = self.key
        if not isinstance(name, str) or len(name) > 64:
            raise refused(f"name must be text of at most 64 characters for {self.type}, not {name!r}.")
        fine = all(char.isascii() and (char.isalnum() or char in "-_") for char in name)
        if not fine or (name and not name[0].isalpha()):
            raise refused(
                f"name must be letters, digits, - and _ for {self.type}, a letter first, not {name!r}: the API's paths "
                f"begin with it."
            )

    def _check_domain(self) -> None:
        domain: object = self.domain
        if not isinstance(domain, str) or "/" in domain or (domain and "." not in domain):
            raise refused(f"domain must be a host name such as 'api.example.com' for {self.type}, not {domain!r}.")
        if bool(self.domain) != bool(self.certificate):
            raise refused(f"domain and certificate go together for {self.type}. Say both or none.")
        if self.certificate and not str(self.certificate).startswith("arn:"):
            raise refused(
                f"certificate must be the ARN of an ACM certificate in the API's region for {self.type}, not "
                f"{self.certificate!r}."
            )
        if flag(self.type, "disable_execute_api_endpoint", self.disable_execute_api_endpoint) and not self.domain:
            raise refused(
                f"disable_execute_api_endpoint leaves the {self.type} without an address. Give it a domain, too."
            )

    @property
    def claims(self) -> set[str]:
        domain = {f"host name {self.domain!r}"} if self.domain else set()
        return super().claims | domain | {f"API {self.key!r}", self.logical_id + "Stage"}

    @property
    def stage(self) -> str:
        """The name of the API's stage, which is the first segment of its paths."""
        return self.key

    def local_value(self, names: Names, endpoint: str) -> str:
        return self.key

    def reference(self, template: Template) -> Any:
        return template.reference(self.logical_id)

    def arn_in(self, template: Template) -> Any:
        """The ARN under which permissions know the API, without what follows its id."""
        return self.execution_arn(template, "")

    def execution_arn(self, template: Template, rest: Any) -> Any:
        """``arn:aws:execute-api:region:account:api-id<rest>``."""
        source = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${api}"
        values = {"api": template.reference(self.logical_id)}
        if isinstance(rest, dict):
            return {"Fn::Sub": [source + "/authorizers/${authorizer}", {**values, "authorizer": rest}]}
        return {"Fn::Sub": [source + rest, values]}

    def named(self, template: Template) -> str:
        """The API's real name: the app's, and the API's own after it."""
        app = template.main.app_name
        return template.main.physical(f"{app}-{self.key}" if self.key else app)

    def ensure(self, template: Template) -> None:
        """Have the default API made where the app has not made it; refuse one that no app owns."""
        if template.has(self.logical_id):
            return
        if self.key:
            raise self.refused(
                f"No app owns the API {self.key!r}. Make it with app.{self.type}({self.key!r}), or mount its blueprint."
            )
        self.resources(template.main)

    def integrate(self, template: Template, function: Function) -> str:
        """Let the API invoke a function."""
        prefix = pascal(function.name) + (self.logical_id if self.key else "Api")
        return template.permit(function, prefix, "apigateway.amazonaws.com", self.execution_arn(template, "/*"))

    def parts(self, template: Template, type_: str) -> dict[str, Any]:
        """What a template has of this API, of one type."""
        raise NotImplementedError

    def count_authorizers(self, template: Template, type_: str) -> None:
        """Refuse more authorizers than API Gateway has for one API."""
        if len(self.parts(template, type_)) > AUTHORIZERS_MAX:
            raise self.refused(
                f"The API {self.key!r} has more than {AUTHORIZERS_MAX} authorizers, API Gateway's quota 'Authorizers "
                f"per API'. Let one of them tell the cases apart."
            )

    def custom_domain(self, template: Template, stage: str) -> None:
        """The API's own domain, but not in the embedded AWS, which has no DNS to lead there."""
        if not self.domain or template.local:
            return
        configuration = {
            "CertificateArn": self.certificate,
            "EndpointType": "REGIONAL",
            "SecurityPolicy": "TLS_1_2",
        }
        domain = template.add(
            self.logical_id + "Domain",
            "AWS::ApiGatewayV2::DomainName",
            {"DomainName": self.domain, "DomainNameConfigurations": [configuration]},
        )
        mapping = {"ApiId": {"Ref": self.logical_id}, "DomainName": {"Ref": domain}, "Stage": {"Ref": stage}}
        template.add(self.logical_id + "Mapping", "AWS::ApiGatewayV2::ApiMapping", mapping)
        target = {"Fn::GetAtt": [domain, "RegionalDomainName"]}
        template.output(self.logical_id + "DomainTarget", target, f"Point {self.domain} here (CNAME or alias)")

    def described(self) -> dict[str, Any]:
        """The API as data, for the local server."""
        return {"name": self.key, "rest": self.rest}

    def event(
        self, method: str, path: str, query: str, headers: dict[str, str], body: str | None, route: Http
    ) -> dict[str, Any]:
        """A request for a route as the API writes it."""
        raise NotImplementedError

    def add_route(self, template: Template, function: Function, http: Http) -> None:
        """Add a route that leads to a function."""
        raise NotImplementedError

    def add_authorizer(self, template: Template, function: Function, authorizer: Authorizer) -> None:
        """Add an authorizer, which asks a function."""
        raise NotImplementedError


def parameters(query: str) -> dict[str, list[str]]:
    """The parameters of a query string, decoded, with all values of each."""
    from urllib.parse import parse_qs

    return parse_qs(query, keep_blank_values=True)


def invocation_uri(arn: Any) -> Any:
    """How API Gateway is told of a function that it invokes."""
    path = "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${function}/invocations"
    return {"Fn::Sub": [path, {"function": arn}]}


def route_id(method: str, shape: str) -> str:
    """A route's logical id: ``GET /photos`` is ``GetPhotosRoute``.

    It is made of the path without its parameters' names, so that renaming one changes the route in place. A path with
    more than plain lower-case segments ends in a checksum: ``/a-b``, ``/a/b`` and ``/a/b/{}`` are all ``AB`` otherwise.
    """
    name = pascal(method.lower()) + pascal(shape) + "Route"
    segments = [] if shape == "/" else shape[1:].split("/")
    if all(part.isascii() and part.isalnum() and part.islower() and part[0].isalpha() for part in segments):
        return name
    from zlib import crc32

    return f"{name}{crc32(f'{method} {shape}'.encode()):08x}"
