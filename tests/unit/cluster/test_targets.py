"""Several boards as a target: by their names, or from a file."""

from pathlib import Path

import pytest

from tomato.core.errors import TomatoError
from tomato.targets import is_cluster, load, load_cluster
from tomato.targets.cluster import describe_cluster, restore_cluster

LINK = '[link]\nkind = "any"\ngbits_per_s = 10.5\nlatency_ns = 200\n'


def written(folder: Path, text: str) -> str:
    path = folder / "two.toml"
    path.write_text(text)
    return str(path)


def test_names_joined_by_commas() -> None:
    found = load_cluster("u250, zcu102")
    assert [b.name for b in found.boards] == ["u250", "zcu102"]
    assert found.links == (load("zcu102").link,)  # the slower one
    assert found.clock_mhz == 250
    assert {b.clock_mhz for b in found.clocked(100).boards} == {100}


def test_a_file(tmp_path: Path) -> None:
    name = written(tmp_path, f'boards = ["kv260", "ulx3s", "kv260"]\n{LINK}')
    assert is_cluster(name)
    found = load_cluster(name)
    assert found.name == "two"
    assert [link.gbits_per_s for link in found.links] == [10.5, 10.5]
    assert restore_cluster(describe_cluster(found), "x") == found


def test_one_board_is_no_cluster(tmp_path: Path) -> None:
    assert not is_cluster("u250")
    assert not is_cluster(str(tmp_path / "absent.toml"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('boards = ["u250"]', "has 2 to 16 boards, not 1"),
        ('boards = ["u250", "u25"]', "unknown target 'u25'"),
        ('boards = "u250,u250"', "must be an array"),
        ('boards = ["kv260", "kv260"]', "kv260 has no link to another board"),
        ('boards = ["kv260", "kv260"]\nspeed = 3', "'speed' is not known"),
        ('boards = ["kv260", "kv260"]\n[link]\nkind = "any"', "'gbits_per_s' is missing"),
        (f'boards = ["kv260", "kv260"]\n{LINK.replace("10.5", "-1")}', "must be a number above 0"),
        (f'boards = ["kv260", "kv260", "kv260"]\n[{LINK.replace("[link]", "[[links]]").strip()[1:]}', "2 links"),
    ],
)
def test_what_is_wrong_is_told(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(TomatoError, match=said):
        load_cluster(written(tmp_path, text))


def test_where_one_board_is_needed(tmp_path: Path) -> None:
    for name in ("u250,u250", written(tmp_path, f'boards = ["kv260", "kv260"]\n{LINK}')):
        with pytest.raises(TomatoError, match="is several boards"):
            load(name)


def test_words_are_as_wide_as_a_link_is_fast() -> None:
    link = load("u250").link
    assert link
    assert (link.word_bits(300), link.per_mille(300), link.latency(300)) == (512, 625, 150)
    assert (link.word_bits(50), link.per_mille(50)) == (512, 1000)  # a word in every cycle
