"""Every block of every page is tried, and every link leads somewhere."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest
from tests.docs.page import ROOT, Block, Trial, blocks, links, pages, targets

PAGES = pages()


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p)], ids=name_of)
def test_every_block_does_what_it_says(page: Path, tmp_path: Path) -> None:
    trial = Trial(tmp_path)
    for block in blocks(page):
        trial.run(block)
    trial.finish()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_somewhere(page: Path) -> None:
    dead = [t for t in links(page) if not (page.parent / t.partition("#")[0]).exists()]
    assert not dead


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_class_that_is_named_by_its_place_is_there(page: Path) -> None:
    for module, name in re.findall(r"\b(hygge(?:\.\w+)+):([A-Z]\w+)", page.read_text()):
        assert hasattr(import_module(module), name), f"{module}:{name}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_file_that_is_named_is_there(page: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    named = re.findall(r"`((?:src|tests|docs|examples|tools|changelog\.d)/[\w./-]+)`", text)
    near = (ROOT, page.parent, ROOT / "examples" / "plugin")
    assert not [name for name in named if not any((folder / name).exists() for folder in near)]


def test_the_readme_names_the_two_commands_and_the_makefile_has_them() -> None:
    text = (ROOT / "README.md").read_text()
    assert "make demo" in text
    assert "make test" in text
    assert {"demo", "test", "check"} <= targets()


def test_the_guide_is_found_from_the_readme() -> None:
    found = {(ROOT / target).resolve() for target in links(ROOT / "README.md")}
    guide = {page for page in PAGES if page.parent == ROOT / "docs" / "guide"}
    assert guide
    assert guide <= found


def wrong(language: str, text: str) -> Block:
    return Block(language, "", text, "here.md:1")


@pytest.mark.parametrize(
    "block",
    [
        wrong("bash", "hygge goo"),
        wrong("bash", "make tea"),
        wrong("bash", "pip install hygge[tea]"),
        wrong("console", "$ echo one\ntwo"),
        wrong("console", "$ echo one\none\ntwo"),
        wrong("python", "import nowhere"),
        wrong("yaml", "paralel: 2"),
        wrong("yaml", "flows: {a: {home: x.csv, store: {type: prquet, path: y}}}"),
        wrong("klingon", "x"),
    ],
    ids=lambda block: f"{block.language} {block.text[:18]!r}",
)
def test_a_block_that_does_something_else_is_noticed(block: Block, tmp_path: Path) -> None:
    with pytest.raises(Exception, match=r"here|nowhere|prints|unknown|known"):
        Trial(tmp_path).run(block)


def test_a_link_in_a_code_block_is_not_followed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("[one](there.md)\n```text\n[two](nowhere.md)\n```\n")
    assert links(page) == ["there.md"]
