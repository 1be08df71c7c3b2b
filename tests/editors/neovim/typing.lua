--- Types a text key by key, with the list opening by itself, and writes down what each Enter meets: see
--- tests/editors/typist/neovim.py. Run as `nvim -l typing.lua`.

local here = vim.fs.dirname(debug.getinfo(1, 'S').source:sub(2))
package.path = here .. '/?.lua;' .. package.path
local H = require('harness')

local given = vim.json.decode(vim.env.TYPING, { luanil = { object = true } })
local file = assert(io.open(given.text))
local text = file:read('*a')
file:close()

local init = { 'vim.cmd("filetype plugin on | filetype indent off")', 'vim.o.autoindent = false' }
if given.tinycoder then
  table.insert(init, ("require('tinycoder').setup({ cmd = %s })"):format(vim.inspect(given.tinycoder)))
end
if given.second then
  table.insert(init, ([[
    vim.lsp.config('second', { cmd = %s, filetypes = { 'python' }, root_markers = { 'pyproject.toml' } })
    vim.lsp.enable('second')
    vim.api.nvim_create_autocmd('LspAttach', { callback = function(event)
      local client = vim.lsp.get_client_by_id(event.data.client_id)
      if client.name == 'second' then
        vim.bo[event.buf].completeopt = 'menuone,noselect,popup'
        vim.lsp.completion.enable(true, client.id, event.buf, { autotrigger = true })
      end
    end })
  ]]):format(vim.inspect(given.second)))
end
H.start({ name = given.name, lines = {}, init = table.concat(init, '\n') })
if given.tinycoder then
  H.until_true([[return require('tinycoder').status() == 'TinyCoder: ready']], 'the model is loaded')
end
if given.second then
  H.until_true([[
    local client = vim.lsp.get_clients({ name = 'second', bufnr = 0 })[1]
    return client ~= nil and client.initialized == true
  ]], 'the second server attached')
end
H.lua([[
  _G.heard = { keys = 0, line = 0, lists = {} }
  vim.on_key(function(_, typed)
    if vim.fn.mode() ~= 'i' or typed == '' then return end
    _G.heard.keys = _G.heard.keys + #typed
    if typed ~= '\r' then return end
    _G.heard.line = _G.heard.line + 1
    if vim.fn.pumvisible() == 0 then return end
    local info = vim.fn.complete_info({ 'selected', 'items' })
    local chosen = info.items[info.selected + 1]
    table.insert(_G.heard.lists, { line = _G.heard.line, row = chosen and chosen.word or '' })
  end)
]])
H.keys('i')
H.until_true([[return vim.fn.mode() == 'i']], 'insert mode')
local begin = vim.uv.hrtime()
for letter in text:sub(1, -2):gmatch('.') do -- Neovim ends the last line by itself
  H.keys(letter == '\n' and '<CR>' or letter == '<' and '<lt>' or letter)
  vim.wait(given.delay_ms, function() return false end, given.delay_ms)
end
local seconds = (vim.uv.hrtime() - begin) / 1e9
H.until_true(('return _G.heard.keys >= %d'):format(#text - 1), 'all keys are heard')
H.keys('<Esc>')
H.until_true([[return vim.fn.mode() == 'n']], 'normal mode')
H.lua([[vim.cmd('silent write')]])
local heard = H.lua([[return _G.heard]])
heard.seconds = seconds
local out = assert(io.open(given.out, 'w'))
out:write(vim.json.encode(heard))
out:close()
H.finish()
