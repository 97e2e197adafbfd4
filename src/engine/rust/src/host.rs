//! Asynchronous host functions of i32 parameters and one i32 result, without `Val`s.
//!
//! The future of a host call asks C once to begin and then, at each poll, whether it may go on. The
//! guest's memory and the caller are only touched inside these two callbacks.

use std::ffi::c_void;
use std::future::Future;
use std::mem::{align_of, size_of};
use std::pin::Pin;
use std::task::{Context, Poll};

use wasmtime::{AsContext, Caller, Error, Linker};
use wasmtime_c_api::{
    WasmtimeStoreData, wasmtime_caller_t, wasmtime_context_get_data, wasmtime_error_t,
    wasmtime_linker_t,
};

const PENDING: u8 = 0;
const READY: u8 = 1;

const MAX_PARAMETERS: usize = 8;

const _: () = assert!(
    size_of::<wasmtime_linker_t>() == size_of::<Linker<WasmtimeStoreData>>()
        && align_of::<wasmtime_linker_t>() == align_of::<Linker<WasmtimeStoreData>>()
);
const _: () = assert!(
    size_of::<wasmtime_caller_t<'static>>() == size_of::<Caller<'static, WasmtimeStoreData>>()
        && align_of::<wasmtime_caller_t<'static>>()
            == align_of::<Caller<'static, WasmtimeStoreData>>()
);

/// What C gives: the callbacks get the function's own pointer, the store's data and the caller.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct tr_async_function {
    begin: extern "C" fn(
        *mut c_void,
        *mut c_void,
        *mut wasmtime_caller_t,
        *const i32,
        usize,
        *mut i32,
    ) -> u8,
    resume: extern "C" fn(*mut c_void, *mut c_void, *mut wasmtime_caller_t, *mut i32) -> u8,
    begin_env: *mut c_void,
    resume_env: *mut c_void,
}

// The pointers are code addresses.
unsafe impl Send for tr_async_function {}
unsafe impl Sync for tr_async_function {}

struct HostCall<'a> {
    caller: Caller<'a, WasmtimeStoreData>,
    function: tr_async_function,
    arguments: [i32; MAX_PARAMETERS],
    count: usize,
    begun: bool,
}

impl Future for HostCall<'_> {
    type Output = Result<i32, Error>;

    fn poll(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let data = wasmtime_context_get_data(this.caller.as_context());
        let caller = (&raw mut this.caller).cast::<wasmtime_caller_t>();
        let mut result = 0;
        let status = if this.begun {
            (this.function.resume)(this.function.resume_env, data, caller, &mut result)
        } else {
            this.begun = true;
            let arguments = this.arguments.as_ptr();
            let env = this.function.begin_env;
            (this.function.begin)(env, data, caller, arguments, this.count, &mut result)
        };
        match status {
            READY => Poll::Ready(Ok(result)),
            PENDING => Poll::Pending,
            _ => Poll::Ready(Err(Error::msg("host function trapped"))),
        }
    }
}

fn host_call<'a, const N: usize>(
    caller: Caller<'a, WasmtimeStoreData>,
    function: tr_async_function,
    given: [i32; N],
) -> Box<dyn Future<Output = Result<i32, Error>> + Send + 'a> {
    let mut arguments = [0; MAX_PARAMETERS];
    arguments[..N].copy_from_slice(&given);
    Box::new(HostCall { caller, function, arguments, count: N, begun: false })
}

fn define(
    linker: &mut Linker<WasmtimeStoreData>,
    module: &str,
    name: &str,
    parameters: usize,
    function: tr_async_function,
) -> Result<(), Error> {
    match parameters {
        4 => linker.func_wrap_async(module, name, move |caller, p: (i32, i32, i32, i32)| {
            host_call(caller, function, [p.0, p.1, p.2, p.3])
        })?,
        6 => linker.func_wrap_async(
            module,
            name,
            move |caller, p: (i32, i32, i32, i32, i32, i32)| {
                host_call(caller, function, [p.0, p.1, p.2, p.3, p.4, p.5])
            },
        )?,
        8 => linker.func_wrap_async(
            module,
            name,
            move |caller, p: (i32, i32, i32, i32, i32, i32, i32, i32)| {
                host_call(caller, function, [p.0, p.1, p.2, p.3, p.4, p.5, p.6, p.7])
            },
        )?,
        _ => return Err(Error::msg("an asynchronous host function has 4, 6 or 8 parameters")),
    };
    Ok(())
}

/// Null when the function was defined. The names are UTF-8.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tr_linker_define_async(
    linker: &mut wasmtime_linker_t,
    module: *const u8,
    module_length: usize,
    name: *const u8,
    name_length: usize,
    parameters: usize,
    function: &tr_async_function,
) -> *mut wasmtime_error_t {
    let linker = unsafe {
        &mut *(linker as *mut wasmtime_linker_t).cast::<Linker<WasmtimeStoreData>>()
    };
    let bytes = |start, length| unsafe { std::slice::from_raw_parts(start, length) };
    let (Ok(module), Ok(name)) = (
        std::str::from_utf8(bytes(module, module_length)),
        std::str::from_utf8(bytes(name, name_length)),
    ) else {
        return Box::into_raw(Box::new(wasmtime_error_t::from(Error::msg("a name is not UTF-8"))));
    };
    match define(linker, module, name, parameters, *function) {
        Ok(()) => std::ptr::null_mut(),
        Err(error) => Box::into_raw(Box::new(wasmtime_error_t::from(error))),
    }
}
