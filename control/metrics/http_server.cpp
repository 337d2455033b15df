#include "control/metrics/http_server.hpp"

#include <sys/socket.h>

#include <utility>

namespace strata::metrics {
namespace {

constexpr const char* kPath = "/metrics";
constexpr std::size_t kRequestRoom = std::size_t{16} << 10;  // octets of its lines and headers

std::unique_ptr<MHD_Response, void (*)(MHD_Response*)> made(std::string_view text, const char* type) {
  // The library takes what it does not change as changeable.
  MHD_Response* const response =
      MHD_create_response_from_buffer(text.size(), const_cast<char*>(text.data()), MHD_RESPMEM_MUST_COPY);
  if (response == nullptr) return {nullptr, MHD_destroy_response};
  MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
  // One request a connection: none is held for long, by whomever.
  MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
  return {response, MHD_destroy_response};
}

MHD_Result say(MHD_Connection* connection, unsigned status, std::string_view text) {
  const auto response = made(text, "text/plain; charset=utf-8");
  if (!response) return MHD_NO;
  if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
    MHD_add_response_header(response.get(), MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
  return MHD_queue_response(connection, status, response.get());
}

// Prometheus names what it would rather have first.
Format wanted_by(MHD_Connection* connection) {
  const char* const accepts = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT);
  const bool knows =
      accepts != nullptr && std::string_view(accepts).find("application/openmetrics-text") != std::string_view::npos;
  return knows ? Format::openmetrics : Format::prometheus;
}

const char* type_of(Format format) {
  return format == Format::openmetrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                       : "text/plain; version=0.0.4; charset=utf-8";
}

int socket_of(MHD_Connection* connection) {
  const MHD_ConnectionInfo* const info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  return info == nullptr ? -1 : info->connect_fd;
}

}  // namespace

tl::expected<std::unique_ptr<HttpServer>, std::string> HttpServer::start(Descriptor listener, Render render,
                                                                         const HttpLimits& limits) {
  std::unique_ptr<HttpServer> server(new HttpServer(std::move(render), limits));
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(limits.patience).count();
  server->daemon_ = MHD_start_daemon(MHD_USE_EPOLL, 0, nullptr, nullptr, &HttpServer::on_request, server.get(),
                                     MHD_OPTION_LISTEN_SOCKET, listener.number(), MHD_OPTION_CONNECTION_LIMIT,
                                     limits.clients, MHD_OPTION_CONNECTION_TIMEOUT, static_cast<unsigned>(seconds),
                                     MHD_OPTION_CONNECTION_MEMORY_LIMIT, kRequestRoom, MHD_OPTION_NOTIFY_CONNECTION,
                                     &HttpServer::on_connection, server.get(), MHD_OPTION_END);
  if (server->daemon_ == nullptr) return tl::unexpected(std::string("libmicrohttpd does not start"));
  listener.release();
  return server;
}

HttpServer::~HttpServer() {
  if (daemon_ != nullptr) MHD_stop_daemon(daemon_);
}

int HttpServer::fd() const {
  const MHD_DaemonInfo* const info = MHD_get_daemon_info(daemon_, MHD_DAEMON_INFO_EPOLL_FD);
  return info == nullptr ? -1 : info->epoll_fd;
}

bool HttpServer::serve(Clock::time_point now) {
  now_ = now;
  for (const auto& [connection, begun] : begun_)
    if (now - begun > limits_.patience) ::shutdown(socket_of(connection), SHUT_RDWR);
  MHD_run(daemon_);
  MHD_UNSIGNED_LONG_LONG longest = 0;
  return MHD_get_timeout(daemon_, &longest) == MHD_YES && longest == 0;
}

void HttpServer::on_connection(void* self, MHD_Connection* connection, void** /*state*/,
                               MHD_ConnectionNotificationCode what) {
  auto* const server = static_cast<HttpServer*>(self);
  if (what == MHD_CONNECTION_NOTIFY_STARTED)
    server->begun_.emplace(connection, server->now_);
  else
    server->begun_.erase(connection);
}

MHD_Result HttpServer::on_request(void* self, MHD_Connection* connection, const char* path, const char* method,
                                  const char* /*version*/, const char* /*body*/, std::size_t* /*octets*/,
                                  void** /*state*/) {
  return static_cast<HttpServer*>(self)->answer(connection, path, method);
}

MHD_Result HttpServer::answer(MHD_Connection* connection, std::string_view path, std::string_view method) {
  if (method != MHD_HTTP_METHOD_GET && method != MHD_HTTP_METHOD_HEAD)
    return say(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "this is read by GET\n");
  if (path != kPath) return say(connection, MHD_HTTP_NOT_FOUND, "the metrics of strata are at /metrics\n");
  MHD_Response* const response = page(wanted_by(connection));
  return response == nullptr ? MHD_NO : MHD_queue_response(connection, MHD_HTTP_OK, response);
}

MHD_Response* HttpServer::page(Format format) {
  Page& page = pages_[format];
  if (page.response && now_ - page.made < limits_.between_pages) return page.response.get();
  page.response.reset(made(render_(format), type_of(format)).release());
  page.made = now_;
  return page.response.get();
}

}  // namespace strata::metrics
