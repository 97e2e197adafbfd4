// The http_server contract: the host gives a Request to the operation HandleRequest and sends the
// Response.
//
//   namespace http = trellis::guest::http;
//   http::Response handle(const http::Request& request) { return http::text(200, "hello\n"); }
//   TRELLIS_ACTOR(http::on_request<handle>())
#pragma once

#include "trellis/guest/actor.h"

namespace trellis::guest::http {

struct Header {
  Text name;
  Text value;
};

// Header fields in the order in which they came or were added.
class Headers {
 public:
  // Adds a field. A name may be added several times: the host sends one line for each.
  Headers& add(Text name, Text value) {
    if (size_ == capacity_) {
      size_t wanted = capacity_ == 0 ? 4 : 2 * capacity_;
      items_ = static_cast<Header*>(
          reallocate(items_, capacity_ * sizeof(Header), wanted * sizeof(Header)));
      capacity_ = wanted;
    }
    items_[size_++] = Header{name, value};
    return *this;
  }

  // The first value of a name, empty if there is none. The host gives names in lower case.
  Text find(Text name) const {
    for (const Header& header : *this) {
      if (header.name == name) {
        return header.value;
      }
    }
    return Text();
  }

  size_t size() const { return size_; }

  const Header* begin() const { return items_; }

  const Header* end() const { return items_ + size_; }

 private:
  Header* items_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

struct Request {
  Text method;        // upper case
  Text path;          // without the query, undecoded
  Text query_string;  // without `?`
  Headers headers;
  Bytes body;
};

struct Response {
  uint32_t status_code = 200;  // 200 to 599
  Text status;                 // not sent by the host
  Headers headers;
  Bytes body;
};

// A response of a text and its content type.
inline Response text(uint32_t status_code, Text body, Text content_type = "text/plain") {
  Response response;
  response.status_code = status_code;
  response.headers.add("content-type", content_type);
  response.body = body.bytes();
  return response;
}

namespace detail {

[[gnu::noinline]] inline void read_headers(msgpack::Reader& reader, Headers& headers) {
  if (reader.peek() == msgpack::Kind::Nil) {
    reader.skip();
    return;
  }
  uint32_t count = reader.map();
  for (uint32_t i = 0; i < count && reader.ok(); ++i) {
    Text name = reader.text();
    if (reader.peek() != msgpack::Kind::Array) {
      headers.add(name, reader.text());
      continue;
    }
    uint32_t values = reader.array();
    for (uint32_t k = 0; k < values && reader.ok(); ++k) {
      headers.add(name, reader.text());
    }
  }
}

inline bool first_of_name(const Headers& headers, const Header* header) {
  const Header* at = headers.begin();
  while (!(at->name == header->name)) {
    ++at;
  }
  return at == header;
}

// A map of names to values; a name of several values has an array of them.
[[gnu::noinline]] inline void write_headers(msgpack::Writer& writer, const Headers& headers) {
  uint32_t names = 0;
  for (const Header& header : headers) {
    names += first_of_name(headers, &header) ? 1 : 0;
  }
  writer.map(names);
  for (const Header& header : headers) {
    if (!first_of_name(headers, &header)) {
      continue;
    }
    writer.text(header.name);
    uint32_t values = 0;
    for (const Header& other : headers) {
      values += other.name == header.name ? 1 : 0;
    }
    if (values > 1) {
      writer.array(values);
    }
    for (const Header& other : headers) {
      if (other.name == header.name) {
        writer.text(other.value);
      }
    }
  }
}

}  // namespace detail

// Both spellings of the query's name are read; missing fields are empty.
inline Result<Request> decode_request(Bytes payload) {
  static constexpr Text kNames[] = {"method", "path", "queryString",
                                    "header", "body", "query_string"};
  msgpack::Reader reader(payload);
  Request request;
  bool ok = msgpack::read_struct(reader, kNames, [&](size_t field) {
    switch (field) {
      case 0: request.method = reader.text(); break;
      case 1: request.path = reader.text(); break;
      case 3: detail::read_headers(reader, request.headers); break;
      case 4: request.body = reader.binary(); break;
      default: request.query_string = reader.text(); break;
    }
  });
  if (!ok) {
    return Error{"the payload is not a Request"};
  }
  return request;
}

inline Result<Response> decode_response(Bytes payload) {
  static constexpr Text kNames[] = {"statusCode", "status", "header", "body"};
  msgpack::Reader reader(payload);
  Response response;
  bool ok = msgpack::read_struct(reader, kNames, [&](size_t field) {
    switch (field) {
      case 0: response.status_code = reader.uint32(); break;
      case 1: response.status = reader.text(); break;
      case 2: detail::read_headers(reader, response.headers); break;
      default: response.body = reader.binary(); break;
    }
  });
  if (!ok) {
    return Error{"the reply is not a Response"};
  }
  return response;
}

inline Bytes encode(const Response& response) {
  msgpack::Writer writer;
  writer.reserve(96 + response.body.size);
  writer.map(4).field("statusCode", response.status_code).field("status", response.status);
  writer.text("header");
  detail::write_headers(writer, response.headers);
  writer.field("body", response.body);
  return writer.bytes();
}

inline Bytes encode(const Request& request) {
  msgpack::Writer writer;
  writer.map(5)
      .field("method", request.method)
      .field("path", request.path)
      .field("queryString", request.query_string);
  writer.text("header");
  detail::write_headers(writer, request.headers);
  writer.field("body", request.body);
  return writer.bytes();
}

namespace detail {

inline Reply to_reply(const Response& response) {
  return encode(response);
}

inline Reply to_reply(const Result<Response>& response) {
  if (!response) {
    return response.error();
  }
  return encode(*response);
}

template <auto kHandle>
Reply serve(Bytes payload) {
  if constexpr (requires { kHandle(); }) {
    return to_reply(kHandle());  // the request is not asked for, so it is not decoded
  } else {
    Result<Request> request = decode_request(payload);
    if (!request) {
      return request.error();
    }
    return to_reply(kHandle(*request));
  }
}

}  // namespace detail

// The handler of HandleRequest. `kHandle` takes a `const Request&` or nothing and returns a
// Response or a Result<Response>; an error makes the host answer 500.
template <auto kHandle>
constexpr Handler on_request() {
  return on("HandleRequest", detail::serve<kHandle>);
}

}  // namespace trellis::guest::http
