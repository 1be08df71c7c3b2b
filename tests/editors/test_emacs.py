"""Emacs without a screen, with the configuration of docs/editors/emacs.md."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.editors.conftest import editor_missing, own_home
from tinycoder.cli.setup import setup

REPOSITORY = Path(__file__).parents[2]
TYPED = "import os\n\n\nclass Counter:\n    def __init__(self, start):\n        self.tot\n"
HELPERS = """
(defun check (fine what)
  (unless fine (message "FAILED: %s" what) (kill-emacs 1)))
(defun wait-for (what condition)
  (let ((end (+ (float-time) 60)))
    (while (not (or (funcall condition) (> (float-time) end)))
      (accept-process-output nil 0.05))
    (check (funcall condition) what)))
"""
SCRIPT = """
(package-initialize)
(load (locate-user-emacs-file "init"))
(setq eglot-sync-connect 20 make-backup-files nil)
(find-file "counter.py")
(run-hooks 'post-command-hook) ; what eglot-ensure waits for, which no batch job reaches
(wait-for "the server is ready"
          (lambda () (and (eq (plist-get (tinycoder-status) :busy) :json-false)
                          (equal (plist-get (tinycoder-status) :kind) "Normal"))))
(goto-char (point-min))
(search-forward "self.tot")
BODY
(eglot-shutdown (eglot-current-server))
(message "emacs is content")
"""
COMPLETES = """
(check (equal (tinycoder-mode-line) "") "nothing to say")
(completion-at-point)
(check (equal (buffer-substring (line-beginning-position) (point)) "        self.total")
       (format "completed: %S" (thing-at-point 'line)))
"""
SETTINGS = """
(let ((table (nth 2 (eglot-completion-at-point))))
  (goto-char (+ (line-beginning-position) 13))
  (check (looking-back "self\\\\." 5) "after the dot")
  (let ((words (all-completions "" (nth 2 (eglot-completion-at-point)))))
    (check (= (length words) 1) (format "one word, not %S" words))))
"""

ONE_WORD = "(setq-default eglot-workspace-configuration '(:tinycoder (:popup (:limit 1 :deadlineMs 60000))))"
FRESH = r"""
(goto-char (point-max))
(insert "\n\nvalue = Coun")
(completion-at-point)
(check (equal (buffer-substring (line-beginning-position) (point)) "value = Counter")
       (format "completed: %S" (thing-at-point 'line)))
(tinycoder-describe)
"""

COMMANDS = """
(tinycoder-stats)
(wait-for "statistics are shown" (lambda () (get-buffer "*tinycoder statistics*")))
(check (with-current-buffer "*tinycoder statistics*" (> (buffer-size) 10)) "there are statistics")
(tinycoder-snooze 15)
(wait-for "the snooze is shown" (lambda () (equal (tinycoder-mode-line) " TinyCoder: snoozing 15 min")))
(tinycoder-snooze 0)
(wait-for "the snooze has ended" (lambda () (equal (tinycoder-mode-line) "")))
(tinycoder-train 5)
(wait-for "training is shown" (lambda () (string-match-p "training [0-9]+%%" (tinycoder-mode-line))))
(tinycoder-stop-training)
(wait-for "training has ended" (lambda () (equal (tinycoder-mode-line) "")))
"""

LSP_MODE = """
(package-initialize)
(setq user-emacs-directory (expand-file-name ".emacs.d/" "~") make-backup-files nil
      lsp-auto-guess-root t lsp-enable-snippet nil lsp-session-file (expand-file-name "session" "~"))
(load (locate-user-emacs-file "init"))
(require 'lsp-mode)
(defun suggestion ()
  (let ((answer (lsp-request "textDocument/inlineCompletion"
                             (append (lsp--text-document-position-params) '(:context (:triggerKind 1))))))
    (elt (gethash "items" answer) 0)))
(find-file "counter.py")
(check (memq #'lsp-deferred python-mode-hook) "the page starts it")
(lsp) ; what lsp-deferred does once the buffer is shown, which no batch job reaches
(wait-for "the server runs" (lambda () (and (lsp-workspaces)
                                            (eq 'initialized (lsp--workspace-status (car (lsp-workspaces)))))))
(goto-char (point-min))
(search-forward "self.tot")
(wait-for "the model is loaded" (lambda () (ignore-errors (suggestion))))
(check (equal (gethash "insertText" (suggestion)) "total = start")
       (format "suggested: %S" (gethash "insertText" (suggestion))))
(completion-at-point)
(check (equal (buffer-substring (line-beginning-position) (point)) "        self.total")
       (format "completed: %S" (thing-at-point 'line)))
(message "emacs is content")
"""

DERIVED = """
(check (eq major-mode 'django-mode) "the mode")
(check (equal (eglot--language-id (eglot-current-server)) "python") "the language that the server is told")
(completion-at-point)
(check (equal (buffer-substring (line-beginning-position) (point)) "        self.total")
       (format "completed: %S" (thing-at-point 'line)))
"""


def emacs() -> str:
    found = shutil.which("emacs")
    if found is None:
        reason = "Emacs is not installed (python tests/editors/install.py)"
        assert not os.environ.get("TINYCODER_NEED_EDITORS"), reason
        pytest.skip(reason)
    return found


def blocks() -> list[str]:
    page = (REPOSITORY / "docs" / "editors" / "emacs.md").read_text(encoding="utf-8")
    return re.findall(r"```elisp\n(.*?)```", page, re.DOTALL)


def run(body: str, configuration: str, tmp_path: Path, home: Path, script: str = SCRIPT) -> str:
    """Run Emacs in a folder with one file and the file of ``tinycoder setup emacs``; its messages."""
    editor = emacs()
    environment = {
        **{key: value for key, value in os.environ.items() if key != "XDG_CONFIG_HOME"},
        "HOME": str(tmp_path),
        "TINYCODER_HOME": str(home),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "LC_ALL": "C.UTF-8",
    }
    CliRunner().invoke(setup, ["emacs"], env={"HOME": str(tmp_path), "XDG_CONFIG_HOME": ""}, catch_exceptions=False)
    (tmp_path / ".emacs.d" / "init.el").write_text(configuration, encoding="utf-8")
    (tmp_path / "script.el").write_text(HELPERS + script.replace("BODY", body), encoding="utf-8")
    (tmp_path / "counter.py").write_text(TYPED, encoding="utf-8")
    command = [editor, "--batch", "-q", "-l", str(tmp_path / "script.el")]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "emacs is content" in done.stderr
    return done.stderr


@pytest.mark.editors
def test_the_documented_line_completes_and_says_nothing_odd(tmp_path: Path, home: Path) -> None:
    said = run(COMPLETES, blocks()[0], tmp_path, own_home(home, tmp_path, tmp_path / "home"))
    assert "unknown" not in said
    assert "Warning" not in said


@pytest.mark.editors
def test_a_fresh_installation_completes_at_once(tmp_path: Path) -> None:
    said = run(FRESH, blocks()[0] + ONE_WORD, tmp_path, tmp_path / "home")
    assert "with the model base, which knows Python in general" in said


@pytest.mark.editors
def test_the_documented_settings_reach_the_server(tmp_path: Path, home: Path) -> None:
    settings = blocks()[1].replace(":limit 5", ":limit 1")
    run(SETTINGS, blocks()[0] + settings, tmp_path, own_home(home, tmp_path, tmp_path / "home"))


@pytest.mark.editors
def test_training_and_statistics(tmp_path: Path) -> None:
    for n in range(30):
        (tmp_path / f"more_{n}.py").write_text(f"def function_{n}(argument):\n    return argument + {n}\n" * (n + 1))
    settings = '(setq-default eglot-workspace-configuration \'(:tinycoder (:training (:preset "nano"))))'
    said = run(COMMANDS, blocks()[0] + settings, tmp_path, tmp_path / "home")
    assert f"TinyCoder learns {tmp_path}" in said


@pytest.mark.editors
def test_a_mode_derived_from_that_of_python_is_served(tmp_path: Path, home: Path) -> None:
    derived = """
(require 'python)
(define-derived-mode django-mode python-mode "Django")
(add-to-list 'auto-mode-alist '("\\\\.py\\\\'" . django-mode))
"""
    run(DERIVED, blocks()[0] + ONE_WORD + derived, tmp_path, own_home(home, tmp_path, tmp_path / "home"))


@pytest.mark.editors
def test_the_lines_for_lsp_mode(tmp_path: Path, home: Path) -> None:
    if not any(Path("/usr/share/emacs/site-lisp").glob("elpa*/lsp-mode-*")):
        editor_missing("lsp-mode is not installed")
    (lines,) = (block for block in blocks() if "lsp-register-client" in block)
    run("", lines, tmp_path, own_home(home, tmp_path, tmp_path / "home"), LSP_MODE)
