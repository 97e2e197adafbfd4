#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <limits>
#include <string>

#include <gtest/gtest.h>

#include "trellis/base/bytes.h"
#include "trellis/base/error.h"
#include "trellis/base/file.h"
#include "trellis/base/text.h"

namespace trellis {
namespace {

Result<int> half(int value) {
  if (value % 2 != 0) return fail(Reason::UsageInvalid, "odd");
  return value / 2;
}

Result<int> quarter(int value) {
  TR_TRY(const int once, half(value));
  TR_TRY(const int twice, half(once));
  return twice;
}

TEST(Error, CarriesReasonCodeAndContext) {
  const auto result = quarter(6);
  ASSERT_FALSE(result);
  const Error error = Error(result.error()).context("quartering");
  EXPECT_EQ(error.reason_text(), "usage.invalid");
  EXPECT_EQ(error.code(), Code::InvalidArgument);
  EXPECT_EQ(error.message(), "quartering: odd");
  EXPECT_EQ(quarter(8).value(), 2);
}

TEST(Error, ResultStaysSmall) {
  EXPECT_EQ(sizeof(Result<std::uint64_t>), 16U);
}

TEST(Bytes, HexRoundTripsAndRefusesOther) {
  const Bytes bytes = from_hex("00fFa5").value();
  EXPECT_EQ(to_hex(bytes), "00ffa5");
  EXPECT_EQ(to_hex_upper(bytes), "00FFA5");
  EXPECT_FALSE(from_hex("0"));
  EXPECT_FALSE(from_hex("0g"));
}

TEST(Bytes, RangeFitsNeverWraps) {
  EXPECT_TRUE(range_fits(0, 0, 0));
  EXPECT_TRUE(range_fits(10, 0, 10));
  EXPECT_FALSE(range_fits(11, 0, 10));
  EXPECT_TRUE(range_fits(9, 1, 10));
  EXPECT_FALSE(range_fits(9, 2, 10));
  EXPECT_FALSE(range_fits(std::numeric_limits<std::uint64_t>::max(), 2, 10));
}

TEST(Text, JudgesUtf8) {
  EXPECT_TRUE(is_utf8("a\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80"));
  EXPECT_FALSE(is_utf8("\xC0\x80"));          // overlong
  EXPECT_FALSE(is_utf8("\xED\xA0\x80"));      // surrogate
  EXPECT_FALSE(is_utf8("\xF4\x90\x80\x80"));  // above U+10FFFF
  EXPECT_FALSE(is_utf8("\xE2\x82"));          // cut
  EXPECT_EQ(to_utf8_lossy("a\xFF"
                          "b"),
            "a\xEF\xBF\xBD"
            "b");
  EXPECT_EQ(cut_utf8("a\xE2\x82\xAC", 3), "a");
}

TEST(Text, EscapesWhatSteersATerminal) {
  EXPECT_EQ(escape_controls("a\tb\nc\x1B[31m\x7F"), "a\tb\nc\\x1b[31m\\x7f");
  EXPECT_EQ(escape_controls("\xC2\x9B"
                            "x"),
            "\\x9bx");
  EXPECT_EQ(escape_controls("\xE2\x80\xAE"
                            "x\xE2\x81\xA6"),
            "\\u{202e}x\\u{2066}");
  EXPECT_EQ(escape_line("a\nb\t"), "a\\nb\\t");
}

TEST(File, NewFileIsNeverOverwritten) {
  std::string directory = "/tmp/trellis-base-XXXXXX";
  ASSERT_NE(::mkdtemp(directory.data()), nullptr);
  const std::string path = directory + "/key";
  ASSERT_TRUE(write_new_file(path, as_bytes("one"), 0600));
  const auto again = write_new_file(path, as_bytes("two"), 0600);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().reason(), Reason::FileExists);
  EXPECT_EQ(as_text(read_file(path, 100).value()), "one");
  ASSERT_TRUE(write_file_atomically(path, as_bytes("three"), 0600));
  EXPECT_EQ(as_text(read_file(path, 100).value()), "three");
  EXPECT_EQ(read_file(path, 4).error().reason(), Reason::ModuleTooLarge);
  EXPECT_EQ(read_file(directory, 4).error().reason(), Reason::FileUnreadable);
  struct stat status{};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  ::unlink(path.c_str());
  ::rmdir(directory.c_str());
}

}  // namespace
}  // namespace trellis
