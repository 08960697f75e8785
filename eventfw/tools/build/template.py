"""Template: the CloudFormation template of one stack, as the verbs of triggers and resources fill it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from eventfw.errors import BuildError
from eventfw.resources.names import LOCAL_STAGE, Names, pascal

if TYPE_CHECKING:
    from eventfw.function import Function
    from eventfw.resources.bucket import Bucket

POLICY = "2012-10-17"
RESOURCES_MAX = 500  # of one stack: "Resources" in the CloudFormation quotas
LOGICAL_ID_MAX = 255


class Template:
    """One stack's template.

    ``main`` is the template of the app's main stack, where resources and the API are: itself, except in a blueprint's
    own stack, which is deployed after it and takes what it refers to through outputs and parameters of one name.
    ``adding`` says for whom things are added, for errors. ``local`` marks the variant for the embedded AWS.
    ``versions`` are the code hashes of Lambda@Edge functions, ``published`` the names of functions with an alias.
    """

    def __init__(self, app_name: str, stage: str, *, local: bool = False, main: Template | None = None) -> None:
        self.app_name = app_name
        self.stage = stage
        self.local = local
        self.main = main or self
        self.names = Names(app_name, stage, "${AWS::AccountId}", "${AWS::Region}")
        self.versions: dict[str, str] = {}
        self.published: set[str] = set() if main is None else main.published
        self.adding = ""
        self._owners: dict[str, str] = {}
        self._stacks: list[Template] = [self]
        if main is not None:
            main._stacks.append(self)
        self._resources: dict[str, dict[str, Any]] = {}
        self._outputs: dict[str, dict[str, Any]] = {}
        self._parameters: dict[str, dict[str, Any]] = {}

    def add(
        self,
        logical_id: str,
        type_: str,
        properties: dict[str, Any],
        *,
        depends_on: Sequence[str] = (),
        retain: bool = False,
        keep_old: bool = False,
    ) -> str:
        """Add a resource; two of one logical id are refused.

        ``retain`` marks data, which outlives the stack; ``keep_old`` what is left alone when it is replaced or removed.
        """
        if not logical_id.isalnum() or not logical_id.isascii() or len(logical_id) > LOGICAL_ID_MAX:
            raise BuildError(f"{logical_id!r} is no logical id: CloudFormation takes letters and digits. Rename it.")
        if logical_id in self._resources:
            first = self._resources[logical_id]["Type"] + self._owners[logical_id]
            raise BuildError(
                f"Two things would be called {logical_id} in the template: {first} and {type_}{self.adding}. "
                f"Names that differ only in case, '-' or '_' are one here; rename one of them."
            )
        resource: dict[str, Any] = {"Type": type_, "Properties": properties}
        if depends_on:
            resource["DependsOn"] = list(depends_on)
        if retain or keep_old:
            resource["DeletionPolicy"] = "RetainExceptOnCreate" if retain else "Retain"
            resource["UpdateReplacePolicy"] = "Retain"
        self._resources[logical_id] = resource
        self._owners[logical_id] = self.adding
        return logical_id

    def has(self, logical_id: str) -> bool:
        """Whether this stack, or the main one, has the resource."""
        return logical_id in self._resources or logical_id in self.main._resources

    def holds(self, logical_id: str) -> bool:
        """Whether this stack itself has the resource."""
        return logical_id in self._resources

    def count(self, type_: str) -> int:
        """How many resources of a type the main stack and those of blueprints have: they share the API."""
        return sum(resource["Type"] == type_ for stack in self.main._stacks for resource in stack._resources.values())

    def of_type(self, type_: str) -> dict[str, dict[str, Any]]:
        """The properties of every resource of a type, by logical id, in the main stack and those of blueprints."""
        stacks = self.main._stacks
        return {
            logical_id: resource["Properties"]
            for stack in stacks
            for logical_id, resource in stack._resources.items()
            if resource["Type"] == type_
        }

    def own(self, type_: str) -> dict[str, dict[str, Any]]:
        """The properties of every resource of a type in this stack alone, by logical id."""
        return {name: one["Properties"] for name, one in self._resources.items() if one["Type"] == type_}

    def properties(self, logical_id: str) -> dict[str, Any]:
        """A resource's properties, to extend."""
        owner = self if logical_id in self._resources else self.main
        return owner._resources[logical_id]["Properties"]  # type: ignore[no-any-return]

    def depend(self, logical_id: str, on: str) -> None:
        """Have one resource made after another of the same stack."""
        if logical_id not in self._resources:
            raise BuildError(
                f"{logical_id} is in the app's main stack, which is deployed before this one, and would have to wait "
                f"for {on}. Mount the blueprint without stack=True, or move the trigger."
            )
        waits = self._resources[logical_id].setdefault("DependsOn", [])
        if on not in waits:
            waits.append(on)
            waits.sort()

    def output(self, name: str, value: Any, description: str = "") -> None:
        """Add an output."""
        self._outputs[name] = {"Value": value, **({"Description": description} if description else {})}

    def parameter(self, name: str, description: str) -> Any:
        """A reference to what ``deploy`` fills in: the output of that name of a stack deployed before this one."""
        self._parameters[name] = {"Type": "String", "Description": description}
        return {"Ref": name}

    def reference(self, logical_id: str, attribute: str = "") -> Any:
        """``Ref`` or ``Fn::GetAtt``; for a resource of the main stack, seen from another one, its output."""
        value = {"Fn::GetAtt": [logical_id, attribute]} if attribute else {"Ref": logical_id}
        if self.main is self or logical_id in self._resources:
            return value
        name = logical_id + attribute
        self.main.output(name, value)
        return self.parameter(name, f"The output {name} of {self.app_name}'s main stack")

    def physical(self, name: str) -> str:
        """The real name of something that people look up by name."""
        return self.names.physical(name)

    def bucket_name(self, name: str) -> Any:
        """A bucket's real name, with the account and region that the stack runs in."""
        if self.stage == LOCAL_STAGE:
            return name
        # S3's limit is 63 characters; an account has 12, the longest region 14.
        if len(self.physical(name)) > 63 - 12 - 14 - 2:
            raise BuildError(
                f"The bucket {self.physical(name)}-<account>-<region> would be longer than S3's 63 characters. "
                f"Shorten the app's, the stage's or the bucket's name by {len(self.physical(name)) - 35}."
            )
        return {"Fn::Sub": self.names.bucket(name)}

    def function_id(self, function: Function) -> str:
        """The logical id of a function."""
        return pascal(function.name) + "Function"

    def alias_id(self, function: Function) -> str:
        """The logical id of the alias of a function that is invoked through one."""
        return pascal(function.name) + "LiveAlias"

    def function_arn(self, function: Function) -> Any:
        """The ARN by which a function of this stack is invoked: its alias's, where it has one."""
        if self.alias_id(function) in self._resources:
            return {"Ref": self.alias_id(function)}
        return {"Fn::GetAtt": [self.function_id(function), "Arn"]}

    def version_arn(self, function: Function) -> Any:
        """The ARN of the version that holds a Lambda@Edge function's present code."""
        return {"Ref": f"{pascal(function.name)}Version{self.versions[function.name][:8]}"}

    def permit(
        self,
        function: Function,
        logical_prefix: str,
        principal: str,
        source_arn: Any = None,
        *,
        source_account: bool = False,
        **more: Any,
    ) -> str:
        """Let a source invoke a function. Asking twice for the same gives the same permission.

        ``more`` are further properties of the permission, such as ``EventSourceToken``.
        """
        logical_id = logical_prefix + "Permission"
        properties = {
            "FunctionName": self.function_arn(function),
            "Action": "lambda:InvokeFunction",
            "Principal": principal,
            **more,
        }
        if source_arn is not None:
            properties["SourceArn"] = source_arn
        if source_account:
            properties["SourceAccount"] = {"Ref": "AWS::AccountId"}
        if logical_id in self._resources and self.properties(logical_id) == properties:
            return logical_id
        return self.add(logical_id, "AWS::Lambda::Permission", properties)

    def role(
        self,
        logical_id: str,
        service: str,
        statements: Sequence[tuple[list[str], list[Any]]],
        *,
        conditions: Mapping[str, Any] | None = None,
    ) -> str:
        """Add a role that an AWS service takes, under ``conditions``, to do what ``statements`` allow and no more.

        Asking twice for the same gives the same role.
        """
        properties = role_properties(statements, [service], conditions=conditions)
        if logical_id in self._resources and self.properties(logical_id) == properties:
            return logical_id
        return self.add(logical_id, "AWS::IAM::Role", properties)

    def notify(
        self,
        bucket: Bucket,
        function: Function,
        notifications: list[dict[str, Any]],
        *,
        after: str = "",
        eventbridge: bool = False,
    ) -> None:
        """Add notifications to those of a bucket that the app does not own. See :mod:`.notifications`."""
        from eventfw.tools.build.notifications import notify

        notify(self, bucket, function, notifications, after=after, eventbridge=eventbridge)

    def associate(self, role: str, kind: str, database: str, arn: Any) -> None:
        """Associate a role of the stack's with a database that the app does not own. See :mod:`.databases`."""
        from eventfw.tools.build.databases import associate

        associate(self, role, kind, database, arn)

    @property
    def empty(self) -> bool:
        """Whether nothing was added."""
        return not self._resources

    def body(self, description: str) -> dict[str, Any]:
        """The whole template."""
        if len(self._resources) > RESOURCES_MAX:
            raise BuildError(
                f"The stack has {len(self._resources)} resources, over CloudFormation's quota of {RESOURCES_MAX}. "
                f"Mount blueprints with stack=True to give them stacks of their own."
            )
        body: dict[str, Any] = {"AWSTemplateFormatVersion": "2010-09-09", "Description": description}
        if self._parameters:
            body["Parameters"] = self._parameters
        body["Resources"] = self._resources
        if self._outputs:
            body["Outputs"] = self._outputs
        return body


