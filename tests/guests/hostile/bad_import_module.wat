;; An import from a module that nobody provides.
(module
  (import "nobody" "function" (func))
  (memory (export "memory") 1)
  (func (export "__guest_call") (param i32 i32) (result i32) (i32.const 1)))
