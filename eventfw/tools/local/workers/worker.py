"""A worker: one execution environment of one function, one event at a time. Forked by the zygote, or run by file.

Over its connection come, in order: the specification (environment variables, function, app), then events. It takes the
environment, imports the app, says ``ready``, and answers each event; while it has one, others may be sent ahead. With
the connection it ends. It imports only the standard library and what ships, until the app is imported.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from pathlib import Path

if sys.platform != "win32":  # where the server refuses to start workers, and says so
    import fcntl
    import resource
    import termios

if __package__ in (None, ""):  # run by file: the package may not be on the path of a bare interpreter
    sys.path.append(str(Path(__file__).resolve().parents[4]))

from eventfw.tools.local.workers import answers, lambda_context, modules, questions, records
from eventfw.tools.local.workers.wire import Connection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

PR_SET_PDEATHSIG = 1
KEPT = frozenset({*sys.stdlib_module_names, "__main__", "eventfw"})  # not for the project to replace, nor on Lambda
MOST_TOOK = 2**32 - 1  # microseconds, as the wire has them: more than an hour
PEAK_UNIT = 1 if sys.platform == "darwin" else 1024  # bytes: in what the system counts a process's peak


def prepare() -> None:
    """Import what every worker needs and this module does not import at its head, for a fork to find it there."""
    for name in ("eventfw.app", "eventfw.runtime", "eventfw.tools.local.workers.inspection"):
        importlib.import_module(name)
    if sys.platform == "linux":
        importlib.import_module("ctypes")


def main(connection: int, output: int, ahead: int) -> None:
    """Become the worker that the first message describes, and serve it until the server closes the connection."""
    os.set_inheritable(connection, False)
    os.set_inheritable(ahead, False)
    preloaded = {name for name in sys.modules if name.partition(".")[0] not in KEPT}
    link = Connection(connection, ahead)
    take_streams(output)
    printed = os.dup(1)
    end_with_parent()
    message = link.receive()
    if message is None:
        os._exit(0)
    spec, sources = message
    take_environment(spec)
    if sources:
        sys.meta_path.insert(0, modules.SnapshotFinder(json.loads(sources)))
    modules.give_way(spec["directory"], preloaded)
    current = records.install()
    sys.stdin = questions.Input(link, current)
    if spec["debugger"]:
        from eventfw.tools.local.workers import debugger

        debugger.join(spec["debugger"])
    handler = load(spec, link)
    serve(handler, link, current, spec["arn"], printed)
    os._exit(0)  # the server is gone or wants it gone: nothing waits for the interpreter to tidy up


def take_streams(output: int) -> None:
    """Both standard streams go to the server, a line at a time; nothing is to be read from the terminal."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(nothing)
    os.close(output)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)  # type: ignore[union-attr]


def end_with_parent() -> None:
    """Have the kernel end this process with the zygote, should both it and the server be killed at once."""
    if sys.platform != "linux":
        return
    import ctypes
    import signal

    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def take_environment(spec: dict[str, Any]) -> None:
    """The function's environment variables and nothing else, the project's folder, and numbers of its own."""
    os.environ.clear()
    os.environ.update(spec["environment"])
    time.tzset()
    directory = spec["directory"]
    os.chdir(directory)
    if directory in sys.path:
        sys.path.remove(directory)
    sys.path.insert(0, directory)
    modules.read_afresh(directory)
    if "tempfile" in sys.modules:
        import tempfile

        tempfile.tempdir = None  # a library may have asked for it before: this environment has a folder of its own
    bound_files(spec["storage"])
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:
        numpy_random.seed()  # every fork would draw the same numbers


def bound_files(size: int) -> None:
    """No file this process writes grows beyond ``size`` MB: writing then fails, as on a full disk."""
    limit = size * 1024 * 1024
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))


def peak_memory() -> int:
    """The most bytes that this process has had in memory."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * PEAK_UNIT


def load(spec: dict[str, Any], link: Connection) -> Callable[[Any, Any], Any]:
    """Import the app and say so; what goes wrong is told to the server, and ends the worker."""
    from eventfw.runtime import entry

    function = spec["function"]
    if spec["describe"]:
        from eventfw.tools.local.workers.inspection import inspected

        project, told = inspected(spec)
        link.send({"op": "inspected", "pid": os.getpid()}, json.dumps(told).encode())
        if project is None or function not in project.app.functions:
            os._exit(0)
        return entry(project.app, function)
    module, _, variable = spec["app"].partition(":")
    try:
        handler = entry(getattr(importlib.import_module(module), variable), function)
    except Exception as error:
        document = answers.import_error_of(error, module)
        records.say_error(document)
        sys.stdout.flush()
        link.send({"op": "broken", "type": document["errorType"]}, answers.encoded(document))
        os._exit(1)
    link.send({"op": "ready", "pid": os.getpid()})
    return handler


def unread(descriptor: int) -> bool:
    """Whether a pipe has something that nobody has read."""
    return any(fcntl.ioctl(descriptor, termios.FIONREAD, bytes(4)))


def serve(
    handler: Callable[[Any, Any], Any], link: Connection, current: records.Current, arn: str, printed: int
) -> None:
    """Answer events until the server closes the connection. What is no ``Exception`` ends the process, as on AWS.

    ``arn`` is the function's own, for events that were not sent to an alias or version of it. ``printed`` is the pipe
    of the standard streams: while it has something to read, or there is anything else for the server to see to, such as
    memory that has grown, nothing that was sent ahead is begun until the server says so.
    """
    execution = lambda_context.Execution(arn)
    quiet, most = True, 0
    while (message := link.receive(ahead=quiet)) is not None:
        began, quiet = time.perf_counter(), True
        head, body = message
        if "id" not in head:
            continue
        current.request_id = head["id"]
        error_type = ""
        execution.take(head.get("version", "$LATEST"))
        try:
            context = lambda_context.LambdaContext(
                head["id"], execution, head["deadline"], head.get("client"), head.get("arn"), head.get("tenant")
            )
            current.pause, current.reachable = context.pause, True
            payload = answers.result_payload(handler(answers.event_of(body), context))
        except Exception as error:
            document = answers.error_of(error, head["id"])
            records.say_error(document)
            error_type, payload = document["errorType"], answers.encoded(document)
        current.reachable = False
        if len(payload) > answers.PAYLOAD_LIMIT:
            error_type, payload = answers.too_large()
        sys.stdout.flush()
        sys.stderr.flush()
        before, most = most, peak_memory()
        quiet = not error_type and most == before and not unread(printed)
        took = min(int((time.perf_counter() - began) * 1e6), MOST_TOOK)
        try:
            if error_type:
                told = {"op": "result", "id": head["id"], "type": error_type, "peak": most, "took": took}
                link.send({**told, "quiet": False}, payload)
            else:
                link.send_result(head["id"], most, took, quiet, payload)
        except BrokenPipeError:
            return


if __name__ == "__main__":
    prepare()
    main(*map(int, sys.argv[1:4]))
