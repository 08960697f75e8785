"""An app for each source, as the source's own example writes it."""

from __future__ import annotations

import re
from typing import Any

from eventfw import App
from eventfw.sources import table
from eventfw.trigger import Trigger

OWNED = {  # what examples call the resources they use: (method, name)
    "uploads": ("bucket", "uploads"),
    "orders": ("queue", "orders"),
    "news": ("topic", "news"),
    "clicks": ("stream", "clicks"),
    "catalog": ("table", "catalog"),
    "shop": ("event_bus", "shop"),
    "audit": ("log_group", "audit"),
    "people": ("user_pool", "people"),
    "inside": ("lattice_service", "inside"),
    "chat": ("websocket_api", "chat"),
}
ARGUMENTS = {"table": "partition_key='id'"}  # what a resource cannot do without, beside its name


class Names(dict[str, Any]):
    """What an example may name: the app, and resources, each made when it is first named."""

    def __init__(self, app: App) -> None:
        super().__init__(app=app)
        self.app = app

    def __missing__(self, name: str) -> Any:
        if name not in OWNED:
            raise KeyError(name)
        method, key = OWNED[name]
        arguments = eval(f"dict({ARGUMENTS.get(method, '')})")
        self[name] = getattr(self.app, method)(key, **arguments)
        return self[name]


RETURNING = "def {handler}(event): return event"


def add(
    app: App, name: str, handler: str = "handler", names: Names | None = None, *, written: str = RETURNING
) -> Trigger:
    """Give an app a handler under a source's example."""
    found = names if names is not None else Names(app)
    code = f"{table.load(table.SOURCES[name]).example}\n{written.format(handler=handler)}\n"
    exec(code, {"__builtins__": __builtins__, **found}, found)
    made = next(one for one in app.handlers if one.name == handler)
    return made.triggers[0]


def example(name: str) -> tuple[App, Trigger]:
    """An app with one handler, decorated as the source's own example says."""
    app = App("demo")
    return app, add(app, name)


def together() -> App:
    """An app with a handler under every source, called as its decorator is; the authorizer guards one route."""
    app = App("demo")
    names = Names(app)
    for name in sorted(table.SOURCES):
        add(app, name, name, names)
    app.get("/guarded", authorizer="authorizer")(guarded)
    return app


def guarded(request: Any) -> None: ...


def module(*names: str, body: str = "return event") -> str:
    """The text of a module whose app has a handler under each of these sources, called as its decorator is.

    ``{name}`` stands for that in their ``body``.
    """
    lines = ["from eventfw import App", "app = App('demo')"]
    examples = {name: table.load(table.SOURCES[name]).example for name in names}
    named = {word for example in examples.values() for word in re.findall(r"\w+", re.sub(r'"[^"]*"', "", example))}
    for word, (method, key) in OWNED.items():
        if word in named:
            more = f", {ARGUMENTS[method]}" if method in ARGUMENTS else ""
            lines.append(f"{word} = app.{method}({key!r}{more})")
    for name, example in examples.items():
        lines += [example, f"def {name}(event): {body.format(name=name)}"]
    return "\n".join([*lines, ""])
