"""How things are named: by app and stage, never by the endpoint they are deployed to."""

from __future__ import annotations

LOCAL_STAGE = "local"
LOCAL_ACCOUNT = "000000000000"


class Names:
    """The real names in one stage. In the stage ``local`` a name stands alone, else ``<app>-<stage>-<name>``.

    Bucket names are shared by all of AWS, so a bucket's also carries the account and the region. ``edge_port`` and
    ``http_port`` are where the local server listens, if there is one.
    """

    def __init__(
        self,
        app: str,
        stage: str,
        account: str = LOCAL_ACCOUNT,
        region: str = "us-east-1",
        edge_port: int = 0,
        http_port: int = 0,
    ) -> None:
        self.app = app
        self.stage = stage
        self.account = account
        self.region = region
        self.edge_port = edge_port
        self.http_port = http_port

    def physical(self, name: str) -> str:
        """The real name of a function, queue, topic, table, stream, bus or API."""
        return name if self.stage == LOCAL_STAGE else f"{self.app}-{self.stage}-{name}"

    def bucket(self, name: str) -> str:
        """The real name of a bucket."""
        return name if self.stage == LOCAL_STAGE else f"{self.physical(name)}-{self.account}-{self.region}"


def filed_as(told: str, key: str) -> str:
    """What a resource's triggers are filed under: the name this stage was told of, else ``*`` and the name in code."""
    return told or f"*{key}"


def known_as(real: str, staged: str, app: str) -> tuple[str, ...]:
    """What a real name may be filed under. Outside Lambda the stage is not known, so a name that has the form of one
    of the app's, ``<app>-<stage>-<name>``, stands for the bare one. ``staged`` is the part of ``real`` with that form.
    """
    bare = unstaged(staged, app)
    return (real, f"*{real}") if bare == real else (real, f"*{real}", f"*{bare}")


def unstaged(real: str, app: str) -> str:
    """What ``<app>-<stage>-<name>`` is called in the app's code; ``real`` itself where it has another form."""
    rest = real.removeprefix(f"{app}-")
    stage, hyphen, name = rest.partition("-")
    return name if len(rest) < len(real) and hyphen and stage.isalnum() else real


def pascal(name: str) -> str:
    """``new-orders`` and ``new_orders`` as ``NewOrders``: a logical id has only letters and digits."""
    words = "".join(char if char.isalnum() and char.isascii() else " " for char in name).split()
    return "".join(word[:1].upper() + word[1:] for word in words)
