"""Sessions: tokens and KV cache of one conversation, and their snapshots."""

from __future__ import annotations

import array
import ctypes
import dataclasses
import io
import os
from typing import TYPE_CHECKING, Any, BinaryIO, Callable, Iterable, List, Mapping, Optional, Sequence, Tuple, Union

from . import _library, _raw
from ._errors import InvalidArgumentError, check
from ._generation import (ON_STOP, Finish, Generation, GenerationOptions, Message, Prompt, choice, generation_struct, limits, plain, prompt_struct,
                          text_of)
from ._handles import Callback, CancelHandle, Handle, Limits, filled, id_array, made, reader_read, settle, sink_write
from ._interrupt import interruptible
from ._weights import Weights

if TYPE_CHECKING:
    from typing_extensions import Literal, Unpack

    from ._generation import OnStop

    KvType = Literal["f32", "f16", "q8_0"]
    EarlyStopping = Union[bool, Literal["never"]]

Progress = Callable[[int, int], object]
AnyPath = Union[str, bytes, "os.PathLike[str]", "os.PathLike[bytes]"]
_KV_TYPES = {"f32": _raw.RUSTML_KV_F32, "f16": _raw.RUSTML_KV_F16, "q8_0": _raw.RUSTML_KV_Q8_0}
_KV_NAMES = {number: name for name, number in _KV_TYPES.items()}
_EARLY_STOPPING: Mapping[object, int] = {False: _raw.RUSTML_EARLY_STOPPING_HEURISTIC, True: _raw.RUSTML_EARLY_STOPPING_FIRST,
                                         "never": _raw.RUSTML_EARLY_STOPPING_NEVER}


@dataclasses.dataclass(frozen=True)
class SessionInfo:
    poisoned: bool
    position: int
    """Tokens in the session."""
    capacity: int
    """Tokens it can hold."""
    rewind_floor: int
    """Smallest position that rewind() accepts besides 0."""
    kv_bytes_reserved: int
    kv_bytes_used: int
    kv_type: str
    generation_open: bool


@dataclasses.dataclass(frozen=True)
class RestoreInfo:
    generation_open: bool
    """Session.resume() continues an answer that was open."""
    n_tokens: int
    tokens_reusable: int
    rewind_floor: int


@dataclasses.dataclass(frozen=True)
class SnapshotInfo:
    format_version: int
    total_bytes: int
    n_tokens: int
    model_fingerprint: int
    kv_type: str
    generation_open: bool


@dataclasses.dataclass(frozen=True)
class Beam:
    """One hypothesis of a beam search."""

    text: str
    ids: List[int]
    stop_id: Optional[int]
    """The stop token that ended it."""
    score: float
    """logprob / n ** length_penalty; n counts the stop token."""
    logprob: float
    finish: Finish


def path_bytes(path: AnyPath) -> bytes:
    name = os.fspath(path)
    return name if isinstance(name, bytes) else name.encode("utf-8", "surrogateescape")


def is_path(file: Any, method: str) -> bool:
    """False: a binary file with that method."""
    if isinstance(file, (str, bytes, os.PathLike)):
        return True
    if isinstance(file, io.TextIOBase):
        raise TypeError("the file is open as text; open it as binary")
    if not hasattr(file, method):
        raise TypeError(f"expected a path or a binary file, not {type(file).__name__}")
    return False


def session_struct(context_tokens: int, kv_type: str, memory_limit: int, prefill_chunk: int) -> Any:
    return made("rustml_session_options", context_tokens=context_tokens, kv_type=choice("kv_type", kv_type, _KV_TYPES), memory_limit_bytes=memory_limit,
                prefill_chunk=prefill_chunk)


def reader_over(file: BinaryIO) -> Tuple[Any, Callback]:
    """A rustml_reader of what follows in a file; one that cannot seek is read whole."""
    if is_path(file, "read"):
        raise TypeError(f"expected a binary file, not {type(file).__name__}")
    if not file.seekable():
        file = io.BytesIO(file.read())
    start = file.tell()
    size = file.seek(0, os.SEEK_END) - start

    def read_at(offset: int, buffer: int, length: int) -> int:
        file.seek(start + offset)
        while length:
            piece = file.read(length)
            if not piece:
                raise EOFError(f"the file has become shorter than {size} bytes")
            ctypes.memmove(buffer, piece, len(piece))
            buffer, length = buffer + len(piece), length - len(piece)
        return 0

    callback = Callback(read_at)
    return callback.struct("rustml_reader", "read_at", reader_read, size=size), callback


def probe_snapshot(file: Union[str, "os.PathLike[Any]", bytes, BinaryIO]) -> SnapshotInfo:
    """What a snapshot holds, from its header; no model is needed. `file` is a path, the bytes, or a binary file."""
    if isinstance(file, (str, os.PathLike)):
        with open(file, "rb") as opened:
            return probe_snapshot(opened)
    reader, callback = reader_over(io.BytesIO(file) if isinstance(file, (bytes, bytearray, memoryview)) else file)
    out, error = made("rustml_snapshot_info"), ctypes.c_void_p()
    settle(_library.load().rustml_snapshot_probe(reader, out, error), error, callback)
    return SnapshotInfo(out.format_version, out.total_bytes, out.n_tokens, out.model_fingerprint_high << 64 | out.model_fingerprint_low,
                        _KV_NAMES.get(out.kv_type, "?"), bool(out.generation_open))


