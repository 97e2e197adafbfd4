;; A host call whose three names have 1 MiB each; its host error is the guest's error.
(module
  (import "wapc" "__host_call"
    (func $host_call (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (import "wapc" "__host_error_len" (func $error_len (result i32)))
  (import "wapc" "__host_error" (func $host_error (param i32)))
  (import "wapc" "__guest_error" (func $error (param i32 i32)))
  (memory (export "memory") 100)
  (func (export "__guest_call") (param i32 i32) (result i32)
    (local $code i32)
    (memory.fill (i32.const 0) (i32.const 0x61) (i32.const 1048576))
    (local.set $code
      (call $host_call (i32.const 0) (i32.const 1048576) (i32.const 0) (i32.const 1048576)
                       (i32.const 0) (i32.const 1048576) (i32.const 0) (i32.const 0)))
    (call $host_error (i32.const 2097152))
    (call $error (i32.const 2097152) (call $error_len))
    (local.get $code)))
