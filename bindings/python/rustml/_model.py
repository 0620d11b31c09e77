"""Models: how one is opened, and several answers at once."""

from __future__ import annotations

import ctypes
import dataclasses
from typing import TYPE_CHECKING, Any, BinaryIO, Callable, Dict, List, Mapping, Optional, Sequence, Tuple, Type, TypeVar, Union

from . import _library, _raw
from ._errors import InvalidArgumentError, RustmlError, from_status
from ._generation import Chunk, GenerationOptions, Prompt, Result, choice, chunk_of, generation_struct, plain, prompt_struct, result_of
from ._handles import Callback, CancelHandle, Limits, made, settle, text_view
from ._interrupt import interruptible
from ._session import AnyPath, Progress, Session, path_bytes, reader_over, session_struct
from ._weights import Weights

if TYPE_CHECKING:
    from typing_extensions import Literal, TypedDict, Unpack

    from ._session import KvType

    class ModelOptions(TypedDict, total=False):
        n_threads: int
        quantize: Literal["auto", "keep", "q8_0", "q4_0"]
        quantize_min_dim: int
        warmup: bool
        check_tensors: bool
        memory_limit: int
        simd_target: str

    TypeName = Literal["f32", "f16", "bf16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0"]

M = TypeVar("M", bound="Model")
_QUANTIZE = {"auto": _raw.RUSTML_QUANTIZE_AUTO, "keep": _raw.RUSTML_QUANTIZE_KEEP, "q8_0": _raw.RUSTML_QUANTIZE_Q8_0, "q4_0": _raw.RUSTML_QUANTIZE_Q4_0}
_TYPES = {"f32": _raw.RUSTML_TYPE_F32, "f16": _raw.RUSTML_TYPE_F16, "bf16": _raw.RUSTML_TYPE_BF16, "q8_0": _raw.RUSTML_TYPE_Q8_0,
          "q5_1": _raw.RUSTML_TYPE_Q5_1, "q5_0": _raw.RUSTML_TYPE_Q5_0, "q4_1": _raw.RUSTML_TYPE_Q4_1, "q4_0": _raw.RUSTML_TYPE_Q4_0}
_NAMES = frozenset(["n_threads", "quantize", "quantize_min_dim", "warmup", "check_tensors", "memory_limit", "simd_target"])


@dataclasses.dataclass(frozen=True)
class MemoryPlan:
    """Bytes that a model and one session would take."""

    file_bytes: int
    weight_bytes: int
    scratch_bytes: int
    kv_bytes: int
    total_bytes: int
    context_tokens: int


@dataclasses.dataclass(frozen=True)
class Answer:
    """One answer of a batch."""

    text: str
    ids: List[int]
    result: Result
    error: Optional[RustmlError]
    """Why it was stopped, if it was."""


def model_struct(options: Mapping[str, Any]) -> Tuple[Any, bytes]:
    """A rustml_model_options and the text in it."""
    unknown = options.keys() - _NAMES
    if unknown:
        raise TypeError(f"unknown model option {sorted(unknown)[0]!r}")
    target = options.get("simd_target", "").encode()
    same = {name: options[name] for name in ("n_threads", "quantize_min_dim", "warmup", "check_tensors") if name in options}
    return made("rustml_model_options", quantize=choice("quantize", options.get("quantize", "auto"), _QUANTIZE), simd_target=text_view(target),
                memory_limit_bytes=options.get("memory_limit", 0), **same), target


