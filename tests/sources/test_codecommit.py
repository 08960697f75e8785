"""CodeCommit: which pushes, and the triggers of a repository that the app makes."""

from __future__ import annotations

from typing import Any

import pytest
from templates import complaints, deployed, local, properties, types

from eventfw import App, PushedReference, RepositoryPush
from eventfw.errors import RegistrationError
from eventfw.routing import Router
from eventfw.sources.codecommit import happened
from eventfw.testing import Client


def test_the_handler_receives_the_push() -> None:
    app, seen = App("demo"), []

    @app.codecommit_trigger("website")
    def publish(push: RepositoryPush) -> None:
        [reference] = push.references
        seen.append((push.repository, reference.branch, reference.tag, reference.commit, push.time.year))

    Client(app).send(publish, branch="main", commit="abc")
    assert seen == [("website", "main", None, "abc", 2026)]


def pushed(app: App, ref: str, **reference: Any) -> list[str]:
    """The handlers that a push reaches."""
    event = app.handlers[0].triggers[0].sample()
    event["Records"][0]["codecommit"]["references"] = [{"commit": "abc", "ref": ref, **reference}]
    return [handler.name for handler in Router(app).route(event).reached]


def handle(push: Any) -> None: ...


@pytest.mark.parametrize(
    ("options", "ref", "reference", "taken"),
    [
        ({}, "refs/tags/v1", {}, True),
        ({"branches": ["main"]}, "refs/heads/main", {}, True),
        ({"branches": ["main"]}, "refs/heads/main-2", {}, False),
        ({"branches": ["main"]}, "refs/tags/main", {}, False),
        ({"events": ["createReference"]}, "refs/heads/main", {"created": True}, True),
        ({"events": ["createReference"]}, "refs/heads/main", {}, False),
        ({"events": ["deleteReference"]}, "refs/heads/main", {"deleted": True}, True),
        ({"events": ["updateReference"]}, "refs/heads/main", {"deleted": True}, False),
    ],
)
def test_branches_and_events_that_a_trigger_takes(options: Any, ref: str, reference: Any, taken: bool) -> None:
    app = App("demo")
    app.codecommit_trigger("website", **options)(handle)
    assert pushed(app, ref, **reference) == (["handle"] if taken else [])


def test_triggers_of_one_repository_in_one_function_are_told_apart_by_name() -> None:
    app, seen = App("demo"), []

    @app.codecommit_trigger("website", create=True)
    @app.function("git")
    def publish(push: Any) -> None:
        seen.append("publish")

    @app.codecommit_trigger("website", create=True, branches=["main"])
    @app.function("git")
    def audit(push: Any) -> None:
        seen.append("audit")

    Client(app).send(audit)
    assert seen == ["audit"]


def test_a_repository_of_the_apps_waits_for_its_permissions_and_is_kept() -> None:
    app = App("demo")

    @app.codecommit_trigger("website", create=True, branches=["main"], custom_data="x")
    def publish(push: Any) -> None: ...

    @app.codecommit_trigger("website", create=True, events=["deleteReference"])
    def audit(push: Any) -> None: ...

    template = deployed(app)
    repository = template["Resources"]["WebsiteRepository"]
    assert repository["DependsOn"] == ["AuditWebsiteRepositoryPermission", "PublishWebsiteRepositoryPermission"]
    assert repository["DeletionPolicy"] == "RetainExceptOnCreate"
    assert repository["Properties"]["RepositoryName"] == "demo-dev-website"
    first, second = repository["Properties"]["Triggers"]
    assert (first["Name"], first["Branches"], first["CustomData"]) == ("publish", ["main"], "x")
    assert second["Events"] == ["deleteReference"]
    permission = properties(template, "PublishWebsiteRepositoryPermission")
    assert permission["SourceArn"]["Fn::Sub"].endswith(":demo-dev-website")
    assert complaints(template) == []


def test_an_existing_repository_gets_leave_to_invoke_and_nothing_else() -> None:
    app = App("demo")
    app.codecommit_trigger("website")(handle)
    template = deployed(app)
    assert "AWS::CodeCommit::Repository" not in types(template).values()
    permission = properties(template, "HandleWebsiteRepositoryPermission")
    assert permission["SourceArn"]["Fn::Sub"].endswith(":codecommit:${AWS::Region}:${AWS::AccountId}:website")


def test_the_embedded_aws_gets_no_repository() -> None:
    app = App("demo")
    app.codecommit_trigger("website", create=True)(handle)
    assert "AWS::CodeCommit::Repository" not in types(local(app)).values()


def test_an_eleventh_trigger_is_refused() -> None:
    app = App("demo")
    for number in range(11):

        def publish(push: Any) -> None: ...

        publish.__name__ = f"publish_{number}"
        app.codecommit_trigger("website", create=True)(publish)
    with pytest.raises(RegistrationError, match="over 10 triggers"):
        deployed(app)


@pytest.mark.parametrize(
    ("repository", "options"),
    [
        ("", {}),
        ("a b", {}),
        ("website.git", {}),
        ("x" * 101, {}),
        ("website", {"create": "yes"}),
        ("website", {"branches": "main"}),
        ("website", {"events": "all"}),
        ("website", {"events": ["push"]}),
        ("website", {"events": ["all", "createReference"]}),
        ("website", {"custom_data": "x"}),
        ("website", {"create": True, "custom_data": "x" * 1001}),
    ],
)
def test_what_codecommit_refuses_is_refused(repository: str, options: Any) -> None:
    with pytest.raises(RegistrationError):
        App("demo").codecommit_trigger(repository, **options)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, "updateReference"),
        ({"events": ["createReference"]}, "createReference"),
        ({"events": ["deleteReference"]}, "deleteReference"),
        ({"events": ["deleteReference", "updateReference"]}, "updateReference"),
        ({"branches": ["next"]}, "updateReference"),
    ],
)
def test_a_sample_is_a_push_that_the_trigger_takes(options: Any, told: str) -> None:
    app = App("demo")
    app.codecommit_trigger("website", **options)(handle)
    trigger: Any = app.handlers[0].triggers[0]
    [reference] = RepositoryPush(trigger.sample()["Records"][0]).references
    assert happened(reference) == told
    assert reference.branch == options.get("branches", ["main"])[0]
    assert trigger.mismatch(trigger.sample()) == ""


def test_a_repository_of_the_apps_is_known_by_its_real_name_too() -> None:
    app = App("demo")
    app.codecommit_trigger("website", create=True)(handle)
    trigger: Any = app.handlers[0].triggers[0]
    assert trigger.mismatch(trigger.sample(repository="demo-dev-website")) == ""
    assert trigger.mismatch(trigger.sample(repository="shop")) == "repository `shop` is not `website`"


def test_a_tag_is_no_branch() -> None:
    reference = PushedReference({"ref": "refs/tags/v1", "commit": "abc"})
    assert (reference.branch, reference.tag) == (None, "v1")
