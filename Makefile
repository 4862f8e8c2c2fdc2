# The commands of the project. `make help` lists them.
# Needs only make and Python 3.11 or newer; everything else is installed into .venv from the lock files.

.DEFAULT_GOAL := help
SHELL := /bin/sh
.SUFFIXES:

PORT ?= 8000
# pytest's own options for `make test`, e.g. make test PYTEST_ARGS="tests/people -x"
PYTEST_ARGS ?=

VENV := .venv
PY := $(VENV)/bin/python
NETREG := $(VENV)/bin/netreg

# ---------------------------------------------------------------------------------------------------------- set-up
# Each stamp is newer than the lock files it was made from, so a later run has nothing to do. An environment that has
# the development tools has everything `make run` needs: then the smaller set is left alone.

.PHONY: help setup setup-dev
help: ## list the commands
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-24s %s\n", $$1, $$2}'

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
