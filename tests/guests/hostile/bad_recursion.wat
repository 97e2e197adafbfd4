;; Recursion without an end.
(module
  (memory (export "memory") 1)
  (func $down (param i32) (result i32)
    (i32.add (call $down (i32.add (local.get 0) (i32.const 1))) (local.get 0)))
  (func (export "__guest_call") (param i32 i32) (result i32)
    (call $down (i32.const 0))))
