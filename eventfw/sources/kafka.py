"""``@app.kafka_consumer``: records of a Kafka topic, in Amazon MSK or a cluster of one's own."""

from __future__ import annotations

from ..options import fits, flag, one_of, printable, refused, text, whole
from ..polling.batches import reported
from ..polling.mapping import METRICS, VPC_ACTIONS, Polled, checked_pollers, pollers_of
from ..polling.streams import checked_destination, destination_grant
from ..resources.names import pascal
from ..trigger import filed
from .kafka_events import KafkaBatch as KafkaBatch
from .kafka_events import KafkaRecord as KafkaRecord
from .kafka_events import encoded, topic_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime
    from typing import Any

    from ..calling import Binding
    from ..function import Function
    from ..polling.mapping import Filters
    from ..polling.schemas import SchemaRegistry
    from ..resources.resource import Grant, Resource, Template
    from ..trigger import Finder


RETRIES_MAX = 10_000
RECORD_AGE_MAX = 604_800  # seconds
MSK_AUTH = ("SASL_SCRAM_512_AUTH", "CLIENT_CERTIFICATE_TLS_AUTH")
LOG_LEVELS = ("DEBUG", "INFO", "WARN")
PROVISIONED = (  # options that Lambda has for provisioned pollers only
    "poller_group",
    "schema_registry",
    "log_level",
    "maximum_retry_attempts",
    "maximum_record_age",
    "bisect_batch",
)
OWN_AUTH = ("BASIC_AUTH", "SASL_SCRAM_256_AUTH", "SASL_SCRAM_512_AUTH", "CLIENT_CERTIFICATE_TLS_AUTH")


