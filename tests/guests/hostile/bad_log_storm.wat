;; Logs a line of 1 KiB for ever.
(module
  (import "wapc" "__console_log" (func $log (param i32 i32)))
  (memory (export "memory") 1)
  (func (export "wapc_init") (memory.fill (i32.const 0) (i32.const 0x78) (i32.const 1024)))
  (func (export "__guest_call") (param i32 i32) (result i32)
    (loop $again (call $log (i32.const 0) (i32.const 1024)) (br $again))
    (unreachable)))
