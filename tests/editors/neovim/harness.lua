--- Types real keys into a second Neovim, which has a screen of its own, and looks at what is on it.
---
--- Every wait is for something to become true. Environment: WORK, an empty folder; CONFIGURATION, the folder `nvim`
--- under XDG_CONFIG_HOME; FAKE, the command of the fake server as JSON.

local H = {}
local PATIENCE = 20000

--- What runs in the second Neovim before anything is opened.
local WATCH = [[
vim.o.swapfile = false
_G.notes, _G.redraws, _G.states = {}, {}, {}
vim.notify = function(text, level) table.insert(_G.notes, text) end
local space = vim.api.nvim_create_namespace('tinycoder')
function _G.ghosts()
  local found = {}
  for _, mark in ipairs(vim.api.nvim_buf_get_extmarks(0, space, 0, -1, { details = true })) do
    local details, text = mark[4], ''
    for _, chunk in ipairs(details.virt_text or {}) do text = text .. chunk[1] end
    for _, line in ipairs(details.virt_lines or {}) do text = text .. '\n' .. line[1][1] end
    table.insert(found, { row = mark[2], col = mark[3], text = text, id = mark[1], where = details.virt_text_pos })
  end
  return found
end
function _G.ghost() local first = _G.ghosts()[1] return first and first.text or '' end
-- What stands in the line and behind it, each time that the screen is drawn.
vim.api.nvim_set_decoration_provider(vim.api.nvim_create_namespace('watch'), {
  on_start = function() table.insert(_G.redraws, vim.api.nvim_get_current_line() .. '|' .. _G.ghost()) end,
})
]]

local function complain(text)
  io.stderr:write('FAILED: ' .. text .. '\n')
  vim.fn.jobstop(H.child)
  vim.cmd('cquit 1')
end

--- Start the second Neovim with an `init.lua`, and open a file with `lines`.
function H.start(options)
  local folder = vim.env.CONFIGURATION
  vim.fn.mkdir(folder .. '/lua', 'p')
  vim.fn.writefile(vim.split(WATCH .. (options.init or ''), '\n'), folder .. '/init.lua')
  vim.fn.mkdir(vim.env.WORK, 'p')
  H.path = vim.env.WORK .. '/' .. (options.name or 'a.py')
  vim.fn.writefile(options.lines or { '' }, H.path, options.binary and 'b' or '')
  vim.env.FAKE_ENCODING = options.encoding
  vim.env.FAKE_DIES = options.dies and '1' or nil
  H.child = vim.fn.jobstart({ vim.v.progpath, '--embed', '--headless', '-n' }, { rpc = true, cwd = vim.env.WORK })
  vim.rpcrequest(H.child, 'nvim_ui_attach', 100, 24, {})
  vim.rpcrequest(H.child, 'nvim_command', 'edit ' .. vim.fn.fnameescape(H.path))
end

--- A configuration with the fake server in place of TinyCoder's; `more` are further options, in Lua.
function H.fake(more)
  local cmd = vim.inspect(vim.json.decode(vim.env.FAKE))
  return ("\nrequire('tinycoder').setup(vim.tbl_extend('force', { cmd = %s }, %s))\n"):format(cmd, more or '{}')
end

--- Start with the fake server; wait for it, and let it say something; not with `foreign`, a file that is not ours.
function H.with_fake(options, said)
  options.init = (options.init or '') .. H.fake(options.setup)
  H.start(options)
  H.lua([[
    function _G.client() return vim.lsp.get_clients({ name = 'tinycoder', bufnr = 0 })[1] end
    function _G.attached() return _G.client() ~= nil and _G.client().initialized == true end
  ]])
  if not options.foreign then
    H.until_true([[return _G.attached()]], 'the server attached')
    H.say(said or {})
  end
end

local function waits_for_a_key()
  return not vim.wait(5000, function()
    return not vim.rpcrequest(H.child, 'nvim_get_mode').blocking
  end, 10)
end

--- Run code in the second Neovim, and give what it returns. A message that wants Enter counts as a failure.
function H.lua(code, ...)
  if waits_for_a_key() then
    H.keys('<CR>')
    local said = waits_for_a_key() or vim.rpcrequest(H.child, 'nvim_exec2', 'messages', { output = true })
    complain('Neovim wanted Enter after: ' .. vim.inspect(said))
  end
  return vim.rpcrequest(H.child, 'nvim_exec_lua', code, { ... })
end

function H.keys(text)
  vim.rpcrequest(H.child, 'nvim_input', text)
