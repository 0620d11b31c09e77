"""Prompts, options, and answers as they come."""

from __future__ import annotations

import ctypes
import dataclasses
import enum
import json
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple, Union

from . import _library, _raw
from ._errors import InvalidArgumentError, taken
from ._handles import CancelHandle, Handle, deadline, id_array, made, nanoseconds, text_view
from ._interrupt import interruptible
from ._options import GenerationNumbers

if TYPE_CHECKING:
    from typing_extensions import Literal

    OnStop = Literal["keep", "rollback"]

Message = Mapping[str, Any]
"""One message of a chat in the OpenAI shape: {"role": "user", "content": "Hello"}."""

Prompt = Union[str, Sequence[int], Sequence[Message]]
"""The whole context wanted: text, token ids, or messages of a chat. What a session holds of it already is not evaluated again."""


class Finish(enum.IntEnum):
    """Why an answer ended."""

    NONE = _raw.RUSTML_FINISH_NONE
    STOP_TOKEN = _raw.RUSTML_FINISH_STOP_TOKEN
    STOP_STRING = _raw.RUSTML_FINISH_STOP_STRING
    LENGTH = _raw.RUSTML_FINISH_LENGTH
    CONTEXT_FULL = _raw.RUSTML_FINISH_CONTEXT_FULL
    CANCELLED = _raw.RUSTML_FINISH_CANCELLED
    DEADLINE = _raw.RUSTML_FINISH_DEADLINE
    CALLBACK = _raw.RUSTML_FINISH_CALLBACK
    CLOSED = _raw.RUSTML_FINISH_CLOSED
    ERROR = _raw.RUSTML_FINISH_ERROR


class Deadline(enum.IntEnum):
    """Which time limit passed."""

    NONE = _raw.RUSTML_DEADLINE_NONE
    TOTAL = _raw.RUSTML_DEADLINE_TOTAL
    FIRST_TOKEN = _raw.RUSTML_DEADLINE_FIRST_TOKEN
    STALL = _raw.RUSTML_DEADLINE_STALL
    BY_CANCEL = _raw.RUSTML_DEADLINE_BY_CANCEL


class TokenLogprob(NamedTuple):
    token_id: int
    logprob: float


class Chunk(NamedTuple):
    """One token of an answer. `str(chunk)` is its text."""

    text: str
    """Whole characters; may be empty while a character or a possible stop string is unfinished."""
    token_id: Optional[int]
    """None in a last chunk that brings text held back until then."""
    bytes: bytes
    """The token's own bytes; may end inside a character."""
    position: int
    logprob: float
    """NaN unless `logprobs` was given."""
    top: Tuple[TokenLogprob, ...]
    """The most probable tokens, best first; as many as `logprobs`."""

    def __str__(self) -> str:
        return self.text


@dataclasses.dataclass(frozen=True)
class Result:
    """What an answer took and how it ended."""

    status: int
    finish: Finish
    deadline: Deadline
    cancel_reason: int
    callback_value: int
    prompt_tokens: int
    generated_tokens: int
    tokens_committed: int
    prefill_tokens_skipped: int
    dropped_bytes: int
    first_token_seconds: float
    prefill_seconds: float
    decode_seconds: float
    peak_memory_bytes: int
    stop_latency_ns: int
    pieces_after_stop: int
    drafted_tokens: int
    accepted_tokens: int


class GenerationOptions(GenerationNumbers, total=False):
    """Keyword arguments of `Session.generate`; every one has a default. Keep a set of them as a dict and pass it with `**`."""

    logit_bias: Mapping[int, float]  # added to the logits of these tokens; -math.inf forbids one
    stop: Union[str, Sequence[str]]  # ends the answer; the text of it is not delivered
    stop_ids: Sequence[int]  # besides the model's own
    on_stop: OnStop  # "keep" (default) what was generated in the session, or "rollback" to where it was
    cancel: Optional[CancelHandle]
    timeout: Optional[float]  # seconds for the whole answer
    first_token_timeout: Optional[float]  # seconds until the first token
    stall_timeout: Optional[float]  # longest time without progress
    progress: Optional[Callable[[int, int], object]]  # called with prompt tokens done and in all
    parse_special: bool  # text of special tokens in a text prompt becomes those tokens
    add_bos: bool  # a text prompt begins with BOS where the model says so (default)
    add_generation_prompt: bool  # a chat ends with the opening of the assistant's turn (default)


