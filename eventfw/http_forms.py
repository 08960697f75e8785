"""Requests as services other than HTTP APIs write them, and the answers they take."""

from __future__ import annotations

from .http import Headers, Query, Request, phrase

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class ProxyRequest(Request):
    """An HTTP request through a REST API, or through an HTTP API in payload format 1.0.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
    """

    @property
    def headers(self) -> Headers:
        """The header fields, every value of each."""
        if self._headers is None:
            self._headers = Headers(self.raw.get("multiValueHeaders") or self.raw.get("headers") or {})
        return self._headers

    @property
    def query(self) -> Query:
        """The query parameters. API Gateway has decoded them."""
        if self._query is None:
            raw, self._query = self.raw, Query("")
            several = raw.get("multiValueQueryStringParameters") or raw.get("queryStringParameters") or {}
            for name, value in several.items():
                self._query._values[name] = value if isinstance(value, list) else [value]
        return self._query

    @property
    def source_ip(self) -> str:
        """The address the request came from."""
        return str(((self.raw.get("requestContext") or {}).get("identity") or {}).get("sourceIp") or "")

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies by name."""
        sent = ";".join(self.headers._fields.get("cookie", ())).strip("; ")
        return Request({"cookies": sent and sent.split(";")}).cookies


class TargetRequest(Request):
    """An HTTP request through an Application Load Balancer or VPC Lattice, the function being the target.

    Each form calls its fields by names of its own, which tell it: ``httpMethod`` is a load balancer's, with
    ``multiValueHeaders`` if it sends several values of a name; ``raw_path`` is Lattice's V1, and its V2 has neither.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html
    https://docs.aws.amazon.com/vpc-lattice/latest/ug/lambda-functions.html
    """

    @property
    def query(self) -> Query:
        """The query parameters, decoded, which neither service does. VPC Lattice leaves them on the path as well; a
        load balancer takes them apart, and sends the last value of a name only, unless it is told to send all."""
        if self._query is None:
            raw = self.raw
            query = (raw.get("raw_path") or raw["path"]).partition("?")[2]
            if not query:
                several = raw.get("multiValueQueryStringParameters") or raw.get("queryStringParameters")
                for name, value in (several or raw.get("query_string_parameters") or {}).items():
                    for one in value if isinstance(value, list) else [value]:
                        query += f"&{name}={one}"
            self._query = Query(query)
        return self._query

    @property
    def source_ip(self) -> str:
        """The last of X-Forwarded-For, without the port that a load balancer can be told to add."""
        last = self.headers.get("x-forwarded-for").rpartition(",")[2].strip(" [")
        return last.partition(":" if last.count(":") == 1 else "]")[0]  # 192.0.2.1:80, or [2001:db8::1]:80

    @property
    def cookies(self) -> dict[str, str]:
        line = ";".join(self.headers._fields.get("cookie", ()))
        if "raw_path" in self.raw:  # V1 joins the fields of one name so; no cookie may hold a comma or a space
            line = line.replace(", ", ";")
        sent = line.strip("; ")
        return Request({"cookies": sent and sent.split(";")}).cookies


def answered(
    raw: Any, status: int, headers: dict[str, Any], cookies: list[str], body: str, is_base64: bool
) -> dict[str, Any]:
    """A response as the service takes it that sent the request ``raw``.

    A service that sends one value of a header also takes one, so that one cookie can be set. More are an error: nobody
    knows which the user can do without, and a login that lost one is hard to find.
    """
    lists = "multiValueHeaders" in raw
    if lists:
        for name in headers:
            headers[name] = [headers[name]]
    if cookies[1:] and not lists and "version" not in raw:
        raise ValueError(
            f"The answer sets {len(cookies)} cookies, and its target group takes one. Turn on the attribute "
            "lambda.multi_value_headers.enabled (load balancer), or event structure V2 (VPC Lattice)."
        )
    if cookies:
        headers["set-cookie"] = cookies if lists or cookies[1:] else cookies[0]
    answer = {
        "statusCode": status,
        "multiValueHeaders" if lists else "headers": headers,
        "body": body,
        "isBase64Encoded": is_base64,
    }
    if "httpMethod" in raw and "resource" not in raw:  # a REST API takes no key that it does not know
        answer["statusDescription"] = f"{status} {phrase(status)}"
    return answer
