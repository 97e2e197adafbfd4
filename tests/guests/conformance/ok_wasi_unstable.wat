;; WASI under its old module name, as guests of 2020 import it: writes its payload to stdout in two
;; pieces and answers with fd_write's errno and count (little endian, 4 bytes each).
(module
  (import "wapc" "__guest_request" (func $request (param i32 i32)))
  (import "wapc" "__guest_response" (func $response (param i32 i32)))
  (import "wasi_unstable" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (func (export "__guest_call") (param $operation i32) (param $payload i32) (result i32)
    (local $half i32)
    (call $request (i32.const 64) (i32.const 2048))
    (local.set $half (i32.shr_u (local.get $payload) (i32.const 1)))
    (i32.store (i32.const 16) (i32.const 2048))
    (i32.store (i32.const 20) (local.get $half))
    (i32.store (i32.const 24) (i32.add (i32.const 2048) (local.get $half)))
    (i32.store (i32.const 28) (i32.sub (local.get $payload) (local.get $half)))
    (i32.store (i32.const 0)
      (call $fd_write (i32.const 1) (i32.const 16) (i32.const 2) (i32.const 4)))
    (call $response (i32.const 0) (i32.const 8))
    (i32.const 1)))
