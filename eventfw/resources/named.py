"""Named: a resource that its ARN tells all about: a topic, a table, a stream, a bus, a log group."""

from __future__ import annotations

from ..options import printable, refused, text
from .names import LOCAL_ACCOUNT, LOCAL_STAGE, filed_as, known_as, pascal
from .queue import is_account
from .resource import Resource

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Self

    from .names import Names
    from .resource import Template


class Named(Resource):
    """A resource with the ARN ``arn:PARTITION:service:REGION:ACCOUNT:path + name``, of which functions are told."""

    service = ""
    """The service, as it stands in ARNs: ``sns``."""
    path = ""
    """What stands before the name in an ARN: ``table/``."""
    suffix = ""
    """What ends the logical id: ``Topic``."""
    attribute = "Arn"
    """Which attribute of the CloudFormation type is the ARN; ``""`` for its ``Ref``."""
    name_attribute = ""
    """Which attribute is the name, in the same way."""
    name_max = 0
    """How many characters the real name may have."""

    @classmethod
    def existing(cls, name: str) -> Self:
        """One that is there already, by name or ARN. It is never created, changed or deleted on AWS."""
        return cls.there(*cls.named(name))

    @classmethod
    def there(cls, name: str, arn: str, **options: Any) -> Self:
        """An existing one of a name and perhaps an ARN."""
        resource = cls(name, **options)
        resource.owned, resource.arn_text = False, arn
        return resource

    @classmethod
    def named(cls, name: object) -> tuple[str, str]:
        """The name that a name or an ARN tells, and the ARN, if it was one."""
        given = text(cls.type, "name", name, f"Give the name or the ARN of an existing {cls.words()}.")
        if not given.startswith("arn:"):
            return given, ""
        parts = given.split(":", 5)
        rest = parts[5] if len(parts) == 6 else ""
        right = len(parts) == 6 and parts[2] == cls.service and parts[3] and is_account(parts[4])
        short = rest.removeprefix(cls.path)
        if not right or not rest.startswith(cls.path) or not short:
            raise refused(
                f"{given!r} is not the ARN of a {cls.words()}. "
                f"Write arn:aws:{cls.service}:REGION:ACCOUNT:{cls.path}NAME."
            )
        return short, given

    @property
    def logical_id(self) -> str:
        return pascal(self.key) + self.suffix

    @property
    def arn(self) -> str:
        """The ARN."""
        return self.told() or self.arn_text or f"arn:aws:{self.service}:us-east-1:{LOCAL_ACCOUNT}:{self._last}"

    @property
    def name(self) -> str:
        """The real name."""
        return self.name_in(self.arn)

    def name_in(self, arn: str) -> str:
        """The real name that an ARN tells."""
        return arn.split(":", 5)[-1].removeprefix(self.path)

    @property
    def _last(self) -> str:
        return self.path + self.real(self.key)

    def filed(self) -> str:
        """What its triggers are filed under, for :meth:`leads`."""
        import os

        told = os.environ.get(self.variable, "")
        return filed_as(self.name_in(told) if told else "", self.real(self.key))

    def leads(self, arn: str) -> tuple[str, ...]:
        """Under what triggers may be filed that an event from ``arn`` reaches; the same for all of its type."""
        real = self.name_in(arn)
        return known_as(real, real, self.app)

    def mismatch(self, arn: str) -> str:
        """Why an event from ``arn`` is not one of this resource's, or ``""``."""
        real, called = self.name_in(arn), self.filed()
        if called not in (known_as(real, real, self.app) if self.owned else (real, f"*{real}")):
            return f"{self.words()} `{printable(real)}` is not `{self.real(self.key)}`"
        # The stage `local` has an existing one under its own account; a stage that was told of it knows no other.
        if self.arn_text and arn != self.arn_text and called.startswith("*") and f":{LOCAL_ACCOUNT}:" not in arn:
            return f"{self.words()} `{printable(arn)}` is not `{self.arn_text}`"
        return ""

    def sample_arn(self) -> str:
        """The ARN that sample events come from."""
        return self.arn_text or f"arn:aws:{self.service}:us-east-1:123456789012:{self._last}"

    def local_value(self, names: Names, endpoint: str) -> str:
        if self.arn_text and names.stage != LOCAL_STAGE:
            return self.arn_text
        real = self.real(names.physical(self.key) if self.owned else self.key)
        return f"arn:aws:{self.service}:{names.region}:{names.account}:{self.path}{real}"

    def reference(self, template: Template) -> Any:
        return self.arn_in(template)

    def arn_in(self, template: Template) -> Any:
        if self.made_by(template):
            return template.reference(self.logical_id, self.attribute)
        if self.arn_text:
            return self.arn_text
        return {"Fn::Sub": f"arn:${{AWS::Partition}}:{self.service}:${{AWS::Region}}:${{AWS::AccountId}}:{self._last}"}

    def name_in_template(self, template: Template) -> Any:
        """The real name as a template writes it, for properties that take a name. It tells nothing of the account."""
        if self.made_by(template):
            return template.reference(self.logical_id, self.name_attribute)
        return self.real(self.key)

    def made_by(self, template: Template) -> bool:
        """Whether the app's stack makes it: if it is owned, or in the local variant, under its own name."""
        return self.owned or template.local

    def real_name(self, template: Template) -> str:
        """The name for the template, within AWS's limit."""
        name = self.real(template.physical(self.key) if self.owned else self.key)
        if len(name) > self.name_max:
            raise self.refused(
                f"The {self.words()} name {name!r} is over AWS's {self.name_max} characters. Shorten the app's, the "
                f"stage's or the {self.words()}'s name by {len(name) - self.name_max}."
            )
        return name


def named_with(owner: str, name: str, signs: str, low: int, high: int) -> None:
    """Refuse a name that has other than letters, digits and ``signs``, or too few or too many of them."""
    if not low <= len(name) <= high or not all(char.isascii() and (char.isalnum() or char in signs) for char in name):
        raise refused(
            f"AWS refuses the {owner} name {name!r}: a name has {low} to {high} letters, digits and any of "
            f"{' '.join(signs)}"
        )
    if not any(char.isalnum() for char in name):
        raise refused(f"The {owner} name {name!r} needs a letter or a digit.")