class Session(Handle):
    """One conversation: one call at a time, from any thread; a second one at the same time raises BusyError.

    >>> with model.session() as session:
    ...     for chunk in session.generate("The capital of France is", max_tokens=16):
    ...         print(chunk, end="", flush=True)
    """

    _noun = "session"

    def __init__(self, model: Weights, *, context_tokens: int = 0, kv_type: KvType = "f16", memory_limit: int = 0, prefill_chunk: int = 0,
                 cancel: Optional[CancelHandle] = None, timeout: Optional[float] = None) -> None:
        """`context_tokens` 0: the smaller of the model's and 8192. `memory_limit` is in bytes, of the KV cache; 0: none."""
        super().__init__(None)
        options = session_struct(context_tokens, kv_type, memory_limit, prefill_chunk)
        self._model = model
        self._make(_library.load().rustml_session_create, model._raw, options, cancel=cancel, timeout=timeout)

    def _make(self, function: Callable[..., int], *arguments: object, cancel: Optional[CancelHandle], timeout: Optional[float]) -> None:
        out = ctypes.c_void_p()
        Limits(cancel, timeout, None).run(function, *arguments, out, after=lambda: setattr(self, "_value", out.value))

    @property
    def model(self) -> Weights:
        return self._model

    # ------------------------------------------------------------------------------------------------- tokens

    @property
    def info(self) -> SessionInfo:
        out = made("rustml_session_info")
        check(_library.load().rustml_session_get_info, self._raw, out)
        return plain(out, SessionInfo, poisoned=bool, generation_open=bool, kv_type=lambda number: _KV_NAMES.get(number, "?"))  # type: ignore[no-any-return]

    @property
    def position(self) -> int:
        """Tokens in the session."""
        return self.info.position

    @property
    def tokens(self) -> List[int]:
        return list(filled(ctypes.c_int32, _library.load().rustml_session_tokens, self._raw))

    @property
    def logits(self) -> array.array[float]:
        """`read_logits()` without limits."""
        return self.read_logits()

    def read_logits(self, *, cancel: Optional[CancelHandle] = None, timeout: Optional[float] = None,
                    progress: Optional[Progress] = None) -> array.array[float]:
        """Scores of every token of the vocabulary to come next. Evaluates the last token if that has not been done, as after an answer."""
        call = Limits(cancel, timeout, progress)
        return array.array("f", bytes(filled(ctypes.c_float, _library.load().rustml_session_logits, self._raw, call=call)))

    def eval(self, ids: Iterable[int], *, cancel: Optional[CancelHandle] = None, timeout: Optional[float] = None,
             progress: Optional[Progress] = None) -> None:
        """Appends and evaluates token ids. All or nothing: after any error the session is where it was."""
        numbers, n = id_array(ids)
        Limits(cancel, timeout, progress).run(_library.load().rustml_session_eval, self._raw, numbers, n)

    def rewind(self, n_tokens: int) -> None:
        """Keeps the first `n_tokens`."""
        if n_tokens < 0:
            raise InvalidArgumentError(f"n_tokens is {n_tokens}; it is at least 0")
        check(_library.load().rustml_session_rewind, self._raw, n_tokens)

    def reset(self) -> None:
        """Forgets all tokens."""
        check(_library.load().rustml_session_reset, self._raw)

    def fork(self, *, cancel: Optional[CancelHandle] = None, timeout: Optional[float] = None) -> Session:
        """An independent session with the same tokens and KV cache."""
        other = Session.__new__(Session)
        Handle.__init__(other, None)
        other._model = self._model
        other._make(_library.load().rustml_session_fork, self._raw, cancel=cancel, timeout=timeout)
        return other

    # ------------------------------------------------------------------------------------------------- answers

    def generate(self, prompt: Prompt, **options: Unpack[GenerationOptions]) -> Generation:
        """Starts an answer to `prompt`, greedy and until the context is full if nothing else is asked for.

        `prompt` is text, token ids, or the messages of a chat. Iterate over what comes back for its chunks, or read() it whole. Options are those
        of `GenerationOptions`; a bad one raises here. Ctrl-C, `cancel` and the timeouts are seen within milliseconds.
        """
        text, kept_prompt = prompt_struct(prompt, options)
        struct, kept, cancel = generation_struct(options)
        out = ctypes.c_void_p()
        check(_library.load().rustml_generation_start, self._raw, text, struct, out)
        del kept, kept_prompt  # copied by the library
        return Generation(out.value, cancel, options.get("progress"))

    def chat(self, messages: Sequence[Message], **options: Unpack[GenerationOptions]) -> Generation:
        """generate() for the messages of a chat: [{"role": "user", "content": "Hello"}, ...]."""
        if not messages:
            raise InvalidArgumentError("messages is empty")
        return self.generate(messages, **options)

    def resume(self, *, cancel: Optional[CancelHandle] = None, timeout: Optional[float] = None, first_token_timeout: Optional[float] = None,
               stall_timeout: Optional[float] = None) -> Generation:
        """Goes on with the answer that a restored snapshot carried, with the options it began with."""
        options: GenerationOptions = {"cancel": cancel, "timeout": timeout, "first_token_timeout": first_token_timeout, "stall_timeout": stall_timeout}
        struct, _, handle = generation_struct(options)
        out = ctypes.c_void_p()
        check(_library.load().rustml_generation_resume, self._raw, struct, out)
        return Generation(out.value, handle)

    def beam_search(self, prompt: Prompt, *, width: int = 4, n_best: int = 1, length_penalty: float = 1.0, early_stopping: EarlyStopping = False,
                    max_tokens: int = 0, stop_ids: Sequence[int] = (), ignore_eos: bool = False, on_stop: OnStop = "keep",
                    cancel: Optional[CancelHandle] = None, timeout: Optional[float] = None, progress: Optional[Progress] = None) -> List[Beam]:
        """The most probable answers instead of a sampled one, best first. The session then holds the best one."""
        text, kept = prompt_struct(prompt, {})
        ids, n = id_array(stop_ids)
        handle = cancel or CancelHandle()
        struct = made("rustml_beam_options", width=width, n_best=n_best, length_penalty=length_penalty, max_tokens=max_tokens, ignore_eos=ignore_eos,
                      stop_ids=ids, n_stop_ids=n, cancel=handle._raw, prefill_events=progress is not None, progress_events=progress is not None,
                      early_stopping=_EARLY_STOPPING[early_stopping], on_stop=choice("on_stop", on_stop, ON_STOP))
        limits(struct, {"timeout": timeout})
        beams: List[Beam] = []

        def on_event(event: Any) -> object:
            if event.kind != _raw.RUSTML_EVENT_BEAM:
                return progress(event.done, event.total) if progress is not None else None
            beams.append(Beam(text_of(event), event.ids[: event.n_ids], event.token_id if event.token_id >= 0 else None, event.score, event.logprob,
                              Finish(event.finish)))
            return None

        callback, error = Callback(on_event), ctypes.c_void_p()
        with interruptible(handle._raw):
            status = _library.load().rustml_beam_search(self._raw, text, struct, callback.events(), None, error)
            settle(status, error, callback)
        return beams

    # ------------------------------------------------------------------------------------------------- snapshots

    def snapshot(self, *, cancel: Optional[CancelHandle] = None, timeout: Optional[float] = None) -> bytes:
        """Everything needed to go on later, in another process or another language. Legal while an answer is open."""
        sink = io.BytesIO()
        self.save(sink, cancel=cancel, timeout=timeout)
        return sink.getvalue()

    def save(self, file: Union[AnyPath, BinaryIO], *, cancel: Optional[CancelHandle] = None, timeout: Optional[float] = None,
             progress: Optional[Progress] = None) -> None:
        """Writes a snapshot to a path (whole or not at all) or to a binary file."""
        run = Limits(cancel, timeout, progress).run
        if is_path(file, "write"):
            path = path_bytes(file)  # type: ignore[arg-type]
            run(_library.load().rustml_session_save, self._raw, path, len(path))
            return
        callback = Callback(lambda data: write_all(file, data))  # type: ignore[arg-type]
        run(_library.load().rustml_session_snapshot_write, self._raw, callback.struct("rustml_sink", "write", sink_write), callback=callback)

    def restore(self, data: Union[bytes, bytearray, memoryview], *, cancel: Optional[CancelHandle] = None, timeout: Optional[float] = None) -> RestoreInfo:
        """Replaces the session's content by a snapshot of the same model. All or nothing."""
        held = bytes(memoryview(data))
        return self._restored(Limits(cancel, timeout, None), _library.load().rustml_session_from_buffer,
                              ctypes.cast(ctypes.c_char_p(held), ctypes.POINTER(ctypes.c_uint8)), len(held))

    def load(self, file: Union[AnyPath, BinaryIO], *, cancel: Optional[CancelHandle] = None, timeout: Optional[float] = None,
             progress: Optional[Progress] = None) -> RestoreInfo:
        """restore() from a path or a binary file."""
        limits_of_call = Limits(cancel, timeout, progress)
        if is_path(file, "read"):
            path = path_bytes(file)  # type: ignore[arg-type]
            return self._restored(limits_of_call, _library.load().rustml_session_load, path, len(path))
        reader, callback = reader_over(file)  # type: ignore[arg-type]
        return self._restored(limits_of_call, _library.load().rustml_session_restore, reader, callback=callback)

    def _restored(self, call: Limits, function: Callable[..., int], *arguments: object, callback: Optional[Callback] = None) -> RestoreInfo:
        out = made("rustml_restore_info")
        call.run(function, self._raw, *arguments, out, callback=callback)
        return plain(out, RestoreInfo, generation_open=bool)  # type: ignore[no-any-return]


def write_all(file: BinaryIO, data: bytes) -> None:
    """A raw file may take less than it is given."""
    view = memoryview(data)
    while view:
        n = file.write(view)
        view = view[n if n is not None else len(view):]
