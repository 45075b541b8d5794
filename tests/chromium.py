"""In charge of a Chromium for the tests of the web UI: finding it, or getting Debian's. Not in charge of driving it.

python tests/chromium.py install      # get it if this machine has none
python tests/chromium.py where        # print the program
"""

import os
import shutil
import subprocess
import sys

INSTALL_HINT = "install Chromium (Debian: apt-get install chromium), or name its program in EPARCH_TEST_CHROMIUM"

_PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


class MissingChromium(Exception):
    """This machine has no Chromium; the message says what to install."""


def find_chromium() -> str:
    """Return the program: the one that EPARCH_TEST_CHROMIUM names, else the first on PATH.

    Raises:
        MissingChromium: there is none.
    """
    for name in (os.environ.get("EPARCH_TEST_CHROMIUM"), *_PROGRAMS):
        program = shutil.which(name) if name else None
        if program is not None:
            return program
    raise MissingChromium(f"no Chromium found; {INSTALL_HINT}")


def install_chromium() -> str:
    """Return the program, after getting Debian's as root when there is none.

    Raises:
        MissingChromium: there is none, and it cannot be got.
    """
    try:
        return find_chromium()
    except MissingChromium:
        if os.geteuid() != 0 or not shutil.which("apt-get"):
            raise
    print("installing Debian's chromium package", file=sys.stderr)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-qy", "--no-install-recommends", "chromium"]
    for command in (["apt-get", "update", "-q"], install):
        subprocess.run(command, env=environment, stdout=sys.stderr, check=False)
    return find_chromium()


def _main(words: list[str]) -> int:
    actions = {"install": install_chromium, "where": find_chromium}
    if len(words) != 1 or words[0] not in actions:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        print(actions[words[0]]())
    except MissingChromium as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
