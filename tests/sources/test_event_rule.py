"""Event rules: patterns on the user's line, samples that match, which handler an event reaches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from templates import complaints, deployed, properties

from eventfw import App, Blueprint, EventBridgeEvent
from eventfw.errors import RegistrationError, RoutingError
from eventfw.routing import Router
from eventfw.rules.witness import Effort
from eventfw.runtime import entry
from eventfw.sources.event_rule import EventRule
from eventfw.testing import Client
from eventfw.tools.checks import check

OR_200 = {"$or": [{"source": [f"s{n}"]} for n in range(200)]}
OTHER_200 = {"$or": [*[{"source": [f"t{n}"]} for n in range(199)], {"source": ["s199"]}]}
TICK = {
    "source": "aws.events",
    "detail-type": "Scheduled Event",
    "detail": {},
    "resources": ["arn:aws:events:us-east-1:123456789012:rule/demo-dev-tick"],
}


def happened(source: str = "my.shop", **detail: Any) -> dict[str, Any]:
    return {"source": source, "detail-type": "Order", "detail": detail, "resources": []}


def x(*conditions: Any) -> dict[str, Any]:
    return {"detail": {"x": list(conditions)}}


def app_with(*patterns: Any, function: str = "") -> App:
    """Handlers h0, h1... one for each pattern; in one function if that is named."""
    app = App("demo")
    for number, pattern in enumerate(patterns):

        def handler(event: EventBridgeEvent) -> None: ...

        handler.__name__ = f"h{number}"
        app.event_rule(pattern)(handler)
        if function:
            app.function(function)(handler)
    return app


def reached(app: App, raw: Any) -> list[str]:
    return [handler.name for handler in Router(app).route(raw).reached]


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ({"source": "my.shop"}, r'source: a field takes a list or an object, not "my.shop"'),
        ({"detail": {"total": [{"numerik": [">", 1]}]}}, r"detail.total\[0\]: .*Did you mean 'numeric'"),
        ("{", "not JSON"),
        ("[]", "A pattern is an object"),
        (5, "A pattern is an object"),
        ({1: ["x"], "a": [len]}, "A pattern is JSON"),
        ({"source": {"prefix": "x"}}, r'source.prefix: a field takes .* Write source: \[{"prefix": "x"}\]'),
        ({"source": ["\ud800"]}, "half a character"),
        ('{"source": ["\\ud800"]}', "half a character"),
        ('{"detail": {"a": [1e400]}}', "beyond what a double holds"),
        ({"source": ["x" * 5000]}, "at most 4096 characters"),
    ],
)
def test_a_faulty_pattern_is_refused_on_the_users_line(pattern: Any, said: str) -> None:
    with pytest.raises(RegistrationError, match=said) as caught:
        App("demo").event_rule(pattern)
    assert "test_event_rule.py" in caught.value.place


def test_the_handler_gets_the_events_fields() -> None:
    seen: list[EventBridgeEvent] = []
    app = App("demo")
    app.event_rule({"source": ["my.shop"]})(seen.append)
    raw = app.handlers[0].triggers[0].sample(detail={"total": 7}, resources=["arn:x"], time="2026-05-01T10:00:00Z")
    assert entry(app, "append")(raw, None) is None
    (event,) = seen
    assert (event.source, event.detail_type, event.detail) == ("my.shop", "Example", {"total": 7})
    assert (event.resources, event.account, event.region) == (["arn:x"], "123456789012", "us-east-1")
    assert event.time.isoformat() == "2026-05-01T10:00:00+00:00"
    assert event.id and event.summary() == "Example from my.shop"


@pytest.mark.parametrize(
    "pattern",
    [
        {"source": ["aws.ec2"], "detail-type": [{"prefix": "EC2"}], "detail": {"state": [{"anything-but": "running"}]}},
        {"resources": [{"suffix": "/i-1"}], "detail": {"a": {"b": [{"numeric": [">", 5, "<", 5.5]}]}}},
        {"detail": {"ip": [{"cidr": "10.0.0.0/8"}], "name": [{"wildcard": "a*b*c"}], "gone": [{"exists": False}]}},
        {"$or": [{"source": ["x"]}, {"source": ["y"], "detail": {"n": [1, None, True]}}]},
        {"detail": {"name": [{"equals-ignore-case": "ß"}], "flag": [False], "there": [{"exists": True}]}},
        {
            "detail": {
                "key": [{"prefix": {"equals-ignore-case": "IMG"}}],
                "end": [{"suffix": {"equals-ignore-case": "X"}}],
            }
        },
        {"account": [{"anything-but": "123456789012"}], "time": [{"prefix": "2027"}]},
    ],
)
def test_the_sample_of_any_pattern_matches_it(pattern: Any) -> None:
    app = app_with(pattern)
    assert reached(app, app.handlers[0].triggers[0].sample()) == ["h0"]


def test_a_pattern_without_a_sample_says_so() -> None:
    trigger = EventRule({"source": [{"exists": False}]})
    with pytest.raises(RegistrationError, match="No sample was found"):
        trigger.sample()
    assert trigger.sample(source="x")["source"] == "x"


def test_every_matching_rule_of_the_app_is_reached() -> None:
    app = app_with({"source": ["my.shop"]}, {"detail": {"total": [{"numeric": [">", 5]}]}}, {"source": ["other"]})
    assert reached(app, happened(total=9)) == ["h0", "h1"]
    assert Router(app).route(happened(total=3)).why == {
        "h1": "`detail.total` is 3, wanted > 5",
        "h2": '`source` is "my.shop", wanted "other"',
    }


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("source", ["aws.events", "aws.scheduler"])
def test_a_schedules_event_reaches_no_pattern(source: str, count: int) -> None:
    app = app_with(*[{"source": [{"prefix": "aws."}]}] * count)
    app.schedule("rate(1 minute)")(EventBridgeEvent.summary)
    why = Router(app).route({**TICK, "source": source}).why
    assert why["h0"] == "a schedule's event goes to the target of its own rule only"


def test_one_function_picks_the_handler_whose_pattern_matches() -> None:
    patterns = [{"detail": {"state": [state]}} for state in ("running", "stopped", "pending")]
    router = Router(app_with(*patterns, function="ec2"))
    picked = [router.pick("ec2", happened(state=state))[0].name for state in ("stopped", "pending", "running")]
    assert picked == ["h1", "h2", "h0"]
    with pytest.raises(RoutingError, match=r'h2 .*`detail.state` is "gone", wanted "pending"'):
        router.pick("ec2", happened(state="gone"))


def test_an_event_that_fits_two_handlers_of_a_function_is_refused_not_guessed() -> None:
    router = Router(app_with({"detail": {"tags": ["a"]}}, {"detail": {"tags": ["b"]}}, function="f"))
    with pytest.raises(RoutingError, match="an invocation runs one handler"):
        router.pick("f", happened(tags=["a", "b"]))


@pytest.mark.parametrize(
    ("one", "other", "common"),
    [
        (x("a", {"equals-ignore-case": "Alice"}), x({"wildcard": "A*E"}), {"x": "AlicE"}),
        (x({"equals-ignore-case": "alice"}), x({"wildcard": "*B*"}), None),
        (x({"equals-ignore-case": "ab"}), x({"equals-ignore-case": "AB"}), {"x": "ab"}),
        (x({"cidr": "10.0.0.0/8"}), x({"prefix": "10.9."}), {"x": "10.9.0.1"}),
        (x({"cidr": "10.0.0.0/8"}), x({"wildcard": "10.9.*.7"}), {"x": "10.9.0.7"}),
        (x({"cidr": "10.0.0.0/30"}), x({"anything-but": ["10.0.0.0", "10.0.0.3"]}), {"x": "10.0.0.1"}),
        ({"source": ["a"]}, {"source": ["b"]}, None),
        ({"source": ["a"]}, {"detail": {"x": [1]}}, {"x": 1}),
        ({"detail": {"x": [{"prefix": "ab"}]}}, {"detail": {"x": [{"suffix": "bc"}]}}, {"x": "abbc"}),
        ({"detail": {"x": [{"prefix": "ab"}]}}, {"detail": {"x": [{"prefix": "b"}]}}, None),
        ({"detail": {"x": [{"wildcard": "a*c"}]}}, {"detail": {"x": [{"wildcard": "*b*"}]}}, {"x": "abc"}),
        ({"detail": {"x": [{"numeric": ["<", 5]}]}}, {"detail": {"x": [{"numeric": [">=", 5]}]}}, None),
        ({"detail": {"x": [{"numeric": ["<=", 5]}]}}, {"detail": {"x": [{"numeric": [">=", 5]}]}}, {"x": 5}),
        ({"detail": {"x": [{"exists": False}]}}, {"detail": {"x": [{"exists": True}]}}, None),
        ({"detail": {"x": [{"anything-but": "a"}]}}, {"detail": {"x": ["a"]}}, None),
        ({"detail": {"x": ["a"]}}, {"detail": {"x": {"y": ["a"]}}}, None),
        (
            {"detail": {"ip": [{"cidr": "10.0.0.0/8"}]}},
            {"detail": {"ip": [{"cidr": "10.1.0.0/16"}]}},
            {"ip": "10.1.0.0"},
        ),
        ({"detail": {"ip": [{"cidr": "10.0.0.0/8"}]}}, {"detail": {"ip": [{"cidr": "11.0.0.0/8"}]}}, None),
        ({"detail": {"x": [{"numeric": [">", 0]}]}}, {"detail": {"x": [{"numeric": ["<", 0.5]}]}}, {"x": 0.25}),
        (
            {"detail": {"x": [{"numeric": [">", 0, "<", 10]}]}},
            {"detail": {"x": [{"numeric": [">", 9, "<", 20]}]}},
            {"x": 9.5},
        ),
        ({"detail": {"x": [{"equals-ignore-case": "Alice"}]}}, {"detail": {"x": [{"prefix": "Al"}]}}, {"x": "Alice"}),
        (
            {"detail": {"x": [{"equals-ignore-case": "Alice"}]}},
            {"detail": {"x": [{"wildcard": "A*E"}]}},
            {"x": "AlicE"},
        ),
        ({"detail": {"x": [{"prefix": "a" * 600}]}}, {"detail": {"x": [{"prefix": "a" * 500}]}}, {"x": "a" * 600}),
        ({"detail": {"ip": [{"cidr": "10.0.0.0/24"}]}}, {"detail": {"ip": [{"suffix": ".7"}]}}, {"ip": "10.0.0.7"}),
        (
            {"detail": {"ip": [{"cidr": "10.0.0.0/30"}]}},
            {"detail": {"ip": [{"anything-but": ["10.0.0.0", "10.0.0.3"]}]}},
            {"ip": "10.0.0.1"},
        ),
        (OR_200, OTHER_200, {}),
        ({"$or": [{"source": ["a"]}, {"detail": {"x": [1]}}]}, {"source": ["b"], "detail": {"x": [2]}}, None),
    ],
)
def test_what_two_patterns_have_in_common(one: Any, other: Any, common: Any) -> None:
    event = EventRule(one).overlap(EventRule(other), Effort())
    assert (event and event["detail"]) == common
    if event is not None:
        assert EventRule(one).pattern.matches(event) and EventRule(other).pattern.matches(event)


@pytest.mark.parametrize(
    ("pattern", "fault"),
    [
        ({"source": ["a"], "details": {"x": [1]}}, "no field 'details'. Did you mean 'detail'?"),
        ({"detail_type": ["x"]}, "Did you mean 'detail-type'?"),
        ({"account": [123456789012]}, "`account` is always there and a string, and wanted 123456789012"),
        ({"region": [{"exists": False}]}, "`region` is always there and a string, and wanted absent"),
        ({"source": [{"numeric": [">", 1]}]}, "wanted > 1"),
        ({"source": {"prefix": ["x"]}}, "`source` is a string, and has no field 'prefix'"),
        ({"source": ["aws.events"], "detail-type": ["Scheduled Event"]}, "Use @app.schedule"),
        ({"source": ["aws.scheduler"], "detail-type": ["Scheduled Event"]}, "Use @app.schedule"),
    ],
)
def test_a_pattern_no_event_can_match_is_found(pattern: Any, fault: str) -> None:
    (found,) = EventRule(pattern).faults()
    assert fault in found


@pytest.mark.parametrize(
    "pattern",
    [
        {"source": ["a", 5]},
        {"source": ["a"], "$or": [{"detail-type": ["x"]}, {"x": [1]}]},
        {"source": ["a"], "foo": [{"exists": False}]},
        {"$or": [{"account": [1]}, {"source": ["a"]}]},
        {"replay-name": [{"exists": False}]},
        {"detail": {"anything": [{"anything-but": "x"}]}},
        {"resources": [{"wildcard": "arn:*"}]},
    ],
)
def test_a_pattern_some_event_can_match_is_not(pattern: Any) -> None:
    assert not EventRule(pattern).faults()


SHOP = {"source": ["my.shop"]}


def ruled(**options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The template of an app with a rule, and the rule's properties."""
    app = App("demo")
    made = {name: getattr(app, method)(key) for name, (method, key) in MAKES.items() if options.get(name) is True}
    app.event_rule(SHOP, **{**options, **made})(handler_called("told"))
    template = deployed(app)
    return template, properties(template, "ToldRule")


