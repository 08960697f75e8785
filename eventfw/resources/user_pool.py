"""UserPool: a Cognito user pool with an app client."""

from __future__ import annotations

from ..options import flag, one_of, refused, text, whole
from .named import Named, named_with
from .resource import Grant

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Self

    from .resource import Template

MFA = ("OFF", "OPTIONAL", "ON")
SIGN_IN = ("email", "phone_number")


class UserPool(Named):
    """A Cognito user pool that the app owns, with one app client, or (``UserPool.existing``) one that is there already.

    Options
        ``sign_in``: what users sign in with instead of a user name: ``["email"]`` unless said, ``["phone_number"]``,
        both, or ``[]`` for a user name. It cannot be changed later. Telephone numbers are verified by SMS, which the
        account must be let out of SNS's sandbox for.
        ``self_sign_up``: ``True`` lets people sign themselves up. Else only ``admin_create_user`` makes users.
        ``mfa``: a second factor, an authenticator app's code: ``OPTIONAL`` for each user unless said, ``ON`` or
        ``OFF``.
        ``password_length``: characters (8-99) a password has at least, 12 unless said, with upper-case and lower-case
        letters, digits and signs among them.
        ``deletion_protection``: ``True`` to have Cognito refuse to delete the pool until that is switched off.

    The client signs in with SRP, has no secret, and does not tell whether a user exists. A user pool is data: it stays
    when the stack goes.
    https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-identity-pools.html
    """

    type = "user_pool"
    named_by_aws = True
    service = "cognito-idp"
    path = "userpool/"
    suffix = "UserPool"
    name_max = 128

    def __init__(
        self,
        name: str,
        *,
        sign_in: Sequence[str] = ("email",),
        self_sign_up: bool = False,
        mfa: str = "OPTIONAL",
        password_length: int = 12,
        deletion_protection: bool = False,
    ) -> None:
        super().__init__(name)
        self.sign_in = sign_in
        self.self_sign_up = self_sign_up
        self.mfa = mfa
        self.password_length = password_length
        self.deletion_protection = deletion_protection
        self.validate()

    def validate(self) -> None:
        text("user_pool", "name", self.key, 'Write app.user_pool("people").')
        named_with("user pool", self.key, "_-", 1, 128)
        if not isinstance(self.sign_in, (list, tuple)):
            raise refused(f'sign_in must be a list such as ["email"] for user_pool, not {self.sign_in!r}.')
        for attribute in self.sign_in:
            one_of("user_pool", "sign_in", attribute, SIGN_IN)
        flag("user_pool", "self_sign_up", self.self_sign_up)
        one_of("user_pool", "mfa", self.mfa, MFA)
        whole("user_pool", "password_length", self.password_length, 8, 99, "Remove it for 12.")
        flag("user_pool", "deletion_protection", self.deletion_protection)

    @classmethod
    def existing(cls, name: str) -> Self:
        """A user pool that is there already, by id (``eu-west-1_AbCdEf123``) or ARN. It is never changed on AWS."""
        pool_id, arn = cls.named(name)
        region, mark, rest = pool_id.partition("_")
        if not mark or region.count("-") < 2 or not rest.isalnum():
            raise refused(f"{name!r} is no id of a user pool. Write REGION_ID, as eu-west-1_AbCdEf123, or its ARN.")
        return cls.there(pool_id, arn)

    @property
    def id(self) -> str:
        """The pool's id, as Cognito's API takes it."""
        return self.name_in(self.arn)

    @property
    def read(self) -> Grant:
        """Leave to look at users and groups."""
        actions = (
            "cognito-idp:AdminGetUser",
            "cognito-idp:AdminListGroupsForUser",
            "cognito-idp:DescribeUserPool",
            "cognito-idp:GetGroup",
            "cognito-idp:ListGroups",
            "cognito-idp:ListUsers",
            "cognito-idp:ListUsersInGroup",
        )
        return Grant(self, "read", {"": actions})

    @property
    def write(self) -> Grant:
        """Leave to make, change, disable and delete users, and to put them in groups."""
        verbs = (
            "AdminAddUserToGroup",
            "AdminCreateUser",
            "AdminDeleteUser",
            "AdminDisableUser",
            "AdminEnableUser",
            "AdminRemoveUserFromGroup",
            "AdminSetUserPassword",
            "AdminUpdateUserAttributes",
        )
        return Grant(self, "write", {"": [f"cognito-idp:{verb}" for verb in verbs]})

    @property
    def client_logical_id(self) -> str:
        """The id of the app client in the template; its ``Ref`` is the client's id."""
        return f"{self.logical_id}Client"

    @property
    def claims(self) -> set[str]:
        return super().claims | ({self.client_logical_id} if self.owned else set())

    def resources(self, template: Template) -> None:
        """The pool and its client. In the local variant an existing pool is made under its id's name."""
        if not self.made_by(template):
            return
        length = self.password_length
        policy = dict.fromkeys(("RequireLowercase", "RequireUppercase", "RequireNumbers", "RequireSymbols"), True)
        properties: dict[str, Any] = {
            "UserPoolName": self.real_name(template),
            "Policies": {"PasswordPolicy": {"MinimumLength": length, "TemporaryPasswordValidityDays": 7, **policy}},
            "AdminCreateUserConfig": {"AllowAdminCreateUserOnly": not self.self_sign_up},
            "MfaConfiguration": self.mfa,
            "DeletionProtection": "ACTIVE" if self.deletion_protection else "INACTIVE",
            "UsernameConfiguration": {"CaseSensitive": False},
        }
        if self.mfa != "OFF":
            properties["EnabledMfas"] = ["SOFTWARE_TOKEN_MFA"]
        if self.sign_in:
            properties["UsernameAttributes"] = list(self.sign_in)
            properties["AutoVerifiedAttributes"] = list(self.sign_in)
        if "phone_number" in self.sign_in:
            properties["SmsConfiguration"] = self._sms(template)
        if "email" in self.sign_in or not self.sign_in:
            properties["AccountRecoverySetting"] = {"RecoveryMechanisms": [{"Name": "verified_email", "Priority": 1}]}
        template.add(self.logical_id, "AWS::Cognito::UserPool", properties, retain=True)
        client = {
            "UserPoolId": {"Ref": self.logical_id},
            "ClientName": self.real_name(template),
            "ExplicitAuthFlows": ["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
            "GenerateSecret": False,
            "EnableTokenRevocation": True,
            "PreventUserExistenceErrors": "ENABLED",
        }
        made = template.add(self.client_logical_id, "AWS::Cognito::UserPoolClient", client)
        template.output(made, {"Ref": made}, f"The id of the app client of {self.key}")

    def _sms(self, template: Template) -> dict[str, Any]:
        """How Cognito sends SMS: with a role of its own, for this pool's external id. SMS have no ARN to name."""
        name = self.real_name(template)
        conditions = {"StringEquals": {"sts:ExternalId": name, "aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
        statements = [(["sns:Publish"], ["*"])]
        role = template.role(
            f"{self.logical_id}SmsRole", "cognito-idp.amazonaws.com", statements, conditions=conditions
        )
        return {"ExternalId": name, "SnsCallerArn": {"Fn::GetAtt": [role, "Arn"]}}
