"""The code of a custom resource: it associates a role with a database that the stack does not own, to invoke functions.

CloudFormation associates roles only with databases that it makes itself. This file runs as ``index.py`` in Lambda, with
what it imports of eventfw's written in the place of the import: beside that it needs what Lambda's Python has.
https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_AddRoleToDBCluster.html
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from eventfw.tools.build.bucket_notification import ANSWERS_BEFORE, NOTHING, REASON_MAX, Answer

FEATURE = "Lambda"
STOPS_BEFORE = 20.0  # seconds before Lambda ends the function: no further try begins
WAITS = 5.0  # seconds before another try
YOUNG = ("AccessDenied", "InvalidParameterValue")  # a new role, and what it may do, is not known everywhere at once
YOUNG_TRIES = 8
BUSY = ("InvalidDBClusterStateFault", "InvalidDBInstanceState", "Throttling")
GONE = (
    "DBClusterNotFoundFault",
    "DBInstanceNotFound",
    "DBInstanceNotFoundFault",
    "DBClusterRoleNotFound",
    "DBInstanceRoleNotFound",
)
THERE = ("DBClusterRoleAlreadyExists", "DBInstanceRoleAlreadyExists")
WORDS = {"cluster": ("cluster", "DBCluster"), "db": ("instance", "DBInstance")}


def handler(event: dict[str, Any], context: Any) -> None:
    """What Lambda calls. CloudFormation is answered once, whatever happens."""
    answer = Answer(event)
    seconds = context.get_remaining_time_in_millis() / 1000
    late = threading.Timer(max(seconds - ANSWERS_BEFORE, 0), answer.failed, ["It took too long. Deploy again."])
    late.daemon = True
    late.start()
    end = time.monotonic() + seconds - STOPS_BEFORE
    try:
        answer.succeeded(changed(event, client(), answer, lambda: time.monotonic() < end, time.sleep))
    except Exception as error:
        answer.failed((str(error) or type(error).__name__)[:REASON_MAX])
    finally:
        late.cancel()


def client() -> Any:
    """RDS."""
    import boto3

    return boto3.client("rds")


def changed(
    event: dict[str, Any], rds: Any, answer: Answer, in_time: Callable[[], bool], sleep: Callable[[float], None]
) -> str:
    """Do what CloudFormation asks for. Gives the physical id: another database or role is another resource, so that the
    old association is deleted once everything else went well."""
    old = str(event.get("PhysicalResourceId", NOTHING))
    if event["RequestType"] == "Delete":
        if old != NOTHING:
            kind, name, role = old.split(" ")
            Database(rds, kind, name, role, in_time, sleep).part()
        return old
    given = event["ResourceProperties"]
    new = f"{given['Kind']} {given['Database']} {given['Role']}"
    if event["RequestType"] == "Create":
        answer.physical_id = new  # should it fail half way, this is what CloudFormation has deleted
    database = Database(rds, given["Kind"], given["Database"], given["Role"], in_time, sleep)
    try:
        database.associate()
    except Exception:
        if database.added:
            database.part()  # after an Update nobody else would: the stack goes back to the old one, and knows no other
        raise
    return new


class Database:
    """A database and a role, associated and parted with patience: RDS takes such changes one at a time."""

    def __init__(
        self, rds: Any, kind: str, name: str, role: str, in_time: Callable[[], bool], sleep: Callable[[float], None]
    ) -> None:
        self.rds, self.name, self.role = rds, name, role
        self.word, self.api = WORDS[kind]
        self.in_time, self.sleep = in_time, sleep
        self.added = False

    def associate(self) -> None:
        """Associate them, and wait until RDS can take the role."""
        young = 0
        while True:
            try:
                status = self.status()
                if status is None:
                    self._call("add_role_to_db_")
                    self.added = True
                otherwise = f"The role of the {self.word} {self.name} is not active yet. Deploy again."
            except Exception as error:
                code, otherwise = code_of(error), str(error)
                if code in THERE and self.status() is None:
                    raise RuntimeError(self._taken()) from error
                young += code in YOUNG
                if code not in (*BUSY, *THERE) and not (code in YOUNG and young < YOUNG_TRIES):
                    raise
                status = None
            if status == "ACTIVE":
                return
            if status == "INVALID":
                raise RuntimeError(f"RDS cannot take the role {self.role} for the {self.word} {self.name}.")
            self._pause(otherwise)

    def part(self) -> None:
        """Part them. What is not there is parted."""
        while True:
            try:
                return self._call("remove_role_from_db_")
            except Exception as error:
                if code_of(error) in GONE:
                    return
                if code_of(error) not in BUSY:
                    raise
                self._pause(str(error))

    def status(self) -> str | None:
        """What RDS says of the association; ``None`` where there is none."""
        for one in self._roles():
            if one.get("RoleArn") == self.role and one.get("FeatureName") == FEATURE:
                return str(one.get("Status", "ACTIVE"))
        return None

    def _roles(self) -> list[dict[str, Any]]:
        described = getattr(self.rds, f"describe_db_{self.word}s")(**{f"{self.api}Identifier": self.name})
        return list(described[f"{self.api}s"][0].get("AssociatedRoles", []))

    def _taken(self) -> str:
        others = [str(one.get("RoleArn")) for one in self._roles() if one.get("FeatureName") == FEATURE]
        return (
            f"The {self.word} {self.name} has a role for Lambda already, {', '.join(others) or 'it says'}. Write "
            f"role={(others or ['its name'])[0]!r} in @app.postgres_function, or remove it from the {self.word}."
        )

    def _call(self, operation: str) -> None:
        given = {f"{self.api}Identifier": self.name, "RoleArn": self.role, "FeatureName": FEATURE}
        getattr(self.rds, f"{operation}{self.word}")(**given)

    def _pause(self, otherwise: str) -> None:
        if not self.in_time():
            raise RuntimeError(otherwise)
        self.sleep(WAITS)


def code_of(error: Exception) -> str:
    """RDS's code of an error."""
    return str(getattr(error, "response", {}).get("Error", {}).get("Code", ""))