MAKES = {"bus": ("event_bus", "shop"), "dead_letter": ("queue", "lost")}


def handler_called(name: str) -> Any:
    def func(event: Any) -> None: ...

    func.__name__ = name
    return func


def test_a_rule_on_the_default_bus_says_no_more_than_it_must() -> None:
    template, rule = ruled()
    assert rule == {
        "EventPattern": SHOP,
        "State": "ENABLED",
        "Targets": [{"Id": "function", "Arn": {"Fn::GetAtt": ["ToldFunction", "Arn"]}}],
    }
    assert ruled(bus="default")[1] == rule
    assert complaints(template) == []


def test_a_rule_is_on_its_bus_and_says_how_events_are_delivered() -> None:
    template, rule = ruled(
        bus=True, dead_letter=True, maximum_retry_attempts=0, maximum_event_age=60, description="Orders"
    )
    assert (rule["EventBusName"], rule["Description"]) == ({"Ref": "ShopEventBus"}, "Orders")
    [target] = rule["Targets"]
    assert target["RetryPolicy"] == {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60}
    assert target["DeadLetterConfig"] == {"Arn": {"Fn::GetAtt": ["LostQueue", "Arn"]}}
    statements = properties(template, "LostQueuePolicy")["PolicyDocument"]["Statement"]
    [statement] = [one for one in statements if one["Principal"] == {"Service": "events.amazonaws.com"}]
    assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": ["ToldRule", "Arn"]}}}
    assert complaints(template) == []


