"""What an alarm tells a function."""

from __future__ import annotations

from ..events import Event, instant

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime
    from typing import Any


class AlarmChange(Event):
    """A change of an alarm's state, of a metric's alarm or a composite one.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-actions-Lambda.html
    """

    def summary(self) -> str:
        return f"{self.alarm_name} {self.state}"

    @property
    def _data(self) -> dict[str, Any]:
        return self.raw["alarmData"]  # type: ignore[no-any-return]

    @property
    def _state(self) -> dict[str, Any]:
        return self._data.get("state") or {}

    @property
    def _configuration(self) -> dict[str, Any]:
        return self._data.get("configuration") or {}

    @property
    def alarm_name(self) -> str:
        """The alarm's name."""
        return str(self._data["alarmName"])

    @property
    def alarm_arn(self) -> str:
        """The alarm's ARN."""
        return str(self.raw["alarmArn"])

    @property
    def account(self) -> str:
        """The account that the alarm is in."""
        return str(self.raw["accountId"])

    @property
    def region(self) -> str:
        """The region that the alarm is in."""
        return str(self.raw["region"])

    @property
    def time(self) -> datetime:
        """When CloudWatch told of it, with time zone."""
        return instant(self.raw["time"])  # type: ignore[no-any-return]

    @property
    def state(self) -> str:
        """The new state: ``ALARM``, ``OK`` or ``INSUFFICIENT_DATA``."""
        return str(self._state.get("value", ""))

    @property
    def previous_state(self) -> str:
        """The state before; empty where CloudWatch does not tell it."""
        return str((self._data.get("previousState") or {}).get("value", ""))

    @property
    def reason(self) -> str:
        """Why it changed, in words."""
        return str(self._state.get("reason", ""))

    @property
    def reason_data(self) -> dict[str, Any]:
        """Why it changed, as data: a metric's ``threshold`` and ``recentDatapoints``, a composite alarm's
        ``triggeringAlarms``. Empty where there is none."""
        given = self._state.get("reasonData")
        if not given:
            return {}
        from json import loads

        return loads(given)  # type: ignore[no-any-return]

    @property
    def changed_at(self) -> datetime | None:
        """When it changed, with time zone; ``None`` where CloudWatch does not tell it."""
        given = self._state.get("timestamp")
        return instant(given) if given else None

    @property
    def suppressed_by(self) -> str | None:
        """What keeps a composite alarm's actions back: ``Alarm``, ``WaitPeriod``, ``ExtensionPeriod``; or ``None``."""
        return self._state.get("actionsSuppressedBy")

    @property
    def description(self) -> str:
        """The alarm's description; empty without."""
        return str(self._configuration.get("description") or "")

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """The metrics that the alarm watches; empty for a composite alarm."""
        return self._configuration.get("metrics") or []

    @property
    def alarm_rule(self) -> str | None:
        """The rule of a composite alarm, such as ``ALARM(a) OR ALARM(b)``; ``None`` for a metric's alarm."""
        return self._configuration.get("alarmRule")
