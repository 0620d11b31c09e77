"""What all handles share, and the way Python functions are called from the library."""

from __future__ import annotations

import array
import ctypes
import itertools
import math
import operator
import os
import threading
from types import TracebackType
from typing import Any, Callable, Dict, Iterable, Optional, Tuple, Type, TypeVar

from . import _library, _raw
from ._errors import BusyError, InvalidArgumentError, InvalidHandleError, check, taken
from ._interrupt import interruptible

H = TypeVar("H", bound="Handle")


class Handle:
    """One reference to an object of the library. Close it, use it in a with statement, or let it be collected."""

    _noun = ""
    _release: Callable[[int], int]

    def __init__(self, value: Optional[int]) -> None:
        self._value = value

    @property
    def _raw(self) -> int:
        if not self._value:
            raise InvalidHandleError(f"the {self._noun} is closed")
        return self._value

    @property
    def closed(self) -> bool:
        """Whether close() was called."""
        return not self._value

    def close(self) -> None:
        """Releases it; once more does nothing. A call that is running in another thread ends first."""
        value, self._value = self._value, None
        if value:
            getattr(_library.load(), f"rustml_{self._noun}_release")(value)

    def __enter__(self: H) -> H:
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], problem: Optional[BaseException], trace: Optional[TracebackType]) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_value", None):
            self.close()


class CancelHandle(Handle):
    """Stops calls from any other thread or a signal handler: pass it as `cancel`, then call `cancel()`.

    It may serve many calls at once and stays triggered until `reset()`. Ctrl-C triggers it too.
    """

    _noun = "cancel"

    def __init__(self) -> None:
        super().__init__(None)
        out = ctypes.c_void_p()
        check(_library.load().rustml_cancel_create, out)
        self._value = out.value

    def cancel(self, reason: int = _raw.RUSTML_CANCEL_REASON_USER) -> None:
        """Stops every call it was given to, now and later. `reason` (not 0) comes back in `Result.cancel_reason`; 2 makes the
        calls raise DeadlineExceededError."""
        assign(_raw.rustml_result(), cancel_reason=reason)
        status = _library.load().rustml_cancel_trigger(self._raw, reason)
        if status:
            raise InvalidArgumentError("reason is 0") if status == _raw.RUSTML_INVALID_ARGUMENT else InvalidHandleError("the cancel handle is closed")

    def reset(self) -> None:
        """Makes it as new. BusyError while a call that has it is running."""
        check(_library.load().rustml_cancel_reset, self._raw)

    @property
    def triggered(self) -> bool:
        return bool(_library.load().rustml_cancel_is_triggered(self._raw))


def made(name: str, **fields: Any) -> Any:
    """A struct with the library's defaults, or zeroes where it has none, and these fields."""
    struct = getattr(_raw, name)()
    init = getattr(_library.load(), f"{name}_init", None)
    if init:
        init(struct, ctypes.sizeof(struct))
    else:
        struct.struct_size = ctypes.sizeof(struct)
    return assign(struct, **fields)


def assign(struct: Any, **fields: Any) -> Any:
    """Sets fields; InvalidArgumentError for a number that ctypes would silently cut."""
    for name, value in fields.items():
        setattr(struct, name, value)
        if isinstance(value, int) and getattr(struct, name) != value and isinstance(getattr(struct, name), int):
            raise InvalidArgumentError(f"{name} is {value}, which does not fit its field")
    return struct


def id_array(ids: Iterable[int]) -> Tuple[Any, int]:
    """Token ids as the library takes them: 32-bit."""
    numbers = array.array("i", ids)
    return (ctypes.c_int32 * len(numbers)).from_buffer(numbers) if numbers else None, len(numbers)


def text_view(text: bytes) -> Any:
    """A rustml_text; the caller keeps `text` alive."""
    return _raw.rustml_text(ptr=ctypes.cast(ctypes.c_char_p(text), ctypes.c_void_p), len=len(text))


def filled(kind: Any, function: Callable[..., int], *arguments: object, call: Optional[Limits] = None) -> Any:
    """Calls a function that fills (buf, capacity, needed) twice: an array of `kind`."""
    needed, buffer, capacity = ctypes.c_uint64(), None, 0
    while True:
        if call is not None:
            status = call.run(function, *arguments, buffer, capacity, needed)
        else:
            error = ctypes.c_void_p()
            status = function(*arguments, buffer, capacity, needed, error)
            settle(status, error)
        if status == _raw.RUSTML_OK and needed.value <= capacity:
            return buffer or (kind * 0)()
        capacity = needed.value
        buffer = (kind * capacity)()


