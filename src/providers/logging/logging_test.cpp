#include "trellis/providers/logging/logging.h"

#include <vector>

#include <gtest/gtest.h>

#include "trellis/providers/testing/fixture.h"

namespace trellis::providers::logging {
namespace {

class Kept final : public LogSink {
 public:
  void write(const Record& record) override {
    std::string line = std::to_string(static_cast<int>(record.level));
    line += ' ';
    line += record.actor;
    line += " [";
    line += record.target;
    line += "] ";
    line += record.text;
    lines.push_back(std::move(line));
  }

  std::vector<std::string> lines;
};

class LoggingTest : public testing::Test {
 protected:
  std::string log(std::string_view hex, std::string_view operation = "WriteLog") {
    sink_.lines.clear();
    const auto payload = from_hex(hex);
    EXPECT_TRUE(payload);
    auto reply = caller_.call(*provider_, *grant_, operation, *payload);
    if (!reply) return "!" + std::string(reply.error().reason_text());
    EXPECT_TRUE(reply->payload.empty());
    EXPECT_LE(sink_.lines.size(), 1U);
    return sink_.lines.empty() ? "" : sink_.lines.front();
  }

  Kept sink_;
  Caller caller_;
  std::unique_ptr<provider::Provider> provider_ = create("logs", sink_);
  std::shared_ptr<const core::Grant> grant_ =
      router::GrantIssuer::make({.contract = "wascc:logging"});
};

const std::string kLevel = "a56c6576656c";
const std::string kBody = "a4626f6479";
const std::string kText = "a474657874";
const std::string kTarget = "a6746172676574";
const std::string kHi = "a26869";

TEST_F(LoggingTest, NumbersOf2020) {
  EXPECT_EQ(log("82" + kLevel + "01" + kBody + kHi), "1 MACTOR [] hi");
  EXPECT_EQ(log("82" + kLevel + "05" + kBody + kHi), "5 MACTOR [] hi");
  EXPECT_EQ(log("82" + kBody + kHi + kLevel + "ce00000003"), "3 MACTOR [] hi");
  EXPECT_EQ(log("82" + kLevel + "00" + kBody + kHi), "");
  EXPECT_EQ(log("82" + kLevel + "06" + kBody + kHi), "1 MACTOR [] Unknown log level: 6");
  EXPECT_EQ(log("82" + kLevel + "ff" + kBody + kHi), "1 MACTOR [] Unknown log level: -1");
  EXPECT_EQ(log("9202" + kHi), "2 MACTOR [] hi");
  EXPECT_EQ(log("82" + kLevel + "03" + kBody + kHi, "write"), "3 MACTOR [] hi");
}

TEST_F(LoggingTest, WordsOf2021) {
  const std::string warn = "a47761726e";
  EXPECT_EQ(log("83" + kTarget + "a16d" + kLevel + warn + kText + kHi), "2 MACTOR [m] hi");
  EXPECT_EQ(log("93a16d" + warn + kHi), "2 MACTOR [m] hi");
}

TEST_F(LoggingTest, OtherSpellings) {
  EXPECT_EQ(log("82" + kLevel + "a45741524e" + kText + kHi), "2 MACTOR [] hi");
  EXPECT_EQ(log("82" + kLevel + "8104c0" + kText + kHi), "4 MACTOR [] hi");
  EXPECT_EQ(log("82" + kLevel + "81a56465627567c0" + kText + kHi), "4 MACTOR [] hi");
  EXPECT_EQ(log("82" + kLevel + "a46c6f7564" + kText + kHi), "1 MACTOR [] Unknown log level: loud");
  EXPECT_EQ(log("82" + kLevel + "03" + kText + "c4026869"), "3 MACTOR [] hi");
  EXPECT_EQ(log("82" + kLevel + "03" + kText + "a2c328"), "3 MACTOR [] \xc3(");
}

TEST_F(LoggingTest, RefusesWhatIsNoRecord) {
  for (const std::string& bad :
       {std::string(), std::string("c0"), std::string("80"), "81" + kLevel + "01",
        "82" + kLevel + "c0" + kBody + kHi, "82" + kLevel + "01" + kBody + "93010203"}) {
    EXPECT_EQ(log(bad), "!contract.malformed") << bad;
  }
  EXPECT_EQ(log("82" + kLevel + "01" + kBody + kHi, "Nope"), "!contract.operation");
}

TEST_F(LoggingTest, ControlOperationsAreTheHosts) {
  auto refused = caller_.call(*provider_, *grant_, "GetCapabilityDescriptor", {});
  EXPECT_FALSE(refused);
  const auto host = router::GrantIssuer::make({.holder = "system", .contract = "wascc:logging"});
  EXPECT_TRUE(caller_.call(*provider_, *host, "GetCapabilityDescriptor", {}));
}

}  // namespace
}  // namespace trellis::providers::logging
