#include "trellis/codec/wasm.h"

#include <cstdlib>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include "trellis/base/file.h"
#include "trellis/codec/base64url.h"
#include "trellis/codec/json.h"

namespace trellis::codec::wasm {
namespace {

const std::string kHeader("\0asm\1\0\0\0", 8);

std::string section(int id, const std::string& contents) {
  std::string out(1, static_cast<char>(id));
  Bytes size;
  std::size_t n = contents.size();
  do {
    size.push_back(static_cast<std::byte>((n & 0x7FU) | (n > 0x7F ? 0x80U : 0U)));
    n >>= 7U;
  } while (n > 0);
  return out + std::string(as_text(size)) + contents;
}

std::string custom(const std::string& name, const std::string& payload) {
  return section(0, std::string(1, static_cast<char>(name.size())) + name + payload);
}

std::string text(std::initializer_list<int> bytes) {
  std::string out;
  for (const int b : bytes) out.push_back(static_cast<char>(b));
  return out;
}

/// Types (i32,i32)->i32 and ()->(); imports wapc.f (type 0) and env.m (memory 1..); one function of
/// type 1; a table of 2; exports memory and run; start = 1; empty body.
std::string sample() {
  return kHeader + section(1, text({2, 0x60, 2, 0x7F, 0x7F, 1, 0x7F, 0x60, 0, 0})) +
         section(2, text({2, 4}) + "wapc" + text({1}) + "f" + text({0, 0, 3}) + "env" + text({1}) +
                        "m" + text({2, 0, 1})) +
         section(3, text({1, 1})) + section(4, text({1, 0x70, 1, 2, 9})) +
         section(7, text({2, 6}) + "memory" + text({2, 0, 3}) + "run" + text({0, 1})) +
         section(8, text({1})) + section(10, text({1, 2, 0, 0x0B})) + custom("name", "abc");
}

TEST(WasmSummary, SampleIsDescribed) {
  const std::string module = sample();
  const Result<ModuleSummary> summary = summarise(as_bytes(module));
  ASSERT_TRUE(summary) << summary.error().message();
  ASSERT_EQ(summary->imports.size(), 2U);
  EXPECT_EQ(summary->imports[0].module, "wapc");
  EXPECT_EQ(summary->imports[0].name, "f");
  EXPECT_EQ(function_type_text(summary->type_of(summary->imports[0])), "(i32, i32) -> i32");
  EXPECT_EQ(summary->imports[1].kind, ExternKind::Memory);
  ASSERT_EQ(summary->memories.size(), 1U);
  EXPECT_TRUE(summary->memories[0].imported);
  EXPECT_EQ(summary->memories[0].minimum, 1U);
  EXPECT_FALSE(summary->memories[0].maximum);
  ASSERT_EQ(summary->tables.size(), 1U);
  EXPECT_EQ(summary->tables[0].minimum, 2U);
  EXPECT_EQ(summary->tables[0].maximum, 9U);
  EXPECT_EQ(summary->imported_functions, 1U);
  EXPECT_EQ(summary->functions, 1U);
  EXPECT_EQ(summary->start, 1U);
  EXPECT_EQ(summary->largest_body_bytes, 2U);
  const Export* run = summary->find_export("run", ExternKind::Function);
  ASSERT_NE(run, nullptr);
  EXPECT_EQ(function_type_text(summary->type_of(*run)), "() -> ()");
  EXPECT_EQ(summary->find_export("run", ExternKind::Memory), nullptr);
}

TEST(WasmSummary, EveryTruncationIsRefusedOrShorter) {
  const std::string module = sample();
  for (std::size_t length = 0; length < module.size(); ++length) {
    const Result<ModuleSummary> summary =
        summarise(as_bytes(std::string_view(module).substr(0, length)));
    if (!summary) EXPECT_EQ(summary.error().reason(), Reason::ModuleMalformed);
  }
}

TEST(WasmSections, SectionsCoverTheFile) {
  const std::string module = sample();
  Result<SectionWalker> walker = SectionWalker::open(as_bytes(module));
  ASSERT_TRUE(walker);
  std::uint64_t at = kHeaderBytes;
  int sections = 0;
  while (true) {
    const Result<std::optional<Section>> next = walker->next();
    ASSERT_TRUE(next);
    if (!*next) break;
    EXPECT_EQ((*next)->offset, at);
    at += (*next)->whole.size();
    ++sections;
  }
  EXPECT_EQ(at, module.size());
  EXPECT_EQ(sections, 8);
}

TEST(WasmSections, FindsCustomSectionsAtTheTopOnly) {
  const std::string inner = custom("jwt", "inner");
  const std::string module = kHeader + custom("other", inner) + custom("jwt", "one") +
                             section(1, text({0})) + custom("jwt", "two") + custom("jwt2", "");
  const Result<std::vector<Section>> found = find_custom(as_bytes(module), "jwt");
  ASSERT_TRUE(found);
  ASSERT_EQ(found->size(), 2U);
  EXPECT_EQ(as_text((*found)[0].payload), "one");
  EXPECT_EQ(as_text((*found)[1].payload), "two");
}

TEST(WasmSections, Refusals) {
  const std::string cases[] = {
      "",
      "\0as",
      kHeader.substr(0, 7),
      std::string("\0asm\2\0\0\0", 8),
      std::string("\0asm\x0d\0\1\0", 8),
      "(module)",
      "\x1f\x8b\x08",
      "\x7f"
      "ELF\2\1\1",
      kHeader + section(14, ""),
      kHeader + section(1, text({0})) + section(1, text({0})),
      kHeader + section(3, text({0})) + section(1, text({0})),
      kHeader + section(10, text({0})) + section(12, text({0})),
      kHeader + text({0, 1}),
      kHeader + text({0, 0}),
      kHeader + text({1}),
      kHeader + text({1, 0x80}),
      kHeader + text({1, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F}),
      kHeader + text({1, 0xFF, 0xFF, 0xFF, 0xFF, 0x1F}),
      kHeader + text({0, 2, 2, 'a'}),
      kHeader + text({0, 2, 1, 0xFF}),
  };
  for (const std::string& module : cases) {
    const Result<ModuleSummary> summary = summarise(as_bytes(module));
    ASSERT_FALSE(summary) << to_hex(as_bytes(module));
    EXPECT_EQ(summary.error().reason(), Reason::ModuleMalformed);
  }
  const auto message = [](const std::string& module) {
    return summarise(as_bytes(module)).error().message();
  };
  EXPECT_NE(message("(module)").find("text format"), std::string::npos);
  EXPECT_NE(message("  ;; x\n(module)").find("text format"), std::string::npos);
  EXPECT_NE(message("\x1f\x8b\x08").find("gzip"), std::string::npos);
  EXPECT_NE(message(std::string("\x7f") + "ELF").find("native"), std::string::npos);
  EXPECT_NE(message(std::string("\0asm\x0d\0\1\0", 8)).find("component"), std::string::npos);
  EXPECT_NE(message("").find("empty"), std::string::npos);
}

TEST(WasmSummary, CountsAreBoundedBeforeAllocation) {
  const std::string huge = text({0xFF, 0xFF, 0xFF, 0xFF, 0x0F});
  for (const int id : {1, 2, 3, 4, 5, 6, 7, 9, 10, 11}) {
    const std::string module = kHeader + section(id, huge);
    const Result<ModuleSummary> summary = summarise(as_bytes(module));
    ASSERT_FALSE(summary) << id;
    EXPECT_EQ(summary.error().reason(), Reason::ModuleTooLarge) << id;
  }
  // Within the limits, but more than the section holds.
  const std::string module = kHeader + section(3, text({0xFF, 0x7F}));
  EXPECT_EQ(summarise(as_bytes(module)).error().reason(), Reason::ModuleMalformed);
  Limits limits;
  limits.max_imports = 1;
  EXPECT_EQ(summarise(as_bytes(sample()), limits).error().reason(), Reason::ModuleTooLarge);
  limits.max_imports = 2;
  EXPECT_TRUE(summarise(as_bytes(sample()), limits));
}

std::vector<json::Value> lines(const std::string& name) {
  std::vector<json::Value> found;
  const char* folder = std::getenv("TRELLIS_VECTORS");
  if (folder == nullptr) return found;
  std::ifstream file(std::string(folder) + "/" + name);
  for (std::string line; std::getline(file, line);)
    found.push_back(json::parse(line, {8U << 20U, 8}).value());
  return found;
}

Bytes module_of(const json::Value& line) {
  std::string encoded(*json::find_text(line.get_object(), "b64"));
  for (char& c : encoded) c = c == '+' ? '-' : c == '/' ? '_' : c;
  encoded.resize(encoded.find_last_not_of('=') + 1);
  return base64url_decode(encoded).value();
}

TEST(WasmSpec, ValidModulesAreSummarisedOrUnsupported) {
  const std::vector<json::Value> valid = lines("valid.jsonl");
  if (valid.empty()) GTEST_SKIP() << "TRELLIS_VECTORS has no valid.jsonl";
  int unsupported = 0;
  for (const json::Value& line : valid) {
    const Bytes module = module_of(line);
    const Result<ModuleSummary> summary = summarise(module);
    if (summary) continue;
    EXPECT_EQ(summary.error().reason(), Reason::ModuleUnsupported)
        << json::to_text(*json::find(line.get_object(), "id")) << ": " << summary.error().message();
    ++unsupported;
  }
  EXPECT_LT(unsupported * 10, static_cast<int>(valid.size()));
  RecordProperty("unsupported", unsupported);
}

TEST(WasmSpec, RejectedModulesDoNotCrash) {
  const std::vector<json::Value> rejected = lines("reject.jsonl");
  if (rejected.empty()) GTEST_SKIP() << "TRELLIS_VECTORS has no reject.jsonl";
  int refused = 0;
  for (const json::Value& line : rejected)
    if (!summarise(module_of(line))) ++refused;
  EXPECT_GT(refused, 100);
}

}  // namespace
}  // namespace trellis::codec::wasm
