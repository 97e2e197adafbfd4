// A core WebAssembly module from outside, looked at before anything compiles it: its sections, and
// a summary of what it imports, exports and asks for (WebAssembly core specification, chapter 5).
//
// Everything here views the caller's bytes, which must outlive the results that view them. Nothing
// is allocated in proportion to a number that the input merely claims. All arithmetic is 64-bit.
// Errors are module.malformed (not a module, or broken) and module.unsupported (a proposal that the
// engine does not run). A summary is not a validation: the engine still validates everything.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "trellis/base/bytes.h"
#include "trellis/base/error.h"

namespace trellis::codec::wasm {

struct Limits {
  std::uint32_t max_sections = 100'000;
  std::uint32_t max_types = 100'000;
  std::uint32_t max_parameters = 1'000;  // of one function type; results as well
  std::uint32_t max_imports = 1'000;
  std::uint32_t max_exports = 10'000;
  std::uint32_t max_functions = 100'000;
  std::uint32_t max_tables = 100;
  std::uint32_t max_memories = 100;
  std::uint32_t max_globals = 100'000;
  std::uint32_t max_segments = 100'000;    // data; elements as well
  std::uint32_t max_name_bytes = 100'000;  // of one import or export name
};

enum class SectionId : std::uint8_t {
  Custom = 0,
  Type = 1,
  Import = 2,
  Function = 3,
  Table = 4,
  Memory = 5,
  Global = 6,
  Export = 7,
  Start = 8,
  Element = 9,
  Code = 10,
  Data = 11,
  DataCount = 12,
  Tag = 13,
};

/// One top-level section.
struct Section {
  SectionId id = SectionId::Custom;
  std::uint64_t offset = 0;  // of the id byte in the file
  ByteView whole;            // id, size and contents
  ByteView contents;         // what the size counts
  std::string_view name;     // custom sections: UTF-8
  ByteView payload;          // custom sections: what follows the name; others: the contents
};

/// The eight bytes in front of the sections.
inline constexpr std::size_t kHeaderBytes = 8;

/// Walks the top-level sections in order. The sections of a module that was walked to its end
/// without an error cover the file exactly.
class SectionWalker {
 public:
  /// Checks magic and version; says what the file is when it is something else that is well known
  /// (text format, component, gzip, native code).
  static Result<SectionWalker> open(ByteView module, const Limits& limits = {});
  /// The next section; an empty optional at the end of the file.
  Result<std::optional<Section>> next();

 private:
  SectionWalker(ByteView module, const Limits& limits) noexcept
      : module_(module), limits_(limits) {}

  ByteView module_;
  Limits limits_;
  std::uint64_t at_ = kHeaderBytes;
  std::uint32_t sections_ = 0;
  unsigned last_order_ = 0;  // place of the last non-custom section
};

/// The custom sections of that name, in order; walks the whole module.
Result<std::vector<Section>> find_custom(ByteView module, std::string_view name);

enum class ValueType : std::uint8_t { I32, I64, F32, F64, V128, FuncRef, ExternRef, OtherRef };

std::string_view value_type_text(ValueType type) noexcept;

struct FunctionType {
  std::vector<ValueType> parameters;
  std::vector<ValueType> results;

  bool operator==(const FunctionType&) const = default;
};

/// "(i32, i32) -> i32", "() -> ()".
std::string function_type_text(const FunctionType& type);

enum class ExternKind : std::uint8_t { Function = 0, Table = 1, Memory = 2, Global = 3, Tag = 4 };

std::string_view extern_kind_text(ExternKind kind) noexcept;

struct Import {
  std::string_view module;
  std::string_view name;
  ExternKind kind = ExternKind::Function;
  std::uint32_t type = 0;  // functions: index into ModuleSummary::types
};

struct Export {
  std::string_view name;
  ExternKind kind = ExternKind::Function;
  std::uint32_t index = 0;  // in the index space of its kind, imports first
  std::uint32_t type = 0;   // functions: index into ModuleSummary::types
};

struct Memory {
  std::uint64_t minimum = 0;  // pages of 64 KiB, unless it has a page size of its own
  std::optional<std::uint64_t> maximum;
  bool shared = false;
  bool wide = false;  // 64-bit addresses
  bool custom_page_size = false;
  bool imported = false;
};

struct Table {
  ValueType element = ValueType::FuncRef;
  std::uint64_t minimum = 0;  // elements
  std::optional<std::uint64_t> maximum;
  bool wide = false;
  bool imported = false;
};

struct ModuleSummary {
  std::vector<FunctionType> types;
  std::vector<Import> imports;
  std::vector<Export> exports;
  std::vector<Memory> memories;        // imported ones first
  std::vector<Table> tables;           // imported ones first
  std::optional<std::uint32_t> start;  // function index of the start section
  std::uint32_t imported_functions = 0;
  std::uint32_t functions = 0;  // own ones
  std::uint32_t globals = 0;    // own ones
  std::uint32_t tags = 0;       // own ones
  std::uint32_t element_segments = 0;
  std::uint32_t data_segments = 0;
  std::uint64_t element_bytes = 0;  // of the section
  std::uint64_t data_bytes = 0;     // of the section
  std::uint64_t code_bytes = 0;     // of the section
  std::uint64_t largest_body_bytes = 0;

  /// The export of that name and kind; nullptr if there is none.
  const Export* find_export(std::string_view name, ExternKind kind) const noexcept;

  const FunctionType& type_of(const Import& import) const { return types[import.type]; }

  const FunctionType& type_of(const Export& exported) const { return types[exported.type]; }
};

Result<ModuleSummary> summarise(ByteView module, const Limits& limits = {});

}  // namespace trellis::codec::wasm
