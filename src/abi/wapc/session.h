// What a waPC host remembers of one guest: the request, the four byte strings of the ABI, the one
// host call that may be open, and why the host ended the guest, if it did.
//
// No engine in here: every function gets the guest's memory as a span and the raw arguments, so
// that tests and the fuzzer drive it with a memory of their own. All functions run on the guest's
// stack between begin() and end(), except answer() and woken(), which run while the guest waits.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "trellis/abi/common/guest.h"
#include "trellis/base/bytes.h"
#include "trellis/base/error.h"
#include "trellis/core/buffer.h"
#include "trellis/engine/host_function.h"

namespace trellis::abi::wapc {

/// Fixed texts of the reference host (wascc.md 1.5).
inline constexpr std::string_view kNoErrorText = "No error message set for call failure";
inline constexpr std::string_view kNoResponseText =
    "No error message OR response set for call success";

/// Why the host ended a guest.
struct Stop {
  Reason reason;
  std::string message;
};

/// One WASI random_get fills at most this many bytes: more would hold up the core.
inline constexpr std::uint32_t kMaxRandomBytes = 1u << 20;
/// More buffers in one fd_write or fd_read are refused (EINVAL).
inline constexpr std::uint32_t kMaxIoVectors = 65'536;
/// More subscriptions in one poll_oneoff are refused (EINVAL).
inline constexpr std::uint32_t kMaxSubscriptions = 1'024;

/// The two layouts of WASI preview 1.
enum class WasiFlavour : std::uint8_t { Unstable, Preview1 };

class Session {
 public:
  using Status = engine::HostStatus;

  Session() noexcept = default;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Forgets what the last call left. `operation` and `payload` outlive the call.
  void begin(std::string_view operation, ByteView payload, CallFrame& frame) noexcept;
  /// The same for the next start function of one start.
  void next_start_function() noexcept;
  /// Tells the host what was dropped from the log, and lets go of the frame. Idempotent.
  void end() noexcept;

  // --- waPC ---
  Status guest_request(MutableByteView memory, std::uint32_t operation, std::uint32_t payload);
  Status guest_response(MutableByteView memory, std::uint32_t pointer, std::uint32_t length);
  Status guest_error(MutableByteView memory, std::uint32_t pointer, std::uint32_t length);
  std::int32_t host_response_length() const noexcept;
  Status host_response(MutableByteView memory, std::uint32_t pointer);
  std::int32_t host_error_length() const noexcept;
  Status host_error(MutableByteView memory, std::uint32_t pointer);
  Status console_log(MutableByteView memory, std::uint32_t pointer, std::uint32_t length);
  Status abort(MutableByteView memory, std::uint32_t message, std::uint32_t file,
               std::uint32_t line, std::uint32_t column);

  /// 8 arguments: binding, namespace, operation, payload. 6: namespace, operation, payload, and the
  /// binding is `default`. 4: operation, payload; what stands before the first `!` of the operation
  /// is the namespace ("wapc:sample!Hello"). Ready with `result` 0 when the host refuses it;
  /// Pending: request() is to be served and answered.
  Status host_call(MutableByteView memory, std::span<const std::int32_t> arguments,
                   std::int32_t& result);

  /// What `__host_call` gives the guest once answer() ran.
  std::int32_t host_call_result() const noexcept { return host_error_ ? 0 : 1; }

  /// The open host call; its views are valid until answer().
  const HostRequest& request() const noexcept { return request_; }

  void answer(Result<core::Buffer> reply);

