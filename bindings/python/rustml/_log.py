"""The library's log records as records of the logging module."""

from __future__ import annotations

import atexit
import ctypes
import logging
from typing import Any, Dict

from . import _library, _raw
from ._handles import Callback, made, settle, text_view

TRACE = 5
_LEVELS: Dict[int, int] = {_raw.RUSTML_LOG_ERROR: logging.ERROR, _raw.RUSTML_LOG_WARN: logging.WARNING, _raw.RUSTML_LOG_INFO: logging.INFO,
                           _raw.RUSTML_LOG_DEBUG: logging.DEBUG, _raw.RUSTML_LOG_TRACE: TRACE}
logging.getLogger("rustml").addHandler(logging.NullHandler())


def _record(event: Any) -> None:
    name = event.component
    name = (name.decode() if isinstance(name, bytes) else ctypes.string_at(name).decode() if name else "rustml").replace("::", ".")
    logging.getLogger(name).log(_LEVELS.get(event.level, logging.INFO), "%s", ctypes.string_at(event.text, event.text_len).decode("utf-8", "replace"))


def enable_logging(filter: str = "info") -> None:
    """Sends log records to the loggers "rustml", "rustml.attn" and so on, which decide what becomes of them.

    `filter` is what the library makes at all, in the syntax of RUST_LOG: "info", "rustml=debug,rustml::attn=trace".
    """
    text = filter.encode()
    callback, error = Callback(_record), ctypes.c_void_p()
    events = callback.events()
    options = made("rustml_log_options", filter=text_view(text), callback=ctypes.pointer(events))
    settle(_library.load().rustml_log_set(options, error), error)
    atexit.register(disable_logging)


def disable_logging() -> None:
    """No records any more: the default."""
    atexit.unregister(disable_logging)
    _library.load().rustml_log_set(None, None)
