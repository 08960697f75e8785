"""Real names follow the app and the stage; logical ids are made of letters and digits."""

from __future__ import annotations

import pytest

from eventfw.resources.names import Names, pascal, unstaged


def test_a_name_stands_alone_in_the_stage_local_only() -> None:
    assert Names("shop", "local").physical("orders") == Names("shop", "local").bucket("orders") == "orders"
    prod = Names("shop", "prod", "123456789012", "eu-west-1")
    assert prod.physical("orders") == "shop-prod-orders"
    assert prod.bucket("uploads") == "shop-prod-uploads-123456789012-eu-west-1"


@pytest.mark.parametrize(
    ("real", "name"),
    [
        ("orders", "orders"),
        ("shop-prod-orders", "orders"),
        ("shop-prod-new-orders", "new-orders"),
        ("shop-orders", "shop-orders"),
        ("shop-", "shop-"),
        ("other-prod-orders", "other-prod-orders"),
    ],
)
def test_a_staged_name_tells_the_bare_one(real: str, name: str) -> None:
    assert unstaged(real, "shop") == name


@pytest.mark.parametrize(
    ("name", "expected"),
    [("new-orders", "NewOrders"), ("new_orders", "NewOrders"), ("newOrders", "NewOrders"), ("/a/{b}", "AB"), ("é", "")],
)
def test_pascal(name: str, expected: str) -> None:
    assert pascal(name) == expected
