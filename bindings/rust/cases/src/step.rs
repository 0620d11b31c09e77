//! One step of a case.
use crate::{numbers_generated, text, Run, Trouble};
use rustml::*;
use serde_json::{json, Value};
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::thread;
use std::time::{Duration, Instant};

/// The name of a status of the C API.
fn status(error: &Error) -> &'static str {
    match error {
        Error::Cancelled(_) => "CANCELLED",
        Error::InvalidArgument(_) => "INVALID_ARGUMENT",
        Error::DeadlineExceeded(_) => "DEADLINE_EXCEEDED",
        Error::NotFound(_) => "NOT_FOUND",
        Error::PermissionDenied(_) => "PERMISSION_DENIED",
        Error::ResourceExhausted(_) => "RESOURCE_EXHAUSTED",
        Error::FailedPrecondition(_) => "FAILED_PRECONDITION",
        Error::OutOfRange(_) => "OUT_OF_RANGE",
        Error::Unimplemented(_) => "UNIMPLEMENTED",
        Error::DataLoss(_) => "DATA_LOSS",
        Error::Busy(_) => "BUSY",
        Error::InvalidHandle(_) => "INVALID_HANDLE",
        Error::Stopped(_) => "CALLBACK_STOP",
        _ => "another status",
    }
}

fn ids(value: &Value) -> Vec<i32> {
    value.as_array().into_iter().flatten().map(|id| id.as_i64().unwrap() as i32).collect()
}

/// `ids`, `repeat` times.
fn tokens(step: &Value) -> Vec<i32> {
    ids(&step["ids"]).repeat(step["repeat"].as_u64().unwrap_or(1) as usize)
}

fn flag(step: &Value, field: &str, default: bool) -> bool {
    step[field].as_bool().unwrap_or(default)
}

/// A time from now, which may have passed.
fn moment(milliseconds: &Value) -> Option<Instant> {
    let milliseconds = milliseconds.as_i64()?;
    let time = Duration::from_millis(milliseconds.unsigned_abs());
    Some(if milliseconds < 0 { Instant::now() - time } else { Instant::now() + time })
}

fn fired() -> Result<CancelHandle, Error> {
    let cancel = CancelHandle::new()?;
    cancel.cancel();
    Ok(cancel)
}

fn call_options(step: &Value) -> Result<CallOptions, Error> {
    let mut call = CallOptions::new();
    if flag(step, "cancelled", false) {
        call = call.cancel(&fired()?);
    }
    if let Some(moment) = moment(&step["timeout_ms"]) {
        call = call.deadline(moment);
    }
    Ok(call)
}

/// The fields that say what a step is and wants, not how an answer is made.
const OTHERS: &[&str] = &[
    "op",
    "name",
    "model",
    "status",
    "message",
    "within_ms",
    "save_as",
    "same_as",
    "differs_from",
    "publish",
    "break_after",
    "save_after",
    "repeat",
    "call",
    "after_ms",
    "times",
    "value",
    "prompts",
];

/// Prompt and options of a `generate`.
pub fn request(step: &Value) -> Result<(Prompt, GenerationOptions), Trouble> {
    let mut prompt = Prompt::ids(tokens(step));
    let mut o = GenerationOptions::new();
    for (name, value) in step.as_object().into_iter().flatten() {
        if let Some(with) = numbers_generated::set(&o, name, value) {
            o = with;
            continue;
        }
        o = match name.as_str() {
            "text" => {
                prompt = Prompt::text(value.as_str().unwrap());
                o
            }
            "messages" => {
                prompt = Prompt::messages_json(value.to_string());
                o
            }
            "ids" => o,
            "stop_ids" => o.stop_ids(ids(value)),
            "stop_strings" => value
                .as_array()
                .into_iter()
                .flatten()
                .fold(o, |o, text| o.stop(text.as_str().unwrap())),
            "on_stop" if value == "KEEP" => o.on_stop(OnStop::Keep),
            "on_stop" if value == "ROLLBACK" => o.on_stop(OnStop::Rollback),
            "timeout_ms" => o.deadline(moment(value).unwrap()),
            "first_token_timeout_ms" => o.first_token_deadline(moment(value).unwrap()),
            "cancelled" => o.cancel(&fired()?),
            other if other.starts_with("want_") || OTHERS.contains(&other) => o,
            _ => return Err(format!("unknown field {name}").into()),
        };
    }
    Ok((prompt, o))
}

fn finish(finish: Option<Finish>) -> &'static str {
    match finish {
        Some(Finish::StopToken) => "STOP_TOKEN",
        Some(Finish::StopString) => "STOP_STRING",
        Some(Finish::Length) => "LENGTH",
        Some(Finish::ContextFull) => "CONTEXT_FULL",
        Some(Finish::Closed) => "CLOSED",
        _ => "another finish",
    }
}

