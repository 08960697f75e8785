"""The event of a Lambda proxy integration, which REST APIs and HTTP APIs in payload format 1.0 have in common.

https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from eventfw.tools.local.web.asgi import Headers, HttpRequest
from eventfw.tools.local.web.http_shared import (
    common_log_time,
    decoded_query,
    domain_prefix,
    epoch_milliseconds,
    listed,
)

#: Headers whose names the gateway writes its own way, whatever the client wrote.
_NAMES = {
    name.lower(): name
    for name in (
        "Authorization", "Host", "User-Agent", "X-Amzn-Trace-Id", "X-Forwarded-For", "X-Forwarded-Port",
        "X-Forwarded-Proto",
    )
}  # fmt: skip
_ANONYMOUS = dict.fromkeys((
    "accessKey", "accountId", "caller", "cognitoAuthenticationProvider", "cognitoAuthenticationType",
    "cognitoIdentityId", "cognitoIdentityPoolId", "principalOrgId", "user", "userArn",
))  # fmt: skip


def recased(headers: Headers) -> Headers:
    """The headers under the names that the event has for them."""
    return [(_NAMES.get(name.lower(), name), value) for name, value in headers]


def proxy_context(
    request: HttpRequest,
    *,
    account_id: str,
    api_id: str,
    request_id: str,
    extended_request_id: str,
    received: datetime,
    path: str,
    resource_id: str | None,
    resource_path: str,
    stage: str,
) -> dict[str, Any]:
    """``requestContext`` of a caller who is nobody in particular. ``request`` has its headers in lower case."""
    domain = request.header("host")
    agent = request.header("user-agent") or None
    return {
        "accountId": account_id,
        "apiId": api_id,
        "domainName": domain,
        "domainPrefix": domain_prefix(domain),
        "extendedRequestId": extended_request_id,
        "httpMethod": request.method,
        "identity": _ANONYMOUS | {"sourceIp": request.source_ip, "userAgent": agent},
        "path": path,
        "protocol": request.protocol,
        "requestId": request_id,
        "requestTime": common_log_time(received),
        "requestTimeEpoch": epoch_milliseconds(received),
        "resourceId": resource_id,
        "resourcePath": resource_path,
        "stage": stage,
    }


def proxy_event(
    request: HttpRequest,
    headers: Headers,
    resource: str,
    path: str,
    path_parameters: dict[str, str],
    stage_variables: dict[str, str] | None,
    context: dict[str, Any],
    body: tuple[str, bool],
) -> dict[str, Any]:
    """The event of a request. The maps of single values have the last of each name, the others all of them."""
    query = decoded_query(request.query)
    return {
        "resource": resource,
        "path": path,
        "httpMethod": request.method,
        "headers": dict(headers),
        "multiValueHeaders": listed(headers),
        "queryStringParameters": dict(query) or None,
        "multiValueQueryStringParameters": listed(query) or None,
        "pathParameters": path_parameters or None,
        "stageVariables": stage_variables or None,
        "requestContext": context,
        "body": body[0] or None,
        "isBase64Encoded": body[1],
    }
