//! Copies the C headers that the Wasmtime C API generated for exactly the features we chose to the
//! folder that CMake puts on the include path, and gives the crate a digest of its own sources.
//!
//! Several checkouts share one target directory, and cargo would tell their sources apart by time
//! stamps only: this script runs always, so that the crate (not its dependencies) is always built.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::{env, fs, path::Path};

fn digest_of_sources() -> std::io::Result<u64> {
    let mut paths = fs::read_dir("src")?
        .map(|entry| entry.map(|found| found.path()))
        .collect::<Result<Vec<_>, _>>()?;
    paths.sort();
    paths.push("Cargo.lock".into());
    let mut hasher = DefaultHasher::new();
    for path in paths {
        fs::read(path)?.hash(&mut hasher);
    }
    Ok(hasher.finish())
}

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
    println!("cargo:rerun-if-changed=this-file-never-exists");
    let digest = digest_of_sources().expect("cannot read the crate's sources");
    println!("cargo:rustc-env=TRELLIS_SHIM_DIGEST={digest:016x}");
    let Ok(target) = env::var("TRELLIS_ENGINE_INCLUDE") else { return };
    let source = env::var("DEP_WASMTIME_C_API_INCLUDE")
        .expect("wasmtime-c-api-impl did not publish its include folder");
    copy_tree(Path::new(&source), Path::new(&target)).expect("cannot copy the C headers");
}
