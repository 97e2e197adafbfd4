;; Fills 4 MiB of memory and a table with what the next user of the slot must not see.
(module
  (import "wapc" "__guest_response" (func $response (param i32 i32)))
  (memory (export "memory") 64)
  (table $table 64 funcref)
  (elem (table $table) (i32.const 0) func $fill)
  (func $fill (memory.fill (i32.const 0) (i32.const 0xab) (i32.const 4194304)))
  (func (export "__guest_call") (param i32 i32) (result i32)
    (local $at i32)
    (call $fill)
    (loop $elements
      (table.set $table (local.get $at) (table.get $table (i32.const 0)))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $elements (i32.lt_u (local.get $at) (i32.const 64))))
    (call $response (i32.const 0) (i32.const 4))
    (i32.const 1)))
