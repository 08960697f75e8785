"""One request, as the two kinds of API send it, and Lambda's context."""

from __future__ import annotations

from typing import Any

HEADERS = {
    "accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    "accept-encoding": "gzip, deflate, br",
    "accept-language": "en-GB,en;q=0.5",
    "host": "a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com",
    "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "x-amzn-trace-id": "Root=1-66b5c0de-5f84a1f61d9c2f6a2b1c0d3e",
    "x-forwarded-for": "203.0.113.10",
    "x-forwarded-port": "443",
    "x-forwarded-proto": "https",
}


class Context:
    """What Lambda passes beside the event."""

    function_name = "bench-api"
    function_version = "$LATEST"
    invoked_function_arn = "arn:aws:lambda:eu-west-1:123456789012:function:bench-api"
    memory_limit_in_mb = "256"
    aws_request_id = "8f507cfc-7a6e-4697-bf0f-38d2d5d0a1c7"
    log_group_name = "/aws/lambda/bench-api"
    log_stream_name = "2026/01/01/[$LATEST]6dd2d4d1a5b24c0a"
    identity = None
    client_context = None

    def get_remaining_time_in_millis(self) -> int:
        return 29_000


def http_api_event(route: str, name: str) -> dict[str, Any]:
    """A GET request as an HTTP API sends it, payload format 2.0."""
    path = route.replace("{name}", name)
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": f"GET {route}",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {**HEADERS, "content-length": "0"},
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "a1b2c3d4e5",
            "domainName": "a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com",
            "domainPrefix": "a1b2c3d4e5",
            "http": {
                "method": "GET",
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "203.0.113.10",
                "userAgent": HEADERS["user-agent"],
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": f"GET {route}",
            "stage": "$default",
            "time": "01/Jan/2026:00:00:00 +0000",
            "timeEpoch": 1767225600000,
        },
        "isBase64Encoded": False,
    }
    if path != route:
        event["pathParameters"] = {"name": name}
    return event


def rest_api_event(route: str, name: str) -> dict[str, Any]:
    """The same request as a REST API sends it."""
    path = route.replace("{name}", name)
    return {
        "resource": route,
        "path": path,
        "httpMethod": "GET",
        "headers": HEADERS,
        "multiValueHeaders": {key: [value] for key, value in HEADERS.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": {"name": name} if path != route else None,
        "stageVariables": None,
        "requestContext": {
            "resourceId": "2gxmpl",
            "resourcePath": route,
            "httpMethod": "GET",
            "extendedRequestId": "JJbxmplHYosFVYQ=",
            "requestTime": "01/Jan/2026:00:00:00 +0000",
            "path": f"/api{path}",
            "accountId": "123456789012",
            "protocol": "HTTP/1.1",
            "stage": "api",
            "domainPrefix": "a1b2c3d4e5",
            "requestTimeEpoch": 1767225600000,
            "requestId": "77375676-xmpl-4b79-853a-f982474efe18",
            "identity": {"sourceIp": "203.0.113.10", "userAgent": HEADERS["user-agent"], "user": None},
            "domainName": "a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com",
            "apiId": "a1b2c3d4e5",
        },
        "body": None,
        "isBase64Encoded": False,
    }
