;;; tinycoder.el --- Code completion that becomes your own  -*- lexical-binding: t; -*-

;; Package-Requires: ((emacs "28.1") (eglot "1.9"))

;;; Commentary:

;; Makes eglot start TinyCoder's language server in Python buffers.  It completes at once, with a model that knows
;; Python in general; `tinycoder-train' makes that model your own.  Words come through `completion-at-point', so they
;; are shown by whatever shows completions: the minibuffer, company, corfu, or `completion-preview-mode'.
;;
;; Eglot has one server for a buffer: while this file is loaded, it is TinyCoder for the modes in `tinycoder-modes'.

;;; Code:

(require 'eieio)

(declare-function eglot-current-server "eglot" ())
(declare-function eglot-managed-p "eglot" ())
(declare-function tinycoder-server-status "tinycoder" (server))
(declare-function jsonrpc-async-request "jsonrpc" (connection method params &rest args))
(defvar eglot-server-programs)

(defgroup tinycoder nil
  "Code completion that becomes your own."
  :group 'tools)

(defcustom tinycoder-command '("tinycoder" "serve")
  "Program and arguments that start the server."
  :type '(repeat string))

(defcustom tinycoder-modes '(python-mode python-ts-mode)
  "Major modes in which eglot starts TinyCoder.  Set it before this file is loaded."
  :type '(repeat symbol))

(defcustom tinycoder-auto-start t
  "Whether the server starts when a file is opened; otherwise \\[eglot] starts it."
  :type 'boolean)

(defun tinycoder-contact (&rest _)
  "What eglot starts: `tinycoder-command' as it is now."
  (cons 'tinycoder-server tinycoder-command))

(defun tinycoder-start-maybe ()
  "Start the server if `tinycoder-auto-start' says so and the buffer shows a file."
  (when (and tinycoder-auto-start buffer-file-name)
    (if (fboundp 'eglot-ensure)
        (eglot-ensure)
      (message "TinyCoder needs eglot: M-x package-install RET eglot RET"))))

(dolist (mode tinycoder-modes)
  (add-hook (intern (format "%s-hook" mode)) #'tinycoder-start-maybe))

;;; The server's own words.

(with-eval-after-load 'eglot
  (eval ; the class that is extended here comes with eglot
   '(progn
      (defclass tinycoder-server (eglot-lsp-server)
        ((status :initform nil :accessor tinycoder-server-status))
        :documentation "TinyCoder, with the last `didChangeStatus' that it sent.")
      (cl-defmethod eglot-handle-notification
        ((server tinycoder-server) (_method (eql 'didChangeStatus)) &rest status)
        "Keep STATUS for the mode line.  What a person must know comes as a message as well."
        (setf (tinycoder-server-status server) status)
        (force-mode-line-update t)))
   t)
  (add-to-list 'eglot-server-programs ; with the language, which eglot takes from a derived mode's name otherwise
               (cons (mapcar (lambda (mode) (list mode :language-id "python")) tinycoder-modes)
                     #'tinycoder-contact)))

(defun tinycoder-status ()
  "What this buffer's server last said of itself; nil if it is not TinyCoder."
  (when (and (fboundp 'eglot-managed-p) (eglot-managed-p)) ; cheap, for the mode line; the next line alone is not
    (let ((server (eglot-current-server)))
      (and server (eq (eieio-object-class server) 'tinycoder-server)
           (tinycoder-server-status server)))))

(defun tinycoder-mode-line ()
  "A few words while there is something to say, else an empty string."
  (let* ((status (tinycoder-status))
         (percent (plist-get status :training))
         (snooze (plist-get status :snooze))
         (words (cond ((null status) nil)
                      ((numberp percent) (format "training %d%%%%" percent))
                      ((eq (plist-get status :busy) t) "busy")
                      ((numberp snooze) (format "snoozing %d min" snooze))
                      ((equal (plist-get status :kind) "Normal") nil)
                      ((plist-get status :kind) (downcase (plist-get status :kind))))))
    (if words (propertize (format " TinyCoder: %s" words) 'help-echo (plist-get status :message)) "")))

(add-to-list 'mode-line-misc-info '(:eval (tinycoder-mode-line)) t)

;;; Commands.

(defun tinycoder--execute (command arguments then)
  "Let the server execute COMMAND with ARGUMENTS, and call THEN with its answer.
Does not wait: jsonrpc of Emacs 28 leaves what comes right behind an answer that
is waited for unread until the server says something more."
  (unless (tinycoder-status)
    (user-error "TinyCoder does not serve this buffer; M-x eglot starts it in a Python file"))
  (jsonrpc-async-request
   (eglot-current-server) :workspace/executeCommand
   (list :command command :arguments (vconcat arguments))
   :success-fn then
   :error-fn (lambda (problem) (message "%s" (plist-get problem :message)))
   :timeout-fn (lambda () (message "TinyCoder does not answer"))))

(defun tinycoder-train (&optional minutes)
  "Make the model this project's own, in MINUTES if there is a prefix argument.
Training goes on in the background; the mode line says how far it is."
  (interactive "P")
  (tinycoder--execute "tinycoder.train"
                      (and minutes (list (list :minutes (prefix-numeric-value minutes))))
                      (lambda (started) (message "TinyCoder learns %s" (plist-get started :folder)))))

(defun tinycoder-stop-training ()
  "Stop training; \\[tinycoder-train] goes on from there."
  (interactive)
  (tinycoder--execute "tinycoder.stopTraining" nil
                      (lambda (answer)
                        (message (if (eq (plist-get answer :stopped) t)
                                     "TinyCoder saves what it learnt and stops"
                                   "TinyCoder is not training")))))

(defun tinycoder-snooze (&optional minutes)
  "Let ghost text come only where it is asked for, for half an hour.
With a prefix argument for so many MINUTES; 0 ends the snooze.  The server says
so in the echo area, the mode line how long it lasts.  Completions go on."
  (interactive "P")
  (tinycoder--execute "tinycoder.snooze" (and minutes (list (prefix-numeric-value minutes))) #'ignore))

(defun tinycoder-describe ()
  "Say which model completes here, and how things stand."
  (interactive)
  (message "%s" (or (plist-get (tinycoder-status) :message)
                    "TinyCoder does not serve this buffer; M-x eglot starts it in a Python file")))

(defun tinycoder-stats ()
  "Show how much was offered and accepted."
  (interactive)
  (tinycoder--execute "tinycoder.showStats" nil
                      (lambda (answer)
                        (with-current-buffer (get-buffer-create "*tinycoder statistics*")
                          (let ((inhibit-read-only t))
                            (erase-buffer)
                            (insert (plist-get answer :text))
                            (goto-char (point-min)))
                          (special-mode)
                          (display-buffer (current-buffer))))))

(provide 'tinycoder)
;;; tinycoder.el ends here
