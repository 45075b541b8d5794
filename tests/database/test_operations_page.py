"""docs/operations.md quotes messages; each of them is one that Eparch can say."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/operations.md"
SOURCES = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "src/eparch").rglob("*.py"))]


def quoted_messages() -> list[str]:
    """Return the messages in the first column of the tables of the last chapter."""
    chapter = PAGE.read_text(encoding="utf-8").partition("## What messages mean")[2]
    return re.findall(r"^\| `([^`]+)` \|", chapter, flags=re.MULTILINE)


@pytest.mark.parametrize("message", quoted_messages())
def test_a_message_of_the_page_is_one_of_eparchs(message: str) -> None:
    # The source has values where the page has dots, and may break a message into literals.
    texts = [re.sub(r'"\s*\n\s*f?"', "", source) for source in SOURCES]
    parts = [part.strip(" .:;,") for part in message.split("...")]
    assert any(all(part in text for part in parts) for text in texts)


def test_the_page_explains_the_messages_of_the_edge() -> None:
    assert len(quoted_messages()) > 25
