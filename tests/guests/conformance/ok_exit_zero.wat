;; _start ends by proc_exit(0), which is success; wapc_init still runs. Answers `started`, or fails
;; when wapc_init was left out.
(module
  (import "wapc" "__guest_response" (func $response (param i32 i32)))
  (import "wapc" "__guest_error" (func $error (param i32 i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "startedwapc_init did not run")
  (global $ready (mut i32) (i32.const 0))
  (func (export "_start") (call $exit (i32.const 0)) (unreachable))
  (func (export "wapc_init") (global.set $ready (i32.const 1)))
  (func (export "__guest_call") (param i32 i32) (result i32)
    (if (global.get $ready)
      (then (call $response (i32.const 0) (i32.const 7)))
      (else (call $error (i32.const 7) (i32.const 21))))
    (global.get $ready)))
