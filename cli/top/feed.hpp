// Asks a gateway again and again, waits for nothing, and hands what it answers to the model.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <tl/expected.hpp>

#include "cli/top/model.hpp"
#include "control/socket/connection.hpp"

namespace strata::top {

class Feed {
 public:
  using Clock = std::chrono::steady_clock;

  // share: of the time for which the gateway may be asked for SAs, 1: as fast as it answers.
  Feed(std::string path, std::chrono::seconds interval, double share)
      : path_(std::move(path)), interval_(interval), share_(share) {}

  tl::expected<void, std::string> connect();

  // Takes what has come and asks what is due.
  void serve(Clock::time_point now, Model& model);
  // When to serve again although nothing can be read.
  Clock::time_point due(Clock::time_point now) const;
  // -1: nobody is there to be heard.
  int fd() const { return connection_ ? connection_->fd() : -1; }

  void set_interval(std::chrono::seconds interval);
  // Nothing more is asked; what is on its way is still taken.
  void pause(bool is_paused) { is_paused_ = is_paused; }

  // What is wrong, as a sentence; empty: nothing.
  const std::string& trouble() const { return trouble_; }
  // Whole looks, and whole rounds through the SAs.
  unsigned looks() const { return looks_; }
  unsigned rounds() const { return rounds_; }

 private:
  enum class Asked { nothing, glance, sas };

  void take(Clock::time_point now, Model& model);
  void use(std::vector<Json> answers, Clock::time_point now, Model& model);
  void ask_next(Clock::time_point now);
  void ask(Asked what, const std::vector<Connection::Question>& questions, Clock::time_point now);
  void lost(const std::string& why, Clock::time_point now);

  std::string path_;
  std::chrono::seconds interval_;
  double share_;
  std::optional<Connection> connection_;
  std::string trouble_;
  bool is_paused_ = false;
  Asked asked_ = Asked::nothing;
  Clock::time_point asked_at_;
  Clock::time_point next_;          // a glance, or a try to find a gateway
  std::optional<Json> sas_from_;    // a round is under way, and goes on there
  Clock::duration spent_on_sas_{};  // since the last glance
  unsigned looks_ = 0;
  unsigned rounds_ = 0;
};

}  // namespace strata::top
