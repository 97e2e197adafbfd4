// A request as its handler sees it: views into the connection's buffers, valid until handle() ends.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "trellis/base/bytes.h"
#include "trellis/net/http/request_parser.h"

namespace trellis::http {

struct HeaderView {
  std::string_view name;   // as received
  std::string_view value;  // without white space around it
};

/// The header fields in the order received.
class HeaderRange {
 public:
  class Iterator {
   public:
    Iterator(const char* base, const HeaderSlices* at) noexcept : base_(base), at_(at) {}

    HeaderView operator*() const noexcept { return {at_->name.of(base_), at_->value.of(base_)}; }

    Iterator& operator++() noexcept {
      ++at_;
      return *this;
    }

    bool operator==(const Iterator&) const noexcept = default;

   private:
    const char* base_;
    const HeaderSlices* at_;
  };

  HeaderRange(const char* base, const std::vector<HeaderSlices>& slices) noexcept
      : base_(base), slices_(slices) {}

  Iterator begin() const noexcept { return {base_, slices_.data()}; }

  Iterator end() const noexcept { return {base_, slices_.data() + slices_.size()}; }

  std::size_t size() const noexcept { return slices_.size(); }

 private:
  const char* base_;
  const std::vector<HeaderSlices>& slices_;
};

class Request {
 public:
  /// `base`: the first byte of the request; `peer`: as peer() returns it. All outlive the request.
  Request(const char* base, const Head& head, ByteView body, std::string_view peer) noexcept
      : base_(base), head_(head), body_(body), peer_(peer) {}

  std::string_view method() const noexcept { return head_.method.of(base_); }

  /// As received.
  std::string_view target() const noexcept { return head_.target.of(base_); }

  /// Undecoded, without the query; starts with '/' but for `OPTIONS *`.
  std::string_view path() const noexcept {
    return head_.path.size == 0 ? std::string_view("/") : head_.path.of(base_);
  }

  /// Undecoded, without the question mark; empty also when there is none.
  std::string_view query() const noexcept { return head_.query.of(base_); }

  /// Of the target when that is absolute, else of the Host field; may have a port. Empty only when
  /// an HTTP/1.0 request says none.
  std::string_view host() const noexcept { return head_.host.of(base_); }

  /// 0 or 1.
  int minor_version() const noexcept { return head_.minor_version; }

  HeaderRange headers() const noexcept { return {base_, head_.headers}; }

  /// The value of the first field of that name, compared without case.
  std::optional<std::string_view> header(std::string_view name) const noexcept;

  ByteView body() const noexcept { return body_; }

  /// "127.0.0.1:50000", "[::1]:50000" or "unix".
  std::string_view peer() const noexcept { return peer_; }

 private:
  const char* base_;
  const Head& head_;
  ByteView body_;
  std::string_view peer_;
};

}  // namespace trellis::http
