"""The door: what is foreign stays out, Lambda's Invoke is ours, everything else goes through as it was sent."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from eventfw.tools.local.clock import RealClock
from eventfw.tools.local.cloud.door import Door, Onlooker, is_control
from eventfw.tools.local.cloud.embedded import free_port
from eventfw.tools.local.lambdas.api import InvokeApi
from eventfw.tools.local.lambdas.configuration import FunctionConfiguration
from eventfw.tools.local.lambdas.service import LambdaService
from eventfw.tools.local.terminal import Terminal
from eventfw.tools.local.web.asgi import HttpRequest, HttpResponse, respond
from eventfw.tools.local.workers.request import InvocationRequest
from eventfw.tools.local.workers.results import Result

Serve = Callable[[Any], int]


class Functions:
    """Stands for the pool: keeps what it was asked for, and gives one result."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any]] = []

    async def invoke(self, request: InvocationRequest) -> Result:
        self.calls.append((request.function, json.loads(request.event)))
        return Result(b'{"ok": true}', request_id="id-1")


def invokes(functions: Functions) -> InvokeApi:
    service = LambdaService(functions, Terminal(None), RealClock(), "us-east-1")
    service.functions = {"api": FunctionConfiguration("api")}
    return InvokeApi(service)


async def control(scope: Any, receive: Any, send: Any) -> None:
    await respond(send, HttpResponse(200, [], b"control"))


@pytest.fixture(name="door")
def opened(serve: Serve) -> Iterator[Callable[..., int]]:
    """Serves doors, and closes them in the loop that they ran in."""
    doors: list[tuple[Door, list[asyncio.AbstractEventLoop]]] = []

    def start(
        upstream: str | None,
        functions: Functions | None = None,
        onlooker: Onlooker | None = None,
        passed: Callable[[HttpRequest], None] = lambda request: None,
    ) -> int:
        invoke, onlookers = invokes(functions or Functions()), [onlooker] if onlooker else []
        one = Door(lambda: upstream, control=control, invoke=invoke, onlookers=lambda: onlookers, passed=passed)
        loops: list[asyncio.AbstractEventLoop] = []

        async def app(scope: Any, receive: Any, send: Any) -> None:
            loops.append(asyncio.get_running_loop())
            await one(scope, receive, send)

        doors.append((one, loops))
        return serve(app)

    yield start
    for one, loops in doors:
        if loops:
            asyncio.run_coroutine_threadsafe(one.close(), loops[0]).result(20)


