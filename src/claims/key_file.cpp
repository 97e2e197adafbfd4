#include "trellis/claims/key_file.h"

#include <unistd.h>

#include <string_view>
#include <utility>

#include "trellis/base/bytes.h"
#include "trellis/base/file.h"
#include "trellis/base/text.h"

namespace trellis::claims {
namespace {

constexpr std::uint64_t kMaxKeyFileBytes = 4096;
constexpr mode_t kSecretMode = 0600;

std::string_view trimmed(std::string_view text) noexcept {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

std::string shown(const std::string& path) {
  return escape_line(path);
}

Result<Bytes> read_small(const std::string& path) {
  Result<Bytes> bytes = read_file(path, kMaxKeyFileBytes);
  if (!bytes && bytes.error().reason() == Reason::ModuleTooLarge)
    return fail(Reason::KeyMalformed, "key file " + shown(path) + ": too large for a key");
  return bytes;
}

bool looks_like_seed(std::string_view text) noexcept {
  return text.starts_with('S');
}

}  // namespace

Result<crypto::KeyPair> read_seed_file(const std::string& path) {
  TR_TRY(Bytes bytes, read_small(path));
  const std::string_view text = trimmed(as_text(bytes));
  if (!looks_like_seed(text)) {
    crypto::wipe(bytes);
    return fail(Reason::KeyMalformed, "key file " + shown(path) +
                                          ": not a seed; give the file that `trellis keys gen -o` "
                                          "wrote");
  }
  Result<crypto::KeyPair> key = crypto::KeyPair::from_seed_text(text);
  crypto::wipe(bytes);
  if (!key) return std::unexpected(std::move(key).error().context("key file " + shown(path)));
  return key;
}

Result<crypto::PublicNkey> read_key_file(const std::string& path) {
  TR_TRY(Bytes bytes, read_small(path));
  const std::string_view text = trimmed(as_text(bytes));
  if (looks_like_seed(text)) {
    crypto::wipe(bytes);
    TR_TRY(const crypto::KeyPair key, read_seed_file(path));
    return key.public_key();
  }
  Result<crypto::PublicNkey> key = crypto::decode_public(text);
  if (!key) return std::unexpected(std::move(key).error().context("key file " + shown(path)));
  return key;
}

Result<void> write_seed_file(const std::string& path, const crypto::KeyPair& key) {
  std::string text = key.seed_text();
  text.push_back('\n');
  Result<void> written = write_new_file(path, as_bytes(text), kSecretMode);
  crypto::wipe({reinterpret_cast<std::byte*>(text.data()), text.size()});
  return written;
}

std::string dev_account_path() {
  return data_directory() + "/dev_account.nk";
}

Result<crypto::KeyPair> dev_account() {
  const std::string path = dev_account_path();
  if (::access(path.c_str(), F_OK) != 0)
    return fail(Reason::KeyMissing,
                "there is no development account; make one with: trellis keys dev");
  TR_TRY(crypto::KeyPair key, read_seed_file(path));
  if (key.kind() != crypto::KeyKind::Account)
    return fail(Reason::KeyKind, "key file " + shown(path) + ": a key of kind " +
                                     std::string(crypto::key_kind_text(key.kind())) +
                                     ", not account; move it away and run: trellis keys dev");
  return key;
}

Result<crypto::KeyPair> make_dev_account() {
  Result<crypto::KeyPair> existing = dev_account();
  if (existing || existing.error().reason() != Reason::KeyMissing) return existing;
  TR_CHECK(make_directories(data_directory()));
  const crypto::KeyPair fresh = crypto::KeyPair::generate(crypto::KeyKind::Account);
  Result<void> written = write_seed_file(dev_account_path(), fresh);
  // Another process may have been faster: its key is as good.
  if (!written && written.error().reason() != Reason::FileExists)
    return std::unexpected(std::move(written).error());
  return dev_account();
}

}  // namespace trellis::claims
