# The commands of the project. `make help` lists them.
# Needs only make and Python 3.11 or newer; everything else is installed into .venv from the lock files.

.DEFAULT_GOAL := help
SHELL := /bin/sh
.SUFFIXES:

PORT ?= 8000
# pytest's own options for `make test`, e.g. make test PYTEST_ARGS="tests/people -x"
PYTEST_ARGS ?=

# Byte code is kept, whatever the shell says: the second start is twice as fast.
unexport PYTHONDONTWRITEBYTECODE

VENV := .venv
PY := $(VENV)/bin/python
NETREG := $(VENV)/bin/netreg

# ---------------------------------------------------------------------------------------------------------- set-up
# Each stamp is newer than the lock files it was made from, so a later run has nothing to do. An environment that has
# the development tools has everything `make run` needs: then the smaller set is left alone.

.PHONY: help setup setup-dev
help: ## list the commands
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | \
	  awk -F'|' '{printf "  make %-14s %s\n", $$1, $$2}'

setup: $(if $(wildcard $(VENV)/.ready-dev),$(VENV)/.ready-dev,$(VENV)/.ready) ## make .venv with the console command .venv/bin/netreg

setup-dev: $(VENV)/.ready-dev ## the same with the tools for testing

# The first interpreter that is new enough, really starts, and can make an environment.
$(PY):
	@for python in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11 python; do \
	  if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
	    new_enough=$$python; \
	    if "$$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then found=$$python; break; fi; \
	  fi; \
	done; \
	if [ -z "$$found" ] && [ -n "$$new_enough" ]; then \
	  echo "$$new_enough cannot make virtual environments. On Debian or Ubuntu: apt-get install python3-venv" >&2; exit 1; \
	elif [ -z "$$found" ]; then \
	  echo "Python 3.11 or newer is needed; $$(python3 --version 2>/dev/null || echo 'no python3') was found." >&2; \
	  echo "If it is installed elsewhere: make PYTHON=/path/to/python3" >&2; exit 1; \
	fi; \
	echo "Making $(VENV) with $$("$$found" --version)"; \
	rm -rf $(VENV) && "$$found" -m venv $(VENV)

