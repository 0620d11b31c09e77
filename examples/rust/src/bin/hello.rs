use rustml::{GenerationOptions, Model};
use std::io::Write;

fn main() -> Result<(), rustml::Error> {
    let path = std::env::args().nth(1).expect("usage: hello MODEL.gguf");
    let mut session = Model::open(path)?.session()?;
    let options = GenerationOptions::new().max_tokens(16);
    for chunk in session.generate("The capital of France is", &options)? {
        print!("{}", chunk?);
        std::io::stdout().flush()?;
    }
    println!();
    Ok(())
}
