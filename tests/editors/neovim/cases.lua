--- What `tinycoder.lua` does with a server whose answers are known. Run as `nvim -l cases.lua NAME`.

local here = vim.fs.dirname(debug.getinfo(1, 'S').source:sub(2))
package.path = here .. '/?.lua;' .. package.path
local H = require('harness')
local cases = {}

local ACCEPT = [[{ keys = { accept = '<Tab>', accept_word = '<M-w>', accept_line = '<M-l>', next = '<M-n>',
  previous = '<M-p>', request = '<M-r>', dismiss = '<M-d>', toggle = '<M-t>' } }]]

function cases.ghost_text_is_one_mark()
  H.with_fake({}, { inline = { 'total = start' } })
  H.keys('itot')
  H.until_ghost('al = start')
  local ghosts = H.lua('return _G.ghosts()')
  H.same(1, #ghosts, 'marks')
  H.same({ 0, 3, 'inline' }, { ghosts[1].row, ghosts[1].col, ghosts[1].where }, 'the mark')
  local function colour(name)
    return H.lua([[return vim.api.nvim_get_hl(0, { name = ..., link = false })]], name)
  end
  H.same(colour('Comment').fg, colour('TinyCoderGhost').fg, 'the colour')
  H.ok(colour('TinyCoderGhost').ctermfg, 'there is a colour for plain terminals')
  H.lua([[vim.cmd('colorscheme vim')]])
  H.same(colour('Comment'), colour('TinyCoderGhost'), 'the colour of another scheme')
  H.same('total = start', H.until_told('textDocument/didShowCompletion', 1)[1].item.insertText, 'what is shown')
end

function cases.typing_through_never_withdraws()
  H.with_fake({}, { inline = { 'total = start' } })
  H.keys('it')
  H.until_ghost('otal = start')
  local asked = #H.told('textDocument/inlineCompletion')
  H.lua([[
    vim.cmd('syntax off') -- else Neovim prepares a screen before TextChangedI, which nobody sees
    _G.redraws = {}
    vim.api.nvim_create_autocmd({ 'TextChangedI', 'CursorMovedI' }, {
      callback = function() table.insert(_G.states, { ghost = _G.ghost(), id = (_G.ghosts()[1] or {}).id }) end,
    })
  ]])
  for i, key in ipairs({ 'o', 't', 'a', 'l', '<Space>', '=' }) do
    H.keys(key)
    H.until_ghost(('otal = start'):sub(i + 1))
  end
  for _, state in ipairs(H.lua('return _G.states')) do
    H.ok(state.id == 1 and state.ghost ~= '', 'the mark was away: ' .. vim.inspect(state))
  end
  for _, screen in ipairs(H.lua('return _G.redraws')) do
    H.same('total = start', (screen:gsub('|', '')), 'line and ghost text on the screen')
  end
  H.same(asked, #H.told('textDocument/inlineCompletion'), 'questions')
  H.same(1, #H.told('textDocument/didShowCompletion'), 'suggestions shown')
  H.say({ inline = {} })
  H.keys('x')
  H.until_ghost('')
end

function cases.the_server_is_told_where_insert_mode_begins()
  H.with_fake({ lines = { 'first', 'second' } }, {})
  H.keys('jllix')
  local told = H.until_told('textDocument/didMoveCursor', 1)
  H.same({ line = 1, character = 2 }, told[1].position, 'the cursor')
  H.ok(vim.endswith(told[1].textDocument.uri, '.py'), 'the document')
  H.keys('yz')
  H.same(1, #H.told('textDocument/didMoveCursor'), 'while something is typed')
end

function cases.nothing_while_deleting()
  H.with_fake({ lines = { 'first' } }, { inline = { 'total = start' } })
  H.keys('otota')
  H.until_ghost('l = start')
  H.keys('<BS>')
  H.until_ghost('')
  H.until_line('tot')
  H.say({ inline = { 'total = stop' } })
  local asked = #H.told('textDocument/inlineCompletion')
  H.keys('<BS>')
  H.until_line('to')
  H.keys('t')
  H.until_ghost('al = stop')
  H.same(asked + 1, #H.told('textDocument/inlineCompletion'), 'questions until more is typed')
  H.keys('<BS>')
  H.until_ghost('')
  H.keys('<Left>')
  H.until_told('textDocument/inlineCompletion', asked + 2) -- elsewhere it is asked again
end

function cases.nothing_while_a_selection_stands()
  H.with_fake({ lines = { 'first' } }, { inline = { 'total = start' } })
  H.keys('ox = ')
  H.until_told('textDocument/inlineCompletion', 1)
  local asked = #H.until_told('textDocument/inlineCompletion', 1)
  H.lua([[vim.snippet.expand('${1:tot}')]])
  H.until_true([[return vim.fn.mode() == 's']], 'the placeholder is selected')
  H.same('', H.lua('return _G.ghost()'), 'ghost text behind the placeholder')
  H.same(asked, #H.told('textDocument/inlineCompletion'), 'questions while it is selected')
  H.keys('tot')
  H.until_ghost('al = start')
end

function cases.accept()
  H.with_fake({ setup = ACCEPT, lines = { 'print()' } }, { inline = { 'total = start' } })
  H.keys('Otot')
  H.until_ghost('al = start')
  H.say({ inline = {} })
  H.keys('<Tab>')
  H.until_line('total = start')
  H.until_true([[return vim.fn.col('.') == #'total = start' + 1]], 'the cursor stands behind it')
  H.same('', H.lua('return _G.ghost()'), 'ghost text')
  local run = H.until_told('workspace/executeCommand', 1)
  H.same(1, #run, 'commands')
  H.same({ command = 'tinycoder.didAcceptCompletionItem', arguments = { 'total = start' } }, run[1], 'the command')
  H.keys('<Tab>') -- nothing is suggested: the key is the editor's
  H.until_line('total = start   ')
end

function cases.accept_word()
  H.with_fake({ setup = ACCEPT }, { inline = { 'größe = start(n)' } })
  H.keys('igr')
  H.until_ghost('öße = start(n)')
  local asked = #H.told('textDocument/inlineCompletion')
  for _, step in ipairs({ { 'größe', ' = start(n)' }, { 'größe =', ' start(n)' }, { 'größe = start', '(n)' } }) do
    H.keys('<M-w>')
    H.until_line(step[1])
    H.until_ghost(step[2])
  end
  local taken = H.until_told('textDocument/didPartiallyAcceptCompletion', 3)
  H.same({ 5, 7, 13 }, vim.tbl_map(function(each)
    return each.acceptedLength
  end, taken), 'lengths in UTF-16 units')
  H.same(asked, #H.told('textDocument/inlineCompletion'), 'questions')
  H.same(0, #H.told('workspace/executeCommand'), 'commands')
  H.say({ inline = {} })
  H.keys('<M-w><M-w><M-w>')
  H.until_line('größe = start(n)')
  H.until_told('workspace/executeCommand', 1)
end

function cases.accept_line()
  H.with_fake({ setup = ACCEPT, lines = { 'if True:', '', 'end()' } }, { inline = { 'one()\n    two()\n    three()' } })
  H.keys('jio')
  H.until_ghost('ne()\n    two()\n    three()')
  H.keys('<M-l>')
  H.until_line('one()')
  H.until_ghost('\n    two()\n    three()')
  H.keys('<M-l>')
  H.until_line('    two()')
  H.until_ghost('\n    three()')
  H.say({ inline = {} })
  H.keys('<Tab>')
  H.until_line('    three()')
  H.same({ 'if True:', 'one()', '    two()', '    three()', 'end()' }, H.lines(), 'the text')
  H.same({ 5, 15 }, vim.tbl_map(function(each)
    return each.acceptedLength
  end, H.told('textDocument/didPartiallyAcceptCompletion')), 'lengths')
end

function cases.next_and_previous()
  H.with_fake({ setup = ACCEPT }, { inline = { 'aa1', 'aa2\n  b', 'aa3' } })
  H.keys('ia')
  H.until_ghost('a1')
  H.keys('<M-n>') -- asks for several first, and keeps what is there meanwhile
  H.until_ghost('a2\n  b')
  H.keys('<M-n>')
  H.until_ghost('a3')
  H.keys('<M-n>')
  H.until_ghost('a1')
  H.keys('<M-p>')
  H.until_ghost('a3')
  local kinds = vim.tbl_map(function(each)
    return each.context.triggerKind
  end, H.told('textDocument/inlineCompletion'))
  H.same({ 2, 1 }, kinds, 'questions')
  H.keys('a')
  H.until_ghost('3')
  H.keys('<Tab>')
  H.until_line('aa3')
end

function cases.request_by_hand()
  local setup = ACCEPT:gsub('^{', '{ settings = { tinycoder = { inline = { trigger = "manual" } } },')
  H.with_fake({ setup = setup }, { inline = { 'a1', 'a2' } })
  H.keys('ia')
  H.until_line('a')
  H.keys('<M-r>')
  H.until_ghost('1')
  H.keys('<M-p>')
  H.until_ghost('2')
  H.same(1, #H.told('textDocument/inlineCompletion'), 'questions')
end

function cases.a_request_where_it_is_switched_off()
  H.with_fake({ setup = ACCEPT, lines = { 'a' } }, { inline = { 'a1', 'a2' } })
  H.keys(':TinyCoder toggle buffer<CR>A<M-r>')
  H.until_true([[return vim.list_contains(_G.notes, 'TinyCoder: suggestions are switched off here')]], 'a sentence')
  H.same('a', H.lua('return vim.api.nvim_get_current_line()'), 'the line')
end

function cases.dismiss()
  H.with_fake({ setup = ACCEPT }, { inline = { 'total' } })
  H.keys('it')
  H.until_ghost('otal')
  local asked = #H.told('textDocument/inlineCompletion')
  H.keys('<M-d>')
  H.until_ghost('')
  H.same(asked, #H.told('textDocument/inlineCompletion'), 'questions')
  H.keys('o')
  H.until_ghost('tal')
end

function cases.toggle()
  H.with_fake({ setup = ACCEPT }, { inline = { 'total' }, words = { 'total' } })
  H.notify('fake/send', { method = 'didChangeStatus', params = { state = 'ready', message = 'm', kind = 'Normal' } })
  H.until_true([[return require('tinycoder').status() == 'TinyCoder: ready']], 'ready')
  H.keys('it')
  H.until_ghost('otal')
  H.keys('<M-t>')
  H.until_ghost('')
  H.same('TinyCoder: off', H.lua([[return require('tinycoder').status()]]), 'the status')
  local asked = #H.told('textDocument/inlineCompletion')
  H.keys('o<Esc>')
  H.until_true([[return vim.fn.mode() == 'n']], 'normal mode')
  H.same(asked, #H.told('textDocument/inlineCompletion'), 'questions')
  H.keys(':TinyCoder toggle<CR>A')
  H.until_ghost('tal')
  H.keys('<Esc>:TinyCoder toggle buffer<CR>A')
  H.until_true([[return vim.b.tinycoder == false and vim.fn.mode() == 'i']], 'off in this buffer')
  H.same('', H.lua('return _G.ghost()'), 'ghost text')
  H.lua([[require('tinycoder').toggle('buffer')]])
  H.until_ghost('tal')
end

function cases.popup_after_a_dot()
  H.with_fake({ lines = { '' } }, { words = { 'total', 'other' } })
  H.keys('iself.')
  H.until_true([[return vim.fn.pumvisible() == 1]], 'the list opens')
  H.same('self.', H.lua('return vim.api.nvim_get_current_line()'), 'nothing is inserted by itself')
  H.keys('<C-n><C-y>')
  H.until_line('self.total')
end

function cases.no_buffer_inserts_the_first_word()
  H.with_fake({ setup = ACCEPT }, { words = { 'total', 'other' } })
  H.lua([[
    vim.fn.writefile({ '' }, 'b.py')
    _G.other = vim.fn.bufadd('b.py')
    vim.fn.bufload(_G.other) -- while another buffer is the current one
  ]])
  local code = [[return vim.bo[_G.other].completeopt:find('noselect') ~= nil]]
  H.until_true(code, 'the option of the other buffer')
  H.keys(':TinyCoder toggle<CR>')
  H.until_true([[return require('tinycoder').status() == 'TinyCoder: off']], 'off')
  H.lua([[
    vim.fn.writefile({ '' }, 'c.py')
    vim.cmd.edit('c.py')
  ]])
  H.until_true([[return _G.attached()]], 'the server attached')
  H.keys(':TinyCoder toggle<CR>iself.')
  H.until_true([[return vim.fn.pumvisible() == 1]], 'the list opens')
  H.same('self.', H.lua('return vim.api.nvim_get_current_line()'), 'nothing is inserted by itself')
end

function cases.a_shorter_row_of_the_list_is_no_deletion()
  H.with_fake({ setup = ACCEPT }, { words = { 'total_value', 'other' }, inline = { 'self.other = 1' } })
  H.keys('iself.')
  H.until_true([[return vim.fn.pumvisible() == 1]], 'the list opens')
  H.keys('<C-n>')
  H.until_line('self.total_value')
  H.keys('<C-n>')
  H.until_true([[return vim.api.nvim_get_current_line() == 'self.other' and _G.ghost() == ' = 1']], 'ghost text')
end

function cases.ghost_text_beside_the_popup()
  H.with_fake({ setup = ACCEPT, lines = { '' } }, { words = { 'total', 'other' }, inline = { 'self.total = 1' } })
  H.keys('iself.')
  H.until_true([[return vim.fn.pumvisible() == 1 and _G.ghost() == 'total = 1']], 'list and ghost text')
  H.keys('<C-n>') -- goes on from the selected word
  H.until_true([[return vim.api.nvim_get_current_line() == 'self.total' and _G.ghost() == ' = 1']], 'they agree')
  H.keys('<C-n>') -- does not
  H.until_true([[return vim.api.nvim_get_current_line() == 'self.other' and _G.ghost() == '']], 'they differ')
  H.keys('<C-p>')
  H.until_true([[return vim.api.nvim_get_current_line() == 'self.total' and _G.ghost() == ' = 1']], 'they agree again')
  H.say({ inline = {} })
  H.keys('<Tab>')
  H.until_line('self.total = 1')
  H.until_true([[return vim.fn.pumvisible() == 0]], 'the list is closed')
end

function cases.a_preselected_word_hides_ghost_text()
  local init = "vim.o.completeopt = 'menuone,noinsert'\n"
  H.with_fake({ init = init, lines = { '' } }, { words = { 'other', 'total' }, inline = { 'total' } })
  H.keys('iself.')
  H.until_true([[return vim.fn.pumvisible() == 1 and _G.ghost() == '']], 'the list, and no ghost text')
  H.keys('<Down>')
  H.until_ghost('total')
  H.same('menuone,noinsert', H.lua('return vim.o.completeopt'), 'the option')
end

function cases.no_key_is_taken()
  H.start({})
  H.lua([[
    function _G.keys()
      local found = {}
      for _, mode in ipairs({ 'n', 'i', 'x', 's', 'o', 'c', 't' }) do
        for _, map in ipairs(vim.list_extend(vim.api.nvim_get_keymap(mode), vim.api.nvim_buf_get_keymap(0, mode))) do
          if map.lhs:sub(1, 6) ~= '<Plug>' and map.lhs ~= 'K' then -- Neovim maps K where a server attaches
            table.insert(found, mode .. map.lhs)
          end
        end
      end
      table.sort(found)
      return found
    end
    _G.before = _G.keys()
  ]] .. H.fake())
  H.until_true([[
    local client = vim.lsp.get_clients({ bufnr = 0 })[1]
    return client ~= nil and client.initialized == true
  ]], 'attached')
  H.same(H.lua([[return _G.before]]), H.lua([[return _G.keys()]]), 'keys')
  H.ok(H.lua([[return vim.fn.maparg('<Plug>(tinycoder-accept-word)', 'i', false, true).callback ~= nil]]), '<Plug>')
end

function cases.keys_fall_back_to_mappings_of_a_script()
  vim.fn.writefile({
    'function! s:answer() abort',
    '  return "from the script"',
    'endfunction',
    'inoremap <expr> <Tab> <SID>answer()',
  }, vim.env.WORK .. '/keys.vim')
  H.with_fake({ init = "vim.cmd.source(vim.env.WORK .. '/keys.vim')\n", setup = ACCEPT })
  H.keys('i<Tab>')
  H.until_line('from the script')
end

function cases.keys_fall_back_to_what_they_did()
  H.with_fake({
    init = [[
      vim.keymap.set('i', '<Tab>', function() return 'before' end, { expr = true })
      vim.keymap.set('i', '<C-d>', 'text')
      vim.keymap.set('i', '<C-t>', function() vim.api.nvim_set_current_line('called') end)
    ]],
    setup = [[{ keys = { accept = '<Tab>', dismiss = { '<C-d>', '<C-]>' }, accept_word = '<C-t>' } }]],
  })
  H.keys('i<Tab>')
  H.until_line('before')
  H.keys('<C-d>')
  H.until_line('beforetext')
  H.keys('<C-t>')
  H.until_line('called')
  H.say({ inline = { 'total' } })
  H.keys('<Esc>ccto')
  H.until_ghost('tal')
  H.keys('<Tab>')
  H.until_line('total')
end

function cases.plug_mappings()
  H.with_fake({ init = [[
    vim.keymap.set('i', '<C-l>', '<Plug>(tinycoder-accept)')
    vim.keymap.set('i', '<C-e>', function()
      if not require('tinycoder').accept_word() then return '<End>' end
    end, { expr = true })
  ]] }, { inline = { 'total = 1' } })
  H.keys('ito')
  H.until_ghost('tal = 1')
  H.keys('<C-e>')
  H.until_line('total')
  H.until_ghost(' = 1')
  H.keys('<C-l>')
  H.until_line('total = 1')
end

function cases.status()
  H.with_fake({})
  local function status(params)
    H.notify('fake/send', { method = 'didChangeStatus', params = params })
  end
  local function until_status(text)
    H.until_true(('return require("tinycoder").status() == %q'):format(text), 'the status ' .. text)
  end
  until_status('TinyCoder: loading')
  status({ busy = false, message = 'all is well', kind = 'Normal', state = 'ready', model = 'mine' })
  until_status('TinyCoder: ready')
  status({ busy = true, message = 'm', kind = 'Normal', state = 'training', model = 'mine', training = 43 })
  until_status('TinyCoder: training 43 %')
  H.same(
    'TinyCoder: training 43 %',
    H.lua([[return vim.api.nvim_eval_statusline("%{v:lua.require'tinycoder'.status()}", {}).str]]),
    'in a status line'
  )
  status({ busy = false, message = 'm', kind = 'Normal', state = 'ready', model = 'base', training = vim.NIL })
  until_status('TinyCoder: ready')
  H.keys(':TinyCoder status<CR>')
  H.until_noted('the model base knows Python in general, :TinyCoder train makes it yours')
  status({ busy = false, message = 'it snoozes', kind = 'Inactive', state = 'ready', model = 'base', snooze = 12 })
  until_status('TinyCoder: snoozing 12 min')
  H.keys(':TinyCoder status<CR>')
  H.until_noted('TinyCoder: it snoozes')
  status({ busy = false, message = 'm', kind = 'Inactive', state = 'off' })
  until_status('TinyCoder: off')
  status({ busy = false, message = 'Copilot says no more', kind = 'Normal' })
  until_status('TinyCoder: ready')
  H.keys(':TinyCoder status<CR>')
  H.until_noted('TinyCoder: Copilot says no more')
  H.lua([[vim.cmd('enew')]])
  until_status('')
end

function cases.stale_answers_are_dropped()
  H.with_fake({}, { inline = { 'total' }, hold = true })
  H.keys('it')
  H.until_told('textDocument/inlineCompletion', 1)
  H.lua([[vim.api.nvim_buf_set_text(0, 0, 0, 0, 0, { 'x = ' })]]) -- behind the editor's back
  H.notify('fake/release')
  H.until_told('textDocument/inlineCompletion', 2)
  H.same('', H.lua('return _G.ghost()'), 'ghost text for a text that is no more')
  H.notify('fake/release')
  H.until_ghost('otal')
  H.keys('<Esc>')
  H.until_ghost('')
end

function cases.one_request_at_a_time()
  H.with_fake({ setup = '{ debounce_ms = 1 }' }, { inline = { 'abcdefgh' }, hold = true })
  H.keys('i')
  H.until_told('textDocument/inlineCompletion', 1)
  for i, key in ipairs({ 'a', 'b', 'c', 'd', 'e' }) do
    H.keys(key)
    H.until_told('textDocument/inlineCompletion', i + 1)
  end
  local journal = H.journal()
  H.same(1, journal.most, 'questions at a time')
  H.same(5, #H.told('$/cancelRequest'), 'cancelled')
  H.notify('fake/release')
  H.until_ghost('fgh')
  H.same(6, #H.told('textDocument/inlineCompletion'), 'questions')
end

function cases.undo_is_one_step()
  H.with_fake({ setup = ACCEPT, lines = { 'first', 'second' } }, { inline = { 'total = start\n    more' } })
  H.keys('Otot')
  H.until_ghost('al = start\n    more')
  H.say({ inline = {} })
  H.keys('<Tab>')
  H.until_line('    more')
  H.keys('!?<Esc>')
  H.until_line('    more!?')
  for _, text in ipairs({ 'total = start|    more|first|second', 'tot|first|second', 'first|second' }) do
    H.keys('u')
    H.until_true(("return table.concat(vim.fn.getline(1, '$'), '|') == %q"):format(text), 'undone to ' .. text)
  end
  H.keys('<C-r>3<C-r>')
  H.until_true([[return vim.api.nvim_buf_get_lines(0, 0, -1, false)[2] == '    more!?']], 'done again')
end

function cases.the_dot_repeats_it()
  H.with_fake({ setup = ACCEPT, lines = { 'first' } }, { inline = { 'total = start' } })
  H.keys('Otot')
  H.until_ghost('al = start')
  H.say({ inline = {} })
  H.keys('<Tab>')
  H.until_line('total = start')
  H.keys('!<Esc>j.')
  H.until_true([[return vim.fn.line('$') == 3]], 'repeated')
  H.same({ 'total = start!', 'total = start!', 'first' }, H.lines(), 'the text')
end

function cases.in_the_middle_of_a_line()
  H.with_fake({ setup = ACCEPT, lines = { 'x = f() + 1' } }, { inline = { 'f(a, b)' } })
  H.keys('fa0f)i')
  H.until_ghost('a, b)')
  H.keys('<Tab>')
  H.until_line('x = f(a, b)) + 1')
  H.keys('<Esc>u')
  H.until_line('x = f() + 1')
  H.say({ over = 1 }) -- this one replaces the bracket that stands there
  H.keys('0f)i')
  H.until_ghost('a, b')
  H.say({ inline = {}, over = 0 })
  H.keys('<Tab>')
  H.until_line('x = f(a, b) + 1')
end

function cases.a_suggestion_for_half_a_word_ends_where_the_word_goes_on()
  H.with_fake({ setup = ACCEPT, lines = { 'get_name' } }, { inline = { 'get_user_name' }, over = 4 })
  H.keys('4li')
  H.until_ghost('user_')
  H.keys('user_')
  H.until_line('get_user_name')
  H.until_true([[return not require('tinycoder').visible()]], 'nothing is left to take')
  H.keys('<Tab>')
  H.until_true([[return vim.fn.col('.') > #'get_user_' + 1]], 'Tab is Tab again')
end

local function multibyte(encoding)
  local options = { setup = ACCEPT, encoding = encoding, lines = { 'x = "😀 größe"' } }
  H.with_fake(options, { inline = { '"😀é" + naïve("ü")' } })
  H.keys('os = "😀')
  H.until_ghost('é" + naïve("ü")')
  H.keys('é')
  H.until_ghost('" + naïve("ü")')
  H.say({ inline = {} })
  H.keys('<Tab>')
  H.until_line('s = "😀é" + naïve("ü")')
  local texts = H.journal().texts
  H.same({ 'x = "😀 größe"\ns = "😀é" + naïve("ü")\n' }, texts, 'what the server knows')
end

function cases.multibyte_in_utf_8()
  multibyte('utf-8')
end

function cases.multibyte_in_utf_16()
  multibyte('utf-16')
end

function cases.multibyte_in_utf_32()
  multibyte('utf-32')
end

function cases.carriage_returns()
  H.with_fake(
    { setup = ACCEPT, binary = true, lines = { 'one\r', 'two\r', '' } },
    { inline = { 'total()\r\n    more()\r\n    end()' } }
  )
  H.same('dos', H.lua('return vim.bo.fileformat'), 'the format')
  H.keys('jOto')
  H.until_ghost('tal()\n    more()\n    end()')
  H.keys('<M-l><M-l>')
  H.until_line('    more()')
  H.same({ 7, 19 }, vim.tbl_map(function(each)
    return each.acceptedLength
  end, H.until_told('textDocument/didPartiallyAcceptCompletion', 2)), 'lengths, with carriage returns')
  H.say({ inline = {} })
  H.keys('<Tab>')
  H.until_line('    end()')
  H.same({ 'one', 'total()', '    more()', '    end()', 'two' }, H.lines(), 'the text')
  H.keys('<Esc>:write<CR>')
  H.until_true([[return not vim.bo.modified]], 'written')
  local written = table.concat(vim.fn.readfile(H.path, 'b'), '\n')
  H.same('one\r\ntotal()\r\n    more()\r\n    end()\r\ntwo\r\n', written, 'the file')
end

function cases.tabs()
  H.with_fake({ setup = ACCEPT, lines = { '' } }, { inline = { 'ab\tc\n\tdef' } })
  H.keys('ia')
  H.until_ghost('b  c\n    def') -- Neovim's own settings for Python make them four wide
  H.say({ inline = {} })
  H.keys('<Tab>')
  H.until_line('\tdef')
  H.same({ 'ab\tc', '\tdef' }, H.lines(), 'the text')
end

function cases.it_leaves_with_insert_mode()
  H.with_fake({}, { inline = { 'total' } })
  for _, key in ipairs({ '<Esc>', '<C-c>' }) do
    H.keys('ccto')
    H.until_ghost('tal')
    H.keys(key)
    H.until_ghost('')
  end
  H.keys('ccto')
  H.until_ghost('tal')
  H.say({ inline = {} })
  H.keys('<Left>')
  H.until_ghost('')
  H.keys('<End><C-o>:new<CR>')
  H.until_true([[return vim.api.nvim_buf_get_name(0) == '']], 'another window')
end

function cases.a_crash_is_repaired()
  H.with_fake({ setup = '{ restart_ms = 10 }' }, { inline = { 'total' } })
  for _ = 1, 2 do
    local last = H.lua('return _G.client().id')
    H.notify('fake/die')
    H.until_true(('return _G.attached() and _G.client().id > %d'):format(last), 'another server')
  end
  H.say({ inline = { 'total' } })
  H.keys('ito')
  H.until_ghost('tal')
  local notes = H.lua('return _G.notes')
  H.same({ 'TinyCoder: the server ended (exit code 3) and is started again' }, notes, 'messages')
end

function cases.a_crash_is_repaired_while_somebody_types()
  H.with_fake({ setup = '{ restart_ms = 300 }' }, { inline = { 'total' } })
  local first = H.lua('return _G.client().id')
  H.notify('fake/die')
  H.until_true([[return _G.client() == nil]], 'the server is gone')
  H.keys('iself')
  H.until_line('self')
  H.until_true(('return _G.attached() and _G.client().id > %d'):format(first), 'another server')
  H.say({ inline = {}, words = { 'total', 'other' } })
  H.keys('.')
  H.until_true([[return vim.fn.pumvisible() == 1]], 'the list opens')
  H.until_documents({ ['a.py'] = 'self.\n' }, 'a crash')
end

function cases.the_list_opens_after_a_restart()
  H.with_fake({ setup = '{ restart_ms = 10 }' }, {})
  local last = H.lua('return _G.client().id')
  for _, ending in ipairs({ 'crash', 'restart', 'crash' }) do
    if ending ~= 'restart' then
      H.notify('fake/die')
    else
      H.keys('<Esc>:TinyCoder restart<CR>')
    end
    H.until_true(('return _G.attached() and _G.client().id > %d'):format(last), 'another server')
    last = H.lua('return _G.client().id')
    H.say({ words = { 'total', 'other' } })
    H.keys('<Esc>ccself.')
    H.until_true([[return vim.fn.pumvisible() == 1]], 'the list opens after a ' .. ending)
    H.keys('<C-e><Esc>:edit!<CR>')
    H.until_documents({ ['a.py'] = '\n' }, ending)
    vim.fn.writefile({ 'x = ' .. last }, H.path)
    H.lua([[vim.o.autoread = true; vim.uv.fs_utime(..., 1, 1); vim.cmd.checktime()]], H.path)
    H.until_line('x = ' .. last)
    vim.fn.writefile({ '' }, H.path)
    H.keys(':edit!<CR>')
    H.until_documents({ ['a.py'] = '\n' }, 'a change of the file')
    H.same('', H.lua([[return vim.v.errmsg]]), 'errors after reading the file again')
  end
end

--- The commands that name a buffer, or name it anew. Each is typed in an unnamed buffer of Python, or in a.py.
local UNNAMED = ':bwipeout!<CR>:setlocal filetype=python<CR>'
local NAMINGS = {
  { UNNAMED, ':write b.py<CR>', 'b.py' },
  { UNNAMED, ':file b.py<CR>', 'b.py' },
  { '', ':file b.py<CR>', 'b.py' },
  { '', ':saveas b.py<CR>', 'b.py' },
  { '', ':saveas b.py<CR>:file c.py<CR>', 'c.py' },
  { '', ':silent! saveas missing/b.py<CR>', 'missing/b.py' },
  { '', ':silent 0file<CR>:write b.py<CR>', 'b.py' },
  { '', ":lua vim.api.nvim_buf_set_name(0, 'b.py')<CR>", 'b.py' },
  { '', ':file b.py<CR>:write<CR>:edit!<CR>', 'b.py' },
  { '', ':write b.py<CR>', 'a.py' }, -- a copy; the buffer keeps its name
}

function cases.a_document_goes_by_the_name_of_its_buffer()
  H.with_fake({}, { words = { 'total', 'other' }, inline = {} })
  for _, naming in ipairs(NAMINGS) do
    H.keys('<Esc>' .. naming[1])
    H.keys('ccx = 1<Esc>')
    H.keys(naming[2])
    H.until_documents({ [naming[3]] = 'x = 1\n' }, naming[2])
    H.keys('oself.')
    H.until_line('self.')
    H.until_true([[return vim.fn.pumvisible() == 1]], 'the list opens after ' .. naming[2])
    H.keys('<C-e><Esc>')
    H.until_documents({ [naming[3]] = 'x = 1\nself.\n' }, naming[2])
    H.lua(([[
      vim.cmd('%%bwipeout!')
      for _, name in ipairs({ 'b.py', 'c.py' }) do vim.fn.delete(name) end
      vim.cmd('edit! a.py')
    ]]))
    H.until_true([[return _G.attached()]], 'the server attached')
  end
end

function cases.unnamed_buffers_take_turns()
  H.with_fake({}, { inline = { 'total' } })
  H.keys(UNNAMED .. 'ione<Esc>')
  H.until_documents({ ['file://'] = 'one\n' }, 'the first')
  H.keys(':enew!<CR>:setlocal filetype=python<CR>itwo<Esc>')
  H.until_documents({ ['file://'] = 'two\n' }, 'the second')
  H.keys(':buffer #<CR>othree<CR>to')
  H.until_documents({ ['file://'] = 'one\nthree\nto\n' }, 'the first again')
  H.until_ghost('tal')
end

function cases.a_document_ends_when_its_type_changes()
  H.with_fake({ lines = { 'one' } }, {})
  for _, kind in ipairs({ 'text', 'python', 'text.django', 'python' }) do
    H.keys(':setlocal filetype=' .. kind .. '<CR>')
    H.until_documents(kind == 'python' and { ['a.py'] = 'one\n' } or {}, kind)
  end
end

function cases.compound_types()
  H.with_fake({ name = 'a.txt', lines = { 'one' }, foreign = true })
  for _, kind in ipairs({ 'python.django', 'django.python', 'text', 'python.django' }) do
    H.keys(':setlocal filetype=' .. kind .. '<CR>')
    H.until_true(('return _G.attached() == %s'):format(kind ~= 'text'), kind)
    H.until_documents(kind ~= 'text' and { ['a.txt'] = 'one\n' } or {}, kind)
  end
  for _, opened in ipairs(H.told('textDocument/didOpen')) do
    H.same('python', opened.textDocument.languageId, 'the language')
  end
  H.say({ inline = { 'total' } })
  H.keys('oto')
  H.until_ghost('tal')
end

function cases.files_that_were_opened_before_it_was_set_up()
  H.start({ lines = { 'one' } })
  H.lua([[vim.cmd('new b.py')]])
  H.lua(H.fake())
  for _, name in ipairs({ 'a.py', 'b.py' }) do
    H.until_true(('return #vim.lsp.get_clients({ bufnr = vim.fn.bufnr(%q) }) == 1'):format(name), name)
  end
end

function cases.a_restart_reaches_every_root()
  for _, root in ipairs({ 'one', 'two' }) do
    vim.fn.mkdir(vim.env.WORK .. '/' .. root, 'p')
    vim.fn.writefile({}, vim.env.WORK .. '/' .. root .. '/pyproject.toml')
  end
  H.with_fake({ setup = '{ restart_ms = 1 }' }, {})
  H.keys(':edit one/a.py<CR>')
  H.until_true([[return _G.attached()]], 'attached')
  for n = 1, 5 do
    local last = H.lua('return _G.client().id')
    H.notify('fake/die')
    if n < 5 then
      H.until_true(('return _G.attached() and _G.client().id > %d'):format(last), 'another server')
    end
  end
  H.until_noted('stays down')
  H.keys('oself.<Esc>')
  H.keys(':edit two/a.py<CR>')
  H.until_true([[return _G.attached()]], 'attached')
  H.keys(':TinyCoder restart<CR>')
  H.until_true(
    [[return #vim.lsp.get_clients({ bufnr = vim.fn.bufnr('one/a.py') }) == 1]],
    'the server of the other root is back'
  )
  H.keys(':buffer one/a.py<CR>oend')
  H.until_documents({ ['one/a.py'] = '\nself.\nend\n' }, 'a restart')
end

function cases.too_many_crashes()
  H.start({ dies = true, init = H.fake('{ restart_ms = 10 }') })
  H.until_noted('crashed 5 times and stays down')
  H.same('TinyCoder: stopped', H.lua([[return require('tinycoder').status()]]), 'the status')
  H.same(2, #H.lua('return _G.notes'), 'messages: ' .. vim.inspect(H.lua('return _G.notes')))
  H.lua([[vim.env.FAKE_DIES = nil; require('tinycoder').restart()]])
  H.until_true([[
    local client = vim.lsp.get_clients({ name = 'tinycoder', bufnr = 0 })[1]
    return client ~= nil and client.initialized == true
  ]], 'started by hand')
end

function cases.restart_by_hand()
  H.with_fake({})
  local first = H.lua('return _G.client().id')
  H.keys(':TinyCoder restart<CR>')
  H.until_true(('return _G.attached() and _G.client().id > %d'):format(first), 'another server')
  H.same({}, H.lua('return _G.notes'), 'messages')
end

function cases.a_server_that_never_answers_is_started_anew()
  H.start({ init = "require('tinycoder').setup({ cmd = { 'sleep', '60' } })\n" })
  H.lua([[
    function _G.first()
      local client = vim.lsp.get_clients({ name = 'tinycoder', _uninitialized = true })[1]
      return client and client.id or 0
    end
  ]])
  H.until_true([[return _G.first() > 0]], 'a server')
  local first = H.lua([[return _G.first()]])
  H.keys(':TinyCoder status<CR>')
  H.until_noted('the server has not answered yet')
  H.keys(':TinyCoder restart<CR>')
  H.until_true(('return _G.first() > %d'):format(first), 'another server')
end

function cases.a_server_that_does_not_listen_is_started_anew()
  H.with_fake({}, { deaf = true })
  local first = H.lua('return _G.client().id')
  H.keys(':TinyCoder restart<CR>')
  H.until_true(('return _G.attached() and _G.client().id > %d'):format(first), 'another server')
end

function cases.the_log_of_a_server_that_never_started()
  vim.fn.writefile({ '#!/bin/sh', 'echo "no module named tinycoder" >&2', 'exit 1' }, vim.env.WORK .. '/tinycoder')
  vim.fn.setfperm(vim.env.WORK .. '/tinycoder', 'rwxr-xr-x')
  H.start({ init = "require('tinycoder').setup({ cmd = { vim.env.WORK .. '/tinycoder', 'serve' }, restart_ms = 1 })" })
  H.until_noted('crashed 5 times and stays down')
  H.keys(':TinyCoder log<CR>')
  H.until_true([[return vim.fn.expand('%:t') == 'lsp.log']], 'the log')
  H.ok(H.lua([[return vim.fn.getline('.')]]):find('no module named tinycoder', 1, true), 'the last line says why')
end

function cases.a_missing_command_is_said_once()
  H.start({ init = "require('tinycoder').setup({ cmd = { 'no-such-tinycoder', 'serve' } })" })
  H.lua([[vim.cmd('edit b.py')]])
  H.until_noted('there is no command no-such-tinycoder on the path')
  H.same(1, #H.lua('return _G.notes'), 'messages')
end

function cases.other_servers_are_left_alone()
  local cmd = vim.inspect(vim.json.decode(vim.env.FAKE))
  H.with_fake({
    init = ("vim.lsp.config('other', { cmd = %s, filetypes = { 'python' } }) vim.lsp.enable('other')\n"):format(cmd),
  }, { inline = { 'total' }, words = { 'mine' } })
  H.until_true([[return #vim.lsp.get_clients({ name = 'other', bufnr = 0 }) == 1]], 'the other server')
  H.keys('ito')
  H.until_ghost('tal')
  local told = H.lua([[
    local other = vim.lsp.get_clients({ name = 'other', bufnr = 0 })[1]
    return other:request_sync('fake/journal', {}, 10000, vim.api.nvim_get_current_buf()).result.messages
  ]])
  for _, message in ipairs(told) do
    H.ok(not message.method:find('ompletion'), 'the other server was told ' .. message.method)
  end
end

function cases.a_file_without_a_root()
  H.with_fake({}, { inline = { 'total' } })
  local root = H.lua('return _G.client().root_dir')
  H.ok(root == nil or root == vim.NIL, 'there is no root: ' .. tostring(root))
  H.keys('ito')
  H.until_ghost('tal')
end

function cases.settings_are_sent()
  H.with_fake({ setup = '{ settings = { tinycoder = { inline = { eagerness = "quiet" } } } }' })
  H.same({ inline = { eagerness = 'quiet' } }, H.told('initialize')[1].initializationOptions, 'at the start')
  H.lua([[require('tinycoder').configure({ popup = { limit = 3 } })]])
  local told = H.until_told('workspace/didChangeConfiguration', 2)
  H.same({ tinycoder = { inline = { eagerness = 'quiet' }, popup = { limit = 3 } } }, told[#told].settings, 'later')
end

function cases.mistakes_in_the_configuration()
  H.with_fake({})
  local function mistake(options)
    return H.lua([[return select(2, pcall(require('tinycoder').setup, ...))]], options)
  end
  H.ok(mistake({ colour = 1 }):find('no option colour; there are cmd, ', 1, true), 'an unknown option')
  H.ok(mistake({ keys = { take = 'x' } }):find('no action take', 1, true), 'an unknown action')
  H.ok(mistake({ settings = { inline = {} } }):find('settings = { tinycoder = ', 1, true), 'the section is missing')
  H.lua([[vim.fn.has = function() return 0 end; require('tinycoder').setup()]])
  H.until_noted('Neovim 0.11 or newer is needed')
end

function cases.commands()
  H.with_fake({ init = [[
    vim.ui.select = function(items, options, choose)
      _G.offered = vim.tbl_map(options.format_item, items)
      choose(items[2])
    end
    vim.ui.open = function(path) _G.opened = path end
  ]] })
  local model = { name = 'mine', parameters = 5800000, bitsPerByte = 0.941, current = true }
  model.written = '2025-01-02T03:04:05'
  H.notify('fake/results', {
    ['tinycoder.train'] = { started = true, name = 'n', folder = '/somewhere/else' },
    ['tinycoder.stopTraining'] = { stopped = true },
    ['tinycoder.snooze'] = { minutes = 15 },
    ['tinycoder.showStats'] = { text = 'shown  12\ntaken   7\n' },
    ['tinycoder.listModels'] = { model },
    ['tinycoder.trainingReport'] = { name = 'n', path = '/somewhere/report.html' },
  })
  H.keys(':TinyCoder train 0.1 nano<CR>')
  H.until_noted('TinyCoder: learning /somewhere/else')
  H.keys(':TinyCoder train<CR>:TinyCoder stop<CR>')
  H.until_noted('TinyCoder: training stops; what was learnt is kept')
  H.keys(':TinyCoder snooze 15<CR>:TinyCoder snooze<CR>:TinyCoder snooze soon<CR>')
  H.until_told('workspace/executeCommand', 6)
  H.keys(':TinyCoder reindex<CR>')
  H.until_noted('TinyCoder: reading the workspace again')
  H.keys(':TinyCoder model<CR>')
  H.until_told('workspace/executeCommand', 9)
  local offered = { 'choose by itself', 'mine, in use  (5.8 M parameters, 0.94 bits per byte, 2025-01-02)' }
  H.same(offered, H.lua('return _G.offered'), 'models')
  H.keys(':TinyCoder report<CR>')
  H.until_true([[return _G.opened == '/somewhere/report.html']], 'the report')
  H.keys(':TinyCoder stats<CR>')
  H.until_true([[return vim.api.nvim_win_get_config(0).relative == 'editor']], 'a window')
  H.same({ 'shown  12', 'taken   7' }, H.lines(), 'statistics')
  H.keys('q')
  H.until_true([[return vim.api.nvim_win_get_config(0).relative == '']], 'closed')
  H.keys(':TinyCoder nonsense<CR>')
  H.until_noted('there is no :TinyCoder nonsense; there are log, model')
  local run = vim.tbl_map(function(each)
    return { each.command, each.arguments }
  end, H.told('workspace/executeCommand'))
  H.same({
    { 'tinycoder.train', { { minutes = 0.1, preset = 'nano' } } },
    { 'tinycoder.train', {} },
    { 'tinycoder.stopTraining', {} },
    { 'tinycoder.snooze', { 15 } },
    { 'tinycoder.snooze', {} },
    { 'tinycoder.snooze', { 'soon' } },
    { 'tinycoder.reindex', {} },
    { 'tinycoder.listModels', {} },
    { 'tinycoder.selectModel', { 'mine' } },
    { 'tinycoder.trainingReport', {} },
    { 'tinycoder.showStats', {} },
  }, run, 'what the server was asked')
  H.same({ 'stats', 'status', 'stop' }, H.lua([[return vim.fn.getcompletion('TinyCoder st', 'cmdline')]]), 'completion')
  H.same({ 'buffer' }, H.lua([[return vim.fn.getcompletion('TinyCoder toggle ', 'cmdline')]]), 'completion')
  H.keys(':TinyCoder log<CR>')
  H.until_true([[return vim.fn.expand('%:t') == 'lsp.log']], 'the log')
end

function cases.long_messages_do_not_interrupt_typing()
  H.with_fake({})
  local long = 'TinyCoder has ' .. ('very '):rep(30) .. 'much to say.'
  H.keys('ione')
  H.notify('fake/send', { method = 'window/showMessage', params = { type = 3, message = long } })
  H.notify('fake/send', { method = 'window/showMessage', params = { type = 2, message = 'short' } })
  H.until_noted('TinyCoder: short')
  H.same(1, #H.lua('return _G.notes'), 'messages')
  H.keys('<Esc>')
  H.until_noted(long)
end

local name = _G.arg[1]
assert(cases[name], 'no case ' .. tostring(name))()
H.finish()
