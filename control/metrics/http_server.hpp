// Serves one page over HTTP (libmicrohttpd), in turns of whoever calls it: no thread, and nothing here waits.
#pragma once

#include <microhttpd.h>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "control/descriptor.hpp"

namespace strata::metrics {

enum class Format : std::uint8_t { openmetrics, prometheus };

struct HttpLimits {
  unsigned clients = 64;
  // From a connection's beginning to its end, however busy it is meanwhile: each brings one answer.
  std::chrono::milliseconds patience{5'000};
  // An answer is as old as this at the most; however many ask, no more are made.
  std::chrono::milliseconds between_pages{200};
};

class HttpServer {
 public:
  using Clock = std::chrono::steady_clock;
  using Render = std::function<std::string(Format)>;

  static tl::expected<std::unique_ptr<HttpServer>, std::string> start(Descriptor listener, Render render,
                                                                      const HttpLimits& limits = {});
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  ~HttpServer();

  // Readable when there is something to do.
  int fd() const;
  // True: there is more to do at once.
  bool serve(Clock::time_point now);
  // What was rendered before is no answer any more.
  void forget_pages() { pages_.clear(); }

 private:
  struct End {
    void operator()(MHD_Response* response) const { MHD_destroy_response(response); }
  };
  using Response = std::unique_ptr<MHD_Response, End>;
  struct Page {
    Clock::time_point made;
    Response response;
  };

  HttpServer(Render render, const HttpLimits& limits) : render_(std::move(render)), limits_(limits) {}
  static MHD_Result on_request(void* self, MHD_Connection* connection, const char* path, const char* method,
                               const char* version, const char* body, std::size_t* octets, void** state);
  static void on_connection(void* self, MHD_Connection* connection, void** state, MHD_ConnectionNotificationCode what);
  MHD_Result answer(MHD_Connection* connection, std::string_view path, std::string_view method);
  MHD_Response* page(Format format);

  Render render_;
  HttpLimits limits_;
  MHD_Daemon* daemon_ = nullptr;
  std::map<MHD_Connection*, Clock::time_point> begun_;
  std::map<Format, Page> pages_;
  Clock::time_point now_;
};

}  // namespace strata::metrics
