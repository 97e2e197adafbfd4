;; Recursion without an end through a table.
(module
  (memory (export "memory") 1)
  (type $down (func (param i32) (result i32)))
  (table 1 1 funcref)
  (elem (i32.const 0) $down)
  (func $down (type $down)
    (i32.add
      (call_indirect (type $down) (i32.add (local.get 0) (i32.const 1)) (i32.const 0))
      (local.get 0)))
  (func (export "__guest_call") (param i32 i32) (result i32)
    (call $down (i32.const 0))))
