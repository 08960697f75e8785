"""What the embedded AWS and the server itself set off: events of buses, what is logged, schedules in time zones."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from live import Live, eventfw, until, write

APP = """
    import json
    from eventfw import App

    app = App("demo")
    shop = app.event_bus("shop")
    audit = app.log_group("audit")
    orders = app.queue("orders")
    news = app.topic("news")

    def note(what, value):
        with open("seen.jsonl", "a") as file:
            file.write(json.dumps([what, value]) + "\\n")

    @app.event_rule({"source": ["my.shop"]}, bus=shop, dead_letter=app.queue("lost"), maximum_retry_attempts=3)
    def ordered(event):
        note("ordered", event.detail)

    @app.event_rule({"source": ["my.shop"]}, bus=shop, input_path="$.detail.order")
    def number(order):
        note("number", order)

    @app.event_rule(
        {"source": ["my.shop"]},
        bus="theirs",
        input_transformer={
            "input_paths_map": {"order": "$.detail.order"},
            "input_template": '{"order": <order>, "rule": "<aws.events.rule-name>"}',
        },
    )
    def theirs(made):
        note("theirs", made["order"])

    @app.event_rule({"source": ["my.shop"], "detail": {"state.name": ["on"]}})
    def dotted(event):
        note("dotted", [event.detail["n"], event.time.year])

    @app.sns_subscriber(news, filter_policy={"items": {"kind": ["photo"]}}, filter_scope="MessageBody")
    def told(message):
        note("told", [message.json["n"], message.subject, message.attributes["raw"].decode()])

    @app.log_subscription(audit, filter_pattern="ERROR")
    def failed(event):
        note("failed", [event.message, event.log_group, event.log_stream])

    @app.log_subscription("existing", batch=True)
    def copied(batch):
        note("copied", [event.message for event in batch])

    @app.log_subscription(app.lambda_function("hourly"))
    def overheard(event):
        note("overheard", event.message)

    @app.alarm(metric="Errors", namespace="AWS/Lambda", threshold=1, dimensions={"QueueName": orders})
    def alarmed(change):
        note("alarmed", change.state)

    @app.schedule("at(2099-12-31T23:59:59)", timezone="Asia/Kolkata", input={"a": 1})
    def once(tick):
        note("once", [tick.input, tick.rule, tick.time.isoformat()])

    @app.schedule("rate(1 hour)", flexible_window=5, description="Hourly")
    def hourly(tick):
        note("hourly", tick.input)
"""


def put(live: Live, bus: str, **detail: Any) -> None:
    entry = {"Source": "my.shop", "DetailType": "Order", "Detail": json.dumps(detail), "EventBusName": bus}
    dated = {**entry, "Time": datetime(2020, 1, 1, tzinfo=UTC)}
    assert live.client("events").put_events(Entries=[dated])["FailedEntryCount"] == 0


def publish(live: Live) -> None:
    """Two messages to the app's topic, of which the subscription's policy takes the second."""
    sns = live.client("sns")
    [news] = [one["TopicArn"] for one in sns.list_topics()["Topics"]]
    for number, kind in enumerate(["letter", "photo"]):
        message = json.dumps({"n": number, "items": [{"kind": "a"}, {"kind": kind}]})
        attributes = {"raw": {"DataType": "Binary", "BinaryValue": b"abc"}}
        sns.publish(TopicArn=news, Message=message, MessageAttributes=attributes)


def log(live: Live, group: str, *messages: str) -> None:
    logs, now = live.client("logs"), int(time.time() * 1000)
    logs.create_log_stream(logGroupName=group, logStreamName="web")
    events = [{"timestamp": now, "message": message} for message in messages]
    logs.put_log_events(logGroupName=group, logStreamName="web", logEvents=events)


def test_events_logs_and_schedules_reach_their_handlers(tmp_path: Path) -> None:
    write(tmp_path / "app.py", APP)
    live = Live(tmp_path, "--clock", "virtual")
    try:
        put(live, "shop", order=7)
        put(live, "theirs", order=8)
        put(live, "default", n=1, state={"name": "off"})
        put(live, "default", n=2, state={"name": "on"})
        publish(live)
        log(live, "audit", "all is well", "ERROR: no")
        log(live, "existing", "one", "two")
        log(live, "/aws/lambda/hourly", "heard")
        assert until(lambda: live.noted("theirs"), "the event of the existing bus") == [8]
        assert until(lambda: live.noted("number"), "the part of the event") == [7]
        assert until(lambda: live.noted("ordered"), "the event") == [{"order": 7}]
        assert until(lambda: live.noted("told"), "the message") == [[1, None, "abc"]]
        assert until(lambda: live.noted("dotted"), "the event with a name in a name") == [[2, 2020]]
        assert until(lambda: live.noted("failed"), "the log event") == [["ERROR: no", "audit", "web"]]
        assert until(lambda: live.noted("copied"), "the batch") == [["one", "two"]]
        until(lambda: "heard" in live.noted("overheard"), "what the function logged")
        assert until(lambda: live.noted("hourly"), "the schedule that fires when it is made") == [None]
        until(lambda: any(one.startswith("REPORT ") for one in live.noted("overheard")), "what Lambda logged of it")
        streams = live.client("logs").describe_log_streams(logGroupName="/aws/lambda/hourly")["logStreams"]
        assert len(streams) == 2  # the test's own, and that of the one environment
        [alarm] = live.client("cloudwatch").describe_alarms(AlarmNames=["alarmed"])["MetricAlarms"]
        assert alarm["Dimensions"] == [{"Name": "QueueName", "Value": "orders"}]
        states = {one["Name"]: one["State"] for one in live.client("scheduler").list_schedules()["Schedules"]}
        assert states == {"hourly": "DISABLED", "once": "DISABLED"}
        due = (datetime.now(UTC) + timedelta(hours=2)).replace(microsecond=0)
        there = due.astimezone(ZoneInfo("Asia/Kolkata"))
        write(tmp_path / "app.py", APP.replace("at(2099-12-31T23:59:59)", f"at({there:%Y-%m-%dT%H:%M:%S})"))
        live.says("Reloaded")
        assert eventfw(tmp_path, "clock", "advance", "150m").returncode == 0
        assert until(lambda: live.noted("once"), "the one-off") == [[{"a": 1}, "once", due.isoformat()]]
        assert live.noted("hourly") == [None, None, None]
    finally:
        live.stop()
