"""A user pool: what Cognito would refuse, safe defaults, its client, and its grants."""

from __future__ import annotations

from typing import Any

import pytest
from resource_bench import granted, resources

from eventfw import App, UserPool
from eventfw.errors import RegistrationError
from eventfw.tools.build.template import Template


@pytest.mark.parametrize("name", ["", "a b!", "x" * 129, "---", 7])
def test_names_that_cognito_refuses_are_refused_with_the_users_line(name: Any) -> None:
    with pytest.raises(RegistrationError) as caught:
        UserPool(name)
    assert "test_user_pool.py" in caught.value.place


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"sign_in": "email"}, "a list such as"),
        ({"sign_in": ["mail"]}, "'email', 'phone_number'"),
        ({"self_sign_up": 1}, "True or False"),
        ({"mfa": "on"}, "'OFF', 'OPTIONAL', 'ON'"),
        ({"password_length": 7}, "8 to 99"),
        ({"deletion_protection": "yes"}, "True or False"),
    ],
)
def test_options_outside_what_cognito_takes_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(RegistrationError, match=said):
        UserPool("people", **options)


@pytest.mark.parametrize("wrong", ["people", "eu-west-1_", "eu-west-1_a/b", "west_1"])
def test_an_existing_pool_is_named_by_its_id(wrong: str) -> None:
    assert UserPool.existing("eu-west-1_AbCdEf123").id == "eu-west-1_AbCdEf123"
    with pytest.raises(RegistrationError, match="no id of a user pool"):
        UserPool.existing(wrong)


def test_nothing_is_open_unless_said() -> None:
    app = App("shop")
    app.user_pool("people")
    made = resources(app)
    pool, client = made["PeopleUserPool"]["Properties"], made["PeopleUserPoolClient"]["Properties"]
    assert pool["AdminCreateUserConfig"] == {"AllowAdminCreateUserOnly": True}
    assert pool["Policies"]["PasswordPolicy"]["MinimumLength"] == 12
    assert (pool["MfaConfiguration"], pool["EnabledMfas"]) == ("OPTIONAL", ["SOFTWARE_TOKEN_MFA"])
    assert pool["UsernameAttributes"] == pool["AutoVerifiedAttributes"] == ["email"]
    assert client["PreventUserExistenceErrors"] == "ENABLED"
    assert client["ExplicitAuthFlows"] == ["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
    assert (client["GenerateSecret"], client["UserPoolId"]) == (False, {"Ref": "PeopleUserPool"})


def test_the_clients_id_is_told_when_it_is_deployed() -> None:
    template = Template("shop", "dev")
    UserPool("people").resources(template)
    assert template.body("")["Outputs"]["PeopleUserPoolClient"]["Value"] == {"Ref": "PeopleUserPoolClient"}


def test_telephone_numbers_are_verified_by_sms_with_a_role_for_this_pool() -> None:
    app = App("shop")
    app.user_pool("people", sign_in=["phone_number"])
    made = resources(app)
    assert made["PeopleUserPool"]["Properties"]["SmsConfiguration"] == {
        "ExternalId": "shop-dev-people",
        "SnsCallerArn": {"Fn::GetAtt": ["PeopleUserPoolSmsRole", "Arn"]},
    }
    role = made["PeopleUserPoolSmsRole"]["Properties"]
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": ["cognito-idp.amazonaws.com"]}
    assert trust["Condition"]["StringEquals"]["sts:ExternalId"] == "shop-dev-people"
    app = App("shop")
    app.user_pool("people")
    assert "PeopleUserPoolSmsRole" not in resources(app)


def test_options_reach_the_pool() -> None:
    app = App("shop")
    app.user_pool("people", sign_in=[], self_sign_up=True, mfa="OFF", password_length=20, deletion_protection=True)
    pool = resources(app)["PeopleUserPool"]["Properties"]
    assert "UsernameAttributes" not in pool and "EnabledMfas" not in pool
    assert pool["AdminCreateUserConfig"] == {"AllowAdminCreateUserOnly": False}
    assert pool["Policies"]["PasswordPolicy"]["MinimumLength"] == 20
    assert pool["DeletionProtection"] == "ACTIVE"


def test_grants_are_exactly_their_actions() -> None:
    pool = UserPool("people")
    reading = "AdminGetUser AdminListGroupsForUser DescribeUserPool GetGroup ListGroups ListUsers ListUsersInGroup"
    writing = """
        AdminAddUserToGroup AdminCreateUser AdminDeleteUser AdminDisableUser AdminEnableUser AdminRemoveUserFromGroup
        AdminSetUserPassword AdminUpdateUserAttributes
    """
    assert granted(pool.read, pool.write) == {
        "read": {"": {f"cognito-idp:{verb}" for verb in reading.split()}},
        "write": {"": {f"cognito-idp:{verb}" for verb in writing.split()}},
    }
