"""``@app.codecommit_trigger``: pushes to a CodeCommit repository."""

from __future__ import annotations

from ..events import Event, instant
from ..options import flag, one_of, printable, refused, text, texts
from ..resources.names import pascal
from ..trigger import Trigger, taken_by_both

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from typing import Any

    from ..function import Function
    from ..resources.resource import Template
    from ..rules.witness import Effort

EVENTS = ("all", "createReference", "deleteReference", "updateReference")
NAME_MAX = 100  # characters of a repository's name
TRIGGERS_MAX = 10  # of a repository


class PushedReference(Event):
    """A branch or tag that was created, moved or deleted."""

    def summary(self) -> str:
        return self.ref

    @property
    def ref(self) -> str:
        """Its full name, such as ``refs/heads/main``."""
        return str(self.raw["ref"])

    @property
    def branch(self) -> str | None:
        """The branch's name; ``None`` for a tag."""
        return self.ref.removeprefix("refs/heads/") if self.ref.startswith("refs/heads/") else None

    @property
    def tag(self) -> str | None:
        """The tag's name; ``None`` for a branch."""
        return self.ref.removeprefix("refs/tags/") if self.ref.startswith("refs/tags/") else None

    @property
    def commit(self) -> str:
        """The commit that it points to, or pointed to when it was deleted."""
        return str(self.raw["commit"])

    @property
    def created(self) -> bool:
        """Whether it is new."""
        return bool(self.raw.get("created"))

    @property
    def deleted(self) -> bool:
        """Whether it is gone."""
        return bool(self.raw.get("deleted"))


class RepositoryPush(Event):
    """What one push changed. https://docs.aws.amazon.com/lambda/latest/dg/services-codecommit.html"""

    def summary(self) -> str:
        return f"{self.repository} {', '.join(each.ref for each in self.references)}"

    @property
    def references(self) -> list[PushedReference]:
        """The branches and tags."""
        return [PushedReference(each, self.context) for each in self.raw["codecommit"]["references"]]

    @property
    def repository(self) -> str:
        """The repository's name."""
        return self.repository_arn.rpartition(":")[2]

    @property
    def repository_arn(self) -> str:
        """The repository's ARN."""
        return str(self.raw["eventSourceARN"])

    @property
    def custom_data(self) -> str:
        """What the trigger was given for its function; empty without."""
        return str(self.raw.get("customData") or "")

    @property
    def trigger_name(self) -> str:
        """The trigger's name in the repository."""
        return str(self.raw["eventTriggerName"])

    @property
    def user_arn(self) -> str:
        """Who pushed."""
        return str(self.raw["userIdentityARN"])

    @property
    def time(self) -> datetime:
        """When, with time zone."""
        return instant(self.raw["eventTime"])  # type: ignore[no-any-return]

    @property
    def region(self) -> str:
        """The repository's region."""
        return str(self.raw["awsRegion"])


