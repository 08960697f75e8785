"""What a worker answers: results and errors in the form AWS's own runtime client gives them. stdlib only."""

from __future__ import annotations

import json
import os
import re
import sys
import traceback

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any

PAYLOAD_LIMIT = 6_291_556  # bytes of a synchronous answer
PACKAGE = __file__.rpartition("tools")[0]  # eventfw's own folder, with the last slash
ESCAPED = sys.version_info < (3, 12)  # AWS's client escapes non-ASCII in the older runtimes


class Failed(Exception):
    """An error of the runtime and not of the user's function: what AWS names ``Runtime.*``."""

    def __init__(self, error_type: str, message: str, trace: list[str] | None = None) -> None:
        super().__init__(message)
        self.error_type = error_type
        self.message = message
        self.trace = trace or []


class _Encoder(json.JSONEncoder):
    """JSON with decimals as bare numbers and bytes as text, as simplejson writes them for AWS's client.

    The standard encoder cannot be given a literal, so a decimal goes through as marked text whose quotes are removed.
    """

    mark = f"\ue000{os.urandom(16).hex()}:"

    def __init__(self) -> None:
        super().__init__(ensure_ascii=False)
        self.marked = False

    def default(self, value: Any) -> Any:
        decimal = sys.modules.get("decimal")
        if decimal is not None and isinstance(value, decimal.Decimal):
            if value.is_nan():
                return float("nan")
            self.marked = True
            return f"{self.mark}{value}"
        if isinstance(value, bytes):
            return value.decode()
        return super().default(value)


def encoded(value: Any) -> bytes:
    """A value as JSON. Raises what the encoder raises: ``TypeError``, ``ValueError``, ``RecursionError``."""
    encoder = _Encoder()
    text = encoder.encode(value)
    if encoder.marked:
        text = re.sub(f'"{encoder.mark}([^"]*)"', r"\1", text)
    if ESCAPED and not text.isascii():
        text = re.sub(r"[^\x00-\x7f]+", lambda found: json.dumps(found[0])[1:-1], text)
    return text.encode("utf-8", "surrogatepass")


def result_payload(value: Any) -> bytes:
    """What the function returned. Bytes pass as they are."""
    if isinstance(value, bytes):
        return value
    try:
        return encoded(value)
    except Exception as error:
        raise Failed("Runtime.MarshalError", f"Unable to marshal response: {error}") from None


def event_of(body: bytes) -> Any:
    """The event, parsed."""
    try:
        return json.loads(body)
    except ValueError as error:
        raise Failed("Runtime.UnmarshalError", f"Unable to unmarshal input: {error}") from None


def user_frames(trace: TracebackType | None) -> list[str]:
    """The stack from the user's first frame on: what called it is eventfw, and the same every time."""
    frames = traceback.extract_tb(trace)
    first = next((at for at, frame in enumerate(frames) if not _ours(frame.filename)), 0)
    return traceback.format_list(frames[first:])


def _ours(path: str) -> bool:
    return path.startswith((PACKAGE, "<frozen importlib", "<frozen runpy")) or "/importlib/" in path


def error_of(error: BaseException, request_id: str) -> dict[str, Any]:
    """An exception as the payload of a failed invocation."""
    if isinstance(error, Failed):
        return document(error.message, error.error_type, error.trace, request_id)
    return document(str(error), type(error).__name__, user_frames(error.__traceback__), request_id)


def import_error_of(error: BaseException, module: str) -> dict[str, Any]:
    """An app that cannot be imported, as AWS's client reports it before the first event."""
    cause = error.__cause__ or error
    if isinstance(cause, SyntaxError):
        trace = [f'  File "{cause.filename}" Line {cause.lineno}\n    {cause.text}']
        return document(f"Syntax error in module '{module}': {cause}", "Runtime.UserCodeSyntaxError", trace, "")
    if isinstance(cause, ImportError):
        return document(f"Unable to import module '{module}': {cause}", "Runtime.ImportModuleError", [], "")
    return document(str(cause), type(cause).__name__, user_frames(cause.__traceback__), "")


def document(message: str, error_type: str, trace: list[str], request_id: str) -> dict[str, Any]:
    """Lambda's error document."""
    return {"errorMessage": message, "errorType": error_type, "requestId": request_id, "stackTrace": trace}


def too_large() -> tuple[str, bytes]:
    """What is answered instead of a payload over Lambda's limit: its type and its document."""
    error_type = "Function.ResponseSizeTooLarge"
    message = f"Response payload size exceeded maximum allowed payload size ({PAYLOAD_LIMIT} bytes)."
    return error_type, encoded({"errorMessage": message, "errorType": error_type})
