PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: demo test test-oldest test-editors typing torture torture-quick soak client client-test client-shots dist check docs bench clean

demo: $(VENV)/.ready  ## complete real code with the model that ships, learn from that code for a minute, and compare
	$(BIN)/tinycoder demo

test: $(VENV)/.ready  ## run the tests, or those under TESTS
	$(BIN)/pytest $(TESTS)

test-oldest: $(VENV)-oldest/.ready  ## run the tests with the oldest dependencies that pyproject.toml allows
	$(VENV)-oldest/bin/pytest

test-editors: $(VENV)/.editors  ## run the tests in real editors, and install those that are missing
	$(BIN)/python tests/editors/install.py
	TINYCODER_NEED_EDITORS=1 $(BIN)/pytest tests/editors

typing: $(VENV)/.editors  ## type real files into VS Code and Neovim, key by key, and compare what is saved (40 minutes)
	$(BIN)/python tests/editors/install.py
	$(BIN)/python tests/editors/typist $(TYPING)

torture: $(VENV)/.torture  ## inject faults, make up files and messages, and count (up to 40 minutes)
	$(BIN)/python tests/torture

torture-quick: $(VENV)/.torture  ## the same with fewer trials (five minutes)
	$(BIN)/python tests/torture --quick

soak: $(VENV)/.torture  ## type through a real server for an hour, and watch its memory (Linux)
	$(BIN)/python tests/torture/soak.py --minutes 60

client:  ## build the VS Code extension (needs Node.js 20 or newer), which an installation from this folder then carries
	@{ node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' && npm --version; } > /dev/null 2>&1 || { \
	echo "The extension for VS Code is built with Node.js 20 or newer and its npm: please install them, then run this" \
	"command again. (Other editors do not need it, and a release carries it.)" >&2; exit 1; }
	cd vscode-client && npm ci --ignore-scripts && npm run --silent package
	cp vscode-client/dist/tinycoder.vsix tinycoder/editors/files/

client-test: client  ## types and tests of the extension, as far as they need no editor
	cd vscode-client && npm run --silent check && npm test --silent

dist: client-test $(VENV)/.ready  ## build what is released, source archive and wheel, with the extension in both
	rm -rf dist
	$(BIN)/python -m build --quiet
	$(BIN)/python -m zipfile --list dist/*.whl | grep tinycoder.vsix

client-shots: $(VENV)/.editors  ## take the pictures of the README again
	$(BIN)/python tests/editors/install.py
	$(BIN)/python tests/editors/shots.py

check: $(VENV)/.ready  ## style, types, import law, generated docs, workflows and forms, advisories about dependencies
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python docs/generate.py --check
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-issue-forms .github/ISSUE_TEMPLATE/[!c]*.yml
	$(BIN)/python .ci/audit.py

docs: $(VENV)/.ready  ## write the generated pages again
	$(BIN)/python docs/generate.py

bench: $(VENV)/.ready  ## the figures of docs/targets.md (about 40 minutes, downloads packages to train on)
	$(BIN)/python benchmarks/main_job.py

clean:  ## remove what the other targets made
	rm -rf $(VENV) $(VENV)-oldest build dist

$(VENV)/.ready: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "TinyCoder needs Python 3.11 or newer: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable . --group dev
	touch $@

$(VENV)-oldest/.ready: pyproject.toml .ci/floors.py
	$(PYTHON) -m venv --clear $(VENV)-oldest
	$(VENV)-oldest/bin/python -m pip install --quiet --upgrade pip
	$(VENV)-oldest/bin/python -m pip install --quiet --editable . --no-deps
	$(VENV)-oldest/bin/python .ci/floors.py > $(VENV)-oldest/floors.txt
	$(VENV)-oldest/bin/python -m pip install --quiet --editable . --group dev --constraint $(VENV)-oldest/floors.txt
	touch $@

$(VENV)/.torture: $(VENV)/.ready
	$(BIN)/python -m pip install --quiet --group torture
	touch $@

$(VENV)/.editors: $(VENV)/.ready
	$(BIN)/python -m pip install --quiet --group editors
	touch $@