class KafkaConsumer(Polled):
    """Run for the records of a topic; once for each, in the order of their partition.

    ``cluster``: the ARN of an MSK cluster, or the brokers of one of your own, as ``["host:9092", ...]``. ``topic``: its
    name. ``consumer_group``: the group to join, one of Lambda's making unless said; it cannot be changed later.
    ``secret``: the ARN of the secret with which Lambda logs in, ``auth`` how: ``SASL_SCRAM_512_AUTH`` (unless said),
    ``CLIENT_CERTIFICATE_TLS_AUTH``, and for a cluster of your own ``SASL_SCRAM_256_AUTH`` or ``BASIC_AUTH``. Without a
    secret it logs in to MSK with the function's role, and to others not at all. ``root_ca``: the ARN of the secret with
    the certificate that signed a broker's. ``subnets`` and ``security_groups``: where a cluster of your own can be
    reached in a VPC.
    ``starting_position``: ``TRIM_HORIZON`` (the oldest record, unless said), ``LATEST`` or a ``datetime``.
    ``batch_size``: records an invocation takes at most, 1-10000, 100 unless said; ``batching_window``: seconds (1-300)
    to wait for them; half a second unless said, which cannot be had back once the mapping said something else.
    ``pollers``: ``(minimum, maximum)`` of provisioned pollers (1-200, 1-2000), which cost while they wait;
    ``poller_group``: the name of the group that shares them. With pollers, ``schema_registry`` has Lambda check records
    against their schemas, and decode them: a dict with the registry's ``uri`` (Glue's ARN, or Confluent's URL) and, as
    needed, ``record_format`` (``JSON``, unless said, or ``SOURCE``), ``attributes`` (``KEY``, ``VALUE``: both unless
    said), ``secret``, ``auth`` and ``root_ca``; and ``log_level`` what the mapping logs: ``DEBUG``, ``INFO``, ``WARN``.
    ``consumption_mode``: ``Queue`` to take a cluster of your own (Kafka 4.2 or later) as a queue, without positions.
    ``maximum_retry_attempts`` (0-10000), ``maximum_record_age`` (seconds, 60-604800) and ``bisect_batch``, with pollers
    only, and ``on_failure``: as those of Kinesis. ``on_failure`` may also be a topic, ``kafka://name``.
    ``filters``: up to five patterns on ``value``; ``kms_key``: the ARN of the key they are encrypted with.
    ``batch``: hand over the whole batch in one call. ``enabled``, ``metrics``: as those of queues.

    With pollers the first failed record ends its partition: it and all behind it come again. Without them Lambda takes
    no word of single records: the first failure fails the invocation, and the whole batch comes again. Until it
    expires, unless said. https://docs.aws.amazon.com/lambda/latest/dg/kafka-retry-configurations.html
    """

    decorator = "kafka_consumer"
    example = '@app.kafka_consumer(["broker:9092"], "orders")'
    kinds: Collection[str] = ("msk", "kafka_self_managed")
    filter_kind = "msk"
    metrics_known = METRICS

    def __init__(
        self,
        cluster: str | Sequence[str],
        topic: str,
        *,
        consumer_group: str | None = None,
        secret: str | None = None,
        auth: str = "SASL_SCRAM_512_AUTH",
        root_ca: str | None = None,
        subnets: Sequence[str] = (),
        security_groups: Sequence[str] = (),
        starting_position: str | datetime = "TRIM_HORIZON",
        batch_size: int = 100,
        batching_window: int = 0,
        pollers: tuple[int, int] | None = None,
        poller_group: str | None = None,
        schema_registry: SchemaRegistry | None = None,
        log_level: str | None = None,
        consumption_mode: str | None = None,
        maximum_retry_attempts: int | None = None,
        maximum_record_age: int | None = None,
        bisect_batch: bool = False,
        on_failure: Resource | str | None = None,
        filters: Filters = (),
        kms_key: str | None = None,
        batch: bool = False,
        enabled: bool = True,
        metrics: Sequence[str] = (),
    ) -> None:
        self.kinds = ("msk",) if isinstance(cluster, str) else ("kafka_self_managed",)
        super().__init__(
            batch_size=batch_size,
            batching_window=batching_window,
            filters=filters,
            kms_key=kms_key,
            batch=batch,
            enabled=enabled,
            metrics=metrics,
        )
        self.cluster = cluster
        self.topic = topic
        self.consumer_group = consumer_group
        self.secret = secret
        self.auth = auth
        self.root_ca = root_ca
        self.subnets = subnets
        self.security_groups = security_groups
        self.starting_position = starting_position
        self.pollers = pollers
        self.partial = pollers is not None
        self.poller_group = poller_group
        self.schema_registry = schema_registry
        self.log_level = log_level
        self.consumption_mode = consumption_mode
        self.maximum_retry_attempts = maximum_retry_attempts
        self.maximum_record_age = maximum_record_age
        self.bisect_batch = bisect_batch
        self.on_failure = on_failure
        self.resource = None
        self.validate()

    def validate(self) -> None:
        super().validate()
        name = self.decorator
        self._validate_cluster()
        text(name, "topic", self.topic, "Name the topic.")
        if not fits(self.topic, "._-", 249) or self.topic[0] == ".":
            raise refused(
                f"topic must have 2 to 249 letters, digits and any of . _ - for {name}, and not begin with a dot, not "
                f"{self.topic!r}."
            )
        if self.consumer_group is not None and not fits(self.consumer_group, "-/*:_+=.@", 200, 1):
            raise refused(
                f"consumer_group must have 1 to 200 letters, digits and any of - / * : _ + = . @ for {name}, not "
                f"{self.consumer_group!r}. Remove it for a group of Lambda's making."
            )
        if self.starting_position not in ("LATEST", "TRIM_HORIZON") and not getattr(
            self.starting_position, "tzinfo", None
        ):
            raise refused(
                f"starting_position must be 'LATEST', 'TRIM_HORIZON' or a datetime with time zone for {name}, not "
                f"{self.starting_position!r}."
            )
        if self.pollers is not None:
            checked_pollers(name, self.pollers, 1, 2000)
            whole(name, "the minimum of pollers", self.pollers[0], 1, 200, "Remove pollers for Lambda's own scaling.")
        else:
            said = ((option, getattr(self, option)) for option in PROVISIONED)
            needing = [option for option, value in said if value is not None and value is not False]
            if needing:
                raise refused(f"{needing[0]} needs pollers for {name}. Write pollers=(1, 2), or remove {needing[0]}.")
        if self.log_level is not None:
            one_of(name, "log_level", self.log_level, LOG_LEVELS)
        if self.schema_registry is not None:
            from ..polling.schemas import checked_registry

            checked_registry(name, self.schema_registry)
        if self.consumption_mode is not None:
            one_of(name, "consumption_mode", self.consumption_mode, ("Queue", "Stream"))
            if isinstance(self.cluster, str):
                raise refused(f"consumption_mode is for clusters of your own for {name}. Remove it.")
            if self.consumption_mode == "Queue" and (self.batching_window or self.starting_position != "TRIM_HORIZON"):
                raise refused(f"A queue has no batching_window and no starting_position for {name}. Remove them.")
        if self.maximum_retry_attempts is not None:
            remedy = "Remove it to try until a record expires."
            whole(name, "maximum_retry_attempts", self.maximum_retry_attempts, 0, RETRIES_MAX, remedy)
        if self.maximum_record_age is not None:
            remedy = "Remove it to try however old a record is."
            whole(name, "maximum_record_age", self.maximum_record_age, 60, RECORD_AGE_MAX, remedy)
        flag(name, "bisect_batch", self.bisect_batch)
        if isinstance(self.on_failure, str):
            if not self.on_failure.startswith("kafka://") or len(self.on_failure) == len("kafka://"):
                raise refused(
                    f"on_failure must be a queue, topic or bucket of the app, or kafka://TOPIC, for {name}, not "
                    f"{self.on_failure!r}."
                )
        elif self.on_failure is not None:
            checked_destination(name, self.on_failure)

    def _validate_cluster(self) -> None:
        name = self.decorator
        if isinstance(self.cluster, str):
            if not self.cluster.startswith("arn:") or ":kafka:" not in self.cluster:
                raise refused(
                    f"cluster must be the ARN of an MSK cluster, or a list of brokers such as ['host:9092'], for "
                    f"{name}, not {self.cluster!r}."
                )
            if self.subnets or self.security_groups:
                raise refused(f"subnets and security_groups are MSK's own for {name}. Remove them.")
        else:
            well = isinstance(self.cluster, (list, tuple)) and self.cluster
            if not well or not all(isinstance(one, str) and one.rpartition(":")[2].isdigit() for one in self.cluster):
                raise refused(f"cluster must be a list of brokers such as ['host:9092'] for {name}: {self.cluster!r}.")
            if bool(self.subnets) != bool(self.security_groups):
                raise refused(f"subnets and security_groups go together for {name}. Say both, or neither.")
        one_of(name, "auth", self.auth, MSK_AUTH if isinstance(self.cluster, str) else OWN_AUTH)
        if self.secret is None and self.auth != MSK_AUTH[0]:
            raise refused(
                f"auth says how the secret is used for {name}, and there is none: Lambda would log in without "
                f"{self.auth}. Give secret, or remove auth."
            )
        for option, secret in (("secret", self.secret), ("root_ca", self.root_ca)):
            if secret is not None and (not isinstance(secret, str) or ":secretsmanager:" not in secret):
                raise refused(f"{option} must be the ARN of a secret in Secrets Manager for {name}, not {secret!r}.")

    def title(self) -> str:
        return " ".join([f"kafka {self.topic}", *self.describe()])

    def parse(self, raw: Any, context: Any) -> KafkaBatch:
        return KafkaBatch(raw, context)

    def call(self, binding: Binding, event: KafkaBatch) -> Any:
        if self.batch:
            return binding(event, event.context)
        if not self.partial:
            for record in event:
                binding(record, event.context)
            return None
        from ..polling.batches import each_in_lanes

        each_in_lanes(binding, event, lambda record: (record.topic, record.partition))
        return None

    def payload(self, event: KafkaRecord) -> Any:
        return event.json

    def encode(self, result: Any, event: KafkaBatch) -> dict[str, Any] | None:
        answer = reported(result, event)
        if self.partial:
            return answer
        if event.failures:
            raise RuntimeError(
                f"{len(event.failures)} records failed, and Lambda takes word of single ones from a mapping with "
                f"pollers only."
            )
        return None

    @classmethod
    def records_in(cls, raw: Any) -> list[Any]:
        return [record for records in raw["records"].values() for record in records]

    def mismatch(self, raw: Any) -> str:
        topic = topic_of(raw)
        if topic != self.topic:
            return f"topic `{printable(topic)}` is not `{self.topic}`"
        if isinstance(self.cluster, str):
            if raw["eventSourceArn"] != self.cluster:
                return f"cluster `{printable(raw['eventSourceArn'])}` is not `{self.cluster}`"
        elif not set(str(raw.get("bootstrapServers") or "").split(",")) & set(self.cluster):
            return f"brokers `{printable(raw.get('bootstrapServers'))}` are not `{','.join(self.cluster)}`"
        if self.filters is None:
            return ""
        return str(next(filter(None, map(self.filters.mismatch, self.records_in(raw))), ""))

    @classmethod
    def index(cls, triggers: Sequence[KafkaConsumer]) -> Finder:  # type: ignore[override]
        """By the topic."""
        return filed(([trigger.topic] for trigger in triggers), lambda raw: (topic_of(raw),))

    def grants(self) -> list[Grant]:
        named = self.on_failure is None or isinstance(self.on_failure, str)
        return [] if named else [destination_grant(self.on_failure)]

    def statements(self, template: Template) -> list[tuple[list[str], list[Any]]]:
        """To find the cluster, to read the topic where the role logs in, to read secrets, and to reach the VPC."""
        allowed: list[tuple[list[str], list[Any]]] = []
        if isinstance(self.cluster, str):
            allowed.append((["kafka:DescribeClusterV2", "kafka:GetBootstrapBrokers"], [self.cluster]))
            if self.secret is None:
                allowed += self._reading(self.cluster)
            elif self.auth == MSK_AUTH[0]:
                allowed.append((["kafka:ListScramSecrets"], [self.cluster]))
        registry: Any = self.schema_registry or {}
        own = (self.secret, self.root_ca, registry.get("secret"), registry.get("root_ca"))
        secrets: list[Any] = [secret for secret in own if secret is not None]
        uri = registry.get("uri", "")
        if uri.startswith("arn:"):  # IAM cannot limit the reading of schemas' versions to a registry
            allowed += [(["glue:GetRegistry"], [uri]), (["glue:GetSchemaVersion"], ["*"])]
        if secrets:
            allowed.append((["secretsmanager:GetSecretValue"], secrets))
        if isinstance(self.cluster, str) or self.subnets:
            allowed.append((list(VPC_ACTIONS), ["*"]))
        return allowed

    def _reading(self, cluster: str) -> list[tuple[list[str], list[Any]]]:
        """What the role may do in an MSK cluster with IAM: read this topic, as a member of its group."""
        base, _, rest = cluster.partition(":cluster/")
        topic, group = f"{base}:topic/{rest}/{self.topic}", f"{base}:group/{rest}/{self.consumer_group or '*'}"
        failed = str(self.on_failure).removeprefix("kafka://") if isinstance(self.on_failure, str) else ""
        writing = [(["kafka-cluster:DescribeTopic", "kafka-cluster:WriteData"], [f"{base}:topic/{rest}/{failed}"])]
        return [
            *(writing if failed else ()),
            (["kafka-cluster:Connect", "kafka-cluster:DescribeClusterDynamicConfiguration"], [cluster]),
            (["kafka-cluster:DescribeTopic", "kafka-cluster:ReadData"], [topic]),
            (["kafka-cluster:AlterGroup", "kafka-cluster:DescribeGroup"], [group]),
        ]

    def mapping_name(self, function: Function) -> str:
        return pascal(function.name) + pascal(self.topic) + "TopicMapping"

    def mapping(self, function: Function, template: Template) -> dict[str, Any]:
        properties = super().mapping(function, template)
        position = self.starting_position
        properties["Topics"] = [self.topic]
        if self.consumption_mode != "Queue":
            properties["StartingPosition"] = position if isinstance(position, str) else "AT_TIMESTAMP"
        if not isinstance(position, str):
            properties["StartingPositionTimestamp"] = position.timestamp()
        access = [{"Type": self.auth, "URI": self.secret}] if self.secret else []
        if self.root_ca:
            access.append({"Type": "SERVER_ROOT_CA_CERTIFICATE", "URI": self.root_ca})
        access += [{"Type": "VPC_SUBNET", "URI": f"subnet:{one}"} for one in self.subnets]
        access += [{"Type": "VPC_SECURITY_GROUP", "URI": f"security_group:{one}"} for one in self.security_groups]
        config = {"ConsumerGroupId": self.consumer_group, "ConsumptionMode": self.consumption_mode}
        group: dict[str, Any] = {name: value for name, value in config.items() if value}
        if self.schema_registry is not None:
            from ..polling.schemas import registry_config

            group["SchemaRegistryConfig"] = registry_config(self.schema_registry)
        if isinstance(self.cluster, str):
            kind = "AmazonManagedKafkaEventSourceConfig"
        else:
            kind = "SelfManagedKafkaEventSourceConfig"
            del properties["EventSourceArn"]
            properties["SelfManagedEventSource"] = {"Endpoints": {"KafkaBootstrapServers": list(self.cluster)}}
        chosen = {
            kind: group or None,
            "LoggingConfig": {"SystemLogLevel": self.log_level} if self.log_level else None,
            "SourceAccessConfigurations": access or None,
            "MaximumRetryAttempts": self.maximum_retry_attempts,
            "MaximumRecordAgeInSeconds": self.maximum_record_age,
            "BisectBatchOnFunctionError": self.bisect_batch or None,
        }
        properties |= {name: value for name, value in chosen.items() if value is not None}
        if self.pollers:
            shared = {"PollerGroupName": self.poller_group} if self.poller_group else {}
            properties["ProvisionedPollerConfig"] = {**pollers_of(self.pollers), **shared}
        if self.on_failure is not None:
            named = isinstance(self.on_failure, str)
            where = self.on_failure if named else self.on_failure.arn_in(template)  # type: ignore[union-attr]
            properties["DestinationConfig"] = {"OnFailure": {"Destination": where}}
        return properties

    def source_in(self, template: Template) -> Any:
        return self.cluster

    def resources(self, function: Function, template: Template) -> None:
        """The mapping. The embedded AWS has no Kafka, so in the local variant there is none."""
        self.check_timeout(function)
        if not template.local:
            super().resources(function, template)

    def sample(self, **fields: Any) -> dict[str, Any]:
        """One record. Fields: ``value`` and ``key`` (text, or anything that is written as JSON), ``headers`` (name:
        text), ``partition``, ``offset``."""
        self.fields_among(fields, ("value", "key", "headers", "partition", "offset"))
        partition = int(fields.get("partition", 0))
        fields = {**self.wanted({"value": {}}), **fields}
        record = {
            "topic": self.topic,
            "partition": partition,
            "offset": int(fields.get("offset", 15)),
            "timestamp": 1767225600000,
            "timestampType": "CREATE_TIME",
            "value": encoded(fields["value"]),
            "headers": [{name: list(str(value).encode())} for name, value in (fields.get("headers") or {}).items()],
        }
        if "key" in fields:
            record["key"] = encoded(fields["key"])
        own = not isinstance(self.cluster, str)
        servers = ",".join(self.cluster) if own else "b-1.example.kafka.us-east-1.amazonaws.com:9092"
        return {
            "eventSource": "SelfManagedKafka" if own else "aws:kafka",
            **({} if own else {"eventSourceArn": self.cluster}),
            "bootstrapServers": servers,
            "records": {f"{self.topic}-{partition}": [record]},
        }
