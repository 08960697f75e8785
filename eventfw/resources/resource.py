"""Resource: something in AWS that the app owns or names; Grant: leave to use it."""

from __future__ import annotations

from ..errors import RegistrationError, ResourceError, user_place
from ..options import Checked, refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from typing import Any, Protocol, Self

    from ..function import Function
    from .bucket import Bucket
    from .names import Names

    class Template(Protocol):
        """What the tool verbs of resources and triggers may ask of the template they are given."""

        app_name: str
        stage: str
        local: bool
        published: set[str]

        def add(
            self,
            logical_id: str,
            type_: str,
            properties: dict[str, Any],
            *,
            depends_on: Sequence[str] = (),
            retain: bool = False,
        ) -> str: ...
        @property
        def main(self) -> Template: ...
        def has(self, logical_id: str) -> bool: ...
        def count(self, type_: str) -> int: ...
        def properties(self, logical_id: str) -> dict[str, Any]: ...
        def of_type(self, type_: str) -> dict[str, dict[str, Any]]: ...
        def depend(self, logical_id: str, on: str) -> None: ...
        def output(self, name: str, value: Any, description: str = "") -> None: ...
        def physical(self, name: str) -> str: ...
        def bucket_name(self, name: str) -> Any: ...
        def reference(self, logical_id: str, attribute: str = "") -> Any: ...
        def function_id(self, function: Function) -> str: ...
        def function_arn(self, function: Function) -> Any: ...
        def version_arn(self, function: Function) -> Any: ...
        def permit(
            self,
            function: Function,
            logical_prefix: str,
            principal: str,
            source_arn: Any = None,
            *,
            source_account: bool = False,
            **more: Any,
        ) -> str: ...
        def notify(
            self,
            bucket: Bucket,
            function: Function,
            notifications: list[dict[str, Any]],
            *,
            after: str = "",
            eventbridge: bool = False,
        ) -> None: ...
        def associate(self, role: str, kind: str, database: str, arn: Any) -> None: ...
        def role(
            self,
            logical_id: str,
            service: str,
            statements: Sequence[tuple[list[str], list[Any]]],
            *,
            conditions: Mapping[str, Any] | None = None,
        ) -> str: ...


class Resource(Checked):
    """A queue, a bucket...: owned by the app and created by its stack, or existing and only named.

    A handler learns the real name from the object; the deployed function is told through one environment variable,
    which comes with every grant, those that triggers imply too.
    """

    type = ""
    """The resource type in lower case, as variable names and the app's method use it."""
    kms_key: str | None = None
    """The key it is encrypted with: the ARN of a customer's, the alias of one that AWS manages, or AWS's own."""
    arn_text = ""
    """The ARN of an existing resource that was named by it."""
    named_by_aws = False
    """Whether AWS makes up what the variable says, so that nobody knows it before the resource is there."""

    def __init__(self, name: str, *, owned: bool = True) -> None:
        self.key = name
        self.owned = owned
        self.app = ""
        self.place = user_place()

    @classmethod
    def existing(cls, name: str) -> Self:
        """One that is there already, by name, id or ARN. It is never created, changed or deleted on AWS."""
        raise NotImplementedError

    @classmethod
    def of(cls, decorator: str, value: object) -> Self:
        """What a decorator was given: an object of this type, or the name or ARN of an existing one."""
        if isinstance(value, cls):
            return value
        if isinstance(value, str) and value:
            return cls.existing(value)
        raise refused(
            f"{decorator} takes a {cls.words()} such as app.{cls.type}(...), or the name or ARN of an existing one, "
            f"not {value!r}."
        )

    @classmethod
    def words(cls) -> str:
        """The type as messages write it: ``event bus``."""
        return cls.type.replace("_", " ")

    def refused(self, message: str) -> RegistrationError:
        """The error for what turns out impossible after registration, placed on the line that made the resource."""
        return RegistrationError(message, place=self.place)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.key!r}>"

    @property
    def variable(self) -> str:
        """The environment variable that tells a deployed function the real name."""
        word = "".join(char if char.isalnum() else "_" for char in self.key).upper()
        return f"EVENTFW_{self.type.upper()}_{word}"

    @property
    def logical_id(self) -> str:
        """The id in the template, such as ``OrdersQueue``. Changing it would replace the resource."""
        raise NotImplementedError

    def real(self, name: str) -> str:
        """``name`` with what AWS asks to have in it, such as a FIFO queue's ``.fifo``."""
        return name

    @property
    def claims(self) -> set[str]:
        """Everything of which the app can have one: logical ids, the variable's name."""
        return {self.logical_id, self.variable}

    def check(self, functions: Mapping[str, Function]) -> None:
        """Refuse what turns out impossible when registration has ended, with the functions of the app's."""

    def remarks(self) -> Collection[str]:
        """What can be made, and may not be meant."""
        return ()

    def told(self) -> str:
        """What the environment says of this resource; ``""`` outside Lambda, where nothing was said."""
        import os

        value = os.environ.get(self.variable, "")
        if not value and "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
            raise ResourceError(
                f"The real name of the {self.type} {self.key!r} is not known to the function "
                f"{os.environ['AWS_LAMBDA_FUNCTION_NAME']!r}. Grant it: @app.function(uses=[...]).",
                place=self.place,
            )
        return value

    def local_value(self, names: Names, endpoint: str) -> str:
        """What the variable says when the app runs in the stage that ``names`` describes, behind ``endpoint``."""
        raise NotImplementedError

    def local(self) -> tuple[str, dict[str, Any]] | None:
        """Which part of the local server stands for it where the embedded AWS cannot, and what that part is told."""
        return None

    def reference(self, template: Template) -> Any:
        """What the variable says in a template."""
        raise NotImplementedError

    def arn_in(self, template: Template) -> Any:
        """The ARN as a template writes it."""
        raise NotImplementedError

    def resources(self, template: Template) -> None:
        """Add the resource to the template of the stack that owns it."""
        raise NotImplementedError

    def conclude(self, template: Template) -> None:
        """Add what can only be told when everything else is in the template: an API's deployment, for example."""


