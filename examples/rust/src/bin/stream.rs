//! stream MODEL.gguf "PROMPT": prints the answer as it is made, sampled, and what it took.
use rustml::{GenerationOptions, Model};
use std::io::Write;
use std::time::Duration;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [path, prompt] = arguments.as_slice() else {
        return Err("usage: stream MODEL.gguf \"PROMPT\"".into());
    };
    let model = Model::open(path)?;
    let options = GenerationOptions::new()
        .max_tokens(100)
        .temperature(0.8)
        .top_p(0.95)
        .seed(1)
        .timeout(Duration::from_secs(30));
    let mut generation = model.session()?.generate(prompt.as_str(), &options)?;
    for chunk in &mut generation {
        print!("{}", chunk?);
        std::io::stdout().flush()?;
    }
    let outcome = generation.outcome()?;
    eprintln!(
        "\n{} tokens in {:.2?}, the first after {:.0?}",
        outcome.generated_tokens, outcome.decode, outcome.first_token
    );
    Ok(())
}