/// What a step brought, by the names of the `want_` fields; failures end up in `error` with what came before them.
#[derive(Default)]
struct Got {
    fields: serde_json::Map<String, Value>,
    error: Option<Error>,
    took: Duration,
}

impl Got {
    fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.fields.insert(name.to_owned(), value.into());
    }

    fn keep<T>(&mut self, result: Result<T, Error>) -> Option<T> {
        result.map_err(|error| self.error = Some(error)).ok()
    }
}

pub struct Steps {
    model: Model,
    session: Session,
    saved: HashMap<String, Value>,
}

impl Steps {
    pub fn new(model: Model, session: Session) -> Self {
        Self { model, session, saved: HashMap::new() }
    }

    pub fn run(&mut self, run: &mut Run, step: &Value) -> Result<(), Trouble> {
        let begin = Instant::now();
        let mut got = Got::default();
        self.operate(run, step, &mut got)?;
        if got.took.is_zero() {
            got.took = begin.elapsed();
        }
        self.judge(step, &got)
    }

    fn judge(&mut self, step: &Value, got: &Got) -> Result<(), Trouble> {
        let wanted = step["status"].as_str().unwrap_or("OK");
        let status = got.error.as_ref().map_or("OK", status);
        let said = got.error.as_ref().map(Error::to_string).unwrap_or_default();
        if status != wanted {
            return Err(format!("{status} instead of {wanted}: {said}").into());
        }
        if !said.contains(text(step, "message")) {
            return Err(format!("the message does not say {}: {said}", step["message"]).into());
        }
        let limit = step["within_ms"].as_u64().unwrap_or(u64::MAX);
        if got.took.as_millis() as u64 > limit {
            return Err(format!("took {:?}, wanted at most {limit} ms", got.took).into());
        }
        for (name, value) in step.as_object().into_iter().flatten() {
            let brought = got.fields.get(name).unwrap_or(&Value::Null);
            let right = match name.as_str() {
                "want_beams" => beams_agree(brought, value),
                "want_skipped_at_least" => brought.as_u64() >= value.as_u64(),
                name if name.starts_with("want_") => brought == value,
                _ => true,
            };
            if !right {
                return Err(format!("{name}: {brought} instead of {value}").into());
            }
        }
        let ids = got.fields.get("want_ids").unwrap_or(&Value::Null);
        if let Some(other) = step["same_as"].as_str().filter(|&name| self.saved[name] != *ids) {
            return Err(format!("{ids} is not as {other}").into());
        }
        if let Some(other) = step["differs_from"].as_str().filter(|&name| self.saved[name] == *ids)
        {
            return Err(format!("{ids} is as {other}").into());
        }
        if let Some(name) = step["save_as"].as_str() {
            self.saved.insert(name.to_owned(), ids.clone());
        }
        if let Some(name) = step["publish"].as_str() {
            println!("PUBLISH {name} {ids}");
        }
        Ok(())
    }

    fn operate(&mut self, run: &mut Run, step: &Value, got: &mut Got) -> Result<(), Trouble> {
        let session = &mut self.session;
        match text(step, "op") {
            "open" | "info" | "encode" | "decode" | "chat_format" => {
                of_model(&self.model, run, step, got)?
            }
            "eval" => {
                got.keep(session.eval_with(&tokens(step), &call_options(step)?));
                got.set("want_position", session.info()?.position);
            }
            "logits" => {
                if let Some(logits) = got.keep(session.logits_with(&call_options(step)?)) {
                    let best = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                    got.set("want_size", logits.len());
                    got.set("want_best", logits.iter().position(|&logit| logit == best));
                }
            }
            "generate" => generate(session, step, got)?,
            "while_open" => {
                let mut generation = session.generate(tokens(step), &GenerationOptions::new())?;
                generation.next().ok_or("no token".to_owned())??;
                got.keep(session.eval(&[1]));
            }
            "after_close" => {
                return Err(Trouble::NotInRust("the compiler refuses a session that was dropped"));
            }
            "cancel_in" => cancel_in(&self.model, session, step, got)?,
            "busy" => busy(session, step, got)?,
            "callback_stop" => {
                return Err(Trouble::NotInRust(
                    "a closure returns ControlFlow, which has no number",
                ));
            }
            "callback_panic" => callback_panic(session, step)?,
            "batch" => batch(&self.model, step, got)?,
            "beams" => beams(session, step, got)?,
            "tokens" => got.set("want_ids", session.tokens()?),
            "reset" => session.reset()?,
            "rewind" => {
                got.keep(session.rewind(step["n"].as_u64().unwrap()));
                got.set("want_position", session.info()?.position);
            }
            "snapshot" => snapshot(session, run, step, got)?,
            "save" => {
                got.keep(session.save(run.path(text(step, "path")), &call_options(step)?));
            }
            "load" => {
                got.keep(session.load(run.path(text(step, "path")), &call_options(step)?));
            }
            op => return Err(format!("unknown op {op}").into()),
        }
        Ok(())
    }
}

