//! Finds librustml: in the folder RUSTML_LIB_DIR, else through pkg-config.

fn main() {
    println!("cargo:rerun-if-env-changed=RUSTML_LIB_DIR");
    if let Some(folder) = std::env::var_os("RUSTML_LIB_DIR") {
        println!("cargo:rustc-link-search=native={}", folder.to_string_lossy());
        println!("cargo:rustc-link-lib=dylib=rustml");
        return;
    }
    if let Err(problem) = pkg_config::Config::new().atleast_version("0.1.0").probe("rustml") {
        eprintln!("librustml not found: install librustml-dev, or set PKG_CONFIG_PATH to the folder of rustml.pc,");
        eprintln!("or RUSTML_LIB_DIR to the folder of librustml.so.\n\n{problem}");
        std::process::exit(1);
    }
}
