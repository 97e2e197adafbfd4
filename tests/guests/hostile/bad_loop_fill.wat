;; Fills 48 MiB again and again: almost all of the time is spent inside one bulk instruction.
(module
  (memory (export "memory") 769)
  (func (export "__guest_call") (param i32 i32) (result i32)
    (loop $again
      (memory.fill (i32.const 65536) (i32.const 7) (i32.const 50331648))
      (br $again))
    (unreachable)))
