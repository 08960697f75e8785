"""SQS queues, polled by Lambda: by those who consume a queue's messages, and by those who get theirs through one."""

from __future__ import annotations

from ..options import refused, whole
from ..resources.queue import VISIBILITY_MAX, Queue
from .mapping import Polled, checked_pollers, pollers_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from typing import Any

    from ..function import Function
    from ..resources.resource import Grant, Template
    from .mapping import Filters


class QueuePolled(Polled):
    """A queue, polled by Lambda. It has one consumer: with two, each would get some of the messages."""

    filter_kind = "sqs"
    batch_default = 10

    def __init__(
        self,
        queue: Queue | str,
        *,
        batch_size: int = 10,
        batching_window: int = 0,
        maximum_concurrency: int | None = None,
        pollers: tuple[int, int] | None = None,
        filters: Filters = (),
        kms_key: str | None = None,
        batch: bool = False,
        enabled: bool = True,
        metrics: Sequence[str] = (),
    ) -> None:
        super().__init__(
            batch_size=batch_size,
            batching_window=batching_window,
            filters=filters,
            kms_key=kms_key,
            batch=batch,
            enabled=enabled,
            metrics=metrics,
        )
        self.queue = self.resource = Queue.of(self.decorator, queue)
        self.maximum_concurrency = maximum_concurrency
        self.pollers = pollers
        self.validate()

    def validate(self) -> None:
        super().validate()
        name, size, window = self.decorator, self.batch_size, self.batching_window
        if self.maximum_concurrency is not None:
            whole(name, "maximum_concurrency", self.maximum_concurrency, 2, 1000, "Remove it for no limit.")
        if self.queue.fifo and size > 10:
            raise refused(f"batch_size must be 1 to 10 for a FIFO queue, not {size}. Remove it to use 10.")
        if self.queue.fifo and window:
            raise refused(f"batching_window is not possible for a FIFO queue, not even {window}. Remove it.")
        if size > 10 and not window:
            raise refused(f"batch_size over 10 needs batching_window=1 or more: Lambda refuses {size} without it.")
        if self.pollers is not None:
            checked_pollers(name, self.pollers, 2, 10_000)
            if self.maximum_concurrency is not None:
                raise refused(
                    f"pollers and maximum_concurrency exclude one another, and both are said: {self.pollers}, "
                    f"{self.maximum_concurrency}. Remove one; with pollers, the number of pollers is the limit."
                )

    def key(self) -> Collection[tuple[str, str]]:
        return [(f"sqs {self.queue.logical_id}", f"The consumer of queue {self.queue.key!r}")]

    def grants(self) -> Collection[Grant]:
        return [self.queue.receive]

    def mapping(self, function: Function, template: Template) -> dict[str, Any]:
        properties = super().mapping(function, template)
        if self.maximum_concurrency:
            properties["ScalingConfig"] = {"MaximumConcurrency": self.maximum_concurrency}
        if self.pollers:
            properties["ProvisionedPollerConfig"] = pollers_of(self.pollers)
        return properties

    def resources(self, function: Function, template: Template) -> None:
        """The mapping that polls the queue with the function's role, and the queue's visibility timeout."""
        if self.queue.owned or template.local:
            self._raise_visibility(function, template)
        super().resources(function, template)

    def _raise_visibility(self, function: Function, template: Template) -> None:
        queue = template.properties(self.queue.logical_id)
        chosen = self.queue.visibility_timeout
        if chosen is None:
            wanted = min(6 * function.timeout + self.batching_window, VISIBILITY_MAX)
            queue["VisibilityTimeout"] = max(queue["VisibilityTimeout"], wanted)
        elif chosen < function.timeout:
            raise self.refused(
                f"visibility_timeout must be at least the function's timeout of {function.timeout} s for the queue "
                f"{self.queue.key!r}, not {chosen}: Lambda refuses the mapping. Remove it for six timeouts."
            )
