;; A data segment beyond the memory.
(module
  (memory (export "memory") 1)
  (data (i32.const 65530) "too long for the page")
  (func (export "__guest_call") (param i32 i32) (result i32) (i32.const 1)))
