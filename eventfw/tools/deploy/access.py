"""Where deployments go and as whom: region, profile, endpoint, account, and the one place that makes boto3 clients.

boto3 is imported here only, and only when a client is needed. A client is ``Any``: boto3 makes its classes at run time.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from eventfw.errors import DeployError

Client = Any
"""A boto3 client; nothing checks it, so calls to one stay in this package."""

LOCAL_ACCOUNT = "000000000000"
_DEFAULT_REGION = "us-east-1"

_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"}
_UNKNOWN = {
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "AuthFailure",
    "InvalidSignatureException",
    "IncompleteSignature",
}
_DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403", "Forbidden"}


@dataclass(frozen=True)
class Access:
    """What the user chose: ``None`` leaves the choice to the environment (``AWS_ENDPOINT_URL`` too) and ``~/.aws``.

    ``account`` is the account the stage belongs to; a deployment that reaches another one is refused.
    """

    region: str | None = None
    profile: str | None = None
    endpoint_url: str | None = None
    account: str | None = None


class Clients:
    """Clients for every region of one deployment, made once each.

    An ``http`` endpoint is an emulator's, AWS has none: it is sent dummy credentials, never the user's, except for an
    ``AWS_ACCESS_KEY_ID`` of 12 digits, which is how emulators choose an account.
    """

    def __init__(self, access: Access) -> None:
        self.access = access
        self.endpoint_url = _checked_endpoint(access.endpoint_url or os.environ.get("AWS_ENDPOINT_URL") or None)
        self._clients: dict[tuple[str, str], Client] = {}

    @property
    def emulated(self) -> bool:
        """Whether the endpoint is an emulator's."""
        return bool(self.endpoint_url) and urlsplit(self.endpoint_url).scheme == "http"

    @cached_property
    def region(self) -> str:
        """The stage's region, else ``AWS_REGION``, ``AWS_DEFAULT_REGION`` or the profile's."""
        region = self.access.region or os.environ.get("AWS_REGION") or self._session.region_name
        if not region and self.emulated:
            return _DEFAULT_REGION
        if not region:
            raise DeployError(
                'No region is chosen. Write `region = "eu-west-1"` under the stage in eventfw.toml, or set AWS_REGION.'
            )
        return str(region)

    @cached_property
    def _identity(self) -> dict[str, str]:
        with aws_errors("asking who you are (sts:GetCallerIdentity)", self.endpoint_url):
            identity: dict[str, str] = self.client("sts").get_caller_identity()
        return identity

    @cached_property
    def account(self) -> str:
        """The 12 digits of the account that answers; refused when the stage names another."""
        account = self._identity["Account"]
        if self.access.account and account != self.access.account:
            raise DeployError(
                f"The stage belongs to account {self.access.account}, but the credentials are of account {account}. "
                "Choose the right profile in eventfw.toml or with AWS_PROFILE."
            )
        return account

    @property
    def partition(self) -> str:
        """``aws``, ``aws-cn`` or ``aws-us-gov``."""
        return self._identity["Arn"].split(":")[1]

    def client(self, service: str, region: str | None = None) -> Client:
        """The client of a service in a region, the deployment's own by default."""
        key = (service, region or self.region)
        if key not in self._clients:
            with aws_errors(f"making a client for {service}", self.endpoint_url):
                self._clients[key] = self._make(*key)
        return self._clients[key]

    @cached_property
    def _session(self) -> Any:
        import boto3

        with aws_errors("reading the AWS configuration", self.endpoint_url):
            return boto3.session.Session(profile_name=None if self.emulated else self.access.profile)

    def _make(self, service: str, region: str) -> Client:
        from botocore.config import Config

        style: Any = "path" if self.endpoint_url else "auto"
        config = Config(
            retries={"mode": "standard", "total_max_attempts": 2 if self.emulated else 6},
            connect_timeout=5,
            s3={"addressing_style": style},
            user_agent_extra="eventfw",
            proxies={} if self.emulated else None,
        )
        return self._session.client(
            service,
            region_name=region,
            endpoint_url=self.endpoint_url,
            config=config,
            **(_dummy_credentials() if self.emulated else {}),
        )


def _checked_endpoint(url: str | None) -> str | None:
    if url is None:
        return None
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port or an IPv6 address that is none
        usable = False
    if not usable:
        raise DeployError(f"An endpoint URL looks like http://127.0.0.1:4566, not {url!r}.", place="--endpoint-url")
    if parts.scheme == "http" and str(parts.hostname).endswith((".amazonaws.com", ".amazonaws.com.cn")):
        raise DeployError(
            f"Requests to AWS go over https, not {url!r}. Leave --endpoint-url out.", place="--endpoint-url"
        )
    return url.rstrip("/")


def _dummy_credentials() -> dict[str, str | None]:
    chosen = os.environ.get("AWS_ACCESS_KEY_ID", "")
    account = chosen if len(chosen) == 12 and chosen.isdigit() else LOCAL_ACCOUNT
    return {"aws_access_key_id": account, "aws_secret_access_key": "eventfw", "aws_session_token": None}


@contextmanager
def aws_errors(doing: str, endpoint_url: str | None = None) -> Iterator[None]:
    """Turn what botocore raises while ``doing`` something into a DeployError that says how to mend it."""
    from botocore import exceptions

    place = endpoint_url or ""
    try:
        yield
    except exceptions.ClientError as error:
        raise DeployError(_client_error(doing, error), place=place) from error
    except exceptions.ProfileNotFound as error:
        raise DeployError(f"{error}. `aws configure list-profiles` shows those there are.", place=place) from error
    except (exceptions.NoCredentialsError, exceptions.PartialCredentialsError) as error:
        raise DeployError(
            f"No AWS credentials were found while {doing}. Set AWS_PROFILE, or run `aws configure` or "
            "`aws sso login`; for an emulator give --endpoint-url http://...",
            place=place,
        ) from error
    except (exceptions.ConnectionError, exceptions.HTTPClientError) as error:
        raise DeployError(
            f"{endpoint_url or 'AWS'} could not be reached while {doing}: {error}. "
            + ("Is it running there?" if endpoint_url else "Check the network, and that the region exists."),
            place=place,
        ) from error
    except exceptions.BotoCoreError as error:
        raise DeployError(
            f"{doing} failed: {error}. If this is a single sign-on profile, run `aws sso login`.", place=place
        ) from error


def code_of(error: Any) -> str:
    """The AWS error code of a ClientError, such as ``ValidationError`` or ``404``."""
    return str(error.response.get("Error", {}).get("Code", ""))


def _client_error(doing: str, error: Any) -> str:
    code, words = code_of(error), error.response.get("Error", {}).get("Message") or str(error)
    if code in _EXPIRED:
        return f"The AWS credentials have expired ({code}) while {doing}. Renew them, such as with `aws sso login`."
    if code in _UNKNOWN:
        return (
            f"AWS does not accept these credentials ({code}) while {doing}. Check AWS_PROFILE, the access key "
            "and its secret."
        )
    if code in _DENIED:
        return (
            f"AWS denied {error.operation_name} while {doing}: {words}. Ask for that permission, "
            "or choose another profile with AWS_PROFILE."
        )
    return f"AWS refused {error.operation_name} while {doing}: {words} ({code}). Mend what it names and run again."
