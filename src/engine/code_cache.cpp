#include "trellis/engine/code_cache.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>
#include <system_error>
#include <vector>

#include "trellis/base/file.h"
#include "trellis/base/log.h"
#include "trellis/base/unique_fd.h"
#include "trellis/crypto/hash.h"
#include "trellis/engine/module.h"
#include "trellis/engine/wasmtime_support.h"

namespace trellis::engine {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMagic = "TRELCODE";
constexpr std::uint32_t kFormat = 1;
constexpr std::size_t kMacOffset = 12;
constexpr std::size_t kCodeOffset = kMacOffset + crypto::kSha256Bytes;
constexpr std::uint64_t kMaxCodeBytes = std::uint64_t{512} << 20;
constexpr std::uint64_t kDefaultFolderBytes = std::uint64_t{1} << 30;
constexpr const char* kSuffix = ".code";

void append(Bytes& out, std::string_view text) {
  // Length first: no two lists of parts give the same bytes.
  const std::uint64_t size = text.size();
  const auto* raw = reinterpret_cast<const std::byte*>(&size);
  out.insert(out.end(), raw, raw + sizeof size);
  const ByteView bytes = as_bytes(text);
  out.insert(out.end(), bytes.begin(), bytes.end());
}

Bytes header() {
  Bytes out = to_bytes(kMagic);
  for (unsigned shift = 0; shift < 32; shift += 8) {
    out.push_back(static_cast<std::byte>((kFormat >> shift) & 0xff));
  }
  return out;
}

// The key that is there, if it is ours alone.
Result<Bytes> read_secret(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  struct stat status{};
  if (!file || ::fstat(file.get(), &status) != 0) {
    return fail(Reason::FileUnreadable, "cannot read " + path + ": " + errno_text(errno));
  }
  if (!S_ISREG(status.st_mode) || status.st_uid != ::geteuid() || (status.st_mode & 077) != 0) {
    return fail(Reason::FileUnreadable, path + " must be a file of this user with mode 0600");
  }
  Bytes secret(crypto::kSha256Bytes + 1);
  const ssize_t got = ::read(file.get(), secret.data(), secret.size());
  if (got != static_cast<ssize_t>(crypto::kSha256Bytes)) {
    return fail(Reason::FileUnreadable, path + " must have 32 bytes; remove it to make a new one");
  }
  secret.resize(crypto::kSha256Bytes);
  return secret;
}

Result<Bytes> read_or_make_secret(const fs::path& path) {
  TR_CHECK(make_directories(path.parent_path().string()));
  std::error_code error;
  if (!fs::exists(fs::symlink_status(path, error))) {
    Bytes fresh(crypto::kSha256Bytes);
    crypto::random_bytes(fresh);
    const auto written = write_new_file(path.string(), fresh, 0600);
    if (written) return fresh;
    // Another process may have been faster.
    if (written.error().reason() != Reason::FileExists) return std::unexpected(written.error());
  }
  return read_secret(path.string());
}

}  // namespace

CacheKey cache_key(const Engine& engine, ByteView module) {
  Bytes parts;
  append(parts, as_text(crypto::sha256(module)));
  append(parts, engine_version());
  append(parts, tr_shim_version());
  append(parts, profile_name(engine.profile()));
  append(parts, std::to_string(engine.compatibility()));
  append(parts, std::to_string(Module::kPrepareVersion));
  return crypto::sha256(parts);
}

CodeCache::CodeCache(fs::path folder, const fs::path& key_file)
    : CodeCache(std::move(folder), key_file, kDefaultFolderBytes) {}

CodeCache::CodeCache(fs::path folder, const fs::path& key_file, std::uint64_t max_bytes)
    : folder_(std::move(folder)), max_bytes_(max_bytes) {
  auto secret = read_or_make_secret(key_file);
  if (secret) {
    std::ranges::copy(*secret, secret_.begin());
  } else {
    crypto::random_bytes(secret_);
    log::warn("the code cache has no key that lasts: modules are compiled again at each start",
              {{"error", secret.error().message()}});
  }
  if (auto made = make_directories(folder_.string()); !made) {
    warned_.store(true);
    log::warn("the code cache cannot be used", {{"error", made.error().message()}});
  }
}

CodeCache::~CodeCache() {
  explicit_bzero(secret_.data(), secret_.size());
}

fs::path CodeCache::path_of(const CacheKey& key) const {
  return folder_ / (to_hex(key) + kSuffix);
}

std::array<std::byte, 32> CodeCache::mac(const CacheKey& key, ByteView code) const {
  Bytes message = header();
  message.insert(message.end(), key.begin(), key.end());
  const crypto::Sha256Digest digest = crypto::sha256(code);
  message.insert(message.end(), digest.begin(), digest.end());
  return crypto::hmac_sha256(secret_, message);
}

std::optional<Bytes> CodeCache::load(const CacheKey& key) noexcept {
  const std::string path = path_of(key).string();
  if (::access(path.c_str(), F_OK) != 0) return std::nullopt;
  auto file = read_file(path, kMaxCodeBytes);
  if (!file) return std::nullopt;  // it may be genuine: not removed
  if (file->size() >= kCodeOffset) {
    const ByteView bytes = *file;
    const ByteView code = bytes.subspan(kCodeOffset);
    const ByteView tag = bytes.subspan(kMacOffset, crypto::kSha256Bytes);
    if (equal(bytes.first(kMacOffset), header()) &&
        crypto::constant_time_equal(tag, mac(key, code))) {
      // The time of the last use decides what is removed first.
      ::utimensat(AT_FDCWD, path.c_str(), nullptr, 0);
      return to_bytes(code);
    }
  }
  rejected_.fetch_add(1, std::memory_order_relaxed);
  ::unlink(path.c_str());
  log::warn("a file of the code cache is not genuine: removed, compiling again", {{"file", path}});
  return std::nullopt;
}

void CodeCache::store(const CacheKey& key, ByteView code) noexcept {
  Bytes content = header();
  const auto tag = mac(key, code);
  content.insert(content.end(), tag.begin(), tag.end());
  content.insert(content.end(), code.begin(), code.end());
  const auto written = write_file_atomically(path_of(key).string(), content, 0600);
  if (!written && !warned_.exchange(true)) {
    log::warn("the code cache cannot be written: modules are compiled again at each start",
              {{"error", written.error().message()}});
  }
  if (written) trim();
}

void CodeCache::trim() noexcept {
  struct File {
    fs::file_time_type used;
    std::uint64_t bytes;
    fs::path path;
  };

  std::vector<File> files;
  std::uint64_t total = 0;
  std::error_code error;
  for (fs::directory_iterator it(folder_, error), end; !error && it != end; it.increment(error)) {
    std::error_code ignored;
    const std::uint64_t bytes = it->file_size(ignored);
    if (ignored || it->path().extension() != kSuffix) continue;
    files.push_back({it->last_write_time(ignored), bytes, it->path()});
    total += bytes;
  }
  if (total <= max_bytes_) return;
  std::ranges::sort(files, {}, &File::used);
  for (const File& file : files) {
    if (total <= max_bytes_ / 4 * 3) return;
    if (fs::remove(file.path, error)) total -= file.bytes;
  }
}

}  // namespace trellis::engine
