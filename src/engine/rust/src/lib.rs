//! One static library: Wasmtime's C API, re-exported so that its symbols stay, and what the C API
//! lacks (`shim`, `call`, `host`), declared for C in `include/trellis_engine.h`.

pub use wasmtime_c_api::*;

mod call;
mod host;
mod shim;
