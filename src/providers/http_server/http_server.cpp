#include "trellis/providers/http_server/http_server.h"

#include <algorithm>
#include <utility>

#include "trellis/base/assert.h"
#include "trellis/core/buffer_stream.h"

namespace trellis::providers::http_server {
namespace {

/// Encoders that one core keeps for its next requests, and the memory that each keeps.
constexpr std::size_t kMaxIdleEncoders = 64;
constexpr std::size_t kMaxIdleBytes = std::size_t{64} << 10U;

/// The statuses that interfaces.md gives to failures behind the route.
int status_of(Reason reason) noexcept {
  switch (const int status = reason_http_status(reason)) {
    case 403:
    case 503:
    case 504: return status;
    default: return 500;
  }
}

void answer(http::Response& response, const Error& error, int status) {
  response.set_error(error);
  response.set_status(status);
}

void answer_refused(http::Response& response, const Route& route) {
  constexpr int kUnavailable = 503;
  if (route.refusal) return answer(response, *route.refusal, kUnavailable);
  response.set_error(Reason::ActorRefused, "the actor of this route was refused");
}

}  // namespace

/// An encoder of the site for the time of one request.
class Site::Encoder {
 public:
  explicit Encoder(Site& site) : site_(site) {
    if (site.idle_encoders_.empty()) {
      encoder_ = std::make_unique<RequestEncoder>();
    } else {
      encoder_ = std::move(site.idle_encoders_.back());
      site.idle_encoders_.pop_back();
    }
  }

  Encoder(const Encoder&) = delete;
  Encoder& operator=(const Encoder&) = delete;

  ~Encoder() {
    if (site_.idle_encoders_.size() >= kMaxIdleEncoders) return;
    encoder_->shrink(kMaxIdleBytes);
    site_.idle_encoders_.push_back(std::move(encoder_));
  }

  ByteView encode(const http::Request& request) { return encoder_->encode(request); }

 private:
  Site& site_;
  std::unique_ptr<RequestEncoder> encoder_;
};

Site::Site(std::string_view name, core::Dispatcher& router) : name_(name), router_(router) {
  idle_encoders_.reserve(kMaxIdleEncoders);
}

Site::~Site() = default;

async::Task<void> Site::handle(const http::Request& request, http::Response& response,
                               async::CancelScope& scope) {
  // Keeps the route alive when the table is replaced during the call.
  const std::shared_ptr<const RouteTable> routes = routes_;
  const Route* route = routes == nullptr ? nullptr : routes->find(request.host(), request.path());
  if (route == nullptr) {
    response.set_error(Reason::HttpNoRoute, "no actor answers this path");
    co_return;
  }
  if (route->grant == nullptr) {
    answer_refused(response, *route);
    co_return;
  }
  Encoder encoder(*this);
  const core::Grant& grant = *route->grant;
  // The connection read the clock when this request came.
  async::CancelScope call(scope, scope.core().recent_now() + route->call_limit);
  const core::CallContext context{
      .id = core::CallId::make(),
      .idempotency_key = std::nullopt,
      .deadline = call.deadline(),
      .depth = 0,
      .trace = {},
      .principal = {.tenant = grant.tenant(),
                    .caller = {.key = provider::kSystemHolder, .name = name_},
                    .origin = core::Origin::User,
                    .link = grant.link()},
      .cancel = call};
  const core::Invocation invocation{grant, "HandleRequest", encoder.encode(request), nullptr,
                                    context};
  auto task = router_.dispatch(invocation);
  auto reply = co_await std::move(task);
  if (!reply) {
    answer(response, reply.error(), status_of(reply.error().reason()));
    co_return;
  }
  if (reply->stream != nullptr) {
    auto reading = core::read_all(*reply->stream, kMaxReplyBytes);
    auto rest = co_await std::move(reading);
    if (!rest) {
      answer(response, rest.error(), status_of(rest.error().reason()));
      co_return;
    }
    Bytes whole = std::move(reply->payload).take();
    whole.insert(whole.end(), rest->begin(), rest->end());
    reply->payload = core::Buffer(std::move(whole));
  }
  auto decoded = decode_response(reply->payload.view(), response);
  if (!decoded) response.set_error(decoded.error());
}

Result<std::unique_ptr<HttpServer>> HttpServer::create(const Options& options,
                                                       const std::vector<async::Core*>& cores,
                                                       core::Dispatcher& router) {
  std::unique_ptr<HttpServer> server(new HttpServer(options.name));
  for (const async::Core* core : cores) {
    server->sites_.emplace_back(core, std::make_unique<Site>(server->name(), router));
  }
  const auto handler_of = [&server](async::Core& core) -> http::Handler& {
    return server->site(core);
  };
  TR_TRY(server->server_,
         http::Server::on_address(cores, options.address, options.limits, handler_of));
  return server;
}

Site& HttpServer::site(const async::Core& core) {
  const auto found =
      std::ranges::find(sites_, &core, [](const auto& entry) { return entry.first; });
  TR_ASSERT(found != sites_.end());
  return *found->second;
}

async::Task<Result<core::Reply>> HttpServer::dispatch(const core::Invocation& invocation) {
  co_return provider::answer_other(contract(), invocation);
}

}  // namespace trellis::providers::http_server
