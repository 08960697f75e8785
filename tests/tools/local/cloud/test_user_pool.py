"""A user pool of the embedded AWS asks the app's handlers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from live import Live, write

APP = """
    from eventfw import App

    app = App("demo")
    people = app.user_pool("people", self_sign_up=True, mfa="OFF")


    @app.cognito_trigger("pre_sign_up", people)
    def welcome(event):
        if not event.user_attributes["email"].endswith("@example.com"):
            raise ValueError("Only for example.com")
        event.response.auto_confirm_user = True
        event.response.auto_verify_email = True


    @app.function("who", uses=[people.read])
    def who(payload):
        return people.id
"""


def test_a_sign_up_runs_the_pre_sign_up_handler_and_functions_are_told_the_pools_id(tmp_path: Path) -> None:
    write(tmp_path / "app.py", APP)
    live = Live(tmp_path)
    try:
        cognito = live.client("cognito-idp")
        pool = cognito.list_user_pools(MaxResults=1)["UserPools"][0]["Id"]
        client = cognito.list_user_pool_clients(UserPoolId=pool, MaxResults=1)["UserPoolClients"][0]["ClientId"]

        told = json.loads(live.client("lambda").invoke(FunctionName="who")["Payload"].read())
        assert told == pool

        def sign_up(email: str) -> bool:
            attributes = [{"Name": "email", "Value": email}]
            answer = cognito.sign_up(
                ClientId=client, Username=email, Password="Correct-horse-1", UserAttributes=attributes
            )
            return bool(answer["UserConfirmed"])

        assert sign_up("ada@example.com") is True
        user = cognito.admin_get_user(UserPoolId=pool, Username="ada@example.com")
        assert {"Name": "email_verified", "Value": "true"} in user["UserAttributes"]
        with pytest.raises(cognito.exceptions.UserLambdaValidationException, match=r"Only for example\.com"):
            sign_up("eve@example.org")
    finally:
        live.stop()
