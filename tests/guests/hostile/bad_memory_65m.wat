;; Wants one page more than the default limit of 64 MiB.
(module
  (memory (export "memory") 1025)
  (func (export "__guest_call") (param i32 i32) (result i32) (i32.const 1)))
