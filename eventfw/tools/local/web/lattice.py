"""VPC Lattice with a function as its target, event structures V1 and V2: request to event, result to response.

https://docs.aws.amazon.com/vpc-lattice/latest/ug/lambda-functions.html
What that page leaves open is done as a load balancer does it: the query stays encoded, an empty body is ``""`` in V1,
a result is checked as strictly, and a failure is a 502.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from eventfw.tools.local.web.alb import checked_status, target_response
from eventfw.tools.local.web.asgi import Headers, HttpRequest, HttpResponse
from eventfw.tools.local.web.http_shared import (
    BadResult,
    encoded_body,
    is_text,
    joined,
    listed,
    loaded,
    multi_headers,
    query_pairs,
    single_headers,
)

#: Bytes of a request's body, and of a function's result.
BODY_LIMIT = RESULT_LIMIT = 6 * 1024 * 1024

_ARN = "arn:aws:vpc-lattice:us-east-1:000000000000:"


def lattice_v1_event(request: HttpRequest) -> dict[str, Any]:
    """Structure V1: strings only, the values of a repeated header joined, the last of a repeated parameter."""
    body, encoded = encoded_body(request.body, is_text(request))
    return {
        "raw_path": request.target,
        "method": request.method,
        "headers": joined(request.headers, ", "),
        "query_string_parameters": dict(query_pairs(request.query)),
        "body": body,
        "is_base64_encoded": encoded,
    }


def lattice_v2_event(
    request: HttpRequest,
    *,
    received: datetime,
    service_network: str = f"{_ARN}servicenetwork/sn-local",
    service: str = f"{_ARN}service/svc-local",
    target_group: str = f"{_ARN}targetgroup/tg-local",
    identity: dict[str, str] | None = None,
    region: str = "us-east-1",
) -> dict[str, Any]:
    """Structure V2: a list of values for each header and parameter; ``timeEpoch`` in microseconds, as a string."""
    event: dict[str, Any] = {
        "version": "2.0",
        "path": request.target,
        "method": request.method,
        "headers": listed(request.headers),
        "queryStringParameters": listed(query_pairs(request.query)),
        "requestContext": {
            "serviceNetworkArn": service_network,
            "serviceArn": service,
            "targetGroupArn": target_group,
            "identity": identity or {},
            "region": region,
            "timeEpoch": str(int(received.timestamp() * 1_000_000)),
        },
    }
    if request.body:
        event["body"], event["isBase64Encoded"] = encoded_body(request.body, is_text(request))
    return event


def lattice_response(payload: bytes) -> HttpResponse:
    """The response made of a function's result; 502 with the reason in ``problem`` where there is none to make.

    The value of a header may be a list, each entry of which is a header of its own.
    """
    try:
        if len(payload) > RESULT_LIMIT:
            raise BadResult(f"the function's result has {len(payload)} bytes, over VPC Lattice's {RESULT_LIMIT}.")
        result = loaded(payload)
        status = checked_status(result, "headers")
        return target_response(result, status, _pairs(result.get("headers")))
    except BadResult as reason:
        return lattice_error(problem=str(reason))


def _pairs(headers: Any) -> Headers:
    if not isinstance(headers, dict):
        return single_headers(headers)
    lists = {name: value for name, value in headers.items() if isinstance(value, list)}
    rest = {name: value for name, value in headers.items() if name not in lists}
    return single_headers(rest, strict=True) + multi_headers(lists, strict=True)


def lattice_error(*, problem: str = "") -> HttpResponse:
    """The answer where the function failed, or returned what no response can be made of."""
    return HttpResponse(502, [], b"", problem)