@pytest.mark.parametrize("bus", ["theirs", "arn:aws:events:eu-west-1:111122223333:event-bus/theirs"])
def test_an_existing_bus_is_named_and_not_made(bus: str) -> None:
    template, rule = ruled(bus=bus)
    assert rule["EventBusName"] == bus
    assert "AWS::Events::EventBus" not in [one["Type"] for one in template["Resources"].values()]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"bus": 5}, "takes a event bus|takes an event bus"),
        ({"description": "x" * 513}, "at most 512"),
        ({"maximum_retry_attempts": 186}, "must be 0 to 185"),
        ({"maximum_event_age": 59}, "must be 60 to 86400"),
        ({"dead_letter": "lost"}, "a standard queue of the app"),
        ({"input": {1}}, "is not valid for event_rule"),
        ({"input": "x" * 8192}, "at most 8192"),
        ({"input_path": "detail"}, "a path is text such as"),
        ({"input": {}, "input_path": "$"}, "exclude one another"),
        ({"input_transformer": {}}, "a dict with input_template"),
        ({"input_transformer": {"input_template": "1", "input_paths_map": ["x"]}}, "paths by name, and is no list"),
        ({"input_transformer": {"template": "x"}}, "a dict with input_template"),
        ({"input_transformer": {"input_template": '{"a": <b>}'}}, "which input_paths_map does not name"),
        ({"input_transformer": {"input_template": "it is there"}}, "does not give JSON"),
        (
            {"input_transformer": {"input_template": "1", "input_paths_map": {f"a{n}": "$" for n in range(101)}}},
            "at most 100",
        ),
        ({"input_transformer": {"input_template": "1", "input_paths_map": {"a": "b"}}}, "a path is text such as"),
    ],
)
def test_options_that_eventbridge_refuses_are_refused_on_the_users_line(options: dict[str, Any], said: str) -> None:
    with pytest.raises(RegistrationError, match=said) as caught:
        App("demo").event_rule(SHOP, **options)
    assert "test_event_rule.py" in caught.value.place


