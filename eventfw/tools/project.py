"""The user's project: finding and loading the app, and ``eventfw.toml``."""

from __future__ import annotations

import dataclasses
import importlib
import linecache
import sys
import tomllib
import traceback
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

from eventfw.app import App, Blueprint, Handler
from eventfw.errors import EventfwError, ProjectError, shown
from eventfw.options import closest
from eventfw.resources.api import Api
from eventfw.resources.http_api import HttpApi
from eventfw.resources.names import LOCAL_STAGE, Names
from eventfw.routing import Router
from eventfw.rules.function import check_staged
from eventfw.rules.settings import PYTHONS, check_environment, check_tags
from eventfw.sources.http import Http

if TYPE_CHECKING:
    from types import ModuleType

DEFAULT_STAGE = "dev"
CONFIG_FILE = "eventfw.toml"
SETTINGS = (  # of @app.function, that the local server goes by
    "ephemeral_storage",
    "reserved_concurrency",
    "maximum_retry_attempts",
    "maximum_event_age",
    "log_format",
    "application_log_level",
    "system_log_level",
    "tenant_isolation_mode",
    "recursive_loop",
)
PUBLISHED = ("provisioned_concurrency", "snap_start", "durable")  # settings of versions only
UNMARKED = ("event_rule", "iot_rule")  # decorators
TOML_NAMES: dict[type, str] = {str: "string", dict: "table", list: "list"}


@dataclasses.dataclass(frozen=True)
class Stage:
    """One deployment of the app: ``[stages.NAME]`` in ``eventfw.toml``."""

    name: str
    region: str | None = None
    profile: str | None = None
    account: str | None = None
    environment: dict[str, str] = dataclasses.field(default_factory=dict)
    tags: dict[str, str] = dataclasses.field(default_factory=dict)
    functions: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Config:
    """What ``eventfw.toml`` says; every line of it is optional."""

    app: str = "app"
    python: str = f"{sys.version_info.major}.{sys.version_info.minor}"
    exclude: tuple[str, ...] = ()
    stages: dict[str, Stage] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Project:
    """An app together with the folder it lives in."""

    directory: Path
    config: Config
    app: App
    module: str
    variable: str

    def stage(self, name: str | None) -> Stage:
        """A stage by name; ``dev`` when none is named."""
        return find_stage(self.config, name)


def find_stage(config: Config, name: str | None) -> Stage:
    """A stage by name. ``dev`` is always there; others are named in ``eventfw.toml``."""
    wanted = name or DEFAULT_STAGE
    if wanted in config.stages:
        return config.stages[wanted]
    if wanted == DEFAULT_STAGE:
        return Stage(DEFAULT_STAGE)
    if wanted == LOCAL_STAGE:
        raise ProjectError(f"The stage {LOCAL_STAGE!r} is `eventfw local`'s own. Name another.", place=CONFIG_FILE)
    known = sorted({DEFAULT_STAGE, *config.stages})
    raise ProjectError(
        f"There is no stage {wanted!r}.{closest(wanted, known)} There is {', '.join(known)}. "
        f"Add a line [stages.{wanted}] to {CONFIG_FILE}.",
        place=CONFIG_FILE,
    )


def load_config(directory: Path) -> Config:
    """Read ``eventfw.toml``, refusing what it does not know."""
    path = directory / CONFIG_FILE
    if not path.exists():
        return Config()
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ProjectError(f"{CONFIG_FILE} cannot be read: {error}.", place=CONFIG_FILE) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ProjectError(f"{CONFIG_FILE} is not TOML: {error}.", place=shown(str(path), _toml_line(error))) from None
    _known(data, {"app": str, "python": str, "build": dict, "stages": dict}, "")
    build = data.get("build", {})
    _known(build, {"exclude": list}, "build.")
    python = data.get("python", Config.python)
    if python not in PYTHONS:
        raise _wrong(f"python must be one of {', '.join(PYTHONS)}, not {python!r}.")
    if not all(isinstance(pattern, str) for pattern in build.get("exclude", [])):
        raise _wrong(f"build.exclude must be a list of patterns, not {build['exclude']!r}.")
    stages = {name: _stage(name, value) for name, value in data.get("stages", {}).items()}
    return Config(data.get("app", "app"), python, tuple(build.get("exclude", [])), stages)


