(module (import "a" "t" (table 1 funcref)) (import "a" "m" (memory 1)) (import "a" "g" (global i32)) (export "t" (table 0)) (export "m" (memory 0)) (export "g" (global 0)))
