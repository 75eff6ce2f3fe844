# What people and CI type. Every target makes what it needs: the environment is .venv, dependencies are locked.

PYTHON ?= python3
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest

.DEFAULT_GOAL := help
.PHONY: help demo test test-embedded check bench new-connector proto docs catalogue scalar lock format services-start services-stop clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

.venv/pyvenv.cfg:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed; set PYTHON=python3.12")'
	@$(PYTHON) -m venv .venv

.venv/.run: requirements/run.txt pyproject.toml sdk/python/pyproject.toml | .venv/pyvenv.cfg
	@echo "installing dependencies into .venv …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --retries 5 --require-hashes -r requirements/run.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e sdk/python -e .
	@touch $@

.venv/.dev: requirements/dev.txt .venv/.run
	@echo "installing development tools into .venv …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --retries 5 --require-hashes -r requirements/dev.txt
	@touch $@

demo: .venv/.run ## Watch signed webhooks of all four providers become one stream of events
	@$(BIN)/orchestrator demo

test: .venv/.dev ## Run every test; installs and starts the servers it needs
	@scripts/node-tools
	@scripts/services start
	@. .services/env && CI=$${CI:-} $(PYTEST) $(ARGS); status=$$?; scripts/services stop; exit $$status

test-embedded: .venv/.dev ## Run the tests that need no server
	@scripts/node-tools
	@$(PYTEST) -m "not postgres and not nats and not kafka and not redis and not rabbitmq" $(ARGS)

check: .venv/.dev ## Format, lint, types, import rules, protos, generated code, documents and catalogue
	@scripts/check

bench: .venv/.dev ## Measure the hot paths against floors of the same run
	@scripts/services start
	@. .services/env && PYTHONPATH=tests/support $(BIN)/python tests/benchmarks $(ARGS); status=$$?; scripts/services stop; exit $$status

new-connector: .venv/.dev ## Write the folder of a new connector: make new-connector NAME=acme
	@$(BIN)/python scripts/new_connector.py "$(NAME)"

proto: .venv/.dev ## Generate messages, stubs, clients and models from proto/
	@$(BIN)/python scripts/generate.py

docs: .venv/.dev ## Generate the documents that come from tables
	@$(BIN)/python scripts/generate_docs.py

catalogue: .venv/.dev ## Describe anew what is published: docs/catalogue
	@$(BIN)/python scripts/generate_catalogue.py $(ARGS)

scalar: ## Fetch the files of the server's page at /docs
	@scripts/scalar

format: .venv/.dev ## Format the code
	@$(BIN)/ruff check --quiet --fix . ; $(BIN)/ruff format --quiet .

lock: .venv/.dev ## Lock dependencies anew, with hashes and without addresses
	@scripts/lock

services-start: .venv/.dev ## Start the servers that tests use
	@scripts/services start

services-stop: ## Stop them
	@scripts/services stop

clean: ## Remove what was made here
	@scripts/services stop 2>/dev/null || true
	@rm -rf .venv .services scripts/asyncapi/node_modules .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
