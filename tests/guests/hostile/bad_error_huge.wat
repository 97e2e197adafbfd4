;; Fails with an error text of 1 MiB: three bytes of a character again and again, so that a cut in
;; the wrong place shows.
(module
  (import "wapc" "__guest_error" (func $error (param i32 i32)))
  (memory (export "memory") 17)
  (func (export "__guest_call") (param i32 i32) (result i32)
    (local $at i32)
    (loop $fill
      (i32.store (local.get $at) (i32.const 0xac82e2))
      (local.set $at (i32.add (local.get $at) (i32.const 3)))
      (br_if $fill (i32.lt_u (local.get $at) (i32.const 1048576))))
    (call $error (i32.const 0) (i32.const 1048575))
    (i32.const 0)))