class Meddler:
    """An onlooker that has queues named otherwise, and notes what became of requests about them."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, int, Any]] = []

    def concerns(self, request: HttpRequest, /) -> bool:
        return request.header("x-amz-target") == "AmazonSQS.CreateQueue"

    async def before(self, request: HttpRequest, body: bytes, /) -> bytes:
        return body.replace(b"asked", b"made-instead")

    async def after(self, request: HttpRequest, body: bytes, status: int, answer: bytes, /) -> None:
        self.seen.append((json.loads(body)["QueueName"], status, json.loads(answer)))


@pytest.fixture
def port(door: Callable[..., int], cloud_endpoint: str) -> int:
    """A door in front of the embedded AWS."""
    return door(cloud_endpoint)


def client(service: str, port: int, **config: Any) -> Any:
    return boto3.client(
        service,
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"max_attempts": 0}, **config),
    )


def ask(port: int, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, Any, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()


@pytest.fixture
def s3(port: int) -> Iterator[Any]:
    one = client("s3", port)
    one.create_bucket(Bucket="door")
    yield one
    one.close()


@pytest.mark.parametrize(
    "key",
    ["a b+c.txt", "ü/日本.png", "a%2Fb", "a//b", "./a", "a/../b", "?x=1&y#z", "~'()*!", "health", "_ministack/reset"],
)
def test_an_object_comes_back_under_the_very_key_it_was_put(s3: Any, key: str) -> None:
    s3.put_object(Bucket="door", Key=key, Body=key.encode(), Metadata={"kept": "yes"})
    answer = s3.get_object(Bucket="door", Key=key)
    assert (answer["Body"].read(), answer["Metadata"]) == (key.encode(), {"kept": "yes"})
    assert key in [one["Key"] for one in s3.list_objects_v2(Bucket="door")["Contents"]]
    assert s3.head_object(Bucket="door", Key=key)["ContentLength"] == len(key.encode())
    s3.delete_object(Bucket="door", Key=key)


def test_an_encoded_object_is_not_decoded_on_the_way(s3: Any) -> None:
    s3.put_object(Bucket="door", Key="z", Body=b"not really gzip", ContentEncoding="gzip")
    answer = s3.get_object(Bucket="door", Key="z")
    assert (answer["Body"].read(), answer["ContentEncoding"]) == (b"not really gzip", "gzip")


def test_20_mb_pass_in_both_directions(s3: Any) -> None:
    body = bytes(range(256)) * (20 * 4096)
    s3.put_object(Bucket="door", Key="big", Body=body)
    assert s3.get_object(Bucket="door", Key="big")["Body"].read() == body


def test_a_bucket_in_the_host_name_reaches_the_bucket(s3: Any, port: int) -> None:
    s3.put_object(Bucket="door", Key="named", Body=b"by host")
    assert ask(port, "GET", "/named", host=f"door.s3.localhost:{port}")[::2] == (200, b"by host")


def test_a_queue_is_reached_by_the_url_it_was_given(port: int) -> None:
    sqs = client("sqs", port)
    url = sqs.create_queue(QueueName="door")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="hello")
    [message] = sqs.receive_message(QueueUrl=url)["Messages"]
    assert message["Body"] == "hello"
    sqs.close()


@pytest.mark.parametrize("headers", [{"host": "evil.example"}, {"origin": "https://evil.example"}, {"origin": "null"}])
@pytest.mark.parametrize("path", ["/", "/_eventfw/invoke/api", "/2015-03-31/functions/api/invocations"])
def test_a_foreign_page_is_refused_everywhere(port: int, path: str, headers: dict[str, str]) -> None:
    assert ask(port, "POST", path, b"{}", **headers)[0] == 403


def test_no_answer_lets_a_foreign_page_read_it(port: int) -> None:
    status, headers, _ = ask(port, "GET", "/", origin="http://localhost:3000")
    assert status == 200
    assert not [name for name in headers if name.lower().startswith("access-control-")]


@pytest.mark.parametrize(
    "path",
    [
        "/_ministack/reset",
        "/_ministack/reset?init=1",
        "//_ministack//reset",
        "/%5fministack/reset",
        "/_ministack%2freset",
        "/%255Fministack/reset",
        "/x/../_ministack/reset",
        "/x/%2e%2e/_ministack/reset",
        "/./_ministack/reset",
        "/_MINISTACK/reset",
        "/_ministack/config",
        "/_ministack/rds/iam-auth",
        "/_ministack/cfn-response/../reset",
        "/_localstack/health",
    ],
)
def test_the_embedded_awss_own_paths_are_shut_however_they_are_written(port: int, path: str) -> None:
    assert ask(port, "POST", path, b"")[0] == 403


@pytest.mark.parametrize("up", ["..", "%2e%2e", "%2E.", "..%2f.."])
def test_the_path_where_custom_resources_answer_leads_nowhere_else(up: str) -> None:
    assert not is_control(HttpRequest("PUT", "/_ministack/cfn-response/token"))
    assert is_control(HttpRequest("PUT", f"/_ministack/cfn-response/{up}/_ministack/reset"))
    assert is_control(HttpRequest("PUT", "/_ministack/reset"))


@pytest.mark.parametrize("path", ["/bucket/_ministack/reset", "/bucket/health", "/_ministackish", "/healthy"])
def test_paths_that_only_look_like_them_pass(path: str) -> None:
    assert not is_control(HttpRequest("GET", path))


def test_the_servers_own_paths_go_to_the_control_app(port: int) -> None:
    assert ask(port, "POST", "/_eventfw/invoke/api", b"{}")[::2] == (200, b"control")


def test_invoke_runs_the_function(door: Callable[..., int]) -> None:
    functions = Functions()
    answer = client("lambda", door(None, functions)).invoke(FunctionName="api", Payload=b'{"n": 1}')
    assert functions.calls == [("api", {"n": 1})]
    assert json.loads(answer["Payload"].read()) == {"ok": True}


def test_another_stacks_function_is_the_embedded_awss(port: int) -> None:
    with pytest.raises(ClientError) as caught:
        client("lambda", port).invoke(FunctionName="elsewhere", Payload=b"{}")
    assert caught.value.response["Error"]["Code"] == "ResourceNotFoundException"


ASK = {"sqs": "list_queues", "lambda": "list_functions", "s3": "list_buckets", "cloudformation": "list_stacks"}


@pytest.mark.parametrize("service", ["sqs", "lambda", "s3", "cloudformation"])
@pytest.mark.parametrize("upstream", [None, "nobody"])
def test_without_an_embedded_aws_sdks_show_why(door: Callable[..., int], service: str, upstream: str | None) -> None:
    one = client(service, door(upstream and f"http://127.0.0.1:{free_port()}"))
    ask = ASK[service]
    with pytest.raises(ClientError, match=r"AWS (is running|does not answer)"):
        getattr(one, ask)()


def test_what_a_page_of_another_site_embeds_is_refused(port: int) -> None:
    for referer, status in (("https://evil.example/", 403), ("http://localhost:3000/", 200)):
        assert ask(port, "GET", "/", Sec_Fetch_Site="cross-site", Referer=referer)[0] == status


def test_a_client_that_leaves_in_the_middle_harms_nobody(port: int, s3: Any) -> None:
    with socket.create_connection(("127.0.0.1", port)) as leaving:
        leaving.sendall(b"PUT /door/half HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nhalf")
    assert quote("half") not in [one["Key"] for one in s3.list_objects_v2(Bucket="door").get("Contents", [])]
    s3.put_object(Bucket="door", Key="after", Body=b"well")


def test_an_onlooker_sees_its_requests_and_their_answers_and_may_change_them(
    door: Callable[..., int], cloud_endpoint: str
) -> None:
    meddler = Meddler()
    sqs = client("sqs", door(cloud_endpoint, None, meddler))
    url = sqs.create_queue(QueueName="asked")["QueueUrl"]
    assert url.endswith("/made-instead")
    assert meddler.seen == [("asked", 200, {"QueueUrl": url})]
    with pytest.raises(ClientError, match="does not exist"):
        sqs.get_queue_url(QueueName="asked")
    sqs.close()


def test_every_request_is_told_of_once_the_embedded_aws_has_answered_it(
    door: Callable[..., int], cloud_endpoint: str
) -> None:
    told: list[HttpRequest] = []
    sqs = client("sqs", door(cloud_endpoint, passed=told.append))
    sqs.list_queues()
    assert [request.header("x-amz-target") for request in told] == ["AmazonSQS.ListQueues"]
    sqs.close()


def test_while_there_is_no_aws_an_onlooker_sees_the_refusal(door: Callable[..., int]) -> None:
    meddler = Meddler()
    with pytest.raises(ClientError, match="No AWS is running here"):
        client("sqs", door(None, None, meddler)).create_queue(QueueName="asked")
    assert [(name, status) for name, status, _ in meddler.seen] == [("asked", 503)]
