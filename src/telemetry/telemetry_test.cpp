#include <unistd.h>

#include <cstdlib>
#include <string>

#include <gtest/gtest.h>

#include "trellis/base/file.h"
#include "trellis/telemetry/audit.h"

namespace trellis::telemetry {
namespace {

TEST(Audit, OneJsonLineADecisionAndNothingRaw) {
  std::string directory = "/tmp/trellis-audit-XXXXXX";
  ASSERT_NE(::mkdtemp(directory.data()), nullptr);
  const std::string path = directory + "/audit.jsonl";
  {
    auto sink = open_audit_file(path);
    ASSERT_TRUE(sink);
    (*sink)->record("actor.started", {{"actor", "a\"b\n\x1b[31m"}});
    for (int i = 0; i < 1000; ++i) (*sink)->denied({"MKEY", "a", "Get", "wascc:keyvalue", "l"});
  }
  const Bytes content = read_file(path, 1U << 20U).value();
  const std::string text(as_text(content));
  EXPECT_NE(text.find(R"("event":"actor.started","actor":"a\"b\\n\\x1b[31m"})"), std::string::npos)
      << text.substr(0, 200);
  std::size_t lines = 0;
  for (const char c : text) lines += c == '\n' ? 1U : 0U;
  EXPECT_GE(lines, 101U);
  EXPECT_LE(lines, 320U);  // a second boundary may lie between
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  ::unlink(path.c_str());
  ::rmdir(directory.c_str());
}

TEST(Audit, UnwritablePathIsAnError) {
  EXPECT_EQ(open_audit_file("/nonexistent/audit.jsonl").error().reason(), Reason::FileUnwritable);
}

}  // namespace
}  // namespace trellis::telemetry