/// The steps that need no session.
fn of_model(model: &Model, run: &mut Run, step: &Value, got: &mut Got) -> Result<(), Trouble> {
    match text(step, "op") {
        "open" => {
            let mut options = ModelOptions::new();
            if let Some(limit) = step["memory_limit_bytes"].as_u64() {
                options = options.memory_limit_bytes(limit);
            }
            if let Some(n) = step["n_threads"].as_i64() {
                options = options.n_threads(n as i32);
            }
            let path = run.path(text(step, "path"));
            got.keep(Model::open_with(path, &options, &call_options(step)?));
        }
        "info" => {
            let info = model.info()?;
            got.set("want_vocab_size", info.vocab_size);
            got.set("want_chat_template", info.has_chat_template);
        }
        "encode" => {
            let special = flag(step, "parse_special", false);
            let options = EncodeOptions::new().add_special(false).parse_special(special);
            let call = call_options(step)?;
            if let Some(ids) = got.keep(model.encode_with(text(step, "text"), options, &call)) {
                got.set("want_ids", ids);
            }
        }
        "decode" => {
            let ids = ids(&step["ids"]);
            let decoded = if flag(step, "skip_special", false) {
                model.decode_text(&ids)
            } else {
                model.decode(&ids).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            };
            if let Some(text) = got.keep(decoded) {
                got.set("want_text", text);
            }
        }
        "chat_format" => {
            let open = flag(step, "add_generation_prompt", true);
            let json = step["messages"].to_string();
            if let Some(text) = got.keep(model.chat_format_json(&json, open)) {
                got.set("want_text", text);
            }
        }
        op => return Err(format!("unknown op {op}").into()),
    }
    Ok(())
}

fn callback_panic(session: &mut Session, step: &Value) -> Result<(), Trouble> {
    for i in 0..step["times"].as_u64().unwrap() {
        let options = GenerationOptions::new().max_tokens(4).ignore_eos(true);
        let thrown = catch_unwind(AssertUnwindSafe(|| {
            session.generate_with(tokens(step), &options, |_| std::panic::panic_any(i))
        }));
        match thrown {
            Err(panic) if panic.downcast_ref() == Some(&i) => {}
            _ => return Err(format!("panic {i} did not come back").into()),
        }
    }
    Ok(())
}

fn snapshot(
    session: &mut Session,
    run: &mut Run,
    step: &Value,
    got: &mut Got,
) -> Result<(), Trouble> {
    let mut bytes = session.snapshot()?;
    bytes.truncate(bytes.len() - step["cut"].as_u64().unwrap_or(0) as usize);
    if let Some(at) = step["flip"].as_i64() {
        let at = if at < 0 { at + bytes.len() as i64 } else { at };
        bytes[at as usize] ^= 255;
    }
    let mut other = match step["into"].as_str() {
        Some(name) => Some(run.model(name)?.session()?),
        None => None,
    };
    let target = other.as_mut().unwrap_or(session);
    got.keep(target.restore_from(bytes.as_slice()));
    got.set("want_position", target.info()?.position);
    Ok(())
}

fn generate(session: &mut Session, step: &Value, got: &mut Got) -> Result<(), Trouble> {
    let (prompt, options) = request(step)?;
    got.set("want_ids", Vec::<i32>::new());
    got.set("want_text", "");
    let Some(mut generation) = got.keep(session.generate(prompt, &options)) else { return Ok(()) };
    let break_after = step["break_after"].as_u64().unwrap_or(u64::MAX);
    let (mut ids, mut text) = (Vec::new(), String::new());
    while (ids.len() as u64) < break_after {
        let Some(chunk) = generation.next() else { break };
        let Some(chunk) = got.keep(chunk) else { break };
        text += &chunk.text;
        match chunk.finish {
            None => ids.extend(chunk.token),
            Some(_) => got.set("want_finish", finish(chunk.finish)),
        }
    }
    let outcome = generation.outcome()?;
    got.set("want_ids", ids);
    got.set("want_text", text);
    got.set("want_prompt_tokens", outcome.prompt_tokens);
    got.set("want_skipped_at_least", outcome.prefill_tokens_skipped);
    Ok(())
}

/// Asks for logits while another session keeps the threads busy with `ids`.
fn logits_until_error(
    model: &Model,
    session: &Session,
    ids: Vec<i32>,
    cancel: &CancelHandle,
) -> Result<(), Error> {
    let call = CallOptions::new().cancel(cancel);
    let mut beside = model.session()?;
    let other_call = call.clone();
    let other = thread::spawn(move || beside.eval_with(&ids, &other_call));
    thread::sleep(Duration::from_millis(10));
    let error = loop {
        if let Err(error) = session.logits_with(&call) {
            break error;
        }
    };
    drop(other.join().unwrap());
    Err(error)
}

