"""Rules on the project's files: names, sizes, addresses, links, targets of make."""

import os
import re
from pathlib import Path

import pytest

from tests.architecture import tracked
from tests.architecture.tracked import ROOT, text_of

MODULE_LINES_MAX = 400

# Modules that are longer, each with the reason why its parts would not be found faster in two files.
LONG_MODULES: dict[str, str] = {}

# Written in halves, so that this file does not hold what it looks for.
FORBIDDEN = {
    "the address of a package registry": r"(pypi|pythonhosted|npmjs|yarnpkg|anaconda)" + r"\.(org|com)",
    "a path of one developer's machine": r"(?<![\w.$}/-])/(work|home/\w+|root)" + r"/",
}


def test_long_modules_are_named_with_a_reason() -> None:
    modules = tracked.files("src/*.py", "tests/*.py", "benchmarks/*.py", "examples/*.py")
    long = {str(path) for path in modules if len(text_of(path).splitlines()) > MODULE_LINES_MAX}
    assert long == set(LONG_MODULES), "each would be read faster as two files with two names, or needs a reason here"


def test_no_file_or_folder_has_a_name_that_says_nothing() -> None:
    empty = {"utils", "util", "common", "helpers", "helper", "misc"}
    assert [str(path) for path in tracked.files() if empty & {part.partition(".")[0] for part in path.parts}] == []


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_holds(what: str) -> None:
    found = [f"{path}: {match[0]}" for path in tracked.files() for match in re.finditer(FORBIDDEN[what], text_of(path))]
    assert found == []


def test_nothing_outside_the_repository_is_referred_to() -> None:
    # In ui/ the folder of that name is our own.
    outside = re.compile(r"\.\./" + r"shared\b")
    assert [str(path) for path in tracked.files() if path.parts[0] != "ui" and outside.search(text_of(path))] == []


def markdown_links() -> list[tuple[Path, str]]:
    """Return each link of each Markdown file that leads to a place in the repository."""
    links = []
    for path in tracked.files("*.md"):
        prose = re.sub(r"```.*?```|`[^`\n]*`", "", text_of(path), flags=re.DOTALL)
        links += [(path, target) for target in re.findall(r"\]\(([^)\s]+)\)", prose) if "://" not in target]
    return links


def test_every_link_of_the_documentation_leads_somewhere() -> None:
    broken = []
    for path, target in markdown_links():
        name, _, anchor = target.partition("#")
        file = (ROOT / path).parent / name if name else ROOT / path
        if not file.exists() or (anchor and anchor not in anchors_of(file)):
            broken.append(f"{path}: {target}")
    assert broken == []


def anchors_of(file: Path) -> set[str]:
    """Return the anchors that a Markdown viewer makes from the headings of `file`."""
    headings = re.findall(r"^#+ +(.*)$", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_page_of_the_documentation_is_linked_from_another() -> None:
    linked = {((ROOT / path).parent / target.partition("#")[0]).resolve() for path, target in markdown_links()}
    pages = [path for path in tracked.files("docs/*.md") if path != Path("docs/index.md")]
    assert [str(path) for path in pages if (ROOT / path).resolve() not in linked] == []


def test_every_make_target_that_a_text_names_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", text_of(Path("Makefile")), flags=re.MULTILINE))
    named = {
        (str(path), target)
        for path in [*tracked.files("*.md"), Path(".ci/run")]
        for block in re.findall(r"```.*?```|`[^`\n]*`|^exec .*$", text_of(path), flags=re.DOTALL | re.MULTILINE)
        for target in re.findall(r"\bmake ([a-z][a-z-]*)", block)
    }
    assert {("README.md", "test"), ("README.md", "demo"), (".ci/run", "test")} <= named
    assert {(path, target) for path, target in named if target not in targets} == set()


def test_ci_can_be_run() -> None:
    assert os.access(ROOT / ".ci/run", os.X_OK)
