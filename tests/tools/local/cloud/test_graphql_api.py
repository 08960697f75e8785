"""A GraphQL API of the embedded AWS asks the app's handlers."""

from __future__ import annotations

import http.client
import json
from pathlib import Path
from typing import Any

from live import PATIENCE, Live, write

APP = '''
    from eventfw import App

    app = App("demo")
    shop = app.graphql_api(
        "shop",
        authorization="AWS_LAMBDA",
        schema="""
            type Person { name: String! }
            type Photo { name: String!, author: Person }
            type Query { photo(name: String!): Photo }
        """,
    )


    @app.appsync_authorizer(shop)
    def door(event):
        return event.token == "member"


    @app.appsync_resolver(shop, "Query", "photo")
    def photo(event):
        return {"name": event.arguments["name"]}


    @app.appsync_resolver(shop, "Photo", "author")
    def author(event):
        return {"name": "the author of " + event.source["name"]}
'''


def test_a_query_runs_the_authorizer_and_the_resolvers(tmp_path: Path) -> None:
    write(tmp_path / "app.py", APP)
    live = Live(tmp_path)
    try:
        (api,) = live.client("appsync").list_graphql_apis()["graphqlApis"]

        def ask(query: str, token: str = "member") -> Any:
            connection = http.client.HTTPConnection(live.address("aws"), timeout=PATIENCE)
            try:
                headers = {"authorization": token, "content-type": "application/json"}
                connection.request("POST", f"/v1/apis/{api['apiId']}/graphql", json.dumps({"query": query}), headers)
                return json.loads(connection.getresponse().read())
            finally:
                connection.close()

        query = '{ photo(name: "cat") { name author { name } } }'
        assert ask(query) == {"data": {"photo": {"name": "cat", "author": {"name": "the author of cat"}}}}
        assert ask(query, token="stranger")["errors"][0]["errorType"] == "UnauthorizedException"
    finally:
        live.stop()
