"""Includes are followed within limits, and what cannot be read ends with one clear sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from oidc_gate.check.nginx import reading
from oidc_gate.check.nginx.reading import Directive, UnreadableError, read_dump, read_file

pytest.importorskip("crossplane")


def names(directives: tuple[Directive, ...]) -> list[str]:
    return [each.name for each in directives]


def test_includes_of_files(tmp_path: Path) -> None:
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d/b.conf").write_text("two x;")
    (tmp_path / "conf.d/a.conf").write_text("one x;\ninclude other;")
    (tmp_path / "other").write_text("\nthree x;")
    main = tmp_path / "nginx.conf"
    main.write_text("http { include conf.d/*.conf; include none/*.conf; }")
    (http,) = read_file(str(main))
    assert names(http.block or ()) == ["one", "three", "two"]
    assert (http.block or ())[1].where == f"{tmp_path}/other:2"


def test_includes_of_a_dump() -> None:
    text = (
        "# configuration file /etc/nginx/nginx.conf:\nhttp { include conf.d/*.conf; }\n\n"
        "# configuration file /etc/nginx/conf.d/a.conf:\nserver { listen 80; }\n"
    )
    (http,) = read_dump(text)
    (server,) = http.block or ()
    assert (server.name, server.where) == ("server", "/etc/nginx/conf.d/a.conf:2")
    assert names(read_dump("server { }")) == ["server"]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"nginx.conf": "http { server {"}, "unexpected end of file"),
        ({"nginx.conf": "include nginx.conf;"}, "includes itself"),
        ({"nginx.conf": "include a;", "a": "include b;", "b": "include a;"}, "includes itself"),
        ({"nginx.conf": "include none;"}, "cannot be read"),
        ({}, "cannot be read"),
    ],
)
def test_what_cannot_be_read(files: dict[str, str], expected: str, tmp_path: Path) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(UnreadableError, match=expected) as refused:
        read_file(str(tmp_path / "nginx.conf"))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('a "' + "b" * 3_000_000, "nginx.conf:1: a word, a comment .* is longer than 65536 bytes"),
        ("a b;\n'" + "b\n" * 1_500_000, "nginx.conf:2: a word, a comment .* is a quotation mark missing"),
        ("#" + "b" * 3_000_000 + "\nhttp { }", "is longer than 65536 bytes"),
        ("a " + "b" * 3_000_000 + ";", "is longer than 65536 bytes"),
        ("http { " + "server { } " * 300_000 + "}", "more than 200000 directives"),
        ("a b;\n" * 600_000, "more than 200000 directives"),
        ("a b;\n" * 3_000_000, "10 MB"),
        ("a{" * 3000, "the blocks are nested too deep"),
        ("a {" * 201 + "}" * 201, "the blocks are nested too deep"),
        ('a "b', "nginx.conf: the file ends inside a word or a text in quotation marks"),
        ("a b\\", "nginx.conf: the file ends inside a word"),
    ],
    ids=range(11),
)
def test_what_would_take_long_is_refused(text: str, expected: str, tmp_path: Path) -> None:
    main = tmp_path / "nginx.conf"
    main.write_text(text)
    with pytest.raises(UnreadableError, match=expected):
        read_file(str(main))
    included = tmp_path / "other.conf"
    included.write_text("http { include nginx.conf; }")
    with pytest.raises(UnreadableError):
        read_file(str(included))


@pytest.mark.slow
def test_a_large_map_is_read(tmp_path: Path) -> None:
    """Lists of addresses are long, and their values have quotation marks inside words and in comments."""
    main = tmp_path / "nginx.conf"
    lines = "".join(f"{number} it's-\"{number % 7}\"; # don't\n" for number in range(40_000))
    main.write_text("map $a $b {\n" + lines + "}\nhttp { }\n")
    assert main.stat().st_size > 500_000
    found, http = read_file(str(main))
    assert (len(found.block or ()), http.name) == (40_000, "http")


def test_a_directory(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError, match="is a directory"):
        read_file(str(tmp_path))


def test_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    main = tmp_path / "nginx.conf"
    for number in range(30):
        (tmp_path / f"f{number}").write_text(f"include f{number + 1};")
    main.write_text("include f0;")
    with pytest.raises(UnreadableError, match="nested more than 20"):
        read_file(str(main))
    (tmp_path / "big").write_text("a b;\n" * 400)
    main.write_text("include big;\n" * 20)
    monkeypatch.setattr(reading, "MAX_BYTES", 10_000)
    with pytest.raises(UnreadableError, match="more than"):
        read_file(str(main))
    monkeypatch.setattr(reading, "MAX_BYTES", 10_000_000)
    monkeypatch.setattr(reading, "MAX_FILES", 10)
    with pytest.raises(UnreadableError, match="more than 10 files"):
        read_file(str(main))
    monkeypatch.setattr(reading, "MAX_DIRECTIVES", 100)
    with pytest.raises(UnreadableError, match="more than 100 directives"):
        read_dump("a b;\n" * 101)
    with pytest.raises(UnreadableError):
        read_dump("a {" * 2000 + "}" * 2000)


def test_many_blocks_that_are_not_nested_and_braces_in_texts_are_no_depth(tmp_path: Path) -> None:
    main = tmp_path / "nginx.conf"
    main.write_text("http { " + 'server { a "{"; } # {\n' * 300 + "}")
    (http,) = read_file(str(main))
    assert len(http.block or ()) == 300


@pytest.mark.parametrize(
    ("limit", "value", "text"),
    [
        ("MAX_BYTES", 5, "a b;\n"),
        ("MAX_FILES", 1, "a b;"),
        ("MAX_DIRECTIVES", 3, "a b; c { d e; }"),
        ("MAX_BLOCKS", 2, "a { b { c d; } }"),
    ],
)
def test_each_limit_may_be_reached_and_not_passed(
    limit: str, value: int, text: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    main = tmp_path / "nginx.conf"
    main.write_text(text)
    monkeypatch.setattr(reading, limit, value)
    assert read_file(str(main))
    monkeypatch.setattr(reading, limit, value - 1)
    with pytest.raises(UnreadableError):
        read_file(str(main))


@pytest.mark.parametrize(("quick", "more"), [(0, 0), (0, 1)])
def test_how_long_a_word_may_be(
    quick: int, more: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(reading, "_QUICK_BYTES", quick)
    main = tmp_path / "nginx.conf"
    main.write_text("a b;\n\nc " + "x" * (reading.MAX_WORD + more) + ";")
    if more:
        with pytest.raises(UnreadableError, match=f"^{main}:3: a word, a comment or a text in"):
            read_file(str(main))
    else:
        assert len(read_file(str(main))) == 2


@pytest.mark.parametrize(("more", "is_refused"), [(0, False), (1, True)])
def test_how_deep_includes_may_be_nested(more: int, is_refused: bool, tmp_path: Path) -> None:
    last = reading.MAX_DEPTH - 1 + more
    for number in range(last):
        (tmp_path / f"f{number}").write_text(f"include f{number + 1};")
    (tmp_path / f"f{last}").write_text("a b;")
    if is_refused:
        with pytest.raises(UnreadableError, match="nested more than 20 deep, at "):
            read_file(str(tmp_path / "f0"))
    else:
        assert names(read_file(str(tmp_path / "f0"))) == ["a"]


def test_the_files_of_a_dump_are_included_in_their_order() -> None:
    text = "".join(
        f"# configuration file /etc/nginx/{name}:\n{content}\n"
        for name, content in (
            ("nginx.conf", "include d/*;\ninclude d/b;\ninclude;"),
            ("d/b", "b x;"),
            ("d/a", "a x;"),
            ("other", "c x;"),
        )
    )
    assert names(read_dump(text)) == ["a", "b", "b", "include"]


def test_directives_that_are_wrong_elsewhere_are_read() -> None:
    (one, two) = read_dump("listen;\nproxy_pass a b c;")
    assert (one.args, two.args) == ((), ("a", "b", "c"))
    assert (one.block, one.file, one.line, two.line) == (None, "standard input", 1, 2)


@pytest.mark.parametrize(
    ("text", "is_read"),
    [("a b; c d;", True), ("a { b c; }", True), ("a b; c d; e f;", False), ("a { b { c { } } }", False)],
)
def test_the_directives_of_a_large_text_are_counted_before_it_is_parsed(
    text: str, is_read: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: list[str] = []
    monkeypatch.setattr(reading, "_QUICK_BYTES", 0)
    monkeypatch.setattr(reading, "MAX_DIRECTIVES", 2)

    def parse(given: str, path: str) -> list[object]:
        parsed.append(given)
        return []

    monkeypatch.setattr(reading, "_parse", parse)
    if is_read:
        read_dump(text)
    else:
        with pytest.raises(UnreadableError, match="more than 2 directives, at standard input"):
            read_dump(text)
    assert parsed == [text] * is_read
