"""The custom resource that associates a role with a database: patient, once, and parted again."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from eventfw.tools.build import database_role
from eventfw.tools.build.database_role import NOTHING, changed, handler

ROLE = "arn:aws:iam::123456789012:role/ours"


class Refused(Exception):
    def __init__(self, code: str) -> None:
        super().__init__(f"An error occurred ({code})")
        self.response = {"Error": {"Code": code}}


class Rds:
    """A cluster called ``shop`` and an instance called ``till``. ``refusals`` are what the next calls are answered."""

    def __init__(self, *refusals: str, then: str = "ACTIVE") -> None:
        self.refusals = list(refusals)
        self.roles: dict[str, str] = {}
        self.then = then
        self.calls: list[str] = []

    def describe_db_clusters(self, DBClusterIdentifier: str) -> Any:
        return {"DBClusters": [{"AssociatedRoles": self._described()}]}

    def describe_db_instances(self, DBInstanceIdentifier: str) -> Any:
        return {"DBInstances": [{"AssociatedRoles": self._described()}]}

    def _described(self) -> list[dict[str, str]]:
        found = [{"RoleArn": role, "FeatureName": "Lambda", "Status": status} for role, status in self.roles.items()]
        self.roles = {role: self.then if status == "PENDING" else status for role, status in self.roles.items()}
        return found

    def _add(self, name: str, **given: str) -> None:
        self.calls.append(f"add {name}")
        assert given["FeatureName"] == "Lambda"
        if self.refusals:
            raise Refused(self.refusals.pop(0))
        if self.roles:
            raise Refused("DBClusterRoleAlreadyExists")
        self.roles[given["RoleArn"]] = "PENDING"

    def _remove(self, name: str, **given: str) -> None:
        self.calls.append(f"remove {name}")
        if self.refusals:
            raise Refused(self.refusals.pop(0))
        if self.roles.pop(given["RoleArn"], None) is None:
            raise Refused("DBClusterRoleNotFound")

    def add_role_to_db_cluster(self, DBClusterIdentifier: str, **given: str) -> None:
        self._add(DBClusterIdentifier, **given)

    def add_role_to_db_instance(self, DBInstanceIdentifier: str, **given: str) -> None:
        self._add(DBInstanceIdentifier, **given)

    def remove_role_from_db_cluster(self, DBClusterIdentifier: str, **given: str) -> None:
        self._remove(DBClusterIdentifier, **given)

    def remove_role_from_db_instance(self, DBInstanceIdentifier: str, **given: str) -> None:
        self._remove(DBInstanceIdentifier, **given)


def request(kind: str, *, database: str = "shop", physical: str = "", instance: bool = False) -> dict[str, Any]:
    properties = {"Kind": "db" if instance else "cluster", "Database": database, "Role": ROLE}
    return {
        "RequestType": kind,
        "ResourceProperties": properties,
        **({"PhysicalResourceId": physical} if physical else {}),
    }


def done(event: dict[str, Any], rds: Rds, tries: int = 20) -> str:
    left = iter(range(tries))
    return changed(event, rds, lambda: next(left, None) is not None, lambda seconds: None)


@pytest.mark.parametrize(("name", "instance"), [("shop", False), ("till", True)])
def test_it_associates_and_parts(name: str, instance: bool) -> None:
    rds = Rds()
    made = done(request("Create", database=name, instance=instance), rds)
    assert rds.roles == {ROLE: "ACTIVE"}
    assert done(request("Update", database=name, instance=instance, physical=made), rds) == made
    assert done(request("Delete", database=name, instance=instance, physical=made), rds) == made
    assert rds.roles == {}
    assert rds.calls == [f"add {name}", f"remove {name}"]


def test_another_database_is_another_resource() -> None:
    rds = Rds()
    made = done(request("Create"), rds)
    rds.roles.clear()
    assert done(request("Update", database="other", physical=made), rds) != made


@pytest.mark.parametrize("code", ["InvalidDBClusterStateFault", "InvalidParameterValue", "AccessDenied"])
def test_it_waits_for_a_database_that_is_busy_and_a_role_that_is_new(code: str) -> None:
    rds = Rds(code, code)
    done(request("Create"), rds)
    assert rds.calls == ["add shop"] * 3
    assert rds.roles == {ROLE: "ACTIVE"}


def test_it_does_not_wait_for_ever() -> None:
    with pytest.raises(RuntimeError, match="InvalidDBClusterStateFault"):
        done(request("Create"), Rds(*["InvalidDBClusterStateFault"] * 50))
    with pytest.raises(Refused, match="AccessDenied"):
        done(request("Create"), Rds(*["AccessDenied"] * 50), tries=50)


def test_what_cannot_be_mended_by_waiting_is_told_at_once() -> None:
    rds = Rds("DBClusterNotFoundFault")
    with pytest.raises(Refused, match="DBClusterNotFoundFault"):
        done(request("Create"), rds)
    assert rds.calls == ["add shop"]


def test_a_database_that_has_a_role_already_is_told_with_the_remedy() -> None:
    rds = Rds()
    rds.roles["arn:aws:iam::123456789012:role/theirs"] = "ACTIVE"
    with pytest.raises(RuntimeError, match=r"Write role='arn:aws:iam::123456789012:role/theirs'"):
        done(request("Create"), rds)
    assert "remove shop" not in rds.calls


def test_a_role_that_rds_cannot_take_is_parted_again() -> None:
    rds = Rds(then="INVALID")
    with pytest.raises(RuntimeError, match="cannot take the role"):
        done(request("Create"), rds)
    assert rds.roles == {}


@pytest.mark.parametrize("code", ["DBClusterNotFoundFault", "DBInstanceRoleNotFound"])
def test_what_is_gone_is_parted(code: str) -> None:
    done(request("Delete", physical=f"cluster shop {ROLE}"), Rds(code))


def test_what_was_never_made_is_not_parted() -> None:
    rds = Rds()
    done(request("Delete", physical=NOTHING), rds)
    assert rds.calls == []


@pytest.mark.parametrize(("refusal", "status"), [((), "SUCCESS"), (("DBClusterNotFoundFault",), "FAILED")])
def test_cloudformation_is_answered_once(
    refusal: tuple[str, ...], status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[tuple[Any, ...]] = []
    response = SimpleNamespace(
        SUCCESS="SUCCESS", FAILED="FAILED", send=lambda *given, **more: sent.append((*given, more))
    )
    monkeypatch.setitem(sys.modules, "cfnresponse", response)
    monkeypatch.setitem(sys.modules, "boto3", SimpleNamespace(client=lambda service: Rds(*refusal)))
    monkeypatch.setattr(database_role.time, "sleep", lambda seconds: None)
    event = request("Create")
    handler(event, SimpleNamespace(get_remaining_time_in_millis=lambda: 600_000))
    [(answered, _, said, _, physical, more)] = sent
    assert (answered, said) == (event, status)
    assert physical == (f"cluster shop {ROLE}" if status == "SUCCESS" else NOTHING)
    assert ("DBClusterNotFoundFault" in more.get("reason", "")) is (status == "FAILED")


def test_its_code_needs_nothing_but_lambdas_python() -> None:
    tree = ast.parse(Path(database_role.__file__).read_text("utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert names == {"__future__", "boto3", "cfnresponse", "collections.abc", "time", "typing"}
