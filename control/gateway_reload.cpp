// A running gateway takes over another configuration, as a whole or not at all.
#include "config/amend.hpp"
#include "config/difference.hpp"
#include "config/parser.hpp"
#include "control/gateway.hpp"
#include "control/log.hpp"
#include "control/settled_file.hpp"

namespace strata {
namespace {

// A file has as many mistakes as it has lines.
constexpr std::size_t kMostMistakes = 100;

std::string lines_of(const std::vector<std::string>& lines) {
  std::string text;
  for (std::size_t i = 0; i < std::min(lines.size(), kMostMistakes); ++i) text += (i == 0 ? "" : "\n") + lines[i];
  if (lines.size() > kMostMistakes) text += "\nand " + std::to_string(lines.size() - kMostMistakes) + " more";
  return text;
}

// nowhere: what stands for the place of a mistake that is not in the file.
std::vector<std::string> texts_of(const std::vector<config::Problem>& problems, const std::string& file,
                                  const std::string& nowhere) {
  std::vector<std::string> lines;
  for (const config::Problem& problem : problems)
    lines.push_back(config::to_string(problem, problem.mark.line == 0 ? nowhere : file));
  return lines;
}

// For the log, in one line.
std::string first_of(const std::vector<std::string>& changes) {
  constexpr std::size_t kTold = 5;
  std::string text = changes.empty() ? "no changes" : "";
  for (std::size_t i = 0; i < std::min(changes.size(), kTold); ++i) text += (i == 0 ? "" : ", ") + changes[i];
  return text + (changes.size() > kTold ? " and " + std::to_string(changes.size() - kTold) + " more" : "");
}

Changes changes_of(const config::Difference& difference, const std::string& file) {
  Changes changes{.lines = {}, .refused = texts_of(difference.refused, file, file)};
  for (const config::Change& change : difference.changes) changes.lines.push_back(config::to_string(change));
  return changes;
}

tl::expected<std::shared_ptr<const config::Config>, std::string> read(const std::string& file) {
  tl::expected<config::Config, std::vector<config::Problem>> parsed;
  if (auto done = read_settled(file, [&] { parsed = config::parse_file(file); }); !done)
    return tl::unexpected(done.error());
  if (!parsed) return tl::unexpected(lines_of(texts_of(parsed.error(), file, file)));
  return std::make_shared<const config::Config>(std::move(*parsed));
}

std::vector<const OutboundSa*> sealing_of(const config::Config& config, const Places& places, const Tables& tables,
                                          const std::vector<std::size_t>& sas) {
  std::vector<const OutboundSa*> out;
  for (const std::size_t i : sas)
    if (config.security_associations[i].direction == config::Direction::out)
      out.push_back(&tables.out_sas[places.sas[i]]);
  return out;
}

}  // namespace

tl::expected<Changes, std::string> Gateway::diff() {
  const auto next = read(config_->file);
  if (!next) return tl::unexpected(next.error());
  return changes_of(config::difference(*config_, **next), config_->file);
}

tl::expected<Changes, std::string> Gateway::reload() {
  manager_.reloading();
  auto done = read_and_apply();
  manager_.reloaded();
  is_amended_ = is_amended_ && !done;
  if (!done)
    log_line("not reloaded, all is as before: " + done.error());
  else
    log_line("reloaded " + config_->file + ": " + std::to_string(done->lines.size()) + " changes");
  return done;
}

tl::expected<Changes, std::string> Gateway::read_and_apply() {
  auto next = read(config_->file);
  if (!next) return tl::unexpected(next.error());
  return change_to(std::move(*next));
}

// Entries one by one: no other way into the tables than that of a whole configuration.
tl::expected<Changes, std::string> Gateway::change(const config::Amendment& amendment, const std::string& who) {
  auto next = config::amended(*config_, amendment);
  if (!next) return tl::unexpected(lines_of(texts_of(next.error(), config_->file, "what was asked for")));
  auto done = change_to(std::make_shared<const config::Config>(std::move(*next)));
  is_amended_ = is_amended_ || (done && !done->lines.empty());
  if (done && !done->lines.empty()) log_line("changed, as " + who + " asked: " + first_of(done->lines));
  if (!done) log_line("not changed as " + who + " asked, all is as before: " + done.error());
  return done;
}

tl::expected<Changes, std::string> Gateway::change_to(std::shared_ptr<const config::Config> next) {
  Changes changes = changes_of(config::difference(*config_, *next), config_->file);
  if (!changes.refused.empty()) return tl::unexpected(lines_of(changes.refused));
  if (changes.lines.empty()) return changes;
  if (!pulse_.all_go_round())
    return tl::unexpected(
        std::string("a worker stands still, and would have to take the change over; the log says which one"));
  if (auto done = apply(std::move(next)); !done) return tl::unexpected(done.error());
  return changes;
}

tl::expected<void, std::string> Gateway::apply(std::shared_ptr<const config::Config> config) {
  auto next = rebuild(*config, macs_, {*config_, *tables_, places_, gone_windows_});
  if (!next) return tl::unexpected(next.error());
  if (auto done = keep_numbers(*config, *next); !done) return done;
  tell_news();  // what has ended until now is of the configuration before
  auto path_mtus = std::make_unique<PathMtus>(*next->tables);
  path_mtus->carry_over(workers_->worker(kHostWorker.index()).path_mtus(), next->same_policies);
  trace_->expect(*next->tables, Names(*config, next->places));
  if (!workers_->replace(next->change, std::move(path_mtus), patience())) {
    half_taken_over_ = std::move(next->tables);
    half_in_force_ = std::move(config);
    return tl::unexpected(std::string("the end was asked for while the workers took it over"));
  }
  // From here on nobody goes by the tables before.
  trace_->forget_before();
  keeper_->release();
  retire_gone(*next, *next->tables);
  tables_ = std::move(next->tables);
  places_ = std::move(next->places);
  config_ = std::move(config);
  tell_unlocked();
  if (rebalancer_) rebalancer_.emplace(*tables_, *workers_);
  if (socket_) socket_->show_from_now_on(shown());
  if (metrics_) metrics_->show_from_now_on(shown());
  return {};
}

// No number comes twice: a key that was in use, or had been, goes on behind all that was reserved for it.
tl::expected<void, std::string> Gateway::keep_numbers(const config::Config& config, Rebuilt& next) {
  std::vector<SealingSa> coming;
  tl::expected<void, std::string> done;
  for (const std::size_t i : next.new_sas) {
    const config::SecurityAssociation& sa = config.security_associations[i];
    if (sa.direction != config::Direction::out) continue;
    coming.push_back({&next.tables->out_sas[next.places.sas[i]], sa.key.bytes()});
    if (gone_windows_.has_opened(sa.key))
      done = tl::unexpected("the key of SA '" + sa.name +
                            "' was an inbound SA's; give it one of its own, or nonces repeat (RFC 4106 section 3.1)");
  }
  if (done)
    done = keeper_->change(config, next.places, *next.tables, sealing_of(*config_, places_, *tables_, next.gone_sas),
                           coming);
  if (!done) retire_sas(config, next.places, next.new_sas, *next.tables);
  return done;
}

// What they had carried stays in the account; their keys do not stay.
void Gateway::retire_gone(const Rebuilt& next, Tables& tables) {
  for (const std::size_t i : next.gone_sas) {
    const std::uint32_t at = places_.sas[i];
    if (config_->security_associations[i].direction == config::Direction::in)
      add(gone_.inbound, {{}, tables.sas[at].packets, tables.sas[at].octets});
    else
      add(gone_.outbound, {{}, tables.out_sas[at].packets, tables.out_sas[at].octets});
  }
  note_windows(*config_, places_, next.gone_sas, tables, gone_windows_);
  retire_sas(*config_, places_, next.gone_sas, tables);
  for (const std::size_t i : next.gone_sids) {
    for (unsigned worker = 0; worker < workers_->size(); ++worker) {
      const SidCounter counter = workers_->worker(worker).take_sid_counter(SidId(places_.sids[i]));
      add(gone_.sids, {{}, counter.packets, counter.octets});
    }
  }
}

}  // namespace strata
