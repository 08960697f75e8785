"""Credentials, regions and endpoints that do not work say so, with the way out; none reaches a stranger."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from eventfw.errors import DeployError
from eventfw.tools.deploy.access import LOCAL_ACCOUNT, Access, Clients

IDENTITY = """<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
<Arn>arn:aws-cn:iam::123456789012:root</Arn><UserId>x</UserId><Account>123456789012</Account>
</GetCallerIdentityResult></GetCallerIdentityResponse>"""


def fault(code: str) -> str:
    return f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>no</Message></Error></ErrorResponse>"


class Sts:
    """A server that answers every request alike and remembers the headers."""

    def __init__(self) -> None:
        self.status, self.body = 200, IDENTITY
        self.headers: list[dict[str, str]] = []
        sts = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                sts.headers.append(dict(self.headers))
                self.send_response(sts.status)
                self.send_header("Content-Length", str(len(sts.body)))
                self.end_headers()
                self.wfile.write(sts.body.encode())

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def sts(account: str) -> Iterator[Sts]:
    answering = Sts()
    thread = threading.Thread(target=answering.server.serve_forever)
    thread.start()
    yield answering
    answering.server.shutdown()
    answering.server.server_close()
    thread.join()


def test_an_http_endpoint_never_sees_the_users_credentials(sts: Sts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAREALREALREALREAL")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "real-token")
    clients = Clients(Access(endpoint_url=sts.url))

    assert clients.account == "123456789012" and clients.partition == "aws-cn"
    assert f"Credential={LOCAL_ACCOUNT}/" in sts.headers[0]["Authorization"]
    assert "AKIA" not in str(sts.headers) and "real-token" not in str(sts.headers)


def test_a_key_of_twelve_digits_chooses_the_emulators_account(sts: Sts, account: str) -> None:
    assert Clients(Access(endpoint_url=sts.url)).account
    assert f"Credential={account}/" in sts.headers[0]["Authorization"]


def test_the_wrong_account_is_refused(sts: Sts) -> None:
    with pytest.raises(DeployError, match=r"belongs to account 000011112222, but the credentials are of account 1234"):
        assert Clients(Access(endpoint_url=sts.url, account="000011112222")).account


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        ("ExpiredToken", "have expired.*aws sso login"),
        ("InvalidClientTokenId", "does not accept these credentials.*Check AWS_PROFILE"),
        ("AccessDenied", "denied GetCallerIdentity.*Ask for that permission"),
    ],
)
def test_what_aws_refuses_names_the_remedy(sts: Sts, code: str, remedy: str) -> None:
    sts.status, sts.body = 403, fault(code)
    with pytest.raises(DeployError, match=remedy):
        assert Clients(Access(endpoint_url=sts.url)).account


def test_missing_credentials(account: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(DeployError, match=r"No AWS credentials were found.*Set AWS_PROFILE"):
        assert Clients(Access(region="eu-west-1", endpoint_url="https://127.0.0.1:9")).account


def test_an_unknown_profile(account: str) -> None:
    with pytest.raises(DeployError, match=r"\(nobody\) could not be found.*list-profiles"):
        assert Clients(Access(region="eu-west-1", profile="nobody")).account


def test_an_endpoint_that_does_not_answer(account: str, free_port: int) -> None:
    url = f"http://127.0.0.1:{free_port}"
    with pytest.raises(DeployError, match=r"could not be reached.*Is it running there") as failed:
        assert Clients(Access(endpoint_url=url)).account
    assert failed.value.place == url


def test_no_region_at_all(account: str) -> None:
    with pytest.raises(DeployError, match=r"No region is chosen.*AWS_REGION"):
        assert Clients(Access()).region


def test_the_region_comes_from_the_stage_then_from_the_environment(
    account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-north-1")
    assert Clients(Access()).region == "eu-north-1"
    assert Clients(Access(region="eu-west-3")).region == "eu-west-3"


@pytest.mark.parametrize("url", ["127.0.0.1:4566", "ftp://x", "http://", "http://sts.amazonaws.com"])
def test_an_endpoint_that_can_be_none(url: str, account: str) -> None:
    with pytest.raises(DeployError, match=r"^--endpoint-url: "):
        Clients(Access(endpoint_url=url))


@pytest.fixture
def free_port() -> int:
    import socket

    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
    return port
