//! Runs the cases that every binding must pass: see `tests/bindings/README.md`.
mod numbers_generated;
mod step;

use rustml::{CallOptions, GenerationOptions, KvType, Model, Session, SessionOptions};
use serde_json::Value;
use std::collections::HashMap;
use std::path::PathBuf;

/// Why a step did not pass.
pub enum Trouble {
    Failed(String),
    NotInRust(&'static str),
}

impl From<String> for Trouble {
    fn from(what: String) -> Self {
        Self::Failed(what)
    }
}

impl From<rustml::Error> for Trouble {
    fn from(error: rustml::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

/// What was asked for on the command line, and the models opened by now.
pub struct Run {
    folders: [(&'static str, String); 3],
    paths: Value,
    models: HashMap<String, Model>,
}

impl Run {
    pub fn path(&self, text: &str) -> PathBuf {
        let replaced = self
            .folders
            .iter()
            .fold(text.to_owned(), |text, (name, folder)| text.replace(name, folder));
        replaced.into()
    }

    pub fn model(&mut self, name: &str) -> Result<Model, rustml::Error> {
        if let Some(model) = self.models.get(name) {
            return Ok(model.clone());
        }
        let path = self.paths[name].as_str().expect("cases: a model without a path");
        let model = Model::open(self.path(path))?;
        self.models.insert(name.to_owned(), model.clone());
        Ok(model)
    }

    fn case(&mut self, case: &Value) -> Result<(), Trouble> {
        let model = self.model(text(case, "model"))?;
        let mut options = SessionOptions::new();
        for (name, value) in case["session"].as_object().into_iter().flatten() {
            options = match (name.as_str(), value) {
                ("kv_type", Value::String(kind)) if kind == "F32" => options.kv_type(KvType::F32),
                ("kv_type", Value::String(kind)) if kind == "F16" => options.kv_type(KvType::F16),
                ("kv_type", Value::String(kind)) if kind == "Q8_0" => options.kv_type(KvType::Q8_0),
                ("context_tokens", Value::Number(n)) => options.context_tokens(n.as_u64().unwrap()),
                ("memory_limit_bytes", Value::Number(n)) => {
                    options.memory_limit_bytes(n.as_u64().unwrap())
                }
                _ => return Err(format!("unknown in session: {name}").into()),
            };
        }
        let session = model.session_with(&options, &CallOptions::new())?;
        let mut steps = step::Steps::new(model, session);
        let mut not_in_rust = None;
        for (i, step) in case["steps"].as_array().into_iter().flatten().enumerate() {
            match steps.run(self, step) {
                Ok(()) => {}
                Err(Trouble::NotInRust(why)) => not_in_rust = Some(why),
                Err(Trouble::Failed(what)) => return Err(format!("step {}: {what}", i + 1).into()),
            }
        }
        not_in_rust.map_or(Ok(()), |why| Err(Trouble::NotInRust(why)))
    }

    fn exchange(&mut self, element: &Value, folder: &str, write: bool) -> Result<(), Trouble> {
        let name = text(element, "name");
        let file = PathBuf::from(folder).join(format!("{name}.snapshot"));
        let model = self.model(text(element, "model"))?;
        let options = SessionOptions::new().kv_type(KvType::F32);
        let mut session: Session = model.session_with(&options, &CallOptions::new())?;
        let (mut ids, mut tail) = (Vec::new(), String::new());
        let generation = if write {
            let (prompt, options) = step::request(element)?;
            session.generate(prompt, &options)?
        } else {
            session.load(&file, &CallOptions::new())?;
            session.resume(&GenerationOptions::new())?
        };
        let save_after = element["save_after"].as_u64().unwrap() as usize;
        for chunk in generation {
            let chunk = chunk?;
            if chunk.finish.is_none() {
                ids.extend(chunk.token);
            }
            if !write || ids.len() > save_after || chunk.finish.is_some() {
                tail += &chunk.text;
            } else if ids.len() == save_after {
                session.save(&file, &CallOptions::new())?;
            }
        }
        let what = if write { "exchange" } else { "exchange tail" };
        println!("PUBLISH {what} {name} {}", Value::from(ids));
        println!("PUBLISH exchange text {name} {}", Value::from(tail));
        Ok(())
    }
}

pub fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_default()
}

fn main() {
    std::panic::set_hook(Box::new(|info| {
        // Numbers are what the cases throw.
        if info.payload().downcast_ref::<u64>().is_none() {
            eprintln!("{info}");
        }
    }));
    let mut given = HashMap::new();
    let mut words = std::env::args().skip(1);
    while let (Some(name), Some(value)) = (words.next(), words.next()) {
        given.insert(name, value);
    }
    let folder = |name: &str| given.get(name).cloned().unwrap_or_default();
    let cases = std::fs::read_to_string(&given["--cases"]).expect("--cases");
    let cases: Value = serde_json::from_str(&cases).expect("--cases");
    let folders =
        [("{data}", folder("--data")), ("{work}", folder("--work")), ("{out}", folder("--out"))];
    let mut run = Run { folders, paths: cases["models"].clone(), models: HashMap::new() };
    let mut failures = 0;
    let mut report = |name: &str, result| match result {
        Ok(()) => println!("ok {name}"),
        Err(Trouble::NotInRust(why)) => println!("n/a {name}: {why}"),
        Err(Trouble::Failed(what)) => {
            println!("FAILED {name}: {what}");
            failures += 1;
        }
    };
    let exchange = given.get_key_value("--write").or(given.get_key_value("--read"));
    let list = &cases[if exchange.is_some() { "exchange" } else { "cases" }];
    for case in list.as_array().into_iter().flatten() {
        let name = text(case, "name");
        if given.get("--only").is_some_and(|only| !name.contains(only.as_str())) {
            continue;
        }
        let result = match exchange {
            Some((way, folder)) => run.exchange(case, folder, way == "--write"),
            None => run.case(case),
        };
        report(name, result);
    }
    std::process::exit(i32::from(failures > 0));
}
