"""What the embedded AWS asks handlers for, and what they tell it: queries, sign-ups, deliveries, instances, reports."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from typing import Any

import pytest
from live import PATIENCE, Live, eventfw, until, write

APP = '''
    import json
    from eventfw import App

    app = App("demo")
    uploads = app.bucket("uploads")
    people = app.user_pool("people", self_sign_up=True, mfa="OFF")
    shop = app.graphql_api(
        "shop",
        authorization="AWS_LAMBDA",
        schema="""
            type Person { name: String! }
            type Photo { name: String!, author: Person }
            type Query { photo(name: String!): Photo }
        """,
    )

    def note(what, value):
        with open("seen.jsonl", "a") as file:
            file.write(json.dumps([what, value]) + "\\n")

    # A GraphQL API

    @app.appsync_authorizer(shop)
    def door(event):
        return event.token == "member"

    @app.appsync_resolver(shop, "Query", "photo")
    def photo(event):
        return {"name": event.arguments["name"]}

    @app.appsync_resolver(shop, "Photo", "author")
    def author(event):
        return {"name": "the author of " + event.source["name"]}

    # A user pool

    @app.cognito_trigger("pre_sign_up", people)
    def welcome(event):
        if not event.user_attributes["email"].endswith("@example.com"):
            raise ValueError("Only for example.com")
        event.response.auto_confirm_user = True
        event.response.auto_verify_email = True

    @app.function("who", uses=[people.read])
    def who(payload):
        return people.id

    # A custom resource, and a Firehose stream

    @app.custom_resource("Seed", instances={"FirstSeed": {"Bucket": uploads, "Count": 3}})
    def seed(request):
        note("seed", [request.request_type, request.properties])

    @app.firehose_transform("views", bucket=uploads, prefix="views/", compression="UNCOMPRESSED")
    def clean(record):
        return {"seen": record.json["photo"]}

    # What is reported to services that the embedded AWS has not

    @app.codepipeline_action()
    def release(job):
        return {"Version": job.json["version"]}

    @app.codedeploy_hook()
    def check(hook):
        raise ValueError("the new version does not answer")

    @app.config_rule()
    def private(notification):
        return False
'''


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("demo")
    write(folder / "app.py", APP)
    server = Live(folder)
    yield server
    server.stop()


def test_a_query_runs_the_authorizer_and_the_resolvers(live: Live) -> None:
    (api,) = live.client("appsync").list_graphql_apis()["graphqlApis"]

    def ask(query: str, token: str = "member") -> Any:
        connection = http.client.HTTPConnection(live.address("aws"), timeout=PATIENCE)
        try:
            headers = {"authorization": token, "content-type": "application/json"}
            connection.request("POST", f"/v1/apis/{api['apiId']}/graphql", json.dumps({"query": query}), headers)
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()

    query = '{ photo(name: "cat") { name author { name } } }'
    assert ask(query) == {"data": {"photo": {"name": "cat", "author": {"name": "the author of cat"}}}}
    assert ask(query, token="stranger")["errors"][0]["errorType"] == "UnauthorizedException"


def test_a_sign_up_runs_the_pre_sign_up_handler_and_functions_are_told_the_pools_id(live: Live) -> None:
    cognito = live.client("cognito-idp")
    pool = cognito.list_user_pools(MaxResults=1)["UserPools"][0]["Id"]
    client = cognito.list_user_pool_clients(UserPoolId=pool, MaxResults=1)["UserPoolClients"][0]["ClientId"]

    told = json.loads(live.client("lambda").invoke(FunctionName="who")["Payload"].read())
    assert told == pool

    def sign_up(email: str) -> bool:
        attributes = [{"Name": "email", "Value": email}]
        answer = cognito.sign_up(ClientId=client, Username=email, Password="Correct-horse-1", UserAttributes=attributes)
        return bool(answer["UserConfirmed"])

    assert sign_up("ada@example.com") is True
    user = cognito.admin_get_user(UserPoolId=pool, Username="ada@example.com")
    assert {"Name": "email_verified", "Value": "true"} in user["UserAttributes"]
    with pytest.raises(cognito.exceptions.UserLambdaValidationException, match=r"Only for example\.com"):
        sign_up("eve@example.org")


def test_handlers_that_report_run_to_their_end(live: Live) -> None:
    for handler, fields, said in (
        ("release", ('user_parameters={"version": "1.2"}',), "succeeded with {'Version': '1.2'}"),
        ("check", (), "CodeDeploy was told: Failed"),
        ("private", (), "1 NON_COMPLIANT"),
    ):
        done = eventfw(live.folder, "send", handler, *fields)
        assert done.returncode == 0, done.stderr
        live.says(said)


def test_an_instance_is_made_and_updated_and_a_changed_record_is_delivered(live: Live) -> None:
    assert live.noted("seed") == [["Create", {"Bucket": "uploads", "Count": "3"}]]
    live.client("firehose").put_record(DeliveryStreamName="views", Record={"Data": b'{"photo": "cat"}'})
    s3 = live.client("s3")
    [stored] = until(lambda: s3.list_objects_v2(Bucket="uploads", Prefix="views/").get("Contents"), "the delivery")
    assert s3.get_object(Bucket="uploads", Key=stored["Key"])["Body"].read() == b'{"seen": "cat"}\n'
    write(live.folder / "app.py", APP.replace('"Count": 3', '"Count": 4'))
    assert until(lambda: live.noted("seed")[1:], "the update") == [["Update", {"Bucket": "uploads", "Count": "4"}]]
