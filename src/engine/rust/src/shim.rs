//! Engine set-up that the C API does not offer.
//!
//! The C API's objects are one-field structs whose field is private. The casts below are guarded by
//! comparing size and alignment at compile time; the crate versions are pinned to each other.

use std::collections::hash_map::DefaultHasher;
use std::ffi::c_char;
use std::hash::{Hash, Hasher};
use std::mem::{align_of, size_of};

use wasmtime::{Config, Enabled, Engine, PoolingAllocationConfig};
use wasmtime_c_api::{
    wasm_byte_vec_t, wasm_config_t, wasm_engine_t, wasmtime_error_t,
    wasmtime_pooling_allocation_config_t,
};

const fn same_shape<A, B>() -> bool {
    size_of::<A>() == size_of::<B>() && align_of::<A>() == align_of::<B>()
}

const _: () = assert!(same_shape::<wasm_config_t, Config>());
const _: () = assert!(same_shape::<wasm_engine_t, Engine>());
const _: () =
    assert!(same_shape::<wasmtime_pooling_allocation_config_t, PoolingAllocationConfig>());

fn engine_of(engine: &wasm_engine_t) -> &Engine {
    unsafe { &*(engine as *const wasm_engine_t).cast::<Engine>() }
}

/// Consumes the configuration. Null and `*error` set when the settings or the machine refuse it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tr_engine_new(
    config: Box<wasm_config_t>,
    error: &mut *mut wasmtime_error_t,
) -> *mut wasm_engine_t {
    let config = unsafe { Box::from_raw(Box::into_raw(config).cast::<Config>()) };
    match Engine::new(&config) {
        Ok(engine) => Box::into_raw(Box::new(engine)).cast::<wasm_engine_t>(),
        Err(reason) => {
            *error = Box::into_raw(Box::new(wasmtime_error_t::from(reason)));
            std::ptr::null_mut()
        }
    }
}

/// A digest of everything that decides whether code compiled by one engine runs in another:
/// compiler settings, CPU features, tunables, wasm features.
#[unsafe(no_mangle)]
pub extern "C" fn tr_engine_compatibility(engine: &wasm_engine_t) -> u64 {
    // DefaultHasher::new() has fixed keys: equal inputs give equal digests in every process.
    let mut hasher = DefaultHasher::new();
    engine_of(engine).precompile_compatibility_hash().hash(&mut hasher);
    hasher.finish()
}

/// A digest of this crate's sources and lock file, 16 hex digits and a NUL.
#[unsafe(no_mangle)]
pub extern "C" fn tr_shim_version() -> *const c_char {
    concat!(env!("TRELLIS_SHIM_DIGEST"), "\0").as_ptr().cast()
}

/// Resets only the pages that were written, where the kernel can tell.
#[unsafe(no_mangle)]
pub extern "C" fn tr_pooling_pagemap_scan_set(
    pooling: &mut wasmtime_pooling_allocation_config_t,
    enable: bool,
) {
    let pooling = unsafe {
        &mut *(pooling as *mut wasmtime_pooling_allocation_config_t)
            .cast::<PoolingAllocationConfig>()
    };
    pooling.pagemap_scan(if enable { Enabled::Auto } else { Enabled::No });
}

#[unsafe(no_mangle)]
pub extern "C" fn tr_pagemap_scan_available() -> bool {
    PoolingAllocationConfig::is_pagemap_scan_available()
}

/// Machine code of a module for the engine's settings, without loading it. Null when it was made.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tr_precompile(
    engine: &wasm_engine_t,
    module: *const u8,
    length: usize,
    code: &mut wasm_byte_vec_t,
) -> *mut wasmtime_error_t {
    let module = unsafe { std::slice::from_raw_parts(module, length) };
    match engine_of(engine).precompile_module(module) {
        Ok(bytes) => {
            code.set_buffer(bytes);
            std::ptr::null_mut()
        }
        Err(error) => Box::into_raw(Box::new(wasmtime_error_t::from(error))),
    }
}

/// Allocates this thread's signal stack now rather than in the first call.
#[unsafe(no_mangle)]
pub extern "C" fn tr_thread_prepare() {
    Engine::tls_eager_initialize();
}
