"""Authorizers: who may send a request, asked before the route's handler, with the answers that AWS gives.

https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html
"""

from __future__ import annotations

import json
import re
import time
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import translate
from typing import Any

from eventfw.errors import EventfwError
from eventfw.tools.local.web.apis import LocalApi
from eventfw.tools.local.web.asgi import HttpRequest, HttpResponse, Invoke, failure
from eventfw.tools.local.web.http_api import gateway_error
from eventfw.tools.local.web.http_shared import decoded_query
from eventfw.tools.local.web.rest_api import rest_error
from eventfw.tools.local.web.waiting import TimedInvoke

HTTP_TIMEOUT = 10.0  # seconds for an authorizer of an HTTP API
REST_TIMEOUT = 29.0  # of a REST API, as for any function behind it
DENIED = "User is not authorized to access this resource"


@dataclass(frozen=True)
class Passed:
    """A request that may pass, and what its handler finds in ``requestContext.authorizer``."""

    context: dict[str, Any] | None = None


class Refused(Exception):
    """A request that may not pass, with the gateway's answer to it, and the function that was asked, if one was."""

    def __init__(self, response: HttpResponse) -> None:
        super().__init__(response.status)
        self.response = response
        self.function = ""


class Authorizing:
    """Asks authorizers, and keeps their answers for as long as each says."""

    def __init__(self, invoke: Invoke) -> None:
        self.asks = {False: TimedInvoke(invoke, HTTP_TIMEOUT), True: TimedInvoke(invoke, REST_TIMEOUT)}
        self._kept: dict[tuple[str, ...], tuple[float, Any]] = {}

    def forget(self) -> None:
        """Forget all answers, those of who is being asked as well: the app has changed."""
        self._kept = {}

    async def passed(
        self, api: LocalApi, guard: Mapping[str, Any], request: HttpRequest, event: dict[str, Any], arn: str
    ) -> Passed:
        """Whether a request may pass. ``event`` is what the route's handler would get, ``arn`` what is asked for.

        Raises :class:`Refused`.
        """
        if guard["kind"] == "iam":
            return signed(api, request)
        values = identity(guard["identity_sources"], request, event["requestContext"])
        if not all(values):
            raise Refused(unauthorized(api, f"the request lacks {' or '.join(guard['identity_sources'])}."))
        if guard["kind"] == "jwt":
            return token_passed(api, guard, values[0])
        expression = guard["expression"]
        if expression and re.fullmatch(expression, values[0]) is None:
            raise Refused(unauthorized(api, f"the token does not match {expression}."))
        try:
            result = await self._asked(api, guard, values, question(api, guard, values, event, arn))
            return http_passed(guard, result, arn) if not api.rest else rest_passed(result, arn)
        except Refused as refused:
            refused.function = guard["function"]
            raise

    async def _asked(self, api: LocalApi, guard: Mapping[str, Any], values: list[str], event: dict[str, Any]) -> Any:
        """The authorizer's answer, or the one it gave before to the same identity."""
        key, kept = (api.name, guard["name"], *values), self._kept
        until, answer = kept.get(key, (0.0, None))
        if until > time.monotonic():
            return answer
        name, ask = guard["name"], self.asks[api.rest]
        try:
            outcome = await ask(guard["function"], json.dumps(event).encode())
        except TimeoutError:
            raise Refused(broken(api, f"the authorizer {name} took longer than {ask.seconds:g} s.")) from None
        except EventfwError as error:
            raise Refused(broken(api, str(error))) from None
        if outcome.error:
            if api.rest and message_of(outcome.payload) == "Unauthorized":
                raise Refused(unauthorized(api, f"the authorizer {name} raised Unauthorized"))
            raise Refused(broken(api, f"the authorizer {name} failed: {failure(outcome.payload)}"))
        result = json.loads(outcome.payload)
        if guard["ttl"] and values:
            kept[key] = (time.monotonic() + guard["ttl"], result)
        return result


