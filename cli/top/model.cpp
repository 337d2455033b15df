#include "cli/top/model.hpp"

#include <algorithm>

namespace strata::top {
namespace {

// Of another version's gateway a field may be missing, or be something else.
std::uint64_t number(const Json& row, const char* field) {
  const auto at = row.find(field);
  return at != row.end() && at->is_number() ? at->get<std::uint64_t>() : 0;
}

double real(const Json& row, const char* field) {
  const auto at = row.find(field);
  return at != row.end() && at->is_number() ? at->get<double>() : 0;
}

std::string text(const Json& row, const char* field) {
  const auto at = row.find(field);
  return at != row.end() && at->is_string() ? at->get<std::string>() : std::string();
}

std::string number_text(const Json& row, const char* field) {
  const auto at = row.find(field);
  return at != row.end() && at->is_number() ? at->dump() : std::string();
}

std::string key_of(const Json& row, const char* field) {
  const auto at = row.find(field);
  if (at == row.end()) return {};
  return at->is_string() ? at->get<std::string>() : at->dump();
}

// Those of the rows, in their order: each goes on with what was known of it, and who is in no row is forgotten.
// look: (the one, its row, whether it is new).
template <class Of, class Look>
void look_at_all(std::vector<Of>& all, std::string Of::*name, const Json& rows, const char* field, Look look) {
  std::vector<Of> now;
  for (const Json& row : rows) {
    std::string key = key_of(row, field);
    const auto before = std::ranges::find(all, key, name);
    const bool is_new = before == all.end();
    now.push_back(is_new ? Of() : *before);
    now.back().*name = std::move(key);
    look(now.back(), row, is_new);
  }
  all = std::move(now);
}

void look_at_port(Port& port, const Json& row, double seconds) {
  const auto up = row.find("up");
  port.up = up != row.end() && *up == true;
  port.received.look(number(row, "received"), seconds);
  port.received_bytes.look(number(row, "received_bytes"), seconds);
  port.sent.look(number(row, "sent"), seconds);
  port.sent_bytes.look(number(row, "sent_bytes"), seconds);
  port.lost.look(number(row, "missed") + number(row, "no_buffers") + number(row, "bad") + number(row, "not_sent"),
                 seconds);
  port.history.add(sum(port.received.per_second(), port.sent.per_second()));
}

void look_at_worker(WorkerLoad& worker, const Json& row, double seconds) {
  worker.cpu = number_text(row, "cpu");
  worker.sas = number(row, "sas");
  worker.busy = std::clamp(real(row, "busy"), 0.0, 1.0);
  worker.received.look(number(row, "received"), seconds);
  worker.handed_over.look(number(row, "handed_over"), seconds);
  worker.history.add(worker.busy);
}

// After a rekeying two of one name stand beside each other.
std::string sa_key(const std::string& name, std::uint64_t spi) { return name + " " + std::to_string(spi); }

void look_at_sa(Sa& sa, const Json& row, double seconds) {
  sa.name = text(row, "name");
  sa.direction = text(row, "direction");
  sa.spi = number(row, "spi");
  sa.peer = text(row, "peer");
  sa.worker = number(row, "worker");
  sa.sequence_left = number(row, "sequence_left");
  sa.packets.look(number(row, "packets"), seconds);
  sa.bytes.look(number(row, "bytes"), seconds);
  sa.history.add(sa.packets.per_second());
}

}  // namespace

std::optional<double> sum(std::optional<double> a, std::optional<double> b) {
  if (!a || !b) return a ? a : b;
  return *a + *b;
}

void Model::greet(const Json& hello) {
  const std::uint64_t pid = number(hello, "pid");
  const double seconds = real(hello, "seconds");
  if (!empty() && (pid != pid_ || seconds < seconds_)) *this = Model();
  name_ = text(hello, "name");
  pid_ = pid;
  seconds_ = seconds;
}

void Model::look(const Glance& glance) {
  greet(glance.hello);
  look_at_all(ports_, &Port::name, glance.ports, "name",
              [&](Port& port, const Json& row, bool) { look_at_port(port, row, seconds_); });
  look_at_all(workers_, &WorkerLoad::name, glance.workers, "worker",
              [&](WorkerLoad& worker, const Json& row, bool) { look_at_worker(worker, row, seconds_); });
  look_at_all(stages_, &Stage::name, glance.stages, "step", [&](Stage& stage, const Json& row, bool) {
    stage.packets.look(number(row, "packets"), seconds_);
    stage.history.add(stage.packets.per_second());
  });
  look_at_all(drops_, &Drop::cause, glance.drops, "cause", [&](Drop& drop, const Json& row, bool is_new) {
    // A cause is in the answer once it has occurred: one that is new there was at 0 before.
    if (is_new && before_) drop.packets.begin(*before_);
    drop.fate = text(row, "fate");
    drop.why = text(row, "why");
    drop.packets.look(number(row, "packets"), seconds_);
    drop.history.add(drop.packets.per_second());
  });
  before_ = seconds_;
}

void Model::look_at_sas(const Json& hello, const Json& part) {
  greet(hello);
  if (!round_began_) round_began_ = seconds_;
  const auto items = part.find("items");
  if (items == part.end() || !items->is_array()) return;
  for (const Json& row : *items) {
    const std::string key = sa_key(text(row, "name"), number(row, "spi"));
    const auto [at, is_new] = sa_places_.try_emplace(key, sas_.size());
    if (is_new) {
      sas_.emplace_back();
      if (round_before_) {
        sas_.back().packets.begin(*round_before_);
        sas_.back().bytes.begin(*round_before_);
      }
    }
    Sa& sa = sas_[at->second];
    // A table that changes while it is read may give a row twice.
    if (sa.round == round_) continue;
    sa.round = round_;
    look_at_sa(sa, row, seconds_);
  }
  const auto next = part.find("next");
  if (next == part.end() || next->is_null()) end_round();
}

void Model::end_round() {
  if (std::erase_if(sas_, [this](const Sa& sa) { return sa.round != round_; }) != 0) {
    sa_places_.clear();
    for (std::size_t i = 0; i < sas_.size(); ++i) sa_places_.emplace(sa_key(sas_[i].name, sas_[i].spi), i);
  }
  ++round_;
  round_before_ = round_began_;
  round_began_.reset();
}

void Model::interrupt() {
  for (Port& port : ports_) {
    for (Rate* rate : {&port.received, &port.received_bytes, &port.sent, &port.sent_bytes, &port.lost})
      rate->interrupt();
  }
  for (WorkerLoad& worker : workers_) {
    worker.received.interrupt();
    worker.handed_over.interrupt();
    worker.history.add(std::nullopt);
  }
  for (Stage& stage : stages_) stage.packets.interrupt();
  for (Drop& drop : drops_) drop.packets.interrupt();
  for (Sa& sa : sas_) {
    sa.packets.interrupt();
    sa.bytes.interrupt();
  }
  before_.reset();
  round_before_.reset();
  round_began_.reset();
}

std::optional<double> Model::dropped_per_second() const {
  double all = 0;
  for (const Drop& drop : drops_) {
    if (drop.fate != "dropped") continue;
    if (!drop.packets.per_second()) return std::nullopt;
    all += *drop.packets.per_second();
  }
  return all;
}

}  // namespace strata::top
