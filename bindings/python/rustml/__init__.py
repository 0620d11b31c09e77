"""Run a language model inside your program, on its processor: librustml for Python.

    import rustml

    with rustml.Model.open("model.gguf") as model, model.session() as session:
        for chunk in session.generate("The capital of France is", max_tokens=32):
            print(chunk, end="", flush=True)

The library is found through RUSTML_LIBRARY (its path), in the package's folder, or by the system's loader, at the first call.
"""

from . import _library
from ._chat import Chat
from ._errors import (AbiMismatchError, BusyError, CallbackStopError, CancelledError, DataLossError, DeadlineExceededError, FailedPreconditionError,
                      ForkedError, InternalError, InvalidArgumentError, InvalidHandleError, NotFoundError, OutOfRangeError, PermissionDeniedError,
                      PoisonedError, ResourceExhaustedError, RustmlError, Status, UnavailableError, UnimplementedError)
from ._generation import Chunk, Deadline, Finish, Generation, GenerationOptions, Message, Prompt, Result, TokenLogprob
from ._handles import CancelHandle
from ._log import disable_logging, enable_logging
from ._model import Answer, MemoryPlan, Model, quantize
from ._raw import RUSTML_CALLBACK_STOP_ONE as STOP_ONE
from ._session import Beam, RestoreInfo, Session, SessionInfo, SnapshotInfo, probe_snapshot
from ._weights import ModelInfo, TokenInfo

__all__ = ["AbiMismatchError", "Answer", "Beam", "BusyError", "CallbackStopError", "CancelHandle", "CancelledError", "Chat", "Chunk", "DataLossError",
           "Deadline", "DeadlineExceededError", "FailedPreconditionError", "Finish", "ForkedError", "Generation", "GenerationOptions", "InternalError",
           "InvalidArgumentError", "InvalidHandleError", "MemoryPlan", "Message", "Model", "ModelInfo", "NotFoundError", "OutOfRangeError",
           "PermissionDeniedError", "PoisonedError", "Prompt", "ResourceExhaustedError", "RestoreInfo", "Result", "RustmlError", "STOP_ONE", "Session",
           "SessionInfo", "SnapshotInfo", "Status", "TokenInfo", "TokenLogprob", "UnavailableError", "UnimplementedError", "disable_logging",
           "enable_logging", "library_version", "probe_snapshot", "quantize"]


def library_version() -> str:
    """Of the library in use, for example "1.0.0"."""
    version: bytes = _library.load().rustml_version()
    return version.decode()