fn cancel_in(
    model: &Model,
    session: &mut Session,
    step: &Value,
    got: &mut Got,
) -> Result<(), Trouble> {
    let cancel = CancelHandle::new()?;
    let elsewhere = cancel.clone();
    let pause = Duration::from_millis(step["after_ms"].as_u64().unwrap());
    let canceller = thread::spawn(move || {
        thread::sleep(pause);
        elsewhere.cancel();
        Instant::now()
    });
    let result = if step["call"] == "eval" {
        session.eval_with(&tokens(step), &CallOptions::new().cancel(&cancel))
    } else if step["call"] == "logits" {
        logits_until_error(model, session, tokens(step), &cancel)
    } else {
        let options = GenerationOptions::new().cancel(&cancel);
        session.generate(tokens(step), &options)?.into_text().map(drop)
    };
    let returned = Instant::now();
    got.keep(result);
    got.took = returned.saturating_duration_since(canceller.join().unwrap());
    Ok(())
}

/// A session cannot be lent to two threads; an answer that is open on it can be on another one.
fn busy(session: &mut Session, step: &Value, got: &mut Got) -> Result<(), Trouble> {
    loop {
        let options = GenerationOptions::new().max_tokens(1);
        let mut generation = session.generate(tokens(step), &options)?;
        let cancel = generation.cancel_handle();
        let other = thread::spawn(move || generation.next());
        while got.error.is_none() && !other.is_finished() {
            match session.eval(&[1]) {
                Err(Error::FailedPrecondition(_)) => thread::sleep(Duration::from_millis(1)), // it has not begun
                result => drop(got.keep(result)),
            }
        }
        cancel.cancel();
        if !matches!(other.join().unwrap(), Some(Err(Error::Busy(_)))) {
            return Ok(()); // else the call above was first
        }
    }
}

fn batch(model: &Model, step: &Value, got: &mut Got) -> Result<(), Trouble> {
    let (_, options) = request(step)?;
    let prompts: Vec<_> = step["prompts"].as_array().into_iter().flatten().map(ids).collect();
    let mut all = vec![Vec::new(); prompts.len()];
    let requests: Vec<_> =
        prompts.into_iter().map(|ids| (Prompt::ids(ids), options.clone())).collect();
    let session = SessionOptions::new().kv_type(KvType::F32);
    let results = model.generate_batch(&session, &requests, |i, chunk| {
        if chunk.finish.is_none() {
            all[i].extend(chunk.token);
        }
        BatchFlow::Continue
    });
    for result in got.keep(results).into_iter().flatten() {
        got.keep(result);
    }
    got.set("want_all", all);
    Ok(())
}

fn beams(session: &mut Session, step: &Value, got: &mut Got) -> Result<(), Trouble> {
    let mut o = BeamOptions::new();
    for (name, value) in step.as_object().into_iter().flatten() {
        let number = || value.as_u64().unwrap_or_default();
        o = match name.as_str() {
            "width" => o.width(number() as u32),
            "n_best" => o.n_best(number() as u32),
            "length_penalty" => o.length_penalty(value.as_f64().unwrap() as f32),
            "early_stopping" => o.early_stopping(match number() {
                0 => EarlyStopping::Heuristic,
                1 => EarlyStopping::First,
                _ => EarlyStopping::Never,
            }),
            "max_tokens" => o.max_tokens(number()),
            "stop_ids" => o.stop_ids(ids(value)),
            "ignore_eos" => o.ignore_eos(value == true),
            "op" | "ids" | "status" | "message" | "want_beams" => o,
            _ => return Err(format!("unknown field {name}").into()),
        };
    }
    let mut found = Vec::new();
    let result = session.beam_search_with(tokens(step), &o, |event| {
        if let BeamEvent::Hypothesis(beam) = event {
            let stop = beam.stop_token.unwrap_or(-1);
            found.push(json!({"ids": beam.ids, "stop_id": stop, "score": beam.score}));
        }
        ControlFlow::Continue(())
    });
    got.keep(result);
    got.set("want_beams", found);
    Ok(())
}

fn beams_agree(brought: &Value, wanted: &Value) -> bool {
    let (Some(brought), Some(wanted)) = (brought.as_array(), wanted.as_array()) else {
        return false;
    };
    let score = |beam: &Value| beam["score"].as_f64().unwrap_or(f64::NAN);
    brought.len() == wanted.len()
        && brought.iter().zip(wanted).all(|(a, b)| {
            a["ids"] == b["ids"]
                && a["stop_id"] == b["stop_id"]
                && (score(a) - score(b)).abs() < 1e-3
        })
}
