"""Members of a provider's answer."""

from __future__ import annotations

import pytest

from oidc_gate.effects import Fetched
from oidc_gate.errors import ProviderError
from oidc_gate.provider.responses import (
    json_object,
    media_type,
    printable,
    raise_for_status,
    refuse,
    retry_after,
    text,
)

from .scripted import answer


@pytest.mark.parametrize(
    ("value", "expected"), [("abc", "abc"), ("abcd", ""), ("", ""), (None, ""), (12, ""), (["a"], "")]
)
def test_a_text_is_bounded(value: object, expected: str) -> None:
    assert text({"a": value}, "a", 3) == expected
    assert text({}, "a", 3) == ""


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ({}, ""),
        ({"content-type": "application/json"}, "application/json"),
        ({"content-type": " Application/JSON ; charset=utf-8; q=1"}, "application/json"),
        ({"content-type": ";"}, ""),
    ],
)
def test_the_content_type(headers: dict[str, str], kind: str) -> None:
    assert media_type(Fetched(200, headers, b"")) == kind


@pytest.mark.parametrize("kind", ["application/json", "application/jwk-set+json", "application/x+JSON; a=b"])
def test_content_types_of_json(kind: str) -> None:
    assert json_object(answer({"a": 1}, content_type=kind), "x") == {"a": 1}


@pytest.mark.parametrize(
    ("given", "detail"),
    [
        (
            answer({}, content_type="text/html"),
            "x: status 200, content type 'text/html', expected application/json",
        ),
        (
            answer({}, 201, content_type="\n" + "t" * 61),
            f"x: status 201, content type {'t' * 60!r}, expected application/json",
        ),
        (
            answer({}, content_type="jsonp"),
            "x: status 200, content type 'jsonp', expected application/json",
        ),
        (answer(b"<html>"), "x: status 200, 6 bytes that are not JSON (JSONDecodeError)"),
        (answer(b'{"a":NaN}'), "x: status 200, 9 bytes that are not JSON (ValueError)"),
        (answer(b'{"a":Infinity}', 203), "x: status 203, 14 bytes that are not JSON (ValueError)"),
        (answer([{}]), "x: JSON, but not an object"),
        (answer("text"), "x: JSON, but not an object"),
    ],
)
def test_answers_that_are_not_a_json_object(given: Fetched, detail: str) -> None:
    with pytest.raises(ProviderError) as caught:
        json_object(given, "x")
    assert (caught.value.code, caught.value.status, caught.value.detail) == ("provider_answer", 502, detail)
    assert caught.value.public_message == "The sign-in service sent an answer that cannot be trusted."


def test_the_type_may_be_left_open() -> None:
    assert json_object(answer({"a": 1}, content_type="text/html"), "x", strict_type=False) == {"a": 1}


def test_an_answer_is_refused_with_the_code_that_is_given() -> None:
    with pytest.raises(ProviderError) as caught:
        refuse("x", "no reason", "userinfo_refused")
    assert (caught.value.code, caught.value.detail) == ("userinfo_refused", "x: no reason")


@pytest.mark.parametrize("status", [100, 200, 299, 400, 428, 430, 499])
def test_statuses_that_each_request_reads_itself(status: int) -> None:
    raise_for_status(answer({}, status), "x")


DATE = "Wed, 21 Oct 2026 07:28:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 7),
        ({"retry-after": " 30 "}, 30),
        ({"retry-after": "0"}, 0),
        ({"retry-after": "999999999"}, 999_999_999),
        ({"retry-after": "1000000000"}, 7),
        ({"retry-after": "1.5"}, 7),
        ({"retry-after": "soon", "date": DATE}, 7),
        ({"retry-after": DATE}, 7),
        ({"retry-after": "Wed, 21 Oct 2026 07:29:30 GMT", "date": DATE}, 90),
        ({"retry-after": "Wed, 21 Oct 2026 07:27:30 GMT", "date": DATE}, -30),
        ({"retry-after": "Wed, 21 Oct 2026 07:29:30 -0000", "date": DATE}, 7),
    ],
)
def test_how_long_the_provider_asks_to_wait(headers: dict[str, str], seconds: int) -> None:
    assert retry_after(Fetched(503, headers, b""), 7) == seconds


@pytest.mark.parametrize(
    ("value", "hide", "expected"),
    [
        ("a b~", (), "a b~"),
        ("a\x1f\x7f\r\n\u00e9\u2028b", (), "a??????b"),
        (None, (), "None"),
        ("x" * 201, (), "x" * 200),
        ("key is abc, abc!", ("abc", "", None), "key is (hidden), (hidden)!"),
        ("abc def", ("abc", "def"), "(hidden) (hidden)"),
    ],
)
def test_text_in_a_line_of_the_log(value: object, hide: tuple[str | None, ...], expected: str) -> None:
    assert printable(value, hide=hide) == expected


def test_text_in_a_line_of_the_log_is_cut_where_the_caller_says() -> None:
    assert printable("abcdef", 3) == "abc"
    assert printable("secret", 4, hide=("secret",)) == "(hid"
