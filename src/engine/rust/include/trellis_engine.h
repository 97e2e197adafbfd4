/* The C face of src/engine/rust: what Wasmtime's C API lacks. Pointers are never null unless it is
 * said. Everything aborts rather than unwinds. */
/* NOLINTBEGIN(modernize-use-using,readability-identifier-naming): C, with the names of C. */
#ifndef TRELLIS_ENGINE_H
#define TRELLIS_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wasmtime.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Consumes the configuration; null and *error set (owned by the caller) when it is refused. */
wasm_engine_t* tr_engine_new(wasm_config_t* config, wasmtime_error_t** error);
/* A digest of everything that compiled code depends on; equal in every process. */
uint64_t tr_engine_compatibility(const wasm_engine_t* engine);
/* A digest of the shim's sources and its lock file, 16 hex digits. */
const char* tr_shim_version(void);
/* Machine code of a module without loading it, to be freed by wasm_byte_vec_delete; null when it
 * was made. */
wasmtime_error_t* tr_precompile(const wasm_engine_t* engine, const uint8_t* module, size_t length,
                                wasm_byte_vec_t* code);
void tr_pooling_pagemap_scan_set(wasmtime_pooling_allocation_config_t* pooling, bool enable);
bool tr_pagemap_scan_available(void);
/* Once on each thread that runs guests. */
void tr_thread_prepare(void);

/* One activation of a guest. One at a time for each store; deleted before the store. */
typedef struct tr_call tr_call;

enum { TR_CALL_PENDING = 0, TR_CALL_DONE = 1, TR_CALL_FAILED = 2 };

/* The function has the type that the name says; `instance` stays in place until the deletion. */
tr_call* tr_call_instantiate(const wasmtime_instance_pre_t* pre, wasmtime_context_t* store,
                             wasmtime_instance_t* instance);
tr_call* tr_call_to_nothing(wasmtime_context_t* store, const wasmtime_func_t* func);
tr_call* tr_call_to_i32(wasmtime_context_t* store, const wasmtime_func_t* func);

/* A function (i32, i32) -> i32 with its type looked up once; deleted before the store. */
typedef struct tr_function tr_function;

tr_function* tr_function_new(wasmtime_context_t* store, const wasmtime_func_t* func);
void tr_function_delete(tr_function* function);
/* `function` outlives the call. */
tr_call* tr_call_function(wasmtime_context_t* store, const tr_function* function, int32_t first,
                          int32_t second);

/* TR_CALL_*; not again after DONE or FAILED. */
uint8_t tr_call_poll(tr_call* call, int32_t* result);

/* After FAILED: a wasmtime_trap_code_t or one of these; the message lives as long as the call. */
enum { TR_ERROR_OTHER = -1, TR_ERROR_POOL_EXHAUSTED = -2 };

int32_t tr_call_error(tr_call* call, const uint8_t** message, size_t* length);
/* After FAILED: the guest's frames, a line each; may be empty; lives as long as the call. */
void tr_call_backtrace(tr_call* call, const uint8_t** text, size_t* length);
void tr_call_delete(tr_call* call);

/* An asynchronous host function of i32 parameters and one i32 result. `data` is the store's. */
enum { TR_HOST_PENDING = 0, TR_HOST_READY = 1, TR_HOST_TRAP = 2 };

typedef struct tr_async_function {
  uint8_t (*begin)(void* begin_env, void* data, wasmtime_caller_t* caller, const int32_t* arguments,
                   size_t count, int32_t* result);
  uint8_t (*resume)(void* resume_env, void* data, wasmtime_caller_t* caller, int32_t* result);
  void* begin_env;
  void* resume_env;
} tr_async_function;

/* Null when defined. `parameters` is 4, 6 or 8. */
wasmtime_error_t* tr_linker_define_async(wasmtime_linker_t* linker, const char* module,
                                         size_t module_length, const char* name, size_t name_length,
                                         size_t parameters, const tr_async_function* function);

#ifdef __cplusplus
}
#endif

#endif
/* NOLINTEND(modernize-use-using,readability-identifier-naming) */
