// The rules of waPC and WASI without an engine: a memory of our own and raw arguments.
#include "trellis/abi/wapc/session.h"

#include <algorithm>
#include <array>
#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "trellis/abi/common/guest_memory.h"
#include "trellis/abi/wapc/test_frame.h"
#include "trellis/abi/wapc/wasi_numbers.h"
#include "trellis/base/text.h"

namespace trellis::abi::wapc {
namespace {

using Status = engine::HostStatus;

class SessionTest : public testing::Test {
 protected:
  SessionTest() { begin("Op", "payload"); }

  ~SessionTest() override { session_.end(); }

  void begin(std::string_view operation, std::string_view payload) {
    session_.end();
    operation_ = operation;
    payload_ = payload;
    frame_.emplace(core_, host_, limits_);
    session_.begin(operation_, as_bytes(payload_), frame_->frame);
  }

  void put(std::size_t at, std::string_view text) {
    std::ranges::copy(as_bytes(text), memory_.begin() + static_cast<std::ptrdiff_t>(at));
  }

  std::string get(std::size_t at, std::size_t length) const {
    return std::string(as_text(ByteView(memory_).subspan(at, length)));
  }

  std::uint32_t number(std::size_t at) const {
    return load_le<std::uint32_t>(ByteView(memory_).subspan(at));
  }

  Status host_call(std::vector<std::int32_t> arguments) {
    return session_.host_call(memory_, arguments, result_);
  }

  void expect_bad_pointer(Status status) {
    EXPECT_EQ(status, Status::Trap);
    ASSERT_TRUE(session_.stop());
    EXPECT_EQ(session_.stop()->reason, Reason::EngineTrapHostPointer);
    session_.next_start_function();
  }

