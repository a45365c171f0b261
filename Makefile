# The commands of the project. `make run` is all a new user needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2
# Keep what Python compiles: the next run starts ten seconds sooner. Some images switch that off for everything.
export PYTHONDONTWRITEBYTECODE =

.PHONY: run check test bench chaos lint clean assets

run: $(VENV)/.run
	@exec $(BIN)/python -m app.serve

# The tests of one part in seconds: `make check P=usage` runs tests/usage on SQLite, without browsers and slow tests.
# `make check` without P does so for all parts. `make test` runs everything, on both databases; CI does too.
check: $(VENV)/.dev
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup -m "not browser and not slow and not needs_postgres" tests/$(P)

test: $(VENV)/.dev
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup --no-loadscope-reorder

bench: $(VENV)/.dev
	$(BIN)/python -m bench

# Minutes of faults on each database: `make chaos MINUTES=10`.
MINUTES ?= 2
chaos: $(VENV)/.dev
	$(BIN)/python -m bench.chaos --minutes $(MINUTES)

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Copies htmx, the font and the icons from the packages pinned in assets/ into static/.
assets:
	cd assets && npm ci && npm run assets

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/.dev: requirements.txt requirements-dev.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $(VENV)/.run $@
