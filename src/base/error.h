// Errors as values. An Error says what was tried, with what, why it failed and what to do (the
// message), and carries a stable reason that clients may match. Every fallible function returns
// Result<T>; nothing of ours throws.
//
// Error is one pointer: moving is free and Result<u64> stays 16 bytes. It is a value type, owned by
// whoever holds it, and may cross threads.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace trellis {

/// The 16 canonical gRPC status codes but for OK.
enum class Code : std::uint8_t {
  Cancelled = 1,
  Unknown,
  InvalidArgument,
  DeadlineExceeded,
  NotFound,
  AlreadyExists,
  PermissionDenied,
  ResourceExhausted,
  FailedPrecondition,
  Aborted,
  OutOfRange,
  Unimplemented,
  Internal,
  Unavailable,
  DataLoss,
  Unauthenticated,
};

/// One enumerator for each line of reasons.def.
enum class Reason : std::uint16_t {
#define TR_REASON(symbol, text, code, http) symbol,
#include "trellis/base/reasons.def"
#undef TR_REASON
};

/// The stable dotted string, such as "claims.expired".
std::string_view reason_text(Reason reason) noexcept;
/// The gRPC code that the reason belongs to.
Code reason_code(Reason reason) noexcept;
/// The HTTP status with which a failure of this reason is answered.
int reason_http_status(Reason reason) noexcept;

/// Whether the work that an error interrupts took effect.
enum class Effect : std::uint8_t { NotDone, Done, Unknown };

class [[nodiscard]] Error {
 public:
  /// `message`: lower case, no full stop; what, with what, why, what to do. Never a secret.
  Error(Reason reason, std::string message);

  Error(Error&&) noexcept = default;
  Error& operator=(Error&&) noexcept = default;
  Error(const Error& other);
  Error& operator=(const Error& other);
  ~Error() = default;

  Reason reason() const noexcept { return body_->reason; }

  Code code() const noexcept { return reason_code(body_->reason); }

  std::string_view reason_text() const noexcept { return trellis::reason_text(body_->reason); }

  const std::string& message() const noexcept { return body_->message; }

  Effect effect() const noexcept { return body_->effect; }

  /// Puts "`what`: " in front of the message: "starting actor echo: reading claims: ...".
  Error&& context(std::string_view what) &&;
  Error&& with_effect(Effect effect) &&;

 private:
  struct Body {
    Reason reason;
    Effect effect = Effect::NotDone;
    std::string message;
  };

  std::unique_ptr<Body> body_;
};

template <class T>
using Result = std::expected<T, Error>;

/// `return fail(Reason::KeyKind, "...");` in any function that returns a Result.
inline std::unexpected<Error> fail(Reason reason, std::string message) {
  return std::unexpected<Error>(Error(reason, std::move(message)));
}

}  // namespace trellis

#define TR_CONCAT_INNER(a, b) a##b
#define TR_CONCAT(a, b) TR_CONCAT_INNER(a, b)

/// TR_TRY(auto value, expression): declares value or returns the error.
#define TR_TRY(declaration, ...) \
  TR_TRY_INNER(TR_CONCAT(tr_try_, __COUNTER__), declaration, return, __VA_ARGS__)
/// TR_CHECK(expression): returns the error of a Result whose value is not wanted.
#define TR_CHECK(...) TR_CHECK_INNER(TR_CONCAT(tr_check_, __COUNTER__), return, __VA_ARGS__)
/// The same two inside a coroutine.
#define CO_TRY(declaration, ...) \
  TR_TRY_INNER(TR_CONCAT(tr_try_, __COUNTER__), declaration, co_return, __VA_ARGS__)
#define CO_CHECK(...) TR_CHECK_INNER(TR_CONCAT(tr_check_, __COUNTER__), co_return, __VA_ARGS__)

#define TR_TRY_INNER(name, declaration, leave, ...)          \
  auto name = (__VA_ARGS__);                                 \
  if (!name) leave std::unexpected(std::move(name).error()); \
  declaration = *std::move(name)
#define TR_CHECK_INNER(name, leave, ...) \
  if (auto name = (__VA_ARGS__); !name) leave std::unexpected(std::move(name).error())
