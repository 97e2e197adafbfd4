#include "trellis/base/error.h"

#include <array>

namespace trellis {
namespace {

struct ReasonRow {
  std::string_view text;
  Code code;
  int http_status;
};

constexpr std::array kReasons{
#define TR_REASON(symbol, text, code, http) ReasonRow{text, Code::code, http},
#include "trellis/base/reasons.def"
#undef TR_REASON
};

}  // namespace

std::string_view reason_text(Reason reason) noexcept {
  return kReasons[static_cast<std::size_t>(reason)].text;
}

Code reason_code(Reason reason) noexcept {
  return kReasons[static_cast<std::size_t>(reason)].code;
}

int reason_http_status(Reason reason) noexcept {
  return kReasons[static_cast<std::size_t>(reason)].http_status;
}

Error::Error(Reason reason, std::string message)
    : body_(std::make_unique<Body>(Body{reason, Effect::NotDone, std::move(message)})) {}

Error::Error(const Error& other) : body_(std::make_unique<Body>(*other.body_)) {}

Error& Error::operator=(const Error& other) {
  if (this != &other) body_ = std::make_unique<Body>(*other.body_);
  return *this;
}

Error&& Error::context(std::string_view what) && {
  std::string message;
  message.reserve(what.size() + 2 + body_->message.size());
  message.append(what).append(": ").append(body_->message);
  body_->message = std::move(message);
  return std::move(*this);
}

Error&& Error::with_effect(Effect effect) && {
  body_->effect = effect;
  return std::move(*this);
}

}  // namespace trellis
