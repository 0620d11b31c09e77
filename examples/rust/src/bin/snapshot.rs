//! snapshot MODEL.gguf save FILE "PROMPT": evaluates a prompt and saves the session.
//! snapshot MODEL.gguf load FILE: goes on from it, in another process, without evaluating the prompt again.
use rustml::{CallOptions, GenerationOptions, Model};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        [path, "save", file, prompt] => {
            let model = Model::open(path)?;
            let mut session = model.session()?;
            session.eval(&model.encode(prompt)?)?;
            session.save(file, &CallOptions::new())?;
            println!("saved {} tokens", session.info()?.position);
        }
        [path, "load", file] => {
            let mut session = Model::open(path)?.session()?;
            session.load(file, &CallOptions::new())?;
            // The whole context wanted: what the session holds is not evaluated again.
            let tokens = session.tokens()?;
            let options = GenerationOptions::new().max_tokens(32);
            let mut generation = session.generate(tokens, &options)?;
            for chunk in &mut generation {
                print!("{}", chunk?);
            }
            let outcome = generation.outcome()?;
            eprintln!(
                "\n{} of {} prompt tokens were not evaluated again",
                outcome.prefill_tokens_skipped, outcome.prompt_tokens
            );
        }
        _ => return Err("usage: snapshot MODEL.gguf save FILE \"PROMPT\" | load FILE".into()),
    }
    Ok(())
}
