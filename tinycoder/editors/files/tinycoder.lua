--- TinyCoder for Neovim 0.11 and newer: starts `tinycoder serve` and shows what it suggests.
---
--- `require('tinycoder').setup()` is all there is to call; docs/editors/neovim.md explains the rest. No key is mapped
--- that was not asked for. One file, so that it can be installed by copying it. Knows no model and no training: what
--- it says of them, the server said.

local M = {}

local api, lsp = vim.api, vim.lsp
local NAME = 'tinycoder'
local GHOST = 'TinyCoderGhost'
local INLINE = 'textDocument/inlineCompletion'
local SHIPPED = 'base' -- the model that comes with the server, and knows Python in general
local CRASHES, WITHIN_MS = 5, 180000 -- so many crashes within that time are too many
local space = api.nvim_create_namespace(NAME)

--- Everything that can be set, with its default.
local defaults = {
  cmd = { 'tinycoder', 'serve' },
  filetypes = { 'python' },
  root_markers = { 'pyproject.toml', 'setup.py', '.git' },
  settings = {}, -- { tinycoder = { … } }, see docs/settings.md
  ghost = true, -- offer the rest of the line behind the cursor
  native = false, -- leave ghost text to vim.lsp.inline_completion, where Neovim has it
  popup = true, -- open the completion list by itself
  keys = {}, -- { accept = '<Tab>', … }
  debounce_ms = 40, -- of quiet, before a suggestion is asked for
  restart_ms = 500, -- before a server that crashed is started again; doubled each time
}
local opts = vim.deepcopy(defaults)

local on = true -- whether suggestions are wanted at all
local statuses = {} -- what each client said last, by its id
local crashes = {} -- when the server crashed, in ms
local trouble = nil -- 'restarting' or 'stopped' while there is no server
local complained = false -- that the command is missing
local deliberate = {} -- clients that were stopped in order to be started again, by id
local keeper = nil -- the client that `keep` attaches, by its id
local replaced = {} -- the mappings that ours fall back to, by key

local shown = nil -- the suggestion that is offered, made by `suggestion`
local others = {} -- all suggestions of the answer that it is from
local asked = nil -- the place that was asked about last; there is nothing new to be had
local size = nil -- the bytes of the buffer while one types in it, to see whether they become fewer
local flight = nil -- the one request that is on its way
local clock = nil -- waits for quiet

local function inserting()
  return api.nvim_get_mode().mode:sub(1, 1) == 'i'
end

--- Tell the person. A message too long for the last line makes Neovim wait for Enter, which must not happen while
--- somebody types: it comes when insert mode is left.
local function say(text, level)
  local sentence = vim.startswith(text, 'TinyCoder') and text or 'TinyCoder: ' .. text -- the server says its name
  local function show()
    vim.notify(sentence, level or vim.log.levels.INFO, { title = 'TinyCoder' })
  end
  if inserting() and vim.fn.strdisplaywidth(sentence) > vim.v.echospace then
    api.nvim_create_autocmd('ModeChanged', { pattern = 'i*:n*', once = true, callback = vim.schedule_wrap(show) })
  else
    show()
  end
end

local function client_of(buf)
  return lsp.get_clients({ name = NAME, bufnr = buf })[1]
end

--- The type of a buffer that is ours: of a compound one such as `python.django`, the part that counts. nil for others.
local function type_of(buf)
  local whole = vim.bo[buf].filetype
  for _, part in ipairs({ whole, unpack(vim.split(whole, '.', { plain = true })) }) do
    if vim.list_contains(opts.filetypes, part) then
      return part
    end
  end
end

local function wanted(buf)
  return on and vim.b[buf].tinycoder ~= false
end

local function native()
  return opts.ghost and opts.native and lsp.inline_completion ~= nil
end

local function cursor()
  local row, col = unpack(api.nvim_win_get_cursor(0))
  return row - 1, col
end

--- Where one stands, and on which text. An answer counts as long as this is the same.
local function place()
  local buf, row, col = api.nvim_get_current_buf(), cursor()
  return ('%d:%d:%d:%d'):format(buf, api.nvim_buf_get_changedtick(buf), row, col)
end

-- The suggestion.

