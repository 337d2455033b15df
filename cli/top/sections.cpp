#include "cli/top/sections.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>

namespace strata::top {
namespace {

constexpr std::size_t kBarWidth = 16;
constexpr double kBusy = 0.8;
constexpr double kOverloaded = 0.95;
// Of a key's sequence numbers: at the rate of now the rest lasts this long.
constexpr double kSoonSeconds = 3600;

constexpr std::array kPortColumns{Column{"", 8, false, 0},        Column{"link", 4, false, 5},
                                  Column{"rx pkt/s", 8, true, 1}, Column{"rx bit/s", 8, true, 4},
                                  Column{"tx pkt/s", 8, true, 2}, Column{"tx bit/s", 8, true, 4},
                                  Column{"lost/s", 6, true, 3}};
constexpr std::array kWorkerColumns{Column{"", 7, false, 0},         Column{"CPU", 3, true, 3},
                                    Column{"", kBarWidth, false, 6}, Column{"load", 5, true, 1},
                                    Column{"rx pkt/s", 8, true, 2},  Column{"handed/s", 8, true, 4},
                                    Column{"SAs", 6, true, 5}};
constexpr std::array kStageColumns{Column{"", 14, false, 0}, Column{"pkt/s", 8, true, 1},
                                   Column{"packets", 15, true, 2}};
constexpr std::array kSaColumns{
    Column{"", 10, false, 0},    Column{"dir", 3, false, 3},   Column{"SPI", 10, false, 5},
    Column{"pkt/s", 6, true, 1}, Column{"bit/s", 6, true, 2},  Column{"packets", 12, true, 6},
    Column{"left", 5, true, 4},  Column{"worker", 6, true, 7}, Column{"peer", 15, false, 8}};
constexpr std::array kDropColumns{Column{"", 14, false, 0}, Column{"fate", 8, false, 3}, Column{"pkt/s", 6, true, 1},
                                  Column{"packets", 12, true, 2}, Column{"why", 60, false, 9}};

std::optional<double> bits(const Rate& bytes) {
  if (!bytes.per_second()) return std::nullopt;
  return *bytes.per_second() * 8;
}

// Rates that differ by less than a twentieth are alike: rows that carry much the same do not change places each second.
double rough(double rate) { return rate > 0 ? std::floor(std::log(rate) / std::log(1.05)) : -HUGE_VAL; }

double known(std::optional<double> rate) { return rate.value_or(0); }

// What is nothing steps back.
Cell rate(std::optional<double> value) { return {scaled(value), known(value) > 0 ? Style::plain : Style::dim}; }

Cell count(std::uint64_t value) { return {std::to_string(value), value != 0 ? Style::plain : Style::dim}; }

Row port_row(const Port& port) {
  const auto lost = port.lost.per_second();
  return {{{harmless(port.name)},
           port.up ? Cell{"up", Style::good} : Cell{"down", Style::alarm},
           rate(port.received.per_second()),
           rate(bits(port.received_bytes)),
           rate(port.sent.per_second()),
           rate(bits(port.sent_bytes)),
           known(lost) > 0 ? Cell{scaled(lost), Style::alarm} : rate(lost)},
          &port.history};
}

Row worker_row(const WorkerLoad& worker, Glyphs glyphs) {
  const Style style = worker.busy >= kOverloaded ? Style::alarm : worker.busy >= kBusy ? Style::warn : Style::good;
  std::array<char, 16> percent{};
  std::snprintf(percent.data(), percent.size(), "%.0f %%", worker.busy * 100);
  return {{{harmless(worker.name)},
           {worker.cpu.empty() ? "any" : harmless(worker.cpu)},
           {bar(worker.busy, kBarWidth, glyphs), style},
           {percent.data(), style},
           rate(worker.received.per_second()),
           rate(worker.handed_over.per_second()),
           count(worker.sas)},
          &worker.history};
}

Row stage_row(const Stage& stage) {
  return {{{harmless(stage.name)}, rate(stage.packets.per_second()), count(stage.packets.total())}, &stage.history};
}

Cell left(const Sa& sa) {
  const double rate = known(sa.packets.per_second());
  const bool soon = rate > 0 && static_cast<double>(sa.sequence_left) / rate < kSoonSeconds;
  return {scaled(static_cast<double>(sa.sequence_left)), sa.sequence_left == 0 ? Style::alarm
                                                         : soon                ? Style::warn
                                                                               : Style::plain};
}

Row sa_row(const Sa& sa) {
  std::array<char, 24> spi{};
  std::snprintf(spi.data(), spi.size(), "0x%llx", static_cast<unsigned long long>(sa.spi));
  return {{{harmless(sa.name)},
           {harmless(sa.direction)},
           {spi.data()},
           rate(sa.packets.per_second()),
           rate(bits(sa.bytes)),
           count(sa.packets.total()),
           left(sa),
           {std::to_string(sa.worker)},
           {harmless(sa.peer)}},
          &sa.history};
}

Row drop_row(const Drop& drop) {
  const auto now = drop.packets.per_second();
  const Style style = drop.fate == "dropped" ? Style::warn : Style::plain;
  return {{{harmless(drop.cause)},
           {harmless(drop.fate)},
           known(now) > 0 ? Cell{scaled(now), style} : rate(now),
           count(drop.packets.total()),
           {harmless(drop.why), Style::dim}},
          &drop.history};
}

// Those of which there is something to say, each with what it is sorted by.
template <class Of, class Key, class Line>
Section made(Section section, const std::vector<Of>& all, Key key, Line line) {
  std::vector<const Of*> shown;
  for (const Of& one : all) {
    if constexpr (std::is_same_v<Of, Stage>)
      if (one.packets.total() == 0) continue;
    shown.push_back(&one);
    section.keys.push_back(key(one));
  }
  section.row = [shown = std::move(shown), line](std::size_t i) { return line(*shown[i]); };
  return section;
}

}  // namespace

std::string_view text_of(Sort sort) {
  switch (sort) {
    case Sort::rate: return "busiest first";
    case Sort::total: return "most packets first";
    case Sort::name: return "by name";
    case Sort::given: break;
  }
  return "the gateway's order";
}

Section section_of(What what, const Model& model, Glyphs glyphs) {
  switch (what) {
    case What::ports:
      return made(
          {.title = "ports", .none = "no port", .columns = kPortColumns}, model.ports(),
          [](const Port& port) -> SortKey {
            return {known(sum(port.received.per_second(), port.sent.per_second())),
                    port.received.total() + port.sent.total(), port.name};
          },
          port_row);
    case What::workers:
      return made(
          {.title = "workers", .none = "no worker", .columns = kWorkerColumns, .most = 1.0F}, model.workers(),
          [](const WorkerLoad& worker) -> SortKey {
            return {worker.busy, worker.received.total(), worker.name};
          },
          [glyphs](const WorkerLoad& worker) { return worker_row(worker, glyphs); });
    case What::stages:
      return made(
          {.title = "stages", .none = "no packet yet", .columns = kStageColumns}, model.stages(),
          [](const Stage& stage) -> SortKey {
            return {known(stage.packets.per_second()), stage.packets.total(), stage.name};
          },
          stage_row);
    case What::sas:
      return made(
          {.title = "SAs", .none = "no security association", .columns = kSaColumns}, model.sas(),
          [](const Sa& sa) -> SortKey {
            return {known(sa.packets.per_second()), sa.packets.total(), sa.name};
          },
          sa_row);
    case What::drops: break;
  }
  return made(
      {.title = "drops", .none = "no packet has ended but by being sent", .columns = kDropColumns}, model.drops(),
      [](const Drop& drop) -> SortKey {
        return {known(drop.packets.per_second()), drop.packets.total(), drop.cause};
      },
      drop_row);
}

std::vector<std::size_t> sorted(const Section& section, Sort sort) {
  std::vector<std::size_t> order(section.keys.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto by = [&](auto key) {
    std::ranges::stable_sort(order, {}, [&](std::size_t i) { return key(section.keys[i]); });
  };
  switch (sort) {
    case Sort::rate: by([](const SortKey& key) { return -rough(key.rate); }); break;
    case Sort::total: by([](const SortKey& key) { return ~key.total; }); break;
    case Sort::name: by([](const SortKey& key) { return key.name; }); break;
    case Sort::given: break;
  }
  return order;
}

}  // namespace strata::top
