"""Ctrl-C while the main thread is inside the library.

Python runs signal handlers between its own instructions, so a long call would answer Ctrl-C only at its end. The C part of
Python's handler however writes to the "wakeup" file descriptor at once: a thread waits there and triggers the call's cancel
handle. KeyboardInterrupt follows when the call has returned.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
from types import FrameType, TracebackType
from typing import Optional, Type

from . import _library

_lock = threading.Lock()
_writer: Optional[socket.socket] = None
_current: Optional["interruptible"] = None


def _watch(reader: socket.socket) -> None:
    library = _library.load()
    while True:
        numbers = reader.recv(256)
        call = _current
        if call is None:
            continue
        if signal.SIGINT in numbers:
            library.rustml_cancel_trigger(call.cancel, 1)
        if call.former >= 0:  # someone else waits for signals too, for example asyncio
            try:
                os.write(call.former, numbers)
            except OSError:
                pass


def _wakeup() -> int:
    global _writer
    with _lock:
        if _writer is None:
            reader, _writer = socket.socketpair()
            _writer.setblocking(False)
            threading.Thread(target=_watch, args=(reader,), name="rustml-interrupt", daemon=True).start()
        return _writer.fileno()


def _after_fork() -> None:
    global _writer, _current, _lock
    if _writer is not None:
        _writer.close()
    _writer, _current, _lock = None, None, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class interruptible:
    """with interruptible(cancel): a call that `cancel` (a raw handle) stops. Does nothing but in the main thread, and nothing
    where the program handles SIGINT itself."""

    def __init__(self, cancel: Optional[int]) -> None:
        self.cancel = cancel
        self.former = -1
        self._active = self._fired = False

    def _on_signal(self, number: int, frame: Optional[FrameType]) -> None:
        self._fired = True

    def __enter__(self) -> None:
        global _current
        if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
            return
        self._active = True
        wakeup = _wakeup()
        signal.signal(signal.SIGINT, self._on_signal)
        _current = self
        self.former = signal.set_wakeup_fd(wakeup, warn_on_full_buffer=False)

    def __exit__(self, kind: Optional[Type[BaseException]], problem: Optional[BaseException], trace: Optional[TracebackType]) -> None:
        global _current
        if not self._active:
            return
        signal.set_wakeup_fd(self.former, warn_on_full_buffer=False)
        _current = None
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if self._fired:
            raise KeyboardInterrupt from problem
