-- Types into one buffer with a second server attached, without and with TinyCoder, in turns; see second_server.py.
local given = vim.json.decode(vim.env.SECOND_SERVER)
local buffer
local function fail(message)
  io.stderr:write(message .. '\n')
  vim.cmd('cquit 1')
end
local function start(name, command, options)
  local id = vim.lsp.start({
    name = name,
    cmd = command,
    cmd_cwd = given.cwd,
    root_dir = vim.fn.getcwd(),
    init_options = options or vim.empty_dict(),
  }, { bufnr = buffer, attach = true })
  local client = id and vim.lsp.get_client_by_id(id)
  if not vim.wait(30000, function() return client and client.initialized end, 10) then fail(name .. ' did not start') end
  return client
end
vim.cmd('edit ' .. given.file)
buffer = vim.api.nvim_get_current_buf()
vim.bo[buffer].filetype = 'python'
local second = start('second', given.second)
local ours = start('tinycoder', given.tinycoder)
vim.wait(1000 * given.warm_s, function() return false end, 100)

local text, at, waiting = given.text, 0, {}
local rounds = {}
local function ask(client, method, params, note)
  local begin, done = vim.uv.hrtime(), false
  if waiting[client.id .. method] then waiting[client.id .. method]() end
  local _, number = client:request(method, params, function(err, result)
    done = true
    if note and not err then note((vim.uv.hrtime() - begin) / 1e6) end
  end, buffer)
  waiting[client.id .. method] = function()
    if not done then client:cancel_request(number) end
  end
end
local function key(round, with)
  at = at % #text + 1
  local letter = text:sub(at, at)
  local cursor = vim.api.nvim_win_get_cursor(0)
  local row, column = cursor[1] - 1, cursor[2]
  vim.api.nvim_buf_set_text(buffer, row, column, row, column, vim.split(letter, '\n'))
  if letter == '\n' then row, column = row + 1, 0 else column = column + 1 end
  vim.api.nvim_win_set_cursor(0, { row + 1, column })
  local params = {
    textDocument = { uri = vim.uri_from_bufnr(buffer) },
    position = { line = row, character = column },
    context = { triggerKind = 1 },
  }
  local ghost = vim.tbl_extend('force', params, { context = { triggerKind = 2 } })
  local word = letter:match('[%w_.]')
  -- The order in which an editor asks its servers is not ours to choose: here we come first.
  if with then
    ask(ours, 'textDocument/inlineCompletion', ghost, function(ms) table.insert(round.ghost, ms) end)
    if word then ask(ours, 'textDocument/completion', params, function(ms) table.insert(round.ours, ms) end) end
  end
  if word then ask(second, 'textDocument/completion', params, function(ms) table.insert(round.second, ms) end) end
end
vim.api.nvim_win_set_cursor(0, { vim.api.nvim_buf_line_count(buffer), 0 })
for n = 1, 2 * given.rounds do
  local with = n % 2 == 0
  if with and not vim.lsp.buf_is_attached(buffer, ours.id) then vim.lsp.buf_attach_client(buffer, ours.id) end
  if not with and vim.lsp.buf_is_attached(buffer, ours.id) then vim.lsp.buf_detach_client(buffer, ours.id) end
  vim.wait(2000, function() return false end, 100)
  local round = { with = with, second = {}, ours = {}, ghost = {} }
  local next_key = vim.uv.hrtime()
  for _ = 1, given.keys do
    key(round, with)
    next_key = next_key + 1e9 / given.keys_per_s
    vim.wait(math.max(1, (next_key - vim.uv.hrtime()) / 1e6), function() return false end, 1)
  end
  table.insert(rounds, round)
end
local file = assert(io.open(given.out, 'w'))
file:write(vim.json.encode(rounds))
file:close()
vim.cmd('qall!')