def role_properties(
    statements: Sequence[tuple[list[str], list[Any]]],
    trusted: list[str],
    *,
    conditions: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """A role that services may take, allowed exactly the statements: ``(actions, ARNs)``."""
    trust: dict[str, Any] = {"Effect": "Allow", "Principal": {"Service": trusted}, "Action": "sts:AssumeRole"}
    if conditions:
        trust["Condition"] = dict(conditions)
    properties: dict[str, Any] = {"AssumeRolePolicyDocument": {"Version": POLICY, "Statement": [trust]}}
    allowed = [
        {"Effect": "Allow", "Action": actions, "Resource": resources} for actions, resources in merged(statements)
    ]
    if allowed:
        document = {"Version": POLICY, "Statement": allowed}
        properties["Policies"] = [{"PolicyName": "function", "PolicyDocument": document}]
    return properties


def merged(statements: Sequence[tuple[list[str], list[Any]]]) -> list[tuple[list[str], list[Any]]]:
    """One statement for each set of resources, with every action once."""
    by_resource: dict[str, tuple[set[str], list[Any]]] = {}
    for actions, resources in statements:
        by_resource.setdefault(repr(resources), (set(), resources))[0].update(actions)
    return [(sorted(actions), resources) for actions, resources in by_resource.values()]
