#include "cli/top.hpp"

#include <poll.h>

#include <array>
#include <chrono>
#include <iostream>
#include <memory>

#include "cli/top/feed.hpp"
#include "cli/top/terminal.hpp"
#include "cli/top/to_json.hpp"
#include "cli/whom.hpp"
#include "control/ledger.hpp"
#include "control/signals.hpp"

namespace strata::cli {
namespace {

using top::Feed;
using top::Key;

// Of a screen: the gateway has other things to do than to tell of its SAs.
constexpr double kShareForSas = 0.2;
// Of one look: as fast as it answers.
constexpr double kNoLimit = 1e6;

constexpr std::size_t kOnceWidth = 120;
constexpr std::size_t kOnceRows = 20;

struct TopOptions {
  Whom whom;
  unsigned interval = 1;
  bool once = false;
  bool json = false;
};

int fail(const std::string& sentence) {
  std::cerr << "strata top: " << sentence << "\n";
  return 1;
}

// Until there is something to do; false: keys cannot be read any more.
bool wait(const Feed& feed, int keys) {
  const auto now = Feed::Clock::now();
  const auto rest = std::chrono::ceil<std::chrono::milliseconds>(feed.due(now) - now).count();
  std::array<pollfd, 2> both{
      {{.fd = keys, .events = POLLIN, .revents = 0}, {.fd = feed.fd(), .events = POLLIN, .revents = 0}}};
  if (::poll(both.data(), both.size(), static_cast<int>(std::max<std::int64_t>(rest, 0))) < 0) return true;
  return (both[0].revents & (POLLHUP | POLLERR | POLLNVAL)) == 0;
}

// --- one look --------------------------------------------------------------------------------------------------------

int print_once(Feed feed, const TopOptions& options) {
  top::Model model;
  while (feed.looks() < 2 || feed.rounds() < 2) {
    feed.serve(Feed::Clock::now(), model);
    if (!feed.trouble().empty()) return fail(feed.trouble());
    wait(feed, -1);
  }
  if (options.json) {
    std::cout << printed(top::to_json(model));
    return 0;
  }
  top::View view{.interval = options.interval, .most_rows = kOnceRows, .has_keys = false, .glyphs = top::Glyphs::ascii};
  std::cout << text_of(layout(model, view, {kOnceWidth, height_of_all(model, view)}));
  return 0;
}

// --- the screen ------------------------------------------------------------------------------------------------------

void choose(top::View& view, std::size_t steps) {
  view.large = static_cast<top::What>((static_cast<std::size_t>(view.large) + steps) % top::kSectionCount);
  view.scroll = 0;
}

void set_interval(unsigned seconds, top::View& view, Feed& feed) {
  view.interval = seconds;
  feed.set_interval(std::chrono::seconds(seconds));
}

void sort_otherwise(top::View& view) {
  top::Sort& sort = view.sort[static_cast<std::size_t>(view.large)];
  sort = static_cast<top::Sort>((static_cast<std::size_t>(sort) + 1) % top::kSortCount);
  view.scroll = 0;
}

void pause(top::View& view, Feed& feed, top::Model& model) {
  view.is_paused = !view.is_paused;
  feed.pause(view.is_paused);
  if (!view.is_paused) model.interrupt();
}

constexpr std::size_t kLastRow = 1'000'000'000;  // layout() puts it right

// False: that is the end.
bool obey(Key key, top::View& view, Feed& feed, top::Model& model) {
  if (key == Key::quit) return false;
  if (view.has_help) {
    view.has_help = false;
    return true;
  }
  switch (key) {
    case Key::next: choose(view, 1); break;
    case Key::previous: choose(view, top::kSectionCount - 1); break;
    case Key::up: view.scroll -= std::min<std::size_t>(view.scroll, 1); break;
    case Key::down: ++view.scroll; break;
    case Key::page_up: view.scroll -= std::min(view.scroll, view.page); break;
    case Key::page_down: view.scroll += view.page; break;
    case Key::home: view.scroll = 0; break;
    case Key::end: view.scroll = kLastRow; break;
    case Key::sort: sort_otherwise(view); break;
    case Key::pause: pause(view, feed, model); break;
    case Key::help: view.has_help = true; break;
    case Key::one: set_interval(1, view, feed); break;
    case Key::two: set_interval(2, view, feed); break;
    case Key::five: set_interval(5, view, feed); break;
    case Key::quit:
    case Key::other: break;
  }
  return true;
}

int run_screen(Feed feed, const TopOptions& options) {
  catch_signals();
  auto terminal = top::Terminal::open();
  if (!terminal) return fail(terminal.error());
  top::Model model;
  top::View view{.interval = options.interval, .glyphs = terminal->glyphs()};
  while (!end_asked()) {
    feed.serve(Feed::Clock::now(), model);
    view.trouble = (feed.fd() < 0 ? "asking again each second: " : "") + feed.trouble();
    terminal->show(layout(model, view, terminal->size()));
    if (!wait(feed, terminal->fd())) return 1;
    while (const auto key = terminal->key())
      if (!obey(*key, view, feed, model)) return 0;
  }
  return 0;
}

int run_top(const TopOptions& options) {
  const bool once = options.once || options.json;
  Feed feed(options.whom.path(), std::chrono::seconds(options.interval), once ? kNoLimit : kShareForSas);
  // Who has mistyped a name is told at once; a gateway that goes later is waited for.
  if (const auto connected = feed.connect(); !connected) return fail(connected.error());
  return once ? print_once(std::move(feed), options) : run_screen(std::move(feed), options);
}

}  // namespace

void add_top(CLI::App& app, std::function<int()>& run) {
  const auto options = std::make_shared<TopOptions>();
  CLI::App* command =
      app.add_subcommand("top", "Show a running gateway as a live screen: rates, load, drops; q ends it");
  command->add_option("--interval", options->interval, "Seconds between two looks; else 1")
      ->type_name("SECONDS")
      ->check(CLI::Range(1, 60));
  command->add_flag("--once", options->once, "Print one look as text, of so many seconds, and end");
  command->add_flag("--json", options->json, "The same as JSON; docs/top.md has the fields");
  add_whom(*command, options->whom);
  command->callback([options, &run] { run = [options] { return run_top(*options); }; });
}

}  // namespace strata::cli
