// The terminal: a frame onto it, keys from it. The one file that knows ncurses is its source.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <tl/expected.hpp>

#include "cli/top/layout.hpp"

namespace strata::top {

enum class Key : std::uint8_t {
  other,
  quit,
  next,
  previous,
  up,
  down,
  page_up,
  page_down,
  home,
  end,
  sort,
  pause,
  help,
  one,
  two,
  five
};

class Terminal {
 public:
  // The error says what is there instead of a terminal, and what to do.
  static tl::expected<Terminal, std::string> open();

  Glyphs glyphs() const;
  Size size() const;
  // Only what has changed is written.
  void show(const Frame& frame);
  // The next key that was pressed, without waiting; nothing: none was.
  std::optional<Key> key();
  // Where keys come from.
  int fd() const;

 private:
  struct Screen;
  struct Close {
    void operator()(Screen* screen) const;
  };
  explicit Terminal(std::unique_ptr<Screen, Close> screen);
  std::unique_ptr<Screen, Close> screen_;
};

}  // namespace strata::top