def _stage(name: str, value: Any) -> Stage:
    if name == LOCAL_STAGE or not name.isalnum() or not name.isascii() or not name.islower() or len(name) > 16:
        raise _wrong(f"A stage's name is 1 to 16 lower-case letters and digits, and not 'local': {name!r} is not.")
    if not isinstance(value, dict):
        raise _wrong(f"stages.{name} must be a table: write [stages.{name}].")
    tables = {"environment": dict, "tags": dict, "functions": dict}
    _known(value, {"region": str, "profile": str, "account": str, **tables}, f"stages.{name}.")
    environment, tags = value.get("environment", {}), value.get("tags", {})
    for variable, text in environment.items():
        if not isinstance(text, str):
            raise _wrong(f"stages.{name}.environment.{variable} must be a string, not of type {type(text).__name__}.")
    try:
        check_environment("environment", environment)
        check_tags("tags", tags)
    except EventfwError as error:
        raise _wrong(f"stages.{name}: {error.message}") from None
    for tag in tags:
        if tag.startswith("eventfw:"):
            raise _wrong(f"stages.{name}.tags.{tag} is eventfw's own. Use another key.")
    functions = value.get("functions", {})
    for function, settings in functions.items():
        where = f"stages.{name}.functions.{function}"
        if not isinstance(settings, dict):
            raise _wrong(f"{where} must be a table: write [{where}].")
        try:
            check_staged(settings)
        except EventfwError as error:
            raise _wrong(f"{where}: {error.message}") from None
    account = value.get("account")
    if account is not None and (len(account) != 12 or not account.isdigit()):
        raise _wrong(f"stages.{name}.account must be the 12 digits of an AWS account, in quotes, not {account!r}.")
    return Stage(name, value.get("region"), value.get("profile"), account, environment, tags, functions)


def _known(data: dict[str, Any], types: dict[str, type], prefix: str) -> None:
    for key, value in data.items():
        if key not in types:
            raise _wrong(f"{prefix}{key} is not a setting.{closest(key, types)} There is {', '.join(types)}.")
        if not isinstance(value, types[key]):
            raise _wrong(f"{prefix}{key} must be a {TOML_NAMES[types[key]]}, not {value!r}.")


def _wrong(message: str) -> ProjectError:
    return ProjectError(message, place=CONFIG_FILE)


def _toml_line(error: Exception) -> int:
    words = str(error).partition("(at line ")[2]
    return int(words.partition(",")[0]) if words else 1


def existing(directory: str | Path) -> Path:
    """A project's folder, in full. Raises ``ProjectError`` where there is none."""
    folder = Path(directory).resolve()
    if not folder.is_dir():
        raise ProjectError(f"There is no folder {str(directory)!r}. Check the path given with --directory.")
    return folder


def load_project(directory: str | Path = ".", app: str | None = None) -> Project:
    """Import the app of a project: ``app.py``, unless ``app`` or ``eventfw.toml`` name a ``module`` or
    ``module:variable``."""
    folder = existing(directory)
    config = load_config(folder)
    module, _, variable = (app or config.app).partition(":")
    module = module.removesuffix(".py").replace("/", ".")
    loaded = import_app_module(folder, module)
    name, found = _the_app(loaded, variable, module)
    warn_of_unmounted(folder)
    return Project(folder, config, found, module, name)


def import_app_module(folder: Path, module: str) -> ModuleType:
    """Import the app's module with the project folder first on the path, as Lambda has it."""
    if not all(part.isidentifier() for part in module.split(".")):
        raise ProjectError(f"The app is named MODULE or MODULE:VARIABLE, such as app or shop.main:app, not {module!r}.")
    relative = Path(*module.split("."))
    if not (folder / relative).with_suffix(".py").exists() and not (folder / relative / "__init__.py").exists():
        raise ProjectError(
            f"There is no {relative}.py in {folder}. Go to your project's folder, name it with --directory, "
            f"or begin one with `eventfw new NAME`."
        )
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    try:
        loaded = importlib.import_module(module)
    except EventfwError:
        raise
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        raise import_failure(error, folder, module) from error
    file = getattr(loaded, "__file__", None)
    if file is None or not Path(file).resolve().is_relative_to(folder):
        raise ProjectError(
            f"The name {module!r} belongs to another module, {file or 'built into Python'}. Rename {relative}.py.",
            place=f"{relative}.py",
        )
    return loaded


def import_failure(error: BaseException, folder: Path, module: str) -> ProjectError:
    """What went wrong when the app was imported, at the user's own line."""
    if isinstance(error, SyntaxError) and error.filename:
        return ProjectError(f"SyntaxError: {error.msg}.", place=shown(error.filename, error.lineno or 1))
    trace = traceback.extract_tb(error.__traceback__)
    frames = [frame for frame in trace if is_users(Path(frame.filename), folder)]
    place = shown(frames[-1].filename, frames[-1].lineno or 1) if frames else f"{module}.py"
    line = linecache.getline(frames[-1].filename, frames[-1].lineno or 1).strip() if frames else ""
    remedy = ""
    if isinstance(error, ModuleNotFoundError):
        remedy = f" Install it (pip install ...) and name it in requirements.txt: {error.name}."
    if isinstance(error, SystemExit):
        remedy = " The app must be importable: move what ends the program under `if __name__ == '__main__':`."
    said = f": {error}" if str(error) else ""
    where = f" in `{line}`" if line else ""
    return ProjectError(f"{type(error).__name__} while importing the app{where}{said}.{remedy}", place=place)


def is_users(path: Path, folder: Path) -> bool:
    """Whether a file is the user's own, not a library's in an environment inside the project."""
    return path.is_relative_to(folder) and "site-packages" not in path.parts


