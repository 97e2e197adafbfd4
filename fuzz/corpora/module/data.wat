(module (memory 1 2) (data (i32.const 8) "abc") (data "passive") (func (export "f") (param i64 f32 f64) (result i64) (memory.init 1 (i32.const 0) (i32.const 0) (i32.const 3)) local.get 0))
