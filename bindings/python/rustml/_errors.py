"""Statuses of the library and an exception class for each."""

from __future__ import annotations

import ctypes
import enum
import json
from typing import Any, Callable, Dict, Type

from . import _library, _raw


class Status(enum.IntEnum):
    """How a call ended. 0 to 16 equal the gRPC codes of the same name."""

    OK = _raw.RUSTML_OK
    CANCELLED = _raw.RUSTML_CANCELLED
    INVALID_ARGUMENT = _raw.RUSTML_INVALID_ARGUMENT
    DEADLINE_EXCEEDED = _raw.RUSTML_DEADLINE_EXCEEDED
    NOT_FOUND = _raw.RUSTML_NOT_FOUND
    PERMISSION_DENIED = _raw.RUSTML_PERMISSION_DENIED
    RESOURCE_EXHAUSTED = _raw.RUSTML_RESOURCE_EXHAUSTED
    FAILED_PRECONDITION = _raw.RUSTML_FAILED_PRECONDITION
    OUT_OF_RANGE = _raw.RUSTML_OUT_OF_RANGE
    UNIMPLEMENTED = _raw.RUSTML_UNIMPLEMENTED
    INTERNAL = _raw.RUSTML_INTERNAL
    UNAVAILABLE = _raw.RUSTML_UNAVAILABLE
    DATA_LOSS = _raw.RUSTML_DATA_LOSS
    BUSY = _raw.RUSTML_BUSY
    INVALID_HANDLE = _raw.RUSTML_INVALID_HANDLE
    ABI_MISMATCH = _raw.RUSTML_ABI_MISMATCH
    POISONED = _raw.RUSTML_POISONED
    FORKED = _raw.RUSTML_FORKED
    CALLBACK_STOP = _raw.RUSTML_CALLBACK_STOP
    BUFFER_TOO_SMALL = _raw.RUSTML_BUFFER_TOO_SMALL
    DONE = _raw.RUSTML_DONE


class RustmlError(Exception):
    """Base of all errors of the library. `status` says which kind, `detail` has machine-readable particulars."""

    status: Status = Status.INTERNAL

    def __init__(self, message: str, detail: Dict[str, Any] | None = None, callback_value: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.detail = detail or {}
        self.callback_value = callback_value

    def __str__(self) -> str:
        return self.message


class CancelledError(RustmlError):
    """A CancelHandle stopped the call."""

    status = Status.CANCELLED


class InvalidArgumentError(RustmlError, ValueError):
    """A bad option, text or token id; the message names it and its range."""

    status = Status.INVALID_ARGUMENT


class DeadlineExceededError(RustmlError, TimeoutError):
    """A timeout passed."""

    status = Status.DEADLINE_EXCEEDED


class NotFoundError(RustmlError, FileNotFoundError):
    """No such file."""

    status = Status.NOT_FOUND


class PermissionDeniedError(RustmlError, PermissionError):
    """The file may not be read or written."""

    status = Status.PERMISSION_DENIED


class ResourceExhaustedError(RustmlError, MemoryError):
    """Memory, a memory limit, disk, or a limit of a file format."""

    status = Status.RESOURCE_EXHAUSTED


class FailedPreconditionError(RustmlError):
    """Wrong pairing or order: a snapshot of another model, an answer is open on the session."""

    status = Status.FAILED_PRECONDITION


class OutOfRangeError(RustmlError, ValueError):
    """More tokens than the context holds, or a position that is not there."""

    status = Status.OUT_OF_RANGE


class UnimplementedError(RustmlError, NotImplementedError):
    """An architecture, type or option that the library does not know."""

    status = Status.UNIMPLEMENTED


class InternalError(RustmlError):
    """A mistake of the library; the session is of no use any more, others go on."""

    status = Status.INTERNAL


class UnavailableError(RustmlError, ConnectionError):
    """The network did not answer."""

    status = Status.UNAVAILABLE


class DataLossError(RustmlError):
    """A file is cut, corrupt or hostile."""

    status = Status.DATA_LOSS


class BusyError(RustmlError):
    """Another thread is using this session right now."""

    status = Status.BUSY


class InvalidHandleError(RustmlError, ValueError):
    """The object was closed."""

    status = Status.INVALID_HANDLE


class AbiMismatchError(RustmlError):
    """Package and library disagree about the layout of a struct."""

    status = Status.ABI_MISMATCH


class PoisonedError(RustmlError):
    """The session failed internally before; close it."""

    status = Status.POISONED


class ForkedError(RustmlError):
    """The object was made before os.fork() and this is the child."""

    status = Status.FORKED


class CallbackStopError(RustmlError):
    """A callback answered with a number that is not 0: `callback_value`."""

    status = Status.CALLBACK_STOP


_CLASSES: Dict[int, Type[RustmlError]] = {int(one.status): one for one in RustmlError.__subclasses__()}


def from_status(status: int, message: str, detail: Dict[str, Any] | None = None, callback_value: int = 0) -> RustmlError:
    """The exception of a status. One that this package does not know becomes a plain RustmlError."""
    return _CLASSES.get(status, RustmlError)(message, detail, callback_value)


def taken(status: int, error: ctypes.c_void_p) -> RustmlError:
    """The exception for a failed call; releases its error object."""
    library = _library.load()
    if not error.value:
        return from_status(status, f"status {status}")
    try:
        message = library.rustml_error_message(error).decode("utf-8", "replace")
        detail = json.loads(library.rustml_error_detail_json(error))
        return from_status(status, message, detail, library.rustml_error_callback_value(error))
    finally:
        library.rustml_error_release(error)


def check(function: Callable[..., int], *arguments: object) -> None:
    """Calls it with an error to fill and raises that error."""
    error = ctypes.c_void_p()
    status = function(*arguments, error)
    if status:
        raise taken(status, error)
