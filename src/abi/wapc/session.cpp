#include "trellis/abi/wapc/session.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "trellis/abi/common/guest_memory.h"
#include "trellis/base/text.h"

namespace trellis::abi::wapc {

void Session::begin(std::string_view operation, ByteView payload, CallFrame& frame) noexcept {
  frame_ = &frame;
  operation_ = operation;
  payload_ = payload;
  log_bytes_ = 0;
  dropped_records_ = 0;
  dropped_bytes_ = 0;
  next_start_function();
}

void Session::next_start_function() noexcept {
  waiting_ = Waiting::Nothing;
  guest_response_.reset();
  guest_error_.reset();
  host_response_.reset();
  host_error_.reset();
  stop_.reset();
  exit_status_.reset();
}

void Session::end() noexcept {
  if (frame_ == nullptr) return;
  if (dropped_records_ > 0) frame_->host.guest_output_dropped(dropped_records_, dropped_bytes_);
  dropped_records_ = 0;
  frame_ = nullptr;
  host_response_.reset();  // it may borrow from whoever answered
}

Session::Status Session::stop_with(Reason reason, std::string message) {
  stop_ = Stop{reason, std::move(message)};
  return Status::Trap;
}

Session::Status Session::bad_pointer(std::string_view function) {
  return stop_with(Reason::EngineTrapHostPointer,
                   std::string(function) + ": pointer or length outside the guest's memory");
}

Session::Status Session::guest_request(MutableByteView memory, std::uint32_t operation,
                                       std::uint32_t payload) {
  const auto payload_into = guest_slice(memory, payload, payload_.size());
  const auto operation_into = guest_slice(memory, operation, operation_.size());
  // An empty part is not written, so its address does not matter: guests pass dangling ones.
  if ((!payload_into && !payload_.empty()) || (!operation_into && !operation_.empty())) {
    return bad_pointer("__guest_request");
  }
  if (!payload_.empty()) std::memcpy(payload_into->data(), payload_.data(), payload_.size());
  if (!operation_.empty()) {
    std::memcpy(operation_into->data(), operation_.data(), operation_.size());
  }
  return Status::Ready;
}

Session::Status Session::guest_response(MutableByteView memory, std::uint32_t pointer,
                                        std::uint32_t length) {
  const auto bytes = guest_slice(memory, pointer, length);
  if (!bytes) return bad_pointer("__guest_response");
  if (length > frame_->limits.max_message_bytes) {
    return stop_with(Reason::EngineLimitMessage,
                     "the response of " + std::to_string(length) + " bytes is above the limit of " +
                         std::to_string(frame_->limits.max_message_bytes));
  }
  guest_response_.emplace(bytes->begin(), bytes->end());
  return Status::Ready;
}

Session::Status Session::guest_error(MutableByteView memory, std::uint32_t pointer,
                                     std::uint32_t length) {
  const auto bytes = guest_slice(memory, pointer, length);
  if (!bytes) return bad_pointer("__guest_error");
  // Only so much can be shown; cutting before decoding bounds the work too.
  const std::string_view kept = cut_utf8(as_text(*bytes), kMaxErrorTextBytes);
  guest_error_ = std::string(cut_utf8(to_utf8_lossy(kept), kMaxErrorTextBytes));
  return Status::Ready;
}

std::int32_t Session::host_response_length() const noexcept {
  return host_response_ ? static_cast<std::int32_t>(host_response_->size()) : 0;
}

Session::Status Session::host_response(MutableByteView memory, std::uint32_t pointer) {
  if (!host_response_ || host_response_->empty()) return Status::Ready;
  const auto into = guest_slice(memory, pointer, host_response_->size());
  if (!into) return bad_pointer("__host_response");
  std::memcpy(into->data(), host_response_->view().data(), into->size());
  return Status::Ready;
}

std::int32_t Session::host_error_length() const noexcept {
  return host_error_ ? static_cast<std::int32_t>(host_error_->size()) : 0;
}

Session::Status Session::host_error(MutableByteView memory, std::uint32_t pointer) {
  if (!host_error_ || host_error_->empty()) return Status::Ready;
  const auto into = guest_slice(memory, pointer, host_error_->size());
  if (!into) return bad_pointer("__host_error");
  std::memcpy(into->data(), host_error_->data(), into->size());
  return Status::Ready;
}

void Session::output(OutputKind kind, std::string_view bytes) noexcept {
  // A record of the console costs a byte more than its text: empty ones are not free.
  const std::uint64_t extra = kind == OutputKind::Console ? 1 : 0;
  const std::uint64_t limit = frame_->limits.max_log_bytes;
  const std::uint64_t room = limit - std::min(log_bytes_, limit);
  if (bytes.size() + extra <= room) {
    log_bytes_ += bytes.size() + extra;
    frame_->host.guest_output(kind, bytes);
    return;
  }
  // What follows a cut would read as if it came next, so the budget is spent from here on.
  const std::string_view kept = cut_utf8(bytes, static_cast<std::size_t>(room));
  log_bytes_ = limit;
  if (!kept.empty()) frame_->host.guest_output(kind, kept);
  ++dropped_records_;
  dropped_bytes_ += bytes.size() - kept.size();
}

Session::Status Session::console_log(MutableByteView memory, std::uint32_t pointer,
                                     std::uint32_t length) {
  const auto bytes = guest_slice(memory, pointer, length);
  if (!bytes) return bad_pointer("__console_log");
  output(OutputKind::Console, as_text(*bytes));
  return Status::Ready;
}

namespace {

void append_utf8(std::string& text, char32_t point) {
  const auto put = [&text](char32_t byte) { text.push_back(static_cast<char>(byte)); };
  if (point < 0x80) {
    put(point);
  } else if (point < 0x800) {
    put(0xC0 | (point >> 6));
    put(0x80 | (point & 0x3F));
  } else if (point < 0x10000) {
    put(0xE0 | (point >> 12));
    put(0x80 | ((point >> 6) & 0x3F));
    put(0x80 | (point & 0x3F));
  } else {
    put(0xF0 | (point >> 18));
    put(0x80 | ((point >> 12) & 0x3F));
    put(0x80 | ((point >> 6) & 0x3F));
    put(0x80 | (point & 0x3F));
  }
}

// Lone surrogates become U+FFFD. Stops once the text is as long as an error text may be.
std::string utf16_to_utf8(ByteView bytes) {
  std::string text;
  for (std::size_t at = 0; at + 2 <= bytes.size() && text.size() < kMaxErrorTextBytes; at += 2) {
    char32_t point = load_le<std::uint16_t>(bytes.subspan(at));
    if (point >= 0xD800 && point < 0xDC00 && at + 4 <= bytes.size()) {
      const char32_t low = load_le<std::uint16_t>(bytes.subspan(at + 2));
      if (low >= 0xDC00 && low < 0xE000) {
        point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
        at += 2;
      }
    }
    append_utf8(text, point >= 0xD800 && point < 0xE000 ? U'\uFFFD' : point);
  }
  return text;
}

}  // namespace

// A string of AssemblyScript: UTF-16 at `pointer`, its length in bytes in the four bytes before.
std::optional<std::string> Session::utf16_string(MutableByteView memory,
                                                 std::uint32_t pointer) const {
  if (pointer == 0) return std::string();
  if (pointer < 4) return std::nullopt;
  const auto header = guest_slice(memory, pointer - 4, 4);
  if (!header) return std::nullopt;
  const auto bytes = guest_slice(memory, pointer, load_le<std::uint32_t>(*header));
  if (!bytes) return std::nullopt;
  return utf16_to_utf8(*bytes);
}

Session::Status Session::abort(MutableByteView memory, std::uint32_t message, std::uint32_t file,
                               std::uint32_t line, std::uint32_t column) {
  const auto what = utf16_string(memory, message);
  const auto where = utf16_string(memory, file);
  if (!what || !where) return bad_pointer("abort");
  std::string text = what->empty() ? "abort" : *what;
  text += "; " + *where + " (" + std::to_string(line) + "," + std::to_string(column) + ")";
  guest_error_ = std::string(cut_utf8(text, kMaxErrorTextBytes));
  return stop_with(Reason::EngineTrapAbort, "the guest aborted");
}

// ---------------------------------------------------------------------------- host calls

Session::Status Session::refuse(std::string text, std::int32_t& result) {
  host_error_ = std::move(text);
  result = 0;
  return Status::Ready;
}

namespace {

struct CallArguments {
  std::array<MutableByteView, 4> parts;  // binding, namespace, operation, payload
  bool in_range = true;
};

// The ranges that the guest passed, for each number of parameters (wascc.md 1.8).
CallArguments read_arguments(MutableByteView memory, std::span<const std::int32_t> arguments) {
  CallArguments read;
  const std::size_t missing = 4 - arguments.size() / 2;
  for (std::size_t at = 0; at + 1 < arguments.size(); at += 2) {
    const auto range = guest_slice(memory, static_cast<std::uint32_t>(arguments[at]),
                                   static_cast<std::uint32_t>(arguments[at + 1]));
    if (!range) {
      read.in_range = false;
      return read;
    }
    read.parts[missing + at / 2] = *range;
  }
  return read;
}

std::string_view bad_name(std::string_view binding, std::string_view contract,
                          std::string_view operation) {
  if (!is_utf8(binding)) return "the binding of the host call is not UTF-8";
  if (!is_utf8(contract)) return "the namespace of the host call is not UTF-8";
  if (!is_utf8(operation)) return "the operation of the host call is not UTF-8";
  return {};
}

}  // namespace

Session::Status Session::host_call(MutableByteView memory, std::span<const std::int32_t> arguments,
                                   std::int32_t& result) {
  host_response_.reset();
  host_error_.reset();
  const CallArguments read = read_arguments(memory, arguments);
  if (!read.in_range) return bad_pointer("__host_call");
  if (frame_->context.cancel.expired()) {
    const Error error = frame_->context.cancel.error();
    return stop_with(error.reason(), error.message());
  }
  if (++frame_->usage.host_calls > frame_->limits.max_host_calls) {
    return stop_with(
        Reason::EngineLimitHostCalls,
        "more than " + std::to_string(frame_->limits.max_host_calls) + " host calls in one call");
  }
  const ByteView payload = read.parts[3];
  if (payload.size() > frame_->limits.max_message_bytes) {
    return stop_with(Reason::EngineLimitMessage,
                     "the payload of a host call has " + std::to_string(payload.size()) +
                         " bytes, above the limit of " +
                         std::to_string(frame_->limits.max_message_bytes));
  }
  for (const auto& name : std::span(read.parts).first(3)) {
    if (name.size() > frame_->limits.max_name_bytes) {
      return refuse("a name of the host call is longer than " +
                        std::to_string(frame_->limits.max_name_bytes) + " bytes",
                    result);
    }
  }
  std::string_view binding = as_text(read.parts[0]);
  std::string_view contract = as_text(read.parts[1]);
  std::string_view operation = as_text(read.parts[2]);
  if (const auto problem = bad_name(binding, contract, operation); !problem.empty()) {
    return refuse(std::string(problem), result);
  }
  if (arguments.size() < 8) binding = kDefaultBinding;
  if (arguments.size() < 6) {
    const std::size_t mark = operation.find('!');
    if (mark != std::string_view::npos) {
      contract = operation.substr(0, mark);
      operation = operation.substr(mark + 1);
    }
  }
  frame_->usage.bytes_out += payload.size();
  request_ = {binding, contract, operation, payload};
  waiting_ = Waiting::HostCall;
  return Status::Pending;
}

void Session::answer(Result<core::Buffer> reply) {
  waiting_ = Waiting::Nothing;
  if (!reply) {
    host_error_ = std::string(cut_utf8(reply.error().message(), kMaxErrorTextBytes));
    return;
  }
  if (reply->size() > frame_->limits.max_message_bytes) {
    host_error_ = "the reply of the host has " + std::to_string(reply->size()) +
                  " bytes, above the limit of " + std::to_string(frame_->limits.max_message_bytes);
    return;
  }
  frame_->usage.bytes_in += reply->size();
  host_response_ = std::move(*reply);
}

// ---------------------------------------------------------------------------- result

Result<core::Buffer> Session::outcome(std::int32_t code) {
  if (code != 0 && guest_response_) return core::Buffer(std::move(*guest_response_));
  if (guest_error_) return fail(Reason::GuestError, *guest_error_);
  return fail(Reason::GuestError, std::string(code == 0 ? kNoErrorText : kNoResponseText));
}

}  // namespace trellis::abi::wapc