def test_a_fifo_queue_takes_no_dead_letters_of_a_rule() -> None:
    app = App("demo")
    with pytest.raises(RegistrationError, match="a standard queue"):
        app.event_rule(SHOP, dead_letter=app.queue("lost", fifo=True))


TRANSFORMER = {
    "input_paths_map": {"id": "$.detail.id", "tags": "$.detail.tags[*]"},
    "input_template": '{"id": <id>, "text": "<id> has <tags>", "rule": "<aws.events.rule-name>"}',
}


@pytest.mark.parametrize(
    ("options", "target", "got"),
    [
        ({"input": {"job": 1}}, {"Input": '{"job": 1}'}, {"job": 1}),
        ({"input": 0}, {"Input": "0"}, 0),
        ({"input_path": "$.detail.tags[1]"}, {"InputPath": "$.detail.tags[1]"}, "b"),
        ({"input_path": "$.detail.none"}, {"InputPath": "$.detail.none"}, None),
        (
            {"input_transformer": TRANSFORMER},
            {
                "InputTransformer": {
                    "InputPathsMap": TRANSFORMER["input_paths_map"],
                    "InputTemplate": TRANSFORMER["input_template"],
                }
            },
            {"id": 7, "text": "7 has [a, b]", "rule": "told"},
        ),
    ],
)
def test_a_handler_gets_what_its_rule_makes_of_the_event(
    options: dict[str, Any], target: dict[str, Any], got: Any
) -> None:
    app, seen = App("demo"), []

    @app.event_rule(SHOP, **options)
    def told(made: Any) -> None:
        seen.append(made)

    Client(app).send(told, detail={"id": 7, "tags": ["a", "b"]})
    assert seen == [got]
    template = deployed(app)
    [made] = properties(template, "ToldRule")["Targets"]
    assert {name: made[name] for name in target} == target
    assert complaints(template) == []


