;; Not valid: a function that must give an i32 gives nothing.
(module
  (memory (export "memory") 1)
  (func $nothing)
  (func (export "__guest_call") (param i32 i32) (result i32) (call $nothing)))
