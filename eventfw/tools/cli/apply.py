"""A child of the local server: builds the app's local variant and deploys it into the embedded AWS.

Not a command of the user's. It is a process of its own, because it imports the user's app and boto3, which the server
never does. It reads an order from standard input and answers on standard output with one JSON object.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from eventfw.errors import DeployError, EventfwError
from eventfw.resources.names import LOCAL_STAGE
from eventfw.tools.local.cloud.infrastructure import Order

if TYPE_CHECKING:
    from eventfw.tools.deploy.access import Clients


def apply(order: Order) -> dict[str, Any]:
    """Build and deploy; says what changed, by variable what AWS has called what it names itself, and what the local
    server has to do of Lambda."""
    from eventfw.tools.build.assemble import LocalVariant, build
    from eventfw.tools.build.lambda_service import resolved
    from eventfw.tools.deploy.access import Access, Clients
    from eventfw.tools.deploy.deploy import deploy
    from eventfw.tools.local.workers.modules import read_afresh
    from eventfw.tools.project import Stage, load_project

    read_afresh(order.directory)
    project = load_project(order.directory, order.app)
    artifacts = build(project, Stage(LOCAL_STAGE, region=order.region), local=LocalVariant(order.push_url))
    count = sum(len(stack.template["Resources"]) for stack in artifacts.stacks)
    if count == 0:
        return {"changed": False, "resources": 0, "names": {}, "lambda": artifacts.local, "changes": []}
    access = Access(region=order.region, endpoint_url=order.endpoint)
    try:
        outcome = deploy(artifacts, access=access)
    except DeployError as error:
        raise DeployError(error.message + remedy(Clients(access), project.app.name), place=error.place) from None
    outputs = {name: value for stack in outcome.outputs.values() for name, value in stack.items()}
    named = [one for one in project.app.resources if one.named_by_aws and one.logical_id in outputs]
    names = {one.variable: outputs[one.logical_id] for one in named}
    told = resolved(artifacts.local, outcome.outputs)
    made = [change.as_json() for stack in outcome.plan.stacks for change in stack.changes]
    return {"changed": outcome.changed, "resources": count, "names": names, "lambda": told, "changes": made}


def remedy(clients: Clients, app: str) -> str:
    """What to do where another app in the embedded AWS may have what this one wants, by its old name perhaps: the local
    variant names resources without their app."""
    from eventfw.tools.deploy.stacks import apps_of

    others = sorted(apps_of(clients, LOCAL_STAGE, clients.region) - {app})
    if not others:
        return ""
    return (
        f"\nThis AWS also has the app {', '.join(others)}, and a name is one app's only. If {app} was called so "
        f"before, call it so again, or begin with an empty AWS: where it is kept, that is rm -r .eventfw/aws before "
        f"the next start."
    )


def main() -> None:
    """Read an order, obey it, answer."""
    order = Order(**json.loads(sys.stdin.read()))
    answer, sys.stdout = sys.stdout, sys.stderr  # what the app prints when it is imported is not the answer
    try:
        result = apply(order)
    except EventfwError as error:
        result = {"error": error.message, "place": error.place}
    answer.write(json.dumps(result) + "\n")
    answer.flush()


if __name__ == "__main__":
    main()
