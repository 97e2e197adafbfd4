#include "trellis/abi/common/import_check.h"

#include <algorithm>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "trellis/base/assert.h"
#include "trellis/base/text.h"

namespace trellis::abi {
namespace {

// A refusal names this many imports in full; a module with more problems gets the count.
constexpr std::size_t kMaxNamed = 32;
// Longer names are not compared: the distance costs the product of the lengths.
constexpr std::size_t kMaxComparedName = 64;
constexpr std::size_t kMaxShownName = 100;

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j < row.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({above + 1, row[j - 1] + 1, replaced});
      diagonal = above;
    }
  }
  return row[b.size()];
}

std::string shown(std::string_view module, std::string_view name) {
  return escape_line(cut_utf8(module, kMaxShownName)) + "." +
         escape_line(cut_utf8(name, kMaxShownName));
}

// The offered function whose name is nearest; the module's name counts as well.
std::string nearest(const engine::ModuleInfo::Import& import,
                    std::span<const OfferedImport> offered) {
  if (import.name.size() > kMaxComparedName || import.module.size() > kMaxComparedName) return {};
  const OfferedImport* best = nullptr;
  std::size_t best_distance = std::numeric_limits<std::size_t>::max();
  for (const OfferedImport& row : offered) {
    const std::size_t distance =
        edit_distance(import.name, row.name) + edit_distance(import.module, row.module);
    if (distance < best_distance) {
      best_distance = distance;
      best = &row;
    }
  }
  return best == nullptr ? std::string() : shown(best->module, best->name);
}

std::string describe_unknown(const engine::ModuleInfo::Import& import,
                             std::span<const OfferedImport> offered) {
  std::string text = shown(import.module, import.name) + " is not offered";
  if (import.module == "wasmbus") return text + " (a module of the later wasmbus generation)";
  if (const std::string near = nearest(import, offered); !near.empty()) {
    text += " (nearest: " + near + ")";
  }
  return text;
}

// Empty when the import is in order. `chosen` holds the type that an earlier import took.
std::string problem_of(const engine::ModuleInfo::Import& import,
                       std::span<const OfferedImport> offered,
                       std::map<std::string, codec::wasm::FunctionType>& chosen) {
  std::string types;
  bool matches = false;
  for (const OfferedImport& row : offered) {
    if (row.module != import.module || row.name != import.name) continue;
    const codec::wasm::FunctionType type = parse_signature(row.signature);
    matches = matches || (import.kind == codec::wasm::ExternKind::Function && type == import.type);
    types += (types.empty() ? "" : " or ") + codec::wasm::function_type_text(type);
  }
  if (types.empty()) return describe_unknown(import, offered);
  const std::string name = shown(import.module, import.name);
  if (!matches) {
    const bool function = import.kind == codec::wasm::ExternKind::Function;
    const std::string is = function ? codec::wasm::function_type_text(import.type)
                                    : std::string(codec::wasm::extern_kind_text(import.kind));
    return name + " is imported as " + is + ", but it is a function " + types;
  }
  const auto [found, fresh] = chosen.emplace(name, import.type);
  if (!fresh && found->second != import.type) return name + " is imported with two types";
  return {};
}

}  // namespace

codec::wasm::FunctionType parse_signature(std::string_view signature) {
  codec::wasm::FunctionType type;
  auto* into = &type.parameters;
  for (const char letter : signature) {
    if (letter == '>') {
      into = &type.results;
      continue;
    }
    TR_ASSERT(letter == 'i' || letter == 'I');
    into->push_back(letter == 'i' ? codec::wasm::ValueType::I32 : codec::wasm::ValueType::I64);
  }
  return type;
}

Result<void> check_imports(const engine::ModuleInfo& module,
                           std::span<const OfferedImport> offered) {
  std::map<std::string, codec::wasm::FunctionType> chosen;
  std::string message;
  std::size_t problems = 0;
  for (const auto& import : module.imports) {
    if (problems >= kMaxNamed) {
      ++problems;
      continue;
    }
    const std::string problem = problem_of(import, offered, chosen);
    if (problem.empty()) continue;
    ++problems;
    message += (message.empty() ? "" : "; ") + problem;
  }
  if (problems == 0) return {};
  if (problems > kMaxNamed) {
    message += "; and up to " + std::to_string(problems - kMaxNamed) + " more";
  }
  return fail(Reason::ModuleImport, "the module asks for imports that do not exist here: " +
                                        std::string(cut_utf8(message, kMaxErrorTextBytes - 256)));
}

}  // namespace trellis::abi
