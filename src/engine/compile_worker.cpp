// The life of a compile worker: read the request, lock the door, compile, answer, end. It was
// started with its limits already set (compiler.cpp).

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <optional>

#include "trellis/engine/compile_protocol.h"
#include "trellis/engine/compiler.h"
#include "trellis/engine/wasmtime_support.h"
#include "trellis/process/memory_file.h"

namespace trellis::engine {
namespace {

constexpr int kExitDone = 0;
constexpr int kExitBroken = 3;

bool answer(Answer kind, ByteView content) {
  const std::byte tag{static_cast<std::uint8_t>(kind)};
  return process::write_all(kWorkerOutput, {&tag, 1}).has_value() &&
         process::write_all(kWorkerOutput, content).has_value();
}

// The request, mapped; empty when descriptor 3 does not hold one.
ByteView map_request() {
  struct stat status{};
  if (::fstat(kWorkerInput, &status) != 0 ||
      status.st_size < static_cast<off_t>(sizeof(WorkerHeader))) {
    return {};
  }
  const auto size = static_cast<std::size_t>(status.st_size);
  void* place = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, kWorkerInput, 0);
  if (place == MAP_FAILED) return {};
  return {static_cast<const std::byte*>(place), size};
}

std::optional<Profile> profile_of(std::uint64_t number) {
  switch (static_cast<Profile>(number)) {
    case Profile::Dense: return Profile::Dense;
  }
  return std::nullopt;
}

int compile(const WorkerHeader& header, ByteView module) {
  const auto profile = profile_of(header.profile);
  if (!profile) return kExitBroken;
  Limits limits;
  limits.max_memory_bytes = header.max_memory_bytes;
  wasmtime_error_t* error = nullptr;
  // No pool: it does not decide about code, and would reserve address space.
  const COwner<wasm_engine_t, wasm_engine_delete> engine(
      tr_engine_new(make_config(*profile, limits), &error));
  if (engine == nullptr) {
    wasmtime_error_delete(error);
    return kExitBroken;
  }
  if (tr_engine_compatibility(engine.get()) != header.compatibility) {
    return answer(Answer::Incompatible, {}) ? kExitDone : kExitBroken;
  }
  if (!enter_compile_sandbox()) return kExitNoSandbox;
  wasm_byte_vec_t code;
  error = tr_precompile(engine.get(), as_u8(module), module.size(), &code);
  if (error != nullptr) {
    return answer(Answer::Refused, as_bytes(take_text(error))) ? kExitDone : kExitBroken;
  }
  const ByteView bytes(reinterpret_cast<const std::byte*>(code.data), code.size);
  return answer(Answer::Code, bytes) ? kExitDone : kExitBroken;
}

}  // namespace

int compile_worker_main() noexcept {
  const ByteView request = map_request();
  WorkerHeader header;
  if (request.size() < sizeof header) return kExitBroken;
  std::memcpy(&header, request.data(), sizeof header);
  const ByteView module = request.subspan(sizeof header);
  if (header.magic != kWorkerMagic || header.module_bytes != module.size()) return kExitBroken;
  const int code = compile(header, module);
  // Nothing is left to tidy up, and destructors would only cost time.
  ::_exit(code);
}

}  // namespace trellis::engine