end

--- Wait until the code gives true in the second Neovim.
function H.until_true(code, what, first)
  if first then
    H.lua(first)
  end
  local ok = vim.wait(PATIENCE, function()
    local fine, value = pcall(H.lua, code)
    return fine and value == true
  end, 10)
  if not ok then
    local _, facts = pcall(H.lua, [[
      return vim.inspect({ line = vim.api.nvim_get_current_line(), ghosts = _G.ghosts(), mode = vim.api.nvim_get_mode(),
        notes = _G.notes, messages = vim.fn.execute('messages'), redraws = _G.redraws })
    ]])
    complain('in vain: ' .. what .. '\n' .. tostring(facts))
  end
end

function H.same(expected, actual, what)
  if not vim.deep_equal(expected, actual) then
    complain(('%s: expected %s, found %s'):format(what, vim.inspect(expected), vim.inspect(actual)))
  end
end

function H.ok(condition, what)
  if not condition then
    complain(what)
  end
end

function H.until_ghost(text)
  local code = ('return _G.ghost() == %q'):format(text):gsub('\\\n', '\\n')
  H.until_true(code, 'the ghost text ' .. vim.inspect(text))
end

function H.until_line(text)
  H.until_true(('return vim.api.nvim_get_current_line() == %q'):format(text), 'the line ' .. vim.inspect(text))
end

function H.lines()
  return H.lua([[return vim.api.nvim_buf_get_lines(0, 0, -1, false)]])
end

--- Tell the fake server something.
function H.notify(method, params)
  H.lua([[local method, params = ...; _G.client():notify(method, params)]], method, params)
end

function H.say(said)
  H.notify('fake/say', vim.tbl_isempty(said) and vim.empty_dict() or said)
end

--- Everything that the fake server was told so far.
function H.journal()
  return H.lua([[
    local client = _G.client() or vim.lsp.get_clients({ name = 'tinycoder' })[1]
    return client:request_sync('fake/journal', {}, 10000, vim.api.nvim_get_current_buf()).result
  ]])
end

--- The messages of one kind.
function H.told(method)
  return vim.tbl_map(
    function(each)
      return each.params
    end,
    vim.tbl_filter(function(each)
      return each.method == method
    end, H.journal().messages)
  )
end

--- Wait until the server was told of something so many times, and give that.
function H.until_told(method, count)
  local told
  local ok = vim.wait(PATIENCE, function()
    told = H.told(method)
    return #told >= count
  end, 10)
  H.ok(ok, ('%s came %d times, not %d'):format(method, #told, count))
  return told
end

--- The documents that the server holds, by name: no change or focus of one that is not open, none opened twice.
local function documents()
  local open, faults = {}, {}
  for _, message in ipairs(H.journal().messages) do
    local kind = message.method:match('^textDocument/did(%a+)')
    local uri = kind and vim.tbl_get(message, 'params', 'textDocument', 'uri')
    local name = uri and uri:gsub('^file://' .. vim.pesc(vim.env.WORK) .. '/', '')
    if kind == 'Open' then
      faults[#faults + 1] = open[name] and name .. ' is opened twice' or nil
      open[name] = message.params.textDocument.text
    elseif name and not open[name] then
      faults[#faults + 1] = ('%s of %s, which is not open'):format(kind, name)
    elseif kind == 'Close' then
      open[name] = nil
    elseif kind == 'Change' then
      open[name] = message.params.contentChanges[#message.params.contentChanges].text
    end
  end
  return open, faults
end

--- Wait until the server holds just these documents, with these texts, and never was told of another.
function H.until_documents(expected, after)
  local open, faults
  local ok = vim.wait(PATIENCE, function()
    open, faults = documents()
    return vim.deep_equal(open, expected)
  end, 10)
  H.ok(ok, ('documents after %s: %s, not %s'):format(after, vim.inspect(open), vim.inspect(expected)))
  H.same({}, faults, 'messages about documents after ' .. tostring(after))
end

--- Wait until a message was shown that holds this text.
function H.until_noted(text)
  local code = ('for _, note in ipairs(_G.notes) do if note:find(%q, 1, true) then return true end end'):format(text)
  H.until_true(code, 'the message ' .. text)
end

function H.finish()
  pcall(H.lua, [[for _, client in ipairs(vim.lsp.get_clients()) do client:stop(true) end vim.cmd('qall!')]])
  io.stdout:write('well\n')
  vim.cmd('qall!')
end

return H