def nanoseconds(seconds: float, name: str) -> int:
    """Seconds from a caller as int64 nanoseconds, saturating."""
    if math.isnan(seconds):
        raise InvalidArgumentError(f"{name} is not a number")
    return int(max(-(2.0**62), min(2.0**62, seconds * 1e9)))


def deadline(seconds: Optional[float], name: str = "timeout") -> int:
    """A timeout in seconds as an absolute time of the library's clock; 0: none."""
    if seconds is None:
        return 0
    moment: int = _library.load().rustml_deadline_after_ns(nanoseconds(seconds, name))
    return moment


_callbacks: Dict[int, "Callback"] = {}
_keys = itertools.count(1)


class Callback:
    """A Python function that the library calls. What it raises ends the call and is raised again after it."""

    def __init__(self, function: Callable[..., object]) -> None:
        self.function = function
        self.problem: Optional[BaseException] = None

    def struct(self, name: str, member: str, trampoline: Any, **fields: Any) -> Any:
        """The struct to pass to one call; the call drops it from the table through `destroy`."""
        key = next(_keys)
        _callbacks[key] = self
        return made(name, user_data=key, destroy=_destroys[name], **{member: trampoline}, **fields)

    def events(self) -> Any:
        return self.struct("rustml_callback", "on_event", _on_event)

    def settle(self) -> None:
        """After the call: raises what the function raised."""
        problem, self.problem = self.problem, None
        if problem is not None:
            raise problem

    def called(self, *arguments: object) -> int:
        try:
            answer = self.function(*arguments)
            return 0 if answer is None else operator.index(answer)  # type: ignore[arg-type]
        except BaseException as problem:  # nothing may leave through C; settle() raises it again
            self.problem = problem
            return -1


def _call_event(key: int, event: Any) -> int:
    return _callbacks[key].called(event.contents)


def _call_write(key: int, data: int, length: int) -> int:
    return _callbacks[key].called(ctypes.string_at(data, length))


def _call_read(key: int, offset: int, buffer: int, length: int) -> int:
    return _callbacks[key].called(offset, buffer, length)


def _destroy(key: int) -> None:
    _callbacks.pop(key, None)


_on_event = _raw.rustml_callback_on_event(_call_event)
sink_write = _raw.rustml_sink_write(_call_write)
reader_read = _raw.rustml_reader_read_at(_call_read)
_destroys = {"rustml_callback": _raw.rustml_callback_destroy(_destroy), "rustml_sink": _raw.rustml_sink_destroy(_destroy),
             "rustml_reader": _raw.rustml_reader_destroy(_destroy)}


_spare = threading.local()


def spare_cancel() -> CancelHandle:
    """A handle for calls of this thread that were given none, so that Ctrl-C can stop them."""
    handle: Optional[CancelHandle] = getattr(_spare, "handle", None)
    if handle is None or _spare.process != os.getpid():
        handle = _spare.handle = CancelHandle()
        _spare.process = os.getpid()
    if handle.triggered:
        try:
            handle.reset()
        except BusyError:  # a callback of the call that it is stopping
            return CancelHandle()
    return handle


class Limits:
    """Cancel handle, timeout and progress function of one long call. `progress(done, total)` is called a few times a second."""

    def __init__(self, cancel: Optional[CancelHandle], timeout: Optional[float], progress: Optional[Callable[[int, int], object]]) -> None:
        self._cancel = cancel or spare_cancel()
        self.struct = made("rustml_call_options", cancel=self._cancel._raw, deadline_ns=deadline(timeout))
        report = progress
        self._progress = None if report is None else Callback(lambda event: report(event.done, event.total))

    def run(self, function: Callable[..., int], *arguments: object, after: Callable[[], Any] = lambda: None, callback: Optional[Callback] = None) -> int:
        """The call, its status if that is no failure; then `after()`, still before a KeyboardInterrupt, so that no handle is lost."""
        with interruptible(self._cancel._raw):
            if self._progress is not None:  # every call gives its own back
                events = self._progress.events()
                self.struct.progress = ctypes.pointer(events)
            error = ctypes.c_void_p()
            status = function(*arguments, self.struct, error)
            settle(status, error, callback, self._progress)
            after()
            return status


def settle(status: int, error: ctypes.c_void_p, *callbacks: Optional[Callback]) -> None:
    """Raises what a callback raised, or else what the call returned."""
    failure = None if status in (_raw.RUSTML_OK, _raw.RUSTML_BUFFER_TOO_SMALL) else taken(status, error)
    for callback in callbacks:
        if callback is not None:
            callback.settle()
    if failure is not None:
        raise failure