def identity(sources: list[str], request: HttpRequest, context: Mapping[str, Any]) -> list[str]:
    """The values of identity sources; empty ones are missing."""
    query, found = dict(reversed(decoded_query(request.query))), []
    for source in sources:
        place, _, name = source.partition(".")
        if place == "header":
            found.append(request.header(name.lower()))
        elif place == "querystring":
            found.append(query.get(name, ""))
        else:
            value: Any = context if place == "context" else {}
            if name == "identity.sourceIp":
                value, name = (context.get("http") or context["identity"]), "sourceIp"
            for part in name.split("."):
                value = value.get(part, "") if isinstance(value, dict) else ""
            found.append(str(value or ""))
    return found


def question(
    api: LocalApi, guard: Mapping[str, Any], values: list[str], event: dict[str, Any], arn: str
) -> dict[str, Any]:
    """The event that an authorizer is given: the handler's without the body."""
    if guard["type"] == "TOKEN":
        return {"type": "TOKEN", "authorizationToken": values[0], "methodArn": arn}
    shown = {name: value for name, value in event.items() if name not in ("body", "isBase64Encoded")}
    if api.rest:
        return {"type": "REQUEST", "methodArn": arn, **shown}
    return {"type": "REQUEST", "routeArn": arn, "identitySource": values or None, **shown}


def http_passed(guard: Mapping[str, Any], result: Any, arn: str) -> Passed:
    """What an HTTP API makes of an authorizer's answer."""
    name = guard["name"]
    if not isinstance(result, dict):
        raise Refused(gateway_error(500, problem=f"the authorizer {name} returned {result!r:.80}, no object."))
    if guard["simple"]:
        if not isinstance(result.get("isAuthorized"), bool):
            raise Refused(gateway_error(500, problem=f"the authorizer {name} returned no isAuthorized."))
        may = result["isAuthorized"]
    else:
        may = effect(result.get("policyDocument"), arn)
        if may is None and not isinstance(result.get("policyDocument"), dict):
            raise Refused(gateway_error(500, problem=f"the authorizer {name} returned no policyDocument."))
    if not may:
        raise Refused(gateway_error(403, problem=f"the authorizer {name} refused it."))
    return Passed({"lambda": result.get("context")})


def rest_passed(result: Any, arn: str) -> Passed:
    """What a REST API makes of an authorizer's answer. A kept policy is asked about every route."""
    policy = result.get("policyDocument") if isinstance(result, dict) else None
    context = (result.get("context") or {}) if isinstance(result, dict) else {}
    if not isinstance(policy, dict) or not isinstance(policy.get("Statement"), list | dict):
        raise Refused(misconfigured(f"the authorizer returned no policyDocument: {result!r:.200}"))
    if not isinstance(context, dict) or any(isinstance(value, dict | list) for value in context.values()):
        raise Refused(
            misconfigured(f"the authorizer's context has more than strings, numbers and booleans: {context!r}")
        )
    may = effect(policy, arn)
    if not may:
        explicit = " with an explicit deny" if may is False else ""
        raise Refused(denied(DENIED + explicit, f"the authorizer's policy does not allow {arn}"))
    told = {name: value if isinstance(value, str) else json.dumps(value) for name, value in context.items()}
    return Passed({"principalId": result.get("principalId", ""), "integrationLatency": 0, **told})


def effect(policy: Any, arn: str) -> bool | None:
    """Whether a policy allows an ARN: ``False`` where it denies it, ``None`` where it says nothing."""
    statements = policy.get("Statement", []) if isinstance(policy, dict) else []
    said = {
        statement.get("Effect")
        for statement in (statements if isinstance(statements, list) else [statements])
        if any(matches(each, "execute-api:Invoke", fold=True) for each in listed(statement.get("Action")))
        and any(matches(each, arn) for each in listed(statement.get("Resource")))
    }
    return False if "Deny" in said else True if "Allow" in said else None


def listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [] if value is None else [str(value)]


def matches(pattern: str, text: str, *, fold: bool = False) -> bool:
    """Whether a text fits an IAM pattern, in which ``*`` is anything and ``?`` one character."""
    expression = translate(pattern.replace("[", "[[]"))
    return re.match(expression, text, re.IGNORECASE if fold else 0) is not None


