;; A table of four billion elements.
(module
  (memory (export "memory") 1)
  (table 4294967295 funcref)
  (func (export "__guest_call") (param i32 i32) (result i32) (i32.const 1)))
