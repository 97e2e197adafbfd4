;; An import that waPC does not have.
(module
  (import "wapc" "__no_such_function" (func (param i32)))
  (memory (export "memory") 1)
  (func (export "__guest_call") (param i32 i32) (result i32) (i32.const 1)))
