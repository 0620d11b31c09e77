//! chat MODEL.gguf: a conversation on the terminal, one line each; an empty one ends it.
use rustml::{Chat, GenerationOptions, Message, Model};
use std::io::{BufRead, Write};
use std::ops::ControlFlow;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("usage: chat MODEL.gguf")?;
    let session = Model::open(path)?.session()?;
    let options = GenerationOptions::new().max_tokens(200);
    let mut chat = Chat::new(session, [Message::system("Answer briefly.")]);
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        if line.is_empty() {
            break;
        }
        chat.send(line, &options, |chunk| {
            print!("{chunk}");
            match std::io::stdout().flush() {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()), // nobody reads
            }
        })?;
        println!();
    }
    Ok(())
}
