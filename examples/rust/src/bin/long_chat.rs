//! long_chat MODEL.gguf CONTEXT: a conversation that goes on when the context is full, since the oldest turns are dropped; /undo
//! takes the last turn back.
use rustml::{
    CallOptions, Error, Finish, Generation, GenerationOptions, Message, Model, Session,
    SessionOptions,
};
use std::io::{BufRead, Write};

/// What the user said, and the answer.
type Turn = [Message; 2];

/// Begins the answer, and drops the oldest turns if the prompt leaves too little room for it: then so many that half of the
/// context is free, because what stays is evaluated again behind the system message. `Error::OutOfRange`: the question does not
/// fit even alone, and nothing is dropped.
fn answer(
    session: &mut Session,
    turns: &mut Vec<Turn>,
    question: &Message,
    context: u64,
) -> Result<Generation, Error> {
    let options = GenerationOptions::new().max_tokens(64);
    let mut most = context - context / 4;
    for first in 0.. {
        let alone = first == turns.len();
        let mut messages = vec![Message::system("Answer briefly.")];
        messages.extend(turns[first..].iter().flatten().cloned());
        messages.push(question.clone());
        match session.generate(&messages, &options) {
            Err(Error::OutOfRange(_)) if !alone => {}
            Err(error) => return Err(error),
            // The count is known before anything is evaluated.
            Ok(generation) if alone || generation.outcome()?.prompt_tokens <= most => {
                if first > 0 {
                    println!("(dropped {first} turns)");
                    turns.drain(..first);
                }
                return Ok(generation);
            }
            Ok(_) => {}
        }
        most = context / 2;
    }
    unreachable!("the question alone fits or is an error")
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [path, context] = arguments.as_slice() else {
        return Err("usage: long_chat MODEL.gguf CONTEXT".into());
    };
    let context: u64 = context.parse()?;
    let options = SessionOptions::new().context_tokens(context);
    let mut session = Model::open(path)?.session_with(&options, &CallOptions::new())?;
    let mut turns: Vec<Turn> = Vec::new();
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        if line == "/undo" {
            turns.pop(); // the next prompt parts from the session's tokens there, and the session goes back to there
            continue;
        }
        let question = Message::user(line);
        let mut generation = match answer(&mut session, &mut turns, &question, context) {
            Err(error @ Error::OutOfRange(_)) => {
                eprintln!("{error}; the conversation goes on without this message");
                continue;
            }
            other => other?,
        };
        let mut text = String::new();
        for chunk in &mut generation {
            let chunk = chunk?;
            text += &chunk.text;
            print!("{chunk}");
            std::io::stdout().flush()?;
        }
        turns.push([question, Message::assistant(text)]);
        let outcome = generation.outcome()?;
        println!(
            "\n({} of {} prompt tokens were known)",
            outcome.prefill_tokens_skipped, outcome.prompt_tokens
        );
        if outcome.finish == Some(Finish::ContextFull) {
            println!("(the context is full, so the answer ends here)");
        }
    }
    Ok(())
}
