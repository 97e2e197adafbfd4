#include <array>
#include <string>
#include <utility>

#include "trellis/base/text.h"
#include "trellis/codec/leb128.h"
#include "trellis/codec/wasm.h"

namespace trellis::codec::wasm {
namespace {

/// Reads the contents of one section. The first failure stays: later reads answer zero, and
/// finish() reports it, so that a parser checks only where it loops or allocates.
class Cursor {
 public:
  Cursor(ByteView contents, std::uint64_t offset) noexcept : rest_(contents), offset_(offset) {}

  bool ok() const noexcept { return what_.empty(); }

  bool empty() const noexcept { return rest_.empty(); }

  std::uint64_t left() const noexcept { return rest_.size(); }

  std::uint8_t byte() noexcept {
    if (!ok()) return 0;
    if (rest_.empty()) return fail_with("the section ends too early"), std::uint8_t{0};
    const auto value = static_cast<std::uint8_t>(rest_.front());
    advance(1);
    return value;
  }

  std::uint8_t peek() const noexcept {
    return !ok() || rest_.empty() ? 0 : static_cast<std::uint8_t>(rest_.front());
  }

  std::uint32_t u32() noexcept {
    const auto leb = ok() ? read_leb_u32(rest_) : std::nullopt;
    if (!leb) return fail_with("a number cannot be read"), 0U;
    advance(leb->length);
    return leb->value;
  }

  std::uint64_t u64() noexcept {
    const auto leb = ok() ? read_leb_u64(rest_) : std::nullopt;
    if (!leb) return fail_with("a number cannot be read"), std::uint64_t{0};
    advance(leb->length);
    return leb->value;
  }

  void skip_heap_type() noexcept {
    const auto leb = ok() ? read_leb_signed<33>(rest_) : std::nullopt;
    if (!leb) return fail_with("a heap type cannot be read");
    advance(leb->length);
  }

  ByteView bytes(std::uint64_t length) noexcept {
    if (!ok()) return {};
    if (length > rest_.size()) return fail_with("the section ends too early"), ByteView{};
    const ByteView view = rest_.first(length);
    advance(length);
    return view;
  }

  std::string_view name(std::uint32_t max_bytes) noexcept {
    const std::uint32_t length = u32();
    if (length > max_bytes) return fail_with("a name is too long"), std::string_view{};
    const std::string_view text = as_text(bytes(length));
    if (!is_utf8(text)) return fail_with("a name is not UTF-8"), std::string_view{};
    return text;
  }

  /// A count of items of at least `item_bytes` each.
  std::uint32_t count(std::uint32_t limit, std::uint64_t item_bytes, std::string_view of) noexcept {
    const std::uint32_t value = u32();
    if (!ok()) return 0;
    if (value > limit) {
      fail_with("too many", Reason::ModuleTooLarge);
      of_ = of;
      return 0;
    }
    if (std::uint64_t{value} * item_bytes > rest_.size())
      return fail_with("the section ends too early"), 0U;
    return value;
  }

  void fail_with(std::string_view what, Reason reason = Reason::ModuleMalformed) noexcept {
    if (!ok()) return;
    what_ = what;
    reason_ = reason;
  }

  /// The failure, if there was one or if bytes are left.
  Result<void> finish() {
    if (ok() && !rest_.empty()) fail_with("bytes are left at the end of the section");
    if (ok()) return {};
    std::string message = "the module ";
    message += reason_ == Reason::ModuleMalformed     ? "is broken"
               : reason_ == Reason::ModuleUnsupported ? "is not supported"
                                                      : "is too large";
    message += " at byte " + std::to_string(offset_) + ": ";
    message += what_;
    if (!of_.empty()) message.append(" ").append(of_);
    return fail(reason_, std::move(message));
  }

 private:
  void advance(std::uint64_t length) noexcept {
    rest_ = rest_.subspan(length);
    offset_ += length;
  }

