"""{{ name }}: a photo gallery that sells prints.

Each decorator says what runs the function below it, and creates what that takes. `eventfw list` shows the whole.
"""

import json
import struct
from functools import cache

import boto3
from eventfw import App, HTTPError, Request, S3Record, SqsMessage, Tick

import edge

app = App("{{ name }}")
app.mount(edge.site)

uploads = app.bucket("uploads")  # photos, and beside each cat.png what is known of it, in cat.png.json
orders = app.queue("orders")  # prints to make, with a dead-letter queue for those that cannot be

PNG = b"\x89PNG\r\n\x1a\n"


@cache  # made when first needed and kept: importing this file takes no region and no credentials
def client(service: str):
    return boto3.client(service)


# HTTP: handlers without a function of their own share one, `api`. What it may do is said once.


@app.http("/photos")
@app.function("api", uses=[uploads.read, orders.send])
def photos():
    return {"photos": names()}


@app.http("/photos/{name}")
def photo(name: str):
    try:
        found = client("s3").get_object(Bucket=uploads.name, Key=f"{name}.json")
    except client("s3").exceptions.NoSuchKey:
        raise HTTPError(404, f"There is no photo {name}.") from None
    return json.load(found["Body"])


@app.http("/photos/{name}/orders", methods="POST")
def order(request: Request, name: str):
    sent = request.json
    copies = sent.get("copies", 1) if isinstance(sent, dict) else sent
    if type(copies) is not int or not 1 <= copies <= 100:
        raise HTTPError(400, f"copies must be 1 to 100, not {copies!r}.")
    message = {"photo": name, "copies": copies}
    client("sqs").send_message(QueueUrl=orders.url, MessageBody=json.dumps(message))
    return message, 202


# S3: runs for each PNG that is stored, not for the JSON it writes. The trigger implies reading; writing is granted.


@app.s3_trigger(uploads, suffix=".png")
@app.function(memory=512, timeout=60, uses=[uploads.write])
def describe(upload: S3Record):
    try:
        head = client("s3").get_object(Bucket=upload.bucket, Key=upload.key, Range="bytes=0-23")["Body"].read()
    except client("s3").exceptions.NoSuchKey:
        print(f"{upload.key} was deleted before it was described")
        return
    if not head.startswith(PNG) or len(head) < 24:
        print(f"{upload.key} is not a PNG")
        return
    width, height = struct.unpack(">II", head[16:24])
    about = {"name": upload.key, "bytes": upload.size, "width": width, "height": height}
    client("s3").put_object(Bucket=upload.bucket, Key=f"{upload.key}.json", Body=json.dumps(about).encode())
    print(f"{upload.key} is {width} x {height}")


# SQS: runs for each message. If it raises, that message alone comes back, and after three tries is dead-lettered.


@app.sqs_consumer(orders)
def print_order(message: SqsMessage):
    wanted = message.json
    print(f"Printing {wanted['photo']}, copies: {wanted['copies']}")


# Schedule: every day at 06:00 UTC.


@app.schedule("cron(0 6 * * ? *)")
@app.function(uses=[uploads.read])
def report(tick: Tick):
    print(f"{tick.time:%d %B %Y}: {len(names())} photos")


def names() -> list[str]:
    """The names of the photos, up to a thousand."""
    found = client("s3").list_objects_v2(Bucket=uploads.name)
    return [entry["Key"] for entry in found.get("Contents", []) if entry["Key"].endswith(".png")]
