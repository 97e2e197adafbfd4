// Any bytes: the sections of a module that is walked to its end cover the file exactly, and the
// summary never says more than the bytes can hold.
#include "trellis/base/assert.h"
#include "trellis/codec/wasm.h"

namespace {

using trellis::ByteView;
namespace wasm = trellis::codec::wasm;

/// True when the whole module was walked.
bool walk(ByteView module) {
  trellis::Result<wasm::SectionWalker> walker = wasm::SectionWalker::open(module);
  if (!walker) return false;
  std::uint64_t covered = wasm::kHeaderBytes;
  while (true) {
    const trellis::Result<std::optional<wasm::Section>> section = walker->next();
    if (!section) return false;
    if (!*section) break;
    TR_ASSERT((*section)->offset == covered);
    TR_ASSERT((*section)->payload.size() + (*section)->name.size() <= (*section)->contents.size());
    TR_ASSERT((*section)->contents.size() + 2 <= (*section)->whole.size());
    covered += (*section)->whole.size();
  }
  TR_ASSERT(covered == module.size());
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView module(reinterpret_cast<const std::byte*>(data), size);
  const bool walked = walk(module);
  const trellis::Result<wasm::ModuleSummary> summary = wasm::summarise(module);
  if (!summary) return 0;
  TR_ASSERT(walked);
  TR_ASSERT(summary->functions <= size && summary->imports.size() <= size);
  for (const wasm::Import& import : summary->imports)
    if (import.kind == wasm::ExternKind::Function)
      TR_ASSERT(!wasm::function_type_text(summary->type_of(import)).empty());
  for (const wasm::Export& exported : summary->exports)
    if (exported.kind == wasm::ExternKind::Function)
      TR_ASSERT(!wasm::function_type_text(summary->type_of(exported)).empty());
  TR_ASSERT(summary->code_bytes + summary->data_bytes + summary->element_bytes <= size);
  return 0;
}
