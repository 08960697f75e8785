"""Real names follow the app and the stage; logical ids are made of letters and digits."""

from __future__ import annotations

import pytest

from eventfw.resources.names import Names, belongs, pascal


def test_a_name_stands_alone_in_the_stage_local_only() -> None:
    assert Names("shop", "local").physical("orders") == Names("shop", "local").bucket("orders") == "orders"
    prod = Names("shop", "prod", "123456789012", "eu-west-1")
    assert prod.physical("orders") == "shop-prod-orders"
    assert prod.bucket("uploads") == "shop-prod-uploads-123456789012-eu-west-1"


@pytest.mark.parametrize(
    ("real", "fits"),
    [
        ("orders", True),
        ("shop-prod-orders", True),
        ("shop-prod-new-orders", False),
        ("shop-orders", False),
        ("other-prod-orders", False),
        ("new-orders", False),
    ],
)
def test_a_real_name_belongs_to_one_name_only(real: str, fits: bool) -> None:
    assert belongs(real, "orders", "shop") is fits


@pytest.mark.parametrize(
    ("name", "expected"),
    [("new-orders", "NewOrders"), ("new_orders", "NewOrders"), ("newOrders", "NewOrders"), ("/a/{b}", "AB"), ("é", "")],
)
def test_pascal(name: str, expected: str) -> None:
    assert pascal(name) == expected
