"""An event bus: what EventBridge would refuse, the default bus, and its grant."""

from __future__ import annotations

from typing import Any

import pytest
from resource_bench import granted, resources

from eventfw import App, EventBus
from eventfw.errors import RegistrationError
from eventfw.resources.names import Names
from eventfw.tools.build.template import Template


@pytest.mark.parametrize("name", ["", "a b", "ä", "x" * 257, "...", 7])
def test_names_that_eventbridge_refuses_are_refused_with_the_users_line(name: Any) -> None:
    with pytest.raises(RegistrationError) as caught:
        EventBus(name)
    assert "test_event_bus.py" in caught.value.place


@pytest.mark.parametrize("name", ["default", "aws.partner/example.com/1"])
def test_a_bus_of_ones_own_is_neither_the_default_one_nor_a_partners(name: str) -> None:
    app = App("shop")
    app.event_bus(name)
    with pytest.raises(RegistrationError, match=r"EventBus\.existing"):
        resources(app)


@pytest.mark.parametrize(
    ("options", "said"),
    [({"description": "x" * 513}, "512 characters"), ({"kms_key": "alias/aws/events"}, "arn:aws:kms")],
)
def test_options_outside_what_eventbridge_takes_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(RegistrationError, match=said):
        EventBus("shop", **options)


def test_the_default_bus_is_there_in_every_stage() -> None:
    app = App("shop")
    bus = EventBus.existing("default")
    app.own(bus)
    assert bus.default
    for local in (False, True):
        assert resources(app, local=local) == {}
        template = Template("shop", "dev", local=local)
        assert bus.name_in_template(template) == "default"
        assert bus.arn_in(template)["Fn::Sub"].endswith(":event-bus/default")
    assert bus.local_value(Names("shop", "local"), "").endswith(":event-bus/default")


def test_rules_name_a_bus_of_another_account_by_its_arn() -> None:
    arn = "arn:aws:events:eu-west-1:123456789012:event-bus/far"
    template = Template("shop", "dev")
    assert EventBus.existing(arn).name_in_template(template) == arn
    own = EventBus("shop")
    own.resources(template)
    assert own.name_in_template(template) == {"Ref": "ShopEventBus"}


def test_the_grant_is_exactly_its_actions() -> None:
    assert granted(EventBus("shop").put_events) == {"put_events": {"": {"events:PutEvents"}}}
