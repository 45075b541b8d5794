"""`python -m eparch.cli`: the `eparch` program of this very interpreter, whether or not its script is on the path."""

import sys

from eparch.cli.main import main

sys.exit(main())
