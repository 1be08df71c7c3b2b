PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: demo test test-editors torture torture-quick client client-shots check docs bench clean

demo: $(VENV)/.ready  ## complete real code with the model that ships, learn from that code for a minute, and compare
	$(BIN)/tinycoder demo

test: $(VENV)/.ready  ## run the tests
	$(BIN)/pytest

test-editors: $(VENV)/.editors  ## run the tests in real editors, and install those that are missing
	$(BIN)/python tests/editors/install.py
	TINYCODER_NEED_EDITORS=1 $(BIN)/pytest tests/editors

torture: $(VENV)/.torture  ## inject faults, make up files and messages, and count (up to 40 minutes)
	$(BIN)/python tests/torture

torture-quick: $(VENV)/.torture  ## the same with fewer trials (five minutes)
	$(BIN)/python tests/torture --quick

client:  ## build the VS Code extension (needs Node.js 20 or newer); `tinycoder setup vscode` installs it
	cd vscode-client && npm ci --ignore-scripts && npm run --silent check && npm test --silent && npm run --silent package
	cp vscode-client/dist/tinycoder.vsix tinycoder/cli/editors/

client-shots: $(VENV)/.editors  ## take the pictures of the README again
	$(BIN)/python tests/editors/install.py
	$(BIN)/python tests/editors/shots.py

check: $(VENV)/.ready  ## style, types, import law, generated docs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python docs/generate.py --check

docs: $(VENV)/.ready  ## write the generated pages again
	$(BIN)/python docs/generate.py

bench: $(VENV)/.ready  ## the figures of docs/benchmarks.md (about 40 minutes, downloads packages to train on)
	$(BIN)/python benchmarks/main_job.py

clean:  ## remove what the other targets made
	rm -rf $(VENV) build dist

$(VENV)/.ready: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "TinyCoder needs Python 3.10 or newer: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable . --group dev
	touch $@

$(VENV)/.torture: $(VENV)/.ready
	$(BIN)/python -m pip install --quiet --group torture
	touch $@

$(VENV)/.editors: $(VENV)/.ready
	$(BIN)/python -m pip install --quiet --group editors
	touch $@
