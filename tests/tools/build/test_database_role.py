"""The custom resource that associates a role with a database: patient, once, and parted again."""

from __future__ import annotations

import ast
import http.server
import json
import sys
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from eventfw.tools.build.bucket_notification import NOTHING, Answer
from eventfw.tools.build.database_role import changed
from eventfw.tools.build.databases import code

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
    return changed(event, rds, Answer(event), lambda: next(left, None) is not None, lambda seconds: None)


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


def test_what_fails_half_way_is_deleted_by_its_name() -> None:
    event = request("Create")
    answer = Answer(event)
    with pytest.raises(Refused):
        changed(event, Rds("DBClusterNotFoundFault"), answer, lambda: True, lambda seconds: None)
    assert answer.physical_id == f"cluster shop {ROLE}"


@pytest.fixture
def answers() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A ResponseURL, and what was put there."""
    got: list[dict[str, Any]] = []

    class Receiver(http.server.BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}/answer?signature=x", got
        server.shutdown()


@pytest.mark.parametrize(("refusals", "status"), [((), "SUCCESS"), (("DBClusterNotFoundFault",), "FAILED")])
def test_its_code_runs_by_itself_and_answers_once(
    refusals: tuple[str, ...],
    status: str,
    answers: tuple[str, list[dict[str, Any]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As it stands in the template: it becomes ``index.py`` of a function that has nothing else."""
    url, got = answers
    index: dict[str, Any] = {"__name__": "index"}
    exec(compile(code(), "index.py", "exec"), index)
    monkeypatch.setitem(sys.modules, "boto3", SimpleNamespace(client=lambda service: Rds(*refusals, then="ACTIVE")))
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    ids = {name: name for name in ("StackId", "RequestId", "LogicalResourceId")}
    event = {**request("Create"), **ids, "ResponseURL": url}
    index["handler"](event, SimpleNamespace(get_remaining_time_in_millis=lambda: 600_000))
    [answer] = got
    assert (answer["Status"], answer["PhysicalResourceId"]) == (status, f"cluster shop {ROLE}")
    assert ("DBClusterNotFoundFault" in answer["Reason"]) is (status == "FAILED")


def test_its_code_needs_nothing_but_lambdas_python() -> None:
    nodes = list(ast.walk(ast.parse(code())))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in names} - {"boto3"} <= sys.stdlib_module_names
