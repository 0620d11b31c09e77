//! Sessions: text and tokens, rewind, fork, snapshots, batches.
mod common;
use common::*;
use rustml::*;
use std::io::Cursor;
use std::ops::ControlFlow;

#[test]
fn text_and_tokens() {
    let model = model();
    let ids = model.encode("The capital of France is").unwrap();
    assert_eq!(model.decode(&ids).unwrap(), b"The capital of France is");
    let long = "word ".repeat(10_000);
    assert_eq!(model.decode_text(&model.encode(&long).unwrap()).unwrap(), long);
    assert!(model.token_info(2).unwrap().special);
    assert_eq!(model.token_bytes(ids[0]).unwrap(), b"The");
    let error = model.decode(&[331]).unwrap_err();
    assert!(error.to_string().contains("331"), "{error}");
    let messages = [Message::user("a \"b\" \\ \n\u{1} ☃ <|im_end|>")];
    let formatted = model.chat_format(&messages, true).unwrap();
    assert!(formatted.contains(&messages[0].content), "{formatted}");
    let described = model.describe_json().unwrap();
    assert!(described.starts_with('{') && described.contains("llama"));
    assert_eq!(model.info().unwrap().architecture, "llama");
    assert!(build_json().starts_with('{') && !version().is_empty());
}

#[test]
fn ways_to_open() {
    let path = data("architectures/llama.gguf");
    let (none, call) = (ModelOptions::new(), CallOptions::new());
    let expected = answer(&Model::open(&path).unwrap(), 8);
    let bytes = std::fs::read(&path).unwrap();
    assert_eq!(answer(&Model::open_bytes(&bytes, &none, &call).unwrap(), 8), expected);
    let file = std::fs::File::open(&path).unwrap();
    assert_eq!(answer(&Model::open_reader(file, &none, &call).unwrap(), 8), expected);
    let plan = Model::plan(&path, &none, &SessionOptions::new(), &call).unwrap();
    assert!(plan.total_bytes >= plan.weight_bytes && plan.weight_bytes > 0);
    assert!(matches!(Model::open("absent.gguf"), Err(Error::NotFound(_))));
    let error: std::io::Error = Model::open("absent.gguf").unwrap_err().into();
    assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
    let small = data("base_f32.gguf");
    let out = std::env::temp_dir().join(format!("rustml-{}.gguf", std::process::id()));
    Model::quantize(&small, &out, BlockType::Q8_0, &call).unwrap();
    let sizes = [&small, &out].map(|path| std::fs::metadata(path).unwrap().len());
    std::fs::remove_file(&out).unwrap();
    assert!(sizes[1] < sizes[0], "{sizes:?}");
}

#[test]
fn logprobs_bias_and_events() {
    let model = model();
    let mut session = model.session().unwrap();
    let first = answer(&model, 1)[0];
    let o = options(2).logprobs(3).logit_bias(first, f32::NEG_INFINITY).prefill_events(true);
    let mut generation = session.generate(PROMPT.as_slice(), &o).unwrap();
    let Some(Ok(Event::Prefill(progress))) = generation.next_event() else { panic!() };
    assert_eq!(progress.total, PROMPT.len() as u64);
    let chunk = generation.next().unwrap().unwrap();
    assert_ne!(chunk.token, Some(first));
    assert_eq!((chunk.top.len(), chunk.position), (3, PROMPT.len() as u64));
    assert!(chunk.logprob.unwrap() <= chunk.top[0].logprob && chunk.top[0].logprob < 0.0);
    let last = generation.last().unwrap().unwrap();
    assert_eq!(last.finish, Some(Finish::Length));
    // Scores of the last position agree with the first log probability without a bias.
    session.reset().unwrap();
    session.eval(&PROMPT).unwrap();
    let logits = session.logits().unwrap();
    let best = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    assert_eq!(logits.iter().position(|&logit| logit == best), Some(first as usize));
}

#[test]
fn chats_remember_what_was_said() {
    let model = model();
    let mut chat = Chat::new(model.session().unwrap(), [Message::system("Be brief.")]);
    let go_on = |_: &Chunk| ControlFlow::Continue(());
    chat.send("What is the answer?", &options(6), go_on).unwrap();
    let turns = [Message::system("Be brief."), Message::user("What is the answer?")];
    assert_eq!(chat.messages()[..2], turns);
    let generation = model.session().unwrap().generate(turns, &options(6)).unwrap();
    assert_eq!(chat.messages()[2], Message::assistant(generation.into_text().unwrap()));
    // Only the second turn is new; a failed one leaves no trace.
    let outcome = chat.send("Why?", &options(2), go_on).unwrap();
    assert!(outcome.prefill_tokens_skipped > 20);
    let late = options(2).timeout(std::time::Duration::ZERO);
    assert!(matches!(chat.send("Now?", &late, go_on), Err(Error::DeadlineExceeded(_))));
    assert_eq!(chat.messages().len(), 5);
}

