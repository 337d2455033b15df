// Ports, workers, and the steps of the journey.
#include "config/describe.hpp"
#include "control/ledger.hpp"
#include "control/show/figures.hpp"

namespace strata::show {
namespace {

Json port_row(const Gateway& gateway, std::size_t i) {
  const config::Port& port = gateway.config.ports[i];
  Device& device = gateway.devices[i];
  const DeviceCount count = device.count();
  Json addresses = Json::array();
  for (const auto& address : port.addresses) addresses.push_back(wire::to_string(address));
  for (const auto& address : port.addresses6) addresses.push_back(wire::to_string(address));
  return {{"name", port.name},
          {"device", port.device},
          {"driver", device.driver()},
          {"up", device.is_up()},
          {"link", device.link_text()},
          {"mac", wire::to_string(gateway.tables.ports[i].mac)},
          {"mtu", port.mtu},
          {"side", port.host ? Json(nullptr) : Json(config::to_string(port.side))},
          {"addresses", std::move(addresses)},
          {"rx_queues", device.queues()},
          {"tx_queues", device.tx_queues()},
          {"received", count.received},
          {"received_bytes", count.received_octets},
          {"missed", count.missed},
          {"no_buffers", count.no_buffers},
          {"bad", count.bad},
          {"sent", count.sent},
          {"sent_bytes", count.sent_octets},
          {"not_sent", count.not_sent}};
}

Json worker_row(const Gateway& gateway, std::uint64_t sas, unsigned i) {
  const Worker& worker = gateway.workers.worker(i);
  const auto& cpus = gateway.config.workers.cpus;
  Json queues = Json::array();
  for (const WorkerSet::Queue& at : gateway.workers.queues(i))
    queues.push_back(gateway.config.ports[at.port.index()].name + ":" + std::to_string(at.queue));
  const std::chrono::duration<double> busy = gateway.threads.busy(i);  // before the clock: never more than has passed
  const std::chrono::duration<double> since = std::chrono::steady_clock::now() - gateway.start;
  return {{"worker", i},
          {"cpu", cpus.empty() ? Json(nullptr) : Json(cpus[i])},
          {"queues", std::move(queues)},
          {"sas", sas},
          {"received", received_by(gateway, i)},
          {"handed_over", worker.handed_over()},
          {"stands_still", gateway.pulse.stands(i)},
          {"busy", i < gateway.busy.size() ? gateway.busy[i] : 0.0},
          {"busy_since_start", busy / since}};
}

}  // namespace

Rows ports(const Gateway& gateway) {
  return {gateway.config.ports.size(), [&gateway](std::size_t i) { return port_row(gateway, i); }};
}

Rows workers(const Gateway& gateway) {
  return {gateway.workers.size(), [&gateway, counts = sas_of_workers(gateway)](std::size_t i) {
            return worker_row(gateway, counts[i], static_cast<unsigned>(i));
          }};
}

Rows stages(const Gateway& gateway) {
  return {kStepNames.size(), [&gateway](std::size_t i) -> Json {
            std::uint64_t packets = 0;
            for (unsigned worker = 0; worker < gateway.workers.size(); ++worker)
              packets += gateway.workers.worker(worker).steps().of(static_cast<Step>(i));
            return {{"step", kStepNames[i]}, {"packets", packets}};
          }};
}

}  // namespace strata::show
