"""The configurations in the documentation are those that the commands print."""

from __future__ import annotations

import pytest

from tools.proxy_files import DOCS, FILES, printed


@pytest.mark.parametrize("name", FILES)
def test_the_committed_file_is_what_the_command_prints(name: str) -> None:
    settings, arguments = FILES[name]
    assert (DOCS / name).read_text() == printed(settings, *arguments.split()), "run: make proxies"


def test_each_file_is_printed_by_a_command() -> None:
    committed = [*DOCS.glob("nginx/*"), *DOCS.glob("caddy/*"), *DOCS.glob("traefik/*")]
    assert {str(file.relative_to(DOCS)) for file in committed} == FILES.keys()
