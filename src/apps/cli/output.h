// What every command prints, and with what it exits.
//
// stdout carries the result: one JSON object with --format json, text for people otherwise.
// stderr carries one line for a failure. Nothing that came from outside is printed unescaped.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "trellis/base/error.h"
#include "trellis/codec/json.h"

namespace trellis::apps::cli {

inline constexpr int kExitDone = 0;
inline constexpr int kExitRefused = 1;
inline constexpr int kExitUsage = 2;

enum class Format : std::uint8_t { Text, Json };

/// Colours are for a terminal, and only without NO_COLOR (no-color.org).
bool use_colour(std::FILE* stream) noexcept;

enum class Tone : std::uint8_t { Good, Bad, Faint };

/// `text` in a colour if stdout takes colours; `text` must be escaped already.
std::string toned(Tone tone, std::string_view text);

/// One JSON object and a newline on stdout.
void print_json(const codec::json::Object& object);

/// Text for people on stdout: escaped here, newlines and tabs kept.
void print_text(std::string_view text);

/// One line on stderr: "trellis: what failed (reason)".
void print_failure(const Error& error);

/// Prints a failure in both forms and returns `exit_code`. The JSON object is `found` (what is
/// known all the same) with "ok":false, "reason" and "message".
int report_failure(Format format, const Error& error, int exit_code = kExitRefused,
                   codec::json::Object found = {});

/// Rows of "name   value" in two columns; a value may have several lines.
class Table {
 public:
  void add(std::string_view name, std::string_view value);
  /// The rows, escaped, each ended by a newline.
  std::string text() const;

 private:
  std::vector<std::pair<std::string, std::string>> rows_;
};

}  // namespace trellis::apps::cli
