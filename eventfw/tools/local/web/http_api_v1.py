"""API Gateway's HTTP API, payload format 1.0: nearly a REST API's event, and a response by the HTTP API's own rules.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from eventfw.tools.local.web.asgi import HttpRequest, HttpResponse
from eventfw.tools.local.web.http_api import event_body, finished, gateway_error
from eventfw.tools.local.web.http_shared import BadResult, loaded, status_code
from eventfw.tools.local.web.proxy_event import proxy_context, proxy_event, recased
from eventfw.tools.local.web.rest_api import merged_headers


def http_v1_event(
    request: HttpRequest,
    route_key: str,
    path_parameters: dict[str, str],
    *,
    request_id: str,
    received: datetime,
    stage: str = "$default",
    account_id: str = "000000000000",
    api_id: str = "local",
    stage_variables: dict[str, str] | None = None,
) -> dict[str, Any]:
    """The event the function receives. A named stage stays in ``path``; base64 is as in format 2.0.

    AWS's page shows ``resourceId`` as null and one request id under both names, and so does this.
    """
    resource = route_key.partition(" ")[2] or route_key
    context = proxy_context(
        request,
        account_id=account_id,
        api_id=api_id,
        request_id=request_id,
        extended_request_id=request_id,
        received=received,
        path=request.path,
        resource_id=None,
        resource_path=resource,
        stage=stage,
    )
    headers, body = recased(request.headers), event_body(request)
    event = proxy_event(request, headers, resource, request.path, path_parameters, stage_variables, context, body)
    return {"version": "1.0"} | event


def http_v1_response(payload: bytes) -> HttpResponse:
    """The response made of a function's result; 500 with the reason in ``problem`` where there is none to make.

    Nothing is inferred: ``statusCode`` is required. What else a result contains is not looked at.
    """
    try:
        result = loaded(payload)
        if not isinstance(result, dict) or "statusCode" not in result:
            raise BadResult("the function's result must be an object with a statusCode in payload format 1.0.")
        return finished(result, status_code(result["statusCode"]), merged_headers(result))
    except BadResult as reason:
        return gateway_error(500, problem=str(reason))
