-- Types lines into a file of a real repository, and notes the ghost text after each key; see session.py.
local given = vim.json.decode(vim.env.SESSION)
package.path = given.harness .. '/?.lua;' .. package.path
local H = require('harness')

H.start({
  name = given.name,
  lines = given.lines,
  init = ('vim.cmd("filetype plugin on | filetype indent off") vim.o.autoindent = false\n'
    .. "require('tinycoder').setup({ cmd = %s })"):format(vim.inspect(given.tinycoder)),
})
H.until_true([[return require('tinycoder').status() == 'TinyCoder: ready']], 'the model is loaded')
vim.wait(given.settle_ms, function() return false end, 100)
H.keys(('%dGO'):format(given.line))
H.until_true([[return vim.fn.mode() == 'i']], 'insert mode')
local seen = {}
for letter in given.text:gmatch('.') do
  vim.wait(given.delay_ms, function() return false end, given.delay_ms)
  table.insert(seen, H.lua('return _G.ghost()'))
  H.keys(letter == '\n' and '<CR>' or letter == '<' and '<lt>' or letter)
end
local out = assert(io.open(given.out, 'w'))
out:write(vim.json.encode(seen))
out:close()
H.finish()
