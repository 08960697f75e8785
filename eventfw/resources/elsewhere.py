"""What is made elsewhere, and only named here: a bot, an agent, a GraphQL API, by its id or ARN."""

from __future__ import annotations

from ..options import refused
from .names import pascal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def id_in(named: object, path: str) -> str:
    """The id that a text tells: it is one, or an ARN that ends with ``path`` and the id."""
    text = str(named)
    return text.partition(f":{path}/")[2] if text.startswith("arn:") else text


def check_named(decorator: str, what: str, named: object, service: str, path: str, form: str = "ID") -> None:
    """Refuse what is neither an id of the ``form`` nor the ARN of one."""
    found = id_in(named, path)
    parts = str(named).split(":", 5)
    whole = len(parts) == 6 and parts[2] == service and all(parts[1:5]) and parts[5] == f"{path}/{found}"
    words = found.replace("-", "").split("/")
    good = len(words) == form.count("/") + 1 and all(word.isascii() and word.isalnum() for word in words)
    if not isinstance(named, str) or not good or (named != found and not whole):
        raise refused(
            f"{decorator} takes {what}, {form} or arn:aws:{service}:REGION:ACCOUNT:{path}/{form}, not {named!r}."
        )


def arn_of(named: str, service: str, path: str) -> Any:
    """The ARN as a template writes it: of an id, in the stack's own account and region."""
    if named.startswith("arn:"):
        return named
    return {"Fn::Sub": f"arn:${{AWS::Partition}}:{service}:${{AWS::Region}}:${{AWS::AccountId}}:{path}/{named}"}


def check_skill(decorator: str, skill_id: object) -> None:
    """Refuse what is no id of an Alexa skill."""
    good = isinstance(skill_id, str) and skill_id.startswith("amzn1.ask.skill.")
    if not good or not all(char.isascii() and (char.isalnum() or char in "._-") for char in str(skill_id)):
        raise refused(
            f"{decorator} takes a skill's id, amzn1.ask.skill.UUID, not {skill_id!r}. The developer console shows it "
            f"under the skill's name."
        )


def end_of(named: str) -> str:
    """The last eight characters of an id, by which logical ids tell it."""
    return pascal(named[-8:])