  ByteView rest_;
  std::uint64_t offset_;
  std::string_view what_;
  std::string_view of_;
  Reason reason_ = Reason::ModuleMalformed;
};

ValueType read_value_type(Cursor& in) noexcept {
  switch (in.byte()) {
    case 0x7F: return ValueType::I32;
    case 0x7E: return ValueType::I64;
    case 0x7D: return ValueType::F32;
    case 0x7C: return ValueType::F64;
    case 0x7B: return ValueType::V128;
    case 0x70: return ValueType::FuncRef;
    case 0x6F: return ValueType::ExternRef;
    case 0x63:
    case 0x64: in.skip_heap_type(); return ValueType::OtherRef;
    case 0x68:
    case 0x69:
    case 0x6A:
    case 0x6B:
    case 0x6C:
    case 0x6D:
    case 0x6E:
    case 0x71:
    case 0x72:
    case 0x73:
    case 0x74:
    case 0x75: return ValueType::OtherRef;
    default: in.fail_with("not a value type"); return ValueType::I32;
  }
}

bool is_reference(ValueType type) noexcept {
  return type >= ValueType::FuncRef;
}

struct Bounds {
  std::uint64_t minimum = 0;
  std::optional<std::uint64_t> maximum;
  std::uint8_t flags = 0;
};

constexpr std::uint8_t kHasMaximum = 1;
constexpr std::uint8_t kShared = 2;
constexpr std::uint8_t kWide = 4;
constexpr std::uint8_t kPageSize = 8;

Bounds read_bounds(Cursor& in, std::uint8_t known_flags) noexcept {
  Bounds bounds;
  bounds.flags = in.byte();
  if ((bounds.flags & ~known_flags) != 0) in.fail_with("unknown flags of a limit");
  const auto number = [&]() -> std::uint64_t {
    return (bounds.flags & kWide) != 0 ? in.u64() : in.u32();
  };
  bounds.minimum = number();
  if ((bounds.flags & kHasMaximum) != 0) bounds.maximum = number();
  if ((bounds.flags & kPageSize) != 0) in.u32();
  return bounds;
}

/// Fills a summary, section by section.
class Summariser {
 public:
  explicit Summariser(const Limits& limits) : limits_(limits) {}

  Result<void> section(const Section& section) {
    const auto header = static_cast<std::uint64_t>(section.whole.size() - section.contents.size());
    Cursor in(section.contents, section.offset + header);
    const std::uint64_t size = section.contents.size();
    switch (section.id) {
      case SectionId::Custom: return {};
      case SectionId::Type: types(in); break;
      case SectionId::Import: imports(in); break;
      case SectionId::Function: functions(in); break;
      case SectionId::Table: tables(in); break;
      case SectionId::Memory: memories(in); break;
      case SectionId::Global:
        summary_.globals = in.count(limits_.max_globals, 3, "globals");
        return rest_is_unread(in);
      case SectionId::Export: exports(in); break;
      case SectionId::Start: summary_.start = in.u32(); break;
      case SectionId::Element:
        summary_.element_segments = in.count(limits_.max_segments, 2, "element segments");
        summary_.element_bytes = size;
        return rest_is_unread(in);
      case SectionId::Code:
        code(in);
        summary_.code_bytes = size;
        break;
      case SectionId::Data:
        summary_.data_segments = in.count(limits_.max_segments, 2, "data segments");
        summary_.data_bytes = size;
        return rest_is_unread(in);
      case SectionId::DataCount: in.u32(); break;
      case SectionId::Tag:
        summary_.tags = in.count(limits_.max_globals, 2, "tags");
        return rest_is_unread(in);
    }
    return in.finish();
  }

  Result<ModuleSummary> finish() {
    if (bodies_ != summary_.functions)
      return fail(Reason::ModuleMalformed,
                  "the module declares " + std::to_string(summary_.functions) +
                      " functions but has " + std::to_string(bodies_) + " bodies");
    const std::uint64_t all = std::uint64_t{summary_.imported_functions} + summary_.functions;
    if (summary_.start && *summary_.start >= all)
      return fail(Reason::ModuleMalformed, "the start section names a function that is not there");
    return std::move(summary_);
  }

