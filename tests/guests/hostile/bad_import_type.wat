;; A waPC import of the wrong type.
(module
  (import "wapc" "__guest_request" (func (param i32 i32 i32)))
  (memory (export "memory") 1)
  (func (export "__guest_call") (param i32 i32) (result i32) (i32.const 1)))
