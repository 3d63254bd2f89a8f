# Everything starts from a bare machine with Python >= 3.11, make and git.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
EXTRAS := local,wasm,tasks,postgres,dev
READY := $(VENV)/.ready

.PHONY: run test check bench image figure figures torture clean

$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable ".[$(EXTRAS)]"
	touch $@

run: $(READY)          ## a whole small search on a real language model on this machine
	$(BIN)/metasearch run --preset local

test: $(READY)         ## everything that can run here; says what it left out
	$(BIN)/python -m pytest -n auto --dist loadfile -m "not docker and not local"
	$(BIN)/python -m pytest -m "docker or local" || [ $$? -eq 5 ]  # 5: neither is here

check: $(READY)        ## style, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

image: $(READY)        ## the sandbox image, without a registry where none is reachable
	$(BIN)/metasearch image build

figure: $(READY)       ## one figure: make figure NAME=evaluation_overhead [QUICK=1]
	$(BIN)/python -m tests.benchmarks $(if $(QUICK),--quick) $(NAME)

figures: $(READY)      ## all figures, or those in NAMES
	$(BIN)/python -m tests.benchmarks $(if $(QUICK),--quick) $(NAMES)

torture: $(READY)      ## kills, storms and caps in full: an hour or two
	$(BIN)/python -m tests.benchmarks kill_torture budget_never_exceeded storm
	METASEARCH_TORTURE_POSTGRES=1 $(BIN)/python -m tests.benchmarks kill_torture budget_never_exceeded storm

bench: figures

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