  async::Core core_{0};
  test::FakeHost host_;
  GuestLimits limits_;
  std::string operation_;
  std::string payload_;
  std::optional<test::Frame> frame_;
  Bytes memory_ = Bytes(1024);
  std::int32_t result_ = -1;
  Session session_;
};

TEST_F(SessionTest, GuestRequestWritesBothEachTime) {
  for (int i = 0; i < 2; ++i) {
    memory_.assign(memory_.size(), std::byte{0});
    EXPECT_EQ(session_.guest_request(memory_, 10, 100), Status::Ready);
    EXPECT_EQ(get(10, 2), "Op");
    EXPECT_EQ(get(100, 7), "payload");
  }
  expect_bad_pointer(session_.guest_request(memory_, 1023, 100));
  expect_bad_pointer(session_.guest_request(memory_, 10, 1018));
  expect_bad_pointer(session_.guest_request(memory_, 0xFFFFFFFF, 0));
}

TEST_F(SessionTest, AnEmptyPartIsNotWrittenWhereverItPoints) {
  begin("", "");
  EXPECT_EQ(session_.guest_request(memory_, 0xFFFFFFFF, 0xFFFFFFFF), Status::Ready);
}

// wascc.md 1.5, one line a row: return code, response, error -> outcome.
struct Row {
  std::int32_t code;
  const char* response;
  const char* error;
  const char* text;  // of the outcome
  bool succeeds;
};

class ResultRule : public SessionTest, public testing::WithParamInterface<Row> {};

TEST_P(ResultRule, IsThatOfTheReferenceHost) {
  const Row& row = GetParam();
  if (row.response != nullptr) {
    put(0, row.response);
    EXPECT_EQ(
        session_.guest_response(memory_, 0, static_cast<std::uint32_t>(std::strlen(row.response))),
        Status::Ready);
  }
  if (row.error != nullptr) {
    put(0, row.error);
    EXPECT_EQ(session_.guest_error(memory_, 0, static_cast<std::uint32_t>(std::strlen(row.error))),
              Status::Ready);
  }
  const auto outcome = session_.outcome(row.code);
  ASSERT_EQ(outcome.has_value(), row.succeeds);
  if (outcome) {
    EXPECT_EQ(outcome->text(), row.text);
  } else {
    EXPECT_EQ(outcome.error().reason(), Reason::GuestError);
    EXPECT_EQ(outcome.error().message(), row.text);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Table, ResultRule,
    testing::Values(Row{0, nullptr, "bad", "bad", false}, Row{0, "r", "bad", "bad", false},
                    Row{0, nullptr, nullptr, "No error message set for call failure", false},
                    Row{0, "r", nullptr, "No error message set for call failure", false},
                    Row{1, "r", nullptr, "r", true}, Row{1, "", nullptr, "", true},
                    Row{2, "r", nullptr, "r", true}, Row{-1, "r", nullptr, "r", true},
                    Row{1, "r", "bad", "r", true}, Row{1, nullptr, "bad", "bad", false},
                    Row{1, nullptr, nullptr, "No error message OR response set for call success",
                        false}));

TEST_F(SessionTest, TheLastResponseAndErrorWinAndAreCopiedAtOnce) {
  put(0, "first");
  session_.guest_response(memory_, 0, 5);
  put(0, "again");
  session_.guest_response(memory_, 0, 5);
  put(0, "later");
  EXPECT_EQ(session_.outcome(1)->text(), "again");
  put(0, "one");
  session_.guest_error(memory_, 0, 3);
  put(0, "two");
  session_.guest_error(memory_, 0, 3);
  EXPECT_EQ(session_.guest_error_text(), "two");
}

TEST_F(SessionTest, EveryCallStartsWithAllFourStringsClear) {
  put(0, "x");
  session_.guest_response(memory_, 0, 1);
  session_.guest_error(memory_, 0, 1);
  ASSERT_EQ(host_call({0, 1, 0, 1, 0, 1, 0, 1}), Status::Pending);
  session_.answer(core::Buffer::copy(as_bytes("reply")));
  EXPECT_EQ(session_.host_response_length(), 5);
  begin("Op", "");
  EXPECT_EQ(session_.host_response_length(), 0);
  EXPECT_EQ(session_.host_error_length(), 0);
  EXPECT_EQ(session_.guest_error_text(), std::nullopt);
  EXPECT_EQ(session_.outcome(1).error().message(), kNoResponseText);
}

TEST_F(SessionTest, AResponseAboveTheLimitEndsTheCall) {
  limits_.max_message_bytes = 100;
  EXPECT_EQ(session_.guest_response(memory_, 0, 100), Status::Ready);
  EXPECT_EQ(session_.guest_response(memory_, 0, 101), Status::Trap);
  EXPECT_EQ(session_.stop()->reason, Reason::EngineLimitMessage);
}

TEST_F(SessionTest, AnErrorTextIsUtf8OfAtMostFourKibibytes) {
  memory_.assign(20'000, std::byte{0xFF});
  session_.guest_error(memory_, 0, 20'000);
  EXPECT_TRUE(is_utf8(*session_.guest_error_text()));
  EXPECT_LE(session_.guest_error_text()->size(), kMaxErrorTextBytes);
  for (std::size_t at = 0; at < 9'000; at += 2) put(at, "\xC3\xA9");
  session_.guest_error(memory_, 1, 8'001);
  EXPECT_TRUE(is_utf8(*session_.guest_error_text()));
  EXPECT_LE(session_.guest_error_text()->size(), kMaxErrorTextBytes);
  session_.guest_error(memory_, 0, 8'000);
  EXPECT_EQ(session_.guest_error_text()->size(), kMaxErrorTextBytes);
  EXPECT_EQ(session_.guest_error_text()->find("\xEF\xBF\xBD"), std::string::npos)
      << "a cut must not split a character";
}

TEST_F(SessionTest, HostCallOfEightParameters) {
  put(0, "bindnamespacegetpayload");
  ASSERT_EQ(host_call({0, 4, 4, 9, 13, 3, 16, 7}), Status::Pending);
  EXPECT_EQ(session_.waiting(), Session::Waiting::HostCall);
  EXPECT_EQ(session_.request().binding, "bind");
  EXPECT_EQ(session_.request().contract, "namespace");
  EXPECT_EQ(session_.request().operation, "get");
  EXPECT_EQ(as_text(session_.request().payload), "payload");
  session_.answer(core::Buffer::copy(as_bytes("answer")));
  EXPECT_EQ(session_.host_call_result(), 1);
  EXPECT_EQ(session_.host_response_length(), 6);
  EXPECT_EQ(session_.host_error_length(), 0);
  EXPECT_EQ(session_.host_response(memory_, 500), Status::Ready);
  EXPECT_EQ(get(500, 6), "answer");
  expect_bad_pointer(session_.host_response(memory_, 1019));
  EXPECT_EQ(frame_->frame.usage.host_calls, 1u);
}

TEST_F(SessionTest, TheOlderFormsOfHostCall) {
  put(0, "wapc:sample!Hellonsxy");
  ASSERT_EQ(host_call({0, 17, 19, 2}), Status::Pending);
  EXPECT_EQ(session_.request().binding, "default");
  EXPECT_EQ(session_.request().contract, "wapc:sample");
  EXPECT_EQ(session_.request().operation, "Hello");
  EXPECT_EQ(as_text(session_.request().payload), "xy");
  session_.answer(core::Buffer());
  ASSERT_EQ(host_call({17, 2, 19, 1, 20, 1}), Status::Pending);
  EXPECT_EQ(session_.request().binding, "default");
  EXPECT_EQ(session_.request().contract, "ns");
  EXPECT_EQ(session_.request().operation, "x");
  session_.answer(core::Buffer());
  ASSERT_EQ(host_call({17, 2, 0, 0}), Status::Pending);
  EXPECT_EQ(session_.request().contract, "");
  EXPECT_EQ(session_.request().operation, "ns");
}

TEST_F(SessionTest, AHostErrorIsTextAndZero) {
  ASSERT_EQ(host_call({0, 0, 0, 0, 0, 0, 0, 0}), Status::Pending);
  session_.answer(fail(Reason::PolicyDenied, "not allowed"));
  EXPECT_EQ(session_.host_call_result(), 0);
  EXPECT_EQ(session_.host_response_length(), 0);
  EXPECT_EQ(session_.host_error_length(), 11);
  EXPECT_EQ(session_.host_error(memory_, 0), Status::Ready);
  EXPECT_EQ(get(0, 11), "not allowed");
  // The next host call forgets it.
  ASSERT_EQ(host_call({0, 0, 0, 0, 0, 0, 0, 0}), Status::Pending);
  session_.answer(core::Buffer::copy(as_bytes("ok")));
  EXPECT_EQ(session_.host_error_length(), 0);
  EXPECT_EQ(session_.host_error(memory_, 0xFFFFFFFF), Status::Ready) << "no-op without an error";
}

TEST_F(SessionTest, NamesThatAreNotUtf8AreAHostErrorInEachPlace) {
  put(0, "ok\xFF\xFE");
  const std::vector<std::vector<std::int32_t>> bad = {
      {2, 2, 0, 2, 0, 2, 0, 0}, {0, 2, 2, 2, 0, 2, 0, 0}, {0, 2, 0, 2, 2, 2, 0, 0}};
  for (const auto& arguments : bad) {
    result_ = -1;
    EXPECT_EQ(host_call(arguments), Status::Ready);
    EXPECT_EQ(result_, 0);
    EXPECT_GT(session_.host_error_length(), 0);
    EXPECT_EQ(session_.waiting(), Session::Waiting::Nothing);
  }
  put(0, std::string_view("a\0b", 3));
  EXPECT_EQ(host_call({0, 3, 0, 3, 0, 3, 0, 0}), Status::Pending) << "a NUL is a character";
}

TEST_F(SessionTest, NamesAboveTheLimitAreAHostError) {
  limits_.max_name_bytes = 8;
  EXPECT_EQ(host_call({0, 8, 0, 8, 0, 8, 0, 8}), Status::Pending);
  session_.answer(core::Buffer());
  EXPECT_EQ(host_call({0, 8, 0, 8, 0, 9, 0, 8}), Status::Ready);
  EXPECT_EQ(result_, 0);
}

TEST_F(SessionTest, HostCallLimits) {
  limits_.max_host_calls = 2;
  limits_.max_message_bytes = 10;
  begin("Op", "");
  EXPECT_EQ(host_call({0, 0, 0, 0, 0, 0, 0, 11}), Status::Trap);
  EXPECT_EQ(session_.stop()->reason, Reason::EngineLimitMessage);
  begin("Op", "");
  EXPECT_EQ(host_call({0, 0, 0, 0, 0, 0, 0, 10}), Status::Pending);
  session_.answer(core::Buffer::copy(as_bytes("eleven byte")));
  EXPECT_EQ(session_.host_call_result(), 0) << "a reply above the limit is a host error";
  EXPECT_EQ(host_call({0, 0, 0, 0, 0, 0, 0, 0}), Status::Pending);
  session_.answer(core::Buffer());
  EXPECT_EQ(host_call({0, 0, 0, 0, 0, 0, 0, 0}), Status::Trap);
  EXPECT_EQ(session_.stop()->reason, Reason::EngineLimitHostCalls);
}

TEST_F(SessionTest, NoHostCallIsMadeAfterTheDeadline) {
  session_.end();
  frame_.emplace(core_, host_, limits_, core_.clock().now() - std::chrono::milliseconds(1));
  session_.begin("Op", {}, frame_->frame);
  EXPECT_EQ(host_call({0, 0, 0, 0, 0, 0, 0, 0}), Status::Trap);
  EXPECT_EQ(session_.stop()->reason, Reason::EngineDeadline);
  EXPECT_EQ(session_.waiting(), Session::Waiting::Nothing);
}

// T-PTR-2: each import with a (pointer, length) pair agrees with a 64-bit oracle.
TEST_F(SessionTest, RandomPointersAgreeWithTheOracle) {
  std::mt19937_64 random(7);
  const auto pick = [&random, this]() -> std::uint32_t {
    const auto near = static_cast<std::uint32_t>(random() % 16);
    const auto size = static_cast<std::uint32_t>(memory_.size());
    switch (random() % 5) {
      case 0: return near;
      case 1: return size + 8 - near;
      case 2: return 0xFFFFFFFFu - near;
      case 3: return 0x80000000u - 8 + near;
      default: return static_cast<std::uint32_t>(random()) % (size * 2);
    }
  };
  for (int i = 0; i < 200'000; ++i) {
    const std::uint32_t pointer = pick();
    const std::uint32_t length = pick();
    const bool fits = std::uint64_t{pointer} + length <= memory_.size();
    Status status = Status::Ready;
    switch (i % 5) {
      case 0: status = session_.guest_response(memory_, pointer, length); break;
      case 1: status = session_.guest_error(memory_, pointer, length); break;
      case 2: status = session_.console_log(memory_, pointer, length); break;
      case 3: status = session_.random_get(memory_, pointer, length, result_); break;
      default:
        status = host_call({0, 1, 0, 1, 0, 1, static_cast<std::int32_t>(pointer),
                            static_cast<std::int32_t>(length)});
    }
    ASSERT_EQ(status != Status::Trap, fits) << i % 5 << " " << pointer << " " << length;
    if (status == Status::Pending) session_.answer(core::Buffer());
    if (status == Status::Trap) expect_bad_pointer(status);
  }
}

TEST_F(SessionTest, TheLogKeepsItsBudgetAndSaysWhatWasDropped) {
  limits_.max_log_bytes = 10;
  begin("Op", "");
  put(0, "0123456789");
  session_.console_log(memory_, 0, 4);
  session_.console_log(memory_, 0, 10);
  session_.console_log(memory_, 0, 3);
  EXPECT_EQ(host_.console, (std::vector<std::string>{"0123", "01234"}));
  session_.end();
  EXPECT_EQ(host_.dropped_records, 2u);
  EXPECT_EQ(host_.dropped_bytes, 8u);
  begin("Op", "");
  session_.console_log(memory_, 0, 4);
  EXPECT_EQ(host_.console.size(), 3u) << "each call has a budget of its own";
}

TEST_F(SessionTest, EmptyLogRecordsUseTheBudgetToo) {
  limits_.max_log_bytes = 10;
  begin("Op", "");
  for (int i = 0; i < 1000; ++i) session_.console_log(memory_, 0, 0);
  EXPECT_LE(host_.console.size(), 10u);
}

TEST_F(SessionTest, AbortDecodesTheStringsOfAssemblyScript) {
  const auto put_utf16 = [this](std::size_t at, std::u16string_view text) {
    store_le(MutableByteView(memory_).subspan(at - 4), static_cast<std::uint32_t>(2 * text.size()));
    for (std::size_t i = 0; i < text.size(); ++i) {
      store_le(MutableByteView(memory_).subspan(at + 2 * i), static_cast<std::uint16_t>(text[i]));
    }
  };
  put_utf16(16, u"gr\u00fc\u00df \U0001F600 \xD800!");
  put_utf16(100, u"a.ts");
  EXPECT_EQ(session_.abort(memory_, 16, 100, 3, 7), Status::Trap);
  EXPECT_EQ(session_.stop()->reason, Reason::EngineTrapAbort);
  EXPECT_EQ(session_.guest_error_text(), "gr\u00fc\u00df \U0001F600 \uFFFD!; a.ts (3,7)");
  EXPECT_TRUE(host_.console.empty());
  session_.next_start_function();
  EXPECT_EQ(session_.abort(memory_, 0, 0, 0, 0), Status::Trap);
  EXPECT_EQ(session_.guest_error_text(), "abort;  (0,0)");
  session_.next_start_function();
  store_le(MutableByteView(memory_).subspan(12), std::uint32_t{2000});
  expect_bad_pointer(session_.abort(memory_, 16, 0, 0, 0));
  expect_bad_pointer(session_.abort(memory_, 2, 0, 0, 0));
  expect_bad_pointer(session_.abort(memory_, 1028, 0, 0, 0));
}

// ---------------------------------------------------------------------------- WASI

class WasiTest : public SessionTest {
 protected:
  void put_vector(std::size_t at, std::uint32_t pointer, std::uint32_t length) {
    store_le(MutableByteView(memory_).subspan(at), pointer);
    store_le(MutableByteView(memory_).subspan(at + 4), length);
  }
};

TEST_F(WasiTest, FdWriteGathersToTheLogOfTheCall) {
  put(100, "hello world");
  put_vector(0, 100, 6);
  put_vector(8, 106, 5);
  EXPECT_EQ(session_.fd_write(memory_, 1, 0, 2, 50, result_), Status::Ready);
  EXPECT_EQ(result_, wasi::kSuccess);
  EXPECT_EQ(number(50), 11u);
  EXPECT_EQ(host_.streams, "hello world");
  for (const std::uint32_t descriptor : {0u, 3u, 0xFFFFFFFFu}) {
    session_.fd_write(memory_, descriptor, 0, 2, 50, result_);
    EXPECT_EQ(result_, wasi::kBadDescriptor) << descriptor;
  }
  put_vector(8, 1020, 5);
  expect_bad_pointer(session_.fd_write(memory_, 1, 0, 2, 50, result_));
  EXPECT_EQ(host_.streams, "hello world") << "nothing is written when one range is bad";
  expect_bad_pointer(session_.fd_write(memory_, 1, 0, 0xFFFFFFFF, 50, result_));
  expect_bad_pointer(session_.fd_write(memory_, 1, 0, 1, 1021, result_));
}

TEST_F(WasiTest, OverlappingVectorsCannotMultiplyTheirWay) {
  memory_.assign(std::size_t{8} << 20, std::byte{'x'});
  for (std::size_t i = 0; i < kMaxIoVectors; ++i) put_vector(8 * i, 0, 4u << 20);
  session_.fd_write(memory_, 1, 0, kMaxIoVectors, 6u << 20, result_);
  EXPECT_EQ(result_, wasi::kInvalid) << "256 GiB do not fit the count";
  EXPECT_TRUE(host_.streams.empty());
  session_.fd_write(memory_, 1, 0, kMaxIoVectors + 1, 6u << 20, result_);
  EXPECT_EQ(result_, wasi::kInvalid);
  session_.fd_write(memory_, 1, 0, 1000, 6u << 20, result_);
  EXPECT_EQ(result_, wasi::kSuccess);
  EXPECT_LE(host_.streams.size(), limits_.max_log_bytes);
}

TEST_F(WasiTest, StandardInputIsEmpty) {
  put_vector(0, 100, 10);
  store_le(MutableByteView(memory_).subspan(50), 99u);
  session_.fd_read(memory_, 0, 0, 1, 50, result_);
  EXPECT_EQ(result_, wasi::kSuccess);
  EXPECT_EQ(number(50), 0u);
  session_.fd_read(memory_, 1, 0, 1, 50, result_);
  EXPECT_EQ(result_, wasi::kBadDescriptor);
}

TEST_F(WasiTest, OnlyTheThreeStreamsExist) {
  for (std::uint32_t descriptor = 0; descriptor < 3; ++descriptor) {
    session_.fd_fdstat_get(memory_, descriptor, 0, result_);
    EXPECT_EQ(result_, wasi::kSuccess);
    EXPECT_EQ(memory_[0], std::byte{wasi::kCharacterDevice});
    session_.fd_filestat_get(memory_, WasiFlavour::Preview1, descriptor, 960, result_);
    EXPECT_EQ(result_, wasi::kSuccess);
  }
  session_.fd_fdstat_get(memory_, 3, 0, result_);
  EXPECT_EQ(result_, wasi::kBadDescriptor);
  session_.fd_filestat_get(memory_, WasiFlavour::Unstable, 968, 0, result_);
  EXPECT_EQ(result_, wasi::kBadDescriptor);
  EXPECT_EQ(session_.fd_close(1), wasi::kSuccess);
  EXPECT_EQ(session_.fd_close(1), wasi::kBadDescriptor);
  put_vector(0, 100, 1);
  session_.fd_write(memory_, 1, 0, 1, 50, result_);
  EXPECT_EQ(result_, wasi::kBadDescriptor);
  EXPECT_EQ(session_.fd_close(7), wasi::kBadDescriptor);
}

TEST_F(WasiTest, FilestatIsShorterInTheOlderLayout) {
  EXPECT_EQ(session_.fd_filestat_get(memory_, WasiFlavour::Unstable, 1, 1024 - 56, result_),
            Status::Ready);
  expect_bad_pointer(
      session_.fd_filestat_get(memory_, WasiFlavour::Preview1, 1, 1024 - 56, result_));
}

TEST_F(WasiTest, ClocksComeFromTheEnvironment) {
  const auto before = static_cast<std::uint64_t>(system_clock().wall_nanoseconds());
  session_.clock_time_get(memory_, wasi::kRealtimeClock, 0, result_);
  EXPECT_EQ(result_, wasi::kSuccess);
  EXPECT_GE(load_le<std::uint64_t>(memory_), before);
  session_.clock_time_get(memory_, wasi::kMonotonicClock, 8, result_);
  EXPECT_EQ(result_, wasi::kSuccess);
  session_.clock_time_get(memory_, 2, 0, result_);
  EXPECT_EQ(result_, wasi::kInvalid);
  session_.clock_res_get(memory_, 9, 0, result_);
  EXPECT_EQ(result_, wasi::kInvalid);
}

TEST_F(WasiTest, RandomIsBounded) {
  session_.random_get(memory_, 0, 512, result_);
  EXPECT_EQ(result_, wasi::kSuccess);
  EXPECT_TRUE(std::ranges::any_of(ByteView(memory_).first(512),
                                  [](std::byte b) { return b != std::byte{0}; }));
  EXPECT_TRUE(std::ranges::all_of(ByteView(memory_).subspan(512),
                                  [](std::byte b) { return b == std::byte{0}; }));
  memory_.resize(kMaxRandomBytes + 1);
  session_.random_get(memory_, 0, kMaxRandomBytes, result_);
  EXPECT_EQ(result_, wasi::kSuccess);
  session_.random_get(memory_, 0, kMaxRandomBytes + 1, result_);
  EXPECT_EQ(result_, wasi::kInvalid);
  expect_bad_pointer(session_.random_get(memory_, 0, 0xFFFFFFFF, result_));
}

TEST_F(WasiTest, ArgumentsAndVariablesAreEmpty) {
  store_le(MutableByteView(memory_), 7u);
  store_le(MutableByteView(memory_).subspan(4), 7u);
  session_.environ_sizes_get(memory_, 0, 4, result_);
  EXPECT_EQ(number(0) + number(4), 0u);
  session_.args_sizes_get(memory_, 0, 4, result_);
  EXPECT_EQ(number(0) + number(4), 0u);
  EXPECT_EQ(session_.environ_get(memory_, 0, 0, result_), Status::Ready);
  EXPECT_EQ(session_.args_get(memory_, 0, 0, result_), Status::Ready);
}

TEST_F(WasiTest, ArgumentsAndVariablesOfAnEnvironment) {
  class WithVariables final : public core::Environment {
   public:
    std::int64_t wall_nanoseconds() noexcept override { return 0; }

    std::int64_t monotonic_nanoseconds() noexcept override { return 0; }

    void random(MutableByteView) noexcept override {}

    std::span<const std::string> arguments() const noexcept override { return arguments_; }

    std::span<const std::pair<std::string, std::string>> variables() const noexcept override {
      return variables_;
    }

   private:
    std::vector<std::string> arguments_ = {"prog", "-x"};
    std::vector<std::pair<std::string, std::string>> variables_ = {{"A", "b=c"}};
  };

  WithVariables environment;
  CallFrame frame{frame_->context, host_, environment, limits_};
  session_.begin("", {}, frame);
  session_.args_sizes_get(memory_, 0, 4, result_);
  EXPECT_EQ(number(0), 2u);
  EXPECT_EQ(number(4), 8u);
  session_.args_get(memory_, 16, 100, result_);
  EXPECT_EQ(number(16), 100u);
  EXPECT_EQ(number(20), 105u);
  EXPECT_EQ(get(100, 8), std::string("prog\0-x\0", 8));
  session_.environ_sizes_get(memory_, 0, 4, result_);
  EXPECT_EQ(number(4), 6u);
  session_.environ_get(memory_, 16, 200, result_);
  EXPECT_EQ(get(200, 6), std::string("A=b=c\0", 6));
  expect_bad_pointer(session_.args_get(memory_, 16, 1020, result_));
  session_.end();
}

TEST_F(WasiTest, ProcExitStopsWithItsStatus) {
  EXPECT_EQ(session_.proc_exit(7), Status::Trap);
  EXPECT_EQ(session_.exit_status(), 7u);
  EXPECT_EQ(session_.stop()->reason, Reason::EngineTrapExit);
}

class PollTest : public WasiTest {
 protected:
  void clock(std::size_t at, WasiFlavour flavour, std::uint64_t user, std::uint32_t id,
             std::uint64_t timeout, std::uint16_t flags) {
    const MutableByteView view(memory_);
    const std::size_t body = at + (flavour == WasiFlavour::Unstable ? 24 : 16);
    store_le(view.subspan(at), user);
    memory_[at + 8] = std::byte{0};
    store_le(view.subspan(body), id);
    store_le(view.subspan(body + 8), timeout);
    store_le(view.subspan(body + 24), flags);
  }

  void descriptor(std::size_t at, std::uint8_t kind, std::uint64_t user, std::uint32_t number) {
    const MutableByteView view(memory_);
    store_le(view.subspan(at), user);
    memory_[at + 8] = std::byte{kind};
    store_le(view.subspan(at + 16), number);
  }

  Status poll(WasiFlavour flavour, std::int32_t count) {
    const std::array<std::int32_t, 4> arguments{0, 512, count, 1000};
    return session_.poll_oneoff(memory_, flavour, arguments, result_);
  }

  std::uint64_t event_user(std::size_t index) const {
    return load_le<std::uint64_t>(ByteView(memory_).subspan(512 + 32 * index));
  }

  std::uint16_t event_error(std::size_t index) const {
    return load_le<std::uint16_t>(ByteView(memory_).subspan(520 + 32 * index));
  }
};

TEST_F(PollTest, TheEarliestClockIsSleptFor) {
  for (const auto flavour : {WasiFlavour::Preview1, WasiFlavour::Unstable}) {
    const std::size_t size = flavour == WasiFlavour::Unstable ? 56 : 48;
    clock(0, flavour, 11, wasi::kMonotonicClock, 5'000'000, 0);
    clock(size, flavour, 22, wasi::kRealtimeClock, 3'000'000, 0);
    ASSERT_EQ(poll(flavour, 2), Status::Pending);
    EXPECT_EQ(session_.waiting(), Session::Waiting::Sleep);
    EXPECT_EQ(session_.sleep_nanoseconds(), 3'000'000u);
    EXPECT_EQ(session_.poll_result(memory_, result_), Status::Ready);
    EXPECT_EQ(result_, wasi::kSuccess);
    EXPECT_EQ(number(1000), 1u);
    EXPECT_EQ(event_user(0), 22u);
  }
}

TEST_F(PollTest, AnAbsoluteTimeInThePastIsDueAtOnce) {
  clock(0, WasiFlavour::Preview1, 5, wasi::kMonotonicClock, 1, 1);
  EXPECT_EQ(poll(WasiFlavour::Preview1, 1), Status::Ready);
  EXPECT_EQ(number(1000), 1u);
  EXPECT_EQ(event_user(0), 5u);
}

TEST_F(PollTest, StreamsAreReadyAndOtherDescriptorsBad) {
  descriptor(0, 1, 1, 0);
  descriptor(48, 2, 2, 1);
  descriptor(96, 1, 3, 9);
  clock(144, WasiFlavour::Preview1, 4, wasi::kMonotonicClock, 1'000'000'000, 0);
  EXPECT_EQ(poll(WasiFlavour::Preview1, 4), Status::Ready);
  EXPECT_EQ(number(1000), 3u);
  EXPECT_EQ(event_error(0), wasi::kSuccess);
  EXPECT_EQ(event_error(1), wasi::kSuccess);
  EXPECT_EQ(event_error(2), wasi::kBadDescriptor);
}

TEST_F(PollTest, BadSubscriptionsAndPointers) {
  EXPECT_EQ(poll(WasiFlavour::Preview1, 0), Status::Ready);
  EXPECT_EQ(result_, wasi::kInvalid);
  clock(0, WasiFlavour::Preview1, 4, 77, 1'000'000'000, 0);
  EXPECT_EQ(poll(WasiFlavour::Preview1, 1), Status::Ready);
  EXPECT_EQ(event_error(0), wasi::kInvalid);
  expect_bad_pointer(poll(WasiFlavour::Preview1, 0x7FFFFFFF));
  expect_bad_pointer(poll(WasiFlavour::Preview1, 17));
}

}  // namespace
}  // namespace trellis::abi::wapc
