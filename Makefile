# Every check and command a person runs; CI runs the same ones. `make help` lists them.
.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -euo pipefail -c

VENV := .venv
PYTHON := $(VENV)/bin/python
INSTALLED := $(VENV)/.installed
ARGS ?=

##@ Use it
# Every call between services encrypted, both sides with a certificate of a throw-away authority.
ifdef MTLS
export MESH_MTLS := strict
endif

run: $(INSTALLED) ## start the whole platform here: stores, ten services, a mailbox; Ctrl-C stops it (MTLS=1)
	@$(PYTHON) -m services run $(ARGS)

demo: $(INSTALLED) ## the same platform plus a sale with a verdict (BUYERS=2000 SEED=1)
	@mkdir -p build && $(PYTHON) -m services demo --log build/demo.log --buyers $(or $(BUYERS),2000) --seed $(or $(SEED),1) $(ARGS)

bench: $(INSTALLED) ## bookings per second, end to end, with the same verdict (BUYERS=800 FOR=20 seconds)
	@mkdir -p build && $(PYTHON) -m services bench --log build/bench.log --buyers $(or $(BUYERS),800) --seconds $(or $(FOR),20) $(ARGS)

##@ Check it
test: lint test-unit test-integration ## everything that CI runs

test-unit: $(INSTALLED) ## no network: domain, handlers, layout
	@$(PYTHON) -m pytest -q tests/unit tests/layout $(ARGS)

test-integration: $(INSTALLED) ## real stores, real gRPC, both sides of every contract
	@$(PYTHON) -m pytest -q tests/contract tests/integration $(ARGS)

lint: $(INSTALLED) ## style, types, import contracts, fresh stubs, fresh locks
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports
	@$(PYTHON) -m protos.generate --check 2>/dev/null

##@ Change it
format: $(INSTALLED) ## write the code as the formatter wants it
	@$(VENV)/bin/ruff check --fix-only -q . ; $(VENV)/bin/ruff format .

protos: $(INSTALLED) ## make protos/gen from protos/*.proto
	@$(PYTHON) -m protos.generate

lock: $(INSTALLED) ## compile requirements/*.txt from pyproject.toml
	@requirements/lock

clean: ## remove what was installed and built here
	@rm -rf $(VENV) build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

install: $(INSTALLED) ## the environment, from hashed lock files

$(INSTALLED): requirements/dev.txt requirements/install
	@requirements/install $(VENV)
	@touch $@

help: ## this list
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run demo bench test test-unit test-integration lint format protos lock clean install help
