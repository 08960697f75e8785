"""What Lambda takes as the settings of a function, each by itself. A deployment's zip does without."""

from __future__ import annotations

from ..options import LOG_RETENTION_DAYS, closest, flag, one_of, refused, text, whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Literal, TypedDict

    Architecture = Literal["x86_64", "arm64"]
    Runtime = Literal["python3.11", "python3.12", "python3.13", "python3.14"]
    LogFormat = Literal["Text", "JSON"]
    LogLevel = Literal["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"]
    SystemLogLevel = Literal["DEBUG", "INFO", "WARN"]
    Tracing = Literal["Active", "PassThrough"]
    RecursiveLoop = Literal["Allow", "Terminate"]
    TenantIsolationMode = Literal["PER_TENANT"]

    class VpcConfig(TypedDict, total=False):
        """https://docs.aws.amazon.com/lambda/latest/api/API_VpcConfig.html"""

        subnet_ids: list[str]
        security_group_ids: list[str]
        ipv6_allowed_for_dual_stack: bool

    class FileSystem(TypedDict):
        """https://docs.aws.amazon.com/lambda/latest/api/API_FileSystemConfig.html"""

        arn: str
        local_mount_path: str

    class DurableConfig(TypedDict, total=False):
        """https://docs.aws.amazon.com/lambda/latest/api/API_DurableConfig.html"""

        execution_timeout: int
        retention_period_in_days: int
        kms_key_arn: str

    Check = Callable[[str, Any], object]

PYTHONS = ("3.11", "3.12", "3.13", "3.14")
X86_64, ARM64 = "x86_64", "arm64"
RESERVED_VARIABLES = frozenset(
    [
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
        "AWS_DEFAULT_REGION",
        "AWS_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_LAMBDA_RUNTIME_API",
        "LAMBDA_TASK_ROOT",
        "LAMBDA_RUNTIME_DIR",
    ]
)
ENVIRONMENT_LIMIT = 4096  # bytes, names and values together
LAYERS_MAX = 5
TAGS_MAX = 48  # AWS's 50 without the two that say the app and the stage
DURABLE_TIMEOUT_MAX = 31_622_400  # seconds: 366 days
TARGETS = {  # what Lambda sends to: the resource's type, by the service in an ARN
    "sqs": "queue",
    "sns": "topic",
    "events": "event_bus",
    "lambda": "lambda_function",
    "s3": "bucket",
}
SAID_AS = {"event_bus": "event bus", "lambda_function": "function"}


def check_value(option: str, value: Any) -> None:
    """Refuse a value that Lambda would refuse whatever else is said."""
    CHECKS[option](option, value)


def check_name(name: object) -> None:
    """A function's short name: letters, digits, hyphens and underscores; Lambda allows 64 with app and stage."""
    if callable(name):
        label = getattr(name, "__name__", "handler")
        raise refused(f"@app.function needs parentheses: write @app.function() above def {label}.")
    word = text("function", "name", name, "Remove it to use the handler's own name.")
    if len(word) > 64 or not all(char.isascii() and (char.isalnum() or char in "-_") for char in word):
        raise refused(
            f"Lambda refuses the function name {word!r}: use 1 to 64 letters, digits, hyphens and underscores."
        )
    if not word[0].isalpha():
        raise refused(f"The function name {word!r} must begin with a letter.")


def check_environment(option: str, environment: Any) -> None:
    """Environment variables that Lambda accepts. No value is repeated in a message: it may be secret."""
    if not hasattr(environment, "items"):
        raise refused(f"{option} must be a dict of strings for function, not of type {type(environment).__name__}.")
    for name, value in environment.items():
        if not isinstance(name, str) or not isinstance(value, str):
            raise refused(
                f"{option} must map strings to strings for function; {name!r} is of type {type(value).__name__}."
            )
        if len(name) < 2 or not name[0].isalpha() or not all(c.isascii() and (c.isalnum() or c == "_") for c in name):
            raise refused(
                f"Lambda refuses the variable name {name!r}: use two or more letters, digits and _, a letter first."
            )
        if name in RESERVED_VARIABLES or name.startswith("EVENTFW_"):
            owner = "eventfw" if name.startswith("EVENTFW_") else "Lambda"
            raise refused(f"The environment variable {name!r} is reserved by {owner}. Use another name.")
    size = sum(len(name.encode()) + len(value.encode()) for name, value in environment.items())
    if size > ENVIRONMENT_LIMIT:
        raise refused(f"{option} must be at most {ENVIRONMENT_LIMIT} bytes for function, not {size}. Use SSM or S3.")


