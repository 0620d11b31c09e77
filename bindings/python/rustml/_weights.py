"""What an open model can be asked: what it is, and its tokenizer."""

from __future__ import annotations

import ctypes
import dataclasses
import json
from typing import Any, Dict, Iterable, List, Optional, Sequence

from . import _library, _raw
from ._errors import check
from ._generation import Message, plain
from ._handles import CancelHandle, Handle, Limits, filled, id_array, made


@dataclasses.dataclass(frozen=True)
class ModelInfo:
    """Sizes in bytes unless named otherwise."""

    n_threads: int
    n_layers: int
    n_heads: int
    n_kv_heads: int
    head_dim: int
    hidden_dim: int
    ffn_dim: int
    vocab_size: int
    context_length: int
    n_parameters: int
    weight_bytes: int
    bytes_now: int
    bytes_peak: int
    n_tensors: int
    n_fused_qkv: int
    n_fused_gate_up: int
    n_quantized: int
    bos_id: int
    eos_id: int
    has_chat_template: bool
    n_sessions: int
    architecture: str
    name: str
    simd_target: str
    fingerprint: int


@dataclasses.dataclass(frozen=True)
class TokenInfo:
    flags: int
    score: float

    special = property(lambda self: bool(self.flags & _raw.RUSTML_TOKEN_SPECIAL), doc="Matched only as a whole.")
    byte = property(lambda self: bool(self.flags & _raw.RUSTML_TOKEN_BYTE), doc="Stands for one raw byte.")
    unknown = property(lambda self: bool(self.flags & _raw.RUSTML_TOKEN_UNKNOWN))
    stop = property(lambda self: bool(self.flags & _raw.RUSTML_TOKEN_STOP), doc="Ends an answer.")


class Weights(Handle):
    """What `Model` knows of itself."""

    _noun = "model"

    # --------------------------------------------------------------------------------------------------- facts

    @property
    def info(self) -> ModelInfo:
        out = made("rustml_model_info")
        check(_library.load().rustml_model_get_info, self._raw, out)
        values: Dict[str, Any] = {field.name: getattr(out, field.name) for field in dataclasses.fields(ModelInfo) if field.name != "fingerprint"}
        for name in ("architecture", "name", "simd_target"):
            values[name] = ctypes.string_at(values[name].ptr, values[name].len).decode("utf-8", "replace") if values[name].len else ""
        values["has_chat_template"] = bool(values["has_chat_template"])
        return ModelInfo(fingerprint=out.fingerprint_high << 64 | out.fingerprint_low, **values)

    def describe(self) -> Dict[str, Any]:
        """Everything known about the model: config, tensors, tokenizer, memory."""
        return json.loads(bytes(filled(ctypes.c_char, _library.load().rustml_model_describe_json, self._raw)))  # type: ignore[no-any-return]

    # ---------------------------------------------------------------------------------------------------- text

    def encode(self, text: str, *, add_special: bool = True, parse_special: bool = False, strict: bool = False,
               cancel: Optional[CancelHandle] = None, timeout: Optional[float] = None) -> List[int]:
        """Token ids of a text. `add_special` adds BOS where the model says so; `strict` refuses what the vocabulary has no token for."""
        data = text.encode()
        flags = _raw.RUSTML_ENCODE_ADD_SPECIAL * add_special | _raw.RUSTML_ENCODE_PARSE_SPECIAL * parse_special | _raw.RUSTML_ENCODE_STRICT * strict
        call = Limits(cancel, timeout, None)
        return list(filled(ctypes.c_int32, _library.load().rustml_model_encode, self._raw, data, len(data), flags, call=call))

    def decode_bytes(self, ids: Iterable[int], *, skip_special: bool = False) -> bytes:
        """The bytes behind token ids, as they are."""
        numbers, n = id_array(ids)
        return bytes(filled(ctypes.c_char, _library.load().rustml_model_decode, self._raw, numbers, n, _raw.RUSTML_DECODE_SKIP_SPECIAL * skip_special))

    def decode(self, ids: Iterable[int], *, skip_special: bool = False, errors: str = "replace") -> str:
        """The text of token ids; `errors` as for bytes.decode()."""
        return self.decode_bytes(ids, skip_special=skip_special).decode("utf-8", errors)

    def token_bytes(self, token_id: int) -> bytes:
        return bytes(filled(ctypes.c_uint8, _library.load().rustml_model_token_bytes, self._raw, token_id))

    def token_info(self, token_id: int) -> TokenInfo:
        out = made("rustml_token_info")
        check(_library.load().rustml_model_token_info, self._raw, token_id, out)
        return plain(out, TokenInfo)  # type: ignore[no-any-return]

    def chat_format(self, messages: Sequence[Message], *, add_generation_prompt: bool = True) -> str:
        """The text the model's chat template makes of the messages, for display. To generate, pass the messages to Session.chat."""
        data = json.dumps(list(messages)).encode()
        chat, call = made("rustml_chat_options", add_generation_prompt=add_generation_prompt), Limits(None, None, None)
        return bytes(filled(ctypes.c_char, _library.load().rustml_model_chat_format, self._raw, data, len(data), chat, call=call)).decode()
