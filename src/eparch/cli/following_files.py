"""In charge of noticing that files have changed; not in charge of what is done then."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

_LOOK_S: Final = 0.5


def changed_files(files: Callable[[], Iterable[Path]], sleep: Callable[[float], None]) -> Iterator[list[Path]]:
    """Yield the files that have appeared or changed since the last look, for ever; nothing where none has.

    The first look is taken by this call itself: what changes while its caller still reads the files is seen.

    Args:
        files: lists the files to look at, anew each time.
    """
    return _changes(files, sleep, _marks(files()))


def _changes(
    files: Callable[[], Iterable[Path]], sleep: Callable[[float], None], known: dict[Path, tuple[int, int]]
) -> Iterator[list[Path]]:
    while True:
        sleep(_LOOK_S)
        found = _marks(files())
        changed = [file for file, mark in found.items() if known.get(file) != mark]
        known = found
        if changed:
            yield changed


def _marks(files: Iterable[Path]) -> dict[Path, tuple[int, int]]:
    """Return time and size of each file that is there."""
    found = {}
    for file in files:
        try:
            about = file.stat()
        except OSError:
            continue  # an editor is replacing it; the next look sees it
        found[file] = about.st_mtime_ns, about.st_size
    return found
