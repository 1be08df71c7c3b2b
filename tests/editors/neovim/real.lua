--- What a person sees with the real server and a model that knows its lesson. Run as `nvim -l real.lua NAME`.

local here = vim.fs.dirname(debug.getinfo(1, 'S').source:sub(2))
package.path = here .. '/?.lua;' .. package.path
local H = require('harness')
local cases = {}

local TYPED = { 'import os', '', '', 'class Counter:', '    def __init__(self, start):' }
local PATIENT = [[
  require('tinycoder').configure({ inline = { deadlineMs = 60000 }, popup = { deadlineMs = 60000 } })
]]

local COUNTER = "require('tinycoder').configure({ model = 'counter' })" -- the model that knows its lesson

--- Start with the documented configuration and more of it, once the model is loaded.
local function start(lines, more)
  local documented = table.concat(vim.fn.readfile(vim.env.DOCUMENTED), '\n')
  H.start({ name = 'counter.py', lines = lines, init = documented .. '\n' .. PATIENT .. (more or '') })
  H.until_true([[return require('tinycoder').status() == 'TinyCoder: ready']], 'the model is loaded', [[
    function _G.client() return vim.lsp.get_clients({ name = 'tinycoder', bufnr = 0 })[1] end
  ]])
end

function cases.a_fresh_installation_completes_at_once()
  start({ 'import os', '', '' })
  H.keys('Goif __name__ == "__ma')
  H.until_ghost('in__":')
  H.keys('<Tab>')
  H.until_line('if __name__ == "__main__":')
  H.keys('<Esc>:TinyCoder status<CR>')
  H.until_noted('the model base knows Python in general')
end

function cases.documented_keys_and_popup()
  start(TYPED, COUNTER)
  H.keys('Go    <C-u>        self.tot')
  H.until_ghost('al = start')
  H.keys('al')
  H.until_ghost(' = start')
  H.keys('<M-Right>')
  H.until_line('        self.total =')
  H.keys('<Tab>')
  H.until_line('        self.total = start')
  H.keys('<CR>self.')
  H.until_true([[return vim.fn.pumvisible() == 1]], 'the list opens after the dot')
  local words = H.lua([[
    return vim.tbl_map(function(item) return item.word end, vim.fn.complete_info({ 'items' }).items)
  ]])
  H.ok(vim.list_contains(words, 'total'), 'the words are ' .. vim.inspect(words))
  H.keys('tot<C-n>')
  H.until_line('        self.total')
  H.keys('<C-y>')
  H.until_true([[return vim.fn.pumvisible() == 0]], 'taken')
  H.same({}, H.lua('return _G.notes'), 'messages')
end

function cases.settings_change_without_a_restart()
  start(TYPED, COUNTER)
  H.keys('Go    <C-u>        self.tot')
  H.until_ghost('al = start')
  H.lua([[require('tinycoder').configure({ inline = { enable = false } })]])
  H.keys('<Esc>cc        self.tot')
  H.until_true([[return vim.fn.mode() == 'i' and _G.ghost() == '']], 'no ghost text')
  H.lua([[require('tinycoder').configure({ inline = { enable = true } })]])
  H.keys('<Esc>cc        self.tot')
  H.until_ghost('al = start')
end

--- What the server offers by itself at the cursor; all that came before has been answered then.
local function offered()
  return H.lua([[
    local params = vim.lsp.util.make_position_params(0, _G.client().offset_encoding)
    params.context = { triggerKind = 2 }
    return #_G.client():request_sync('textDocument/inlineCompletion', params, 20000, 0).result.items
  ]])
end

