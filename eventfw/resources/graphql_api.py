"""GraphQLApi: an AppSync GraphQL API."""

from __future__ import annotations

from ..options import flag, one_of, refused, text, whole
from .elsewhere import arn_of, check_named, end_of, id_in
from .names import pascal
from .resource import Resource

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Self

    from .resource import Template
    from .user_pool import UserPool

AUTHORIZATIONS = ("AWS_IAM", "AMAZON_COGNITO_USER_POOLS", "AWS_LAMBDA")
DEPTH_MAX = 75  # levels: CreateGraphqlApi's queryDepthLimit
SCHEMA_MAX = 1_000_000  # bytes: "Schema document size" in the AppSync quotas


class GraphQLApi(Resource):
    """A GraphQL API that the app owns, with its schema, or (``GraphQLApi.existing``) one that is there already.

    Options
        ``schema``: the schema, in GraphQL's own language. Its fields are resolved by ``@app.appsync_resolver``.
        ``authorization``: who may call it: ``AWS_IAM``, whoever has leave to (``appsync:GraphQL``);
        ``AMAZON_COGNITO_USER_POOLS``, the users of ``user_pool``; ``AWS_LAMBDA``, whom the API's
        ``@app.appsync_authorizer`` lets in.
        ``user_pool``: the pool whose users may call it.
        ``introspection``: ``False`` refuses to tell the schema to clients.
        ``query_depth_limit``: levels (1-75) that a query may have.

    https://docs.aws.amazon.com/appsync/latest/devguide/what-is-appsync.html
    """

    type = "graphql_api"
    named_by_aws = True

    def __init__(
        self,
        name: str,
        *,
        schema: str,
        authorization: str = "AWS_IAM",
        user_pool: UserPool | str | None = None,
        introspection: bool = True,
        query_depth_limit: int | None = None,
    ) -> None:
        super().__init__(name)
        self.schema = schema
        self.authorization = authorization
        self.user_pool = user_pool if user_pool is None else pool_of(user_pool)
        self.introspection = introspection
        self.query_depth_limit = query_depth_limit
        self.named = ""
        self.validate()

    def validate(self) -> None:
        text("graphql_api", "name", self.key, 'Write app.graphql_api("shop", schema=...).')
        if not pascal(self.key) or not all(char.isascii() and (char.isalnum() or char in "-_") for char in self.key):
            raise refused(f"name must be letters, digits, - and _ for graphql_api, not {self.key!r}.")
        text("graphql_api", "schema", self.schema, "Write it in GraphQL's schema language: type Query { ... }.")
        if len(self.schema.encode()) > SCHEMA_MAX:
            raise refused(f"schema has {len(self.schema.encode())} bytes, over AppSync's {SCHEMA_MAX}.")
        one_of("graphql_api", "authorization", self.authorization, AUTHORIZATIONS)
        if (self.user_pool is not None) != (self.authorization == "AMAZON_COGNITO_USER_POOLS"):
            raise refused("user_pool goes with authorization='AMAZON_COGNITO_USER_POOLS'. Write both, or neither.")
        flag("graphql_api", "introspection", self.introspection)
        if self.query_depth_limit is not None:
            whole("graphql_api", "query_depth_limit", self.query_depth_limit, 1, DEPTH_MAX, "Remove it for no limit.")

    @classmethod
    def existing(cls, name: str) -> Self:
        """An API that is there already, by id or ARN. It is never created; its resolvers are."""
        check_named("graphql_api", "a GraphQL API", name, "appsync", "apis")
        api = cls(id_in(name, "apis"), schema="type Query { _: String }")
        api.owned, api.named = False, name
        return api

    @property
    def logical_id(self) -> str:
        return pascal(self.key) + "GraphQLApi"

    @property
    def schema_id(self) -> str:
        """The logical id of the schema."""
        return pascal(self.key) + "GraphQLSchema"

    @property
    def claims(self) -> set[str]:
        return super().claims | ({self.schema_id} if self.owned else set())

    def reference(self, template: Template) -> Any:
        """The address that clients call."""
        return template.reference(self.logical_id, "GraphQLUrl")

    def arn_in(self, template: Template) -> Any:
        if self.owned:
            return template.reference(self.logical_id, "Arn")
        return arn_of(self.named, "appsync", "apis")

    def id_in(self, template: Template) -> Any:
        """The id as a template writes it."""
        return template.reference(self.logical_id, "ApiId") if self.owned else self.key

    @property
    def part(self) -> str:
        """What stands for the API in the logical ids of what belongs to it."""
        return pascal(self.key) if self.owned else end_of(self.key)

    def resources(self, template: Template) -> None:
        """The API and its schema. In the embedded AWS, too, an existing one is not made: only it has its schema."""
        if not self.owned:
            return
        properties: dict[str, Any] = {
            "Name": template.physical(self.key),
            "AuthenticationType": self.authorization,
            "IntrospectionConfig": "ENABLED" if self.introspection else "DISABLED",
        }
        if self.user_pool is not None:
            pool = self.user_pool
            pool_id: Any = template.reference(pool.logical_id) if pool.made_by(template) else pool.key
            region = {"Ref": "AWS::Region"} if pool.made_by(template) else pool.key.partition("_")[0]
            properties["UserPoolConfig"] = {"UserPoolId": pool_id, "AwsRegion": region, "DefaultAction": "ALLOW"}
        if self.query_depth_limit is not None:
            properties["QueryDepthLimit"] = self.query_depth_limit
        template.add(self.logical_id, "AWS::AppSync::GraphQLApi", properties)
        schema = {"ApiId": {"Fn::GetAtt": [self.logical_id, "ApiId"]}, "Definition": self.schema}
        template.add(self.schema_id, "AWS::AppSync::GraphQLSchema", schema)

    def conclude(self, template: Template) -> None:
        """Refuse an API that nobody could call."""
        if not self.owned or self.authorization != "AWS_LAMBDA":
            return
        if "LambdaAuthorizerConfig" not in template.properties(self.logical_id):
            raise self.refused(
                f"The API {self.key!r} asks a function who may call it, and has none. "
                f"Write @app.appsync_authorizer(...) above a handler."
            )


def pool_of(named: UserPool | str) -> UserPool:
    """The user pool that an option was given."""
    from .user_pool import UserPool

    return UserPool.of("graphql_api", named)
