"""HTTP answers in the form of whatever service the request came through."""

from __future__ import annotations

from ..http import Request, as_response, checked, encoded_body

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def encoded(result: Any, event: Request) -> dict[str, Any]:
    """What a handler returned, as the service takes it that sent the request."""
    response = as_response(result)
    body, is_base64, content_type = encoded_body(response)
    headers = {name: response.headers.get(name) for name in response.headers}
    if content_type and "content-type" not in headers:
        headers["content-type"] = content_type
    cookies = [checked("set-cookie", cookie) for cookie in response.cookies]
    if "set-cookie" in headers:  # one field a cookie: an expiry date has a comma, so they cannot be joined
        cookies = [value for name, value in response.headers.items() if name == "set-cookie"] + cookies
        del headers["set-cookie"]
    if type(event) is not Request:
        from ..http_forms import answered

        return answered(event.raw, response.status, headers, cookies, body, is_base64)
    answer: dict[str, Any] = {"statusCode": response.status, "headers": headers, "body": body}
    if is_base64:
        answer["isBase64Encoded"] = True
    if cookies:
        answer["cookies"] = cookies
    return answer
