"""``@app.function_url``: an HTTPS address of a function's own, without an API in front of it."""

from __future__ import annotations

from ..answering.fronts import Front
from ..options import one_of, refused
from ..resources.cors import checked_cors
from ..resources.names import pascal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from ..function import Function
    from ..resources.cors import Cors
    from ..resources.resource import Template

METHODS = ("GET", "PUT", "HEAD", "POST", "PATCH", "DELETE", "*")  # of a URL's CORS: OPTIONS is not among them
HOST = "abcdefghijklmnopqrstuvwxyz012345.lambda-url.us-east-1.on.aws"
ALIAS = "live"


class FunctionUrl(Front):
    """Give the handler's function a URL, and answer what is sent to it, whatever the path and method.

    A handler that has ``http`` routes gets no more requests by it: all routes of its function are then served at the
    URL as well.

    Options
        ``auth``: ``"NONE"`` lets everybody in who knows the URL; ``"AWS_IAM"`` takes requests only that are signed by
        somebody who may ``lambda:InvokeFunctionUrl`` and ``lambda:InvokeFunction``. It has no default.
        ``cors``: origins whose pages may call the URL, or a :class:`Cors`.
        ``invoke_mode``: ``"BUFFERED"``. Lambda's own Python cannot stream answers.

    A request and an answer have at most 6 MB, and a function at most 15 minutes to answer.
    https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html
    """

    decorator = "function_url"
    example = '@app.function_url("AWS_IAM")'
    kinds = ("function_url",)
    self_routed = kinds
    name = "function URL"

    def __init__(
        self,
        auth: str = "",
        *,
        cors: str | Sequence[str] | Cors | None = None,
        invoke_mode: str = "BUFFERED",
    ) -> None:
        super().__init__()
        self.auth = auth
        self.cors = checked_cors("function_url", cors)
        self.invoke_mode = invoke_mode
        self.validate()

    def validate(self) -> None:
        if self.auth == "":
            raise refused(
                "function_url has no default for auth, since a URL can be open to everybody. Write "
                'function_url("AWS_IAM") for signed requests, or function_url("NONE") for a public URL.'
            )
        one_of("function_url", "auth", self.auth, ("NONE", "AWS_IAM"))
        if self.invoke_mode == "RESPONSE_STREAM":
            raise refused(
                "invoke_mode='RESPONSE_STREAM' needs a runtime that streams, and Lambda's Python runtimes do not: AWS "
                "offers it for Node.js and custom runtimes. Remove invoke_mode from function_url."
            )
        one_of("function_url", "invoke_mode", self.invoke_mode, ("BUFFERED",))
        for method in self.cors.allow_methods if self.cors else ():
            if method.upper() not in METHODS:
                remedy = " Lambda answers preflight requests itself; remove it." if method.upper() == "OPTIONS" else ""
                raise refused(
                    f"allow_methods takes {', '.join(METHODS)} in the cors of function_url, not {method!r}.{remedy}"
                )

    def title(self) -> str:
        return f"function URL, {'public' if self.auth == 'NONE' else 'signed requests'}"

    def resources(self, function: Function, template: Template) -> None:
        """The URL; for a public one the two permissions that everybody needs."""
        own = pascal(function.name) + "Url"
        if template.has(own):
            raise self.refused(
                f"Function {function.name!r} has a URL already, and Lambda gives it one. Keep one function_url, or "
                f"give {self.handler} a function of its own."
            )
        properties: dict[str, Any] = {
            "TargetFunctionArn": template.reference(template.function_id(function), "Arn"),
            "AuthType": self.auth,
        }
        alias = template.function_arn(function).get("Ref", "")
        if alias:
            properties["Qualifier"] = ALIAS
        if self.cors:
            properties["Cors"] = self.cors.properties()
        template.add(own, "AWS::Lambda::Url", properties, depends_on=[alias] if alias else ())
        template.output(own, {"Fn::GetAtt": [own, "FunctionUrl"]}, f"Where the function {function.name} is served")
        if self.auth == "NONE":
            template.permit(function, own, "*", Action="lambda:InvokeFunctionUrl", FunctionUrlAuthType="NONE")
            template.permit(function, own + "Invoke", "*", InvokedViaFunctionUrl=True)

    def local(self) -> tuple[str, dict[str, Any]]:
        cors = self.cors.properties() if self.cors else None
        return "fronts", {"kind": "function_url", "auth": self.auth, "cors": cors}

    def sample(self, **fields: Any) -> dict[str, Any]:
        """A request to the URL. Fields: ``method``, ``path``, ``query``, ``body``, ``headers``."""
        method, path, query, headers, body = self.request(fields)
        headers = {"host": HOST, **headers}
        event: dict[str, Any] = {
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": path,
            "rawQueryString": query,
            "headers": headers,
            "requestContext": {
                "accountId": "anonymous" if self.auth == "NONE" else "123456789012",
                "apiId": HOST.partition(".")[0],
                "domainName": HOST,
                "domainPrefix": HOST.partition(".")[0],
                "http": {
                    "method": method,
                    "path": path,
                    "protocol": "HTTP/1.1",
                    "sourceIp": "203.0.113.10",
                    "userAgent": headers.get("user-agent", "eventfw"),
                },
                "requestId": "b2a3d7a0-7d6e-4bb0-9c0e-2f4f2f3a9c11",
                "routeKey": "$default",
                "stage": "$default",
                "time": "01/Jan/2026:00:00:00 +0000",
                "timeEpoch": 1767225600000,
            },
            "isBase64Encoded": False,
        }
        if query:
            from urllib.parse import parse_qsl

            pairs: dict[str, str] = {}
            for name, value in parse_qsl(query, keep_blank_values=True):
                pairs[name] = f"{pairs[name]},{value}" if name in pairs else value
            event["queryStringParameters"] = pairs
        if body is not None:
            event["body"] = body
        if self.auth == "AWS_IAM":
            arn = "arn:aws:iam::123456789012:user/example"
            caller = {"accessKey": "AKIAIOSFODNN7EXAMPLE", "accountId": "123456789012", "userArn": arn}
            event["requestContext"]["authorizer"] = {"iam": caller}
        return event
