"""What the embedded AWS tells of functions, put right on its way: it does not know what is reserved here, keeps no
dead-letter queue, and has a longer timeout than the app says, because ours is the one that ends a function.

https://docs.aws.amazon.com/lambda/latest/api/API_GetFunction.html
https://docs.aws.amazon.com/lambda/latest/api/API_GetFunctionConfiguration.html
https://docs.aws.amazon.com/lambda/latest/api/API_GetAccountSettings.html
"""

from __future__ import annotations

import json
import re
from typing import Any

from eventfw.tools.local.lambdas.api import called_name, is_ours
from eventfw.tools.local.lambdas.service import LambdaService
from eventfw.tools.local.web.asgi import HttpRequest

ACCOUNT = re.compile(r"/2016-08-19/account-settings/?")
FUNCTION = re.compile(r"/2015-03-31/functions/([^/]+)(/configuration)?/?")


class Amended:
    """Looks at the answers to GetFunction, GetFunctionConfiguration and GetAccountSettings."""

    def __init__(self, lambdas: LambdaService) -> None:
        self.lambdas = lambdas

    def concerns(self, request: HttpRequest) -> bool:
        """Whether a request asks for one of them, and not for a function that the app has not."""
        if request.method != "GET":
            return False
        return bool(ACCOUNT.fullmatch(request.path)) or bool(self._function(request))

    async def before(self, request: HttpRequest, body: bytes) -> bytes:
        """It goes on as it is."""
        return body

    async def after(self, request: HttpRequest, body: bytes, status: int, answer: bytes) -> bytes | None:
        """The answer, put right; ``None`` for an error."""
        if status != 200:
            return None
        told = json.loads(answer)
        if function := self._function(request):
            self._amend_function(told, function)
        else:
            concurrency = self.lambdas.concurrency
            limits = {
                "ConcurrentExecutions": concurrency.account,
                "UnreservedConcurrentExecutions": max(0, concurrency.left()),
            }
            told["AccountLimit"] = {**told.get("AccountLimit", {}), **limits}
        return json.dumps(told).encode()

    def _amend_function(self, told: dict[str, Any], function: str) -> None:
        how = self.lambdas.configuration(function)
        configuration = told.get("Configuration", told)
        configuration["Timeout"] = how.timeout
        if how.dead_letter:
            configuration["DeadLetterConfig"] = {"TargetArn": how.dead_letter}
        told.pop("Concurrency", None)
        if configuration is not told and how.reserved_concurrency is not None:
            told["Concurrency"] = {"ReservedConcurrentExecutions": how.reserved_concurrency}

    def _function(self, request: HttpRequest) -> str:
        path = FUNCTION.fullmatch(request.path)
        named = called_name(path[1]) if path else None
        return named.function if named is not None and is_ours(named, self.lambdas) else ""
