"""S3 event types and key filters."""

from __future__ import annotations

from urllib.parse import unquote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventfw.errors import RuleError
from eventfw.rules.keys import EVENT_TYPES, KeyFilter, KeyFilterSet, check_event_type, covers, types_overlap


def test_a_filter_names_the_first_condition_that_fails() -> None:
    images = KeyFilter("images/", ".png")
    assert images.mismatch("images/a.png") == ""
    assert images.mismatch("images/a.txt") == "key `images/a.txt` does not end in `.png`"
    assert images.mismatch("logs/a.txt") == "key `logs/a.txt` does not begin with `images/`"


def test_an_empty_filter_takes_every_key() -> None:
    assert KeyFilter().mismatch("") == ""
    assert KeyFilter().mismatch("any key/ä") == ""


def test_prefix_and_suffix_may_share_letters_of_the_key_but_not_its_case() -> None:
    assert KeyFilter("aba", "ba").mismatch("aba") == ""
    assert KeyFilter(suffix=".png").mismatch("A.PNG") != ""


@pytest.mark.parametrize(
    ("one", "other", "overlap"),
    [
        (("", ""), ("images/", ".png"), True),
        (("images/", ""), ("logs/", ""), False),
        (("images/", ""), ("images/raw/", ""), True),
        (("", "jpg"), ("", "pg"), True),
        (("", ".jpg"), ("", ".png"), False),
        (("images", ".jpg"), ("images", ".png"), False),
        (("images", "jpg"), ("", "jpg"), True),
        (("images/", ""), ("", ".png"), True),
        (("a", "x"), ("b", "x"), False),
    ],
)
def test_filters_overlap_when_prefixes_and_suffixes_both_do(
    one: tuple[str, str], other: tuple[str, str], overlap: bool
) -> None:
    assert KeyFilter(*one).overlaps(KeyFilter(*other)) is overlap
    assert KeyFilter(*other).overlaps(KeyFilter(*one)) is overlap


def test_filters_that_do_not_overlap_take_no_key_in_common() -> None:
    parts = ["", "a", "b", "ab", "ba", "aab"]
    keys = [f"{one}{two}{three}" for one in parts for two in parts for three in parts]
    filters = [KeyFilter(prefix, suffix) for prefix in parts for suffix in parts]
    for one in filters:
        for other in filters:
            common = any(not one.mismatch(key) and not other.mismatch(key) for key in keys)
            assert one.overlaps(other) or not common


def test_the_rules_for_cloudformation_are_url_encoded() -> None:
    rules = KeyFilter("my photos/year=2026/", "+ä(1).png").wire()
    assert rules == [
        {"Name": "prefix", "Value": "my+photos/year%3D2026/"},
        {"Name": "suffix", "Value": "%2B%C3%A4%281%29.png"},
    ]
    assert unquote_plus(rules[1]["Value"]) == "+ä(1).png"


def test_the_rules_leave_out_what_is_not_asked_for() -> None:
    assert KeyFilter().wire() == []
    assert KeyFilter(suffix="a=b").wire(encoded=False) == [{"Name": "suffix", "Value": "a=b"}]


@pytest.mark.parametrize(
    ("prefix", "suffix", "fault"),
    [
        ("images/*", "", "prefix is compared letter by letter and has no wildcard: 'images/[*]'. Remove the '[*]'"),
        ("", "*.png", "suffix is compared"),
        ("ä" * 513, "", "prefix must be at most 1024 bytes long, not 1026"),
        ("", "\ud800", "suffix has a character that no key can have"),
        (None, "", "prefix must be a string, not None"),
    ],
)
def test_a_filter_that_s3_cannot_apply_is_refused(prefix: str, suffix: str, fault: str) -> None:
    with pytest.raises(RuleError, match=fault):
        KeyFilter(prefix, suffix)


def test_a_filter_may_be_as_long_as_a_key() -> None:
    assert KeyFilter("ä" * 512).mismatch("ä" * 512) == ""


PARTS = st.text("ab/", max_size=4)


@given(st.lists(st.builds(KeyFilter, PARTS, PARTS), max_size=30), st.lists(st.text("ab/", max_size=6), max_size=10))
def test_a_set_of_filters_says_what_trying_each_says(filters: list[KeyFilter], keys: list[str]) -> None:
    together = KeyFilterSet(filters)
    for key in keys:
        assert together.matching(key) == [at for at, one in enumerate(filters) if not one.mismatch(key)]


def test_in_a_set_prefix_and_suffix_may_overlap_and_be_longer_than_the_key() -> None:
    together = KeyFilterSet([KeyFilter("aba", "ba"), KeyFilter("abab"), KeyFilter("", "xaba"), KeyFilter("aba", "aba")])
    assert together.matching("aba") == [0, 3]
    assert together.matching("") == []
    assert together.matching("ba") == []
    assert KeyFilterSet([KeyFilter()]).matching("") == [0]


def test_a_set_gives_positions_in_order_and_several_for_equal_filters() -> None:
    together = KeyFilterSet([KeyFilter("", "b"), KeyFilter("x"), KeyFilter("a"), KeyFilter("", "b"), KeyFilter()])
    assert together.matching("ab") == [0, 2, 3, 4]


def test_a_set_of_thousands_of_filters_compares_a_key_with_none_of_them() -> None:
    class Key(str):
        compared = 0

        def startswith(self, *args: object) -> bool:
            raise AssertionError("tried")

        endswith = startswith

        def __getitem__(self, part: object) -> str:
            Key.compared += 1
            return super().__getitem__(part)  # type: ignore[index]

    together = KeyFilterSet(KeyFilter(f"{at:05}/", ".png") for at in range(2000))
    assert together.matching(Key("00007/cat.png")) == [7]
    assert Key.compared == 2


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_every_event_type_is_accepted_and_covers_itself(event_type: str) -> None:
    check_event_type(event_type)
    assert covers(event_type, event_type.removeprefix("s3:").replace("*", "Put"))


@pytest.mark.parametrize(
    ("event_type", "fault"),
    [
        ("s3:ObjectCreated:Putt", "no event type 's3:ObjectCreated:Putt'. Did you mean 's3:ObjectCreated:Put'"),
        ("ObjectCreated:*", "Did you mean 's3:ObjectCreated:[*]'"),
        ("s3:*", "no event type"),
        ("s3:ObjectAcl:*", "Did you mean 's3:ObjectAcl:Put'"),
        ("s3:TestEvent", "by itself"),
    ],
)
def test_an_event_type_that_s3_does_not_know_is_refused(event_type: str, fault: str) -> None:
    with pytest.raises(RuleError, match=fault):
        check_event_type(event_type)


def test_a_wildcard_covers_its_family_only() -> None:
    assert covers("s3:ObjectCreated:*", "ObjectCreated:CompleteMultipartUpload")
    assert not covers("s3:ObjectCreated:*", "ObjectRemoved:Delete")
    assert not covers("s3:ObjectCreated:Put", "ObjectCreated:Post")
    assert covers("s3:ObjectCreated:*", "s3:ObjectCreated:Put")


def test_event_types_overlap_when_one_covers_the_other() -> None:
    assert types_overlap("s3:ObjectCreated:*", "s3:ObjectCreated:Put")
    assert types_overlap("s3:ObjectCreated:Put", "s3:ObjectCreated:*")
    assert not types_overlap("s3:ObjectCreated:Put", "s3:ObjectCreated:Copy")
    assert not types_overlap("s3:ObjectCreated:*", "s3:ObjectRemoved:*")
