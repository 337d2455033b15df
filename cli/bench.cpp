#include "cli/bench.hpp"

#include <charconv>
#include <iostream>
#include <map>
#include <memory>

#include "bench/bench.hpp"
#include "bench/device_bench.hpp"
#include "control/ledger.hpp"

namespace strata::cli {
namespace {

using bench::Cache;
using bench::Direction;

struct BenchOptions {
  bench::Options bench;
  std::string direction = "both";
  std::string caches = "warm";
  std::string algorithm = "aes-128-gcm";
  bool no_esn = false;
  bool device = false;
  bool json = false;
};

const std::map<std::string, std::vector<Direction>> kDirections{
    {"in", {Direction::in}}, {"out", {Direction::out}}, {"both", {Direction::in, Direction::out}}};
const std::map<std::string, std::vector<Cache>> kCaches{
    {"warm", {Cache::warm}}, {"cold", {Cache::cold}}, {"both", {Cache::warm, Cache::cold}}};
const std::map<std::string, config::Algorithm> kAlgorithms{
    {"aes-128-gcm", config::Algorithm::aes_128_gcm},
    {"aes-192-gcm", config::Algorithm::aes_192_gcm},
    {"aes-256-gcm", config::Algorithm::aes_256_gcm},
    {"chacha20-poly1305", config::Algorithm::chacha20_poly1305},
};

// CLI11 wants to hear what is wrong; nothing: it is right.
std::string size_is_right(const std::string& text) {
  unsigned size = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size);
  const bool number = error == std::errc{} && end == text.data() + text.size();
  if (text == "imix" || (number && size >= bench::kLeastSize && size <= bench::kMostSize)) return {};
  return "'" + text + "' is no size; allowed: imix, or octets of an IPv4 packet from " +
         std::to_string(bench::kLeastSize) + " to " + std::to_string(bench::kMostSize);
}

int run_bench(BenchOptions& options) {
  options.bench.directions = kDirections.at(options.direction);
  options.bench.caches = kCaches.at(options.caches);
  options.bench.algorithm = kAlgorithms.at(options.algorithm);
  options.bench.esn = !options.no_esn;
  auto report = options.device ? bench::run_on_devices(options.bench) : bench::run(options.bench);
  if (!report) {
    std::cerr << "strata bench: " << report.error() << "\n";
    return 1;
  }
  report->algorithm = options.algorithm;
  std::cout << (options.json ? printed(to_json(*report)) : to_text(*report)) << std::flush;
  return 0;
}

// What repeats itself has no order of SAs, no new numbers and no say in caches.
void add_devices(CLI::App& command, BenchOptions& options) {
  CLI::Option* device = command.add_flag("--device", options.device,
                                         "Between two devices of DPDK's, with the drivers' part; no replay window");
  for (const char* other : {"--sas", "--routes", "--caches", "--window", "--stages"})
    device->excludes(command.get_option(other));
  command.add_option("--rx", options.bench.rx, "The device that packets come from; else net_pcap plays some made here")
      ->type_name("DEVICE")
      ->needs(device);
  command.add_option("--tx", options.bench.tx, "The device that they leave by; else net_null")
      ->type_name("DEVICE")
      ->needs(device);
}

}  // namespace

void add_bench(CLI::App& app, std::function<int()>& run) {
  const auto options = std::make_shared<BenchOptions>();
  CLI::App* command = app.add_subcommand(
      "bench", "Measure the worker's journeys beside the cryptography alone; needs no device and no rights");
  command->add_option("--direction", options->direction, "in (opens), out (seals), both")
      ->check(CLI::IsMember(kDirections));
  command->add_option("--sizes", options->bench.sizes, "Of inner IPv4 packets, in octets, or imix")
      ->delimiter(',')
      ->type_name("SIZE,...")
      ->check(size_is_right);
  command->add_option("--sas", options->bench.sas, "How many SAs, each with a SID and a policy")
      ->delimiter(',')
      ->type_name("NUMBER,...")
      ->check(CLI::Range(1U, bench::kMostSas));
  command
      ->add_option("--workers", options->bench.workers,
                   "How many workers, each in a thread and with a queue of its own")
      ->delimiter(',')
      ->type_name("NUMBER,...")
      ->check(CLI::Range(1U, bench::kMostWorkers));
  command->add_option("--routes", options->bench.routes, "IPv4 routes beside those of the policies")
      ->type_name("NUMBER")
      ->check(CLI::Range(0U, bench::kMostRoutes));
  command->add_option("--caches", options->caches, "Packets are in the caches (warm), or in memory alone (cold)")
      ->check(CLI::IsMember(kCaches));
  command->add_option("--algorithm", options->algorithm, "Of the SAs")->check(CLI::IsMember(kAlgorithms));
  command->add_option("--window", options->bench.window, "Of the SAs, for replays; 0: off")->check(CLI::Range(0, 4096));
  command->add_flag("--no-esn", options->no_esn, "SAs without extended sequence numbers");
  command->add_option("--rounds", options->bench.rounds, "The median is of so many")
      ->check(CLI::Range(bench::kLeastRounds, 100'000U));
  command->add_flag("--stages", options->bench.stages, "Also what each stage costs");
  command->add_flag("--json", options->json, "Print a JSON object");
  add_devices(*command, *options);
  command->callback([options, &run] { run = [options] { return run_bench(*options); }; });
}

}  // namespace strata::cli
