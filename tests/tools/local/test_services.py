"""What the embedded AWS does with custom resources, Firehose streams and rules of AWS IoT: it runs the handlers."""

from __future__ import annotations

import json
from pathlib import Path

from live import Live, until, write

APP = """
    import json
    from eventfw import App

    app = App("demo")
    uploads = app.bucket("uploads")

    def note(what, value):
        with open("seen.jsonl", "a") as file:
            file.write(json.dumps([what, value]) + "\\n")

    @app.custom_resource("Seed", instances={"FirstSeed": {"Bucket": uploads, "Count": 3}})
    def seed(request):
        note("seed", [request.request_type, request.properties])

    @app.firehose_transform("views", bucket=uploads, prefix="views/", compression="UNCOMPRESSED")
    def clean(record):
        return {"seen": record.json["photo"]}

    @app.iot_rule("SELECT * FROM 'rooms/+'", error_queue=app.queue("lost"))
    def measured(reading):
        note("measured", reading)
"""


def test_handlers_run_for_an_instance_a_record_and_a_message(tmp_path: Path) -> None:
    write(tmp_path / "app.py", APP)
    live = Live(tmp_path)
    try:
        assert live.noted("seed") == [["Create", {"Bucket": "uploads", "Count": "3"}]]
        live.client("firehose").put_record(DeliveryStreamName="views", Record={"Data": b'{"photo": "cat"}'})
        s3 = live.client("s3")
        [stored] = until(lambda: s3.list_objects_v2(Bucket="uploads", Prefix="views/").get("Contents"), "the delivery")
        assert s3.get_object(Bucket="uploads", Key=stored["Key"])["Body"].read() == b'{"seen": "cat"}\n'
        live.client("iot-data").publish(topic="rooms/hall", payload=json.dumps({"celsius": 21}))
        assert until(lambda: live.noted("measured"), "the message") == [{"celsius": 21}]
        write(tmp_path / "app.py", APP.replace('"Count": 3', '"Count": 4'))
        assert until(lambda: live.noted("seed")[1:], "the update") == [["Update", {"Bucket": "uploads", "Count": "4"}]]
    finally:
        live.stop()
