// What a gateway's answers say when they are looked at one after the other: rates, and their histories. No socket, no
// terminal.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "cli/top/series.hpp"

namespace strata::top {

using Json = nlohmann::ordered_json;

struct Port {
  std::string name;
  bool up = false;
  Rate received;
  Rate received_bytes;
  Rate sent;
  Rate sent_bytes;
  Rate lost;        // by the device
  History history;  // packets, in and out
};

struct WorkerLoad {
  std::string name;
  std::string cpu;
  std::uint64_t sas = 0;
  double busy = 0;  // share of the last second
  Rate received;
  Rate handed_over;
  History history;  // busy
};

struct Stage {
  std::string name;
  Rate packets;
  History history;
};

struct Sa {
  std::string name;
  std::string direction;
  std::uint64_t spi = 0;
  std::string peer;
  std::uint64_t worker = 0;
  std::uint64_t sequence_left = 0;
  Rate packets;
  Rate bytes;
  History history;
  std::uint64_t round = 0;  // in which it was seen last
};

struct Drop {
  std::string cause;
  std::string fate;
  std::string why;
  Rate packets;
  History history;
};

// The answers to one batch of questions: of one moment.
struct Glance {
  Json hello;
  Json ports;  // the tables' items
  Json workers;
  Json stages;
  Json drops;
};

class Model {
 public:
  void look(const Glance& glance);
  // A part of the SAs, with the hello of the same batch; the part without a `next` ends a round, and who was not in it
  // is gone.
  void look_at_sas(const Json& hello, const Json& part);
  // It was not looked at for a while.
  void interrupt();

  // Nobody has answered yet.
  bool empty() const { return name_.empty(); }
  const std::string& name() const { return name_; }
  double seconds() const { return seconds_; }  // since the gateway's start
  const std::vector<Port>& ports() const { return ports_; }
  const std::vector<WorkerLoad>& workers() const { return workers_; }
  const std::vector<Stage>& stages() const { return stages_; }
  const std::vector<Sa>& sas() const { return sas_; }
  const std::vector<Drop>& drops() const { return drops_; }

  // Packets that ended in a drop, those that were consumed or punted not counted; nothing as in Rate.
  std::optional<double> dropped_per_second() const;

 private:
  // Another gateway answers there, or the same one after another start: what was counted is of no use.
  void greet(const Json& hello);
  void end_round();

  std::string name_;
  std::uint64_t pid_ = 0;
  double seconds_ = 0;
  std::optional<double> before_;  // when the last look was
  std::vector<Port> ports_;
  std::vector<WorkerLoad> workers_;
  std::vector<Stage> stages_;
  std::vector<Drop> drops_;
  std::vector<Sa> sas_;
  std::unordered_map<std::string, std::size_t> sa_places_;
  std::uint64_t round_ = 1;
  std::optional<double> round_before_;  // when the last round began
  std::optional<double> round_began_;
};

// A sum of which nothing is known is nothing.
std::optional<double> sum(std::optional<double> a, std::optional<double> b);

}  // namespace strata::top
