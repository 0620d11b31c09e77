//! Conversations that remember themselves.
use crate::{Chunk, Error, GenerationOptions, Message, Outcome, Prompt, Session};
use std::ops::ControlFlow;

/// A session and the messages in it. Each turn hands the whole conversation to the model's chat template; the session
/// evaluates only what is new.
///
/// ```no_run
/// use rustml::{Chat, GenerationOptions, Message, Model};
/// use std::ops::ControlFlow;
///
/// let session = Model::open("model.gguf")?.session()?;
/// let mut chat = Chat::new(session, [Message::system("Answer briefly.")]);
/// chat.send("What is the capital of France?", &GenerationOptions::new(), |chunk| {
///     print!("{chunk}");
///     ControlFlow::Continue(())
/// })?;
/// println!("{}", chat.messages().last().unwrap().content);
/// # Ok::<(), rustml::Error>(())
/// ```
#[derive(Debug)]
pub struct Chat {
    session: Session,
    messages: Vec<Message>,
}

impl Chat {
    /// Goes on from `messages`, of which there may be none.
    pub fn new(session: Session, messages: impl Into<Vec<Message>>) -> Self {
        Self { session, messages: messages.into() }
    }

    /// Says something as the user; each chunk of the answer goes to `on_chunk`, which ends it with `Break`. The answer joins
    /// the messages. After an error neither it nor what was said does.
    pub fn send(
        &mut self,
        text: impl Into<String>,
        options: &GenerationOptions,
        mut on_chunk: impl FnMut(&Chunk) -> ControlFlow<()>,
    ) -> Result<Outcome, Error> {
        let said = Message::user(text);
        let mut turns = self.messages.clone();
        turns.push(said);
        let mut answer = String::new();
        let prompt = Prompt::messages(&turns);
        let outcome = self.session.generate_with(prompt, options, |chunk| {
            answer += &chunk.text;
            on_chunk(&chunk)
        })?;
        turns.push(Message::assistant(answer));
        self.messages = turns;
        Ok(outcome)
    }

    /// All that was said.
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// The session, to save or to fork it.
    pub fn session(&mut self) -> &mut Session {
        &mut self.session
    }

    /// Both, apart.
    pub fn into_parts(self) -> (Session, Vec<Message>) {
        (self.session, self.messages)
    }
}
