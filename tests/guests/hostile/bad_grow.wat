;; Grows page by page until the host says no, writes to every page, and answers with the number of
;; pages (4 bytes, little endian).
(module
  (import "wapc" "__guest_response" (func $response (param i32 i32)))
  (memory (export "memory") 1)
  (func (export "__guest_call") (param i32 i32) (result i32)
    (local $at i32)
    (loop $more
      (br_if $more (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
    (local.set $at (i32.const 65536))
    (loop $write
      (if (i32.lt_u (i32.shr_u (local.get $at) (i32.const 16)) (memory.size))
        (then
          (i32.store (local.get $at) (i32.const 1))
          (local.set $at (i32.add (local.get $at) (i32.const 4096)))
          (br_if $write (local.get $at)))))
    (i32.store (i32.const 0) (memory.size))
    (call $response (i32.const 0) (i32.const 4))
    (i32.const 1)))
