"""Custom resources: CloudFormation is answered once, whatever happens."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from endpoint import Context, Endpoint, endpoint
from templates import complaints, deployed, properties

from eventfw import App, ResourceRequest
from eventfw.errors import RegistrationError, ResourceError
from eventfw.runtime import entry


@pytest.fixture
def cloudformation() -> Iterator[Endpoint]:
    with endpoint() as found:
        yield found


def app_with(handler: Any, **options: Any) -> App:
    app = App("demo")
    app.custom_resource("Seed", **options)(handler)
    return app


def send(app: App, to: Endpoint, context: Any = None, **fields: Any) -> dict[str, Any]:
    """Have the app handle a request; gives the one answer it made."""
    event = app.handlers[0].triggers[0].sample(response_url=to.url + "/answer?signed=yes", **fields)
    assert entry(app, app.handlers[0].name)(event, context) is None
    [answer] = to.bodies
    for name in ("StackId", "RequestId", "LogicalResourceId"):
        assert answer[name] == event[name]
    return answer  # type: ignore[no-any-return]


def test_what_the_handler_returns_becomes_attributes(cloudformation: Endpoint) -> None:
    def seed(request: ResourceRequest) -> Any:
        assert request.properties == {"Table": "catalog"}
        return {"Count": 3}

    answer = send(app_with(seed), cloudformation, properties={"Table": "catalog"})
    assert (answer["Status"], answer["Data"], answer["NoEcho"]) == ("SUCCESS", {"Count": 3}, False)


def test_the_answer_is_put_to_the_signed_url_without_a_content_type(cloudformation: Endpoint) -> None:
    send(app_with(lambda_named("seed")), cloudformation)
    [(method, path, headers, _)] = cloudformation.requests
    assert (method, path, headers["content-type"]) == ("PUT", "/answer?signed=yes", "")


def lambda_named(name: str, result: Any = None) -> Any:
    def made(request: Any) -> Any:
        return result

    made.__name__ = name
    return made


def failing(request: Any) -> Any:
    raise ValueError("no seeds")


def test_an_exception_is_reported_and_does_not_fail_the_invocation(
    cloudformation: Endpoint, caplog: pytest.LogCaptureFixture
) -> None:
    answer = send(app_with(failing), cloudformation)
    assert (answer["Status"], answer["Reason"]) == ("FAILED", "ValueError: no seeds")
    assert answer["PhysicalResourceId"] == "example-Example-7bfe2d54"
    assert caplog.records[0].exc_info is not None


def test_an_exception_of_middleware_is_reported(cloudformation: Endpoint) -> None:
    app = app_with(lambda_named("seed"))

    @app.middleware
    def locked(event: Any, call: Any) -> Any:
        raise PermissionError("locked")

    assert send(app, cloudformation)["Reason"] == "PermissionError: locked"


def test_leaving_with_sys_exit_is_reported(cloudformation: Endpoint) -> None:
    def seed(request: Any) -> Any:
        raise SystemExit(1)

    assert send(app_with(seed), cloudformation)["Reason"] == "SystemExit: 1"


def test_a_function_that_runs_out_of_time_has_reported_it_before(cloudformation: Endpoint) -> None:
    def seed(request: Any) -> Any:
        late.wait(20)
        return {"Count": 3}

    late = threading.Event()
    cloudformation.answers = [(200, b"")]
    watched = threading.Thread(target=lambda: (until_asked(cloudformation), late.set()))
    watched.start()
    answer = send(app_with(seed), cloudformation, Context(80))
    watched.join()
    assert (answer["Status"], answer["Reason"][:12]) == ("FAILED", "TimeoutError")


def test_middleware_that_runs_out_of_time_is_reported_before(cloudformation: Endpoint) -> None:
    app = app_with(lambda_named("seed"))

    @app.middleware
    def slow(event: Any, call: Any) -> Any:
        asked.wait(20)
        return call(event)

    asked = threading.Event()
    cloudformation.answers = [(200, b"")]
    watched = threading.Thread(target=lambda: (until_asked(cloudformation), asked.set()))
    watched.start()
    answer = send(app, cloudformation, Context(80))
    watched.join()
    assert (answer["Status"], answer["Reason"][:12]) == ("FAILED", "TimeoutError")


def test_nothing_watches_the_time_of_what_is_done(cloudformation: Endpoint) -> None:
    before = set(threading.enumerate())
    send(app_with(lambda_named("seed")), cloudformation, Context(60_000))
    assert [one for one in set(threading.enumerate()) - before if isinstance(one, threading.Timer)] == []


def test_a_handler_that_awaits_what_was_cancelled_has_failed(cloudformation: Endpoint) -> None:
    async def seed(request: Any) -> None:
        task = asyncio.ensure_future(asyncio.sleep(20))
        task.cancel()
        await task

    answer = send(app_with(seed), cloudformation)
    assert (answer["Status"], answer["Reason"][:12]) == ("FAILED", "RuntimeError")


def until_asked(to: Endpoint) -> None:
    import time

    while not to.requests:
        time.sleep(0.005)


@pytest.mark.parametrize("request_type", ["Update", "Delete"])
def test_the_physical_id_stays_what_it_is(cloudformation: Endpoint, request_type: str) -> None:
    answer = send(app_with(lambda_named("seed")), cloudformation, request_type=request_type, physical_id="seed-7")
    assert answer["PhysicalResourceId"] == "seed-7"


def test_a_handler_may_name_the_thing_and_hide_its_data(cloudformation: Endpoint) -> None:
    def seed(request: ResourceRequest) -> Any:
        request.physical_id, request.no_echo = "seed-8", True
        return {"Password": "secret"}

    answer = send(app_with(seed), cloudformation)
    assert (answer["PhysicalResourceId"], answer["NoEcho"]) == ("seed-8", True)


@pytest.mark.parametrize(("request_type", "expected"), [("Create", "seed-9"), ("Update", "seed-7")])
def test_a_failed_create_names_what_may_be_there_and_a_failed_update_what_was(
    cloudformation: Endpoint, request_type: str, expected: str
) -> None:
    def seed(request: ResourceRequest) -> Any:
        request.physical_id = "seed-9"
        raise ValueError("half done")

    old = {} if request_type == "Create" else {"physical_id": "seed-7"}
    answer = send(app_with(seed), cloudformation, request_type=request_type, **old)
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("FAILED", expected)


def test_the_made_up_id_is_the_same_when_lambda_tries_again(cloudformation: Endpoint) -> None:
    app = app_with(lambda_named("seed"))
    first = send(app, cloudformation)["PhysicalResourceId"]
    cloudformation.requests.clear()
    assert send(app, cloudformation)["PhysicalResourceId"] == first


@pytest.mark.parametrize(
    ("result", "why"),
    [
        ({"Text": "x" * 5000}, "takes 4096"),
        (["no", "dict"], "returns a dict"),
        ({"When": object()}, "TypeError"),
        ({"Share": float("nan")}, "ValueError"),
    ],
)
def test_what_cloudformation_does_not_take_is_a_failure_that_says_so(
    cloudformation: Endpoint, result: Any, why: str
) -> None:
    answer = send(app_with(lambda_named("seed", result)), cloudformation)
    assert answer["Status"] == "FAILED" and why in answer["Reason"] and "Data" not in answer


@dataclass
class Wanted:
    Table: str
    Size: str  # as CloudFormation sends numbers


def test_models_are_received_and_returned(cloudformation: Endpoint) -> None:
    def seed(wanted: Wanted) -> Any:
        return {"Made": wanted}

    answer = send(app_with(seed), cloudformation, properties={"Table": "catalog", "Size": 3})
    assert answer["Data"] == {"Made": {"Table": "catalog", "Size": "3"}}


def test_properties_that_do_not_fit_the_model_are_a_failure(cloudformation: Endpoint) -> None:
    def seed(wanted: Wanted) -> Any: ...

    answer = send(app_with(seed), cloudformation, properties={"Table": "catalog"})
    assert answer["Status"] == "FAILED" and "does not fit Wanted" in answer["Reason"]


def test_a_long_reason_is_cut_to_what_cloudformation_takes(cloudformation: Endpoint) -> None:
    def seed(request: Any) -> Any:
        raise ValueError("\N{SNOWMAN}" * 5000)

    assert send(app_with(seed), cloudformation)["Reason"].startswith("ValueError: \N{SNOWMAN}")
    assert len(cloudformation.requests[0][3]) <= 4096


def test_an_id_that_cloudformation_does_not_take_is_a_failure(cloudformation: Endpoint) -> None:
    def seed(request: ResourceRequest) -> None:
        request.physical_id = "x" * 1025

    answer = send(app_with(seed), cloudformation)
    assert "1 to 1024 bytes" in answer["Reason"] and len(answer["PhysicalResourceId"]) < 100


def test_an_answer_that_is_not_taken_at_once_is_sent_again(cloudformation: Endpoint) -> None:
    cloudformation.answers = [(503, b""), (200, b"")]
    app = app_with(lambda_named("seed"))
    event = app.handlers[0].triggers[0].sample(response_url=cloudformation.url)
    entry(app, "seed")(event, None)
    assert len(cloudformation.requests) == 2


def test_an_answer_that_is_never_taken_fails_the_invocation(cloudformation: Endpoint) -> None:
    cloudformation.answers = [(403, b"")]
    app = app_with(lambda_named("seed"))
    with pytest.raises(ResourceError, match="answered with 403, 3 times"):
        entry(app, "seed")(app.handlers[0].triggers[0].sample(response_url=cloudformation.url), None)


@pytest.mark.parametrize("url", ["http://example.com/x", "ftp://127.0.0.1/x", "file:///etc/passwd", ""])
def test_only_https_is_answered(url: str) -> None:
    app = app_with(lambda_named("seed"))
    with pytest.raises(ResourceError, match="goes to an https URL"):
        entry(app, "seed")(app.handlers[0].triggers[0].sample(response_url=url or "//x"), None)


def test_a_type_that_the_function_does_not_make_is_refused_at_once(cloudformation: Endpoint) -> None:
    app = app_with(lambda_named("seed"))
    event = app.handlers[0].triggers[0].sample(response_url=cloudformation.url)
    entry(app, "seed")({**event, "ResourceType": "Custom::Other"}, None)
    [answer] = cloudformation.bodies
    assert answer["Status"] == "FAILED" and "This function makes Custom::Seed" in answer["Reason"]


def test_handlers_of_one_function_are_told_apart_by_type(cloudformation: Endpoint) -> None:
    app, seen = App("demo"), []

    @app.custom_resource("Seed")
    @app.function("provision")
    def seed(request: Any) -> None:
        seen.append("seed")

    @app.custom_resource("Flag")
    @app.function("provision")
    def flag(request: Any) -> None:
        seen.append("flag")

    entry(app, "provision")(app.handlers[1].triggers[0].sample(response_url=cloudformation.url), None)
    assert seen == ["flag"]


def test_instances_are_in_the_stack_with_real_names_of_the_apps_resources() -> None:
    app = App("demo")
    orders = app.queue("orders")

    @app.custom_resource("Seed", instances={"FirstSeed": {"Queues": [orders], "Size": 3}})
    @app.function(timeout=60)
    def seed(request: Any) -> None: ...

    template = deployed(app)
    assert template["Resources"]["FirstSeed"]["Type"] == "Custom::Seed"
    arn = {"Fn::GetAtt": ["SeedFunction", "Arn"]}
    assert properties(template, "FirstSeed") == {
        "ServiceToken": arn,
        "ServiceTimeout": 360,
        "Queues": [{"Ref": "OrdersQueue"}],
        "Size": 3,
    }
    assert template["Outputs"]["SeedServiceToken"]["Value"] == arn
    assert complaints(template) == []


def test_instances_wait_for_what_their_handler_uses() -> None:
    app = App("demo")
    uploads, orders, archive = app.bucket("uploads"), app.queue("orders"), app.bucket("archive")

    @app.custom_resource("Seed", instances={"First": {"Queue": orders, "To": {"Bucket": archive}}})
    @app.function(uses=[uploads.write, orders.send])
    def seed(request: Any) -> None: ...

    template = deployed(app)
    assert template["Resources"]["First"]["DependsOn"] == ["ArchiveBucket", "UploadsBucket"]
    assert complaints(template) == []


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("", {}),
        ("a b", {}),
        ("x" * 61, {}),
        ("Seed", {"instances": ["First"]}),
        ("Seed", {"instances": {"first-seed": {}}}),
        ("Seed", {"instances": {"First": 7}}),
        ("Seed", {"instances": {"First": {"ServiceToken": "x"}}}),
        ("Seed", {"service_timeout": 3601}),
        ("Seed", {"service_timeout": 0}),
    ],
)
def test_what_cloudformation_refuses_is_refused(name: str, options: Any) -> None:
    with pytest.raises(RegistrationError):
        App("demo").custom_resource(name, **options)


def test_two_handlers_of_one_type_are_refused() -> None:
    app = app_with(lambda_named("seed"))
    with pytest.raises(RegistrationError, match="Custom::Seed is there already"):
        app.custom_resource("Seed")(lambda_named("other"))


def test_a_sample_has_its_properties_as_text() -> None:
    app = app_with(lambda_named("seed"))
    raw = app.handlers[0].triggers[0].sample(properties={"On": True, "Off": False, "N": 5, "L": [1.5, {"a": False}]})
    assert ResourceRequest(raw).properties == {"On": "true", "Off": "false", "N": "5", "L": ["1.5", {"a": "false"}]}
