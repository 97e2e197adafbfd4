#include "trellis/apps/cli/output.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "trellis/base/text.h"

namespace trellis::apps::cli {
namespace {

namespace json = codec::json;

void write_out(std::FILE* stream, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stream);
  std::fflush(stream);
}

}  // namespace

bool use_colour(std::FILE* stream) noexcept {
  const char* off = std::getenv("NO_COLOR");  // NOLINT(concurrency-mt-unsafe): nothing sets it
  if (off != nullptr && *off != '\0') return false;
  return ::isatty(::fileno(stream)) == 1;
}

std::string toned(Tone tone, std::string_view text) {
  if (!use_colour(stdout)) return std::string(text);
  const std::string_view start = tone == Tone::Good  ? "\x1b[32m"
                                 : tone == Tone::Bad ? "\x1b[31m"
                                                     : "\x1b[2m";
  return std::string(start) + std::string(text) + "\x1b[0m";
}

void print_json(const json::Object& object) {
  write_out(stdout, json::to_text(json::Value(object)) + "\n");
}

void print_text(std::string_view text) {
  write_out(stdout, escape_controls(text));
}

void print_failure(const Error& error) {
  const std::string line = escape_line(error.message());
  std::string out = "trellis: ";
  out += cut_utf8(line, kMaxErrorTextBytes);
  out.append(" (").append(error.reason_text()).append(")\n");
  write_out(stderr, out);
}

int report_failure(Format format, const Error& error, int exit_code, json::Object found) {
  if (format == Format::Json) {
    const std::string message = to_utf8_lossy(error.message());
    const std::string_view reason = error.reason_text();
    found["ok"] = false;
    found["reason"] = std::string(reason);
    found["message"] = std::string(cut_utf8(message, kMaxErrorTextBytes));
    print_json(found);
  }
  print_failure(error);
  return exit_code;
}

void Table::add(std::string_view name, std::string_view value) {
  rows_.emplace_back(name, value);
}

std::string Table::text() const {
  std::size_t width = 0;
  for (const auto& [name, value] : rows_) width = std::max(width, name.size());
  std::string out;
  for (const auto& [name, value] : rows_) {
    std::string_view rest = value;
    bool first = true;
    do {
      const std::size_t end = std::min(rest.find('\n'), rest.size());
      const std::string label = escape_line(first ? std::string_view(name) : std::string_view());
      out += label + std::string(width + 2 - std::min(width, label.size()), ' ');
      out += escape_line(rest.substr(0, end)) + "\n";
      rest.remove_prefix(std::min(end + 1, rest.size()));
      first = false;
    } while (!rest.empty());
  }
  return out;
}

}  // namespace trellis::apps::cli
