//! overhead MODEL.gguf [TOKENS [ROUNDS [LIMIT]]]: time of a token through this crate beside the bare C calls, in turn. Ends with 1
//! if the crate takes more than LIMIT nanoseconds longer.
use rustml::{GenerationOptions, Model};
use rustml_sys::*;
use std::mem::{size_of, zeroed};
use std::ptr::null_mut;
use std::time::Instant;

const PROMPT: [i32; 4] = [5, 6, 7, 8];

/// Nanoseconds a token, the first left out: it has the prompt's time.
fn per_token(tokens: u64, mut next: impl FnMut() -> bool) -> f64 {
    assert!(next());
    let begin = Instant::now();
    while next() {}
    begin.elapsed().as_nanos() as f64 / (tokens - 1) as f64
}

unsafe fn bare(session: *mut rustml_session, tokens: u64) -> f64 {
    let mut prompt: rustml_prompt = zeroed();
    rustml_prompt_init(&mut prompt, size_of::<rustml_prompt>() as u32);
    (prompt.kind, prompt.ids, prompt.n_ids) = (RUSTML_PROMPT_IDS, PROMPT.as_ptr(), 4);
    let mut options: rustml_generation_options = zeroed();
    rustml_generation_options_init(&mut options, size_of::<rustml_generation_options>() as u32);
    (options.max_tokens, options.ignore_eos) = (tokens, 1);
    let mut generation = null_mut();
    let status = rustml_generation_start(session, &prompt, &options, &mut generation, null_mut());
    assert_eq!(status, RUSTML_OK);
    let mut event: rustml_event = zeroed();
    let time = per_token(tokens, || {
        event.struct_size = size_of::<rustml_event>() as u32;
        rustml_generation_next(generation, &mut event, null_mut()) == RUSTML_OK
    });
    rustml_generation_release(generation);
    rustml_session_reset(session, null_mut());
    time
}

fn crate_(session: &mut rustml::Session, tokens: u64) -> f64 {
    let options = GenerationOptions::new().max_tokens(tokens).ignore_eos(true);
    let mut generation = session.generate(PROMPT.as_slice(), &options).unwrap();
    let mut length = 0;
    let time = per_token(tokens, || match generation.next() {
        Some(chunk) => {
            length += chunk.unwrap().text.len();
            true
        }
        None => false,
    });
    assert!(length > 0);
    drop(generation);
    session.reset().unwrap();
    time
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let number = |i: usize, default| words.get(i).map_or(default, |word| word.parse().unwrap());
    let (tokens, rounds) = (number(1, 64), number(2, 15));
    let model = Model::open(&words[0]).unwrap();
    let mut session = model.session().unwrap();
    // The same model and size of session through the C API.
    let bare_session = unsafe {
        let (mut raw_model, mut raw) = (null_mut(), null_mut());
        let (path, len) = (words[0].as_ptr().cast(), words[0].len() as u64);
        let none = std::ptr::null();
        rustml_model_open(path, len, none, &mut raw_model, none.cast(), null_mut());
        rustml_session_create(raw_model, none.cast(), &mut raw, none.cast(), null_mut());
        raw
    };
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        without.push(unsafe { bare(bare_session, tokens) });
        with.push(crate_(&mut session, tokens));
    }
    let limit = words.get(3).map_or(f64::INFINITY, |word| word.parse().unwrap());
    let (without, with) = (median(&mut without), median(&mut with));
    println!(
        "bare C {without:.0} ns a token, rustml {with:.0} ns: {:+.2} %",
        (with / without - 1.0) * 100.0
    );
    std::process::exit(i32::from(with - without > limit));
}
