// WASI preview 1 as waPC guests use it (wascc.md 1.7): three standard streams, clocks, random
// bytes, an environment that the host chooses. Numbers and layouts: WASI snapshot 1, witx files
// `typenames` and `wasi_snapshot_preview1`; snapshot 0 differs where WasiFlavour says.
#include <algorithm>
#include <limits>
#include <string>
#include <vector>

#include "trellis/abi/common/guest_memory.h"
#include "trellis/abi/wapc/session.h"
#include "trellis/abi/wapc/wasi_numbers.h"

namespace trellis::abi::wapc {

using namespace wasi;  // NOLINT(google-build-using-namespace): errno values of this file only

bool Session::descriptor_open(std::uint32_t descriptor) const noexcept {
  return descriptor <= 2 && (closed_descriptors_ & (1u << descriptor)) == 0;
}

std::int32_t Session::fd_close(std::uint32_t descriptor) noexcept {
  if (!descriptor_open(descriptor)) return kBadDescriptor;
  closed_descriptors_ = static_cast<std::uint8_t>(closed_descriptors_ | (1u << descriptor));
  return kSuccess;
}

// ---------------------------------------------------------------------------- strings

Session::Status Session::sizes_get(MutableByteView memory, std::span<const std::string> texts,
                                   std::uint32_t count, std::uint32_t size, std::int32_t& result,
                                   std::string_view function) {
  const auto count_into = guest_slice(memory, count, 4);
  const auto size_into = guest_slice(memory, size, 4);
  if (!count_into || !size_into) return bad_pointer(function);
  std::uint64_t total = 0;
  for (const std::string& text : texts) total += text.size() + 1;
  store_le(*count_into, static_cast<std::uint32_t>(texts.size()));
  store_le(*size_into, static_cast<std::uint32_t>(total));
  result = kSuccess;
  return Status::Ready;
}

Session::Status Session::strings_get(MutableByteView memory, std::span<const std::string> texts,
                                     std::uint32_t pointers, std::uint32_t bytes,
                                     std::int32_t& result, std::string_view function) {
  std::uint64_t total = 0;
  for (const std::string& text : texts) total += text.size() + 1;
  const auto pointers_into = guest_slice(memory, pointers, std::uint64_t{4} * texts.size());
  const auto bytes_into = guest_slice(memory, bytes, total);
  if (!pointers_into || !bytes_into) return bad_pointer(function);
  std::size_t at = 0;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    store_le(pointers_into->subspan(4 * i), static_cast<std::uint32_t>(bytes + at));
    std::memcpy(bytes_into->data() + at, texts[i].c_str(), texts[i].size() + 1);
    at += texts[i].size() + 1;
  }
  result = kSuccess;
  return Status::Ready;
}

namespace {

std::vector<std::string> variable_texts(const core::Environment& environment) {
  std::vector<std::string> texts;
  for (const auto& [name, value] : environment.variables()) {
    texts.emplace_back(name).append("=").append(value);
  }
  return texts;
}

}  // namespace

Session::Status Session::environ_sizes_get(MutableByteView memory, std::uint32_t count,
                                           std::uint32_t size, std::int32_t& result) {
  const auto texts = variable_texts(frame_->environment);
  return sizes_get(memory, texts, count, size, result, "environ_sizes_get");
}

Session::Status Session::environ_get(MutableByteView memory, std::uint32_t pointers,
                                     std::uint32_t bytes, std::int32_t& result) {
  const auto texts = variable_texts(frame_->environment);
  return strings_get(memory, texts, pointers, bytes, result, "environ_get");
}

Session::Status Session::args_sizes_get(MutableByteView memory, std::uint32_t count,
                                        std::uint32_t size, std::int32_t& result) {
  return sizes_get(memory, frame_->environment.arguments(), count, size, result, "args_sizes_get");
}

Session::Status Session::args_get(MutableByteView memory, std::uint32_t pointers,
                                  std::uint32_t bytes, std::int32_t& result) {
  return strings_get(memory, frame_->environment.arguments(), pointers, bytes, result, "args_get");
}

// ---------------------------------------------------------------------------- clocks, random

namespace {

bool clock_known(std::uint32_t clock) noexcept {
  return clock == kRealtimeClock || clock == kMonotonicClock;
}

std::uint64_t read_clock(core::Environment& environment, std::uint32_t clock) noexcept {
  const std::int64_t now = clock == kRealtimeClock ? environment.wall_nanoseconds()
                                                   : environment.monotonic_nanoseconds();
  return static_cast<std::uint64_t>(std::max<std::int64_t>(now, 0));
}

}  // namespace

Session::Status Session::clock_res_get(MutableByteView memory, std::uint32_t clock,
                                       std::uint32_t into, std::int32_t& result) {
  const auto slot = guest_slice(memory, into, 8);
  if (!slot) return bad_pointer("clock_res_get");
  result = kInvalid;
  if (!clock_known(clock)) return Status::Ready;
  store_le(*slot, std::uint64_t{1});
  result = kSuccess;
  return Status::Ready;
}

Session::Status Session::clock_time_get(MutableByteView memory, std::uint32_t clock,
                                        std::uint32_t into, std::int32_t& result) {
  const auto slot = guest_slice(memory, into, 8);
  if (!slot) return bad_pointer("clock_time_get");
  result = kInvalid;
  if (!clock_known(clock)) return Status::Ready;
  store_le(*slot, read_clock(frame_->environment, clock));
  result = kSuccess;
  return Status::Ready;
}

Session::Status Session::random_get(MutableByteView memory, std::uint32_t into,
                                    std::uint32_t length, std::int32_t& result) {
  const auto bytes = guest_slice(memory, into, length);
  if (!bytes) return bad_pointer("random_get");
  result = kInvalid;
  if (length > kMaxRandomBytes) return Status::Ready;
  frame_->environment.random(*bytes);
  result = kSuccess;
  return Status::Ready;
}

// ---------------------------------------------------------------------------- streams

Session::Status Session::fd_write(MutableByteView memory, std::uint32_t descriptor,
                                  std::uint32_t vectors, std::uint32_t count, std::uint32_t written,
                                  std::int32_t& result) {
  const auto list = guest_slice(memory, vectors, std::uint64_t{8} * count);
  const auto written_into = guest_slice(memory, written, 4);
  if (!list || !written_into) return bad_pointer("fd_write");
  result = kBadDescriptor;
  if (!descriptor_open(descriptor) || descriptor == 0) return Status::Ready;
  result = kInvalid;
  if (count > kMaxIoVectors) return Status::Ready;
  // All ranges first: a bad one must not leave half a line behind.
  std::uint64_t total = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    const ByteView entry = list->subspan(std::size_t{8} * i, 8);
    const auto length = load_le<std::uint32_t>(entry.subspan(4));
    if (!guest_slice(memory, load_le<std::uint32_t>(entry), length)) return bad_pointer("fd_write");
    total += length;
  }
  if (total > std::numeric_limits<std::uint32_t>::max()) return Status::Ready;
  const OutputKind kind = descriptor == 1 ? OutputKind::Stdout : OutputKind::Stderr;
  for (std::uint32_t i = 0; i < count; ++i) {
    const ByteView entry = list->subspan(std::size_t{8} * i, 8);
    const auto bytes = guest_slice(memory, load_le<std::uint32_t>(entry),
                                   load_le<std::uint32_t>(entry.subspan(4)));
    if (bytes && !bytes->empty()) output(kind, as_text(*bytes));
  }
  store_le(*written_into, static_cast<std::uint32_t>(total));
  result = kSuccess;
  return Status::Ready;
}

// Standard input is empty.
Session::Status Session::fd_read(MutableByteView memory, std::uint32_t descriptor,
                                 std::uint32_t vectors, std::uint32_t count, std::uint32_t read,
                                 std::int32_t& result) {
  const auto list = guest_slice(memory, vectors, std::uint64_t{8} * count);
  const auto read_into = guest_slice(memory, read, 4);
  if (!list || !read_into) return bad_pointer("fd_read");
  result = kBadDescriptor;
  if (!descriptor_open(descriptor) || descriptor != 0) return Status::Ready;
  store_le(*read_into, std::uint32_t{0});
  result = kSuccess;
  return Status::Ready;
}

Session::Status Session::fd_fdstat_get(MutableByteView memory, std::uint32_t descriptor,
                                       std::uint32_t into, std::int32_t& result) {
  const auto slot = guest_slice(memory, into, kFdstatBytes);
  if (!slot) return bad_pointer("fd_fdstat_get");
  result = kBadDescriptor;
  if (!descriptor_open(descriptor)) return Status::Ready;
  std::ranges::fill(*slot, std::byte{0});
  (*slot)[0] = std::byte{kCharacterDevice};
  store_le(slot->subspan(8), descriptor == 0 ? kRightRead : kRightWrite);
  result = kSuccess;
  return Status::Ready;
}

Session::Status Session::fd_filestat_get(MutableByteView memory, WasiFlavour flavour,
                                         std::uint32_t descriptor, std::uint32_t into,
                                         std::int32_t& result) {
  const bool unstable = flavour == WasiFlavour::Unstable;
  const auto slot =
      guest_slice(memory, into, unstable ? kFilestatBytesUnstable : kFilestatBytesPreview1);
  if (!slot) return bad_pointer("fd_filestat_get");
  result = kBadDescriptor;
  if (!descriptor_open(descriptor)) return Status::Ready;
  std::ranges::fill(*slot, std::byte{0});
  (*slot)[16] = std::byte{kCharacterDevice};
  result = kSuccess;
  return Status::Ready;
}

Session::Status Session::proc_exit(std::uint32_t status) {
  exit_status_ = status;
  return stop_with(Reason::EngineTrapExit, "the guest exited with status " +
                                               std::to_string(static_cast<std::int32_t>(status)));
}

// ---------------------------------------------------------------------------- poll_oneoff

namespace {

enum class SubscriptionKind : std::uint8_t { Clock = 0, Read = 1, Write = 2 };

struct Subscription {
  std::uint64_t user_data = 0;
  std::uint8_t kind = 0;
  std::uint32_t clock_or_descriptor = 0;
  std::uint64_t timeout = 0;
  bool absolute = false;
};

// A subscription is 48 bytes; in snapshot 0 its clock has an identifier in front, 56 bytes.
Subscription read_subscription(ByteView bytes, WasiFlavour flavour) {
  Subscription read;
  read.user_data = load_le<std::uint64_t>(bytes);
  read.kind = static_cast<std::uint8_t>(bytes[8]);
  const bool clock = read.kind == static_cast<std::uint8_t>(SubscriptionKind::Clock);
  const std::size_t body = clock && flavour == WasiFlavour::Unstable ? 24 : 16;
  read.clock_or_descriptor = load_le<std::uint32_t>(bytes.subspan(body));
  if (clock) {
    read.timeout = load_le<std::uint64_t>(bytes.subspan(body + 8));
    read.absolute = (load_le<std::uint16_t>(bytes.subspan(body + 24)) & 1u) != 0;
  }
  return read;
}

std::size_t subscription_bytes(WasiFlavour flavour) noexcept {
  return flavour == WasiFlavour::Unstable ? 56 : 48;
}

// Nanoseconds from now until a clock subscription is due.
std::uint64_t due_in(const Subscription& subscription, core::Environment& environment) noexcept {
  if (!subscription.absolute) return subscription.timeout;
  const std::uint64_t now = read_clock(environment, subscription.clock_or_descriptor);
  return subscription.timeout > now ? subscription.timeout - now : 0;
}

void write_event(MutableByteView into, const Subscription& subscription, std::int32_t error,
                 bool hung_up) {
  std::ranges::fill(into, std::byte{0});
  store_le(into, subscription.user_data);
  store_le(into.subspan(8), static_cast<std::uint16_t>(error));
  into[10] = static_cast<std::byte>(subscription.kind);
  if (hung_up) store_le(into.subspan(24), std::uint16_t{1});
}

constexpr std::size_t kEventBytes = 32;
constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();

}  // namespace

