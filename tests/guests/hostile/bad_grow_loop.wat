;; Asks for more memory for ever, although the answer is no.
(module
  (memory (export "memory") 1)
  (func (export "__guest_call") (param i32 i32) (result i32)
    (loop $again (drop (memory.grow (i32.const 65535))) (br $again))
    (unreachable)))
