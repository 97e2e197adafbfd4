// A value or an error text: what handlers return and host calls give. No exceptions in guests.
#pragma once

#include "trellis/guest/text.h"

namespace trellis::guest {

// The reason why a call failed, for the caller.
struct Error {
  Text text;
};

// T, or an error. `if (!result) return result.error();`
template <class T>
class Result {
 public:
  Result(T value) : value_(value), ok_(true) {}  // NOLINT: a value converts

  Result(Error error) : error_(error), ok_(false) {}  // NOLINT: an error converts

  explicit operator bool() const { return ok_; }

  // Only after a check; an error has an empty value.
  const T& operator*() const { return value_; }

  const T* operator->() const { return &value_; }

  Error error() const { return error_; }

 private:
  T value_{};
  Error error_{};
  bool ok_;
};

}  // namespace trellis::guest
