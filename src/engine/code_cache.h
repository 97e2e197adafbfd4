// Compiled code on disk, so that a host starts in milliseconds.
//
// File: magic "TRELCODE", 4-byte format version, HMAC-SHA256 over key and code, code. The MAC key
// is the host's own (32 random bytes, mode 0600, made at first use). A file is read whole into
// memory, verified there and loaded from there; one that does not verify is deleted and never
// loaded. When the folder grows beyond its bound (1 GiB), what was used longest ago goes. A cache
// that cannot be written costs compiling again, and one warning.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>

#include "trellis/base/bytes.h"
#include "trellis/base/error.h"
#include "trellis/engine/engine.h"

namespace trellis::engine {

using CacheKey = std::array<std::byte, 32>;

/// SHA-256 over the module's hash, the engine's version, the shim's, the profile, the compatibility
/// digest (settings, CPU features) and the prepare version.
CacheKey cache_key(const Engine& engine, ByteView module);

/// Thread-safe; several processes may share the folder.
class CodeCache {
 public:
  /// `folder` is made when it is missing; `key_file` too. A key that cannot be kept is made for
  /// this process only, so that nothing on disk is trusted.
  CodeCache(std::filesystem::path folder, const std::filesystem::path& key_file);
  /// The same with another bound on the size of the folder.
  CodeCache(std::filesystem::path folder, const std::filesystem::path& key_file,
            std::uint64_t max_bytes);
  CodeCache(const CodeCache&) = delete;
  CodeCache& operator=(const CodeCache&) = delete;
  ~CodeCache();

  /// The code, if a genuine file is there.
  std::optional<Bytes> load(const CacheKey& key) noexcept;
  /// Best effort.
  void store(const CacheKey& key, ByteView code) noexcept;

  std::filesystem::path path_of(const CacheKey& key) const;

  /// Files that did not verify, since the start.
  std::uint64_t rejected() const noexcept { return rejected_.load(std::memory_order_relaxed); }

 private:
  std::array<std::byte, 32> mac(const CacheKey& key, ByteView code) const;

  void trim() noexcept;

  std::filesystem::path folder_;
  std::uint64_t max_bytes_;
  std::array<std::byte, 32> secret_{};
  std::atomic<std::uint64_t> rejected_{0};
  std::atomic<bool> warned_{false};
};

}  // namespace trellis::engine
