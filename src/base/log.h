// The log: one line a record, written by a thread of its own, so that no core ever waits for a
// slow terminal or disk. Records beyond the bound of the queue are dropped and counted, and the
// count is itself logged.
//
//   log::info("actor started", {{"actor", subject}, {"core", 3}});
//
// The message is a fixed text, what varies goes into fields. Levels: error (a person must act),
// warn (degraded), info (life cycle), debug. Every value is escaped at the sink: no byte of a guest
// reaches the terminal raw. May be called from any thread.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>

namespace trellis::log {

enum class Level : std::uint8_t { Debug, Info, Warn, Error };
enum class Format : std::uint8_t { Text, Json };

class Field {
 public:
  Field(std::string_view name, std::string_view value) : name_(name), text_(value) {}

  Field(std::string_view name, const char* value) : name_(name), text_(value) {}

  Field(std::string_view name, const std::string& value) : name_(name), text_(value) {}

  template <class T>
    requires std::is_integral_v<T>
  Field(std::string_view name, T value)
      : name_(name), number_(static_cast<std::int64_t>(value)), is_number_(true) {}

  std::string_view name() const noexcept { return name_; }

  std::string_view text() const noexcept { return text_; }

  std::int64_t number() const noexcept { return number_; }

  bool is_number() const noexcept { return is_number_; }

 private:
  std::string_view name_;
  std::string_view text_;
  std::int64_t number_ = 0;
  bool is_number_ = false;
};

using Fields = std::initializer_list<Field>;

/// Records of a lower level are not made. The default is Info; call before threads start.
void set_level(Level level) noexcept;
/// The default is Text; call before threads start.
void set_format(Format format) noexcept;
bool enabled(Level level) noexcept;

void write(Level level, std::string_view message, Fields fields = {});

inline void debug(std::string_view message, Fields fields = {}) {
  if (enabled(Level::Debug)) write(Level::Debug, message, fields);
}

inline void info(std::string_view message, Fields fields = {}) {
  if (enabled(Level::Info)) write(Level::Info, message, fields);
}

inline void warn(std::string_view message, Fields fields = {}) {
  if (enabled(Level::Warn)) write(Level::Warn, message, fields);
}

inline void error(std::string_view message, Fields fields = {}) {
  if (enabled(Level::Error)) write(Level::Error, message, fields);
}

/// Waits until all that was logged so far is written (at most one second): before exit.
void flush();

}  // namespace trellis::log
