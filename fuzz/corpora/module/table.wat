(module (table 4 funcref) (elem (i32.const 0) func 0 0) (global (mut i32) (i32.const 3)) (func (export "a") (export "b") (call_indirect (param) (i32.const 1))) (start 0))