function cases.snooze()
  start(TYPED, COUNTER)
  H.keys('Go    <C-u>        self.tot')
  H.until_ghost('al = start')
  H.keys('<Esc>:TinyCoder snooze 15<CR>')
  H.until_noted('TinyCoder is snoozing for 15 min')
  H.until_true([[return require('tinycoder').status() == 'TinyCoder: snoozing 15 min']], 'the status')
  H.keys('ccself.tot')
  H.until_line('        self.tot')
  H.same(0, offered(), 'offered during the snooze')
  H.same('', H.lua('return _G.ghost()'), 'ghost text during the snooze')
  H.lua([[require('tinycoder').request()]])
  H.until_ghost('al = start')
  H.keys('<Esc>:TinyCoder snooze soon<CR>')
  H.until_noted('TinyCoder cannot snooze: the number of minutes is')
  H.keys(':TinyCoder snooze 0<CR>')
  H.until_true([[return require('tinycoder').status() == 'TinyCoder: ready']], 'the status')
  H.keys('ccself.tot')
  H.until_ghost('al = start')
end

function cases.nothing_while_deleting()
  start(TYPED, COUNTER)
  H.keys('Go    <C-u>        self.tot')
  H.until_ghost('al = start')
  H.keys('<BS>')
  H.until_line('        self.to')
  H.same(0, offered(), 'offered after a deletion')
  H.same('', H.lua('return _G.ghost()'), 'ghost text after a deletion')
  H.keys('t')
  H.until_ghost('al = start')
end

function cases.the_log_is_its_own_and_ends_with_the_newest()
  start({ 'x = 1', '' }, "require('tinycoder').configure({ logLevel = 'debug' })")
  H.keys('Goself.<Esc>:TinyCoder log<CR>')
  H.until_true([[return vim.fn.expand('%:t') == 'tinycoder.log' and vim.fn.line('$') > 1]], 'the log')
  H.same(H.lua([[return vim.fn.line('$')]]), H.lua([[return vim.fn.line('.')]]), 'the cursor is at its end')
  local first, last = unpack(H.lua([[return { vim.fn.getline(1), vim.fn.getline('$') }]]))
  for _, line in ipairs({ first, last }) do
    H.ok(line:find('^%d+%-%d+%-%d+ %d+:%d+:%d+,%d+ [A-Z]+ tinycoder'), 'a line of the log: ' .. line)
  end
  H.ok(first <= last, 'the newest comes last')
end

function cases.training_from_the_editor()
  vim.fn.writefile({ '[project]' }, vim.env.WORK .. '/pyproject.toml')
  local lesson = {}
  for i = 1, 400 do
    lesson[i] = ('    zebra_%d = quagga(zebra_%d)'):format(i, i)
  end
  for name = 1, 4 do
    vim.fn.writefile(vim.list_extend({ 'def animals(quagga):' }, lesson), ('%s/animals%d.py'):format(vim.env.WORK, name))
  end
  start({ '' })
  H.keys(':TinyCoder status<CR>')
  H.until_noted('the model base knows Python in general')
  H.keys(':TinyCoder train 0.2 nano<CR>')
  H.until_true([[return require('tinycoder').status():find('TinyCoder: training') ~= nil]], 'it trains')
  H.until_noted('TinyCoder learnt this workspace')
  H.until_true([[return require('tinycoder').status() == 'TinyCoder: ready']], 'ready again')
  H.keys('idef animals(quagga):<CR>zebra_1 = qua')
  H.until_true([[return vim.startswith(_G.ghost(), 'gga')]], 'it suggests what it learnt')
  H.keys('<Tab><Esc>:TinyCoder stats<CR>')
  H.until_true([[return vim.api.nvim_win_get_config(0).relative == 'editor']], 'statistics')
  H.keys('q:TinyCoder train 5 nano<CR>')
  H.until_true([[return require('tinycoder').status():find('TinyCoder: training') ~= nil]], 'it trains again')
  H.keys(':TinyCoder stop<CR>')
  H.until_noted('TinyCoder: training stops; what was learnt is kept')
  H.until_true([[return require('tinycoder').status() == 'TinyCoder: ready']], 'ready in the end')
end

local name = _G.arg[1]
assert(cases[name], 'no case ' .. tostring(name))()
H.finish()
