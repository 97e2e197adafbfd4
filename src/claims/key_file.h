// Keys in files (one nkey text, white space around it tolerated) and the development account.
#pragma once

#include <string>

#include "trellis/base/error.h"
#include "trellis/crypto/nkeys.h"

namespace trellis::claims {

/// A seed. file.unreadable; key.malformed when the file holds anything else, a public key included.
Result<crypto::KeyPair> read_seed_file(const std::string& path);

/// A public key, or the public half of a seed.
Result<crypto::PublicNkey> read_key_file(const std::string& path);

/// Writes the seed and a newline to a new file of mode 0600; file.exists when there is one.
Result<void> write_seed_file(const std::string& path, const crypto::KeyPair& key);

/// data_directory()/dev_account.nk
std::string dev_account_path();

/// The development account of this user. key.missing when it was not made yet: only
/// make_dev_account() makes it, and only `trellis keys dev` calls that.
Result<crypto::KeyPair> dev_account();

/// The development account, made if there is none.
Result<crypto::KeyPair> make_dev_account();

}  // namespace trellis::claims
