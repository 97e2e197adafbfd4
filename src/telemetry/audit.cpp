#include "trellis/telemetry/audit.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <thread>

#include "trellis/base/clock.h"
#include "trellis/base/file.h"
#include "trellis/base/log.h"
#include "trellis/base/text.h"
#include "trellis/base/unique_fd.h"

namespace trellis::telemetry {
namespace {

constexpr std::size_t kMaxQueueBytes = std::size_t{1} << 20;
constexpr std::uint64_t kMaxFileBytes = std::uint64_t{16} << 20;
constexpr std::size_t kMaxValueBytes = 1024;
/// Denials a second that are logged and recorded; a guest can make millions.
constexpr std::uint64_t kMaxDenialsPerSecond = 100;

void append_json(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : escape_line(cut_utf8(text, kMaxValueBytes))) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
}

class AuditFile final : public AuditSink {
 public:
  AuditFile(std::string path, UniqueFd file, std::uint64_t size)
      : path_(std::move(path)), file_(std::move(file)), size_(size), writer_([this] { run(); }) {}

  ~AuditFile() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    ready_.notify_all();
    writer_.join();
  }

  void record(std::string_view event, Fields fields) override {
    std::string line =
        "{\"time\":" + std::to_string(system_clock().wall_nanoseconds()) + ",\"event\":";
    append_json(line, event);
    for (const auto& [name, value] : fields) {
      line += ',';
      append_json(line, name);
      line += ':';
      append_json(line, value);
    }
    line += "}\n";
    {
      const std::lock_guard lock(mutex_);
      if (pending_.size() + line.size() > kMaxQueueBytes) {
        ++dropped_;
        return;
      }
      pending_ += line;
    }
    ready_.notify_one();
  }

  void denied(const Denial& denial) override {
    if (!may_report_denial()) return;
    log::warn("call denied", {{"reason", reason_text(Reason::PolicyDenied)},
                              {"actor", denial.actor},
                              {"subject", denial.subject},
                              {"operation", denial.operation},
                              {"contract", denial.contract},
                              {"link", denial.link}});
    record("call.denied", {{"reason", reason_text(Reason::PolicyDenied)},
                           {"actor", denial.actor},
                           {"subject", denial.subject},
                           {"operation", denial.operation},
                           {"contract", denial.contract},
                           {"link", denial.link}});
  }

 private:
  bool may_report_denial() {
    const UnixSeconds now = system_clock().wall_seconds();
    const std::lock_guard lock(mutex_);
    if (now != denial_second_) {
      denial_second_ = now;
      denials_ = 0;
    }
    if (++denials_ <= kMaxDenialsPerSecond) return true;
    ++dropped_;
    return false;
  }

  void run() {
    std::string batch;
    while (true) {
      {
        std::unique_lock lock(mutex_);
        ready_.wait(lock, [this] { return stopping_ || !pending_.empty(); });
        if (pending_.empty()) return;
        batch.swap(pending_);
        if (dropped_ > 0) {
          batch += "{\"time\":" + std::to_string(system_clock().wall_nanoseconds()) +
                   R"(,"event":"audit.dropped","count":")" + std::to_string(dropped_) + "\"}\n";
          dropped_ = 0;
        }
      }
      write_out(batch);
      batch.clear();
    }
  }

  void write_out(std::string_view text) {
    if (size_ + text.size() > kMaxFileBytes) rotate();
    size_ += text.size();
    while (!text.empty()) {
      const ssize_t written = ::write(file_.get(), text.data(), text.size());
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) {
        log::error("audit trail cannot be written",
                   {{"file", path_}, {"error", errno_text(errno)}});
        return;
      }
      text.remove_prefix(static_cast<std::size_t>(written));
    }
  }

  void rotate() {
    static_cast<void>(::rename(path_.c_str(), (path_ + ".1").c_str()));
    UniqueFd fresh(::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    if (fresh) {
      file_ = std::move(fresh);
      size_ = 0;
    }
  }

  std::string path_;
  UniqueFd file_;
  std::uint64_t size_;
  std::mutex mutex_;
  std::condition_variable ready_;
  std::string pending_;
  std::uint64_t dropped_ = 0;
  std::uint64_t denials_ = 0;
  UnixSeconds denial_second_ = 0;
  bool stopping_ = false;
  std::thread writer_;
};

class NoAudit final : public AuditSink {
 public:
  void record(std::string_view, Fields) override {}

  void denied(const Denial&) override {}
};

}  // namespace

Result<std::unique_ptr<AuditSink>> open_audit_file(std::string path) {
  UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  struct stat status{};
  if (!file || ::fstat(file.get(), &status) != 0) {
    return fail(Reason::FileUnwritable,
                "cannot open the audit trail " + path + ": " + errno_text(errno));
  }
  return std::make_unique<AuditFile>(std::move(path), std::move(file),
                                     static_cast<std::uint64_t>(status.st_size));
}

std::unique_ptr<AuditSink> no_audit() {
  return std::make_unique<NoAudit>();
}

}  // namespace trellis::telemetry
