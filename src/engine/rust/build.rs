//! Copies the C headers that the Wasmtime C API generated for exactly the features we chose to the
//! folder that CMake puts on the include path.

use std::{env, fs, path::Path};

fn copy_tree(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_tree(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

fn main() {
    println!("cargo:rerun-if-env-changed=TRELLIS_ENGINE_INCLUDE");
    let Ok(target) = env::var("TRELLIS_ENGINE_INCLUDE") else { return };
    let source = env::var("DEP_WASMTIME_C_API_INCLUDE")
        .expect("wasmtime-c-api-impl did not publish its include folder");
    copy_tree(Path::new(&source), Path::new(&target)).expect("cannot copy the C headers");
}