def check_tags(option: str, tags: Any) -> None:
    """Tags that AWS accepts. https://docs.aws.amazon.com/lambda/latest/dg/configuration-tags.html"""
    if not hasattr(tags, "items") or len(tags) > TAGS_MAX:
        raise refused(f"{option} must be a dict of at most {TAGS_MAX} strings for function, not {tags!r}.")
    for key, value in tags.items():
        if not isinstance(key, str) or not isinstance(value, str):
            raise refused(f"{option} must map strings to strings for function, not {key!r} to {value!r}.")
        if not 1 <= len(key) <= 128 or len(value) > 256 or key.lower().startswith("aws:"):
            raise refused(
                f"AWS refuses the tag {key!r}: a key has 1 to 128 characters and does not begin with 'aws:', a value "
                f"has at most 256."
            )
        if not all(char.isalnum() or char.isspace() or char in "_.:/=+-@" for char in key + value):
            raise refused(f"AWS refuses the tag {key!r}: use letters, digits, spaces and _ . : / = + - @ alone.")


def _uses(option: str, uses: Any) -> None:
    if not isinstance(uses, list | tuple):
        raise refused(f"{option} must be a list of grants such as [orders.send] for function, not {uses!r}.")
    for grant in uses:
        if not hasattr(grant, "actions_by_scope"):
            raise refused(f"{option} takes grants such as orders.send or uploads.read, not {grant!r}.")


def _description(option: str, value: Any) -> None:
    if not isinstance(value, str) or len(value) > 256:
        raise refused(f"{option} must be a string of at most 256 characters for function, not {value!r}.")


def _layers(option: str, layers: Any) -> None:
    several = isinstance(layers, list | tuple) and 1 <= len(layers) <= LAYERS_MAX
    if not several or any(layers.count(arn) > 1 for arn in layers):
        raise refused(
            f"{option} must be a list of 1 to {LAYERS_MAX} different ARNs for function, not {layers!r}. "
            f"Merge layers, or name what they hold in requirements.txt."
        )
    for arn in layers:
        shaped("a layer", "arn:aws:lambda:REGION:ACCOUNT:layer:NAME:VERSION", LAYER)(option, arn)


def _vpc(option: str, vpc: Any) -> None:
    _keys(option, vpc, ("subnet_ids", "security_group_ids"), ("ipv6_allowed_for_dual_stack",))
    for key, most, prefix in (("subnet_ids", 16, "subnet"), ("security_group_ids", 5, "sg")):
        ids = vpc[key]
        if not isinstance(ids, list | tuple) or not 1 <= len(ids) <= most:
            raise refused(f"{option} must have a list of 1 to {most} {key} for function, not {ids!r}.")
        for one in ids:
            if not fits(prefix + "-([0-9a-f]{8}|[0-9a-f]{17})", one):
                raise refused(f"{option} must have {key} such as '{prefix}-0a1b2c3d' for function, not {one!r}.")
    flag("function", f"{option}.ipv6_allowed_for_dual_stack", vpc.get("ipv6_allowed_for_dual_stack", False))


def _file_system(option: str, value: Any) -> None:
    _keys(option, value, ("arn", "local_mount_path"))
    example = "arn:aws:elasticfilesystem:REGION:ACCOUNT:access-point/fsap-ID"
    shaped("an EFS access point", example, ACCESS_POINT)(f"{option}.arn", value["arn"])
    path = value["local_mount_path"]
    if not fits(r"/mnt/[A-Za-z0-9_.-]+", path) or len(path) > 160:
        raise refused(
            f"{option}.local_mount_path must be /mnt/ and one name of letters, digits, '-', '_' and '.' for function, "
            f"not {path!r}. Write /mnt/data."
        )


def _durable(option: str, value: Any) -> None:
    _keys(option, value, ("execution_timeout",), ("retention_period_in_days", "kms_key_arn"))
    remedy = "It is the seconds that a whole execution may take."
    whole("function", f"{option}.execution_timeout", value["execution_timeout"], 1, DURABLE_TIMEOUT_MAX, remedy)
    days = value.get("retention_period_in_days", 14)
    whole("function", f"{option}.retention_period_in_days", days, 1, 90, "Remove it to keep 14 days.")
    if "kms_key_arn" in value:
        CHECKS["kms_key"](f"{option}.kms_key_arn", value["kms_key_arn"])