@dataclass
class Order:
    id: int


def test_a_model_is_made_of_what_the_rule_makes() -> None:
    app, seen = App("demo"), []

    @app.event_rule(SHOP, input_path="$.detail")
    def told(order: Order) -> None:
        seen.append(order)

    Client(app).send(told, detail={"id": 7})
    assert seen == [Order(7)]


@pytest.mark.parametrize("other", ["event_rule", "schedule"])
def test_a_rule_that_changes_its_events_has_its_function_for_itself(other: str) -> None:
    app = App("demo")
    app.function("both")(app.event_rule(SHOP, input_path="$.detail")(handler_called("told")))
    decorator = app.event_rule({"source": ["x"]}) if other == "event_rule" else app.schedule("rate(1 day)")
    app.function("both")(decorator(handler_called("also")))
    with pytest.raises(RegistrationError, match=r"told gets what its rule makes .* also runs also") as caught:
        Router(app)
    assert "test_event_rule.py" in caught.value.place


def test_nor_can_a_direct_handler_be_in_it() -> None:
    app = App("demo")
    app.function("both")(app.event_rule(SHOP, input={})(handler_called("told")))
    app.function("both")(handler_called("also"))
    [finding] = check(app)
    assert finding.refused
    assert "nothing in their events tells them apart" in finding.message


