// The payloads of HandleRequest (wascc.md 5.2): {method, path, queryString, header, body} to the
// actor, {statusCode, status, header, body} back.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "trellis/base/bytes.h"
#include "trellis/base/error.h"
#include "trellis/net/http/request.h"
#include "trellis/net/http/response.h"

namespace trellis::providers::http_server {

/// Encodes requests; keeps its memory between them. One task at a time.
///
/// Header names are lower case; fields of the same name are joined with ", ", Cookie with "; ".
/// Bytes of a value that are not UTF-8 are taken as ISO 8859-1, since MessagePack texts are UTF-8.
class RequestEncoder {
 public:
  /// The view lives until the next call.
  ByteView encode(const http::Request& request);

  /// Gives back memory above `bytes`.
  void shrink(std::size_t bytes);

 private:
  struct Field {
    std::string_view name;
    std::string_view value;
    std::uint32_t next;  // of the same name; kNone: none
  };

  struct Group {
    std::uint32_t first;
    std::uint32_t last;
  };

  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

  void group_few();
  void group_many();
  void join(Group group);

  Bytes out_;
  std::vector<Field> fields_;
  std::vector<Group> groups_;
  std::vector<std::uint32_t> order_;
  std::string joined_;
};

/// Fills `response` with what the actor answered: a map or a positional array, header values texts
/// or arrays of texts (one line each), the body bin, str or an array of integers. Fields of the
/// connection are dropped. The error is Reason::GuestReply and leaves `response` half filled.
Result<void> decode_response(ByteView payload, http::Response& response);

}  // namespace trellis::providers::http_server