ON_STOP = {"keep": _raw.RUSTML_ON_STOP_KEEP, "rollback": _raw.RUSTML_ON_STOP_ROLLBACK}


def choice(name: str, value: object, choices: Mapping[str, int]) -> int:
    """The number behind a word."""
    if value not in choices:
        raise InvalidArgumentError(f"{name} is {value!r}; it may be {', '.join(map(repr, choices))}")
    return choices[str(value)]


def prompt_struct(prompt: Prompt, options: Mapping[str, Any], struct: Any = None) -> Tuple[Any, List[object]]:
    """A rustml_prompt and what must stay alive while it is used."""
    struct = made("rustml_prompt") if struct is None else struct
    if isinstance(prompt, str) or (len(prompt) > 0 and isinstance(prompt[0], Mapping)):
        text = (prompt if isinstance(prompt, str) else json.dumps(list(prompt))).encode()
        struct.kind = _raw.RUSTML_PROMPT_TEXT if isinstance(prompt, str) else _raw.RUSTML_PROMPT_MESSAGES
        struct.text = text_view(text)
        if isinstance(prompt, str):
            struct.flags = (_raw.RUSTML_PROMPT_PARSE_SPECIAL if options.get("parse_special") else 0) | (
                0 if options.get("add_bos", True) else _raw.RUSTML_PROMPT_NO_BOS)
            return struct, [text]
        chat = made("rustml_chat_options", add_generation_prompt=bool(options.get("add_generation_prompt", True)))
        struct.chat = ctypes.pointer(chat)
        return struct, [text, chat]
    ids, n = id_array(prompt)  # type: ignore[arg-type]
    struct.kind, struct.ids, struct.n_ids = _raw.RUSTML_PROMPT_IDS, ctypes.cast(ids, type(struct.ids)) if n else None, n
    return struct, [ids]


def generation_struct(options: Mapping[str, Any]) -> Tuple[Any, List[object], CancelHandle]:
    """A rustml_generation_options, what must stay alive while it is used, and the cancel handle in it."""
    unknown = options.keys() - GenerationOptions.__annotations__.keys()
    if unknown:
        raise TypeError(f"unknown generation option {sorted(unknown)[0]!r}")
    cancel: CancelHandle = options.get("cancel") or CancelHandle()
    struct = made("rustml_generation_options", cancel=cancel._raw, prefill_events=options.get("progress") is not None,
                  **{name: options[name] for name in GenerationNumbers.__annotations__.keys() & options.keys()})
    kept: List[object] = [cancel]
    bias = options.get("logit_bias")
    if bias:
        pairs = (_raw.rustml_logit_bias * len(bias))(*bias.items())
        struct.logit_bias, struct.n_logit_bias = pairs, len(bias)
        kept.append(pairs)
    stops = options.get("stop") or ()
    if isinstance(stops, str):
        stops = [stops]
    if stops:
        texts = [stop.encode() for stop in stops]
        views = (_raw.rustml_text * len(texts))(*map(text_view, texts))
        struct.stop_strings, struct.n_stop_strings = views, len(texts)
        kept += [texts, views]
    if options.get("stop_ids"):
        ids, n = id_array(options["stop_ids"])
        struct.stop_ids, struct.n_stop_ids = ctypes.cast(ids, type(struct.stop_ids)), n
        kept.append(ids)
    struct.on_stop = choice("on_stop", options.get("on_stop", "keep"), ON_STOP)
    limits(struct, options)
    return struct, kept, cancel


