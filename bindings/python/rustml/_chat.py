"""A chat that keeps its messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Optional

from ._generation import Chunk, GenerationOptions, Result
from ._session import Session

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Chat:
    """Messages and a session for them.

    >>> chat = rustml.Chat(session, system="Answer in one sentence.")
    >>> for chunk in chat.ask("Why is the sky blue?", max_tokens=60):
    ...     print(chunk, end="", flush=True)
    """

    def __init__(self, session: Session, system: Optional[str] = None) -> None:
        self.session = session
        self.messages: List[Dict[str, Any]] = [{"role": "system", "content": system}] if system is not None else []
        self.result: Optional[Result] = None
        """Of the last answer."""

    def ask(self, content: str, **options: Unpack[GenerationOptions]) -> Iterator[Chunk]:
        """Streams the answer to `content`, which joins the messages with as much of the answer as was taken. One that fails
        before its first token leaves the messages as they were."""
        question: Dict[str, Any] = {"role": "user", "content": content}
        pieces: List[str] = []
        started = False
        with self.session.chat([*self.messages, question], **options) as generation:
            try:
                for chunk in generation:
                    started = True
                    pieces.append(chunk.text)
                    yield chunk
            finally:
                self.result = generation.result
                if started:
                    self.messages += [question, {"role": "assistant", "content": "".join(pieces)}]