def test_two_such_rules_of_one_handler_are_one_function() -> None:
    app, seen = App("demo"), []

    @app.event_rule({"source": ["a"]}, input={"from": "a"})
    @app.event_rule({"source": ["b"]}, input={"from": "b"})
    def told(made: Any) -> None:
        seen.append(made)

    entry(app, "told")({"from": "b"}, None)
    assert seen == [{"from": "b"}]
    assert check(app) == []


def test_no_event_is_led_to_a_rule_that_changes_it() -> None:
    app = App("demo")
    app.event_rule(SHOP, input_path="$.detail")(handler_called("told"))
    app.event_rule(SHOP)(handler_called("plain"))
    app.event_rule({"detail": {"a": [1]}})(handler_called("other"))
    route = Router(app).route(happened(a=1))
    assert [handler.name for handler in route.reached] == ["plain", "other"]
    assert route.why == {
        "told": "kind eventbridge is not what its rule makes of an event (input_path), which has no mark"
    }


def on_buses(one: str, other: str, *, same_handler: bool = False) -> App:
    app = App("demo")
    first = app.event_rule(SHOP, bus=app.event_bus(one))
    second = app.event_rule(SHOP, bus=app.event_bus(other) if other != one else None)
    handler = handler_called("h0")
    app.function("f")(first(handler))
    if same_handler:
        second(handler)
    else:
        app.function("f")(second(handler_called("h1")))
    return app


def test_an_event_names_no_bus_so_two_handlers_of_a_function_must_exclude_one_another() -> None:
    [finding] = check(on_buses("a", "b"))
    assert finding.refused
    assert "does not say for which of them" in finding.message


def test_one_handler_may_have_a_pattern_on_two_buses_but_not_twice_on_one() -> None:
    assert check(on_buses("a", "b", same_handler=True)) == []
    assert check(on_buses("a", "a", same_handler=True)) == []  # the second is on the default bus
    app = App("demo")
    shop = app.event_bus("shop")
    app.event_rule(SHOP, bus=shop)(app.event_rule(SHOP, bus=shop)(handler_called("told")))
    [finding] = check(app)
    assert "would run it twice" in finding.message


def test_an_app_without_other_buses_has_nothing_of_them_in_its_zip() -> None:
    app = App("demo")
    app.event_rule(SHOP)(handler_called("told"))
    assert not [one for one in app.resources if one.type == "event_bus"]
    app = App("demo")
    app.event_rule(SHOP, bus="theirs")(handler_called("told"))
    assert [one.type for one in app.resources] == ["event_bus"]


def test_a_bus_takes_thirty_wildcards_and_no_more() -> None:
    wild: list[Any] = [
        {"source": [{"wildcard": "a*b"}]},
        {"$or": [{"source": ["x"]}, {"detail": {"a": [{"anything-but": {"wildcard": "a*"}}]}}]},
    ]
    app = App("demo")
    for number in range(30):
        app.event_rule(wild[number % 2], bus="shop")(handler_called(f"h{number}"))
    app.event_rule({"source": [{"prefix": "a"}], "detail": {"wildcard": ["x"]}}, bus="shop")(handler_called("plain"))
    app.event_rule(wild[0])(handler_called("elsewhere"))
    assert deployed(app)
    app = App("demo")
    for number in range(31):
        app.event_rule(wild[number % 2], bus="shop")(handler_called(f"h{number}"))
    with pytest.raises(RegistrationError, match="30 rules with a wildcard") as caught:
        deployed(app)
    assert "test_event_rule.py" in caught.value.place


def test_dead_letters_of_a_rule_in_a_blueprints_stack_are_refused() -> None:
    app, admin = App("demo"), Blueprint("admin")
    admin.event_rule(SHOP, dead_letter=app.queue("lost"))(handler_called("told"))
    app.mount(admin, stack=True)
    with pytest.raises(RegistrationError, match="needs the rule in the app's main stack") as caught:
        deployed(app)
    assert "test_event_rule.py" in caught.value.place