class Grant:
    """Leave to do something with a resource: ``uses=[orders.send]``. Exactly its ``actions``, nothing more.

    ``key_actions``: what it takes to do so of the customer's key, where the resource is encrypted with one.
    ``arn``: the ARN as a template writes it, where it is not the resource's own.
    """

    def __init__(
        self,
        resource: Resource,
        verb: str,
        actions: Mapping[str, Collection[str]],
        key_actions: Collection[str] = (),
        *,
        arn: Any = None,
    ) -> None:
        self.resource = resource
        self.verb = verb
        self.actions_by_scope = actions
        self.key_actions = key_actions
        self.arn = arn

    def __repr__(self) -> str:
        return f"{self.resource!r}.{self.verb}"

    def statements(self, template: Template) -> list[tuple[list[str], list[Any]]]:
        """``(actions, ARNs)`` pairs for the function's role. Scope ``""`` is the resource, ``"/*"`` what is in it."""
        arn = self.resource.arn_in(template) if self.arn is None else self.arn
        allowed = [(sorted(actions), [within(arn, scope)]) for scope, actions in self.actions_by_scope.items()]
        key = self.resource.kms_key or ""
        if self.key_actions and key.startswith("arn:"):
            allowed.append((sorted(self.key_actions), [key]))
        return allowed


def within(arn: Any, scope: str) -> Any:
    """``arn`` with ``scope`` appended, whether it is text or a ``Fn::Sub``."""
    if not scope:
        return arn
    if isinstance(arn, str):
        return arn + scope
    if set(arn) == {"Fn::Sub"} and isinstance(arn["Fn::Sub"], str):
        return {"Fn::Sub": arn["Fn::Sub"] + scope}
    return {"Fn::Join": ["", [arn, scope]]}


def extend(template: Template, logical_id: str, policy: tuple[str, dict[str, Any]], statement: dict[str, Any]) -> None:
    """Add a statement, once, to a resource policy, which is made by the first."""
    type_, properties = policy
    if not template.has(logical_id):
        document: dict[str, Any] = {"Version": "2012-10-17", "Statement": []}
        template.add(logical_id, type_, {**properties, "PolicyDocument": document})
    statements = template.properties(logical_id)["PolicyDocument"]["Statement"]
    if statement not in statements:
        statements.append(statement)


def tls_only(action: str) -> dict[str, Any]:
    """The statement of a resource policy that refuses what does not come over TLS."""
    return {
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": action,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
