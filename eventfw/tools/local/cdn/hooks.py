"""Running edge functions: what each is shown, and what CloudFront makes of its result."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eventfw.errors import EventfwError
from eventfw.rules.edge import check_edge
from eventfw.sources.edge import RefusedResult
from eventfw.tools.local.cdn.cloudfront import changed_response, edge_event, edge_request, edge_response, error_page
from eventfw.tools.local.cdn.sites import Association, Behavior
from eventfw.tools.local.web.asgi import HttpRequest, HttpResponse, Invoke, failure
from eventfw.tools.local.web.waiting import TimedInvoke
from eventfw.tools.local.workers.results import Throttled

#: Seconds an edge function may take.
TIMEOUT = 30.0
REFUSED = f"{RefusedResult.__name__}: "


@dataclass
class Visit:
    """One viewer's request on its way: the behavior its distribution has for it, the last function that ran, and how it
    went where the cache was asked, in the words of X-Cache."""

    distribution: str
    behavior: Behavior
    default_root_object: str
    identity: str
    function: str = ""
    cache: str = ""


class Ended(Exception):
    """A visit that ends with a page of CloudFront's own; ``result_type`` is what its X-Cache header says."""

    def __init__(self, page: HttpResponse, result_type: str) -> None:
        super().__init__(page.status)
        self.page = page
        self.result_type = result_type


class Hooks:
    """Runs the functions of a visit's behavior, by ``invoke``, for up to ``timeout`` seconds each."""

    def __init__(self, invoke: Invoke, timeout: float = TIMEOUT) -> None:
        self.invoke = TimedInvoke(invoke, timeout)

    async def on_request(
        self, event_type: str, visit: Visit, request: HttpRequest, more: Mapping[str, Any]
    ) -> dict[str, Any]:
        """What the function of that event type made of the request; nothing where there is none. Raises Ended."""
        association = visit.behavior.hooks.get(event_type)
        if association is None:
            return {}
        seen = edge_request(request, body_of=event_type if association.include_body else "")
        return await self._asked(association, visit, {"request": seen | dict(more)})

    async def on_response(
        self, event_type: str, visit: Visit, request: HttpRequest, response: HttpResponse
    ) -> HttpResponse:
        """The response after the function of that event type. Raises Ended."""
        association = visit.behavior.hooks.get(event_type)
        if association is None:
            return response
        event = {"request": edge_request(request), "response": edge_response(response)}
        return changed_response(await self._asked(association, visit, event), response)

    async def _asked(self, association: Association, visit: Visit, content: dict[str, Any]) -> dict[str, Any]:
        """A function's result. Where CloudFront gets none that it accepts, the visit ends."""
        visit.function = association.function
        event = edge_event(association.event_type, visit.distribution, visit.identity) | content
        try:
            result = await self._invoked(association.function, event)
        except _Failed as failed:
            page = error_page(failed.status, f"The Lambda function {failed}", visit.identity)
            raise Ended(page, failed.result_type) from failed
        problems = check_edge(association.event_type, event, result)
        if problems:
            reason = f"The Lambda function result failed validation: {' '.join(problems)}"
            page = error_page(502, reason, visit.identity, problem=f"{association.function}: {' '.join(problems)}")
            raise Ended(page, "LambdaValidationError")
        return dict(result)

    async def _invoked(self, function: str, event: dict[str, Any]) -> Any:
        """The function's result. Raises _Failed where CloudFront gets none."""
        payload = json.dumps({"Records": [{"cf": event}]}, separators=(",", ":")).encode()
        try:
            outcome = await self.invoke(function, payload)
        except TimeoutError:
            raise _Failed(f"{function} ran longer than {self.invoke.seconds:g} s.", "LambdaLimitExceeded") from None
        except Throttled as error:
            raise _Failed(f"{function} was throttled: {error}", "LambdaLimitExceeded") from error
        except EventfwError as error:
            raise _Failed(f"{function} could not be run: {error}", "LambdaExecutionError") from error
        if outcome.error:
            said = failure(outcome.payload)
            if said.startswith(REFUSED):  # on AWS the result would get as far as CloudFront, and no further
                raise _Failed(f"{function}: {said.removeprefix(REFUSED)}", "LambdaValidationError", 502)
            raise _Failed(f"{function} failed: {said}", "LambdaExecutionError")
        try:
            return json.loads(outcome.payload)
        except ValueError:
            raise _Failed(f"{function} returned what is not JSON.", "LambdaExecutionError") from None


class _Failed(Exception):
    """No result; ``result_type`` is what CloudFront's X-Cache header says of it."""

    def __init__(self, message: str, result_type: str, status: int = 503) -> None:
        super().__init__(message)
        self.result_type = result_type
        self.status = status
