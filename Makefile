# The commands of this repository; each sets up what it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
HOST ?= 127.0.0.1
PORT ?= 8000

VENDOR := api/static/vendor

.PHONY: vendor run test lint bench truth conformance sample clean

run: $(VENV)/ready $(VENDOR)/ready
	$(BIN)/kg build
	$(BIN)/kg serve --host $(HOST) --port $(PORT)

test: $(VENV)/ready-dev
	$(BIN)/python -m pytest -q -n 2 --dist loadgroup tests

lint: $(VENV)/ready-dev
	$(BIN)/ruff check kg api tests benchmarks
	$(BIN)/python -m compileall -q kg api benchmarks

bench: $(VENV)/ready-dev
	$(BIN)/python -m benchmarks.run $(BENCH)

# Precision and recall of the conclusions against what the generator planted, kind by kind; exit 1 where one that is decided by definition errs.
truth: $(VENV)/ready-dev
	$(BIN)/python -m benchmarks.truth $(TRUTH)

conformance: $(VENV)/ready-dev
	$(BIN)/python -m tests.conformance_report $(PEERS)

# The committed sample bank, made anew from the seeded generator.
sample: $(VENV)/ready-dev
	$(BIN)/python -m benchmarks.generator --sample

# What browsers load from this server: from npm, by the lock file, copied beside the pages. Without npm the pages do without.
vendor: $(VENDOR)/ready

$(VENDOR)/ready: package.json package-lock.json | $(VENV)/ready
	@mkdir -p $(VENDOR)
	@if command -v npm >/dev/null; then \
	  if npm ci --ignore-scripts --no-audit --no-fund --silent; then $(BIN)/python -m api.vendor node_modules $(VENDOR) && touch $@; \
	  else echo "npm could not fetch the packages: the pages do without the SPARQL editor"; fi; \
	else echo "npm is not here: the pages do without the SPARQL editor"; fi

clean:
	rm -rf $(VENDOR) node_modules $(VENV) store examples/*/store out

$(VENV)/ready: pyproject.toml
	$(PYTHON) -c "import sys; sys.exit('Python 3.11 or newer is needed, this is ' + sys.version.split()[0] if sys.version_info < (3, 11) else 0)"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q --disable-pip-version-check -e .
	touch $@

$(VENV)/ready-dev: $(VENV)/ready
	$(BIN)/pip install -q --disable-pip-version-check -e ".[dev]"
	touch $@
