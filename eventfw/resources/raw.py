"""RawResource: anything that CloudFormation can make, in its own words."""

from __future__ import annotations

from ..options import flag, refused, text
from .resource import Grant, Resource

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from .names import Names
    from .resource import Template


class RawResource(Resource):
    """A resource of any type, as CloudFormation writes it.

    Options
        ``logical_id``: its id in the template, letters and digits; to change it replaces the resource.
        ``type``: the CloudFormation type, such as ``AWS::SSM::Parameter``.
        ``properties``: as on the type's page. They refer to others of the app with ``{"Ref": "NewsTopic"}`` or
        ``{"Fn::GetAtt": ["OrdersQueue", "Arn"]}``, which :attr:`ref` and :meth:`get_att` write.
        ``retain``: ``True`` for data, which stays when the stack goes.
        ``depends_on``: resources, or logical ids, that are made before it.
        ``local``: ``False`` leaves it out of ``eventfw local``, for a type that the embedded AWS does not know.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-template-resource-type-ref.html
    """

    type = "resource"
    named_by_aws = True

    def __init__(
        self,
        logical_id: str,
        type: str,
        properties: Mapping[str, Any],
        *,
        retain: bool = False,
        depends_on: Sequence[str | Resource] = (),
        local: bool = True,
    ) -> None:
        super().__init__(logical_id)
        self.cloudformation_type = type
        self.properties = properties
        self.retain = retain
        self.depends_on = depends_on
        self.in_local = local
        self.validate()

    def validate(self) -> None:
        text("resource", "logical_id", self.key, 'Write app.resource("Limit", "AWS::SSM::Parameter", {...}).')
        if not self.key.isalnum() or not self.key.isascii() or len(self.key) > 255:
            raise refused(f"logical_id must be 1 to 255 letters and digits for resource, not {self.key!r}.")
        parts = self.cloudformation_type.split("::") if isinstance(self.cloudformation_type, str) else []
        if len(parts) < 2 or not all(parts):
            raise refused(
                f"type must be a CloudFormation type such as AWS::SSM::Parameter for resource, not "
                f"{self.cloudformation_type!r}."
            )
        if not isinstance(self.properties, dict):
            raise refused(f"properties must be a dict for resource, not {self.properties!r}.")
        from json import dumps

        try:
            dumps(self.properties, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise refused(f"properties must be what JSON can hold for resource: {error}.") from None
        flag("resource", "retain", self.retain)
        flag("resource", "local", self.in_local)
        if not isinstance(self.depends_on, (list, tuple)) or not all(
            isinstance(one, (str, Resource)) for one in self.depends_on
        ):
            raise refused(
                f"depends_on must be a list of resources or logical ids for resource, not {self.depends_on!r}."
            )

    @property
    def logical_id(self) -> str:
        return self.key

    @property
    def ref(self) -> dict[str, Any]:
        """``{"Ref": ...}``: for most types the name or the ARN, as the type's page says under "Return values"."""
        return {"Ref": self.key}

    def get_att(self, attribute: str) -> dict[str, Any]:
        """``{"Fn::GetAtt": ...}``: an attribute of those on the type's page, such as ``Arn``."""
        return {"Fn::GetAtt": [self.key, attribute]}

    @property
    def name(self) -> str:
        """What ``Ref`` gives, at run time."""
        return self.told() or self._likely_name()

    def grant(self, actions: Sequence[str], scope: str = "", *, arn: Any = None) -> Grant:
        """Leave to do ``actions``, such as ``["ssm:GetParameter"]``, with the resource.

        ``arn`` says what for, where the type has no attribute ``Arn``: :attr:`ref`, or an ARN with ``Fn::Sub``.
        ``scope`` is appended: ``/*`` for what is in it.
        """
        if not isinstance(actions, (list, tuple)) or not actions:
            raise refused(f'grant takes a list of actions such as ["ssm:GetParameter"], not {actions!r}.')
        for action in actions:
            if not isinstance(action, str) or action.count(":") != 1 or "*" in action or not all(action.split(":")):
                raise refused(f"An action is written service:Action, without '*', not {action!r}.")
        if not isinstance(scope, str):
            raise refused(f"scope must be text that is appended to the ARN, such as '/*', not {scope!r}.")
        return Grant(self, f"grant({sorted(actions)}, {scope!r}, arn={arn!r})", {scope: tuple(actions)}, arn=arn)

    def _likely_name(self) -> str:
        """What ``Ref`` probably gives where nothing tells it: the property that names the resource, or its id."""
        kind = self.cloudformation_type.rpartition("::")[2]
        for option, value in self.properties.items():
            if option.endswith("Name") and kind.endswith(option[:-4]) and isinstance(value, str):
                return value
        return self.key

    def local_value(self, names: Names, endpoint: str) -> str:
        return self._likely_name()

    def reference(self, template: Template) -> Any:
        return template.reference(self.key) if self._made_by(template) else self._likely_name()

    def arn_in(self, template: Template) -> Any:
        return template.reference(self.key, "Arn") if self._made_by(template) else f"arn:aws:none:::{self.key}"

    def _made_by(self, template: Template) -> bool:
        return self.in_local or not template.local

    def resources(self, template: Template) -> None:
        """The resource, as it was written."""
        if not self._made_by(template):
            return
        from copy import deepcopy

        before = [one.logical_id if isinstance(one, Resource) else one for one in self.depends_on]
        properties = deepcopy(dict(self.properties))
        template.add(self.key, self.cloudformation_type, properties, depends_on=before, retain=self.retain)
