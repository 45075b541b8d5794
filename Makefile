# Everything a developer does, by name. `make` alone lists the targets.
# A fresh machine needs Python 3.11 or newer, git and make; the targets install the rest into this folder.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
  if $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then echo $$p; break; fi; done)
# Prefect 1.4.1 needs a Python before 3.12 (its pendulum does not build on later ones); uv gets one if there is none.
GUEST_PYTHON ?= $(shell for p in .venv/bin/python python3.11 python3.10 python3.9; do \
  if $$p -c 'import sys; sys.exit(sys.version_info >= (3, 12))' 2>/dev/null; then echo $$p; break; fi; done)
WORKERS ?= 2
BIN := .venv/bin
UV := $(BIN)/uv --quiet
COMPILE := $(BIN)/uv --quiet pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url $(if $(UPGRADE),--upgrade)
CHECKED := src tests benchmarks examples
NPM := $(BIN)/python ui/node.py npm
UI := src/eparch/server/static/index.html
UI_SOURCES := $(shell find ui -name node_modules -prune -o -type f -not -path 'ui/src/generated/*.ts' -print)
EPARCH_URL ?= http://127.0.0.1:4200

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

# ---- Set-up: each stamp file is newer than what it was made from, so nothing is done twice ----

.PHONY: setup
setup: .venv/.installed ## make .venv with everything in it, the project included

.venv/bin/python:
	@[[ -n "$(PYTHON)" ]] || { echo "Eparch needs Python 3.11 or newer; set PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || [[ $$(id -u) != 0 ]] || ! command -v apt-get >/dev/null || \
	  { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy python3-venv; }
	$(PYTHON) -m venv .venv

.venv/.uv: requirements-uv.lock | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-uv.lock
	@touch $@

.venv/.locked: requirements.lock .venv/.uv
	$(UV) pip sync --python $(BIN)/python --require-hashes requirements-uv.lock requirements.lock
	@touch $@

.venv/.installed: pyproject.toml src/eparch/version.py .venv/.locked
	$(UV) pip install --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

.PHONY: guest
guest: .venv-prefect/.installed ## make .venv-prefect with an unmodified Prefect 1.x, for its tests and the demo

.venv-prefect/.installed: requirements-prefect.lock .venv/.uv
	$(UV) venv --clear --python "$(or $(GUEST_PYTHON),3.11)" .venv-prefect
	$(UV) pip sync --python .venv-prefect/bin/python --require-hashes requirements-prefect.lock
	@touch $@

.PHONY: postgresql
postgresql: .venv/.installed ## get PostgreSQL's server programs for the tests, if this machine has none
	@$(BIN)/python tests/postgresql.py install

# Node comes from PyPI where this machine has none (ui/node.py).
ui/node_modules/.installed: ui/package.json ui/package-lock.json ui/node.py .venv/.uv
	$(NPM) ci --silent
	@touch $@

$(UI): ui/node_modules/.installed $(UI_SOURCES)
	$(NPM) run --silent build -- --logLevel error

# ---- Work ----

.PHONY: ui
ui: $(UI) ## build the web UI into the server's static files

.PHONY: ui-dev
ui-dev: ui/node_modules/.installed ## serve the web UI with hot reload, against the server at EPARCH_URL
	EPARCH_URL=$(EPARCH_URL) $(NPM) run dev

.PHONY: test
test: setup guest ui ## set up and run the whole suite
	@$(BIN)/python tests/postgresql.py install >/dev/null || [[ -z "$${CI:-}" ]]
	@$(BIN)/python tests/chromium.py install >/dev/null || [[ -z "$${CI:-}" ]]
	$(BIN)/pytest --numprocesses $(WORKERS) --dist loadgroup

.PHONY: soak
soak: setup ## break servers, agents and the database for half an hour; SOAK_S=... for as long
	EPARCH_TEST_SOAK_S=$(or $(SOAK_S),1800) $(BIN)/pytest -s tests/faults/test_soak.py

.PHONY: check
check: setup .cache/.ui-checked ## format check, lint, types, architecture and unit tests: under 60 s
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest --quiet tests/architecture tests/unit

.cache/.ui-checked: ui/node_modules/.installed $(UI_SOURCES)
	$(NPM) run --silent check
	@mkdir -p .cache
	@touch $@

.PHONY: fmt
fmt: setup ui/node_modules/.installed ## format the code and sort its imports
	$(BIN)/ruff check --select I --fix .
	$(BIN)/ruff format .
	$(NPM) run --silent format

.PHONY: demo
demo: setup ui ## set up, and run the demo to its end
	$(BIN)/eparch demo --once

.PHONY: bench
bench: setup ## run the benchmarks
	$(BIN)/python -m benchmarks

.PHONY: docs
docs: setup ## write the generated pages of docs/
	$(BIN)/python docs/generate.py

.PHONY: pictures
pictures: setup ui ## make the pictures of the web UI in docs/images anew
	$(BIN)/python -m tests.ui.pictures

.PHONY: lock
lock: .venv/.uv ## write the lock files; UPGRADE=1 takes the newest versions
	$(COMPILE) requirements-uv.in -o requirements-uv.lock
	$(COMPILE) --group dev --all-extras pyproject.toml -o requirements.lock
	$(COMPILE) requirements-prefect.in -o requirements-prefect.lock
	$(COMPILE) --no-deps requirements-postgresql.in -o requirements-postgresql.lock
	$(COMPILE) --no-deps requirements-node.in -o requirements-node.lock

.PHONY: clean
clean: ## remove what the other targets have made
	rm -rf .venv .venv-* .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist
	rm -rf ui/node_modules src/eparch/server/static
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +
