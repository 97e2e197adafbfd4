// Sequences of host calls with arbitrary pointers against a memory of our own. Oracle: a call ends
// as engine.trap.host_pointer exactly when one of its ranges leaves the memory, computed here with
// 128-bit sums; what a call does not name stays as it was.
//
// Input: a byte that sets the memory's size, then one record a call: a byte for the function, a
// byte of flavour, then its arguments, two bytes each: the high bit of the first picks small
// numbers or numbers near the end of the memory, near 2^31 or near 2^32.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

#include "trellis/abi/common/guest_memory.h"
#include "trellis/abi/wapc/session.h"
#include "trellis/abi/wapc/test_frame.h"
#include "trellis/base/assert.h"

namespace {

using namespace trellis;             // NOLINT(google-build-using-namespace)
using namespace trellis::abi::wapc;  // NOLINT(google-build-using-namespace)
using Status = engine::HostStatus;
using Wide = unsigned __int128;

class Input {
 public:
  explicit Input(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  bool empty() const { return bytes_.empty(); }

  std::uint8_t byte() {
    if (bytes_.empty()) return 0;
    const std::uint8_t value = bytes_.front();
    bytes_ = bytes_.subspan(1);
    return value;
  }

  std::uint32_t number(std::uint32_t memory_size) {
    const std::uint32_t high = byte();
    const std::uint32_t low = byte();
    const std::uint32_t value = ((high & 0x0F) << 8) | low;
    switch (high >> 4) {
      case 8: return memory_size - value;
      case 9: return memory_size + value;
      case 10: return 0x80000000u - value;
      case 11: return 0x80000000u + value;
      case 12: return 0xFFFFFFFFu - value;
      default: return value;
    }
  }

 private:
  std::span<const std::uint8_t> bytes_;
};

struct Harness {
  async::Core core{0};
  test::FakeHost host;
  abi::GuestLimits limits;
};

bool fits(std::uint32_t pointer, Wide length, std::size_t size) {
  return Wide{pointer} + length <= Wide{size};
}

bool stopped_for_pointer(const Session& session, Status status) {
  return status == Status::Trap && session.stop() &&
         session.stop()->reason == Reason::EngineTrapHostPointer;
}

class Run {
 public:
  Run(Harness& harness, Input input)
      : harness_(harness), input_(input), memory_(std::size_t{input_.byte()} * 16) {
    harness_.limits.max_message_bytes = 1024;
    harness_.limits.max_log_bytes = 4096;
    for (std::size_t i = 0; i < memory_.size(); ++i) memory_[i] = std::byte(i * 7);
  }

  void play() {
    const std::string operation = "Op";
    const Bytes payload(input_.byte(), std::byte{0x5A});
    test::Frame frame(harness_.core, harness_.host, harness_.limits);
    session_.begin(operation, payload, frame.frame);
    for (int calls = 0; calls < 64 && !input_.empty(); ++calls) {
      one(operation, payload);
      if (session_.stop()) session_.next_start_function();
    }
    session_.end();
    harness_.host.console.clear();
    harness_.host.streams.clear();
  }

 private:
  std::uint32_t number() { return input_.number(static_cast<std::uint32_t>(memory_.size())); }

  // The outcome agrees with the oracle, and nothing outside the ranges changed.
  void expect(Status status, bool in_range) {
    TR_ASSERT(stopped_for_pointer(session_, status) == !in_range);
  }

  void unchanged_but(const Bytes& before, std::uint32_t pointer, std::size_t length) {
    for (std::size_t i = 0; i < before.size(); ++i) {
      if (i >= pointer && i - pointer < length) continue;
      TR_ASSERT(before[i] == memory_[i]);
    }
  }

  void one(const std::string& operation, const Bytes& payload) {
    const std::uint8_t function = input_.byte() % 16;
    const std::uint8_t flavour = input_.byte();
    switch (function) {
      case 0: return request(operation, payload);
      case 1: return output();
      case 2: return fetch();
      case 3:
      case 4: return host_call(4 + 2 * (flavour % 3), (flavour & 0x80) != 0);
      case 5: return write(flavour);
      case 6: return poll((flavour & 1) != 0 ? WasiFlavour::Unstable : WasiFlavour::Preview1);
      case 7: return abort();
      default: return fixed_size(function, flavour);
    }
  }

