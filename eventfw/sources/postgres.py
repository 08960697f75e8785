"""``@app.postgres_function``: a function that SQL calls, in RDS or Aurora PostgreSQL."""

from __future__ import annotations

from ..events import Event
from ..http import plain
from ..options import flag, refused, text
from ..resources.names import pascal
from ..resources.queue import is_account
from ..trigger import Trigger, guarded_request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..calling import Binding
    from ..function import Function
    from ..resources.resource import Template
    from ..rules.witness import Effort

ID_MAX = 63  # characters of a database's identifier
KINDS = {False: "cluster", True: "db"}  # what stands in an ARN, by whether it is an instance


class PostgresFunction(Trigger):
    """Run for ``SELECT * FROM aws_lambda.invoke(...)`` in a PostgreSQL database.

    ``database``: the Aurora cluster, by identifier or ARN. ``instance``: ``True`` where the identifier is that of an
    RDS instance; an ARN says so itself. ``role``: the name or ARN of the role that the database has for Lambda already:
    it gets leave to invoke the function. Unless said, a role is made and associated with the database: that has one for
    this feature, so all functions of an app share it.

    The payload has no mark of its own, so a function has one handler of this kind: it gets what no other trigger of the
    function takes. https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/PostgreSQL-Lambda.html
    """

    decorator = "postgres_function"
    example = '@app.postgres_function("shop")'

    def __init__(self, database: str, *, instance: bool = False, role: str | None = None) -> None:
        super().__init__()
        self.database = database
        self.instance = instance
        self.role = role
        self.validate()

    def validate(self) -> None:
        text("postgres_function", "database", self.database, 'Write @app.postgres_function("shop").')
        flag("postgres_function", "instance", self.instance)
        parts = self.database.split(":")
        whole = len(parts) == 7 and parts[2] == "rds" and parts[3] and is_account(parts[4])
        if len(parts) > 1 and not (whole and parts[5] in KINDS.values()):
            raise refused(
                f"database must be an identifier, or arn:aws:rds:REGION:ACCOUNT:cluster:ID (of an instance db:ID), "
                f"not {self.database!r}."
            )
        if whole and self.instance and parts[5] == "cluster":
            raise refused(f"{self.database!r} is the ARN of a cluster. Remove instance=True.")
        name = parts[-1]
        if not 0 < len(name) <= ID_MAX or not all(c.isascii() and (c.isalnum() or c == "-") for c in name):
            raise refused(f"A database's identifier has 1 to {ID_MAX} letters, digits and hyphens, not {name!r}.")
        if self.role is not None:
            text("postgres_function", "role", self.role, "Remove it to have one made.")
            if self.role.startswith("arn:") and ":role/" not in self.role:
                raise refused(f"role must be a role's name, or arn:aws:iam::ACCOUNT:role/NAME, not {self.role!r}.")

    @property
    def _kind(self) -> str:
        return self.database.split(":")[5] if ":" in self.database else KINDS[self.instance]

    @property
    def _name(self) -> str:
        return self.database.rpartition(":")[2]

    def overlap(self, other: Trigger, effort: Effort) -> dict[str, Any] | None:
        """A route with an authorizer: the payload is the whole event, which a query writes."""
        return guarded_request(other)  # type: ignore[no-any-return]

    def title(self) -> str:
        return f"postgres {self._name}"

    def call(self, binding: Binding, event: Event) -> Any:
        return binding(event.raw, event.context)

    def payload(self, event: Any) -> Any:
        return event

    def encode(self, result: Any, event: Event) -> Any:
        return plain(result)

    def resources(self, function: Function, template: Template) -> None:
        """The role that the database takes, its association, and the SQL as an output. The embedded AWS has no such
        database."""
        if template.local:
            return
        arn = template.function_arn(function)
        sql = "SELECT * FROM aws_lambda.invoke('${Function}', '{}'::json);"
        base = pascal(self.own_name)
        template.output(f"{base}Sql", {"Fn::Sub": [sql, {"Function": arn}]}, f"How {self._name} runs {self.handler}")
        if self.role is None:
            self._associated(function, template)
            return
        statement = {"Effect": "Allow", "Action": ["lambda:InvokeFunction"], "Resource": [arn]}
        properties = {
            "PolicyName": template.physical(self.own_name),
            "PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]},
            "Roles": [self.role.rpartition("/")[2]],
        }
        template.add(f"{base}PostgresPolicy", "AWS::IAM::Policy", properties)

    def _associated(self, function: Function, template: Template) -> None:
        """One role for each database, in the app's main stack, with leave to invoke all functions."""
        main = template.main
        if template is main:
            arn = template.function_arn(function)
        else:
            real = template.physical(function.name) + (":live" if function.name in template.published else "")
            arn = {"Fn::Sub": f"arn:${{AWS::Partition}}:lambda:${{AWS::Region}}:${{AWS::AccountId}}:function:{real}"}
        role = f"{pascal(self._name)}{'Cluster' if self._kind == 'cluster' else 'Instance'}LambdaRole"
        if main.has(role):
            [statement] = main.properties(role)["Policies"][0]["PolicyDocument"]["Statement"]
            if arn not in statement["Resource"]:
                statement["Resource"].append(arn)
            return
        its = self._arn()
        ours = {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}, "ArnLike": {"aws:SourceArn": its}}
        main.role(role, "rds.amazonaws.com", [(["lambda:InvokeFunction"], [arn])], conditions=ours)
        main.associate(role, self._kind, self._name, its)

    def _arn(self) -> Any:
        if ":" in self.database:
            return self.database
        arn = f"arn:${{AWS::Partition}}:rds:${{AWS::Region}}:${{AWS::AccountId}}:{self._kind}:{self._name}"
        return {"Fn::Sub": arn}

    def sample(self, **fields: Any) -> Any:
        """What SQL sends. Fields: ``payload``."""
        self.fields_among(fields, ("payload",))
        return fields.get("payload", {})
