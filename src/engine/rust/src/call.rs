//! One activation of a guest as a future that C polls: instantiation, or a call of an exported
//! function of a known type. No `Val`s, one allocation for the future itself.
//!
//! A `tr_call` is a thin pointer to `Typed<F>`; its first field is the header that knows `F`.

use std::fmt::Write;
use std::future::Future;
use std::mem::{align_of, size_of};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use wasmtime::{
    Error, Func, Instance, InstancePre, PoolConcurrencyLimitError, Trap, TypedFunc, WasmBacktrace,
};
use wasmtime_c_api::{WasmtimeStoreContextMut, WasmtimeStoreData, wasmtime_instance_pre_t};

const PENDING: u8 = 0;
const DONE: u8 = 1;
const FAILED: u8 = 2;

const NO_CODE: i32 = -1;
const POOL_EXHAUSTED: i32 = -2;

const _: () = assert!(
    size_of::<wasmtime_instance_pre_t>() == size_of::<InstancePre<WasmtimeStoreData>>()
        && align_of::<wasmtime_instance_pre_t>() == align_of::<InstancePre<WasmtimeStoreData>>()
);

#[repr(C)]
pub struct tr_call {
    poll: unsafe fn(*mut tr_call) -> Poll<Result<i32, Error>>,
    drop: unsafe fn(*mut tr_call),
    error: Option<Error>,
    message: String,
    trace: String,
}

#[repr(C)]
struct Typed<F> {
    header: tr_call,
    future: F,
}

unsafe fn poll_typed<F: Future<Output = Result<i32, Error>>>(
    call: *mut tr_call,
) -> Poll<Result<i32, Error>> {
    // Boxed and never moved until it is dropped: pinned.
    let future = unsafe { Pin::new_unchecked(&mut (*call.cast::<Typed<F>>()).future) };
    future.poll(&mut Context::from_waker(Waker::noop()))
}

unsafe fn drop_typed<F>(call: *mut tr_call) {
    drop(unsafe { Box::from_raw(call.cast::<Typed<F>>()) });
}

fn start<F: Future<Output = Result<i32, Error>>>(future: F) -> *mut tr_call {
    let header = tr_call {
        poll: poll_typed::<F>,
        drop: drop_typed::<F>,
        error: None,
        message: String::new(),
        trace: String::new(),
    };
    Box::into_raw(Box::new(Typed { header, future })).cast::<tr_call>()
}

/// `instance` receives the instance and must stay where it is until the call is deleted.
#[unsafe(no_mangle)]
pub extern "C" fn tr_call_instantiate(
    pre: &'static wasmtime_instance_pre_t,
    store: WasmtimeStoreContextMut<'static>,
    instance: &'static mut Instance,
) -> *mut tr_call {
    let pre = unsafe {
        &*(pre as *const wasmtime_instance_pre_t).cast::<InstancePre<WasmtimeStoreData>>()
    };
    start(async move {
        *instance = pre.instantiate_async(store).await?;
        Ok(0)
    })
}

/// The caller has checked that the function has this type.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tr_call_to_nothing(
    store: WasmtimeStoreContextMut<'static>,
    func: &Func,
) -> *mut tr_call {
    let typed: TypedFunc<(), ()> = unsafe { TypedFunc::new_unchecked(&store, *func) };
    start(async move {
        typed.call_async(store, ()).await?;
        Ok(0)
    })
}

/// The caller has checked that the function has this type.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tr_call_to_i32(
    store: WasmtimeStoreContextMut<'static>,
    func: &Func,
) -> *mut tr_call {
    let typed: TypedFunc<(), i32> = unsafe { TypedFunc::new_unchecked(&store, *func) };
    start(async move { typed.call_async(store, ()).await })
}

/// A function that is called again and again: looking its type up in the engine's registry takes a
/// third of a short call, so it is done once.
#[allow(non_camel_case_types)]
pub struct tr_function(TypedFunc<(i32, i32), i32>);

/// The caller has checked that the function is (i32, i32) -> i32. To be deleted before its store.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tr_function_new(
    store: WasmtimeStoreContextMut<'static>,
    func: &Func,
) -> *mut tr_function {
    let typed = unsafe { TypedFunc::new_unchecked(&store, *func) };
    Box::into_raw(Box::new(tr_function(typed)))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn tr_function_delete(function: *mut tr_function) {
    drop(unsafe { Box::from_raw(function) });
}

/// `function` outlives the call.
#[unsafe(no_mangle)]
pub extern "C" fn tr_call_function(
    store: WasmtimeStoreContextMut<'static>,
    function: &'static tr_function,
    first: i32,
    second: i32,
) -> *mut tr_call {
    start(async move { function.0.call_async(store, (first, second)).await })
}

/// Not after DONE or FAILED.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tr_call_poll(call: *mut tr_call, result: &mut i32) -> u8 {
    match unsafe { ((*call).poll)(call) } {
        Poll::Pending => PENDING,
        Poll::Ready(Ok(value)) => {
            *result = value;
            DONE
        }
        Poll::Ready(Err(error)) => {
            unsafe { (*call).error = Some(error) };
            FAILED
        }
    }
}

/// After FAILED: the trap's code, NO_CODE or POOL_EXHAUSTED, and a message without a backtrace that
/// lives as long as the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tr_call_error(
    call: &mut tr_call,
    message: &mut *const u8,
    length: &mut usize,
) -> i32 {
    let Some(error) = &call.error else {
        *length = 0;
        return NO_CODE;
    };
    let code = if let Some(trap) = error.downcast_ref::<Trap>() {
        call.message = trap.to_string();
        *trap as u8 as i32
    } else {
        call.message = error.root_cause().to_string();
        if error.downcast_ref::<PoolConcurrencyLimitError>().is_some() {
            POOL_EXHAUSTED
        } else {
            NO_CODE
        }
    };
    *message = call.message.as_ptr();
    *length = call.message.len();
    code
}

const MAX_FRAMES: usize = 20;
const MAX_NAME: usize = 80;

fn trace_text(trace: &WasmBacktrace) -> String {
    let mut text = String::new();
    for frame in trace.frames().iter().take(MAX_FRAMES) {
        // The name section is the guest's: no control characters.
        let name: String = frame
            .func_name()
            .unwrap_or("?")
            .chars()
            .filter(|c| !c.is_control())
            .take(MAX_NAME)
            .collect();
        let offset = frame.module_offset().unwrap_or(0);
        let _ = writeln!(text, "{name} (function {}, offset {offset:#x})", frame.func_index());
    }
    text
}

/// After FAILED: the guest's frames, innermost first, a line each, as long as the call lives. Empty
/// when the failure has none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tr_call_backtrace(
    call: &mut tr_call,
    text: &mut *const u8,
    length: &mut usize,
) {
    call.trace = match &call.error {
        Some(error) => error.downcast_ref::<WasmBacktrace>().map(trace_text).unwrap_or_default(),
        None => String::new(),
    };
    *text = call.trace.as_ptr();
    *length = call.trace.len();
}

/// Before its store is deleted or used again. Cuts off a guest that is not finished.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tr_call_delete(call: *mut tr_call) {
    unsafe { ((*call).drop)(call) };
}
