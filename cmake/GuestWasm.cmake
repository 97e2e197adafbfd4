# Guests: wasm32 modules built from source by the toolchains that are present. Filled by the
# examples and the tests.
