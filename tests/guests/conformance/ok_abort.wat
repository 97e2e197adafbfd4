;; env.abort as AssemblyScript calls it: strings of UTF-16 with their byte length at pointer - 4.
;; An operation of 1 letter gives no message and no file (null pointers), any other `boom` in
;; `index.ts`, line 3, column 7.
(module
  (import "env" "abort" (func $abort (param i32 i32 i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "\08\00\00\00b\00o\00o\00m\00")
  (data (i32.const 48) "\10\00\00\00i\00n\00d\00e\00x\00.\00t\00s\00")
  (func (export "__guest_call") (param $operation i32) (param i32) (result i32)
    (if (i32.eq (local.get $operation) (i32.const 1))
      (then (call $abort (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)))
      (else (call $abort (i32.const 20) (i32.const 52) (i32.const 3) (i32.const 7))))
    (unreachable)))
