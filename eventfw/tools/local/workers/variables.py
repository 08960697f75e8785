"""The environment variables of a worker: Lambda's own, the function's, and no way to a real AWS account."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eventfw.resources.names import LOCAL_ACCOUNT

_KEPT = """
    PATH HOME USER LOGNAME SHELL LANG VIRTUAL_ENV LD_LIBRARY_PATH DYLD_LIBRARY_PATH
    PYTHONPATH PYTHONHOME PYTHONWARNINGS PYTHONDONTWRITEBYTECODE PYTHONPYCACHEPREFIX PYTHONUTF8
    SSL_CERT_FILE SSL_CERT_DIR REQUESTS_CA_BUNDLE CURL_CA_BUNDLE SYSTEMROOT
    HTTP_PROXY HTTPS_PROXY http_proxy https_proxy
"""
KEPT = frozenset(_KEPT.split())
ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Place:
    """Where the workers believe they run: the project's folder, and the AWS that their calls go to.

    ``endpoint`` is the URL of the local server's AWS door; it is given even where nothing is behind it, so that a call
    is refused there instead of reaching AWS.
    """

    directory: str
    endpoint: str
    region: str = "us-east-1"
    account: str = LOCAL_ACCOUNT

    def arn(self, function: str) -> str:
        """The ARN of a local function."""
        return f"arn:aws:lambda:{self.region}:{self.account}:function:{function}"


def kept(environ: Mapping[str, str]) -> dict[str, str]:
    """What a worker sees of the developer's own environment: paths, language, certificates, proxies.

    Anything else, ``AWS_PROFILE`` and credentials first, exists on one machine only: a handler that needs it would
    work here and fail on Lambda.
    """
    chosen = {name: value for name, value in environ.items() if name in KEPT or name.startswith("LC_")}
    if not {"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"}.isdisjoint(chosen):
        direct = environ.get("NO_PROXY") or environ.get("no_proxy") or ""
        chosen["NO_PROXY"] = chosen["no_proxy"] = ",".join(filter(None, (direct, "127.0.0.1,localhost")))
    return chosen


def of_account(place: Place) -> dict[str, str]:
    """Region, endpoint and credentials that are nobody's. No file, profile or metadata service is asked for others."""
    return {
        "AWS_REGION": place.region,
        "AWS_DEFAULT_REGION": place.region,
        "AWS_ENDPOINT_URL": place.endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_SESSION_TOKEN": "test",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_EXECUTION_ENV": f"AWS_Lambda_python{sys.version_info.major}.{sys.version_info.minor}",
        "LAMBDA_TASK_ROOT": place.directory,
        "TZ": ":UTC",
    }


def of_function(name: str, settings: Mapping[str, Any], place: Place, environ: Mapping[str, str]) -> dict[str, str]:
    """The whole environment of one function's workers, from its ``describe`` settings."""
    attribute = "".join(char if char.isalnum() else "_" for char in name)
    return {
        **kept(environ),
        **settings["environment"],
        **of_account(place),
        "_HANDLER": f"eventfw_entry.{attribute}",
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(settings["memory"]),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{name}",
        **of_logging(settings.get("settings", {})),
    }


def of_logging(said: Mapping[str, Any]) -> dict[str, str]:
    """What tells the runtime how to write log records."""
    if said.get("log_format") != "JSON":
        return {"AWS_LAMBDA_LOG_FORMAT": "Text"}
    return {"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": said.get("application_log_level", "INFO")}


def of_worker(environment: Mapping[str, str], log_stream: str, scratch: str) -> dict[str, str]:
    """The variables that are each execution environment's own. A ``TMPDIR`` of the function's stays."""
    return {"TMPDIR": scratch, **environment, "AWS_LAMBDA_LOG_STREAM_NAME": log_stream}


def of_zygote(place: Place, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment third-party modules are imported in: what all functions share.

    Numeric libraries start a pool of threads at import unless told not to, and a process with threads is not forked.
    """
    folders = {name: environ[name] for name in ("TMPDIR", "TEMP", "TMP") if name in environ}
    return {**kept(environ), **folders, **of_account(place), **dict.fromkeys(ONE_THREAD, "1")}


def of_tool(place: Place, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment of a child that runs a command of eventfw's and imports the app: the developer's own, except
    that nothing in it leads to a real account."""
    return {**{name: value for name, value in environ.items() if not name.startswith("AWS_")}, **of_account(place)}
