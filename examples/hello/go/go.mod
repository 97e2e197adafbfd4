module example.invalid/trellis/hello

go 1.24
