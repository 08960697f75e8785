"""Event rules: patterns on the user's line, samples that match, which handler an event reaches."""

from __future__ import annotations

from typing import Any

import pytest

from eventfw import App, EventBridgeEvent
from eventfw.errors import RegistrationError, RoutingError
from eventfw.routing import Router
from eventfw.rules.witness import Effort
from eventfw.runtime import entry
from eventfw.sources.event_rule import EventRule

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


def test_a_schedules_event_reaches_no_pattern() -> None:
    app = app_with({"source": [{"prefix": "aws."}]})
    app.schedule("rate(1 minute)")(EventBridgeEvent.summary)
    assert Router(app).route(TICK).why["h0"] == "a schedule's event goes to the target of its own rule only"


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