#[test]
fn rewind_and_fork() {
    let model = model();
    let expected = answer(&model, 12);
    let mut session = model.session().unwrap();
    session.eval(&PROMPT[..3]).unwrap();
    let mut fork = session.fork().unwrap();
    fork.eval(&[9, 9, 9]).unwrap();
    assert_eq!(session.tokens().unwrap(), PROMPT[..3]);
    fork.rewind(3).unwrap();
    for session in [&mut session, &mut fork] {
        let mut generation = session.generate(PROMPT.as_slice(), &options(12)).unwrap();
        assert_eq!(ids(&mut generation), expected);
        assert!(generation.outcome().unwrap().prefill_tokens_skipped >= 2);
    }
    assert!(matches!(fork.rewind(1000), Err(Error::OutOfRange(_))));
}

#[test]
fn snapshots_continue_with_the_same_tokens() {
    let model = model();
    let o = options(24).temperature(0.9).seed(5);
    let mut session = model.session().unwrap();
    let expected = ids(session.generate(PROMPT.as_slice(), &o).unwrap());
    session.reset().unwrap();
    let mut generation = session.generate(PROMPT.as_slice(), &o).unwrap();
    let begun = ids(generation.by_ref().take(10));
    let bytes = session.snapshot().unwrap();
    drop(generation);

    let mut written = Vec::new();
    let mut copy = model.session().unwrap();
    copy.restore(&bytes).unwrap();
    copy.snapshot_to(&mut written, &CallOptions::new()).unwrap();
    assert_eq!(written.len() as u64, copy.snapshot_size().unwrap());
    let info = SnapshotInfo::of(&bytes).unwrap();
    assert_eq!(info.model, model.info().unwrap().fingerprint);
    assert!(info.generation_open && info.total_bytes == bytes.len() as u64);

    let path = std::env::temp_dir().join(format!("rustml-{}.snapshot", std::process::id()));
    copy.restore(&bytes).unwrap();
    copy.save(&path, &CallOptions::new()).unwrap();
    type Restore<'a> = Box<dyn Fn(&mut Session) -> Result<Restored, Error> + 'a>;
    let ways: [Restore<'_>; 4] = [
        Box::new(|s| s.restore(&bytes)),
        Box::new(|s| s.restore_from(bytes.as_slice())),
        Box::new(|s| s.restore_seek(Cursor::new(&bytes), &CallOptions::new())),
        Box::new(|s| s.load(&path, &CallOptions::new())),
    ];
    for restore in ways {
        let mut session = model.session().unwrap();
        let restored = restore(&mut session).unwrap();
        assert!(restored.generation_open && restored.n_tokens == info.n_tokens);
        let tail = ids(session.resume(&GenerationOptions::new()).unwrap());
        assert_eq!([begun.clone(), tail].concat(), expected);
    }
    std::fs::remove_file(&path).unwrap();
    let mut session = model.session().unwrap();
    assert!(matches!(session.restore(&bytes[..bytes.len() - 1]), Err(Error::DataLoss(_))));
}

#[test]
fn batches_say_how_each_one_ended() {
    let model = model();
    let expected = answer(&model, 6);
    let late = options(6).timeout(std::time::Duration::ZERO);
    let cancel = CancelHandle::new().unwrap();
    cancel.cancel();
    let requests = [
        (Prompt::ids(PROMPT), options(6)),
        (Prompt::ids(PROMPT), late),
        (Prompt::ids(PROMPT), options(6)),
        (Prompt::ids(PROMPT), options(6).cancel(&cancel)),
    ];
    let mut seen = vec![Vec::new(); requests.len()];
    let results = model.generate_batch(&SessionOptions::new(), &requests, |i, chunk| {
        if chunk.finish.is_none() {
            seen[i].extend(chunk.token);
        }
        if i == 2 && seen[i].len() == 2 {
            return BatchFlow::StopOne;
        }
        BatchFlow::Continue
    });
    let results = results.unwrap();
    assert_eq!(results[0].as_ref().unwrap().finish, Some(Finish::Length));
    assert!(matches!(&results[1], Err(Error::DeadlineExceeded(d)) if !d.message.is_empty()));
    assert_eq!(results[2].as_ref().unwrap().finish, Some(Finish::Callback));
    assert!(matches!(&results[3], Err(Error::Cancelled(_))));
    assert_eq!((seen[0].as_slice(), seen[2].as_slice()), (&expected[..], &expected[..2]));
    let all = model.generate_batch(&SessionOptions::new(), &requests, |_, _| BatchFlow::StopAll);
    assert_eq!(all.unwrap().len(), 4);
}
