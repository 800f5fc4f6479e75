# Each target starts from nothing: it makes the environment it needs and installs what is pinned in requirements/.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help run demo test test-slow check bench format requirements clean

help:            ## what there is
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

run: $(VENV)/.base   ## from nothing to a server on http://127.0.0.1:8000
	@$(BIN)/llmadmin serve

demo: $(VENV)/.base  ## the same on a throwaway database, with a simulated provider and 30 days of usage
	@rm -rf .demo
	@LLMADMIN_DATA_DIR=.demo LLMADMIN_SIMULATOR=1 DATABASE_URL= REDIS_URL= $(BIN)/llmadmin seed-demo --serve

test: $(VENV)/.dev   ## everything the project can prove about itself on this machine
	@$(BIN)/python -m tests

test-slow: $(VENV)/.dev  ## soaks, fuzzing, large data, independent peers
	@$(BIN)/python -m tests --slow

check: $(VENV)/.dev  ## linters, types, import rules, templates, migrations, generated docs
	@$(BIN)/python -m tests.check

bench: $(VENV)/.dev  ## CPU per call against a bare reference, in the same run
	@$(BIN)/python -m benchmarks

format: $(VENV)/.dev ## let ruff tidy the tree
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format .

requirements:    ## pin requirements/ anew from pyproject.toml (needs uv)
	@for set in "pyproject.toml --group build -o requirements/base.txt" \
	    "pyproject.toml --group build --group dev -o requirements/dev.txt" "--group services -o requirements/services.txt"; do \
	  uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header \
	    $$set; done

clean:           ## remove what the targets made, but never data/
	@rm -rf $(VENV) .demo staticfiles .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("llmadmin needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Set PYTHON=…") if sys.version_info < (3, 11) else None'
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.base: requirements/base.txt pyproject.toml | $(VENV)/bin/python
	@echo "Installing what llmadmin needs (once; about a minute) …"
	@$(PIP) --require-hashes -r requirements/base.txt
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.base
	@echo "Installing the test and development tools …"
	@$(PIP) --require-hashes -r requirements/dev.txt
	@touch $@
