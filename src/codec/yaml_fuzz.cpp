// Any bytes: the tree of what parses is bounded in depth and its places lie in the file.
#include <algorithm>

#include "trellis/base/assert.h"
#include "trellis/base/bytes.h"
#include "trellis/codec/yaml.h"

namespace {

namespace yaml = trellis::codec::yaml;

void check(const yaml::Node& node, std::size_t depth, std::uint32_t lines) {
  TR_ASSERT(depth <= yaml::kMaxDepth);
  TR_ASSERT(node.line >= 1 && node.line <= lines && node.column >= 1);
  TR_ASSERT(node.is_list() || node.items.empty());
  TR_ASSERT(node.is_map() || node.members.empty());
  for (const yaml::Node& item : node.items) check(item, depth + 1, lines);
  for (const yaml::Member& member : node.members) {
    TR_ASSERT(node.find(member.key) == &member.value);
    check(member.value, depth + 1, lines);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const trellis::ByteView input(reinterpret_cast<const std::byte*>(data), size);
  const auto newline = [](std::byte b) { return b == std::byte{'\n'} || b == std::byte{'\r'}; };
  const auto lines = static_cast<std::uint32_t>(std::ranges::count_if(input, newline)) + 3;
  const auto root = yaml::parse(trellis::as_text(input));
  if (root)
    check(*root, 0, lines);
  else
    TR_ASSERT(!root.error().message.empty());
  return 0;
}
