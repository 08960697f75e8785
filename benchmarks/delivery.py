"""How soon the local server's handlers run after an object is put or a message sent, and that none is lost."""

from __future__ import annotations

import os
import random
import signal
import threading
from collections import Counter
from pathlib import Path
from statistics import median
from time import perf_counter, sleep, time
from typing import Any, NamedTuple

from servers import Server, eventfw, free_port

APP = """\
import os
import random
import time

from eventfw import App

app = App("bench")
uploads = app.bucket("uploads")
timed = app.queue("timed")
dead = app.queue("dead", dead_letter=False)
orders = app.queue("orders", visibility_timeout=6, max_receives=4, dead_letter=dead)


def note(kind, what):
    with open("notes.txt", "a") as file:
        file.write(f"{{kind}} {{what}} {{time.time()}}\\n")


@app.http("/hello/{{name}}")
def hello(request, name):
    return {{"hello": {answer}}}


@app.s3_trigger(uploads)
def stored(upload):
    note("s3", upload.key)


@app.sqs_consumer(timed)
def sent(message):
    note("sqs", message.body)


@app.sqs_consumer(orders)
@app.function("order", timeout=5)
def order(message):
    if random.random() < 0.1:
        raise RuntimeError("one in ten")
    note("order", message.body)
"""
PATIENCE = 300.0  # seconds for everything that was sent to be done with
PAUSE = 0.02  # seconds between two that are timed
KILL = 0.3  # seconds from one worker that is killed to the next


class Cloud:
    """``eventfw local`` with the embedded AWS, and clients of it."""

    def __init__(self, folder: Path) -> None:
        aws = free_port()
        self.server: Server = eventfw(folder, "--aws-port", str(aws), source=APP)
        self.endpoint = f"http://127.0.0.1:{aws}"

    def __enter__(self) -> Cloud:
        self.server.start()
        self.s3, self.sqs = self.client("s3"), self.client("sqs")
        self._wait()
        return self

    def __exit__(self, *error: object) -> None:
        self.server.stop()

    def client(self, service: str) -> Any:
        """A boto3 client of the address that users are told."""
        import boto3

        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        return boto3.client(service, endpoint_url=self.endpoint, region_name="us-east-1", **keys)

    def queue(self, name: str) -> str:
        """The URL of a queue."""
        return str(self.sqs.get_queue_url(QueueName=name)["QueueUrl"])

    def notes(self, kind: str) -> dict[str, float]:
        """What handlers noted, and when: of what came twice, the first time."""
        path, noted = self.server.folder / "notes.txt", {}
        for line in path.read_text().splitlines() if path.exists() else ():
            parts = line.split(" ")
            if len(parts) == 3 and parts[0] == kind:
                noted.setdefault(parts[1], float(parts[2]))
        return noted

    def _wait(self) -> None:
        """Until the app's stack is there."""
        from botocore.exceptions import BotoCoreError, ClientError

        begun = perf_counter()
        while perf_counter() - begun < PATIENCE:
            try:
                self.queue("orders")
                self.s3.head_bucket(Bucket="uploads")
                sleep(1)  # for what watches them
                return
            except (BotoCoreError, ClientError):
                sleep(0.1)
        raise SystemExit("The embedded AWS did not come up.")


def latency(cloud: Cloud, kind: str, count: int) -> float:
    """Milliseconds from the call of an SDK to the handler's first line, in the median. ``kind`` is s3 or sqs."""
    url = cloud.queue("timed")
    for _ in range(count + 5):
        now = f"{time():.6f}"
        if kind == "s3":
            cloud.s3.put_object(Bucket="uploads", Key=now, Body=b"x")
        else:
            cloud.sqs.send_message(QueueUrl=url, MessageBody=now)
        sleep(PAUSE)
    begun = perf_counter()
    while len(noted := cloud.notes(kind)) < count + 5 and perf_counter() - begun < PATIENCE:
        sleep(0.1)
    taken = sorted(noted.items(), key=lambda one: float(one[0]))[5:]  # the first found cold workers
    return median(started - float(sent) for sent, started in taken) * 1000


class Lost(NamedTuple):
    """What became of messages whose handler fails at random, in workers that are killed at random."""

    lost: int
    processed: int
    dead: int
    killed: int
    seconds: float


def lost_messages(cloud: Cloud, count: int) -> Lost:
    """Send so many, kill workers meanwhile, and count those that were neither processed nor dead-lettered."""
    begun, wanted, ended = perf_counter(), {str(number) for number in range(count)}, threading.Event()
    killed: Counter[str] = Counter()
    killer = threading.Thread(target=kill_workers, args=(cloud.server.pid, ended, killed))
    killer.start()
    try:
        url, dead_url, dead = cloud.queue("orders"), cloud.queue("dead"), set[str]()
        for at in range(0, count, 10):
            entries = [{"Id": str(one), "MessageBody": str(one)} for one in range(at, min(at + 10, count))]
            cloud.sqs.send_message_batch(QueueUrl=url, Entries=entries)
        while (missing := wanted - cloud.notes("order").keys() - dead) and perf_counter() - begun < PATIENCE:
            dead |= buried(cloud.sqs, dead_url)
            sleep(0.5)
    finally:
        ended.set()
        killer.join()
    seconds = perf_counter() - begun
    return Lost(len(missing), len(cloud.notes("order")), len(dead), killed["workers"], seconds)


def buried(sqs: Any, url: str) -> set[str]:
    """Take what is in the dead-letter queue."""
    bodies = set()
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        bodies |= {message["Body"] for message in messages}
        entries = [{"Id": str(at), "ReceiptHandle": one["ReceiptHandle"]} for at, one in enumerate(messages)]
        sqs.delete_message_batch(QueueUrl=url, Entries=entries)
    return bodies


def kill_workers(server: int, ended: threading.Event, killed: Counter[str]) -> None:
    """Kill one worker after the other, at random, until the end."""
    while not ended.wait(KILL):
        workers = [worker for zygote in children(server) for worker in children(zygote)]
        if workers:
            try:
                os.kill(random.choice(workers), signal.SIGKILL)
                killed["workers"] += 1
            except ProcessLookupError:
                continue


def children(pid: int) -> list[int]:
    """The processes that are eventfw's zygotes and workers, and that a process started, by /proc."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == pid and b"zygote.py" in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found
