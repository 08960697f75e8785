"""LatticeService: a service of VPC Lattice, with the listener that its requests come in through."""

from __future__ import annotations

from ..options import one_of, refused, whole
from .names import pascal
from .resource import Resource

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .names import Names
    from .resource import Template

PORTS = {"HTTPS": 443, "HTTP": 80}
NAME_MIN, NAME_MAX = 3, 40


class LatticeService(Resource):
    """A service of VPC Lattice that the app owns.

    Options
        ``name``: lower-case letters, digits and hyphens.
        ``auth``: ``"AWS_IAM"`` takes requests that are signed by somebody of this account who may
        ``vpc-lattice-svcs:Invoke``; ``"NONE"`` takes all that come from the service network.
        ``network``: the id or ARN of the service network that the service is put into, unless something else does that.
        ``protocol``: ``"HTTPS"`` or ``"HTTP"``. ``port``: 443 or 80 unless said.

    Where no rule takes a request, it gets 404. https://docs.aws.amazon.com/vpc-lattice/latest/ug/services.html
    """

    type = "lattice_service"

    def __init__(
        self, name: str, *, auth: str = "AWS_IAM", network: str = "", protocol: str = "HTTPS", port: int | None = None
    ) -> None:
        super().__init__(name)
        self.auth = auth
        self.network = network
        self.protocol = protocol
        self.port = port
        self.validate()

    def validate(self) -> None:
        check_name(self.key)
        one_of("lattice_service", "auth", self.auth, ("AWS_IAM", "NONE"))
        one_of("lattice_service", "protocol", self.protocol, tuple(PORTS))
        if self.port is not None:
            whole("lattice_service", "port", self.port, 1, 65535, "Remove it for the protocol's own.")
        network: object = self.network
        if not isinstance(network, str) or (network and "sn-" not in network):
            raise refused(
                f"network must be the id or ARN of a service network, such as sn-0123456789abcdef0, for "
                f"lattice_service, not {network!r}."
            )

    @property
    def logical_id(self) -> str:
        return pascal(self.key) + "LatticeService"

    @property
    def claims(self) -> set[str]:
        return super().claims | {self.logical_id + part for part in ("Listener", "AuthPolicy", "Association")}

    @property
    def listener_id(self) -> str:
        """The logical id of its listener."""
        return self.logical_id + "Listener"

    def local_value(self, names: Names, endpoint: str) -> str:
        return self.key

    def reference(self, template: Template) -> Any:
        return template.reference(self.logical_id, "DnsEntry.DomainName")

    def arn_in(self, template: Template) -> Any:
        return template.reference(self.logical_id, "Arn")

    def resources(self, template: Template) -> None:
        """The service and its listener. The embedded AWS has no Lattice; the local server stands for it."""
        if template.local:
            return
        name = template.physical(self.key)
        if len(name) > NAME_MAX or name != name.lower():
            raise self.refused(
                f"The service name {name!r} is not {NAME_MIN} to {NAME_MAX} lower-case letters, digits and hyphens, as "
                f"VPC Lattice wants it. Shorten or rewrite the app's, the stage's or the service's name."
            )
        own, identifier = self.logical_id, {"Ref": self.logical_id}
        template.add(own, "AWS::VpcLattice::Service", {"Name": name, "AuthType": self.auth})
        listener = {
            "ServiceIdentifier": identifier,
            "Protocol": self.protocol,
            "Port": PORTS[self.protocol] if self.port is None else self.port,
            "DefaultAction": {"FixedResponse": {"StatusCode": 404}},
        }
        template.add(self.listener_id, "AWS::VpcLattice::Listener", listener)
        if self.auth == "AWS_IAM":
            statement = {
                "Effect": "Allow",
                "Principal": {"AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}},
                "Action": "vpc-lattice-svcs:Invoke",
                "Resource": "*",
            }
            policy = {"Version": "2012-10-17", "Statement": [statement]}
            properties = {"ResourceIdentifier": identifier, "Policy": policy}
            template.add(own + "AuthPolicy", "AWS::VpcLattice::AuthPolicy", properties)
        if self.network:
            association = {"ServiceIdentifier": identifier, "ServiceNetworkIdentifier": self.network}
            template.add(own + "Association", "AWS::VpcLattice::ServiceNetworkServiceAssociation", association)


def check_name(name: Any) -> None:
    """Refuse a name that VPC Lattice would."""
    fine = isinstance(name, str) and all(char.isascii() and (char.isalnum() or char == "-") for char in name)
    if not fine or name != name.lower() or name.strip("-") != name or "--" in name or len(name) < NAME_MIN:
        raise refused(
            f"name must be at least {NAME_MIN} lower-case letters, digits and single hyphens between them for "
            f"lattice_service, not {name!r}."
        )
