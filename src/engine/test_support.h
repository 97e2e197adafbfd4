// For the tests and benchmarks of this module: modules in text form, and polling to the end.
#pragma once

#include <memory>
#include <string_view>

#include "trellis/base/bytes.h"
#include "trellis/engine/instance.h"
#include "trellis/engine/wasmtime_support.h"

namespace trellis::engine::test {

/// The binary of a module in text form; empty when the text is wrong.
inline Bytes from_text(std::string_view text) {
  wasm_byte_vec_t binary;
  if (auto* error = wasmtime_wat2wasm(text.data(), text.size(), &binary)) {
    wasmtime_error_delete(error);
    return {};
  }
  Bytes bytes = to_bytes(std::string_view(binary.data, binary.size));
  wasm_byte_vec_delete(&binary);
  return bytes;
}

/// Polls until the call is done or failed; whatever waits is polled again at once.
inline CallState run(Call& call) {
  for (;;) {
    const CallState state = call.poll();
    if (state == CallState::Done || state == CallState::Failed) return state;
  }
}

}  // namespace trellis::engine::test
