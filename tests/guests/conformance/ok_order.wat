;; Records the order in which it is started: `m` (the module's start section), `s` (_start),
;; `i` (_initialize), `w` (wapc_init). Every call answers with what was recorded: `msiw`.
(module
  (import "wapc" "__guest_response" (func $response (param i32 i32)))
  (memory (export "memory") 1)
  (global $size (mut i32) (i32.const 0))
  (func $record (param $letter i32)
    (i32.store8 (global.get $size) (local.get $letter))
    (global.set $size (i32.add (global.get $size) (i32.const 1))))
  (func $module_start (call $record (i32.const 0x6d)))
  (start $module_start)
  (func (export "wapc_init") (call $record (i32.const 0x77)))
  (func (export "_initialize") (call $record (i32.const 0x69)))
  (func (export "_start") (call $record (i32.const 0x73)))
  (func (export "__guest_call") (param i32 i32) (result i32)
    (call $response (i32.const 0) (global.get $size))
    (i32.const 1)))