  void request(const std::string& operation, const Bytes& payload) {
    const std::uint32_t name = number();
    const std::uint32_t message = number();
    const Status status = session_.guest_request(memory_, name, message);
    expect(status, (payload.empty() || fits(message, payload.size(), memory_.size())) &&
                       fits(name, operation.size(), memory_.size()));
  }

  void output() {
    const std::uint32_t pointer = number();
    const std::uint32_t length = number();
    const Bytes before = memory_;
    const bool in_range = fits(pointer, length, memory_.size());
    const Status status = session_.guest_response(memory_, pointer, length);
    expect(status, in_range);
    if (in_range) TR_ASSERT((status == Status::Ready) == (length <= 1024));
    if (session_.stop()) session_.next_start_function();
    expect(session_.guest_error(memory_, pointer, length), in_range);
    if (in_range) TR_ASSERT(session_.guest_error_text()->size() <= 4096);
    if (session_.stop()) session_.next_start_function();
    expect(session_.console_log(memory_, pointer, length), in_range);
    TR_ASSERT(before == memory_);
  }

  void fetch() {
    const std::uint32_t pointer = number();
    const Bytes before = memory_;
    const auto response = static_cast<std::size_t>(session_.host_response_length());
    const Status status = session_.host_response(memory_, pointer);
    expect(status, response == 0 || fits(pointer, response, memory_.size()));
    unchanged_but(before, pointer, status == Status::Ready ? response : 0);
    if (session_.stop()) session_.next_start_function();
    const Bytes after = memory_;
    const auto error = static_cast<std::size_t>(session_.host_error_length());
    const Status second = session_.host_error(memory_, pointer);
    expect(second, error == 0 || fits(pointer, error, memory_.size()));
    unchanged_but(after, pointer, second == Status::Ready ? error : 0);
  }

  void host_call(std::size_t parameters, bool fails) {
    std::array<std::int32_t, 8> arguments{};
    bool in_range = true;
    for (std::size_t i = 0; i < parameters; i += 2) {
      const std::uint32_t pointer = number();
      const std::uint32_t length = number();
      arguments[i] = static_cast<std::int32_t>(pointer);
      arguments[i + 1] = static_cast<std::int32_t>(length);
      in_range = in_range && fits(pointer, length, memory_.size());
    }
    std::int32_t result = -1;
    const Status status =
        session_.host_call(memory_, std::span(arguments).first(parameters), result);
    expect(status, in_range);
    if (status == Status::Ready) TR_ASSERT(result == 0 && session_.host_error_length() > 0);
    if (status != Status::Pending) return;
    const ByteView view = session_.request().payload;
    TR_ASSERT(view.empty() || (view.data() >= memory_.data() &&
                               view.data() + view.size() <= memory_.data() + memory_.size()));
    if (fails) {
      session_.answer(fail(Reason::ProviderFailed, std::string(5000, 'e')));
    } else {
      session_.answer(core::Buffer::copy(view));
    }
    TR_ASSERT(session_.host_call_result() == (fails ? 0 : 1));
    TR_ASSERT(session_.host_error_length() <= 4096);
  }

  void write(std::uint32_t descriptor) {
    descriptor %= 4;
    const std::uint32_t vectors = number();
    const std::uint32_t count = number();
    const std::uint32_t written = number();
    bool in_range =
        fits(vectors, Wide{8} * count, memory_.size()) && fits(written, 4, memory_.size());
    const bool read_them =
        in_range && (descriptor == 1 || descriptor == 2) && session_.descriptor_open(descriptor);
    for (std::uint32_t i = 0; read_them && in_range && i < count; ++i) {
      const ByteView entry = ByteView(memory_).subspan(vectors + std::size_t{8} * i, 8);
      in_range = fits(abi::load_le<std::uint32_t>(entry),
                      abi::load_le<std::uint32_t>(entry.subspan(4)), memory_.size());
    }
    std::int32_t result = 0;
    expect(session_.fd_write(memory_, descriptor, vectors, count, written, result), in_range);
  }

