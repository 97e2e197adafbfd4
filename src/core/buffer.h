// Bytes with an owner: what replies and payloads are passed in. Moved, never copied by accident.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "trellis/base/bytes.h"

namespace trellis::core {

class Buffer {
 public:
  Buffer() noexcept = default;

  explicit Buffer(Bytes bytes) noexcept : owned_(std::move(bytes)), view_(owned_) {}

  /// A view without an owner: the caller keeps the bytes alive as long as the buffer.
  static Buffer borrow(ByteView view) noexcept {
    Buffer buffer;
    buffer.view_ = view;
    return buffer;
  }

  static Buffer copy(ByteView view) { return Buffer(to_bytes(view)); }

  Buffer(Buffer&& other) noexcept
      : owned_(std::move(other.owned_)), view_(std::exchange(other.view_, {})) {}

  Buffer& operator=(Buffer&& other) noexcept {
    owned_ = std::move(other.owned_);
    view_ = std::exchange(other.view_, {});
    return *this;
  }

  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() = default;

  ByteView view() const noexcept { return view_; }

  std::string_view text() const noexcept { return as_text(view_); }

  std::size_t size() const noexcept { return view_.size(); }

  bool empty() const noexcept { return view_.empty(); }

  /// Gives the bytes away; copies them when the buffer only borrows.
  Bytes take() && {
    if (owned_.data() != view_.data() || owned_.size() != view_.size()) return to_bytes(view_);
    view_ = {};
    return std::move(owned_);
  }

 private:
  Bytes owned_;
  ByteView view_;
};

}  // namespace trellis::core