def signed(api: LocalApi, request: HttpRequest) -> Passed:
    """A signed request. Its signature is not looked at: whoever can reach this machine's port is the developer."""
    if "AWS4-HMAC-SHA256" in request.header("authorization") or "X-Amz-Signature=" in request.query:
        return Passed({} if api.rest else {"iam": {"accountId": "000000000000"}})
    problem = "the route takes signed requests only: its authorizer is 'iam'."
    if api.rest:
        raise Refused(
            rest_error(403, "Missing Authentication Token", "MissingAuthenticationTokenException", problem=problem)
        )
    raise Refused(gateway_error(403, problem=problem))


def token_passed(api: LocalApi, guard: Mapping[str, Any], value: str) -> Passed:
    """A token whose claims are right. Its signature is not looked at, so that a test can write one."""
    try:
        claims = json.loads(decoded(value.removeprefix("Bearer ").removeprefix("bearer ").split(".")[1]))
    except (ValueError, IndexError):
        claims = None
    wrong = wrong_claim(guard, claims) if isinstance(claims, dict) else "the token is no JWT."
    if wrong:
        raise Refused(unauthorized(api, wrong) if api.rest else bearer(401, "invalid_token", wrong))
    scopes = str(claims.get("scope") or " ".join(listed(claims.get("scp")))).split()
    if guard["scopes"] and not set(scopes) & set(guard["scopes"]):
        lacks = f"the token has none of the scopes {guard['scopes']}."
        raise Refused(unauthorized(api, lacks) if api.rest else bearer(403, "insufficient_scope", lacks))
    told = {name: claim if isinstance(claim, str) else json.dumps(claim) for name, claim in claims.items()}
    return Passed({"claims": told} if api.rest else {"jwt": {"claims": told, "scopes": scopes or None}})


def wrong_claim(guard: Mapping[str, Any], claims: Mapping[str, Any]) -> str:
    """What is wrong with a token's claims, if anything."""
    now = time.time()
    if guard["issuer"] and claims.get("iss") != guard["issuer"]:
        return f"iss is {claims.get('iss')!r}, not {guard['issuer']!r}."
    audience = listed(claims.get("aud") or claims.get("client_id"))
    if guard["audience"] and not set(audience) & set(guard["audience"]):
        return f"aud or client_id is {audience}, not among {guard['audience']}."
    for name, late in (("exp", True), ("nbf", False), ("iat", False)):
        moment = claims.get(name)
        if isinstance(moment, int | float) and (moment <= now if late else moment > now):
            return f"{name} is {moment}, and it is {now:.0f}."
    return "" if isinstance(claims.get("exp"), int | float) else "there is no exp."


def decoded(part: str) -> bytes:
    """A part of a token, which is base64 without its filling."""
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))


def message_of(payload: bytes) -> str:
    """The message of a failed invocation."""
    try:
        return str(json.loads(payload).get("errorMessage"))
    except (ValueError, AttributeError):
        return ""


def bearer(status: int, error: str, problem: str) -> HttpResponse:
    """An HTTP API's refusal of a token."""
    response = gateway_error(status, problem=problem)
    response.headers.append(("www-authenticate", f'Bearer error="{error}"'))
    return response


def unauthorized(api: LocalApi, problem: str) -> HttpResponse:
    """401, the authorizer unasked or unwilling."""
    if api.rest:
        return rest_error(401, "Unauthorized", "UnauthorizedException", problem=problem)
    return gateway_error(401, problem=problem)


def denied(message: str, problem: str) -> HttpResponse:
    """A REST API's 403. It writes ``Message`` with a capital here."""
    headers = [("Content-Type", "application/json"), ("x-amzn-ErrorType", "AccessDeniedException")]
    return HttpResponse(403, headers, json.dumps({"Message": message}).encode(), problem)


def misconfigured(problem: str) -> HttpResponse:
    """A REST API's answer to an authorizer that fails or answers wrongly."""
    headers = [("Content-Type", "application/json"), ("x-amzn-ErrorType", "AuthorizerConfigurationException")]
    return HttpResponse(500, headers, b'{"message":null}', problem)


def broken(api: LocalApi, problem: str) -> HttpResponse:
    """500: the authorizer could not be asked, or failed."""
    return misconfigured(problem) if api.rest else gateway_error(500, problem=problem)
