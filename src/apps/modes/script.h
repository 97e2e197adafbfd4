// The script of `trellis test` (interfaces.md, section test): what to call, what the host answers,
// what is expected. Read strictly: an unknown key is an error that names the valid ones.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "trellis/base/bytes.h"
#include "trellis/base/error.h"

namespace trellis::apps::modes {

inline constexpr std::chrono::milliseconds kDefaultDeadline{5000};
/// A script may hold payloads beyond the limit of a call (8 MiB), twice as long in hex.
inline constexpr std::uint64_t kMaxScriptBytes = std::uint64_t{64} << 20;

/// One answer of the host to the next host call.
struct ScriptReply {
  std::optional<std::string> binding = {};    // absent: any
  std::optional<std::string> contract = {};   // key `namespace`; absent: any
  std::optional<std::string> operation = {};  // absent: any
  std::optional<Bytes> payload = {};          // absent: any
  Bytes reply;
  std::optional<std::string> error = {};  // answers with this error instead of `reply`
};

struct Expectation {
  std::optional<Bytes> response = {};
  std::optional<std::string> error = {};
  std::optional<std::string> error_contains = {};
  std::optional<bool> trap = {};
  std::optional<std::vector<std::string>> console_log = {};
  std::optional<std::string> stdout_text = {};

  /// Nothing is expected: then the call has to succeed.
  bool empty() const noexcept {
    return !response && !error && !error_contains && !trap && !console_log && !stdout_text;
  }
};

struct ScriptStep {
  std::string operation;
  Bytes payload;
  std::chrono::milliseconds deadline = kDefaultDeadline;
  std::vector<ScriptReply> replies;
  Expectation expect;
};

struct Script {
  std::chrono::milliseconds start_deadline = kDefaultDeadline;
  std::vector<ScriptReply> start_replies;
  std::vector<ScriptStep> steps;
};

/// script.invalid with "`name`:line: what is wrong".
Result<Script> parse_script(std::string_view text, const std::string& name);
/// The same for a file; one that cannot be read is script.invalid too.
Result<Script> read_script(const std::string& path);

}  // namespace trellis::apps::modes
