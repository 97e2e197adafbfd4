(module (func (export "r") (param i32) (result i32 i32) (block (result i32 i32) (i32.const 1) (br_table 0 0 (i32.const 2) (local.get 0)))) (func (return_call 1)))