  // --- WASI preview 1: the result is an errno, in `result` ---
  Status environ_sizes_get(MutableByteView memory, std::uint32_t count, std::uint32_t size,
                           std::int32_t& result);
  Status environ_get(MutableByteView memory, std::uint32_t pointers, std::uint32_t bytes,
                     std::int32_t& result);
  Status args_sizes_get(MutableByteView memory, std::uint32_t count, std::uint32_t size,
                        std::int32_t& result);
  Status args_get(MutableByteView memory, std::uint32_t pointers, std::uint32_t bytes,
                  std::int32_t& result);
  Status clock_res_get(MutableByteView memory, std::uint32_t clock, std::uint32_t into,
                       std::int32_t& result);
  Status clock_time_get(MutableByteView memory, std::uint32_t clock, std::uint32_t into,
                        std::int32_t& result);
  Status random_get(MutableByteView memory, std::uint32_t into, std::uint32_t length,
                    std::int32_t& result);
  Status fd_write(MutableByteView memory, std::uint32_t descriptor, std::uint32_t vectors,
                  std::uint32_t count, std::uint32_t written, std::int32_t& result);
  Status fd_read(MutableByteView memory, std::uint32_t descriptor, std::uint32_t vectors,
                 std::uint32_t count, std::uint32_t read, std::int32_t& result);
  Status fd_fdstat_get(MutableByteView memory, std::uint32_t descriptor, std::uint32_t into,
                       std::int32_t& result);
  Status fd_filestat_get(MutableByteView memory, WasiFlavour flavour, std::uint32_t descriptor,
                         std::uint32_t into, std::int32_t& result);
  std::int32_t fd_close(std::uint32_t descriptor) noexcept;
  /// Descriptors 0 to 2 that were not closed.
  bool descriptor_open(std::uint32_t descriptor) const noexcept;
  Status proc_exit(std::uint32_t status);
  /// Pending: sleep until sleep_nanoseconds() have passed, then poll_result().
  Status poll_oneoff(MutableByteView memory, WasiFlavour flavour,
                     std::span<const std::int32_t> arguments, std::int32_t& result);
  Status poll_result(MutableByteView memory, std::int32_t& result);

  // --- for whoever drives the guest ---
  enum class Waiting : std::uint8_t { Nothing, HostCall, Sleep };

  Waiting waiting() const noexcept { return waiting_; }

  std::uint64_t sleep_nanoseconds() const noexcept { return sleep_nanoseconds_; }

  /// Applies the result rule of wascc.md 1.5 to a call that returned `code`.
  Result<core::Buffer> outcome(std::int32_t code);

  /// Why a host function ended the guest.
  const std::optional<Stop>& stop() const noexcept { return stop_; }

  /// The guest called proc_exit with this status.
  std::optional<std::uint32_t> exit_status() const noexcept { return exit_status_; }

  const std::optional<std::string>& guest_error_text() const noexcept { return guest_error_; }

  CallFrame* frame() const noexcept { return frame_; }

 private:
  Status stop_with(Reason reason, std::string message);
  Status bad_pointer(std::string_view function);
  Status refuse(std::string text, std::int32_t& result);
  bool take_names(std::span<const MutableByteView> ranges, std::string& problem);
  void output(OutputKind kind, std::string_view bytes) noexcept;
  Status strings_get(MutableByteView memory, std::span<const std::string> texts,
                     std::uint32_t pointers, std::uint32_t bytes, std::int32_t& result,
                     std::string_view function);
  Status sizes_get(MutableByteView memory, std::span<const std::string> texts, std::uint32_t count,
                   std::uint32_t size, std::int32_t& result, std::string_view function);
  std::optional<std::string> utf16_string(MutableByteView memory, std::uint32_t pointer) const;

  CallFrame* frame_ = nullptr;
  std::string_view operation_;
  ByteView payload_;
  Waiting waiting_ = Waiting::Nothing;

  std::optional<Bytes> guest_response_;
  std::optional<std::string> guest_error_;
  std::optional<core::Buffer> host_response_;
  std::optional<std::string> host_error_;

  HostRequest request_;
  std::optional<Stop> stop_;
  std::optional<std::uint32_t> exit_status_;

  std::uint64_t log_bytes_ = 0;
  std::uint64_t dropped_records_ = 0;
  std::uint64_t dropped_bytes_ = 0;
  std::uint8_t closed_descriptors_ = 0;

  struct Poll {
    std::uint32_t in = 0;
    std::uint32_t out = 0;
    std::uint32_t count = 0;
    std::uint32_t events = 0;
    WasiFlavour flavour = WasiFlavour::Preview1;
  };

  Poll poll_;
  std::uint64_t sleep_nanoseconds_ = 0;
};

}  // namespace trellis::abi::wapc
