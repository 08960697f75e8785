"""Events go in through the same door as on Lambda; calls to AWS are answered by botocore's Stubber, which also checks
them against the real API."""

import io
import json
import struct

import pytest
from botocore.stub import Stubber
from eventfw.testing import Client

import app as gallery

client = Client(gallery.app)


@pytest.fixture
def s3():
    with Stubber(gallery.client("s3")) as stub:
        yield stub
        stub.assert_no_pending_responses()


@pytest.fixture
def sqs():
    with Stubber(gallery.client("sqs")) as stub:
        yield stub
        stub.assert_no_pending_responses()


def test_photos_lists_the_pictures_and_not_what_is_known_of_them(s3):
    s3.add_response(
        "list_objects_v2", {"Contents": [{"Key": "cat.png"}, {"Key": "cat.png.json"}]}, {"Bucket": "uploads"}
    )
    assert client.get("/photos").json == {"photos": ["cat.png"]}


def test_photo_tells_what_is_known(s3):
    s3.add_response("get_object", {"Body": io.BytesIO(b'{"width": 3}')}, {"Bucket": "uploads", "Key": "cat.png.json"})
    assert client.get("/photos/cat.png").json == {"width": 3}


def test_a_photo_that_is_not_there_is_a_404(s3):
    s3.add_client_error("get_object", "NoSuchKey", http_status_code=404)
    answer = client.get("/photos/dog.png")
    assert (answer.status, answer.json) == (404, {"message": "There is no photo dog.png."})


def test_an_order_goes_to_the_queue(sqs):
    message = {"photo": "cat.png", "copies": 2}
    sqs.add_response("send_message", {}, {"QueueUrl": gallery.orders.url, "MessageBody": json.dumps(message)})
    answer = client.post("/photos/cat.png/orders", json={"copies": 2})
    assert (answer.status, answer.json) == (202, message)


@pytest.mark.parametrize("copies", [0, 101, "two"])
def test_a_strange_number_of_copies_is_refused(copies):
    assert client.post("/photos/cat.png/orders", json={"copies": copies}).status == 400


def test_an_uploaded_photo_is_described(s3, capsys):
    head = gallery.PNG + bytes([0, 0, 0, 13]) + b"IHDR" + struct.pack(">II", 640, 480)
    about = {"name": "cat.png", "bytes": 5000, "width": 640, "height": 480}
    s3.add_response("get_object", {"Body": io.BytesIO(head)})
    s3.add_response("put_object", {}, {"Bucket": "uploads", "Key": "cat.png.json", "Body": json.dumps(about).encode()})
    client.send("describe", key="cat.png", size=5000)
    assert capsys.readouterr().out == "cat.png is 640 x 480\n"


def test_a_photo_deleted_meanwhile_is_no_failure(s3, capsys):
    s3.add_client_error("get_object", "NoSuchKey", http_status_code=404)
    client.send("describe", key="cat.png")
    assert "deleted" in capsys.readouterr().out


def test_an_order_is_printed(capsys):
    assert client.send("print_order", body={"photo": "cat.png", "copies": 2}) == {"batchItemFailures": []}
    assert capsys.readouterr().out == "Printing cat.png, copies: 2\n"


def test_an_order_that_cannot_be_read_comes_back():
    assert client.send("print_order", body="two cats")["batchItemFailures"]


def test_the_report_counts_the_photos(s3, capsys):
    s3.add_response("list_objects_v2", {"Contents": [{"Key": "cat.png"}]})
    client.send("report", time="2026-01-01T06:00:00Z")
    assert capsys.readouterr().out == "01 January 2026: 1 photos\n"


def test_the_home_page_is_the_list_of_photos():
    assert client.send("home", uri="/")["uri"] == "/photos"
    assert client.send("home", uri="/photos/cat.png")["uri"] == "/photos/cat.png"
