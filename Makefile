# Every target does the set-up it needs; none needs root.
.DEFAULT_GOAL := help
.PHONY: help setup web demo test check format peers bench docs lock clean
SHELL := /bin/sh

VENV := .venv
BIN := $(VENV)/bin
PEERS := .venv-peers
# A benchmark is a script that takes the benchmarks' common options; the others are what they start.
BENCHMARKS = $(basename $(notdir $(shell grep -l 'command(__doc__)' benchmarks/*.py)))
INSTALLED := $(VENV)/.installed
LINKED := $(VENV)/.linked
COMPILED := $(VENV)/.compiled
PEERS_INSTALLED := $(PEERS)/.installed
# npm and node come from a wheel in the environment; both look for each other on the path.
NODE := cd web && PATH="$(CURDIR)/$(BIN):$$PATH" npm
WEB_INSTALLED := web/node_modules/.installed
BUILT := src/marsad/console/built/index.html
WEB_SOURCES := web/index.html web/patrol.html web/vite.config.ts $(shell find web/src web/public -type f 2>/dev/null)
PIP := -m pip --disable-pip-version-check --no-input

# A Python that is new enough and can make an environment; PYTHON=/path/to/python overrides the search.
CANDIDATES := $(PYTHON) python3.11 python3.12 python3.13 python3 python
SUITABLE := import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))
FIND_PYTHON = for python in $(CANDIDATES); do \
	  if "$$python" -c '$(SUITABLE)' >/dev/null 2>&1; then found="$$python"; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "No Python 3.11 or newer with venv was found (tried: $(CANDIDATES))." >&2; \
	  echo "Install Python 3.11 with its venv module, or name one: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11" >&2; \
	  exit 1; \
	fi
# An environment whose own pip answers, or can be made to, is kept; one left half-made is made again.
MAKE_VENV = if ! $(1)/bin/python $(PIP) --version >/dev/null 2>&1 && ! $(1)/bin/python -m ensurepip >/dev/null 2>&1; then \
	  $(FIND_PYTHON); \
	  echo "Making $(1) with $$($$found --version)"; \
	  "$$found" -m venv --clear $(1); \
	fi

help: ## say what can be made
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 14

setup: $(LINKED) ## make .venv with exactly the locked packages, and link Marsad into it

$(INSTALLED): requirements.lock
	@$(call MAKE_VENV,$(VENV))
	@echo "Installing the locked packages (a minute or two)"
	@$(BIN)/python $(PIP) install --quiet --require-hashes -r requirements.lock
	@touch $@

$(LINKED): $(INSTALLED) pyproject.toml
	@$(BIN)/python $(PIP) install --quiet --no-deps --no-build-isolation -e .
	@touch $@

$(WEB_INSTALLED): web/package-lock.json $(INSTALLED)
	@$(NODE) ci --silent --no-progress
	@touch $@

$(BUILT): $(WEB_INSTALLED) $(WEB_SOURCES)
	@echo "Building the console"
	@$(NODE) run --silent build -- --logLevel warn
	@touch $@

web: $(BUILT) ## build the console's pages into src/marsad/console/built

# The numeric kernels are compiled when they are first called, and kept: a moment of the demonstration calls them all.
$(COMPILED): $(LINKED)
	@echo "Compiling the numeric kernels (a minute or two, once)"
	@$(BIN)/marsad demo --for 2 --json --out $(VENV)/compiling >/dev/null
	@rm -rf $(VENV)/compiling
	@touch $@

demo: $(COMPILED) $(BUILT) ## four people cross the line at night, seen by four cameras: watch, locate, alarm (DEMO="--for 20")
	@$(BIN)/marsad demo $(DEMO)

# A module's tests stay on one process, so that what they share is made once. What Python and pytest have compiled is
# kept for the next time, whatever the environment says: two processes would compile every test again.
test: $(COMPILED) $(BUILT) ## run the tests on two processes (TESTS="tests/geo -k sight" for some of them)
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n 2 --dist loadscope --no-loadscope-reorder $(TESTS)

check: $(LINKED) $(WEB_INSTALLED) ## style, types and walls
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	@$(NODE) run --silent check
	@$(NODE) run --silent test

format: $(LINKED) ## put the sources into the house's style
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

$(PEERS_INSTALLED): benchmarks/peers.lock
	@$(call MAKE_VENV,$(PEERS))
	@$(PEERS)/bin/python $(PIP) install --quiet --no-deps --require-hashes -r benchmarks/peers.lock
	@touch $@

peers: $(PEERS_INSTALLED) ## make .venv-peers: the programs and referees Marsad is measured against

bench: $(LINKED) $(PEERS_INSTALLED) ## measure everything, beside the peers; long (BENCHMARKS="speed" for one of them)
	@failed=; for name in $(BENCHMARKS); do \
	  echo "== $$name"; $(BIN)/python benchmarks/$$name.py || failed="$$failed $$name"; \
	done; \
	if [ -n "$$failed" ]; then echo "Could not be run:$$failed" >&2; exit 1; fi

docs: $(LINKED) ## build the pages into site/, failing on a broken link
	@$(BIN)/mkdocs build --strict

lock: $(INSTALLED) ## resolve the dependencies again after pyproject.toml changed
	@test -x .venv-lock/bin/uv || { $(BIN)/python -m venv .venv-lock && .venv-lock/bin/python $(PIP) install --quiet uv; }
	.venv-lock/bin/uv pip compile --universal --generate-hashes --all-extras --no-emit-index-url --no-header \
	  --python-version 3.11 --quiet pyproject.toml -o requirements.lock

clean: ## remove everything that can be made again
	rm -rf $(VENV) $(PEERS) .venv-lock site dist build out web/node_modules src/marsad/console/built
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
