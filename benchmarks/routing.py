"""How fast an event finds its handler, as ratios within one run. Ratios, because seconds are the machine's.

Needs an environment with eventfw and the two peers it is compared with:

    python3 -m venv /tmp/benchmarks
    /tmp/benchmarks/bin/pip install -e . -r benchmarks/requirements.txt
    /tmp/benchmarks/bin/python benchmarks/routing.py

Exits with 1 where a target does not hold, and with 2 where a peer is not installed.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from itertools import chain
from typing import Any

import peers
from events import Context, http_api_event, rest_api_event
from rounds import TURN, Contestant, Target, run

from eventfw import App
from eventfw.routing import Router
from eventfw.rules.pattern import EventPattern
from eventfw.rules.patternset import PatternSet
from eventfw.runtime import entry

SPREAD = 50  # events that a contestant is given, for handlers all over the app: one alone would stay in the cache
CONTEXT = Context()


# (a) From an S3, SQS or EventBridge event to its handlers.


def s3(app: App, count: int) -> list[Any]:
    buckets = [app.bucket(f"bucket-{number}") for number in range(min(count, 100))]
    return [app.s3_trigger(buckets[at % len(buckets)], prefix=f"user-{at}/", suffix=".png") for at in range(count)]


def sqs(app: App, count: int) -> list[Any]:
    return [app.sqs_consumer(f"queue-{at}") for at in range(count)]


def schedule(app: App, count: int) -> list[Any]:
    return [app.schedule("rate(5 minutes)") for _ in range(count)]


def event_rule(app: App, count: int) -> list[Any]:
    common = [{"source": ["my.shop"], "detail-type": [f"Kind {number}"]} for number in range(100)]
    return [app.event_rule({**common[at % 100], "detail": {"customer": [f"c-{at}"]}}) for at in range(count)]


SOURCES: list[Callable[[App, int], list[Any]]] = [s3, sqs, schedule, event_rule]


def decorated(source: Callable[[App, int], list[Any]], count: int, function: str = "") -> tuple[App, list[Any]]:
    """An app with so many handlers of a source, each in a function of its own or all in one; and events for some."""
    app = App("bench")
    for position, decorate in enumerate(source(app, count)):

        def handle(event: Any) -> None: ...

        handle.__name__ = f"handler{position}"
        decorate(app.function(function)(handle) if function else handle)
    triggers = [app.handlers[number * count // SPREAD].triggers[0] for number in range(SPREAD)]
    return app, [deepcopy(trigger.sample()) for trigger in triggers]


def routed(source: Callable[[App, int], list[Any]], count: int) -> Contestant:
    """``identify`` and the way to the handlers, over the whole app."""
    app, events = decorated(source, count)
    router = Router(app)
    for event in events:
        demand(len(router.route(event).reached) == 1, f"an event of {source.__name__} reaches one handler")
    return Contestant(f"route {source.__name__}, {count:,}", router.route, events)


def picked(source: Callable[[App, int], list[Any]], count: int) -> Contestant:
    """The choice among the handlers of one function."""
    app, events = decorated(source, count, "many")
    router = Router(app)
    for event in events:
        demand(
            router.pick("many", event) == router.route(event).hits[0], f"{source.__name__} is picked as it is routed"
        )
    return Contestant(f"pick {source.__name__}, {count:,}", lambda event: router.pick("many", event), events)


def routing(many: int) -> Iterator[list[Target]]:
    for verb, make in {"route": routed, "pick": picked}.items():
        for source in SOURCES:
            name = f"{verb} {source.__name__}: {many:,} handlers to 1"
            yield [Target(name, make(source, many), make(source, 1), at_most=2)]


# (b) From a parsed HTTP event to the answer.


def ours(routes: list[str]) -> Callable[[Any, Any], Any]:
    app = App("bench")
    for position, route in enumerate(routes):

        def parametrised(request: Any, name: str) -> dict[str, str]:
            return {"name": name}

        def static(request: Any) -> dict[str, str]:
            return {"name": "static"}

        handler = parametrised if "{" in route else static
        handler.__name__ = f"handler{position}"
        app.http(route)(handler)
    return entry(app, "api")


def answering(name: str, make: Any, event: Any, form: str, count: int) -> Contestant:
    """An app with so many routes of one form, and requests for them."""
    routes = [form.replace("#", str(number)) for number in range(count)]
    called = make(routes)
    events = [event(routes[number * count // SPREAD], f"cat{number}") for number in range(SPREAD)]
    for number, each in enumerate(events):
        answer = called(each, CONTEXT)
        wanted = {"name": f"cat{number}" if "{" in form else "static"}
        demand(answer["statusCode"] == 200 and json.loads(answer["body"]) == wanted, f"{name} answers {wanted}")
    return Contestant(f"{name}, {count:,}", lambda each: called(each, CONTEXT), events)


def http(many: int, with_peers: bool) -> Iterator[list[Target]]:
    for kind, form in {"static": "/photos/about-#", "{name}": "/photos-#/{name}"}.items():
        label = f"HTTP {kind}"
        one, more = (answering(f"{label} eventfw", ours, http_api_event, form, count) for count in (1, many))
        targets = [Target(f"{label}: {many:,} routes to 1", more, one, at_most=1.5)]
        if with_peers:
            chalice = answering(f"{label} Chalice", peers.chalice, rest_api_event, form, 1)
            powertools = answering(f"{label} Powertools", peers.powertools, http_api_event, form, 1)
            targets.append(Target(f"{label}: Chalice to eventfw", chalice, one, at_least=3))
            targets.append(Target(f"{label}: Powertools to eventfw", powertools, one, at_least=3))
        yield targets


# (c) The patterns that take an event, among many.

FORMS: dict[str, Callable[[int], Any]] = {
    "exact": lambda n: {"detail": {"id": [f"order-{n}"]}},
    "prefix": lambda n: {"detail": {"key": [{"prefix": f"user-{n}/"}]}},
    "suffix": lambda n: {"detail": {"key": [{"suffix": f"-{n}.png"}]}},
    "numeric": lambda n: {"detail": {"total": [{"numeric": [">=", n, "<", n + 1]}]}},
    "wildcard": lambda n: {"detail": {"key": [{"wildcard": f"user-{n}/*.png"}]}},
    "cidr": lambda n: {"detail": {"address": [{"cidr": f"10.{n >> 8}.{n & 255}.0/24"}]}},
    "$or": lambda n: {"detail": {"$or": [{"id": [f"order-{n}"]}, {"total": [{"numeric": ["=", n]}]}]}},
    "ignore case": lambda n: {"detail": {"id": [{"equals-ignore-case": f"ORDER-{n}"}]}},
}


def occurrence(number: int) -> dict[str, Any]:
    """An event that the pattern of that number takes, in each of the forms."""
    detail = {
        "id": f"order-{number}",
        "key": f"user-{number}/cat-{number}.png",
        "total": float(number),
        "address": f"10.{number >> 8}.{number & 255}.7",
    }
    return {"version": "0", "source": "my.shop", "detail-type": "Order", "resources": [], "detail": detail}


def patterns(many: int) -> Iterator[list[Target]]:
    for name, form in FORMS.items():
        each = [EventPattern(form(number)) for number in range(many)]
        together = PatternSet(each)

        def tried(event: Any, each: list[EventPattern] = each) -> list[int]:
            return [position for position, pattern in enumerate(each) if pattern.matches(event)]

        events = [occurrence(number * many // SPREAD) for number in range(SPREAD)]
        demand(tried(events[-1]) == together.matching(events[-1]) == [49 * many // SPREAD], f"one {name} pattern fits")
        one = Contestant(f"{name}: PatternSet of {many:,}", together.matching, events)
        other = Contestant(f"{name}: each of {many:,}", tried, events[-1:])
        yield [Target(f"{name}: each of {many:,} to the set", other, one, at_least=100)]


def demand(truth: bool, what: str) -> None:
    """Nothing is measured that gives a wrong answer."""
    if not truth:
        raise SystemExit(f"Not measured: it was expected that {what}.")


def table(targets: Sequence[Target], judged: bool) -> str:
    lines = [f"{'':42}{'µs':>10}{'µs':>10}{'ratio':>9}  asked"]
    for target in targets:
        slower, faster = target.slower.microseconds, target.faster.microseconds
        verdict = ("" if target.holds else "  FAILS") if judged else ""
        lines.append(f"{target.name:42}{slower:10.2f}{faster:10.2f}{target.ratio:9.2f}  {target.asked}{verdict}")
    return "\n".join(lines)


def report(targets: Sequence[Target], options: argparse.Namespace) -> dict[str, Any]:
    return {
        "python": platform.python_version(),
        "rounds": options.rounds,
        "quick": options.quick,
        "targets": [
            {
                "name": target.name,
                "slower": {"name": target.slower.name, "us": round(target.slower.microseconds, 3)},
                "faster": {"name": target.faster.name, "us": round(target.faster.microseconds, 3)},
                "ratio": round(target.ratio, 3),
                "asked": target.asked,
                "holds": None if options.quick else target.holds,
            }
            for target in targets
        ],
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=101, help="how often each contestant takes its turn (101)")
    parser.add_argument("--quick", action="store_true", help="little of everything, to see that it runs; nothing holds")
    parser.add_argument("--no-peers", action="store_true", help="without Chalice and Powertools")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error(f"--rounds must be at least 1, not {options.rounds}. Remove it for 101.")
    missing = [] if options.no_peers else peers.absent()
    if missing:
        print(f"Not installed: {', '.join(missing)}. {peers.INSTALL}", file=sys.stderr)
        return 2
    if options.quick:
        options.rounds = min(options.rounds, 3)
    handlers, routes = (100, 20) if options.quick else (10_000, 1_000)
    turn = 0.0 if options.quick else TURN
    targets: list[Target] = []
    for group in chain(routing(handlers), http(routes, not options.no_peers)):
        run(group, options.rounds, turn)
        targets += group
    for group in patterns(handlers):
        run(group, max(3, options.rounds // 10), turn)  # to try each takes long, and wins nothing
        targets += group
    print(json.dumps(report(targets, options), indent=2) if options.json else table(targets, not options.quick))
    return 0 if options.quick or all(target.holds for target in targets) else 1


if __name__ == "__main__":
    sys.exit(main())
