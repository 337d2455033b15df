#include "cli/top/terminal.hpp"

// Its macros have names such as erase and move.
#define NCURSES_NOMACROS
#include <curses.h>
#include <langinfo.h>
#include <term.h>
#include <unistd.h>

#include <algorithm>
#include <clocale>
#include <cstdlib>
#include <cstring>

namespace strata::top {

struct Terminal::Screen {
  SCREEN* curses;
  bool has_colors;
  Glyphs glyphs;
};

namespace {

constexpr short kGreen = 1;
constexpr short kYellow = 2;
constexpr short kRed = 3;
constexpr short kCyan = 4;

// https://no-color.org: any value that is not empty.
bool are_colors_wanted() {
  const char* const said = std::getenv("NO_COLOR");
  return said == nullptr || *said == '\0';
}

bool start_colors() {
  if (!are_colors_wanted() || !has_colors() || start_color() == ERR) return false;
  const short background = use_default_colors() == OK ? -1 : COLOR_BLACK;
  init_pair(kGreen, COLOR_GREEN, background);
  init_pair(kYellow, COLOR_YELLOW, background);
  init_pair(kRed, COLOR_RED, background);
  init_pair(kCyan, COLOR_CYAN, background);
  return true;
}

attr_t attributes_of(Style style) {
  switch (style) {
    case Style::title: return A_BOLD;
    case Style::head: return A_BOLD | A_UNDERLINE;
    case Style::chosen: return A_BOLD | A_REVERSE;
    case Style::alarm: return A_BOLD;
    case Style::dim: return A_DIM;
    case Style::plain:
    case Style::good:
    case Style::warn:
    case Style::graph: break;
  }
  return A_NORMAL;
}

short color_of(Style style) {
  switch (style) {
    case Style::good: return kGreen;
    case Style::warn: return kYellow;
    case Style::alarm: return kRed;
    case Style::graph: return kCyan;
    case Style::plain:
    case Style::title:
    case Style::head:
    case Style::chosen:
    case Style::dim: break;
  }
  return 0;
}

Key key_of(int code) {
  switch (code) {
    case 'q':
    case 'Q': return Key::quit;
    case '\t':
    case KEY_RIGHT: return Key::next;
    case KEY_BTAB:
    case KEY_LEFT: return Key::previous;
    case KEY_UP:
    case 'k': return Key::up;
    case KEY_DOWN:
    case 'j': return Key::down;
    case KEY_PPAGE: return Key::page_up;
    case KEY_NPAGE: return Key::page_down;
    case KEY_HOME: return Key::home;
    case KEY_END: return Key::end;
    case 's': return Key::sort;
    case 'p':
    case ' ': return Key::pause;
    case '?':
    case 'h': return Key::help;
    case '1': return Key::one;
    case '2': return Key::two;
    case '5': return Key::five;
    default: return Key::other;
  }
}

}  // namespace

tl::expected<Terminal, std::string> Terminal::open() {
  const std::string instead = "; --once prints one look as text, --json as JSON";
  if (::isatty(STDOUT_FILENO) == 0) return tl::unexpected("standard output is no terminal" + instead);
  if (::isatty(STDIN_FILENO) == 0)
    return tl::unexpected("standard input is no terminal, keys cannot be read" + instead);
  (void)std::setlocale(LC_CTYPE, "");  // one that is not there: that of C stays
  const char* const type = std::getenv("TERM");
  const std::string named = type == nullptr || *type == '\0' ? "TERM is not set" : "TERM is " + std::string(type);
  SCREEN* const curses = newterm(nullptr, stdout, stdin);
  if (curses == nullptr) return tl::unexpected(named + ", which is no terminal that is known here" + instead);
  if (cursor_address == nullptr) {
    endwin();
    delscreen(curses);
    return tl::unexpected(named + ", a terminal that cannot place its cursor" + instead);
  }
  const bool is_utf8 = std::strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
  return Terminal(
      std::unique_ptr<Screen, Close>(new Screen{curses, start_colors(), is_utf8 ? Glyphs::utf8 : Glyphs::ascii}));
}

Terminal::Terminal(std::unique_ptr<Screen, Close> screen) : screen_(std::move(screen)) {
  cbreak();
  noecho();
  nonl();
  keypad(stdscr, TRUE);
  nodelay(stdscr, TRUE);
  set_escdelay(25);
  curs_set(0);
}

void Terminal::Close::operator()(Screen* screen) const {
  endwin();
  delscreen(screen->curses);
  delete screen;
}

Glyphs Terminal::glyphs() const { return screen_->glyphs; }

Size Terminal::size() const {
  return {static_cast<std::size_t>(std::max(getmaxx(stdscr), 1)),
          static_cast<std::size_t>(std::max(getmaxy(stdscr), 1))};
}

void Terminal::show(const Frame& frame) {
  werase(stdscr);
  int y = 0;
  for (const Line& line : frame) {
    wmove(stdscr, y++, 0);
    for (const Cell& cell : line) {
      wattr_set(stdscr, attributes_of(cell.style), screen_->has_colors ? color_of(cell.style) : short{0}, nullptr);
      waddnstr(stdscr, cell.text.c_str(), static_cast<int>(cell.text.size()));
    }
  }
  wattr_set(stdscr, A_NORMAL, 0, nullptr);
  wrefresh(stdscr);
}

std::optional<Key> Terminal::key() {
  const int code = wgetch(stdscr);
  if (code == ERR) return std::nullopt;
  return key_of(code);
}

int Terminal::fd() const { return STDIN_FILENO; }

}  // namespace strata::top