def _keys(option: str, value: Any, needed: tuple[str, ...], possible: tuple[str, ...] = ()) -> None:
    """Refuse what is no dict with these keys."""
    if not isinstance(value, dict):
        raise refused(f"{option} must be a dict with {', '.join(needed)} for function, not {value!r}.")
    for key in value:
        if key not in needed + possible:
            hint = closest(str(key), needed + possible)
            raise refused(f"{option} has no {key!r}.{hint} It has {', '.join(needed + possible)}.")
    for key in needed:
        if key not in value:
            raise refused(f"{option} needs {key}, and has {', '.join(value) or 'nothing'}. Add {key}.")


def fits(pattern: str, value: Any) -> bool:
    """Whether it is a string of the pattern."""
    import re

    return isinstance(value, str) and re.fullmatch(pattern, value) is not None


def target(*types: str) -> Check:
    """A check that Lambda can send to a resource, given as the object or as its ARN."""
    names = ", ".join(SAID_AS.get(one, one) for one in types)

    def check_target(option: str, value: Any) -> None:
        found, fifo = getattr(value, "type", None), getattr(value, "fifo", False)
        if isinstance(value, str):
            service = value.split(":")[2] if fits(r"arn:aws[a-z-]*:[a-z0-9-]+:[^:]*:[^:]*:.+", value) else ""
            found, fifo = TARGETS.get(service), value.endswith(".fifo")
        if found not in types:
            raise refused(
                f"{option} must be one of {names} for function, as the app's object or the ARN of an existing one, "
                f"not {value!r}."
            )
        if fifo:
            raise refused(f"{option} must not be FIFO for function: Lambda refuses {value!r}. Use a standard {found}.")

    return check_target


def number(low: int, high: int, remedy: str) -> Check:
    """A check for a whole number."""
    return lambda option, value: whole("function", option, value, low, high, remedy)


def among(*values: object) -> Check:
    """A check for one of some values."""
    return lambda option, value: one_of("function", option, value, values)


def shaped(what: str, example: str, pattern: str) -> Check:
    """A check for a string of a pattern."""

    def check_shape(option: str, value: Any) -> None:
        if not fits(pattern, value):
            raise refused(f"{option} must be the ARN of {what} for function, not {value!r}. Write {example}.")

    return check_shape


def _log_retention(option: str, value: Any) -> None:
    if type(value) is not int or value not in LOG_RETENTION_DAYS:
        days = ", ".join(map(str, sorted(LOG_RETENTION_DAYS)))
        raise refused(f"{option} must be one of {days} days for function, not {value!r}.")


LAYER = r"arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:layer:[A-Za-z0-9_-]+:\d+"
ROLE = r"arn:aws[a-z-]*:iam::\d{12}:role/[A-Za-z0-9_+=,.@/-]+"
KEY = r"arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+"
ACCESS_POINT = r"arn:aws[a-z-]*:elasticfilesystem:[a-z0-9-]+:\d{12}:access-point/fsap-[a-f0-9]{17}"

CHECKS: dict[str, Check] = {
    "memory": number(128, 10_240, "Remove it for 256 MB."),
    "timeout": number(1, 900, "Remove it for 30 s."),
    "environment": check_environment,
    "uses": _uses,
    "description": _description,
    "tags": check_tags,
    "role": shaped("a role", "arn:aws:iam::ACCOUNT:role/NAME", ROLE),
    "architecture": among(X86_64, ARM64),
    "runtime": among(*(f"python{version}" for version in PYTHONS)),
    "layers": _layers,
    "ephemeral_storage": number(512, 10_240, "Remove it for 512 MB."),
    "vpc": _vpc,
    "file_system": _file_system,
    "reserved_concurrency": number(0, 1_000_000, "Remove it to reserve none."),
    "provisioned_concurrency": number(1, 1_000_000, "Remove it to keep none ready."),
    "snap_start": lambda option, value: flag("function", option, value),
    "log_retention": _log_retention,
    "log_format": among("Text", "JSON"),
    "application_log_level": among("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"),
    "system_log_level": among("DEBUG", "INFO", "WARN"),
    "tracing": among("Active", "PassThrough"),
    "dead_letter": target("queue", "topic"),
    "on_success": target("queue", "topic", "event_bus", "lambda_function"),
    "on_failure": target("queue", "topic", "event_bus", "lambda_function", "bucket"),
    "maximum_retry_attempts": number(0, 2, "Remove it to try twice again."),
    "maximum_event_age": number(60, 21_600, "Remove it for 6 hours."),
    "kms_key": shaped("a KMS key", "arn:aws:kms:REGION:ACCOUNT:key/ID", KEY),
    "recursive_loop": among("Allow", "Terminate"),
    "durable": _durable,
    "tenant_isolation_mode": among("PER_TENANT"),
}