 private:
  /// For sections whose items are left to the engine: only the count was read.
  static Result<void> rest_is_unread(Cursor& in) {
    if (in.ok()) return {};
    return in.finish();
  }

  void types(Cursor& in) {
    const std::uint32_t count = in.count(limits_.max_types, 3, "types");
    for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
      const std::uint8_t form = in.byte();
      if (form == 0x4E || form == 0x4F || form == 0x50 || form == 0x5E || form == 0x5F)
        in.fail_with("types of the garbage collection proposal", Reason::ModuleUnsupported);
      else if (form != 0x60)
        in.fail_with("not a function type");
      FunctionType type;
      type.parameters = value_types(in, "parameters of one function");
      type.results = value_types(in, "results of one function");
      if (in.ok()) summary_.types.push_back(std::move(type));
    }
  }

  std::vector<ValueType> value_types(Cursor& in, std::string_view of) {
    const std::uint32_t count = in.count(limits_.max_parameters, 1, of);
    std::vector<ValueType> types;
    types.reserve(count);
    for (std::uint32_t i = 0; i < count && in.ok(); ++i) types.push_back(read_value_type(in));
    return types;
  }

  std::uint32_t function_type(Cursor& in) {
    const std::uint32_t index = in.u32();
    if (index >= summary_.types.size()) in.fail_with("a function has a type that is not there");
    return in.ok() ? index : 0;
  }

  void imports(Cursor& in) {
    const std::uint32_t count = in.count(limits_.max_imports, 4, "imports");
    for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
      Import import;
      import.module = in.name(limits_.max_name_bytes);
      import.name = in.name(limits_.max_name_bytes);
      const std::uint8_t kind = in.byte();
      if (kind > 4) in.fail_with("an import of an unknown kind");
      if (!in.ok()) return;
      import.kind = static_cast<ExternKind>(kind);
      imported_item(in, import);
      if (in.ok()) summary_.imports.push_back(import);
    }
  }

  void imported_item(Cursor& in, Import& import) {
    switch (import.kind) {
      case ExternKind::Function:
        import.type = function_type(in);
        ++summary_.imported_functions;
        function_types_.push_back(import.type);
        return;
      case ExternKind::Table: return table(in, true);
      case ExternKind::Memory: return memory(in, true);
      case ExternKind::Global:
        read_value_type(in);
        if (in.byte() > 1) in.fail_with("a global is neither constant nor variable");
        ++imported_globals_;
        return;
      case ExternKind::Tag:
        in.byte();
        function_type(in);
        ++imported_tags_;
        return;
    }
  }

  void functions(Cursor& in) {
    const std::uint32_t count = in.count(limits_.max_functions, 1, "functions");
    function_types_.reserve(function_types_.size() + count);
    for (std::uint32_t i = 0; i < count && in.ok(); ++i)
      function_types_.push_back(function_type(in));
    summary_.functions = count;
  }

  void table(Cursor& in, bool imported) {
    if (in.peek() == 0x40) {
      in.fail_with("a table with an initial value", Reason::ModuleUnsupported);
      return;
    }
    Table table;
    table.element = read_value_type(in);
    if (!is_reference(table.element)) in.fail_with("a table of something else than references");
    const Bounds bounds = read_bounds(in, kHasMaximum | kWide);
    table.minimum = bounds.minimum;
    table.maximum = bounds.maximum;
    table.wide = (bounds.flags & kWide) != 0;
    table.imported = imported;
    if (summary_.tables.size() >= limits_.max_tables)
      in.fail_with("too many tables", Reason::ModuleTooLarge);
    if (in.ok()) summary_.tables.push_back(table);
  }

  void tables(Cursor& in) {
    const std::uint32_t count = in.count(limits_.max_tables, 3, "tables");
    for (std::uint32_t i = 0; i < count && in.ok(); ++i) table(in, false);
  }

