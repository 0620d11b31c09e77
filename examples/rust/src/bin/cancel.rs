//! cancel MODEL.gguf "PROMPT" MILLISECONDS: another thread stops the answer; the session stays usable.
use rustml::{Error, GenerationOptions, Model};
use std::thread;
use std::time::Duration;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [path, prompt, milliseconds] = arguments.as_slice() else {
        return Err("usage: cancel MODEL.gguf \"PROMPT\" MILLISECONDS".into());
    };
    let pause = Duration::from_millis(milliseconds.parse()?);
    let mut session = Model::open(path)?.session()?;
    let options = GenerationOptions::new().ignore_eos(true); // until the context is full, or until it is stopped
    let mut generation = session.generate(prompt.as_str(), &options)?;
    let cancel = generation.cancel_handle();
    let stopper = thread::spawn(move || {
        thread::sleep(pause);
        cancel.cancel();
    });
    let stopped = generation.find_map(Result::err);
    let outcome = generation.outcome()?;
    match stopped {
        Some(Error::Cancelled(_)) => println!(
            "stopped after {} tokens, {:.1?} after the request",
            outcome.generated_tokens, outcome.stop_latency
        ),
        Some(error) => return Err(error.into()),
        None => println!("finished after {} tokens", outcome.generated_tokens),
    }
    stopper.join().unwrap();
    Ok(())
}
