"""S3: every record, decoded keys, the right bucket."""

from __future__ import annotations

from typing import Any

import pytest

from eventfw import App, S3Record
from eventfw.errors import RegistrationError
from eventfw.routing import Router
from eventfw.runtime import entry


def app_with(seen: list[str], fail: str = "") -> App:
    app = App("demo")

    @app.s3_trigger(app.bucket("uploads"), prefix="in/")
    def upload(record: S3Record) -> None:
        seen.append(record.key)
        if fail in record.key and fail:
            raise ValueError(record.key)

    return app


def event(app: App, *keys: str, bucket: str = "uploads") -> dict[str, Any]:
    trigger = app.handlers[0].triggers[0]
    return {"Records": [trigger.sample(key=key, bucket=bucket)["Records"][0] for key in keys]}


def test_every_record_runs_with_its_key_decoded() -> None:
    seen: list[str] = []
    app = app_with(seen)
    keys = ["in/a b+c.png", "in/ü%20.png", "in/plain"]
    assert entry(app, "upload")(event(app, *keys), None) is None
    assert seen == keys


def test_a_failure_does_not_keep_the_other_records_from_running() -> None:
    seen: list[str] = []
    app = app_with(seen, fail="bad")
    with pytest.raises(ValueError, match="in/bad1") as caught:
        entry(app, "upload")(event(app, "in/bad1", "in/bad2", "in/c"), None)
    assert seen == ["in/bad1", "in/bad2", "in/c"]
    assert "in/bad2" in caught.value.__notes__[0]


@pytest.mark.parametrize(
    ("bucket", "reached"),
    [("uploads", True), ("demo-dev-uploads-123456789012-eu-west-1", True), ("other-uploads", False)],
)
def test_only_its_own_bucket_reaches_it(bucket: str, reached: bool) -> None:
    app = app_with([])
    assert bool(Router(app).route(event(app, "in/a", bucket=bucket)).reached) is reached


def test_a_key_outside_the_filter_says_why() -> None:
    app = app_with([])
    assert Router(app).route(event(app, "out/a")).why == {"upload": "key `out/a` does not begin with `in/`"}


def test_a_bucket_named_by_text_is_refused_with_the_remedy() -> None:
    with pytest.raises(RegistrationError, match=r"uploads = app\.bucket\('uploads'\)"):
        App("demo").s3_trigger("uploads")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["Uploads", "up_loads", "-up", "up-", "ab", "a" * 41, "", None])
def test_a_bucket_name_that_s3_refuses_is_refused(name: Any) -> None:
    with pytest.raises(RegistrationError):
        App("demo").bucket(name)
