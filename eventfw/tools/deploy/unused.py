"""Tags the code in the bucket that no stack of an app names any more, so that its lifecycle expires it."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

from eventfw.tools.deploy.access import Clients, aws_errors
from eventfw.tools.deploy.bucket import CodeBucket
from eventfw.tools.deploy.stacks import read_template, stacks_of

_SETTLING = timedelta(days=1)
"""Younger code is left alone: another deployment may have uploaded it and not yet named it."""


def tag_unused(clients: Clients, bucket: CodeBucket, app: str) -> int:
    """Tag what is unused, untag what is used again; how many objects were newly found unused.

    While any stack of the app is being changed, or failed to go back, nothing is tagged: it may need any code it had.
    """
    stacks = stacks_of(clients, app, bucket.region)
    if not all(stack.at_rest for stack in stacks):
        return 0
    tagged = 0
    with aws_errors(f"tagging unused code in {bucket.name}", clients.endpoint_url):
        cloudformation = clients.client("cloudformation", bucket.region)
        used: set[str] = set()
        for stack in stacks:
            used |= _keys(app, json.dumps(read_template(cloudformation, stack.id)))
        for item in bucket.objects(app):
            unused = item["Key"] not in used
            if unused and datetime.now(UTC) - item["LastModified"] < _SETTLING:
                continue
            if bucket.is_unused(item["Key"]) != unused:
                bucket.set_unused(item["Key"], unused)
                tagged += unused
    return tagged


def _keys(app: str, text: str) -> set[str]:
    return set(re.findall(rf"{re.escape(app)}/[0-9a-f]{{64}}\.zip", text))