class Model(Weights):
    """Weights and tokenizer, immutable: any number of threads and sessions may use one model.

    >>> with rustml.Model.open("model.gguf") as model, model.session() as session:
    ...     print(session.generate("Hello", max_tokens=20).read())
    """

    def __init__(self, value: Optional[int]) -> None:
        if not (value is None or isinstance(value, int)):  # a path, from those who expect a constructor
            raise TypeError("a model is made by Model.open(path), Model.from_bytes(data) or Model.from_file(file)")
        super().__init__(value)

    @classmethod
    def open(cls: Type[M], path: AnyPath, *, cancel: Optional[CancelHandle] = None, timeout: Optional[float] = None,
             progress: Optional[Progress] = None, **options: Unpack[ModelOptions]) -> M:
        """Reads a GGUF file, or a folder with config.json and SafeTensors.

        n_threads 0 takes the physical cores this process may use; quantize "auto" keeps the types of a GGUF file and makes Q8_0 of SafeTensors;
        memory_limit counts bytes of weights, scratch and all sessions. `progress(done, total)` hears of bytes; `timeout` is in seconds.
        """
        name = path_bytes(path)
        return cls._opened(options, (cancel, timeout, progress), _library.load().rustml_model_open, name, len(name))

    @classmethod
    def from_bytes(cls: Type[M], data: Union[bytes, bytearray, memoryview], *, cancel: Optional[CancelHandle] = None, timeout: Optional[float] = None,
                   progress: Optional[Progress] = None, **options: Unpack[ModelOptions]) -> M:
        """The same from a GGUF file in memory, which is needed only during the call."""
        data = data if isinstance(data, bytes) else bytes(memoryview(data))
        return cls._opened(options, (cancel, timeout, progress), _library.load().rustml_model_open_memory, data, len(data))

    @classmethod
    def from_file(cls: Type[M], file: BinaryIO, *, cancel: Optional[CancelHandle] = None, timeout: Optional[float] = None,
                  progress: Optional[Progress] = None, **options: Unpack[ModelOptions]) -> M:
        """The same from a binary file."""
        reader, callback = reader_over(file)
        return cls._opened(options, (cancel, timeout, progress), _library.load().rustml_model_open_reader, reader, callback=callback)

    @classmethod
    def _opened(cls: Type[M], options: Mapping[str, Any], limits: Tuple[Any, Any, Any], function: Callable[..., int], *arguments: object,
                callback: Optional[Callback] = None) -> M:
        struct, target = model_struct(options)
        out, model = ctypes.c_void_p(), cls(None)
        Limits(*limits).run(function, *arguments, struct, out, after=lambda: setattr(model, "_value", out.value), callback=callback)
        del target
        return model

    @staticmethod
    def plan(path: AnyPath, *, context_tokens: int = 0, kv_type: KvType = "f16", **options: Unpack[ModelOptions]) -> MemoryPlan:
        """What opening a model and one session would take; reads only the file's header."""
        name, out = path_bytes(path), made("rustml_memory_plan")
        struct, _ = model_struct(options)
        Limits(None, None, None).run(_library.load().rustml_model_plan, name, len(name), struct, session_struct(context_tokens, kv_type, 0, 0), out)
        return plain(out, MemoryPlan)  # type: ignore[no-any-return]

    def session(self, *, context_tokens: int = 0, kv_type: KvType = "f16", memory_limit: int = 0, prefill_chunk: int = 0,
                cancel: Optional[CancelHandle] = None, timeout: Optional[float] = None) -> Session:
        """A new conversation; see Session."""
        return Session(self, context_tokens=context_tokens, kv_type=kv_type, memory_limit=memory_limit, prefill_chunk=prefill_chunk, cancel=cancel,
                       timeout=timeout)

    # --------------------------------------------------------------------------------------------------- batch

    def generate_batch(self, prompts: Sequence[Prompt], options: Union[GenerationOptions, Sequence[GenerationOptions], None] = None, *,
                       on_chunk: Optional[Callable[[int, Chunk], object]] = None, context_tokens: int = 0, kv_type: KvType = "f16",
                       memory_limit: int = 0) -> List[Answer]:
        """One answer for each prompt, several at once, each exactly what it would be alone.

        `options` are those of Session.generate, for all prompts or a sequence with one for each. `on_chunk(index, chunk)` gets the chunks as they
        come and returns None or 0 to go on, STOP_ONE to end that answer, another number to end all (CallbackStopError). An answer that was
        cancelled or failed has its `error`; the others are not touched.
        """
        n = len(prompts)
        each: Sequence[GenerationOptions] = [options or {}] * n if options is None or isinstance(options, Mapping) else options
        if len(each) != n:
            raise InvalidArgumentError(f"options has {len(each)} items for {n} prompts")
        structs = (_raw.rustml_prompt * n)()
        kept: List[object] = []
        pointers = (ctypes.POINTER(_raw.rustml_generation_options) * n)()
        shared = CancelHandle()  # for Ctrl-C; one that was given is the caller's
        for index, (prompt, one) in enumerate(zip(prompts, each)):
            _library.load().rustml_prompt_init(structs[index], ctypes.sizeof(_raw.rustml_prompt))
            kept.append(prompt_struct(prompt, one, structs[index])[1])
            given: Dict[str, Any] = {"cancel": shared, **one, "progress": None}
            struct, held, _ = generation_struct(given)
            pointers[index] = ctypes.pointer(struct)
            kept += [struct, held]
        results = (_raw.rustml_result * n)(*[made("rustml_result") for _ in range(n)])
        texts: List[List[str]] = [[] for _ in range(n)]
        ids: List[List[int]] = [[] for _ in range(n)]
        messages: Dict[int, str] = {}

        def on_event(event: Any) -> object:
            if event.kind == _raw.RUSTML_EVENT_LOG:
                messages[event.sequence] = ctypes.string_at(event.text, event.text_len).decode()
            if event.kind not in (_raw.RUSTML_EVENT_TOKEN, _raw.RUSTML_EVENT_STOPPED):
                return None
            chunk = chunk_of(event)
            texts[event.sequence].append(chunk.text)
            if chunk.token_id is not None:
                ids[event.sequence].append(chunk.token_id)
            wanted = on_chunk is not None and (chunk.token_id is not None or chunk.text)
            return on_chunk(event.sequence, chunk) if wanted and on_chunk is not None else None

        callback, error = Callback(on_event), ctypes.c_void_p()
        session = session_struct(context_tokens, kv_type, memory_limit, 0)
        with interruptible(shared._raw):
            status = _library.load().rustml_generate_batch(self._raw, session, structs, pointers, n, callback.events(), results, error)
            settle(status, error, callback)
        del kept
        return [Answer("".join(texts[i]), ids[i], result_of(results[i]), failure(results[i].status, messages.get(i))) for i in range(n)]


def failure(status: int, message: Optional[str]) -> Optional[RustmlError]:
    return None if status == _raw.RUSTML_OK else from_status(status, message or "stopped")


def quantize(path: AnyPath, out_path: AnyPath, block_type: TypeName = "q8_0", *, cancel: Optional[CancelHandle] = None,
             timeout: Optional[float] = None, progress: Optional[Progress] = None) -> None:
    """Writes the model at `path` as one GGUF file with its matrices in another type. It appears whole or not at all."""
    source, target = path_bytes(path), path_bytes(out_path)
    options = made("rustml_quantize_options", block_type=choice("block_type", block_type, _TYPES))
    Limits(cancel, timeout, progress).run(_library.load().rustml_model_quantize, source, len(source), target, len(target), options)
