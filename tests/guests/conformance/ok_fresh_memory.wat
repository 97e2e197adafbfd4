;; Answers how much of its 4 MiB of memory and of its table is not as a new instance must have it:
;; the number of 8-byte words that are not zero plus that of elements that are not null (4 bytes,
;; little endian). A second call of the same instance sees the first answer, one word.
(module
  (import "wapc" "__guest_response" (func $response (param i32 i32)))
  (memory (export "memory") 64)
  (table $table 64 funcref)
  (func (export "__guest_call") (param i32 i32) (result i32)
    (local $at i32)
    (local $found i32)
    (loop $words
      (local.set $found
        (i32.add (local.get $found) (i64.ne (i64.load (local.get $at)) (i64.const 0))))
      (local.set $at (i32.add (local.get $at) (i32.const 8)))
      (br_if $words (i32.lt_u (local.get $at) (i32.const 4194304))))
    (local.set $at (i32.const 0))
    (loop $elements
      (local.set $found
        (i32.add (local.get $found) (i32.eqz (ref.is_null (table.get $table (local.get $at))))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $elements (i32.lt_u (local.get $at) (i32.const 64))))
    (i32.store (i32.const 0) (local.get $found))
    (call $response (i32.const 0) (i32.const 4))
    (i32.const 1)))