def limits(struct: Any, options: Mapping[str, Any]) -> None:
    """The three time limits of generations and beam searches."""
    struct.deadline_ns = deadline(options.get("timeout"))
    struct.first_token_deadline_ns = deadline(options.get("first_token_timeout"), "first_token_timeout")
    stall = options.get("stall_timeout")
    if stall is not None:
        if not stall > 0:
            raise InvalidArgumentError(f"stall_timeout is {stall}; it is more than 0 seconds")
        struct.stall_timeout_ns = max(1, nanoseconds(stall, "stall_timeout"))


def plain(struct: Any, kind: Callable[..., Any], **changes: Callable[[Any], Any]) -> Any:
    """An output struct as a dataclass with fields of the same names."""
    values: Dict[str, Any] = {field.name: getattr(struct, field.name) for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    return kind(**{name: changes[name](value) if name in changes else value for name, value in values.items()})


def result_of(struct: Any) -> Result:
    return plain(struct, Result, finish=Finish, deadline=Deadline)  # type: ignore[no-any-return]


def text_of(event: Any) -> str:
    n = event.text_len
    return ctypes.string_at(event.text, n).decode() if n else ""


def chunk_of(event: Any) -> Chunk:
    top: Tuple[TokenLogprob, ...] = ()
    if event.n_top:
        top = tuple(TokenLogprob(one.id, one.logprob) for one in event.top[: event.n_top])
    n = event.bytes_len
    return Chunk(text_of(event), event.token_id if event.kind == _raw.RUSTML_EVENT_TOKEN else None, ctypes.string_at(event.bytes, n) if n else b"",
                 event.position, event.logprob, top)


class Generation(Handle):
    """An answer as it is produced: iterate over it for its chunks. Made by `Session.generate`.

    It is over when its last chunk was taken, when it is closed, and when nothing refers to it any more, as after a `break`. Until
    then the session can be looked at and saved, but not changed.
    """

    _noun = "generation"

    def __init__(self, value: Optional[int], cancel: CancelHandle, progress: Optional[Callable[[int, int], object]] = None) -> None:
        super().__init__(value)
        self._cancel, self._progress = cancel, progress
        self._event = made("rustml_event")
        self._error = ctypes.c_void_p()
        self._next = _library.load().rustml_generation_next
        self._result: Optional[Result] = None
        self._started = False

    def __iter__(self) -> Iterator[Chunk]:
        return self

    def __next__(self) -> Chunk:
        event = self._event
        while True:
            if self._started:
                status = self._next(self._value, event, self._error)
            else:
                with interruptible(self._cancel._value):  # the prompt may take long, a token does not
                    status = self._next(self._value, event, self._error)
            if status:
                raise StopIteration if status == _raw.RUSTML_DONE or self._value is None else taken(status, self._error)
            if event.kind == _raw.RUSTML_EVENT_TOKEN:
                self._started = True
                return chunk_of(event)
            if event.kind == _raw.RUSTML_EVENT_STOPPED and event.text_len:
                return chunk_of(event)
            if event.kind == _raw.RUSTML_EVENT_PREFILL and self._progress is not None:
                self._progress(event.done, event.total)

    def read(self) -> str:
        """The text of all that is still to come."""
        return "".join([chunk.text for chunk in self])

    def cancel(self) -> None:
        """Stops it from any thread: the iteration raises CancelledError. Triggers the handle it was given, if it was given one."""
        self._cancel.cancel()

    @property
    def result(self) -> Result:
        """Counts, times and why it ended; complete when the iteration is over. Stays after close()."""
        if self._value:
            self._result = self._fetch()
        assert self._result is not None
        return self._result

    def _fetch(self) -> Result:
        out, error = made("rustml_result"), ctypes.c_void_p()
        status = _library.load().rustml_generation_result(self._raw, out, error)
        if status:
            raise taken(status, error)
        return result_of(out)

    def close(self) -> None:
        """Ends it as `on_stop` says."""
        if self._value:
            library = _library.load()
            library.rustml_generation_stop(self._value, None)
            try:
                self._result = self._fetch()
            except Exception:  # a child of fork() may not ask any more
                self._result = None
        super().close()
