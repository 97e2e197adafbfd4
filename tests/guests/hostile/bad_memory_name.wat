;; The memory has another name, and `memory` is a function.
(module
  (memory (export "mem") 1)
  (func (export "memory"))
  (func (export "__guest_call") (param i32 i32) (result i32) (i32.const 1)))
