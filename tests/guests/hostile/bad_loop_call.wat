;; Loops for ever in a call.
(module
  (memory (export "memory") 1)
  (func (export "__guest_call") (param i32 i32) (result i32)
    (loop $again (br $again))
    (unreachable)))
