# Everything that people and machines run here. `make` alone lists it.

PYTHON ?= python3
VENV   ?= .venv
JOBS   ?= 2

# Windows puts programs in Scripts.
BIN     = $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
RUN     = $(BIN)/python -m
STAMP   = $(VENV)/.installed
PYTEST  = $(RUN) pytest -n $(JOBS) $(ARGS)
UV      = .tools/lock/bin/uv
COMPILE = $(UV) pip compile pyproject.toml --quiet --no-config --universal --python-version 3.11 --generate-hashes \
          --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" $(UPGRADE)

.DEFAULT_GOAL := help
.PHONY: help setup demo test browser lint format types layers check bench docs golden lock clean

help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: $(STAMP) ## make the environment in .venv (PYTHON=python3.12 to choose; needs 3.11 or newer)

$(STAMP): requirements-dev.lock pyproject.toml
	@command -v "$(PYTHON)" >/dev/null || { echo "there is no $(PYTHON) here: make setup PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; v = sys.version_info; v >= (3, 11) or sys.exit( \
	  "Chatkeep needs Python 3.11 or newer, and $(PYTHON) is %d.%d: make setup PYTHON=python3.12" % v[:2])'
	@test -d $(VENV) || $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "$(PYTHON) cannot make an environment; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	$(RUN) pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(RUN) pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(STAMP) ## see Chatkeep work on sample data, in a temporary folder
	$(BIN)/python scripts/demo.py

# The browser is fetched only once there are tests that drive one.
test: $(STAMP) $(if $(wildcard tests/interface/browser),browser) ## run the tests (ARGS='-k words' to choose, JOBS=4 for more at once)
	$(PYTEST)

browser:
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || { \
	  command -v apt-get >/dev/null || { echo "the browser tests need Chromium: install it" >&2; exit 1; }; \
	  if [ "$$(id -u)" = 0 ]; then as=; elif sudo -n true 2>/dev/null; then as="sudo -n"; \
	  else echo "the browser tests need Chromium: sudo apt-get install chromium" >&2; exit 1; fi; \
	  $$as apt-get update -qq && $$as env DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends chromium; }

lint: $(STAMP) ## look for faults and for formatting that differs
	$(RUN) ruff check
	$(RUN) ruff format --check

format: $(STAMP) ## rewrite the formatting, and the faults that have one safe repair
	$(RUN) ruff check --fix
	$(RUN) ruff format

types: $(STAMP) ## check the types
	$(RUN) mypy

layers: $(STAMP) ## check who imports whom
	$(BIN)/lint-imports

check: lint types layers test ## all that a change must pass

bench: $(STAMP) ## measure, side by side with peers, as ratios
	$(RUN) benchmarks $(ARGS)

docs: $(STAMP) ## check what the documentation says against the code
	$(PYTEST) tests/docs

golden: $(STAMP) ## rewrite the expected output of the golden tests: review the difference
	CHATKEEP_TEST_GOLDEN=rewrite $(PYTEST) tests/golden

lock: $(UV) ## pin every dependency anew (UPGRADE=--upgrade for newer versions)
	$(COMPILE) --output-file requirements.lock
	$(COMPILE) --group dev --output-file requirements-dev.lock

$(UV):
	$(PYTHON) -m venv .tools/lock
	.tools/lock/bin/python -m pip install --quiet --disable-pip-version-check 'uv==0.13.8'

clean: ## remove what was made, except .venv
	rm -rf .tools .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis build dist
	find src tests benchmarks scripts -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
