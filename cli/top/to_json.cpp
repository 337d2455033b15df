#include "cli/top/to_json.hpp"

namespace strata::top {
namespace {

Json rate(const Rate& rate) { return rate.per_second() ? Json(*rate.per_second()) : Json(nullptr); }

Json ports(const Model& model) {
  Json list = Json::array();
  for (const Port& port : model.ports())
    list.push_back({{"name", port.name},
                    {"up", port.up},
                    {"received_per_second", rate(port.received)},
                    {"received_bytes_per_second", rate(port.received_bytes)},
                    {"sent_per_second", rate(port.sent)},
                    {"sent_bytes_per_second", rate(port.sent_bytes)},
                    {"lost_per_second", rate(port.lost)}});
  return list;
}

Json workers(const Model& model) {
  Json list = Json::array();
  for (const WorkerLoad& worker : model.workers())
    list.push_back({{"worker", worker.name},
                    {"busy", worker.busy},
                    {"sas", worker.sas},
                    {"received_per_second", rate(worker.received)},
                    {"handed_over_per_second", rate(worker.handed_over)}});
  return list;
}

Json stages(const Model& model) {
  Json list = Json::array();
  for (const Stage& stage : model.stages())
    list.push_back(
        {{"step", stage.name}, {"packets", stage.packets.total()}, {"packets_per_second", rate(stage.packets)}});
  return list;
}

Json sas(const Model& model) {
  Json list = Json::array();
  for (const Sa& sa : model.sas())
    list.push_back({{"name", sa.name},
                    {"direction", sa.direction},
                    {"spi", sa.spi},
                    {"packets", sa.packets.total()},
                    {"packets_per_second", rate(sa.packets)},
                    {"bytes_per_second", rate(sa.bytes)},
                    {"sequence_left", sa.sequence_left},
                    {"worker", sa.worker}});
  return list;
}

Json drops(const Model& model) {
  Json list = Json::array();
  for (const Drop& drop : model.drops())
    list.push_back({{"cause", drop.cause},
                    {"fate", drop.fate},
                    {"packets", drop.packets.total()},
                    {"packets_per_second", rate(drop.packets)}});
  return list;
}

}  // namespace

Json to_json(const Model& model) {
  return {{"name", model.name()},    {"seconds", model.seconds()}, {"ports", ports(model)}, {"workers", workers(model)},
          {"stages", stages(model)}, {"sas", sas(model)},          {"drops", drops(model)}};
}

}  // namespace strata::top
