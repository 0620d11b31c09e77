//! What an answer continues.
use crate::ffi;
use rustml_sys::*;

/// One turn of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Message {
    /// `system`, `user`, `assistant`, or what else the model's chat template knows.
    pub role: String,
    /// Plain text: text of special tokens stays text.
    pub content: String,
}

impl Message {
    /// A turn of any role.
    pub fn new(role: impl Into<String>, content: impl Into<String>) -> Self {
        Self { role: role.into(), content: content.into() }
    }

    /// What the model is told beforehand.
    pub fn system(content: impl Into<String>) -> Self {
        Self::new("system", content)
    }

    /// What the user says.
    pub fn user(content: impl Into<String>) -> Self {
        Self::new("user", content)
    }

    /// What the model said.
    pub fn assistant(content: impl Into<String>) -> Self {
        Self::new("assistant", content)
    }
}

/// The messages as the JSON array that the library takes.
pub(crate) fn json(messages: &[Message]) -> String {
    fn quote(text: &str, out: &mut String) {
        out.push('"');
        for character in text.chars() {
            match character {
                '"' | '\\' => out.extend(['\\', character]),
                control if control < ' ' => out.push_str(&format!("\\u{:04x}", control as u32)),
                other => out.push(other),
            }
        }
        out.push('"');
    }
    let mut out = String::from("[");
    for message in messages {
        out.push_str(if out.len() == 1 { "{\"role\":" } else { ",{\"role\":" });
        quote(&message.role, &mut out);
        out.push_str(",\"content\":");
        quote(&message.content, &mut out);
        out.push('}');
    }
    out.push(']');
    out
}

#[derive(Clone, Debug)]
enum Kind {
    Text(String),
    Ids(Vec<i32>),
    Messages(String),
}

/// The whole context wanted: text, tokens or a conversation. What it shares with the session's tokens is not evaluated again.
///
/// ```
/// use rustml::{Message, Prompt};
/// let text: Prompt = "Once upon a time".into();
/// let ids: Prompt = vec![1, 2, 3].into();
/// let chat: Prompt = [Message::system("Answer briefly."), Message::user("Who are you?")].into();
/// ```
#[derive(Clone, Debug)]
pub struct Prompt {
    kind: Kind,
    flags: u32,
    add_generation_prompt: bool,
}

impl Prompt {
    fn new(kind: Kind) -> Self {
        Self { kind, flags: 0, add_generation_prompt: true }
    }

    /// Plain text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::new(Kind::Text(text.into()))
    }

    /// Tokens.
    pub fn ids(ids: impl Into<Vec<i32>>) -> Self {
        Self::new(Kind::Ids(ids.into()))
    }

    /// A conversation, put into the model's own form by its chat template.
    pub fn messages(messages: &[Message]) -> Self {
        Self::messages_json(json(messages))
    }

    /// A conversation as JSON in the OpenAI shape: `[{"role": …, "content": …}, …]`.
    pub fn messages_json(json: impl Into<String>) -> Self {
        Self::new(Kind::Messages(json.into()))
    }

    /// In a text: text of special tokens becomes those tokens.
    #[must_use]
    pub fn parse_special(mut self) -> Self {
        self.flags |= RUSTML_PROMPT_PARSE_SPECIAL;
        self
    }

    /// Before a text: no BOS token, even where the model's file asks for one.
    #[must_use]
    pub fn no_bos(mut self) -> Self {
        self.flags |= RUSTML_PROMPT_NO_BOS;
        self
    }

    /// After a conversation: whether the assistant's turn is opened; it is by default.
    #[must_use]
    pub fn add_generation_prompt(mut self, on: bool) -> Self {
        self.add_generation_prompt = on;
        self
    }

    /// A raw prompt that points into `self` and `chat`.
    pub(crate) fn raw(&self, chat: &rustml_chat_options) -> rustml_prompt {
        let mut raw = ffi::defaults(rustml_prompt_init);
        raw.flags = self.flags;
        match &self.kind {
            Kind::Text(text) => (raw.kind, raw.text) = (RUSTML_PROMPT_TEXT, ffi::text(text)),
            Kind::Ids(ids) => {
                raw.kind = RUSTML_PROMPT_IDS;
                (raw.ids, raw.n_ids) = (ids.as_ptr(), ids.len() as u64);
            }
            Kind::Messages(json) => {
                (raw.kind, raw.text) = (RUSTML_PROMPT_MESSAGES, ffi::text(json));
                raw.chat = chat;
            }
        }
        raw
    }

    pub(crate) fn chat(&self) -> rustml_chat_options {
        chat_options(self.add_generation_prompt)
    }
}

pub(crate) fn chat_options(add_generation_prompt: bool) -> rustml_chat_options {
    let mut chat = ffi::defaults(rustml_chat_options_init);
    chat.add_generation_prompt = add_generation_prompt.into();
    chat
}

impl From<&str> for Prompt {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<String> for Prompt {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

impl From<&[i32]> for Prompt {
    fn from(ids: &[i32]) -> Self {
        Self::ids(ids)
    }
}

impl From<Vec<i32>> for Prompt {
    fn from(ids: Vec<i32>) -> Self {
        Self::ids(ids)
    }
}

impl From<&[Message]> for Prompt {
    fn from(messages: &[Message]) -> Self {
        Self::messages(messages)
    }
}

impl From<&Vec<Message>> for Prompt {
    fn from(messages: &Vec<Message>) -> Self {
        Self::messages(messages)
    }
}

impl<const N: usize> From<[Message; N]> for Prompt {
    fn from(messages: [Message; N]) -> Self {
        Self::messages(&messages)
    }
}
