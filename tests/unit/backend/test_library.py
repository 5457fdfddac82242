"""The library below hw/: levels, and that what a file uses is found."""

import re
from pathlib import Path

import pytest

from tomato.backend import library
from tomato.backend.library import HLS, LEVELS, RTL, SHELL
from tomato.core.errors import TomatoError

ALL = [(language, name) for language in (RTL, HLS) for name in library.files(language)]


@pytest.mark.parametrize(("language", "name"), ALL)
def test_a_file_uses_none_of_a_later_level(language: str, name: str) -> None:
    own = library.level(library.file(language, name))
    later = [used for used in library.uses(language, name) if library.level(library.file(language, used)) > own]
    assert not later


@pytest.mark.parametrize("name", library.files(HLS))
def test_headers_include_what_they_use(name: str) -> None:
    included = re.findall(r'^#include "(tom_\w+)\.hpp"$', library.file(HLS, name).read_text(), re.MULTILINE)
    assert set(library.uses(HLS, name)) == set(included)


@pytest.mark.parametrize("language", [RTL, HLS])
def test_sources_come_before_what_uses_them(language: str) -> None:
    order = list(library.sources(language, library.files(language)))
    assert sorted(order) == sorted(library.files(language))
    for name in order:
        assert all(order.index(used) < order.index(name) for used in library.uses(language, name))
    levels = [library.level(library.file(language, name)) for name in order]
    assert levels == sorted(levels)
    folders = {path.parent.name for path in library.files(language).values()}
    assert {(*LEVELS, SHELL)[level] for level in levels} == folders


def test_a_module_that_is_not_there_is_told() -> None:
    with pytest.raises(TomatoError) as error:
        library.sources(RTL, ["tom_nothing"])
    assert str(error.value).startswith("error: hw/rtl/tom_nothing is missing from the installation\n  --> ")
    assert Path(str(error.value).splitlines()[1].removeprefix("  --> ")).name == "tom_nothing"
