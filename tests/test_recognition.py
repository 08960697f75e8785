"""What kind an event is: every kind, the orders that matter, and that nothing makes it raise."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventfw.recognition import UNKNOWN, identify
from eventfw.sources import table

DOCS = Path(__file__).parent.parent / "docs"
RULES = {
    name: getattr(table, name)
    for name in ("RECORD_RULES", "ITEM_RULES", "FIRST_RULES", "CONTEXT_2_RULES", "CONTEXT_RULES", "EVENT_RULES")
}
KINDS = {kind for rules in RULES.values() for rule in rules.values() for kind in rule} | {*table.RECORD_KINDS.values()}
METHOD = "arn:aws:execute-api:eu-west-1:123456789012:a1/dev/GET/pets"
SOCKET = {"connectionId": "c1", "eventType": "CONNECT", "routeKey": "$connect"}
SKILL = {"version": "1.0", "request": {"type": "LaunchRequest"}}
WINDOW = {"Records": [], "window": {"start": "a", "end": "b"}, "state": {}, "isFinalInvokeForWindow": True}
FIREHOSE = {"invocationId": "i", "records": [{"recordId": "1", "data": ""}]}
REST = {"resource": "/pets", "path": "/pets", "httpMethod": "GET"}
OPERATIONS = ("getObject", "headObject", "listObjects", "listObjectsV2")


def http(domain: str = "a1.execute-api.eu-west-1.amazonaws.com", **more: Any) -> dict[str, Any]:
    return {
        "version": "2.0",
        "rawPath": "/",
        "requestContext": {"http": {"method": "GET"}, "domainName": domain},
        **more,
    }


def records(**record: Any) -> dict[str, Any]:
    return {"Records": [record]}


EVENTS: list[tuple[str, Any]] = [
    ("alb", {"requestContext": {"elb": {"targetGroupArn": "arn"}}, "httpMethod": "GET", "path": "/", "headers": {}}),
    ("alb", {"requestContext": {"elb": {"targetGroupArn": "arn"}}, "httpMethod": "GET", "multiValueHeaders": {}}),
    ("alexa_skill", {**SKILL, "session": {"new": True}}),
    ("alexa_skill", {**SKILL, "context": {"System": {}}}),
    ("alexa_smart_home", {"directive": {"header": {"namespace": "Alexa.Discovery"}, "payload": {}}}),
    ("alexa_smart_home_v2", {"header": {"namespace": "Alexa.ConnectedHome.Control"}, "payload": {}}),
    ("apigw_authorizer_request", {"type": "REQUEST", "methodArn": METHOD, "requestContext": {}, **REST}),
    (
        "apigw_authorizer_request",
        {"version": "1.0", "type": "REQUEST", "methodArn": METHOD, "requestContext": {"apiId": "a"}, **REST}
        | {"authorizationToken": "t", "identitySource": "t"},
    ),
    ("apigw_authorizer_request", {"type": "REQUEST", "methodArn": METHOD, "requestContext": SOCKET}),
    ("apigw_authorizer_token", {"type": "TOKEN", "authorizationToken": "t", "methodArn": METHOD}),
    ("apigw_authorizer_v2", http(type="REQUEST", routeArn=METHOD, identitySource=["t"])),
    ("apigw_http_v1", {"version": "1.0", "requestContext": {"apiId": "a"}, **REST}),
    ("apigw_http_v2", http()),
    ("apigw_rest", {"requestContext": {"apiId": "a", "stage": "dev"}, **REST}),
    ("apigw_rest", {"requestContext": {"apiId": "a", "stage": "test-invoke-stage"}, **REST, "headers": None}),
    ("apigw_websocket", {"requestContext": SOCKET, "headers": {}}),
    ("apigw_websocket", {"requestContext": {**SOCKET, "eventType": "MESSAGE", "httpMethod": "GET"}, **REST}),
    ("apigw_websocket", {"requestContext": {**SOCKET, "eventType": "DISCONNECT"}}),
    ("appsync_authorizer", {"authorizationToken": "t", "requestContext": {"apiId": "a", "queryString": "query Q"}}),
    ("appsync_batch_resolver", [{"info": {"fieldName": "f", "parentTypeName": "T"}, "arguments": {}}]),
    ("appsync_events", {"info": {"channel": {"path": "/default/a"}, "operation": "PUBLISH"}, "events": []}),
    ("appsync_events", {"info": {"channel": {"path": "/default/a"}, "operation": "SUBSCRIBE"}, "events": None}),
    ("appsync_resolver", {"info": {"fieldName": "f", "parentTypeName": "T"}, "arguments": {}, "request": {}}),
    ("appsync_resolver", {"typeName": "T", "fieldName": "f", "arguments": {}}),
    ("bedrock_agent", {"messageVersion": "1.0", "agent": {}, "actionGroup": "g", "apiPath": "/", "httpMethod": "GET"}),
    ("bedrock_agent", {"messageVersion": "1.0", "agent": {}, "actionGroup": "g", "function": "f"}),
    ("clientvpn_connection_handler", {"connection-id": "c", "endpoint-id": "e", "schema-version": "v3"}),
    *(
        ("cloudformation_custom_resource", {"RequestType": kind, "ResponseURL": "https://x.example", "StackId": "arn"})
        for kind in ("Create", "Update", "Delete")
    ),
    ("cloudfront", records(cf={"config": {"eventType": "viewer-request"}, "request": {}})),
    ("cloudfront", records(cf={"config": {"distributionId": "EXAMPLE"}, "request": {}})),
    ("cloudwatch_alarm", {"source": "aws.cloudwatch", "alarmArn": "arn", "alarmData": {}}),
    ("cloudwatch_dashboard_widget", {"widgetContext": {"dashboardName": "d"}}),
    ("cloudwatch_dashboard_widget", {"describe": True}),
    ("cloudwatch_logs", {"awslogs": {"data": "H4sI"}}),
    ("codecommit", records(eventSource="aws:codecommit", codecommit={})),
    ("codedeploy_hook", {"DeploymentId": "d", "LifecycleEventHookExecutionId": "e"}),
    ("codepipeline", {"CodePipeline.job": {"id": "j"}}),
    ("cognito_sync", {"datasetName": "d", "identityPoolId": "p", "version": 2}),
    ("cognito_userpool", {"triggerSource": "PreSignUp_SignUp", "userPoolId": "p", "request": {}, "response": {}}),
    ("config_rule", {"invokingEvent": "{}", "resultToken": "t", "version": "1.0"}),
    ("connect", {"Name": "ContactFlowEvent", "Details": {"ContactData": {}, "Parameters": {}}}),
    ("documentdb", {"eventSource": "aws:docdb", "eventSourceArn": "arn", "events": [{"event": {}}]}),
    ("dynamodb", records(eventSource="aws:dynamodb", dynamodb={})),
    ("dynamodb", {**WINDOW, "eventSourceARN": "arn:aws:dynamodb:eu-west-1:123456789012:table/t/stream/s"}),
    ("eventbridge", {"detail-type": "Object Created", "source": "aws.s3", "detail": {}, "version": "0"}),
    ("eventbridge", {"detail-type": "Scheduled Event", "source": "aws.scheduler", "detail": "{}"}),
    ("firehose", {**FIREHOSE, "deliveryStreamArn": "arn"}),
    ("firehose", {"invocationId": "i", "records": [{"recordId": "1", "kafkaRecordValue": ""}], "sourceMSKArn": "arn"}),
    ("function_url", http("a1.lambda-url.eu-west-1.on.aws")),
    ("iot_1click", {"deviceEvent": {"buttonClicked": {}}, "placementInfo": {}}),
    ("iot_button", {"serialNumber": "G", "clickType": "SINGLE"}),
    ("iot_custom_authorizer", {"protocolData": {"mqtt": {}}, "signatureVerified": False}),
    ("iot_preprovisioning_hook", {"claimCertificateId": "c", "templateArn": "arn"}),
    ("kafka_self_managed", {"eventSource": "aws:SelfManagedKafka", "records": {"t-0": []}}),
    ("kafka_self_managed", {"eventSource": "SelfManagedKafka", "records": {"t-0": []}}),
    ("kinesis", records(eventSource="aws:kinesis", kinesis={})),
    ("kinesis", {**WINDOW, "eventSourceARN": "arn:aws-cn:kinesis:cn-north-1:123456789012:stream/s"}),
    ("kinesis_analytics_output", {**FIREHOSE, "applicationArn": "arn"}),
    ("kinesis_analytics_preprocessor", {**FIREHOSE, "applicationArn": "arn", "streamArn": "arn"}),
    (
        "lambda_destination",
        {"version": "1.0", "requestContext": {"functionArn": "arn", "condition": "Success"}, "requestPayload": http()},
    ),
    (
        "lambda_destination",
        {"version": "1.0", "requestContext": {"functionArn": "arn", "condition": "RetryAttemptsExhausted"}},
    ),
    ("lex_v1", {"currentIntent": {"name": "i"}, "messageVersion": "1.0", "bot": {}}),
    ("lex_v2", {"sessionState": {}, "bot": {"localeId": "en_US"}, "invocationSource": "DialogCodeHook"}),
    ("mq_activemq", {"eventSource": "aws:amq", "messages": []}),
    ("mq_activemq", {"eventSource": "aws:mq", "messages": []}),
    ("mq_rabbitmq", {"eventSource": "aws:rmq", "rmqMessagesByQueue": {"q::/": []}}),
    ("msk", {"eventSource": "aws:kafka", "eventSourceArn": "arn", "records": {"t-0": []}}),
    ("s3", records(eventSource="aws:s3", s3={"object": {"key": "a+b"}})),
    ("s3", records(eventSource="aws:s3", eventName="IntelligentTiering", s3={"get_object": {"key": "a"}})),
    ("s3_batch", {"invocationSchemaVersion": "1.0", "invocationId": "i", "job": {"id": "j"}, "tasks": [{}]}),
    *(("s3_object_lambda", {"xAmzRequestId": "r", f"{operation}Context": {}}) for operation in OPERATIONS),
    ("s3_test_event", {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "b"}),
    ("secretsmanager_rotation", {"Step": "createSecret", "SecretId": "arn", "ClientRequestToken": "t"}),
    ("ses", records(eventSource="aws:ses", ses={"mail": {}, "receipt": {}})),
    ("sns", records(EventSource="aws:sns", Sns={"Message": "m"})),
    ("sqs", records(eventSource="aws:sqs", body="b")),
    ("sqs", records(eventSource="aws:sqs", body='{"Type": "Notification", "Message": "from SNS"}')),
    ("transfer_identity_provider", {"username": "u", "protocol": "SFTP", "serverId": "s-1", "sourceIp": "192.0.2.1"}),
    ("vpc_lattice_v1", {"raw_path": "/?a=1", "method": "GET", "is_base64_encoded": False}),
    ("vpc_lattice_v2", {"version": "2.0", "path": "/?a=1", "requestContext": {"serviceNetworkArn": "arn"}}),
]


@pytest.mark.parametrize(("kind", "event"), EVENTS)
def test_an_event_is_of_its_kind(kind: str, event: Any) -> None:
    assert identify(event) == kind


@pytest.mark.parametrize(("kind", "event"), EVENTS)
def test_the_order_of_keys_and_fields_that_aws_adds_mean_nothing(kind: str, event: Any) -> None:
    def turned(value: Any) -> Any:
        if isinstance(value, dict):
            return {"addedByAws": {}, **{key: turned(value[key]) for key in reversed(value)}}
        return [turned(item) for item in value] if isinstance(value, list) else value

    assert identify(turned(event)) == kind


def test_every_kind_has_an_event_here() -> None:
    assert {kind for kind, _ in EVENTS} == KINDS


@pytest.mark.parametrize(
    ("name", "key", "kind"),
    [(name, key, kind) for name, rules in RULES.items() for key, rule in rules.items() for kind in rule],
)
def test_every_rule_is_needed(name: str, key: str, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    others = {other: shape for other, shape in RULES[name][key].items() if other != kind}
    monkeypatch.setitem(RULES[name], key, others)  # put back as it was: the order of the rules means something
    assert [expected for expected, event in EVENTS if identify(event) != expected]


@pytest.mark.parametrize("source", table.RECORD_KINDS)
def test_every_source_of_records_is_needed(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(table.RECORD_KINDS, source)
    assert [expected for expected, event in EVENTS if identify(event) != expected]


@pytest.mark.parametrize(
    "raw",
    [
        {"Records": [{"EventSource": "aws:s3"}]},
        {"Records": [{"eventSource": "aws:sns"}]},  # SNS alone has a capital E
        {"Records": [], "eventSourceARN": "arn:aws:kinesis:eu-west-1:123456789012:stream/s"},
        {"Records": [{"eventSource": []}], "requestContext": {"http": {}}, "version": "2.0"},
        {"Records": [{"eventSource": "aws:kafka"}]},
        {"eventSource": "aws:dynamodb", "dynamodb": {}},  # a record alone
        {"eventSource": "signin.amazonaws.com", "eventName": "ConsoleLogin"},  # CloudTrail's record
        {"Event": "s3:ObjectCreated:Put"},
        [{"messageId": "1", "eventSource": "aws:sqs"}],  # from EventBridge Pipes
        [{"arguments": {}}],
        [{"info": {"fieldName": "f"}}],
        [[]],
        {"records": [{"recordId": "1", "result": "Ok", "data": ""}]},  # what a Firehose handler returns
        {"invocationId": "i", "records": []},
        {"request": {"type": "IntentRequest"}, "version": "1.0"},
        {"session": {}, "request": {"type": "LaunchRequest"}},
        {"describe": "yes"},
        {"describe": 1},
        {"requestContext": {"http": {}}},
        {"requestContext": {"http": {}}, "version": "1.0"},
        {"requestContext": {"connectionId": "c"}},
        {**REST, "requestContext": {}, "version": "3.0"},
        {**REST},
        {"type": "TOKEN", "methodArn": METHOD},
        {"RequestType": "Create", "StackId": "arn"},  # the CDK's own provider: it answers for the handler
        {"Error": "States.TaskFailed", "Cause": "c"},
        {"temperature": 20},
    ],
)
def test_what_is_like_an_event_and_is_none_is_unknown(raw: Any) -> None:
    assert identify(raw) == UNKNOWN


LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3))


def words(value: Any) -> Iterator[str]:
    """Every key and text of the events."""
    if isinstance(value, str):
        yield value
    for inner in value if isinstance(value, list) else value.values() if isinstance(value, dict) else ():
        yield from words(inner)
    yield from value if isinstance(value, dict) else ()


WORDS = st.sampled_from(sorted({word for _, event in EVENTS for word in words(event)} | {"requestContext"}))
LIKELY = st.recursive(
    LEAVES | WORDS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(WORDS, inner, max_size=8), max_leaves=30
)
STEADY = settings(database=None, deadline=None, derandomize=True)


@STEADY
@given(VALUES | LIKELY)
def test_any_value_has_a_kind(raw: Any) -> None:
    assert identify(raw) in {*KINDS, UNKNOWN}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield from places(one, (*path, key))


def put(event: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    changed = copy.deepcopy(event)
    holder = changed
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = value
    return changed


ODD = [
    None,
    True,
    0,
    -1.5,
    float("nan"),
    "",
    "2.0",
    "aws:s3",
    [],
    [None],
    [[]],
    [{}],
    {},
    {"a": 1},
    {1: 2},
    set(),
    object(),
]


@pytest.mark.parametrize(("kind", "event"), EVENTS)
def test_no_value_in_the_place_of_another_makes_it_raise(kind: str, event: Any) -> None:
    for path in places(event):
        for value in ODD:
            assert identify(put(event, path, value)) in {*KINDS, UNKNOWN}, (path, value)


def test_a_deep_or_long_event_is_looked_at_from_above() -> None:
    deep: Any = {}
    for _ in range(100_000):
        deep = {"Records": [deep], "info": deep}
    assert identify(deep) == UNKNOWN
    assert identify({"Records": [{"eventSource": "aws:sqs"}, *([None] * 10_000)]}) == "sqs"
    while deep:  # a step at a time: freeing it at once is as deep
        deep = deep.pop("info")


def test_the_page_about_kinds_lists_every_kind_and_no_other() -> None:
    text = (DOCS / "event-kinds.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)
    assert sorted(listed) == sorted(KINDS)
