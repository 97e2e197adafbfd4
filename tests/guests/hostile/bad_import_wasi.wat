;; An import that WASI preview 1 does not have.
(module
  (import "wasi_snapshot_preview1" "fd_explode" (func (param i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "__guest_call") (param i32 i32) (result i32) (i32.const 1)))