Session::Status Session::poll_oneoff(MutableByteView memory, WasiFlavour flavour,
                                     std::span<const std::int32_t> arguments,
                                     std::int32_t& result) {
  poll_ = {static_cast<std::uint32_t>(arguments[0]), static_cast<std::uint32_t>(arguments[1]),
           static_cast<std::uint32_t>(arguments[2]), static_cast<std::uint32_t>(arguments[3]),
           flavour};
  const auto subscriptions =
      guest_slice(memory, poll_.in, std::uint64_t{subscription_bytes(flavour)} * poll_.count);
  if (!subscriptions || !guest_slice(memory, poll_.out, std::uint64_t{kEventBytes} * poll_.count) ||
      !guest_slice(memory, poll_.events, 4)) {
    return bad_pointer("poll_oneoff");
  }
  result = kInvalid;
  if (poll_.count == 0 || poll_.count > kMaxSubscriptions) return Status::Ready;
  if (frame_->context.cancel.expired()) {
    const Error error = frame_->context.cancel.error();
    return stop_with(error.reason(), error.message());
  }
  std::uint64_t earliest = kNever;
  for (std::uint32_t i = 0; i < poll_.count; ++i) {
    const std::size_t size = subscription_bytes(flavour);
    const auto read = read_subscription(subscriptions->subspan(size * i, size), flavour);
    const bool sleeps = read.kind == static_cast<std::uint8_t>(SubscriptionKind::Clock) &&
                        clock_known(read.clock_or_descriptor);
    earliest = std::min(earliest, sleeps ? due_in(read, frame_->environment) : 0);
  }
  sleep_nanoseconds_ = earliest;
  if (earliest == 0) return poll_result(memory, result);
  waiting_ = Waiting::Sleep;
  return Status::Pending;
}

Session::Status Session::poll_result(MutableByteView memory, std::int32_t& result) {
  waiting_ = Waiting::Nothing;
  const std::size_t size = subscription_bytes(poll_.flavour);
  const auto events = guest_slice(memory, poll_.events, 4);
  const auto in = guest_slice(memory, poll_.in, std::uint64_t{size} * poll_.count);
  const auto out = guest_slice(memory, poll_.out, std::uint64_t{kEventBytes} * poll_.count);
  if (!events || !in || !out) return bad_pointer("poll_oneoff");
  std::uint32_t written = 0;
  for (std::uint32_t i = 0; i < poll_.count; ++i) {
    const auto read = read_subscription(in->subspan(size * i, size), poll_.flavour);
    std::int32_t error = kSuccess;
    bool hung_up = false;
    if (read.kind == static_cast<std::uint8_t>(SubscriptionKind::Clock)) {
      if (!clock_known(read.clock_or_descriptor)) {
        error = kInvalid;
      } else if (read.absolute ? due_in(read, frame_->environment) > 0
                               : read.timeout > sleep_nanoseconds_) {
        continue;
      }
    } else if (read.kind <= static_cast<std::uint8_t>(SubscriptionKind::Write)) {
      const bool reads = read.kind == static_cast<std::uint8_t>(SubscriptionKind::Read);
      const bool right_way = reads == (read.clock_or_descriptor == 0);
      error = descriptor_open(read.clock_or_descriptor) && right_way ? kSuccess : kBadDescriptor;
      hung_up = reads && error == kSuccess;
    } else {
      error = kInvalid;
    }
    write_event(out->subspan(kEventBytes * written, kEventBytes), read, error, hung_up);
    ++written;
  }
  store_le(*events, written);
  result = kSuccess;
  return Status::Ready;
}

}  // namespace trellis::abi::wapc
