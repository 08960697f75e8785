"""``@app.secret_rotation``: a secret of Secrets Manager is rotated, in four steps."""

from __future__ import annotations

from ..events import Event
from ..options import flag, printable, refused, text, whole
from ..resources.names import pascal
from ..trigger import Trigger, taken_by_both

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Any

    from ..calling import Binding
    from ..function import Function
    from ..resources.resource import Template
    from ..rules.witness import Effort

STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
SUFFIX = "-??????"  # what Secrets Manager adds to a secret's name in its ARN


class SecretStep(Event):
    """One step of a rotation.

    https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
    """

    def summary(self) -> str:
        return f"{self.step} {self.secret_id.rpartition(':')[2]}"

    @property
    def step(self) -> str:
        """``createSecret``, ``setSecret``, ``testSecret`` or ``finishSecret``, in this order."""
        return str(self.raw["Step"])

    @property
    def secret_id(self) -> str:
        """The secret's ARN."""
        return str(self.raw["SecretId"])

    @property
    def token(self) -> str:
        """The id of the new version; ``ClientRequestToken`` of ``PutSecretValue``, so that a repeated step is one."""
        return str(self.raw["ClientRequestToken"])

    @property
    def rotation_token(self) -> str | None:
        """Passed on to ``PutSecretValue`` where the function is in another account than the secret; else ``None``."""
        return self.raw.get("RotationToken")  # type: ignore[no-any-return]


