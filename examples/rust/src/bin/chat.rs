//! chat MODEL.gguf: a conversation on the terminal, one line each; an empty one ends it.
use rustml::{GenerationOptions, Message, Model, Prompt};
use std::io::{BufRead, Write};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("usage: chat MODEL.gguf")?;
    let mut session = Model::open(path)?.session()?;
    let options = GenerationOptions::new().max_tokens(200);
    let mut messages = vec![Message::system("Answer briefly.")];
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        if line.is_empty() {
            break;
        }
        messages.push(Message::user(line));
        // The whole conversation each time: the session evaluates only what is new.
        let mut answer = String::new();
        for chunk in session.generate(Prompt::messages(&messages), &options)? {
            let chunk = chunk?;
            print!("{chunk}");
            std::io::stdout().flush()?;
            answer += &chunk.text;
        }
        println!();
        messages.push(Message::assistant(answer));
    }
    Ok(())
}
