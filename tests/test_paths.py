"""Path templates, their values and what API Gateway calls them."""

from __future__ import annotations

from typing import Any

import pytest

from eventfw.errors import RuleError
from eventfw.paths import PathTemplate


def test_a_template_is_written_as_api_gateway_writes_it() -> None:
    template = PathTemplate("/a/{id:int}/{rest:path}")
    assert (template.api, template.shape) == ("/a/{id}/{rest+}", "/a/{}/{+}")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "/a//b",
        "/a b",
        "/{a",
        "/x{a}",
        "/{a}{b}",
        "/{}",
        "/{1}",
        "/{a}/{a}",
        "/{a:float}",
        "/{a:path}/b",
        "/{context}",
        "/é",
        "/{é}",
        "/a?b",
        "/a#b",
        None,
    ],
)
def test_a_path_that_cannot_work_is_refused(text: Any) -> None:
    with pytest.raises(RuleError):
        PathTemplate(text)


@pytest.mark.parametrize(
    ("text", "path", "values"),
    [
        ("/{a}", "/x%2Fy%20z", {"a": "x/y z"}),
        ("/{a:int}", "/-12", {"a": -12}),
        ("/{a:int}", "/1_0", None),
        ("/{a:int}", "/%D9%A1", None),
        ("/{a:int}", "/" + "1" * 5000, None),
        ("/{a:path}", "/x/y/", {"a": "x/y/"}),
        ("/a", "/a", {}),
    ],
)
def test_values_are_decoded_and_converted(text: str, path: str, values: Any) -> None:
    assert PathTemplate(text).values(path) == values
