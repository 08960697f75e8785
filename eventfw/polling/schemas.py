"""Registries of schemas, against which Lambda checks the records of a Kafka topic.

https://docs.aws.amazon.com/lambda/latest/dg/services-consume-kafka-events.html
"""

from __future__ import annotations

from ..options import one_of, refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, NotRequired, TypedDict

    class SchemaRegistry(TypedDict):
        """Where the schemas of a topic are, and what Lambda does with them."""

        uri: str
        record_format: NotRequired[str]
        attributes: NotRequired[Sequence[str]]
        secret: NotRequired[str]
        auth: NotRequired[str]
        root_ca: NotRequired[str]


REGISTRY_AUTH = ("BASIC_AUTH", "CLIENT_CERTIFICATE_TLS_AUTH", "OAUTHBEARER_AUTH")
REGISTRY_KEYS = ("uri", "record_format", "attributes", "secret", "auth", "root_ca")


def checked_registry(owner: str, registry: Any) -> None:
    """Refuse what is no registry of schemas."""
    if not hasattr(registry, "items") or not isinstance(registry.get("uri"), str) or not registry["uri"]:
        raise refused(f"schema_registry must be a dict with the 'uri' of the registry for {owner}, not {registry!r}.")
    for option in registry:
        one_of(owner, "An option of schema_registry", option, REGISTRY_KEYS)
    one_of(owner, "record_format", registry.get("record_format", "JSON"), ("JSON", "SOURCE"))
    for attribute in registry.get("attributes", ()):
        one_of(owner, "attributes", attribute, ("KEY", "VALUE"))
    glue = registry["uri"].startswith("arn:")
    if glue and {"secret", "auth", "root_ca"} & set(registry):
        raise refused(f"Glue's registry is read with the function's role for {owner}: remove secret, auth and root_ca.")
    if not glue and not registry["uri"].startswith("https://"):
        raise refused(f"uri must be the ARN of Glue's registry or an https:// URL for {owner}: {registry['uri']!r}.")
    if ("secret" in registry) != ("auth" in registry):
        raise refused(f"secret and auth of schema_registry go together for {owner}. Say both, or neither.")
    if "auth" in registry:
        one_of(owner, "auth", registry["auth"], REGISTRY_AUTH)


def registry_config(registry: SchemaRegistry) -> dict[str, Any]:
    """A registry of schemas as a template writes it."""
    access = [{"Type": registry["auth"], "URI": registry["secret"]}] if "secret" in registry else []
    if "root_ca" in registry:
        access.append({"Type": "SERVER_ROOT_CA_CERTIFICATE", "URI": registry["root_ca"]})
    config: dict[str, Any] = {
        "SchemaRegistryURI": registry["uri"],
        "EventRecordFormat": registry.get("record_format", "JSON"),
        "SchemaValidationConfigs": [{"Attribute": one} for one in registry.get("attributes", ("KEY", "VALUE"))],
    }
    return {**config, "AccessConfigs": access} if access else config
