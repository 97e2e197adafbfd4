;; The start section recurses without an end.
(module
  (memory (export "memory") 1)
  (func $down (call $down) (call $down))
  (start $down)
  (func (export "__guest_call") (param i32 i32) (result i32) (i32.const 1)))
