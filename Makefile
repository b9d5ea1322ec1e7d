# One way in: `make demo` shows hygge, `make test` tests it, `make check` is the whole loop; `make long`
# are the tests that take long, too.
# Each sets up what it needs; only Python 3.11 or newer has to be there.

PYTHON ?= python3
VENV := .venv
# more than the cores there are: some of a test is waiting for servers
WORKERS ?= 3
BIN := $(VENV)/bin
READY := $(VENV)/.ready-$(shell cat pyproject.toml tools/*.sh | cksum | cut -d' ' -f1)
DEMO_READY := $(VENV)/.demo-$(shell cksum < pyproject.toml | cut -d' ' -f1)
MIRROR_READY := $(VENV)/.mirror-$(shell cksum < pyproject.toml | cut -d' ' -f1)

.PHONY: demo demo-cloud demo-mirror test long check bench bench-sql bench-mssql bench-cloud format clean

demo: $(DEMO_READY)
	@$(BIN)/python examples/nycflights/demo.py

demo-mirror: $(MIRROR_READY)
	@$(BIN)/python examples/nycflights/demo_mirror.py

demo-cloud: $(READY)
	@$(BIN)/python examples/nycflights/demo_cloud.py

test: $(READY)
	$(BIN)/python -m pytest -n $(WORKERS) -m "not long" $(PYTEST_ARGS)

long: $(READY)
	$(BIN)/python -m pytest -n $(WORKERS) -m long $(PYTEST_ARGS)

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(MAKE) --no-print-directory test

bench: $(READY)
	$(BIN)/python -m benchmarks.parquet $(BENCH_ARGS)

bench-sql: $(READY)
	$(BIN)/python -m benchmarks.sql $(BENCH_ARGS)

bench-mssql: $(READY)
	$(BIN)/python -m benchmarks.mssql $(BENCH_ARGS)

bench-cloud: $(READY)
	$(BIN)/python -m benchmarks.cloud $(BENCH_ARGS)

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) demo demo-cloud demo-mirror .cache build dist

$(DEMO_READY):
	@sh tools/setup.sh $(PYTHON) $(VENV) ""
	@touch $@

$(MIRROR_READY): $(DEMO_READY)
	@sh tools/setup.sh $(PYTHON) $(VENV) "[delta,sqlite]"
	@touch $@

$(READY): $(DEMO_READY)
	@sh tools/servers.sh
	@sh tools/setup.sh $(PYTHON) $(VENV) "[dev]"
	@touch $@
