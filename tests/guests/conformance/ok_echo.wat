;; Answers every operation with its payload. Nothing else: the module that benchmarks call.
;; The operation (at most 1 KiB) lies at 0, the payload at 1024.
(module
  (import "wapc" "__guest_request" (func $request (param i32 i32)))
  (import "wapc" "__guest_response" (func $response (param i32 i32)))
  (memory (export "memory") 1)
  (func (export "__guest_call") (param $operation i32) (param $payload i32) (result i32)
    (if (i32.gt_u (local.get $payload)
                  (i32.sub (i32.shl (memory.size) (i32.const 16)) (i32.const 1024)))
      (then (drop (memory.grow (i32.shr_u (i32.add (local.get $payload) (i32.const 65535))
                                          (i32.const 16))))))
    (call $request (i32.const 0) (i32.const 1024))
    (call $response (i32.const 1024) (local.get $payload))
    (i32.const 1)))
