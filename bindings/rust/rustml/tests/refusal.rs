//! Alone in its program: with RUSTML_EXPECT_REFUSAL the library at hand is one of another layout.
use rustml::{CallOptions, CancelHandle, Error, Model, ModelOptions};

#[test]
fn a_library_of_another_layout_is_refused() {
    let made = CancelHandle::new();
    if std::env::var_os("RUSTML_EXPECT_REFUSAL").is_none() {
        made.unwrap();
        return;
    }
    let error = made.unwrap_err();
    assert!(matches!(error, Error::AbiMismatch(_)), "{error:?}");
    assert!(error.to_string().contains("another layout"), "{error}");
    let opened = Model::open_with("model.gguf", &ModelOptions::new(), &CallOptions::new());
    assert!(matches!(opened, Err(Error::AbiMismatch(_))));
    assert!(matches!(rustml::log::set("info", |_| ()), Err(Error::AbiMismatch(_))));
}
