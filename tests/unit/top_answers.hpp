// A gateway's answers as strata top gets them, made by hand.
#pragma once

#include <string>

#include "cli/top/model.hpp"

namespace strata::top {

inline Json hello_at(double seconds, unsigned pid = 7) {
  return {{"program", "strata"}, {"name", "gw-a"}, {"pid", pid}, {"seconds", seconds}};
}

inline Json port_row(const std::string& name, std::uint64_t received, std::uint64_t sent, std::uint64_t missed = 0) {
  return {
      {"name", name},    {"up", true}, {"received", received}, {"received_bytes", received * 100}, {"missed", missed},
      {"no_buffers", 0}, {"bad", 0},   {"sent", sent},         {"sent_bytes", sent * 50},          {"not_sent", 0}};
}

inline Json worker_row(unsigned number, double busy, std::uint64_t received) {
  return {{"worker", number}, {"cpu", nullptr}, {"sas", 3}, {"received", received}, {"handed_over", 0}, {"busy", busy}};
}

inline Json stage_row(const std::string& step, std::uint64_t packets) { return {{"step", step}, {"packets", packets}}; }

inline Json drop_row(const std::string& cause, std::uint64_t packets, const std::string& fate = "dropped") {
  return {{"cause", cause}, {"fate", fate}, {"packets", packets}, {"rate", 0}, {"why", "a sentence"}};
}

inline Json sa_row(const std::string& name, std::uint64_t packets, unsigned spi = 0x1001) {
  return {{"name", name},       {"direction", "in"},       {"spi", spi},  {"peer", "192.0.2.2"},
          {"packets", packets}, {"bytes", packets * 1000}, {"worker", 0}, {"sequence_left", 4294960000U}};
}

inline Json part_of(const Json& rows, const Json& next = nullptr) { return {{"items", rows}, {"next", next}}; }

// A list of one row would else be taken for the row.
template <class... Rows>
Json list(Rows... rows) {
  Json all = Json::array();
  (all.push_back(std::move(rows)), ...);
  return all;
}

inline Glance glance_at(double seconds, const Json& ports, const Json& drops = Json::array()) {
  return {hello_at(seconds), ports, list(worker_row(0, 0.5, 10)), list(stage_row("classify", 10)), drops};
}

}  // namespace strata::top
