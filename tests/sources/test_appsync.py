"""AppSync: fields, batches with an error for each item, the role of the data source; authorizers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from stacks import properties_of, stack_of

from eventfw import App, AppSyncAuthorization, AppSyncBatch, AppSyncEvent
from eventfw.errors import RegistrationError
from eventfw.routing import Router
from eventfw.testing import Client

API = "abcdefghijklmnopqrstuvwxyz"
ARN = f"arn:aws:appsync:eu-west-1:123456789012:apis/{API}"


def resolver(func: Any, **options: Any) -> App:
    app = App("demo")
    app.appsync_resolver(API, "Post", "author", **options)(func)
    return app


def name_of(event: AppSyncEvent) -> str:
    return str(event.source["name"])


def test_the_value_is_the_fields() -> None:
    assert Client(resolver(name_of)).send(name_of, source={"name": "ada"}) == "ada"


def test_a_field_reaches_its_own_handler() -> None:
    app = App("demo")

    @app.appsync_resolver(API, "Query", "post")
    @app.function("all")
    def post(event: AppSyncEvent) -> str:
        return "post"

    @app.appsync_resolver(API, "Query", "posts")
    @app.function("all")
    def posts(event: AppSyncEvent) -> str:
        return "posts"

    client = Client(app)
    assert (client.send(post), client.send(posts)) == ("post", "posts")
    assert (
        "field `Query.posts` is not `Query.post`" in Router(app).route(app.handlers[1].triggers[0].sample()).why["post"]
    )


def test_a_mapping_templates_own_form_is_understood() -> None:
    app = resolver(name_of)
    event = {"typeName": "Post", "fieldName": "author", "arguments": {}, "source": {"name": "ada"}}
    assert Client(app).invoke("name_of", event) == "ada"
    assert AppSyncEvent(event).type_name == "Post"


def test_each_item_of_a_batch_has_its_own_error(caplog: pytest.LogCaptureFixture) -> None:
    app = resolver(name_of, max_batch_size=10)
    assert Client(app).send(name_of, sources=[{"name": "ada"}, {}, {"name": "bob"}]) == [
        {"data": "ada", "errorMessage": None, "errorType": None},
        {"data": None, "errorMessage": "'name'", "errorType": "KeyError"},
        {"data": "bob", "errorMessage": None, "errorType": None},
    ]
    assert "Post.author failed" in caplog.text


@pytest.mark.parametrize("result", [["one"], "two", {"a": 1, "b": 2}])
def test_a_batch_of_another_length_is_an_error(result: Any) -> None:
    def all_of(batch: AppSyncBatch) -> Any:
        return result

    with pytest.raises(TypeError, match="A batch of 2 needs a list of as many"):
        Client(resolver(all_of, max_batch_size=10, batch=True)).send(all_of, sources=[{}, {}])


def test_a_whole_batch_returns_its_values_and_errors_in_order() -> None:
    def all_of(batch: AppSyncBatch) -> list[Any]:
        return [event.source.get("name") or LookupError("nobody") for event in batch]

    answer = Client(resolver(all_of, max_batch_size=10, batch=True)).send(all_of, sources=[{"name": "ada"}, {}])
    assert answer[0]["data"] == "ada"
    assert answer[1] == {"data": None, "errorMessage": "nobody", "errorType": "LookupError"}


def test_one_object_alone_is_not_answered_with_a_list() -> None:
    def all_of(batch: AppSyncBatch) -> list[Any]:
        return ["ada"] * len(batch)

    app = resolver(all_of, max_batch_size=10, batch=True)
    (event,) = app.handlers[0].triggers[0].sample()
    assert Client(app).invoke("all_of", event) == "ada"


@pytest.mark.parametrize(
    ("arguments", "options", "said"),
    [
        (("api-1/x", "Query", "post"), {}, "takes a GraphQL API"),
        (("arn:aws:lambda:eu-west-1:123456789012:apis/abc", "Query", "post"), {}, "takes a GraphQL API"),
        ((API, "Query", "my-post"), {}, "field_name must be a name of the schema"),
        ((API, "Query", "post"), {"max_batch_size": 2001}, "max_batch_size must be 1 to 2000"),
        ((API, "Query", "post"), {"batch": True}, "needs max_batch_size"),
    ],
)
def test_wrong_options_are_refused(arguments: Any, options: dict[str, Any], said: str) -> None:
    with pytest.raises(RegistrationError, match=said):
        App("demo").appsync_resolver(*arguments, **options)


def test_a_field_has_one_resolver() -> None:
    app = resolver(name_of)
    with pytest.raises(RegistrationError, match="is there already"):
        app.appsync_resolver(ARN, "Post", "author")(named("other"))


def test_one_field_of_two_apis_cannot_share_a_function() -> None:
    app = App("demo")
    app.appsync_resolver(API, "Post", "author")(app.function("all")(name_of))
    app.appsync_resolver(API[::-1], "Post", "author")(app.function("all")(reject))
    with pytest.raises(AssertionError, match="take the same event"):
        stack_of(app)


def reject(event: AppSyncAuthorization) -> Any:
    return event.raw.get("answer", False)


def test_the_data_source_may_invoke_the_function_and_nothing_else() -> None:
    app = App("demo")
    for field in ("author", "editor"):
        app.appsync_resolver(API, "Post", field, max_batch_size=5)(app.function("names")(named(field)))
    stack = stack_of(app)
    kinds = [each["Type"] for each in stack["Resources"].values() if "AppSync" in each["Type"]]
    assert sorted(kinds) == ["AWS::AppSync::DataSource", *["AWS::AppSync::Resolver"] * 2]
    role = properties_of(stack, "NamesStuvwxyzDataSourceRole")
    trust = role["AssumeRolePolicyDocument"]["Statement"][0]
    assert trust["Principal"] == {"Service": ["appsync.amazonaws.com"]}
    assert trust["Condition"]["ArnLike"]["aws:SourceArn"]["Fn::Sub"].endswith(f":apis/{API}")
    assert role["Policies"][0]["PolicyDocument"]["Statement"] == [
        {"Effect": "Allow", "Action": ["lambda:InvokeFunction"], "Resource": [{"Fn::GetAtt": ["NamesFunction", "Arn"]}]}
    ]
    assert properties_of(stack, "PostAuthorStuvwxyzResolver")["MaxBatchSize"] == 5


def test_the_embedded_aws_is_asked_for_no_api() -> None:
    assert "AppSync" not in str(stack_of(resolver(name_of), local=True))


def named(name: str) -> Any:
    def made(event: Any) -> None: ...

    made.__name__ = name
    return made


def authorizer(func: Any) -> App:
    app = App("demo")
    app.appsync_authorizer(ARN)(func)
    return app


@pytest.mark.parametrize(
    ("answer", "sent"),
    [
        (True, {"isAuthorized": True}),
        (False, {"isAuthorized": False}),
        ({"isAuthorized": False, "ttlOverride": 0}, {"isAuthorized": False, "ttlOverride": 0}),
    ],
)
def test_authorizers_answer_yes_or_no(answer: Any, sent: dict[str, Any]) -> None:
    app = authorizer(reject)
    assert Client(app).invoke("reject", {**app.handlers[0].triggers[0].sample(), "answer": answer}) == sent


@pytest.mark.parametrize(
    "answer",
    [
        None,
        "yes",
        {"allow": True},
        {"isAuthorized": "true"},
        {"isAuthorized": True, "context": {}},
        {"isAuthorized": True, "resolverContext": {"a": {"b": 1}}},
        {"isAuthorized": True, "resolverContext": ["a"]},
    ],
)
def test_an_answer_that_appsync_would_refuse_is_an_error(answer: Any) -> None:
    app = authorizer(reject)
    with pytest.raises(TypeError):
        Client(app).invoke("reject", {**app.handlers[0].triggers[0].sample(), "answer": answer})


def test_a_ttl_over_an_hour_is_an_error() -> None:
    def allow(event: AppSyncAuthorization) -> Any:
        return event.allow(ttl=3601)

    with pytest.raises(ValueError, match="ttlOverride must be 0 to 3600"):
        Client(authorizer(allow)).send(allow)


def test_an_answer_says_what_is_denied_and_added() -> None:
    def allow(event: AppSyncAuthorization) -> Any:
        return event.allow(context={"plan": event.token}, denied_fields=["Mutation.add"], ttl=10)

    assert Client(authorizer(allow)).send(allow, token="gold") == {
        "isAuthorized": True,
        "resolverContext": {"plan": "gold"},
        "deniedFields": ["Mutation.add"],
        "ttlOverride": 10,
    }


@pytest.mark.parametrize("denied", ["Mutation.add", [None], {"Mutation.add"}])
def test_denied_fields_that_would_deny_nothing_are_an_error(denied: Any) -> None:
    """Text is a sequence, too: of its letters, which are no fields."""

    def allow(event: AppSyncAuthorization) -> Any:
        return (
            event.allow(denied_fields=denied) if denied == "Mutation.add" else {**event.allow(), "deniedFields": denied}
        )

    with pytest.raises(TypeError, match="deniedFields is a list such as"):
        Client(authorizer(allow)).send(allow)


def test_the_length_of_a_resolver_context_is_that_of_its_utf_8(monkeypatch: pytest.MonkeyPatch) -> None:
    def allow(event: AppSyncAuthorization) -> Any:
        return event.allow(context={"name": "ж" * 5})

    monkeypatch.setattr("eventfw.sources.appsync_authorizer.CONTEXT_MAX", 22)
    assert Client(authorizer(allow)).send(allow)["isAuthorized"]


def test_an_authorizer_is_permitted_for_its_api_only() -> None:
    stack = stack_of(authorizer(reject))
    assert properties_of(stack, "AuthorizerStuvwxyzPermission")["SourceArn"] == ARN
    assert stack["Outputs"]["AuthorizerStuvwxyzFunctionArn"]["Value"] == {"Fn::GetAtt": ["RejectFunction", "Arn"]}


def test_another_apis_request_is_not_taken() -> None:
    app = authorizer(reject)
    route = Router(app).route(app.handlers[0].triggers[0].sample(api_id="other"))
    assert route.why == {"reject": f"api_id `other` is not `{API}`"}


def test_who_asks_is_read_and_what_is_lacking_is_empty() -> None:
    identity = {"username": "ada", "claims": {"sub": "1"}, "resolverContext": {"plan": "gold"}}
    event = AppSyncEvent({"identity": identity, "info": {"selectionSetList": ["id"]}})
    assert (event.username, event.claims, event.resolver_context) == ("ada", {"sub": "1"}, {"plan": "gold"})
    assert event.selection == ["id"]
    bare = AppSyncEvent({"identity": {"claims": None}, "info": {"selectionSetList": None}})
    assert (bare.username, bare.claims, bare.resolver_context, bare.selection) == ("", {}, {}, [])


@dataclass
class Wanted:
    id: int


@pytest.mark.parametrize("size", [None, 5])
def test_a_model_receives_the_arguments_of_each_field(size: int | None) -> None:
    app = App("demo")

    @app.appsync_resolver(API, "Query", "post", max_batch_size=size)
    def post(wanted: Wanted) -> Any:
        return wanted.id

    event = app.handlers[0].triggers[0].sample(arguments={"id": 7})
    expected: Any = 7 if size is None else [{"data": 7, "errorMessage": None, "errorType": None}]
    assert Client(app).invoke("post", event) == expected


def test_a_refusal_says_how_long_it_is_kept_where_that_is_said() -> None:
    event = AppSyncAuthorization({"authorizationToken": "a", "requestContext": {"apiId": API}})
    assert event.deny() == {"isAuthorized": False}
    assert event.deny(ttl=0) == {"isAuthorized": False, "ttlOverride": 0}
