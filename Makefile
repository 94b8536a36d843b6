# Everything happens in .venv, made once from the lock files with whichever Python 3.12 or 3.13 is found:
# $(PYTHON) if given, else python3.12, python3.13 or python3. Only git, make and that Python are needed.
#
# A lock is a plain list of name==version. To renew them, in a fresh environment:
#   pip install hatchling . && pip freeze --exclude scalaw > requirements.lock
#   pip install <the group dev of pyproject.toml>, and put what came on top into requirements-dev.lock
#   pip install <the group peers of pyproject.toml>, and put what came on top into requirements-peers.lock

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check

# A Python is tried by running it: a version manager's shim can exist and fail.
USABLE := import sys, venv, ensurepip; sys.exit(not ((3, 12) <= sys.version_info < (3, 14)))

.DEFAULT_GOAL := help
.PHONY: help demo test lint checks acceptance calibrate gate bench peers clean

help: ## print this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1|\2/p' Makefile | awk -F'|' '{printf "%-16s %s\n", $$1, $$2}'

demo: $(VENV)/.run ## fit published runs, forecast larger models, write scalaw-demo.html
	@$(BIN)/scalaw demo

test: checks ## run the style checks, the check of the floors and the tests
	$(BIN)/python -m pytest

# Pyright is here and not in `make test`: it runs on Node, which a machine with only Python lacks and which
# its package would then download.
lint: checks ## style, floors and types (types need Node)
	$(BIN)/pyright

checks: $(VENV)/.dev
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/lint-imports --no-logo

acceptance: $(VENV)/.dev ## write docs/acceptance.md: what must work, and which tests show it
	@$(BIN)/python tests/acceptance_page.py

calibrate: $(VENV)/.run ## measure coverage and calibration (minutes per law, resumable); one law: ARGS="--law chinchilla"
	@$(BIN)/python -m benchmarks.calibrate $(ARGS)
	@$(BIN)/python -m benchmarks.evidence
	$(if $(ARGS),,@$(BIN)/python -m benchmarks.planted)
	$(if $(ARGS),,@$(BIN)/python -m benchmarks.mixed)
	$(if $(ARGS),,@$(BIN)/python -m benchmarks.laws)

gate: $(VENV)/.run ## compare accepted importance posteriors with long NUTS runs (hours, resumable); ARGS="--case chinchilla_10"
	@$(BIN)/python -m benchmarks.gate $(ARGS)

bench: $(VENV)/.dev ## measure speed against the peers that are installed; one group of rows: ARGS="--only point"
	@$(BIN)/python -m benchmarks.bench $(ARGS)

peers: $(VENV)/.peers ## install the peers of the benchmarks

clean: ## remove .venv and everything else that was made here
	rm -rf $(VENV) build dist .pytest_cache .ruff_cache .import_linter_cache .hypothesis .benchmarks scalaw-demo.html
	find . -name __pycache__ -prune -exec rm -rf {} +

# A missing, half-made or unusable .venv (say, its Python was removed) is made again.
ifneq ($(shell $(BIN)/python -c 'import pip; $(USABLE)' 2>/dev/null && echo usable),usable)
.PHONY: $(BIN)/python
endif

$(BIN)/python:
	@for python in "$(PYTHON)" python3.12 python3.13 python3; do \
	  if "$$python" -c '$(USABLE)' 2>/dev/null; then \
	    echo "Making $(VENV) with $$("$$python" --version) ($$python)"; \
	    rm -rf $(VENV) && exec "$$python" -m venv $(VENV); \
	  fi; \
	done; \
	echo "Python 3.12 or 3.13 with its modules venv and ensurepip is missing:" \
	  "install it, or say where it is with make PYTHON=/path/to/python." >&2; \
	exit 1

$(VENV)/.run: requirements.lock pyproject.toml $(BIN)/python
	@echo "Installing what scalaw needs into $(VENV)"
	@$(PIP) -r requirements.lock
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.run
	@echo "Installing what the tests need into $(VENV)"
	@$(PIP) -r requirements.lock -r requirements-dev.lock
	@touch $@

$(VENV)/.peers: requirements-peers.lock $(VENV)/.dev
	@echo "Installing the peers of the benchmarks into $(VENV)"
	@$(PIP) -r requirements.lock -r requirements-dev.lock -r requirements-peers.lock
	@touch $@
