;; Writes 60 kB to stdout for ever.
(module
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "wapc_init")
    (i32.store (i32.const 0) (i32.const 1024))
    (i32.store (i32.const 4) (i32.const 60000))
    (memory.fill (i32.const 1024) (i32.const 0x78) (i32.const 60000)))
  (func (export "__guest_call") (param i32 i32) (result i32)
    (loop $again
      (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
      (br $again))
    (unreachable)))