--- What is still missing of a suggestion; nil if it does not go on from what stands before the cursor.
local function missing(s)
  local row, col = cursor()
  if api.nvim_get_current_buf() ~= s.buf or row < s.row or (row == s.row and col < s.col) then
    return nil
  end
  local first = api.nvim_buf_get_lines(s.buf, s.row, s.row + 1, false)[1] or ''
  if first:sub(1, s.col) ~= s.head or api.nvim_get_current_line():sub(col + 1) ~= s.tail then
    return nil
  end
  local typed = table.concat(api.nvim_buf_get_text(s.buf, s.row, s.col, row, col, {}), '\n')
  if not vim.startswith(s.text, typed) then
    return nil
  end
  local rest = s.text:sub(#typed + 1)
  return rest == s.tail:sub(1, s.over) and '' or rest -- what stands there already is not missing
end

--- An item of an answer about the cursor's place, as the text that will stand from byte `col` of line `row` on.
--- `over` bytes behind the cursor give way to it. nil if it does not fit.
local function suggestion(item, client, buf)
  local row, col = cursor()
  local line = api.nvim_get_current_line()
  local from, to = col, col
  if item.range then
    if item.range.start.line ~= row or item.range['end'].line ~= row then
      return nil
    end
    from = vim.str_byteindex(line, client.offset_encoding, item.range.start.character, false)
    to = vim.str_byteindex(line, client.offset_encoding, item.range['end'].character, false)
  end
  local text = type(item.insertText) == 'table' and item.insertText.value or item.insertText
  local s = {
    buf = buf,
    client = client,
    item = item,
    row = row,
    col = from,
    head = line:sub(1, from),
    tail = line:sub(col + 1),
    over = to - col,
    text = text:gsub('\r\n', '\n'), -- buffers have no carriage returns; `fileformat` adds them
    crlf = text:find('\r\n', 1, true) ~= nil,
  }
  if s.over < 0 or (missing(s) or '') == '' then
    return nil
  end
  return s
end

--- Tabs as spaces, for a text that begins at display column `start`: virtual text has no tab stops.
local function without_tabs(text, start)
  local at = text:find('\t', 1, true)
  while at do
    local width = start + vim.fn.strdisplaywidth(text:sub(1, at - 1))
    text = text:sub(1, at - 1) .. (' '):rep(vim.bo.tabstop - width % vim.bo.tabstop) .. text:sub(at + 1)
    at = text:find('\t', at, true)
  end
  return text
end

--- Whether the menu is open and would contradict the ghost text, or cover it.
local function menu_is_in_the_way(s, rest)
  if vim.fn.pumvisible() == 0 then
    return false
  end
  if rest:find('\n', 1, true) then
    return true
  end
  local menu = vim.fn.complete_info({ 'selected', 'items' })
  local selected = menu.selected >= 0 and menu.items[menu.selected + 1]
  if not selected then
    return false
  end
  local _, col = cursor()
  local before = api.nvim_get_current_line():sub(1, col)
  return not (vim.startswith(s.text, selected.word) or vim.endswith(before, selected.word))
end

local function erase(s)
  s.drawn = false
  if api.nvim_buf_is_valid(s.buf) then
    api.nvim_buf_del_extmark(s.buf, space, 1)
  end
end

--- Put the rest of the suggestion behind the cursor. Always the same mark, so that nothing flickers.
local function draw(s, rest)
  if menu_is_in_the_way(s, rest) then
    return erase(s)
  end
  local row, col = cursor()
  local line = api.nvim_get_current_line()
  local replaces = line:sub(col + 1, col + s.over)
  if s.over > 0 and vim.endswith(rest, replaces) then
    rest = rest:sub(1, -#replaces - 1) -- it stands there already
  end
  local lines = vim.split(rest, '\n', { plain = true })
  lines[1] = without_tabs(lines[1], vim.fn.strdisplaywidth(line:sub(1, col)))
  local below = {}
  for i = 2, #lines do
    below[#below + 1] = { { without_tabs(lines[i], 0), GHOST } }
  end
  api.nvim_buf_set_extmark(s.buf, space, row, col, {
    id = 1,
    virt_text = lines[1] ~= '' and { { lines[1], GHOST } } or nil,
    virt_text_pos = 'inline',
    virt_lines = #below > 0 and below or nil,
    hl_mode = 'combine',
    undo_restore = false,
  })
  s.drawn = true
  if not s.told then
    s.told = true
    s.client:notify('textDocument/didShowCompletion', { item = s.item })
  end
end

local function hide()
  if shown then
    erase(shown)
  end
  shown, others = nil, {}
end

-- The request.

local function stop_asking()
  if clock then
    clock:stop()
  end
  local old = flight
  flight = nil
  if old and old.id and not old.client:is_stopped() then
    old.client:cancel_request(old.id)
  end
end

--- Choose among `found`, beginning at the one on the screen, `step` further on.
local function choose(found, step)
  local at = 1
  for i, s in ipairs(found) do
    if shown and s.text == shown.text and s.col == shown.col then
      at = i
      found[i] = shown -- it has been told of already
    end
  end
  shown, others = found[(at - 1 + step) % #found + 1], found
  draw(shown, missing(shown))
end

local function answered(question, result)
  if not inserting() or place() ~= question.place or not wanted(question.buf) then
    return -- it is about a text that is no more
  end
  local found, known = {}, {}
  local kept = shown and missing(shown) and shown
  if kept then
    kept.by_hand = question.by_hand
  end
  if kept and question.step ~= 0 then
    found, known = { kept }, { [kept.text] = true }
  end
  for _, item in ipairs(result and (result.items or result) or {}) do
    local s = suggestion(item, question.client, question.buf)
    if s and not known[s.text] then
      known[s.text] = true
      s.by_hand = question.by_hand
      found[#found + 1] = s
    end
  end
  if #found == 0 or (question.step ~= 0 and #found == 1) then
    if question.by_hand then
      api.nvim_echo({ { 'TinyCoder: no ' .. (#found == 1 and 'other ' or '') .. 'suggestion here' } }, false, {})
    end
    return
  end
  if not kept or question.step == 0 then
    shown = nil
  end
  choose(found, question.step)
end

--- Ask about the cursor's place. `by_hand`: several suggestions, of several lines. `step`: show the one so far on.
local function ask(by_hand, step)
  stop_asking()
  local buf = api.nvim_get_current_buf()
  local client = client_of(buf)
  if not client or not client.server_capabilities.inlineCompletionProvider then
    return false
  end
  local question = { buf = buf, client = client, place = place(), by_hand = by_hand, step = step or 0 }
  local params = lsp.util.make_position_params(0, client.offset_encoding)
  params.context = { triggerKind = by_hand and 1 or 2 }
  asked, flight = question.place, question
  local sent, id = client:request(INLINE, params, function(err, result)
    if flight == question then
      flight = nil
      if not err then
        answered(question, result)
      end
    end
  end, buf)
  if flight == question then
    question.id = id
  end
  return sent
end

local function soon()
  clock = clock or assert(vim.uv.new_timer())
  clock:start(opts.debounce_ms, 0, vim.schedule_wrap(function()
    if inserting() and place() == asked then
      ask(false)
    end
  end))
end

local function leave()
  stop_asking()
  hide()
  asked, size = nil, nil
end

--- Whether text was taken away since the last look, while typing: nothing is offered before more is typed. The server
--- sees to the rest, but not to what was typed through and deleted again before it was told.
local function deleting(buf)
  local before = size
  size = api.nvim_buf_get_offset(buf, api.nvim_buf_line_count(buf))
  if before == nil or size >= before then
    return false
  end
  local line = api.nvim_get_current_line():sub(1, api.nvim_win_get_cursor(0)[2])
  local chosen = vim.fn.pumvisible() == 1 and vim.fn.complete_info({ 'selected' }).selected >= 0
  return line:match('%S') ~= nil and not chosen -- less indentation is no deletion, nor is a shorter row of the list
end

--- After anything that may have moved the cursor or changed the text. Costs next to nothing if nothing has.
local function update()
  local buf = api.nvim_get_current_buf()
  if not opts.ghost or native() or not inserting() or not wanted(buf) then
    return leave()
  end
  local here = place()
  if flight and flight.place ~= here then
    stop_asking()
  end
  if deleting(buf) then
    stop_asking()
    hide()
    asked = here
    return
  end
  local rest = shown and missing(shown)
  if rest and rest ~= '' then
    return draw(shown, rest) -- typed through: shorter, and nothing to ask
  end
  hide()
  local client = here ~= asked and vim.fn.reg_executing() == '' and client_of(buf)
  if not client then
    return
  end
  stop_asking()
  asked = here
  if vim.tbl_get(client.settings, NAME, 'inline', 'trigger') == 'manual' then
    return
  end
  soon()
end

-- What one does.

--- How much of `rest` to take.
local function piece(rest, kind)
  if kind == 'all' then
    return rest
  elseif kind == 'line' then
    return rest:match('^\n?[^\n]*')
  end
  return rest:match('^%s*[%w_\128-\255]+') or rest:match('^%s*[^%w_%s\128-\255]+') or rest
end

--- Insert what `accept` was called for. For the keys that it feeds only.
function M._take(kind)
  local s = shown
  local rest = s and missing(s)
  if not rest or rest == '' then
    return
  end
  local part = piece(rest, kind)
  local whole = part == rest
  if whole and s.over > 0 then
    local row, col = cursor()
    api.nvim_buf_set_text(s.buf, row, col, row, col + s.over, { '' })
    s.tail = s.tail:sub(s.over + 1)
  end
  api.nvim_paste(part, false, -1) -- unlike nvim_buf_set_text it is repeated by the dot
  if not whole then
    local accepted = s.text:sub(1, #s.text - #rest + #part)
    accepted = s.crlf and accepted:gsub('\n', '\r\n') or accepted
    local length = vim.str_utfindex(accepted, 'utf-16')
    s.client:notify('textDocument/didPartiallyAcceptCompletion', { item = s.item, acceptedLength = length })
    return update()
  end
  if s.item.command then
    s.client:exec_cmd(s.item.command, { bufnr = s.buf }, function() end)
  end
  hide()
  update()
end

--- Feed keys that take the suggestion as one step for undo. They also work while the menu is open.
local function accept(kind)
  if native() then
    return kind == 'all' and lsp.inline_completion.get()
  end
  if not M.visible() then
    return false
  end
  local close = vim.fn.pumvisible() == 1 and '<C-y>' or ''
  local keys = close .. '<C-g>u<Cmd>lua require("tinycoder")._take("' .. kind .. '")<CR><C-g>u'
  api.nvim_feedkeys(vim.keycode(keys), 'ni', false)
  return true
end

--- Whether a suggestion is on the screen and can be accepted.
function M.visible()
  return shown ~= nil and shown.drawn == true and inserting() and (missing(shown) or '') ~= ''
end

--- Take the suggestion. Returns false if there is none, so that a mapping can do something else.
function M.accept()
  return accept('all')
end

--- Take the next word of the suggestion; the rest stays.
function M.accept_word()
  return accept('word')
end

--- Take the suggestion up to the end of its line; the lines below stay.
function M.accept_line()
  return accept('line')
end

local function turn(step)
  if native() then
    local select = lsp.inline_completion.select or lsp.inline_completion.jump -- its first name
    select({ count = step })
    return true
  end
  if not M.visible() then
    return false
  end
  if not shown.by_hand then
    return ask(true, step) -- what came by itself is one; now several are wanted
  end
  local fitting = vim.tbl_filter(function(s)
    return (missing(s) or '') ~= ''
  end, others)
  if #fitting > 1 then
    choose(fitting, step)
  end
  return true
end

--- Show the next suggestion; asks for several first. Returns false if none is shown.
function M.next()
  return turn(1)
end

--- Show the suggestion before this one.
function M.previous()
  return turn(-1)
end

--- Ask by hand: several suggestions, perhaps of several lines, however unlikely.
function M.request()
  if native() then
    return lsp.inline_completion.get()
  end
  if inserting() and not (opts.ghost and wanted(api.nvim_get_current_buf())) then
    say('suggestions are switched off here')
    return true
  end
  return inserting() and ask(true)
end

--- Take the suggestion off the screen until something is typed. Returns false if there is none.
function M.dismiss()
  if not M.visible() then
    return false
  end
  stop_asking()
  hide()
  asked = place()
  return true
end

--- Open the list by itself in a buffer, or no more.
local function switch_list(client, buf)
  if not client.server_capabilities.completionProvider then
    return
  end
  if wanted(buf) then -- without one of these Neovim inserts the first word as soon as the list opens
    local own = vim.bo[buf].completeopt
    local complete = own ~= '' and own or vim.go.completeopt
    if not (complete:find('noselect') or complete:find('noinsert')) then
      vim.bo[buf].completeopt = (complete ~= '' and complete .. ',' or '') .. 'menuone,noselect'
    end
  end
  lsp.completion.enable(wanted(buf), client.id, buf, { autotrigger = true })
end

local function follow_switches()
  for _, client in ipairs(lsp.get_clients({ name = NAME })) do
    for buf in pairs(client.attached_buffers) do
      if opts.popup then
        switch_list(client, buf)
      end
      if native() then
        lsp.inline_completion.enable(wanted(buf), { bufnr = buf })
      end
    end
  end
  update()
  vim.cmd.redrawstatus()
end

--- Switch suggestions off or on: everywhere, or with 'buffer' in the current buffer.
function M.toggle(where)
  local buf = api.nvim_get_current_buf()
  if where == 'buffer' then
    vim.b[buf].tinycoder = vim.b[buf].tinycoder == false
  else
    on = not on
  end
  follow_switches()
  local state = (where == 'buffer' and vim.b[buf].tinycoder or where ~= 'buffer' and on) and 'on' or 'off'
  say(state .. (where == 'buffer' and ' in this buffer' or ''))
end

-- The server's commands.

local function any_client()
  return client_of(api.nvim_get_current_buf()) or lsp.get_clients({ name = NAME })[1]
end

--- Let the server run one of its commands, and call `done` with what it gives.
local function execute(command, arguments, done)
  local client = any_client()
  if not client then
    return say('the server is not running; it starts when a Python file is opened', vim.log.levels.WARN)
  end
  local provider = client.server_capabilities.executeCommandProvider or {}
  if not vim.list_contains(provider.commands or {}, command) then
    return say(('this server has no command %s; please update it'):format(command), vim.log.levels.WARN)
  end
  client:request('workspace/executeCommand', { command = command, arguments = arguments }, function(err, result)
    if err then
      say(err.message or 'the command failed', vim.log.levels.ERROR)
    elseif done then
      done(result ~= vim.NIL and result or nil)
    end
  end, api.nvim_get_current_buf())
end

--- Make the model this workspace's own. `options`: { minutes = 10, preset = 'nano' }, both may be left out.
function M.train(options)
  options = options or {}
  execute('tinycoder.train', next(options) and { options } or {}, function(result)
    say(('learning %s'):format(vim.fn.fnamemodify(result and result.folder or vim.fn.getcwd(), ':~')))
  end)
end

--- Stop training; what was learnt is saved, and training goes on from there another time.
function M.stop_training()
  execute('tinycoder.stopTraining', {}, function(result)
    say(result and result.stopped and 'training stops; what was learnt is kept' or 'nothing is being trained')
  end)
end

--- Offer no ghost text by itself for so many minutes, 30 if none are given; 0 ends that. The server says so.
function M.snooze(minutes)
  execute('tinycoder.snooze', { minutes }, hide)
end

--- Read the workspace again.
function M.reindex()
  execute('tinycoder.reindex', {}, function()
    say('reading the workspace again')
  end)
end

--- Show how many suggestions were taken, in a window that q closes.
function M.stats()
  execute('tinycoder.showStats', {}, function(result)
    local lines = vim.split(result.text:gsub('%s+$', ''), '\n', { plain = true })
    local width = 20
    for _, line in ipairs(lines) do
      width = math.max(width, vim.fn.strdisplaywidth(line))
    end
    local buf = api.nvim_create_buf(false, true)
    api.nvim_buf_set_lines(buf, 0, -1, false, lines)
    vim.bo[buf].modifiable, vim.bo[buf].bufhidden = false, 'wipe'
    width = math.min(width, vim.o.columns - 4)
    local height = math.max(1, math.min(#lines, vim.o.lines - 6))
    api.nvim_open_win(buf, true, {
      relative = 'editor',
      width = width,
      height = height,
      row = math.max(0, math.floor((vim.o.lines - height) / 2) - 2),
      col = math.max(0, math.floor((vim.o.columns - width) / 2) - 1),
      style = 'minimal',
      border = 'rounded',
      title = ' TinyCoder ',
    })
    for _, key in ipairs({ 'q', '<Esc>' }) do
      vim.keymap.set('n', key, '<Cmd>close<CR>', { buffer = buf, nowait = true, desc = 'TinyCoder: close' })
    end
  end)
end

local function described(model)
  local facts = {}
  if type(model.parameters) == 'number' then
    facts[#facts + 1] = ('%.1f M parameters'):format(model.parameters / 1e6)
  end
  if type(model.bitsPerByte) == 'number' then
    facts[#facts + 1] = ('%.2f bits per byte'):format(model.bitsPerByte)
  end
  if type(model.written) == 'string' then
    facts[#facts + 1] = model.written:sub(1, 10)
  end
  if type(model.problem) == 'string' then
    facts[#facts + 1] = model.problem
  end
  if model.name == SHIPPED then
    facts[#facts + 1] = 'knows Python in general'
  end
  return ('%s%s  (%s)'):format(model.name, model.current and ', in use' or '', table.concat(facts, ', '))
end

--- Choose another model, until the server ends.
function M.select_model()
  execute('tinycoder.listModels', {}, function(models)
    local choices = { { automatic = true } }
    vim.list_extend(choices, models or {})
    vim.ui.select(choices, {
      prompt = 'TinyCoder: which model?',
      format_item = function(model)
        return model.automatic and 'choose by itself' or described(model)
      end,
    }, function(model)
      if model then
        execute('tinycoder.selectModel', { model.automatic and vim.NIL or model.name })
      end
    end)
  end)
end

--- Open the report of the last training.
function M.report()
  execute('tinycoder.trainingReport', {}, function(result)
    local _, problem = vim.ui.open(result.path)
    if problem then
      say('the report is ' .. result.path)
    end
  end)
end

--- The file that the server logs to, and whether it must be told so. nil if `cmd` is not known to take that option.
local function log_file()
  for i, word in ipairs(opts.cmd) do
    local named = word == '--log-file' and opts.cmd[i + 1] or word:match('^%-%-log%-file=(.+)')
    if named then
      return named, false
    end
  end
  local program = vim.fs.basename(opts.cmd[1])
  if program:find('^tinycoder') or (program:find('^python') and vim.list_contains(opts.cmd, 'tinycoder')) then
    return vim.fs.joinpath(vim.fn.stdpath('log'), 'tinycoder.log'), true
  end
end

--- Show the server's log, the newest lines last. Neovim's own log instead where that says more: of a server that did
--- not come as far as to log anything.
function M.log()
  local function written(path)
    return path and (vim.uv.fs_stat(path) or { mtime = { sec = 0 } }).mtime.sec or 0
  end
  local ours, shared = log_file(), lsp.log.get_filename()
  local path = written(ours) > 0 and not (trouble and written(shared) > written(ours)) and ours or shared
  vim.cmd.tabedit({ args = { vim.fn.fnameescape(path) }, mods = { noswapfile = true } })
  vim.bo.autoread, vim.bo.readonly, vim.bo.bufhidden = true, true, 'wipe'
  vim.cmd('checktime | normal! G')
  if api.nvim_buf_line_count(0) == 1 and api.nvim_get_current_line() == '' then
    say("the log is empty; settings = { tinycoder = { logLevel = 'debug' } } makes it say more")
  end
end

--- Use other settings from now on, without a restart: the section `tinycoder`, as in docs/settings.md.
function M.configure(settings)
  opts.settings = vim.tbl_deep_extend('force', opts.settings, { tinycoder = settings })
  lsp.config(NAME, { settings = opts.settings, init_options = opts.settings.tinycoder })
  for _, client in ipairs(lsp.get_clients({ name = NAME })) do
    client.settings = vim.tbl_deep_extend('force', client.settings, { tinycoder = settings })
    client:notify('workspace/didChangeConfiguration', { settings = client.settings })
  end
end

-- The server.

--- How things stand, for a status line: 'TinyCoder: ready', 'TinyCoder: training 43 %'. Empty where it has no part.
function M.status()
  local client = client_of(api.nvim_get_current_buf())
  if not client then
    return type_of(0) and trouble and 'TinyCoder: ' .. trouble or ''
  end
  local said = statuses[client.id] or { state = 'loading' }
  local state = wanted(api.nvim_get_current_buf()) and said.state or 'off'
  if state == 'ready' and type(said.snooze) == 'number' then
    state = ('snoozing %d min'):format(said.snooze)
  end
  if state == 'training' and type(said.training) == 'number' then
    state = ('training %d %%'):format(said.training)
  end
  return 'TinyCoder: ' .. state
end

-- Of servers that say no more than Copilot's do.
local function state_of(params)
  if params.busy then
    return 'loading'
  end
  return ({ Normal = 'ready', Warning = 'ready', Inactive = 'off' })[params.kind] or 'error'
end

local function on_status(_, params, context)
  params.state = params.state or state_of(params)
  statuses[context.client_id] = params
  if params.state == 'ready' then
    trouble = nil
    vim.schedule(function()
      asked = nil -- what a server said before it had its model does not count
      update()
    end)
  end
  api.nvim_exec_autocmds('User', { pattern = 'TinyCoderStatus', modeline = false })
  vim.cmd.redrawstatus()
end

local function on_message(_, params)
  local levels = { vim.log.levels.ERROR, vim.log.levels.WARN }
  say(params.message, levels[params.type])
end

local function root_of(buf)
  return vim.fs.root(buf, opts.root_markers)
end

local function executable()
  if type(opts.cmd) ~= 'table' or vim.fn.executable(opts.cmd[1]) == 1 then
    return true
  end
  if not complained then
    complained = true
    local advice = 'name its whole path: setup({ cmd = { "/path/to/tinycoder", "serve" } })'
    say(('there is no command %s on the path; %s'):format(opts.cmd[1], advice), vim.log.levels.ERROR)
  end
  return false
end

--- All unnamed buffers go by the same URI, which can name one document: `buf` has it from now on, if it is unnamed.
local function own_uri(buf)
  for _, client in ipairs(api.nvim_buf_get_name(buf) == '' and lsp.get_clients({ name = NAME }) or {}) do
    for other in pairs(client.attached_buffers) do
      if other ~= buf and api.nvim_buf_get_name(other) == '' then
        lsp.buf_detach_client(other, client.id)
      end
    end
  end
end

--- Start the server for these buffers, or join them to one that runs.
local function begin(bufs)
  for _, buf in ipairs(bufs) do
    local file = api.nvim_buf_is_loaded(buf) and vim.bo[buf].buftype == ''
    if file and type_of(buf) and not client_of(buf) and executable() then
      local config = vim.deepcopy(lsp.config[NAME])
      config.root_dir = root_of(buf)
      own_uri(buf)
      lsp.start(config, { bufnr = buf })
    end
  end
end

--- A server that crashed is started again, later each time; too many crashes and it stays down.
local function crashed(bufs, reason)
  local now = vim.uv.now()
  crashes = vim.tbl_filter(function(at)
    return now - at < WITHIN_MS
  end, crashes)
  crashes[#crashes + 1] = now
  trouble = #crashes < CRASHES and 'restarting' or 'stopped'
  if trouble == 'stopped' then
    local advice = '`tinycoder doctor` looks for the cause, :TinyCoder log shows what it said last'
    return say(('the server crashed %d times and stays down; %s'):format(#crashes, advice), vim.log.levels.ERROR)
  end
  if #crashes == 1 then
    say(('the server ended (%s) and is started again'):format(reason), vim.log.levels.WARN)
  end
  vim.defer_fn(function()
    begin(bufs)
  end, opts.restart_ms * 2 ^ (#crashes - 1))
end

local ending = { code = 0, signal = 0 } -- of the process that ended last

--- Starts the process. Keeps from Neovim how it ended: it would warn at each crash, and so do we, once.
local function start(dispatchers)
  local on_exit = dispatchers.on_exit
  dispatchers = vim.tbl_extend('force', dispatchers, {
    on_exit = function(code, signal)
      ending = { code = code, signal = signal }
      on_exit(0, 0)
    end,
  })
  local log, new = log_file()
  return lsp.rpc.start(vim.iter({ opts.cmd, new and { '--log-file', log } or {} }):flatten():totable(), dispatchers)
end

local function on_exit(_, _, id)
  local client = lsp.get_client_by_id(id)
  local bufs = client and vim.tbl_keys(client.attached_buffers) or {}
  local code, signal = ending.code, ending.signal
  local died = not (code == 0 and signal == 0) and signal ~= 15 and code ~= 143 -- 15: told to end
  local again = deliberate[id]
  deliberate[id], statuses[id] = nil, nil
  if vim.v.exiting ~= vim.NIL then
    return
  end
  vim.schedule(function()
    if flight and flight.client.id == id then
      flight = nil
    end
    leave()
    if again then
      vim.schedule(function()
        begin(bufs)
      end)
    elseif died then
      crashed(bufs, signal ~= 0 and 'signal ' .. signal or 'exit code ' .. code)
    end
  end)
end

--- Start the server anew, also after it was given up.
function M.restart()
  crashes, trouble, complained = {}, nil, false
  local clients = lsp.get_clients({ name = NAME, _uninitialized = true }) -- one may never have answered
  begin(api.nvim_list_bufs()) -- those whose server was given up
  for _, client in ipairs(clients) do
    deliberate[client.id] = true
    client:stop()
    vim.defer_fn(function()
      if not client.rpc.is_closing() then
        client.rpc.terminate() -- it does not listen; a second `stop` would not either
      end
    end, 3000)
  end
end

--- Before a buffer gets another name: the server knows documents by their names, so this one ends, and another begins.
--- Neovim itself sees a name change at the next write only, and some never.
local function rename(buf)
  local client = client_of(buf)
  if client then
    lsp.buf_detach_client(buf, client.id)
    lsp.completion.enable(false, keeper, buf) -- whose autocommands end with the old name; `keep` makes them anew
    vim.schedule(function()
      begin({ buf })
    end)
  end
end

local function focus(client, buf)
  client:notify('textDocument/didFocus', { textDocument = { uri = vim.uri_from_bufnr(buf) } })
end

--- The person is about to type: the server can read what stands before the cursor.
local function arrive(args)
  local client = client_of(args.buf)
  if client and client.initialized and wanted(args.buf) then
    client:notify('textDocument/didMoveCursor', lsp.util.make_position_params(0, client.offset_encoding))
  end
end

--- Attach a client that has nothing to say and never ends. Neovim 0.11 needs one: a buffer in which text changes while
--- no client is attached, as after a crash, is followed no longer, and clients that come later are told of no change;
--- and the client that was the first in a buffer's completion list is looked for whenever the file is read again.
local function keep(buf)
  local ended = false
  local silent = {
    request = function(method, _, answer, answered_at_once)
      if method ~= 'initialize' then -- which stays without an answer, so that nobody asks for more
        answer(nil, nil)
        answered_at_once(1)
      end
      return true, 1
    end,
    notify = function()
      return true
    end,
    is_closing = function()
      return ended
    end,
    terminate = function()
      ended = true
    end,
  }
  keeper = keeper
    or lsp.start({
      name = NAME .. ' (keeper)',
      cmd = function()
        return silent
      end,
      offset_encoding = 'utf-32', -- shared with no server, and so is what Neovim notes of its buffers
    }, { attach = false })
  lsp.buf_attach_client(buf, keeper)
  if opts.popup then
    lsp.completion.enable(true, keeper, buf, { autotrigger = true })
  end
end

local function attach(client, buf)
  trouble = nil
  keep(buf)
  if opts.popup and wanted(buf) then
    switch_list(client, buf)
  end
  if native() then
    lsp.inline_completion.enable(wanted(buf), { bufnr = buf })
  end
  if buf == api.nvim_get_current_buf() then
    focus(client, buf)
    asked = nil
    update()
  end
end

-- Setup.

local ACTIONS = {
  accept = M.accept,
  accept_word = M.accept_word,
  accept_line = M.accept_line,
  next = M.next,
  previous = M.previous,
  request = M.request,
  dismiss = M.dismiss,
  toggle = function()
    M.toggle()
    return true
  end,
}

--- What the key did before us; the key itself if nothing.
local function otherwise(key)
  local before = replaced[key]
  if not before then
    return key
  end
  local rhs = before.rhs and before.rhs:gsub('<[Ss][Ii][Dd]>', ('<SNR>%d_'):format(before.sid))
  local keys = rhs
  if before.callback and before.expr ~= 1 then
    vim.schedule(before.callback) -- it may change text, which a mapping with <expr> must not
    return ''
  elseif before.callback then
    keys = before.callback() or ''
  elseif before.expr == 1 then
    keys = api.nvim_eval(rhs)
  end
  keys = (before.callback and before.replace_keycodes ~= 1) and keys or vim.keycode(keys)
  api.nvim_feedkeys(keys, before.noremap == 1 and 'ni' or 'mi', false)
  return ''
end

local function map(name, key)
  local before = vim.fn.maparg(key, 'i', false, true)
  if before.lhs and not vim.startswith(before.desc or '', 'TinyCoder: ') then
    replaced[key] = before
  end
  vim.keymap.set('i', key, function()
    return ACTIONS[name]() and '' or otherwise(key)
  end, { expr = true, desc = 'TinyCoder: ' .. name:gsub('_', ' ') })
end

local COMMANDS = {
  train = function(args)
    M.train({ minutes = tonumber(args[1]), preset = tonumber(args[1]) and args[2] or args[1] })
  end,
  stop = M.stop_training,
  snooze = function(args)
    M.snooze(tonumber(args[1]) or args[1])
  end,
  stats = M.stats,
  model = M.select_model,
  toggle = function(args)
    M.toggle(args[1])
  end,
  status = function()
    local client = any_client()
    local said = client and statuses[client.id]
    local state = M.status()
    local starts = not client and #lsp.get_clients({ name = NAME, _uninitialized = true }) > 0
    local text = said and said.message or state ~= '' and state or starts and 'the server has not answered yet'
    text = text or 'the server is not running'
    if said and said.state == 'ready' and said.model == SHIPPED and type(said.snooze) ~= 'number' then -- the server's words name a command for a terminal
      text = 'ready; the model base knows Python in general, :TinyCoder train makes it yours'
    end
    say(text .. (wanted(api.nvim_get_current_buf()) and '' or ' (switched off here)'))
  end,
  log = M.log,
  restart = M.restart,
  report = M.report,
  reindex = M.reindex,
}

local function command(call)
  local name = call.fargs[1] or 'status'
  if not COMMANDS[name] then
    local known = table.concat(vim.fn.sort(vim.tbl_keys(COMMANDS)), ', ')
    return say(('there is no :TinyCoder %s; there are %s'):format(name, known), vim.log.levels.ERROR)
  end
  COMMANDS[name](vim.list_slice(call.fargs, 2))
end

local function completed(lead, line)
  local before = vim.split(line:sub(1, #line - #lead), '%s+', { trimempty = true })
  local words = vim.fn.sort(vim.tbl_keys(COMMANDS))
  if #before > 1 then
    words = before[#before] == 'toggle' and { 'buffer' } or {}
  end
  return vim.tbl_filter(function(word)
    return vim.startswith(word, lead)
  end, words)
end

local function checked(given)
  for key in pairs(given) do
    if defaults[key] == nil then
      local known = table.concat(vim.fn.sort(vim.tbl_keys(defaults)), ', ')
      error(('tinycoder: setup() knows no option %s; there are %s'):format(key, known), 0)
    end
  end
  for name in pairs(given.keys or {}) do
    if not ACTIONS[name] then
      local known = table.concat(vim.fn.sort(vim.tbl_keys(ACTIONS)), ', ')
      error(('tinycoder: there is no action %s for a key; there are %s'):format(name, known), 0)
    end
  end
  if given.settings and next(given.settings) and not given.settings.tinycoder then
    error('tinycoder: setup() wants its settings as settings = { tinycoder = { … } }', 0)
  end
  return vim.tbl_deep_extend('force', defaults, given)
end

--- Start the server for Python files and offer what it suggests. `given` overrides `defaults`, at the top of this file.
function M.setup(given)
  if vim.fn.has('nvim-0.11') == 0 then
    return say('Neovim 0.11 or newer is needed', vim.log.levels.ERROR)
  end
  opts = checked(given or {})
  lsp.config(NAME, {
    cmd = start,
    filetypes = opts.filetypes,
    root_dir = function(buf, on_dir)
      if executable() then
        own_uri(buf)
        on_dir(root_of(buf))
      end
    end,
    settings = opts.settings,
    init_options = opts.settings.tinycoder,
    get_language_id = type_of,
    handlers = { didChangeStatus = on_status, ['window/showMessage'] = on_message },
    on_exit = on_exit,
  })
  lsp.enable(NAME)
  vim.schedule(function()
    begin(api.nvim_list_bufs()) -- what was opened before
  end)

  local function colour()
    local look = { link = 'Comment' }
    local comment = api.nvim_get_hl(0, { name = 'Comment', link = false })
    if not comment.ctermfg then -- as in Neovim's own colours: on plain terminals it would look like text
      look = vim.tbl_extend('force', comment, { ctermfg = 8 })
    end
    look.default = true
    api.nvim_set_hl(0, GHOST, look)
  end
  colour()
  local group = api.nvim_create_augroup(NAME, { clear = true })
  local function when(events, pattern, callback)
    api.nvim_create_autocmd(events, { group = group, pattern = pattern, callback = callback })
  end
  local function when_ours(event, callback)
    when(event, nil, function(args)
      local client = lsp.get_client_by_id(args.data.client_id)
      if client and client.name == NAME then
        callback(client, args.buf)
      end
    end)
  end
  when('ColorScheme', nil, colour)
  when('InsertEnter', nil, arrive)
  when({ 'TextChangedI', 'TextChangedP', 'CursorMovedI' }, nil, update)
  when('ModeChanged', { 'i*:*', '*:i*' }, update) -- InsertLeave does not come with Ctrl-C
  when({ 'CompleteChanged', 'CompleteDone' }, nil, vim.schedule_wrap(update)) -- these must not touch text
  when({ 'BufLeave', 'WinLeave' }, nil, leave)
  when('BufEnter', nil, function(args)
    local client = client_of(args.buf)
    if client and client.initialized then
      focus(client, args.buf)
    elseif not client and not trouble and api.nvim_buf_get_name(args.buf) == '' then
      begin({ args.buf })
    end
  end)
  when_ours('LspAttach', attach)
  when('FileType', '*.*', function(args) -- Neovim compares whole types: `python.django` is new to it
    local kind = vim.bo[args.buf].filetype
    if type_of(args.buf) and not vim.list_contains(lsp.config[NAME].filetypes, kind) then
      lsp.config(NAME, { filetypes = vim.list_extend({ kind }, lsp.config[NAME].filetypes) })
      begin({ args.buf })
    end
  end)
  when('BufFilePre', nil, function(args)
    rename(args.buf)
  end)
  when('BufDelete', nil, function(args) -- so Neovim says that an unnamed buffer is about to get a name from :write
    if api.nvim_buf_get_name(args.buf) == '' then
      rename(args.buf)
    end
  end)
  when('LspDetach', nil, function(args)
    local client = lsp.get_client_by_id(args.data.client_id)
    if client and (client.name == NAME or client.id == keeper) then
      lsp.completion.enable(false, client.id, args.buf) -- else the list waits for what a dead server will not say
      if shown and shown.buf == args.buf then
        leave()
      end
    end
  end)

  for name, act in pairs(ACTIONS) do
    vim.keymap.set('i', ('<Plug>(tinycoder-%s)'):format(name:gsub('_', '-')), function()
      act()
    end, { desc = 'TinyCoder: ' .. name:gsub('_', ' ') })
  end
  for name, keys in pairs(opts.keys) do
    for _, key in ipairs(type(keys) == 'table' and keys or { keys }) do
      map(name, key)
    end
  end
  api.nvim_create_user_command('TinyCoder', command, { nargs = '*', complete = completed, desc = 'TinyCoder' })
end

return M
