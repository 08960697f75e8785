"""A function that another one invokes: by a short name of the app's, or by ARN, and never in a circle."""

from __future__ import annotations

from typing import Any

import pytest
from resource_bench import artifacts, granted

from eventfw import App, Blueprint, LambdaFunction
from eventfw.errors import RegistrationError

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:far:live"


def invoking(app: App, *names: str) -> None:
    """Functions of which each invokes the one before it, and the first the last."""
    for position, name in enumerate(names):
        other = app.lambda_function(names[position - 1])

        def handle(event: Any) -> None: ...

        handle.__name__ = name
        app.function(uses=[other.invoke])(handle)


def test_two_functions_may_invoke_each_other() -> None:
    app = App("shop")
    invoking(app, "ping", "pong")
    made = artifacts(app).stacks[0].template["Resources"]
    for name, other in (("Ping", "pong"), ("Pong", "ping")):
        function, role = made[f"{name}Function"], made[f"{name}Role"]
        assert "Function" not in str(role).replace("InvokeFunction", "")
        arn = f"arn:${{AWS::Partition}}:lambda:${{AWS::Region}}:${{AWS::AccountId}}:function:shop-dev-{other}"
        statement = role["Properties"]["Policies"][0]["PolicyDocument"]["Statement"][1]
        assert statement == {"Effect": "Allow", "Action": ["lambda:InvokeFunction"], "Resource": [{"Fn::Sub": arn}]}
        variables = function["Properties"]["Environment"]["Variables"]
        assert variables[f"EVENTFW_LAMBDA_FUNCTION_{other.upper()}"] == {"Fn::Sub": arn}
    assert "PingFunction" not in artifacts(app).stacks[0].template.get("Outputs", {})


def test_the_name_at_run_time_is_the_real_one(monkeypatch: pytest.MonkeyPatch) -> None:
    resize = LambdaFunction("resize")
    assert (resize.name, resize.arn) == ("resize", "arn:aws:lambda:us-east-1:000000000000:function:resize")
    told = "arn:aws:lambda:eu-west-1:123456789012:function:shop-prod-resize"
    monkeypatch.setenv("EVENTFW_LAMBDA_FUNCTION_RESIZE", told)
    assert (resize.name, resize.arn) == ("shop-prod-resize", told)


def test_a_function_elsewhere_is_named_by_its_arn() -> None:
    app = App("shop")
    far = app.lambda_function(ARN)

    @app.function(uses=[far.invoke])
    def handle(event: Any) -> None: ...

    role = artifacts(app).stacks[0].template["Resources"]["HandleRole"]["Properties"]
    assert role["Policies"][0]["PolicyDocument"]["Statement"][1]["Resource"] == [ARN]
    assert far.arn == ARN
    assert LambdaFunction.existing(ARN).arn == ARN
    with pytest.raises(RegistrationError, match="named by its ARN"):
        LambdaFunction.existing("far")


def test_a_name_that_no_function_has_is_refused_with_the_closest() -> None:
    app = App("shop")
    app.lambda_function("resise")

    @app.function()
    def resize(event: Any) -> None: ...

    with pytest.raises(RegistrationError, match=r"no function 'resise'. Did you mean 'resize'\?") as caught:
        _ = app.functions
    assert "test_lambda_function.py" in caught.value.place


def test_a_name_that_only_a_grant_says_is_looked_up_too() -> None:
    app = App("shop")

    @app.function(uses=[LambdaFunction("resise").invoke])
    def resize(event: Any) -> None: ...

    with pytest.raises(RegistrationError, match="no function 'resise'"):
        _ = app.functions


def test_a_name_that_resembles_none_is_told_which_there_are() -> None:
    app = App("shop")
    app.lambda_function("xyz")
    app.function()(test_two_functions_may_invoke_each_other)
    with pytest.raises(RegistrationError, match="It has: test_two_functions"):
        _ = app.functions


@pytest.mark.parametrize("name", ["", "a b", "a:b", "arn:aws:s3:::x", 7, None])
def test_what_names_no_function_is_refused_with_the_users_line(name: Any) -> None:
    with pytest.raises(RegistrationError) as caught:
        LambdaFunction(name)
    assert "test_lambda_function.py" in caught.value.place


def test_an_app_and_its_blueprints_may_name_the_same_function() -> None:
    app, part = App("shop"), Blueprint("part")
    for registrar in (app, part):
        registrar.lambda_function("resize")

    @app.function()
    def resize(event: Any) -> None: ...

    app.mount(part)
    assert list(app.functions) == ["resize"]


def test_the_grant_is_exactly_its_action() -> None:
    assert granted(LambdaFunction("resize").invoke) == {"invoke": {"": {"lambda:InvokeFunction"}}}