  void memory(Cursor& in, bool imported) {
    Memory memory;
    const Bounds bounds = read_bounds(in, kHasMaximum | kShared | kWide | kPageSize);
    memory.minimum = bounds.minimum;
    memory.maximum = bounds.maximum;
    memory.shared = (bounds.flags & kShared) != 0;
    memory.wide = (bounds.flags & kWide) != 0;
    memory.custom_page_size = (bounds.flags & kPageSize) != 0;
    memory.imported = imported;
    if (summary_.memories.size() >= limits_.max_memories)
      in.fail_with("too many memories", Reason::ModuleTooLarge);
    if (in.ok()) summary_.memories.push_back(memory);
  }

  void memories(Cursor& in) {
    const std::uint32_t count = in.count(limits_.max_memories, 2, "memories");
    for (std::uint32_t i = 0; i < count && in.ok(); ++i) memory(in, false);
  }

  std::uint64_t index_space(ExternKind kind) const noexcept {
    switch (kind) {
      case ExternKind::Function: return function_types_.size();
      case ExternKind::Table: return summary_.tables.size();
      case ExternKind::Memory: return summary_.memories.size();
      case ExternKind::Global: return std::uint64_t{imported_globals_} + summary_.globals;
      case ExternKind::Tag: return std::uint64_t{imported_tags_} + summary_.tags;
    }
    return 0;
  }

  void exports(Cursor& in) {
    const std::uint32_t count = in.count(limits_.max_exports, 3, "exports");
    for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
      Export exported;
      exported.name = in.name(limits_.max_name_bytes);
      const std::uint8_t kind = in.byte();
      exported.index = in.u32();
      if (kind > 4) in.fail_with("an export of an unknown kind");
      if (!in.ok()) return;
      exported.kind = static_cast<ExternKind>(kind);
      if (exported.index >= index_space(exported.kind))
        return in.fail_with("an export names something that is not there");
      if (exported.kind == ExternKind::Function) exported.type = function_types_[exported.index];
      summary_.exports.push_back(exported);
    }
  }

  void code(Cursor& in) {
    bodies_ = in.count(limits_.max_functions, 2, "function bodies");
    for (std::uint32_t i = 0; i < bodies_ && in.ok(); ++i) {
      const std::uint32_t size = in.u32();
      in.bytes(size);
      if (size > summary_.largest_body_bytes) summary_.largest_body_bytes = size;
    }
  }

  Limits limits_;
  ModuleSummary summary_;
  std::vector<std::uint32_t> function_types_;  // of every function, imported ones first
  std::uint32_t imported_globals_ = 0;
  std::uint32_t imported_tags_ = 0;
  std::uint32_t bodies_ = 0;
};

}  // namespace

std::string_view value_type_text(ValueType type) noexcept {
  static constexpr std::array<std::string_view, 8> kTexts = {"i32",  "i64",     "f32",       "f64",
                                                             "v128", "funcref", "externref", "ref"};
  return kTexts[static_cast<std::size_t>(type)];
}

std::string function_type_text(const FunctionType& type) {
  const auto list = [](const std::vector<ValueType>& types) {
    std::string text = "(";
    for (std::size_t i = 0; i < types.size(); ++i) {
      if (i > 0) text += ", ";
      text += value_type_text(types[i]);
    }
    return text + ")";
  };
  std::string results = list(type.results);
  if (type.results.size() == 1) results = value_type_text(type.results.front());
  return list(type.parameters) + " -> " + results;
}

std::string_view extern_kind_text(ExternKind kind) noexcept {
  static constexpr std::array<std::string_view, 5> kTexts = {"function", "table", "memory",
                                                             "global", "tag"};
  return kTexts[static_cast<std::size_t>(kind)];
}

const Export* ModuleSummary::find_export(std::string_view name, ExternKind kind) const noexcept {
  for (const Export& exported : exports)
    if (exported.kind == kind && exported.name == name) return &exported;
  return nullptr;
}

Result<ModuleSummary> summarise(ByteView module, const Limits& limits) {
  TR_TRY(SectionWalker walker, SectionWalker::open(module, limits));
  Summariser summariser(limits);
  while (true) {
    TR_TRY(const std::optional<Section> section, walker.next());
    if (!section) return summariser.finish();
    TR_CHECK(summariser.section(*section));
  }
}

}  // namespace trellis::codec::wasm