class SecretRotation(Trigger):
    """Run for each step of the rotation of an existing secret.

    ``secret``: its name or ARN. ``days``: 1-1000 between rotations, 30 unless said; or ``schedule``: ``rate(12 hours)``
    or ``cron(0 8 ? * MON *)``, in UTC. ``duration``: hours that a rotation may wait for after its time, such as
    ``"3h"``. ``immediately``: rotate when this is deployed, too. ``kms_key``: the ARN of the key that the secret is
    encrypted with, where it has one of its own.

    A step may come twice and must then do no harm. One whose call raises has failed, and the rotation with it; Secrets
    Manager tries again later. https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_how.html
    """

    decorator = "secret_rotation"
    example = '@app.secret_rotation("database", days=30)'
    kinds = ("secretsmanager_rotation",)

    def __init__(
        self,
        secret: str,
        *,
        days: int | None = None,
        schedule: str = "",
        duration: str = "",
        immediately: bool = True,
        kms_key: str = "",
    ) -> None:
        super().__init__()
        self.secret = secret
        self.days = 30 if days is None and not schedule else days
        self.schedule = schedule
        self.duration = duration
        self.immediately = immediately
        self.kms_key = kms_key
        self.validate()

    def validate(self) -> None:
        from ..resources.keys import checked_key

        text("secret_rotation", "secret", self.secret, 'Give the name or the ARN: @app.secret_rotation("database").')
        parts = self.secret.split(":")
        whole_arn = len(parts) == 7 and parts[2] == "secretsmanager" and parts[5] == "secret" and parts[6]
        if self.secret.startswith("arn:") and not whole_arn:
            raise refused(
                f"{self.secret!r} is not the ARN of a secret. Write arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME."
            )
        named = len(self.secret) <= 512 and all(c.isascii() and (c.isalnum() or c in "/_+=.@-") for c in self.secret)
        if not self.secret.startswith("arn:") and not named:
            raise refused(
                f"Secrets Manager refuses the name {self.secret!r}: use letters, digits and /_+=.@-, at most 512."
            )
        if self.schedule and self.days is not None:
            raise refused("Secrets Manager refuses days beside schedule. Keep one of them.")
        if self.days is not None:
            whole("secret_rotation", "days", self.days, 1, 1000, "Remove it for 30 days.")
        if self.schedule != "" and (
            not isinstance(self.schedule, str)
            or not self.schedule.startswith(("rate(", "cron("))
            or self.schedule[-1] != ")"
        ):
            raise refused(
                f'schedule must be text such as "rate(12 hours)" or "cron(0 8 ? * MON *)" for secret_rotation, '
                f"not {self.schedule!r}."
            )
        hours = self.duration.removesuffix("h") if isinstance(self.duration, str) else ""
        if self.duration != "" and not (hours.isdigit() and 1 <= int(hours) <= 24 and self.duration.endswith("h")):
            raise refused(f'duration must be text from "1h" to "24h" for secret_rotation, not {self.duration!r}.')
        flag("secret_rotation", "immediately", self.immediately)
        if self.kms_key != "":
            checked_key("secret_rotation", self.kms_key)

    def key(self) -> Collection[tuple[str, str]]:
        return [(f"secret {self.secret}", f"The rotation of secret {self.secret!r}")]

    def title(self) -> str:
        return f"rotation of {self.secret} " + (self.schedule or f"every {self.days} days")

    def parse(self, raw: Any, context: Any) -> SecretStep:
        return SecretStep(raw, context)

    def call(self, binding: Binding, event: SecretStep) -> Any:
        if event.step not in STEPS:
            raise ValueError(f"A rotation has the steps {', '.join(STEPS)}, and not {printable(event.step)}.")
        return binding(event, event.context)

    def encode(self, result: Any, event: SecretStep) -> None:
        return None

    def mismatch(self, raw: Any) -> str:
        real = str(raw["SecretId"])
        name = real.split(":")[-1]
        # A secret's name is followed by a hyphen and six characters of Secrets Manager's.
        fits = self.secret in (real, real[:-7], name, name[:-7])
        return "" if fits else f"secret `{printable(name)}` is not `{self.secret}`"

    def overlap(self, other: Trigger, effort: Effort) -> dict[str, Any] | None:
        """One secret, once by its name and once by its ARN."""
        both = (trigger.sample() for trigger in (self, other)) if isinstance(other, SecretRotation) else ()
        return taken_by_both(self, other, both)  # type: ignore[no-any-return]

    def _arn(self) -> Any:
        if self.secret.startswith("arn:"):
            whole_arn = self.secret[-7:-6] == "-" and self.secret[-6:].isalnum()
            return self.secret if whole_arn else self.secret + SUFFIX
        named = f"secret:{self.secret}{SUFFIX}"
        return {"Fn::Sub": f"arn:${{AWS::Partition}}:secretsmanager:${{AWS::Region}}:${{AWS::AccountId}}:{named}"}

    def statements(self, template: Template) -> list[tuple[list[str], list[Any]]]:
        """What AWS's own example of a rotation function may do, with this secret only."""
        verbs = ("DescribeSecret", "GetSecretValue", "PutSecretValue", "UpdateSecretVersionStage")
        found: list[tuple[list[str], list[Any]]] = [
            ([f"secretsmanager:{verb}" for verb in verbs], [self._arn()]),
            (["secretsmanager:GetRandomPassword"], ["*"]),
        ]
        if self.kms_key:
            found.append((["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"], [self.kms_key]))
        return found

    def resources(self, function: Function, template: Template) -> None:
        """The permission, and the schedule, which Secrets Manager refuses without it. The embedded AWS has none."""
        if template.local:
            return
        schedule = pascal(self.own_name) + "RotationSchedule"
        permission = template.permit(
            function, schedule, "secretsmanager.amazonaws.com", self._arn(), source_account=True
        )
        rules: dict[str, Any] = {"ScheduleExpression": self.schedule} if self.schedule else {}
        if self.days is not None:
            rules["AutomaticallyAfterDays"] = self.days
        if self.duration:
            rules["Duration"] = self.duration
        properties = {
            "SecretId": self.secret,
            "RotationLambdaARN": template.function_arn(function),
            "RotationRules": rules,
            "RotateImmediatelyOnUpdate": self.immediately,
        }
        template.add(schedule, "AWS::SecretsManager::RotationSchedule", properties, depends_on=[permission])

    def sample(self, **fields: Any) -> dict[str, Any]:
        """A step. Fields: ``step``, ``secret_id``, ``token``."""
        self.fields_among(fields, ("step", "secret_id", "token"))
        arn = self.secret
        if not arn.startswith("arn:"):
            arn = f"arn:aws:secretsmanager:us-east-1:123456789012:secret:{self.secret}-a1b2c3"
        return {
            "Step": str(fields.get("step", "createSecret")),
            "SecretId": str(fields.get("secret_id", arn)),
            "ClientRequestToken": str(fields.get("token", "37ac2c1f-6d2b-4a1e-9c0e-1a2b3c4d5e6f")),
        }
