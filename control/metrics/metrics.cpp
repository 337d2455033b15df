#include "control/metrics/metrics.hpp"

#include <prometheus/text_serializer.h>
#include <sys/epoll.h>

#include <utility>

#include "config/describe.hpp"
#include "control/log.hpp"
#include "control/metrics/collect.hpp"
#include "control/metrics/listener.hpp"
#include "control/metrics/openmetrics.hpp"

namespace strata {
namespace {

using namespace std::chrono_literals;

// However many ask, and by whatever way, no more is collected.
constexpr std::chrono::milliseconds kBetweenCollections = 100ms;

void watch(const Descriptor& poll, int fd) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  ::epoll_ctl(poll.number(), EPOLL_CTL_ADD, fd, &event);
}

std::string page_of(const metrics::Families& families, metrics::Format format) {
  if (format == metrics::Format::openmetrics) return metrics::OpenMetrics().Serialize(families);
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace

tl::expected<std::unique_ptr<Metrics>, std::string> Metrics::open(const config::Config& config) {
  const config::Metrics& wanted = config.metrics;
  Descriptor listener;
  if (wanted.http) {
    auto made = metrics::listen_at(wanted.address, wanted.port);
    if (!made && wanted.http_is_wished) return tl::unexpected("no metrics over HTTP: " + made.error());
    if (made)
      listener = std::move(*made);
    else
      log_line("no metrics over HTTP: " + made.error());
  }
  return std::unique_ptr<Metrics>(new Metrics(std::move(listener)));
}

Metrics::Metrics(Descriptor listener)
    : listener_(std::move(listener)), poll_(::epoll_create1(EPOLL_CLOEXEC)), desk_(std::make_shared<metrics::Desk>()) {
  watch(poll_, desk_->fd());
}

void Metrics::show_from_now_on(const show::Gateway& gateway) {
  gateway_.emplace(gateway);
  last_.reset();
  if (http_) http_->forget_pages();
}

tl::expected<void, std::string> Metrics::begin(const show::Gateway& gateway, const std::string& version) {
  show_from_now_on(gateway);
  version_ = version;
  started_ = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  const config::Metrics& wanted = gateway.config.metrics;
  if (listener_)
    if (auto done = begin_http(wanted); !done) return done;
  if (!wanted.telemetry) return {};
  auto telemetry = metrics::Telemetry::start(desk_);
  if (!telemetry) {  // whoever reads over HTTP is not to suffer
    log_line("no metrics at DPDK's telemetry socket: " + telemetry.error());
    return {};
  }
  telemetry_ = std::move(*telemetry);
  log_line("metrics at DPDK's telemetry socket: dpdk-telemetry.py -f " + gateway.config.name);
  return {};
}

tl::expected<void, std::string> Metrics::begin_http(const config::Metrics& wanted) {
  auto http = metrics::HttpServer::start(std::move(listener_),
                                         [this](metrics::Format format) { return page_of(*collected(), format); });
  if (!http) return tl::unexpected("no metrics over HTTP: " + http.error());
  http_ = std::move(*http);
  watch(poll_, http_->fd());
  log_line("metrics at " + config::metrics_url(wanted));
  return {};
}

metrics::Desk::Collected Metrics::collected() {
  const Clock::time_point now = Clock::now();
  if (last_ && now - collected_at_ < kBetweenCollections) return last_;
  last_ = std::make_shared<const metrics::Families>(metrics::collect(*gateway_, version_, started_));
  collected_at_ = now;
  return last_;
}

bool Metrics::serve(Clock::time_point now) {
  desk_->serve([this] { return collected(); });
  return http_ && http_->serve(now);
}

}  // namespace strata
