# One command each; `make run` and `make test` first make the project ready (scripts/setup.py).
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
VIRTUAL_SCREEN := xvfb-run -a -s "-screen 0 1680x1050x24"

.PHONY: run test lint bench bundle bundle-test bundle-check bundle-sizes archive archive-check setup doctor

setup:
	@$(PYTHON) scripts/setup.py

run: setup
ifeq ($(OS)$(DISPLAY)$(WAYLAND_DISPLAY)$(filter Darwin,$(shell uname -s)),)
	$(BIN)/cellsam-desktop demo --headless --out demo-results
	$(BIN)/python scripts/screenshot.py demo-results/demo.cellsam demo-results/window.png --select 1,2
	@echo "There is no screen here, so the demo ran without one: see demo-results, and window.png in it."
else
	$(BIN)/cellsam-desktop demo
endif

# The window is driven on a virtual screen, or off screen where there is none; everything else off screen.
test: setup
	@if command -v xvfb-run > /dev/null; then \
	    QT_QPA_PLATFORM=xcb $(VIRTUAL_SCREEN) $(BIN)/python -m pytest tests/e2e; \
	else echo "xvfb-run is missing, so the window is driven off screen."; \
	    QT_QPA_PLATFORM=offscreen $(BIN)/python -m pytest tests/e2e; fi
	QT_QPA_PLATFORM=offscreen $(BIN)/python -m pytest --ignore=tests/e2e

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup
	$(BIN)/python -m benchmarks

# The installed executable: FLAVOUR is lean (no PyTorch) or full; docs/install.md says what they are.
FLAVOUR ?= lean

bundle:
	@$(PYTHON) scripts/bundle.py --flavour $(FLAVOUR)

bundle-test: setup
	CELLSAM_BUNDLE=dist/$(FLAVOUR)/cellsam-desktop CELLSAM_BUNDLE_FLAVOUR=$(FLAVOUR) \
	    $(BIN)/python -m pytest tests/bundle --timeout 900

# What a change is checked with: lean always, full when what it is made with has changed since it was tested last.
# UNTIL: when all has to be over, in seconds since 1970.
bundle-check:
	@$(PYTHON) scripts/bundle_check.py $(if $(UNTIL),--until $(UNTIL))

bundle-sizes:
	@$(PYTHON) scripts/bundle_sizes.py --flavour $(FLAVOUR)

archive:
	@$(PYTHON) scripts/bundle_archive.py --flavour $(FLAVOUR)

# Packs it and fails when the archive has grown beyond packaging/limits.json.
archive-check:
	@set -o pipefail; archive=$$($(MAKE) --no-print-directory archive FLAVOUR=$(FLAVOUR) | sed -n 1p) \
	    && $(PYTHON) scripts/bundle_sizes.py --flavour $(FLAVOUR) --archive "$$archive"

doctor: setup
	$(BIN)/cellsam-desktop doctor
