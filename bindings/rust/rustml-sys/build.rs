//! Finds librustml: in the folder RUSTML_LIB_DIR, else through pkg-config. Dependent crates' build scripts are told the folder
//! as DEP_RUSTML_LIBDIR.
use std::path::{Path, PathBuf};

/// What the linker takes for `-lrustml`.
const NAMES: [&str; 5] =
    ["librustml.so", "librustml.dylib", "rustml.lib", "librustml.dll.a", "rustml.dll"];

fn main() {
    println!("cargo:rerun-if-env-changed=RUSTML_LIB_DIR");
    println!("cargo:rerun-if-env-changed=DOCS_RS");
    if std::env::var_os("DOCS_RS").is_some() {
        return; // documentation is made without the library
    }
    let folders = match std::env::var_os("RUSTML_LIB_DIR") {
        Some(folder) => vec![named(PathBuf::from(folder))],
        None => probed(),
    };
    for folder in &folders {
        println!("cargo:libdir={}", folder.display());
        make_runnable(folder);
    }
}

/// The folder that RUSTML_LIB_DIR names.
fn named(folder: PathBuf) -> PathBuf {
    let paths = NAMES.map(|name| folder.join(name));
    if !paths.iter().any(|path| path.exists()) {
        let tried: String = paths.iter().map(|path| format!("\n  {}", path.display())).collect();
        fail(&format!("no librustml in RUSTML_LIB_DIR; looked for{tried}"));
    }
    println!("cargo:rustc-link-search=native={}", folder.display());
    println!("cargo:rustc-link-lib=dylib=rustml");
    folder
}

fn probed() -> Vec<PathBuf> {
    match pkg_config::Config::new().atleast_version("1.0.0").probe("rustml") {
        Ok(library) => library.link_paths,
        Err(problem) => fail(&format!(
            "librustml not found: install librustml-dev, or set PKG_CONFIG_PATH to the folder of rustml.pc, or \
             RUSTML_LIB_DIR to the folder of librustml.so\n\n{problem}"
        )),
    }
}

/// cargo puts folders of its own, but no others, on the library path of what it runs: with links there, `cargo run` and
/// `cargo test` find a library that lies where the system does not look.
fn make_runnable(folder: &Path) {
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        if entry.file_name().to_string_lossy().starts_with("librustml.so") {
            let link = out.join(entry.file_name());
            let _ = std::fs::remove_file(&link);
            #[cfg(unix)]
            let _ = std::os::unix::fs::symlink(entry.path(), link);
        }
    }
    println!("cargo:rustc-link-search=native={}", out.display());
}

fn fail(message: &str) -> ! {
    eprintln!("{message}");
    std::process::exit(1)
}
