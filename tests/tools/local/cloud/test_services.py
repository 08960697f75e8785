"""What the embedded AWS does with what handlers answer to custom resources and Firehose streams."""

from __future__ import annotations

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
"""


def test_an_instance_is_made_and_updated_and_a_changed_record_is_delivered(tmp_path: Path) -> None:
    write(tmp_path / "app.py", APP)
    live = Live(tmp_path)
    try:
        assert live.noted("seed") == [["Create", {"Bucket": "uploads", "Count": "3"}]]
        live.client("firehose").put_record(DeliveryStreamName="views", Record={"Data": b'{"photo": "cat"}'})
        s3 = live.client("s3")
        [stored] = until(lambda: s3.list_objects_v2(Bucket="uploads", Prefix="views/").get("Contents"), "the delivery")
        assert s3.get_object(Bucket="uploads", Key=stored["Key"])["Body"].read() == b'{"seen": "cat"}\n'
        write(tmp_path / "app.py", APP.replace('"Count": 3', '"Count": 4'))
        assert until(lambda: live.noted("seed")[1:], "the update") == [["Update", {"Bucket": "uploads", "Count": "4"}]]
    finally:
        live.stop()
