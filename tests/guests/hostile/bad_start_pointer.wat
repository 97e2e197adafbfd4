;; The start section calls the host with a pointer out of range.
(module
  (import "wapc" "__console_log" (func $log (param i32 i32)))
  (memory (export "memory") 1)
  (func $start (call $log (i32.const 65530) (i32.const 100)))
  (start $start)
  (func (export "__guest_call") (param i32 i32) (result i32) (i32.const 1)))