# uv is fast; where it has no wheel for the platform, pip installs the same locked files.
define install
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: \
	  -r requirements-setup.txt 2>/dev/null || echo "uv is not available here: installing with pip"
	@echo "Installing $(1)"
	@if $(PY) -m uv --version >/dev/null 2>&1; then \
	  UV_NO_PROGRESS=1 UV_LINK_MODE=copy $(PY) -m uv pip sync --quiet --python $(PY) --require-hashes \
	    requirements-setup.txt $(1) && \
	  $(PY) -m uv pip install --quiet --python $(PY) --no-deps --no-build-isolation --editable .; \
	else \
	  sed '/^uv==/,/^[^ ]/{/^uv==/d;/^ /d;}' requirements-setup.txt > $(VENV)/without-uv.txt && \
	  $(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r $(VENV)/without-uv.txt && \
	  $(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r $(1) && \
	  $(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .; \
	fi
	@touch $@
endef

$(VENV)/.ready: requirements.txt requirements-setup.txt pyproject.toml | $(PY)
	$(call install,requirements.txt)

$(VENV)/.ready-dev: requirements-dev.txt requirements-setup.txt pyproject.toml | $(PY)
	$(call install,requirements-dev.txt)
	@touch $(VENV)/.ready

# The account that runs it in production cannot write here, so it would read all sources anew at each start.
.PHONY: compiled
compiled: setup ## the same as setup, with byte code for another account to run (production)
	@$(PY) -m compileall -q -j 0 $(VENV)/lib registry migrations config.py wsgi.py gunicorn.conf.py >/dev/null 2>&1 || true

# ---------------------------------------------------------------------------------------------------------- to run it

.PHONY: run
run: setup ## run the product on http://localhost:8000 (PORT=… another port, DATABASE_URL=… another database)
	@$(NETREG) db upgrade
	@$(NETREG) demo load --if-empty
	@exec $(NETREG) serve --port $(PORT)

# ---------------------------------------------------------------------------------------------------------- to check it

.PHONY: test lint types byte-code pytest format
test: setup-dev ## check everything: style, types, import contract, all tests on SQLite, PostgreSQL and in Chromium
	@$(MAKE) --no-print-directory -j 2 types lint byte-code
	@$(MAKE) --no-print-directory pytest

lint: setup-dev ## check style, the import contract and the templates
	@$(PY) -m ruff check --quiet .
	@$(PY) -m ruff format --check --quiet . || { echo "Some files are not formatted: make format" >&2; exit 1; }
	@$(VENV)/bin/lint-imports --no-cache $(if $(VERBOSE),--verbose,) > $(VENV)/imports.log || { cat $(VENV)/imports.log; exit 1; }
	@$(PY) -m djlint --lint --quiet templates
	@echo "style, imports and templates: no complaints"

types: setup-dev ## check types
	@$(PY) -m mypy

# Written while types are checked: otherwise each of the processes that test would write it at the same time.
byte-code: setup-dev
	@$(PY) -m pytest --collect-only -qq >/dev/null 2>&1 || true

pytest: setup-dev
	@$(PY) -m pytest -n 3 $(PYTEST_ARGS)

format: setup-dev ## put the Python files into the house's format
	@$(PY) -m ruff check --quiet --fix-only .
	@$(PY) -m ruff format .

.PHONY: bench
bench: setup-dev ## measure the chart, the worklist up to a million cases and sending, on SQLite and PostgreSQL
	@$(PY) -m tests.bench

.PHONY: drill
drill: setup-dev ## back up and restore, exchange the keys, kill web workers, under load: the long version (TIMES=20)
	@NETREG_DRILL=$(or $(TIMES),20) $(PY) -m pytest -n0 -q --timeout 3600 tests/operations \
	  tests/referrals/test_killed.py -k "load or any_moment or answered"

.PHONY: check-cohorts
check-cohorts: setup ## import and release the published cohorts and compare with their source (DATA=folder)
	@test -n "$(DATA)" || { echo "Say where the cohorts are: make check-cohorts DATA=folder" >&2; exit 1; }
	@$(NETREG) check-cohorts --data "$(DATA)"

.PHONY: docs
docs: setup ## write the pages of docs/clinical anew from the tables and rules
	@$(PY) -m registry.clinical.handbook docs/clinical

.PHONY: bench-matching
bench-matching: setup-dev ## measure how well and how fast the same patient is found: 20,000 people, 100,000 patients, both databases
	@$(PY) -m tests.bench.matching

.PHONY: bench-import
bench-import: setup-dev ## measure an import of 100,000 patients with ten rows each against its floor, on both databases (PATIENTS=…)
	@$(PY) -m tests.bench.imports --patients $(or $(PATIENTS),100000) --cancel
	@$(PY) -m tests.bench.imports --patients $(or $(PATIENTS),100000) --cancel --postgres

# ---------------------------------------------------------------------------------------------------------- to keep it

.PHONY: lock vendor clean
lock: $(PY) ## write the lock files anew from pyproject.toml (UPGRADE=--upgrade takes the newest versions)
	@$(PY) -m uv --version >/dev/null 2>&1 || $(PY) -m pip install --quiet --require-hashes -r requirements-setup.txt
	@set -e; compile() { UV_CUSTOM_COMPILE_COMMAND="make lock" $(PY) -m uv pip compile --quiet --universal \
	    --generate-hashes --no-annotate --python-version 3.11 $(UPGRADE) "$$@"; }; \
	  compile --group setup --output-file requirements-setup.txt; \
	  compile pyproject.toml --output-file requirements.txt; \
	  compile pyproject.toml --group dev --constraints requirements.txt --output-file requirements-dev.txt
	@! grep -nE '://|^-|file:' requirements*.txt || { echo "a lock file names a place" >&2; exit 1; }

vendor: ## build the third-party styles, scripts and fonts in static/vendor anew (needs Node)
	@test -f static/src/package.json || { echo "static/src has nothing to build" >&2; exit 1; }
	cd static/src && npm ci --ignore-scripts --no-audit --no-fund && npm run build

clean: ## remove what can be made again; the data in instance/ stay
	rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache .hypothesis .import_linter_cache static/src/node_modules test-results
	find registry tests migrations -name __pycache__ -type d -prune -exec rm -rf {} +