  void poll(WasiFlavour flavour) {
    std::array<std::int32_t, 4> arguments{};
    for (auto& argument : arguments) argument = static_cast<std::int32_t>(number());
    const std::uint32_t count = static_cast<std::uint32_t>(arguments[2]);
    const Wide size = flavour == WasiFlavour::Unstable ? 56 : 48;
    const bool in_range =
        fits(static_cast<std::uint32_t>(arguments[0]), size * count, memory_.size()) &&
        fits(static_cast<std::uint32_t>(arguments[1]), Wide{32} * count, memory_.size()) &&
        fits(static_cast<std::uint32_t>(arguments[3]), 4, memory_.size());
    std::int32_t result = 0;
    const Status status = session_.poll_oneoff(memory_, flavour, arguments, result);
    expect(status, in_range);
    if (status != Status::Pending) return;
    TR_ASSERT(session_.sleep_nanoseconds() > 0);
    TR_ASSERT(session_.poll_result(memory_, result) == Status::Ready && result == 0);
  }

  bool string_fits(std::uint32_t pointer) const {
    if (pointer == 0) return true;
    if (pointer < 4 || !fits(pointer - 4, 4, memory_.size())) return false;
    const auto length = abi::load_le<std::uint32_t>(ByteView(memory_).subspan(pointer - 4, 4));
    return fits(pointer, length, memory_.size());
  }

  void abort() {
    const std::uint32_t message = number();
    const std::uint32_t file = number();
    const Status status = session_.abort(memory_, message, file, 1, 2);
    TR_ASSERT(status == Status::Trap);
    expect(status, string_fits(message) && string_fits(file));
    if (string_fits(message) && string_fits(file)) {
      TR_ASSERT(session_.stop()->reason == Reason::EngineTrapAbort);
      TR_ASSERT(session_.guest_error_text()->size() <= 4096);
    }
  }

  // Functions that write a fixed number of bytes at one or two addresses.
  void fixed_size(std::uint8_t function, std::uint8_t flavour) {
    const std::uint32_t first = number();
    const std::uint32_t second = number();
    const std::size_t size = memory_.size();
    const Bytes before = memory_;
    std::int32_t result = 0;
    switch (function) {
      case 8:
        expect(session_.clock_time_get(memory_, flavour % 3, first, result), fits(first, 8, size));
        return unchanged_but(before, first, 8);
      case 9:
        expect(session_.clock_res_get(memory_, flavour % 3, first, result), fits(first, 8, size));
        return unchanged_but(before, first, 8);
      case 10:
        expect(session_.random_get(memory_, first, second, result), fits(first, second, size));
        return unchanged_but(before, first, fits(first, second, size) ? second : 0);
      case 11:
        expect(session_.fd_fdstat_get(memory_, flavour % 4, first, result), fits(first, 24, size));
        return unchanged_but(before, first, 24);
      case 12:
        expect(session_.fd_filestat_get(memory_, WasiFlavour::Unstable, flavour % 4, first, result),
               fits(first, 56, size));
        return unchanged_but(before, first, 56);
      case 13:
        expect(session_.environ_sizes_get(memory_, first, second, result),
               fits(first, 4, size) && fits(second, 4, size));
        return;
      case 14:
        expect(session_.args_get(memory_, first, second, result),
               fits(first, 0, size) && fits(second, 0, size));
        return TR_ASSERT(before == memory_);
      default:
        TR_ASSERT(session_.fd_close(flavour) ==
                  (result = flavour <= 2 && !closed_[flavour] ? 0 : 8));
        if (flavour <= 2) closed_[flavour] = true;
    }
  }

  Harness& harness_;
  Input input_;
  Bytes memory_;
  Session session_;
  std::array<bool, 3> closed_{};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Harness harness;
  Run run(harness, Input({data, size}));
  run.play();
  return 0;
}
