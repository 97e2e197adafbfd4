;; Moves 24 MiB to and fro for ever.
(module
  (memory (export "memory") 769)
  (func (export "__guest_call") (param i32 i32) (result i32)
    (loop $again
      (memory.copy (i32.const 25165824) (i32.const 0) (i32.const 25165824))
      (memory.copy (i32.const 0) (i32.const 25165824) (i32.const 25165824))
      (br $again))
    (unreachable)))