class CodeCommitTrigger(Trigger):
    """Run for pushes to a CodeCommit repository.

    ``repository``: its name. ``create``: the app makes the repository, with this trigger; else it exists, and only gets
    leave to invoke the function, because a trigger is part of its repository in CloudFormation. ``branches``: only
    these; all unless said. ``events``: ``all``, or some of ``createReference``, ``updateReference`` and
    ``deleteReference``. ``custom_data``: text that comes with every event, at most 1000 characters.

    Invoked asynchronously: when the handler raises, Lambda tries the event again after one and after two more minutes.
    https://docs.aws.amazon.com/codecommit/latest/userguide/how-to-notify-lambda.html
    """

    decorator = "codecommit_trigger"
    example = '@app.codecommit_trigger("website", create=True)'
    kinds = ("codecommit",)

    def __init__(
        self,
        repository: str,
        *,
        create: bool = False,
        branches: Sequence[str] = (),
        events: Sequence[str] = ("all",),
        custom_data: str = "",
    ) -> None:
        super().__init__()
        self.repository = repository
        self.create = create
        self.branches = branches
        self.events = events
        self.custom_data = custom_data
        self.validate()

    def validate(self) -> None:
        text("codecommit_trigger", "repository", self.repository, 'Write @app.codecommit_trigger("website").')
        fine = all(c.isascii() and (c.isalnum() or c in "._-") for c in self.repository)
        if not fine or len(self.repository) > NAME_MAX or self.repository.endswith(".git"):
            raise refused(
                f"CodeCommit refuses the repository name {self.repository!r}: it has 1 to {NAME_MAX} letters, digits, "
                f"'.', '_' and '-', and does not end in .git."
            )
        flag("codecommit_trigger", "create", self.create)
        texts("codecommit_trigger", "branches", self.branches, "['main']")
        texts("codecommit_trigger", "events", self.events, "['all']", least=1)
        for event in self.events:
            one_of("codecommit_trigger", "events", event, EVENTS)
        if "all" in self.events and len(self.events) > 1:
            raise refused("CodeCommit refuses 'all' beside other events. Keep 'all', or the others.")
        if not isinstance(self.custom_data, str) or len(self.custom_data) > 1000:
            raise refused("custom_data must be text of at most 1000 characters for codecommit_trigger.")
        if self.custom_data and not self.create:
            raise refused(
                "custom_data is part of the trigger, which only create=True makes. Give it to your own trigger."
            )

    def title(self) -> str:
        return f"codecommit {self.repository}" + (f" branches={','.join(self.branches)}" if self.branches else "")

    def parse(self, raw: Any, context: Any) -> RepositoryPush:
        return RepositoryPush(raw["Records"][0], context)  # CodeCommit sends one record at a time

    def encode(self, result: Any, event: RepositoryPush) -> None:
        return None

    def mismatch(self, raw: Any) -> str:
        push = RepositoryPush(raw["Records"][0])
        if push.repository != self.repository and not (self.create and push.repository.endswith(f"-{self.repository}")):
            return f"repository `{printable(push.repository)}` is not `{self.repository}`"
        if self.create and push.trigger_name != self.own_name:
            return f"trigger `{printable(push.trigger_name)}` is not `{self.own_name}`"
        found = [each for each in push.references if not self.branches or each.branch in self.branches]
        if not found:
            return f"branch is not {' or '.join(self.branches)}"
        if "all" not in self.events and not any(happened(each) in self.events for each in found):
            return f"event is not {' or '.join(self.events)}"
        return ""

    def overlap(self, other: Trigger, effort: Effort) -> dict[str, Any] | None:
        """A push to an existing repository does not say which handler its trigger was made for."""
        if not isinstance(other, CodeCommitTrigger) or self.create or other.create:
            return None
        branches = [*self.branches, *other.branches] or ["main"]
        pushes = (one.sample(branch=branch) for one in (self, other) for branch in branches)
        return taken_by_both(self, other, pushes)  # type: ignore[no-any-return]

    def resources(self, function: Function, template: Template) -> None:
        """The permission; with ``create`` the repository, or what it has of this trigger. The embedded AWS has none."""
        name = template.physical(self.repository) if self.create else self.repository
        if len(name) > NAME_MAX:
            raise self.refused(f"The repository name {name!r} is longer than CodeCommit's {NAME_MAX} characters.")
        if template.local:
            return
        # From names: the repository waits for the permission.
        arn = {"Fn::Sub": f"arn:${{AWS::Partition}}:codecommit:${{AWS::Region}}:${{AWS::AccountId}}:{name}"}
        prefix = pascal(function.name) + pascal(self.repository) + "Repository"
        permission = template.permit(function, prefix, "codecommit.amazonaws.com", arn, source_account=True)
        if not self.create:
            return
        repository = pascal(self.repository) + "Repository"
        if not template.has(repository):
            template.add(
                repository, "AWS::CodeCommit::Repository", {"RepositoryName": name, "Triggers": []}, retain=True
            )
        triggers = template.properties(repository)["Triggers"]
        triggers.append(self._entry(template.function_arn(function)))
        if len(triggers) > TRIGGERS_MAX:
            raise self.refused(f"The repository {self.repository!r} has over {TRIGGERS_MAX} triggers. Remove one.")
        template.depend(repository, permission)

    def _entry(self, arn: Any) -> dict[str, Any]:
        entry: dict[str, Any] = {"Name": self.own_name, "DestinationArn": arn, "Events": list(self.events)}
        if self.branches:
            entry["Branches"] = list(self.branches)
        if self.custom_data:
            entry["CustomData"] = self.custom_data
        return entry

    def sample(self, **fields: Any) -> dict[str, Any]:
        """A push. Fields: ``repository``, ``branch``, ``commit``, ``custom_data``."""
        self.fields_among(fields, ("repository", "branch", "commit", "custom_data"))
        branch = str(fields.get("branch", self.branches[0] if self.branches else "main"))
        reference: dict[str, Any] = {
            "commit": str(fields.get("commit", "5e493c6f3067653f3d04eca608b4901eb2270789")),
            "ref": f"refs/heads/{branch}",
        }
        if "createReference" in self.events:
            reference["created"] = True
        elif "updateReference" not in self.events and "all" not in self.events:
            reference["deleted"] = True
        repository = str(fields.get("repository", self.repository))
        record = {
            "eventVersion": "1.0",
            "eventSource": "aws:codecommit",
            "eventSourceARN": f"arn:aws:codecommit:us-east-1:123456789012:{repository}",
            "awsRegion": "us-east-1",
            "eventTime": "2026-01-01T00:00:00.000+0000",
            "eventName": "ReferenceChanges",
            "eventId": "31ade2c7-f889-47c5-a937-1cf99e2790e9",
            "eventPartNumber": 1,
            "eventTotalParts": 1,
            "eventTriggerConfigId": "0d17d6a4-efeb-46f3-b3ab-a63741badeb8",
            "eventTriggerName": self.own_name,
            "userIdentityARN": "arn:aws:iam::123456789012:user/jane",
            "codecommit": {"references": [reference]},
            "customData": str(fields.get("custom_data", self.custom_data)),
        }
        return {"Records": [record]}


def happened(reference: PushedReference) -> str:
    """What CodeCommit calls what happened to a branch or tag."""
    if reference.created:
        return "createReference"
    return "deleteReference" if reference.deleted else "updateReference"
