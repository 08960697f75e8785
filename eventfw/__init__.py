"""eventfw: one file of decorators is a complete, deployable, event-driven AWS application.

Names are imported when they are first used, so that an app pays only for what it touches.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .app import App as App
    from .app import Blueprint as Blueprint
    from .events import Event as Event
    from .http import HTTPError as HTTPError
    from .http import Request as Request
    from .http import Response as Response
    from .resources.bucket import Bucket as Bucket
    from .resources.queue import Queue as Queue
    from .sources.edge import EdgeRequest as EdgeRequest
    from .sources.event_rule import EventBridgeEvent as EventBridgeEvent
    from .sources.s3 import S3Record as S3Record
    from .sources.schedule import Tick as Tick
    from .sources.sqs import SqsBatch as SqsBatch
    from .sources.sqs import SqsMessage as SqsMessage

__version__ = "0.1.0"

_HOME = {
    "App": "app",
    "Blueprint": "app",
    "Bucket": "resources.bucket",
    "EdgeRequest": "sources.edge",
    "Event": "events",
    "EventBridgeEvent": "sources.event_rule",
    "HTTPError": "http",
    "Queue": "resources.queue",
    "Request": "http",
    "Response": "http",
    "S3Record": "sources.s3",
    "SqsBatch": "sources.sqs",
    "SqsMessage": "sources.sqs",
    "Tick": "sources.schedule",
}

__all__ = [  # the same names, spelled out for type checkers and `import *`
    "App",
    "Blueprint",
    "Bucket",
    "EdgeRequest",
    "Event",
    "EventBridgeEvent",
    "HTTPError",
    "Queue",
    "Request",
    "Response",
    "S3Record",
    "SqsBatch",
    "SqsMessage",
    "Tick",
]


def __getattr__(name: str) -> object:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'eventfw' has no attribute {name!r}. It has: {', '.join(__all__)}.")
    module = __import__(f"eventfw.{home}", fromlist=[name])
    value = globals()[name] = getattr(module, name)
    return value
