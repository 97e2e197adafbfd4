;; An element segment beyond the table.
(module
  (memory (export "memory") 1)
  (table 2 2 funcref)
  (func $nothing)
  (elem (i32.const 1) $nothing $nothing)
  (func (export "__guest_call") (param i32 i32) (result i32) (i32.const 1)))
