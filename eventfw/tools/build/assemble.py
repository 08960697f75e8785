"""``build``: app -> Artifacts."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from eventfw.errors import BuildError
from eventfw.rules.settings import X86_64
from eventfw.tools.build.artifacts import Artifacts, Asset, FunctionRef, Stack
from eventfw.tools.build.distributions import complete
from eventfw.tools.build.functions import EDGE_REGION, Code, add_edge_function, add_function, code_in_bucket
from eventfw.tools.build.lambda_service import taken_over
from eventfw.tools.build.published import is_published
from eventfw.tools.build.stages import functions_in
from eventfw.tools.build.step_errors import named_errors
from eventfw.tools.build.template import Template
from eventfw.tools.checks import check

if TYPE_CHECKING:
    from eventfw.app import App
    from eventfw.function import Function
    from eventfw.tools.project import Project, Stage

Report = Callable[[str], None]
LOCAL_RUNTIME = (
    "provided.al2023"  # the embedded AWS posts every event of such a function to its proxy, whatever sent it
)
LOCAL_TIMEOUT = 900  # seconds: the local server enforces the real one; the embedded AWS counts our cold start in
PROXY_VARIABLE = "MINISTACK_LAMBDA_PROXY_URL"


@dataclass(frozen=True)
class LocalVariant:
    """The template for the embedded AWS: functions without code, whose events are posted to ``push_url/<function>``."""

    push_url: str


def build(
    project: Project,
    stage: Stage,
    *,
    out: Path | None = None,
    local: LocalVariant | None = None,
    report: Report = lambda text: None,
) -> Artifacts:
    """Make everything a deployment of the stage needs. The zips go to ``out/assets``.

    Raises BuildError for what cannot be made, or AWS would refuse.
    """
    app = project.app
    functions = list(app.functions.values())
    if not functions and not app.resources:
        raise BuildError("The app has no handlers and no resources: there is nothing to build.", place=app.place)
    for finding in check(app):
        if finding.refused:
            raise BuildError(finding.message, place=finding.place)
        report(f"Warning: {finding.place}: {finding.message}")
    if local is not None:
        return _local(app, stage, local)
    folder = out or Path(tempfile.mkdtemp(prefix="eventfw-build-"))
    return _deployable(project, stage, folder, report)


def _deployable(project: Project, stage: Stage, folder: Path, report: Report) -> Artifacts:
    from eventfw.tools.build.package import package_edge

    app = project.app
    functions = functions_in(app, stage)
    plain = [function for function in functions if not function.edge]
    edge = [function for function in functions if function.edge]
    stacks: list[Stack] = []
    assets: list[Asset] = []
    refs: list[FunctionRef] = []
    if edge:
        asset = package_edge(project, edge, folder, report=report)
        assets.append(asset)
        name = f"{app.name}-{stage.name}-edge"
        refs += _refs(edge, asset, name)
        runtime = f"python{project.config.python}"
        stacks.append(Stack(name, EDGE_REGION, _edge_template(app, stage, edge, runtime, asset)))
    if plain or app.resources:
        zips = _zips(project, plain, folder, report)
        assets += {asset.sha256: asset for asset in zips.values()}.values()

        def code(function: Function) -> Code:
            sha256 = zips[function.name].sha256
            return Code(runtime_of(function, project), handler_of(function), code_in_bucket(app.name, sha256), sha256)

        for name, template in _main_templates(app, stage, code).items():
            stacks.append(Stack(name, None, template.body(f"{app.name}, stage {stage.name}")))
        for function in plain:
            refs += _refs([function], zips[function.name], stack_name(app, stage, function.stack))
    refs.sort(key=lambda ref: ref.name)
    return Artifacts(app.name, stage.name, stacks, assets, refs, stage.tags)


def runtime_of(function: Function, project: Project) -> str:
    """The Lambda runtime: the function's own, or the project's."""
    return str(function.said.get("runtime", f"python{project.config.python}"))


def _zips(project: Project, functions: list[Function], folder: Path, report: Report) -> dict[str, Asset]:
    """Each function's zip, by its name."""
    from eventfw.tools.build.package import packages

    kinds = {
        function.name: (runtime_of(function, project).removeprefix("python"), function.said.get("architecture", X86_64))
        for function in functions
    }
    made = packages(project, functions, folder, list(dict.fromkeys(kinds.values())), report=report)
    return {name: made[kind] for name, kind in kinds.items()}