def warn_of_unmounted(folder: Path) -> None:
    """Say which blueprints of the project's modules have handlers and are mounted nowhere: nothing runs those."""
    modules = [module for module in list(sys.modules.values()) if own_file(module, folder)]
    found = {id(value): value for module in modules for value in vars(module).values() if isinstance(value, Blueprint)}
    for blueprint in found.values():
        if blueprint.handlers and not blueprint.closed:
            names = ", ".join(handler.name for handler in blueprint.handlers)
            file, _, line = blueprint.place.rpartition(":")
            message = f"{blueprint!r} is not mounted, so nothing runs {names}. Write app.mount(...)."
            warnings.warn_explicit(message, UserWarning, file, int(line))


def own_file(module: ModuleType, folder: Path) -> bool:
    """Whether a module was loaded from the project's folder."""
    file = getattr(module, "__file__", None)
    return bool(file) and Path(str(file)).is_relative_to(folder)


def _the_app(module: ModuleType, variable: str, name: str) -> tuple[str, App]:
    if variable:
        found = getattr(module, variable, None)
        if not isinstance(found, App):
            raise ProjectError(f"{name}:{variable} is not an App but {found!r}.", place=f"{name}.py")
        return variable, found
    apps = {key: value for key, value in vars(module).items() if isinstance(value, App)}
    different = {id(value): key for key, value in apps.items()}
    if not apps:
        raise ProjectError('There is no App. Write: from eventfw import App; app = App("name").', place=f"{name}.py")
    if len(different) > 1:
        places = ", ".join(f"{key} ({value.place})" for key, value in apps.items())
        remedy = f"Say which with --app {name}:{next(iter(apps))}."
        raise ProjectError(f"There are {len(different)} apps: {places}. {remedy}", place=f"{name}.py")
    key = "app" if "app" in apps else next(iter(apps))
    return key, apps[key]


def is_http(resource: object) -> TypeGuard[Api]:
    """Whether a resource is an API with ``http`` routes."""
    return isinstance(resource, Api) and resource.http


def described_apis(app: App, router: Router) -> list[dict[str, Any]]:
    """The app's APIs, the default one first: their routes, options, and who may send requests to which route."""
    named: dict[str, Api] = {resource.key: resource for resource in app.resources if is_http(resource)}
    guards: dict[str, dict[str, Any]] = {}
    for handler in app.handlers:
        for trigger in handler.triggers:
            if isinstance(trigger, Http):
                api = guards.setdefault(trigger.api_key, {})
                api.update(dict.fromkeys(trigger.route_keys, trigger.guard()))
    found = {"": HttpApi(), **named}
    return [
        {
            **api.described(),
            "routes": [list(route) for route in router.http_routes(name)],
            "guards": {key: guard for key, guard in guards.get(name, {}).items() if guard},
        }
        for name, api in found.items()
    ]


def describe(app: App, names: Names, endpoint: str = "") -> dict[str, Any]:
    """The app as plain data, for those who must not import it: the local server and ``eventfw list --json``."""
    router = Router(app)
    triggers = [(handler, trigger) for handler in app.handlers for trigger in handler.triggers]
    data: dict[str, Any] = {
        "app": app.name,
        "functions": {name: _function(function, names, endpoint) for name, function in app.functions.items()},
        "routes": [list(route) for route in router.http_routes()],
        "apis": described_apis(app, router),
        "handlers": [
            {
                "name": handler.name,
                "function": handler.function,
                "place": handler.place,
                "triggers": [trigger.title() for trigger in handler.triggers],
            }
            for handler in app.handlers
        ],
        "schedules": [],
        "edge": [],
        "distributions": [],
        "fronts": [],
        "websockets": [],
    }
    for resource in app.resources:
        served = resource.local()
        if served is not None:
            data[served[0]].append(served[1])
    for handler, trigger in triggers:
        driven = trigger.local()
        if driven is not None:
            kind, how = driven
            data[kind].append({**how, "function": handler.function, "handler": handler.name})
    return data


def _function(function: Any, names: Names, endpoint: str) -> dict[str, Any]:
    resources = {grant.resource.variable: grant.resource for grant in function.uses}
    injected = {variable: resource.local_value(names, endpoint) for variable, resource in resources.items()}
    return {
        "name": names.physical(function.name),
        "memory": function.memory,
        "timeout": function.timeout,
        "environment": {**function.environment, **injected} if not function.edge else {},
        "handlers": [handler.name for handler in function.handlers],
        "edge": function.edge,
        "place": function.place,
        "settings": {
            **{option: function.said[option] for option in SETTINGS if option in function.said},
            **({"published": True} if any(function.said.get(option) for option in PUBLISHED) else {}),
            **({"unmarked": True} if any(map(_unmarked, function.handlers)) else {}),
        },
    }


def _unmarked(handler: Handler) -> bool:
    """Whether AWS invokes a handler asynchronously with events that are of no kind."""
    return any(one.decorator in UNMARKED and not one.kinds for one in handler.triggers)
