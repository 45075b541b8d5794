"""In charge of the list of generated pages; not in charge of their content (the functions named here).

`make docs` writes them; tests/architecture/test_generated.py says when one is out of date.
"""

from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# Each file, by its path from the root, and the function "module:function" that returns its text.
GENERATED = {
    "docs/reference/cli.md": "eparch.cli.reference:cli_page",
    "docs/reference/metrics.md": "eparch.server.metric_table:metrics_page",
    "docs/reference/settings.md": "eparch.cli.config:settings_page",
    "ui/src/generated/schema.graphql": "eparch.graphql.schema:schema_text",
    "ui/src/generated/states.json": "eparch.server.resolvers:reference_text",
}


def text_of(target: str) -> str:
    """Return what the function of a generated file gives."""
    module, _, name = target.partition(":")
    text: str = getattr(import_module(module), name)()
    return text


if __name__ == "__main__":
    for path, target in GENERATED.items():
        (ROOT / path).write_text(text_of(target), encoding="utf-8")
