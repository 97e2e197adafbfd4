// The audit trail: every decision to load, refuse, deny or stop, as one JSON line in one file. The
// ledger attaches here later.
//
// record() and denied() may be called from any thread and never wait for the disk: the log's
// writer does (see AuditFile). What is beyond the bounds is counted, and the count is a record.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "trellis/base/error.h"

namespace trellis::telemetry {

/// A call that was refused by policy.
struct Denial {
  std::string_view subject;
  std::string_view actor;
  std::string_view operation;
  std::string_view contract;
  std::string_view link;
};

class AuditSink {
 public:
  using Fields = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  AuditSink() noexcept = default;
  AuditSink(const AuditSink&) = delete;
  AuditSink& operator=(const AuditSink&) = delete;
  virtual ~AuditSink() = default;

  /// `event`: "actor.started", "actor.refused", "actor.stopped", "call.denied".
  virtual void record(std::string_view event, Fields fields) = 0;
  /// Also logged as a warning, with the reason policy.denied.
  virtual void denied(const Denial& denial) = 0;
};

/// Appends to `path` (made with mode 0600, rotated once at 16 MiB to `path`.1) by a thread of its
/// own.
Result<std::unique_ptr<AuditSink>> open_audit_file(std::string path);

/// Keeps nothing: for `trellis test` and unit tests.
std::unique_ptr<AuditSink> no_audit();

}  // namespace trellis::telemetry
