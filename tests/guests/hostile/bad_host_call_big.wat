;; Makes host calls with a payload of 8 MiB for ever.
(module
  (import "wapc" "__host_call"
    (func $host_call (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 130)
  (data (i32.const 0) "bno")
  (func (export "__guest_call") (param i32 i32) (result i32)
    (loop $again
      (drop (call $host_call (i32.const 0) (i32.const 1) (i32.const 1) (i32.const 1)
                             (i32.const 2) (i32.const 1) (i32.const 64) (i32.const 8388608)))
      (br $again))
    (unreachable)))
