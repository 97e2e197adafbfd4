#include "trellis/base/log.h"

#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <ctime>
#include <mutex>
#include <thread>

#include "trellis/base/text.h"

namespace trellis::log {
namespace {

constexpr std::size_t kMaxQueueBytes = std::size_t{4} << 20U;
constexpr std::size_t kMaxValueBytes = 8192;

std::atomic<Level> minimum_level{Level::Info};
std::atomic<Format> output_format{Format::Text};

std::string_view level_name(Level level) noexcept {
  switch (level) {
    case Level::Debug: return "debug";
    case Level::Info: return "info";
    case Level::Warn: return "warn";
    case Level::Error: return "error";
  }
  return "error";
}

void append_time(std::string& out) {
  const auto now = std::chrono::system_clock::now();
  const auto since = now.time_since_epoch();
  const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(since).count() % 1000;
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 40> buffer{};
  const std::size_t used = std::strftime(buffer.data(), buffer.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  out.append(buffer.data(), used);
  const int written =
      std::snprintf(buffer.data(), buffer.size(), ".%03dZ", static_cast<int>(millis));
  out.append(buffer.data(), static_cast<std::size_t>(written));
}

void append_json_text(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : escape_line(cut_utf8(text, kMaxValueBytes))) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
}

void append_value(std::string& out, const Field& field, Format format) {
  if (field.is_number()) {
    out += std::to_string(field.number());
  } else if (format == Format::Json ||
             field.text().find_first_of(" \"=") != std::string_view::npos || field.text().empty()) {
    append_json_text(out, field.text());
  } else {
    out += escape_line(cut_utf8(field.text(), kMaxValueBytes));
  }
}

std::string render(Level level, std::string_view message, Fields fields) {
  const Format format = output_format.load(std::memory_order_relaxed);
  std::string line;
  line.reserve(160);
  if (format == Format::Json) {
    line += R"({"time":")";
    append_time(line);
    line.append(R"(","level":")").append(level_name(level)).append(R"(","message":)");
    append_json_text(line, message);
    for (const Field& field : fields) {
      line.append(",\"").append(field.name()).append("\":");
      append_value(line, field, format);
    }
    line += "}\n";
    return line;
  }
  append_time(line);
  line.append(" ").append(level_name(level)).append(" ").append(escape_line(message));
  for (const Field& field : fields) {
    line.append(" ").append(field.name()).append("=");
    append_value(line, field, format);
  }
  line += '\n';
  return line;
}

/// The queue and its writer thread. Never destroyed: threads may log until the process ends.
class Sink {
 public:
  void push(std::string_view line) {
    bool wake = false;
    {
      const std::lock_guard lock(mutex_);
      if (!started_) {
        started_ = true;
        std::thread([this] { run(); }).detach();
      }
      if (pending_.size() + line.size() > kMaxQueueBytes) {
        ++dropped_;
        return;
      }
      wake = pending_.empty();
      pending_ += line;
      ++pushed_;
    }
    if (wake) ready_.notify_one();
  }

  void flush() {
    std::unique_lock lock(mutex_);
    if (!started_) return;
    const std::uint64_t goal = pushed_;
    written_.wait_for(lock, std::chrono::seconds(1), [&] { return done_ >= goal; });
  }

 private:
  void run() {
    std::string batch;
    while (true) {
      std::uint64_t reached = 0;
      {
        std::unique_lock lock(mutex_);
        ready_.wait(lock, [&] { return !pending_.empty(); });
        batch.swap(pending_);
        reached = pushed_;
        if (dropped_ > 0) {
          batch += "log records dropped: " + std::to_string(dropped_) + "\n";
          dropped_ = 0;
        }
      }
      write_out(batch);
      batch.clear();
      {
        const std::lock_guard lock(mutex_);
        done_ = reached;
      }
      written_.notify_all();
    }
  }

  static void write_out(std::string_view text) {
    while (!text.empty()) {
      const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) return;  // nobody reads: there is no other place to say so
      text.remove_prefix(static_cast<std::size_t>(written));
    }
  }

  std::mutex mutex_;
  std::condition_variable ready_;
  std::condition_variable written_;
  std::string pending_;
  std::uint64_t pushed_ = 0;
  std::uint64_t done_ = 0;
  std::uint64_t dropped_ = 0;
  bool started_ = false;
};

Sink& sink() {
  static auto* const instance =
      new Sink;  // NOLINT(cppcoreguidelines-owning-memory): lives as long as the process
  return *instance;
}

}  // namespace

void set_level(Level level) noexcept {
  minimum_level.store(level, std::memory_order_relaxed);
}

void set_format(Format format) noexcept {
  output_format.store(format, std::memory_order_relaxed);
}

bool enabled(Level level) noexcept {
  return level >= minimum_level.load(std::memory_order_relaxed);
}

void write(Level level, std::string_view message, Fields fields) {
  sink().push(render(level, message, fields));
}

void flush() {
  sink().flush();
}

}  // namespace trellis::log
