;; __host_call as of today: binding, namespace, operation and payload.
;; Makes one such call with the payload; answers with the host's response or fails with its error.
(module
  (import "wapc" "__guest_request" (func $request (param i32 i32)))
  (import "wapc" "__guest_response" (func $response (param i32 i32)))
  (import "wapc" "__guest_error" (func $error (param i32 i32)))
  (import "wapc" "__host_call" (func $host_call (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (import "wapc" "__host_response_len" (func $response_len (result i32)))
  (import "wapc" "__host_response" (func $host_response (param i32)))
  (import "wapc" "__host_error_len" (func $error_len (result i32)))
  (import "wapc" "__host_error" (func $host_error (param i32)))
  (memory (export "memory") 2)
  (data (i32.const 0) "binding") (data (i32.const 16) "namespace") (data (i32.const 32) "operation")
  (func (export "__guest_call") (param $operation i32) (param $payload i32) (result i32)
    (call $request (i32.const 64) (i32.const 2048))
    (if (result i32)
        (i32.eq (i32.const 1)
          (call $host_call (i32.const 0) (i32.const 7) (i32.const 16) (i32.const 9)
                         (i32.const 32) (i32.const 9)
                         (i32.const 2048) (local.get $payload)))
      (then
        (call $host_response (i32.const 2048))
        (call $response (i32.const 2048) (call $response_len))
        (i32.const 1))
      (else
        (call $host_error (i32.const 2048))
        (call $error (i32.const 2048) (call $error_len))
        (i32.const 0)))))
