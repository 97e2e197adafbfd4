// A module: 00 61 73 6d | 01 00 00 00 | section*
// A section: id byte | size (LEB, u32) | contents of that size
// A custom section (id 0): its contents are name length (LEB, u32) | name | payload
#include <array>
#include <string>

#include "trellis/base/text.h"
#include "trellis/codec/leb128.h"
#include "trellis/codec/wasm.h"

namespace trellis::codec::wasm {
namespace {

/// The order in which non-custom sections must come, by id; 0: no such section.
constexpr std::array<std::uint8_t, 14> kOrder = {0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 12, 13, 11, 6};

bool starts_with(ByteView bytes, std::string_view prefix) noexcept {
  return bytes.size() >= prefix.size() && as_text(bytes.first(prefix.size())) == prefix;
}

std::string what_else_it_is(ByteView bytes) {
  if (bytes.empty()) return "the file is empty";
  if (starts_with(bytes, "\x1f\x8b")) return "it is compressed with gzip; unpack it first";
  if (starts_with(bytes,
                  "\x7f"
                  "ELF"))
    return "it is native code (ELF), perhaps compiled ahead of time; give the .wasm file itself";
  std::string_view text = as_text(bytes);
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first != std::string_view::npos) text.remove_prefix(first);
  if (text.starts_with("(module") || text.starts_with("(component") || text.starts_with(";;") ||
      text.starts_with("(;"))
    return "it is the text format; translate it with wat2wasm first";
  return "it does not start with the bytes 00 61 73 6d";
}

Error broken(std::uint64_t offset, std::string_view what) {
  return {Reason::ModuleMalformed,
          "the module is broken at byte " + std::to_string(offset) + ": " + std::string(what)};
}

}  // namespace

Result<SectionWalker> SectionWalker::open(ByteView module, const Limits& limits) {
  if (!starts_with(module, std::string_view("\0asm", 4)))
    return fail(Reason::ModuleMalformed, "not a WebAssembly module: " + what_else_it_is(module));
  if (module.size() < kHeaderBytes)
    return std::unexpected(broken(module.size(), "the file ends inside the header"));
  const ByteView version = module.subspan(4, 4);
  if (version[2] == std::byte{1} && version[3] == std::byte{0})
    return fail(Reason::ModuleMalformed,
                "it is a component, not a core module; build for wasm32 without a component step");
  if (!starts_with(version, std::string_view("\1\0\0\0", 4)))
    return fail(Reason::ModuleMalformed,
                "unknown version of the binary format: " + to_hex(version) + ", not 01000000");
  return SectionWalker(module, limits);
}

Result<std::optional<Section>> SectionWalker::next() {
  if (at_ == module_.size()) return std::nullopt;
  if (++sections_ > limits_.max_sections) return std::unexpected(broken(at_, "too many sections"));
  Section section;
  section.offset = at_;
  const auto id = static_cast<std::uint8_t>(module_[at_]);
  if (id >= kOrder.size())
    return std::unexpected(broken(at_, "no section has the id " + std::to_string(id)));
  section.id = static_cast<SectionId>(id);
  if (id != 0) {
    if (kOrder[id] == last_order_)
      return std::unexpected(broken(at_, "section " + std::to_string(id) + " stands twice"));
    if (kOrder[id] < last_order_)
      return std::unexpected(
          broken(at_, "section " + std::to_string(id) + " stands in the wrong order"));
    last_order_ = kOrder[id];
  }
  const auto size = read_leb_u32(module_.subspan(at_ + 1));
  if (!size) return std::unexpected(broken(at_ + 1, "the size of a section cannot be read"));
  const std::uint64_t begin = at_ + 1 + size->length;
  if (!range_fits(begin, size->value, module_.size()))
    return std::unexpected(broken(at_, "a section reaches beyond the end of the file"));
  section.contents = module_.subspan(begin, size->value);
  section.whole = module_.subspan(at_, 1 + size->length + size->value);
  section.payload = section.contents;
  if (id == 0) {
    const auto length = read_leb_u32(section.contents);
    if (!length || !range_fits(length->length, length->value, section.contents.size()))
      return std::unexpected(broken(begin, "the name of a custom section cannot be read"));
    section.name = as_text(section.contents.subspan(length->length, length->value));
    if (!is_utf8(section.name))
      return std::unexpected(broken(begin, "the name of a custom section is not UTF-8"));
    section.payload = section.contents.subspan(length->length + length->value);
  }
  at_ = begin + size->value;
  return section;
}

Result<std::vector<Section>> find_custom(ByteView module, std::string_view name) {
  TR_TRY(SectionWalker walker, SectionWalker::open(module));
  std::vector<Section> found;
  while (true) {
    TR_TRY(const std::optional<Section> section, walker.next());
    if (!section) return found;
    if (section->id == SectionId::Custom && section->name == name) found.push_back(*section);
  }
}

}  // namespace trellis::codec::wasm