def _local(app: App, stage: Stage, local: LocalVariant) -> Artifacts:
    """Edge functions are left out: the local server runs them itself, the embedded AWS cannot."""

    def code(function: Function) -> Code:
        return Code(LOCAL_RUNTIME, handler_of(function), {"ZipFile": "# runs in a worker of the local server"})

    templates = _main_templates(app, stage, code, local=True)
    for function in app.functions.values():
        if function.edge:
            continue
        template = templates[stack_name(app, stage, function.stack)]
        properties = template.properties(template.function_id(function))
        properties["Timeout"] = LOCAL_TIMEOUT
        variables = properties.setdefault("Environment", {"Variables": {}})["Variables"]
        variables[PROXY_VARIABLE] = f"{local.push_url}/{function.name}"
    for template in templates.values():
        if template.main is template:
            named_errors(template)
    told = taken_over(app, templates, lambda function: stack_name(app, stage, function.stack))
    stacks = [Stack(name, None, template.body(f"{app.name}, local")) for name, template in templates.items()]
    return Artifacts(app.name, stage.name, stacks, local=told)


def _main_templates(
    app: App, stage: Stage, code: Callable[[Function], Code], *, local: bool = False
) -> dict[str, Template]:
    """The main stack's template and the blueprints', by stack name, in the order to deploy them in."""
    main = Template(app.name, stage.name, local=local)
    functions = functions_in(app, stage)
    main.published.update(function.name for function in functions if is_published(function) and not local)
    templates = {"": main}
    for resource in app.resources:
        resource.resources(main)
        if (resource.owned or (local and resource.named_by_aws)) and main.has(resource.logical_id):
            main.output(resource.logical_id, resource.reference(main), f"The {resource.words()} {resource.key}")
    for function in functions:
        if function.edge:
            continue
        template = templates.get(function.stack)
        if template is None:
            template = templates[function.stack] = Template(app.name, stage.name, local=local, main=main)
        with _placed(template, f"function {function.name!r}", function.place):
            add_function(template, function, code(function), stage)
        for handler in function.handlers:
            with _placed(template, f"handler {handler.name!r}", handler.place):
                for trigger in handler.triggers:
                    trigger.resources(function, template)
    for resource in app.resources:
        resource.conclude(main)
    complete(app, main)
    named = {stack_name(app, stage, name): template for name, template in templates.items()}
    return {name: template for name, template in named.items() if not template.empty}


@contextmanager
def _placed(template: Template, owner: str, place: str) -> Iterator[None]:
    """Name the owner of what is added, and give its place to an error that has none."""
    template.adding = f" of {owner} ({place})" if place else f" of {owner}"
    try:
        yield
    except BuildError as error:
        raise BuildError(error.message, place=error.place or place) from None
    finally:
        template.adding = ""


def _edge_template(app: App, stage: Stage, functions: list[Function], runtime: str, asset: Asset) -> dict[str, object]:
    template = Template(app.name, stage.name)
    for function in functions:
        code = Code(runtime, handler_of(function), code_in_bucket(app.name, asset.sha256), asset.sha256)
        add_edge_function(template, function, code)
        for handler in function.handlers:
            for trigger in handler.triggers:
                trigger.resources(function, template)
    return template.body(f"{app.name}, stage {stage.name}: Lambda@Edge")


def stack_name(app: App, stage: Stage, stack: str) -> str:
    """The name of a stack of the app: the main one's for ``""``."""
    return f"{app.name}-{stage.name}" + (f"-{stack}" if stack else "")


def handler_of(function: Function) -> str:
    """What Lambda imports and calls: one attribute of the generated entry module for each function."""
    return "eventfw_entry." + "".join(char if char.isalnum() else "_" for char in function.name)


def _refs(functions: list[Function], asset: Asset, stack: str) -> list[FunctionRef]:
    return [FunctionRef(function.name, handler_of(function), asset.sha256, stack) for function in functions]
