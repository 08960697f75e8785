"""Functions as they are in one stage: with what ``eventfw.toml`` says of them there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventfw.errors import EventfwError, ProjectError
from eventfw.function import Function, Settings
from eventfw.options import closest
from eventfw.tools.project import CONFIG_FILE

if TYPE_CHECKING:
    from eventfw.app import App
    from eventfw.tools.project import Stage

MERGED = ("environment", "tags")  # what a stage adds to; anything else takes the place of what the app says


def in_stage(function: Function, stage: Stage) -> Function:
    """The function with the stage's own settings, checked together with the app's. The app's own stays as it is."""
    own = stage.functions.get(function.name)
    if not own:
        return function
    said = {**function.said, **own}
    for option in MERGED:
        if option in own:
            said[option] = {**function.said.get(option, {}), **own[option]}
    try:
        settings = Settings(function.settings.name, **said)
        settings.place = function.settings.place
        return Function(function.name, function.handlers, settings)
    except EventfwError as error:
        raise ProjectError(
            f"stages.{stage.name}.functions.{function.name}: {error.message}", place=CONFIG_FILE
        ) from None


def functions_in(app: App, stage: Stage) -> list[Function]:
    """The app's functions as they are in the stage. Raises ProjectError for settings of one that there is not."""
    for name in stage.functions:
        if name not in app.functions:
            raise ProjectError(
                f"stages.{stage.name}.functions.{name}: the app has no such function.{closest(name, app.functions)} "
                f"It has {', '.join(app.functions)}.",
                place=CONFIG_FILE,
            )
    return [in_stage(function, stage) for function in app.functions.values()]
