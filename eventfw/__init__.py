"""eventfw: one file of decorators is a complete, deployable, event-driven AWS application.

Names are imported when they are first used, so that an app pays only for what it touches.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .app import App as App
    from .app import Blueprint as Blueprint
    from .events import Event as Event
    from .http import HTTPError as HTTPError
    from .http import Response as Response
    from .resources.cors import Cors as Cors
    from .sources.authorizer import Allow as Allow
    from .sources.authorizer import Deny as Deny
    from .sources.table import *  # noqa: F403 (resources, and what handlers receive)

__version__ = "0.1.0"

_HOME = {
    "Allow": "eventfw.sources.authorizer",
    "App": "eventfw.app",
    "Blueprint": "eventfw.app",
    "Cors": "eventfw.resources.cors",
    "Deny": "eventfw.sources.authorizer",
    "Event": "eventfw.events",
    "HTTPError": "eventfw.http",
    "Response": "eventfw.http",
}


def __getattr__(name: str) -> object:
    if name.startswith("__") and name != "__all__":
        raise AttributeError(f"module 'eventfw' has no attribute {name!r}.")
    home = _HOME.get(name)
    if home is None:
        from .sources.table import public_names

        listed = public_names()
        names = sorted({*_HOME, *listed})
        if name == "__all__":
            return names
        home = listed.get(name)
    if home is None:
        raise AttributeError(f"module 'eventfw' has no attribute {name!r}. It has: {', '.join(names)}.")
    module = __import__(home, fromlist=[name])
    value = globals()[name] = getattr(module, name)
    return value
