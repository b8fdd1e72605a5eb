# The commands of this repository; each sets up what it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
HOST ?= 127.0.0.1
PORT ?= 8000

.PHONY: run test lint bench conformance sample clean

run: $(VENV)/ready
	$(BIN)/kg build
	$(BIN)/kg serve --host $(HOST) --port $(PORT)

test: $(VENV)/ready-dev
	$(BIN)/python -m pytest -q -n 2 --dist loadgroup tests

lint: $(VENV)/ready-dev
	$(BIN)/ruff check kg api tests benchmarks
	$(BIN)/python -m compileall -q kg api benchmarks

bench: $(VENV)/ready-dev
	$(BIN)/python -m benchmarks.run $(BENCH)

conformance: $(VENV)/ready-dev
	$(BIN)/python -m tests.conformance_report

# The committed sample bank, made anew from the seeded generator.
sample: $(VENV)/ready-dev
	$(BIN)/python -m benchmarks.generator --sample

clean:
	rm -rf $(VENV) store examples/*/store out

$(VENV)/ready: pyproject.toml
	$(PYTHON) -c "import sys; sys.exit('Python 3.11 or newer is needed, this is ' + sys.version.split()[0] if sys.version_info < (3, 11) else 0)"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q --disable-pip-version-check -e .
	touch $@

$(VENV)/ready-dev: $(VENV)/ready
	$(BIN)/pip install -q --disable-pip-version-check -e ".[dev]"
	touch $@
