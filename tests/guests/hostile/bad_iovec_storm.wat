;; One fd_write of 4 billion pieces, and of 8,000 pieces of 60 kB each (an operation of 1 letter).
(module
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wapc" "__guest_response" (func $response (param i32 i32)))
  (memory (export "memory") 2)
  (func (export "__guest_call") (param i32 i32) (result i32)
    (local $at i32)
    (local.set $at (i32.const 64))
    (loop $fill
      (i32.store (local.get $at) (i32.const 0))
      (i32.store offset=4 (local.get $at) (i32.const 60000))
      (local.set $at (i32.add (local.get $at) (i32.const 8)))
      (br_if $fill (i32.lt_u (local.get $at) (i32.const 64064))))
    (i32.store (i32.const 0)
      (call $fd_write (i32.const 1) (i32.const 64)
        (select (i32.const 8000) (i32.const -1) (i32.eq (local.get 0) (i32.const 1)))
        (i32.const 4)))
    (call $response (i32.const 0) (i32.const 8))
    (i32.const 1)))
