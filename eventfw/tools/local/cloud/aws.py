"""What the server itself asks of the embedded AWS: messages, shards, destinations, log events.

It talks to nothing but the endpoint it is given, so requests are signed for the form only. Imported late: the client
library takes as long to import as the rest of the server.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
from yarl import URL

from eventfw.errors import LocalError

TARGETS = {  # by service, as signatures name it: the prefix of x-amz-target, and the version of JSON
    "sqs": ("AmazonSQS", "1.0"),
    "kinesis": ("Kinesis_20131202", "1.1"),
    "dynamodb": ("DynamoDBStreams_20120810", "1.0"),
    "events": ("AWSEvents", "1.1"),
    "logs": ("Logs_20140328", "1.1"),
    "states": ("AWSStepFunctions", "1.0"),
}
PATIENCE = 30.0  # seconds, and what a call itself waits for


class AwsError(LocalError):
    """The embedded AWS refused: ``code`` is AWS's name of the error."""

    def __init__(self, code: str, message: str, status: int) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.status = status


class Unanswered(LocalError):
    """There is no embedded AWS, or it did not answer."""


class Aws:
    """A client of the AWS at ``endpoint()``, which is ``None`` while there is none. Made on the loop that uses it."""

    def __init__(self, endpoint: Callable[[], str | None], region: str) -> None:
        self.endpoint = endpoint
        self.region = region
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0), cookie_jar=aiohttp.DummyCookieJar()
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()

    async def call(
        self, service: str, action: str, sent: Mapping[str, Any], *, wait: float = 0.0, target: str = ""
    ) -> dict[str, Any]:
        """An action of a service that speaks JSON. ``wait`` is how many seconds the service itself may wait.

        ``target`` stands in for the prefix in :data:`TARGETS`. Raises AwsError, and Unanswered.
        """
        prefix, version = TARGETS[service]
        headers = {"content-type": f"application/x-amz-json-{version}", "x-amz-target": f"{target or prefix}.{action}"}
        status, body = await self._sent(service, "POST", "/", headers, json.dumps(sent).encode(), wait)
        answer = document(body, status)
        if status >= 400:
            code = str(answer.get("__type", status)).rpartition("#")[2]
            raise AwsError(code, str(answer.get("message") or answer.get("Message") or ""), status)
        return answer

    async def query(self, service: str, version: str, action: str, sent: Mapping[str, str]) -> str:
        """An action of a service that speaks the query protocol, such as SNS; its XML."""
        body = urlencode({"Action": action, "Version": version, **sent}).encode()
        headers = {"content-type": "application/x-www-form-urlencoded"}
        status, answer = await self._sent(service, "POST", "/", headers, body)
        if status >= 400:
            raise _xml_error(answer, status)
        return answer.decode()

    async def put_object(self, bucket: str, key: str, body: bytes) -> None:
        """Store an object in a bucket."""
        headers = {"content-type": "application/json"}
        status, answer = await self._sent("s3", "PUT", f"/{quote(bucket)}/{quote(key)}", headers, body)
        if status >= 400:
            raise _xml_error(answer, status)

    async def versions(self, bucket: str, key: str) -> str:
        """The versions of a key, and of those that begin with it; XML, newest first."""
        path = f"/{quote(bucket)}?versions&prefix={quote(key, safe='')}"
        status, answer = await self._sent("s3", "GET", path, {}, b"")
        if status >= 400:
            raise _xml_error(answer, status)
        return answer.decode()

    async def rest(self, service: str, method: str, path: str, body: bytes = b"") -> dict[str, Any]:
        """A request to a service that speaks REST with JSON, such as Lambda. ``path`` is encoded."""
        status, answer = await self._sent(service, method, path, {"content-type": "application/json"}, body)
        told = document(answer, status)
        if status >= 400:
            code = str(told.get("__type") or told.get("Code") or status).rpartition("#")[2]
            raise AwsError(code, str(told.get("Message") or told.get("message") or ""), status)
        return told

    async def _sent(
        self, service: str, method: str, path: str, headers: Mapping[str, str], body: bytes, wait: float = 0.0
    ) -> tuple[int, bytes]:
        base = self.endpoint()
        if base is None or self._session.closed:
            raise Unanswered("No AWS is running here.")
        credential = f"test/20260101/{self.region}/{service}/aws4_request"
        signed = f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0"
        try:
            async with self._session.request(
                method,
                URL(base + path, encoded=True),
                headers={**headers, "authorization": signed},
                data=body,
                timeout=aiohttp.ClientTimeout(total=PATIENCE + wait, connect=10),
            ) as answered:
                return answered.status, await answered.read()
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise Unanswered(f"The embedded AWS does not answer: {error or type(error).__name__}.") from error


def document(body: bytes, status: int) -> dict[str, Any]:
    """What an answer says; nothing, where it is an error that was not put into JSON. Raises Unanswered where a success
    was not."""
    try:
        said = json.loads(body) if body else {}
    except ValueError:
        said = None
    if isinstance(said, dict):
        return said
    if status < 400:
        raise Unanswered(f"The embedded AWS answers with what is no JSON object: {body[:80]!r}.")
    return {}


def _xml_error(body: bytes, status: int) -> AwsError:
    text = body.decode(errors="replace")
    code, message = re.search(r"<Code>([^<]*)", text), re.search(r"<Message>([^<]*)", text)
    return AwsError(code[1] if code else str(status), message[1] if message else "", status)
