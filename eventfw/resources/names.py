"""How things are named: by app and stage, never by the endpoint they are deployed to."""

from __future__ import annotations

LOCAL_STAGE = "local"
LOCAL_ACCOUNT = "000000000000"


class Names:
    """The real names in one stage. In the stage ``local`` a name stands alone, else ``<app>-<stage>-<name>``.

    Bucket names are shared by all of AWS, so a bucket's also carries the account and the region.
    """

    def __init__(self, app: str, stage: str, account: str = LOCAL_ACCOUNT, region: str = "us-east-1") -> None:
        self.app = app
        self.stage = stage
        self.account = account
        self.region = region

    def physical(self, name: str) -> str:
        """The real name of a function, queue, topic, table, stream, bus or API."""
        return name if self.stage == LOCAL_STAGE else f"{self.app}-{self.stage}-{name}"

    def bucket(self, name: str) -> str:
        """The real name of a bucket."""
        return name if self.stage == LOCAL_STAGE else f"{self.physical(name)}-{self.account}-{self.region}"


def belongs(real: str, name: str, app: str) -> bool:
    """Whether ``real`` is what ``name`` is called in some stage of the app. A stage's name has no hyphen."""
    if real == name:
        return True
    start, end = f"{app}-", f"-{name}"
    stage = real[len(start) : len(real) - len(end)]
    return real.startswith(start) and real.endswith(end) and stage.isalnum()


def pascal(name: str) -> str:
    """``new-orders`` and ``new_orders`` as ``NewOrders``: a logical id has only letters and digits."""
    words = "".join(char if char.isalnum() and char.isascii() else " " for char in name).split()
    return "".join(word[:1].upper() + word[1:] for word in words)
