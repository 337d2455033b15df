#include "cli/top/feed.hpp"

#include <algorithm>

namespace strata::top {
namespace {

using namespace std::chrono_literals;

constexpr auto kRetry = 1s;
constexpr auto kPatience = 5s;

}  // namespace

tl::expected<void, std::string> Feed::connect() {
  auto connection = Connection::open(path_);
  if (!connection) return tl::unexpected(std::move(connection.error()));
  connection_.emplace(std::move(*connection));
  asked_ = Asked::nothing;
  return {};
}

void Feed::serve(Clock::time_point now, Model& model) {
  if (!connection_) {
    if (now < next_) return;
    if (const auto connected = connect(); !connected) return lost(connected.error(), now);
    model.interrupt();
    sas_from_.reset();
  }
  take(now, model);
  if (connection_ && asked_ == Asked::nothing && !is_paused_) ask_next(now);
}

void Feed::take(Clock::time_point now, Model& model) {
  if (asked_ == Asked::nothing) return;
  auto answers = connection_->take();
  if (!answers) return lost(answers.error(), now);
  if (*answers) return use(std::move(**answers), now, model);
  if (now - asked_at_ >= kPatience) trouble_ = path_ + ": the gateway does not answer; it may hang";
}

void Feed::use(std::vector<Json> answers, Clock::time_point now, Model& model) {
  trouble_.clear();
  const auto items = [&](std::size_t i) { return answers[i].is_object() ? answers[i].value("items", Json()) : Json(); };
  if (std::exchange(asked_, Asked::nothing) == Asked::glance) {
    model.look({answers[0], items(1), items(2), items(3), items(4)});
    ++looks_;
    return;
  }
  model.look_at_sas(answers[0], answers[1]);
  spent_on_sas_ += now - asked_at_;
  sas_from_ = answers[1].is_object() ? answers[1].value("next", Json()) : Json();
  if (!sas_from_->is_null()) return;
  sas_from_.reset();
  ++rounds_;
}

// Of very many SAs each answer takes the gateway's main thread a while, which has other things to do: so they are asked
// for in parts, and in no more of them than fit into a share of the time.
void Feed::ask_next(Clock::time_point now) {
  if (now >= next_) {
    next_ = next_ == Clock::time_point{} ? now + interval_ : std::max(next_ + interval_, now);
    spent_on_sas_ = {};
    const bool is_in_a_round = sas_from_.has_value();
    if (!is_in_a_round) sas_from_ = 0U;
    return ask(Asked::glance, {{"hello"}, {"show.ports"}, {"show.workers"}, {"show.stages"}, {"show.drops"}}, now);
  }
  if (sas_from_ && spent_on_sas_ < interval_ * share_)
    ask(Asked::sas, {{"hello"}, {"show.sas", {{"from", *sas_from_}}}}, now);
}

void Feed::ask(Asked what, const std::vector<Connection::Question>& questions, Clock::time_point now) {
  if (const auto sent = connection_->ask(questions); !sent) return lost(sent.error(), now);
  asked_ = what;
  asked_at_ = now;
}

void Feed::lost(const std::string& why, Clock::time_point now) {
  connection_.reset();
  asked_ = Asked::nothing;
  trouble_ = why;
  next_ = now + kRetry;
}

Feed::Clock::time_point Feed::due(Clock::time_point now) const {
  if (!connection_) return next_;
  if (asked_ != Asked::nothing || is_paused_) return now + 1s;
  return next_;
}

void Feed::set_interval(std::chrono::seconds interval) {
  interval_ = interval;
  next_ = std::min(next_, Clock::now() + interval);
}

}  // namespace strata::top
