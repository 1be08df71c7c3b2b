--- Neovim's own client with the few lines that need no file of ours. Run as `nvim -l plain.lua`; PLAIN names the lines.

local function check(condition, message)
  if not condition then
    io.stderr:write('FAILED: ' .. message .. '\n')
    vim.cmd('cquit 1')
  end
end

dofile(vim.env.PLAIN)
vim.cmd('filetype on')
vim.cmd('edit counter.py')
local function client()
  return vim.lsp.get_clients({ name = 'tinycoder', bufnr = 0 })[1]
end
check(vim.wait(20000, function()
  return client() and client().initialized
end), 'the server attached')
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
check(vim.wait(10000, function()
  return stopping:is_stopped()
end), 'the server stopped')
io.stdout:write('well\n')
vim.cmd('qall!')
