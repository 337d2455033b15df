#include "cli/top/layout.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace strata::top {
namespace {

constexpr std::string_view kGap = "  ";
constexpr std::size_t kLeastGraph = 10;
constexpr unsigned kGraphRank = 5;  // among the columns
constexpr std::size_t kTroubleLines = 3;
constexpr std::size_t kHeightForTotals = 12;

std::string first_columns(const std::string& text, std::size_t columns) {
  std::size_t seen = 0;
  for (std::size_t i = 0; i < text.size(); ++i)
    if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80 && seen++ == columns) return text.substr(0, i);
  return text;
}

class LineOf {
 public:
  explicit LineOf(std::size_t width) : left_(width) {}

  // What does not fit is cut.
  LineOf& add(const std::string& text, Style style = Style::plain) {
    std::string fits = first_columns(text, left_);
    left_ -= columns_of(fits);
    if (!fits.empty()) line_.push_back({std::move(fits), style});
    return *this;
  }
  LineOf& fill(Style style) { return add(std::string(left_, ' '), style); }
  // At the end of the line, if there is room.
  LineOf& end_with(const std::string& text, Style style = Style::plain) {
    const std::size_t width = columns_of(text) + kGap.size();
    if (width > left_) return *this;
    return add(std::string(left_ - columns_of(text), ' ')).add(text, style);
  }
  Line line() && { return std::move(line_); }

 private:
  Line line_;
  std::size_t left_;
};

std::string padded(const std::string& text, std::size_t width, bool is_number) {
  const std::string space(width - std::min(width, columns_of(text)), ' ');
  return is_number ? space + text : text + space;
}

// --- one section
// -------------------------------------------------------------------------------------------------------

struct Shown {
  What what;
  Section section;
  std::size_t rows = 0;  // how many there is room for
};

std::size_t wanted(const Section& section, const View& view) {
  return std::clamp<std::size_t>(section.keys.size(), 1, view.most_rows);
}

struct Plan {
  std::vector<std::size_t> columns;  // places, in their order
  std::vector<std::size_t> widths;   // by place
  std::size_t graph = 0;             // columns of the history; 0: none
};

Plan plan_of(const Section& section, std::size_t first, std::size_t width) {
  Plan plan;
  for (const Column& column : section.columns) plan.widths.push_back(std::max(column.width, column.head.size()));
  plan.widths.front() = std::min(first, width);
  std::vector<std::size_t> places(section.columns.size() - 1);
  std::iota(places.begin(), places.end(), std::size_t{1});
  std::ranges::stable_sort(places, {}, [&](std::size_t place) { return section.columns[place].rank; });
  std::size_t left = width - plan.widths.front();
  plan.columns.push_back(0);
  std::size_t kept = 0;
  for (const std::size_t place : places) {
    if (section.columns[place].rank > kGraphRank) kept = kGap.size() + kLeastGraph;
    const std::size_t needed = kGap.size() + plan.widths[place];
    if (needed + kept > left) continue;
    left -= needed;
    plan.columns.push_back(place);
  }
  std::ranges::sort(plan.columns);
  if (left >= kGap.size() + kLeastGraph) plan.graph = std::min(left - kGap.size(), History::kPoints);
  return plan;
}

std::string title_of(const Shown& shown) {
  const std::size_t all = shown.section.keys.size();
  const std::string title(shown.section.title);
  return shown.rows < all ? title + " " + std::to_string(shown.rows) + "/" + std::to_string(all) : title;
}

Line head_of(const Shown& shown, const Plan& plan, bool is_large, std::size_t width) {
  const Style style = is_large ? Style::chosen : Style::head;
  LineOf line(width);
  for (const std::size_t place : plan.columns) {
    const Column& column = shown.section.columns[place];
    const std::string head = place == 0 ? title_of(shown) : std::string(column.head);
    if (place != 0) line.add(std::string(kGap), style);
    line.add(padded(head, plan.widths[place], column.is_number), style);
  }
  if (plan.graph != 0) line.add(std::string(kGap), style).add("history", style);
  return std::move(line.fill(style)).line();
}

Line line_of(const Section& section, const Row& row, const Plan& plan, std::size_t width, Glyphs glyphs) {
  LineOf line(width);
  for (const std::size_t place : plan.columns) {
    const Cell& cell = row.cells[place];
    if (place != 0) line.add(std::string(kGap));
    // A bar is as wide as its column.
    const bool fits = columns_of(cell.text) <= plan.widths[place];
    const std::string text = fits ? cell.text : shortened(cell.text, plan.widths[place], glyphs);
    line.add(padded(text, plan.widths[place], section.columns[place].is_number), cell.style);
  }
  if (plan.graph != 0)
    line.add(std::string(kGap)).add(sparkline(*row.history, plan.graph, section.most, glyphs), Style::graph);
  return std::move(line).line();
}

void add_section(Frame& frame, const Shown& shown, const View& view, std::size_t width) {
  const Section& section = shown.section;
  const bool is_large = shown.what == view.large;
  const std::vector<std::size_t> order = sorted(section, view.sort[static_cast<std::size_t>(shown.what)]);
  const std::size_t from = is_large ? view.scroll : 0;
  std::vector<Row> rows;
  std::size_t first = std::max(section.columns.front().width, title_of(shown).size());
  for (std::size_t i = from; i < order.size() && rows.size() < shown.rows; ++i) {
    rows.push_back(section.row(order[i]));
    first = std::max(first, rows.back().cells.front().text.size());
  }
  first = std::min(first, std::max(section.columns.front().width, width / 3));
  const Plan plan = plan_of(section, first, width);
  frame.push_back(head_of(shown, plan, is_large, width));
  for (const Row& row : rows) frame.push_back(line_of(section, row, plan, width, view.glyphs));
  if (rows.empty() && shown.rows != 0)
    frame.push_back(std::move(LineOf(width).add(std::string(section.none), Style::dim)).line());
}

// --- all of them
// -------------------------------------------------------------------------------------------------------

// The large one with its head and three rows, and as many others as then have a head and a row each: what matters most
// to whoever has little room.
std::vector<Shown> sections_for(const Model& model, const View& view, std::size_t lines) {
  constexpr std::array kByWeight{What::ports, What::drops, What::workers, What::stages, What::sas};
  constexpr std::size_t kLarge = 4;
  std::array<bool, kSectionCount> is_in{};
  is_in[static_cast<std::size_t>(view.large)] = true;
  std::size_t left = lines - std::min(lines, kLarge);
  for (const What what : kByWeight) {
    if (left < 2 || what == view.large) continue;
    is_in[static_cast<std::size_t>(what)] = true;
    left -= 2;
  }
  std::vector<Shown> shown;
  for (std::size_t what = 0; what < kSectionCount; ++what)
    if (is_in[what])
      shown.push_back({static_cast<What>(what), section_of(static_cast<What>(what), model, view.glyphs)});
  return shown;
}

// Rows for all: one or two for each, then as many as it has for the large one, then for the others in turns. What is
// left over.
std::size_t deal(std::vector<Shown>& all, const View& view, std::size_t lines) {
  std::size_t left = lines - all.size();
  const auto give = [&](Shown& shown, std::size_t up_to) {
    while (left != 0 && shown.rows < std::min(up_to, wanted(shown.section, view))) ++shown.rows, --left;
  };
  const bool is_small = lines < 4 * all.size();
  for (Shown& shown : all) give(shown, is_small ? 1 : 2);
  for (Shown& shown : all)
    if (shown.what == view.large) give(shown, wanted(shown.section, view));
  for (std::size_t before = left + 1; left != 0 && before != left;) {
    before = left;
    for (Shown& shown : all) give(shown, shown.rows + 1);
  }
  return left;
}

void add_sections(Frame& frame, const Model& model, View& view, Size size) {
  std::vector<Shown> all = sections_for(model, view, size.height);
  const bool has_gaps = deal(all, view, size.height) >= all.size() - 1;
  for (const Shown& shown : all) {
    if (shown.what == view.large) {
      view.page = std::max<std::size_t>(1, shown.rows);
      view.scroll =
          std::min(view.scroll, wanted(shown.section, view) - std::min(wanted(shown.section, view), view.page));
    }
    if (has_gaps && &shown != &all.front()) frame.emplace_back();
    add_section(frame, shown, view, size.width);
  }
}

// --- what stands around them
// -------------------------------------------------------------------------------------------

std::string position(const Model& model, const View& view) {
  const Section large = section_of(view.large, model, view.glyphs);
  return std::string(large.title) + ": " + std::string(text_of(view.sort[static_cast<std::size_t>(view.large)]));
}

Line title_line(const Model& model, const View& view, std::size_t width) {
  LineOf line(width);
  line.add("strata", Style::title);
  if (!model.empty()) line.add(" " + harmless(model.name()), Style::title).add("  up " + duration(model.seconds()));
  line.add("  every " + std::to_string(view.interval) + " s", Style::dim);
  if (view.is_paused) line.add(std::string(kGap)).add("PAUSED", Style::warn);
  return std::move(line.end_with(position(model, view), Style::dim)).line();
}

Line totals_line(const Model& model, std::size_t width) {
  std::optional<double> in;
  std::optional<double> in_bytes;
  std::optional<double> out;
  std::optional<double> out_bytes;
  for (const Port& port : model.ports()) {
    in = sum(in, port.received.per_second());
    in_bytes = sum(in_bytes, port.received_bytes.per_second());
    out = sum(out, port.sent.per_second());
    out_bytes = sum(out_bytes, port.sent_bytes.per_second());
  }
  const auto bits = [](std::optional<double> bytes) { return scaled(bytes ? std::optional(*bytes * 8) : bytes); };
  const std::optional<double> dropped = model.dropped_per_second();
  LineOf line(width);
  line.add("in ", Style::dim).add(scaled(in) + " pkt/s " + bits(in_bytes) + " bit/s");
  line.add("  out ", Style::dim).add(scaled(out) + " pkt/s " + bits(out_bytes) + " bit/s");
  line.add("  dropped ", Style::dim);
  line.add(scaled(dropped) + " pkt/s", dropped.value_or(0) > 0 ? Style::warn : Style::plain);
  return std::move(line).line();
}

// At blanks; a word that is too long is cut.
std::vector<std::string> wrapped(const std::string& text, std::size_t width) {
  std::vector<std::string> lines;
  for (std::string rest = text; !rest.empty();) {
    std::size_t end = rest.size() <= width ? rest.size() : rest.rfind(' ', width);
    if (end == std::string::npos || end == 0) end = width;
    lines.push_back(rest.substr(0, end));
    rest.erase(0, end);
    rest.erase(0, rest.find_first_not_of(' '));
  }
  return lines;
}

void add_sentence(Frame& frame, const std::string& text, Style style, Size size) {
  for (const std::string& part : wrapped(text, size.width))
    if (frame.size() < size.height) frame.push_back(std::move(LineOf(size.width).add(part, style)).line());
}

Frame too_small(Size size) {
  Frame frame;
  const auto text = [](Size of) { return std::to_string(of.width) + "x" + std::to_string(of.height); };
  add_sentence(frame, "strata top: this terminal is " + text(size) + "; make it " + text(kSmallest) + " or larger",
               Style::warn, size);
  return frame;
}

struct Key {
  const char* key;
  const char* what;
};

Frame help(Size size) {
  constexpr std::array kKeys{Key{"q", "ends"},
                             Key{"Tab, right; left", "the next section is the large one; the one before"},
                             Key{"up, down, page, home, end", "other rows of the large section"},
                             Key{"s", "another order of its rows"},
                             Key{"p", "pause: nothing is asked, nothing changes"},
                             Key{"1, 2, 5", "seconds between two looks"},
                             Key{"?", "this page; any key leaves it"}};
  Frame frame{std::move(LineOf(size.width).add("strata top: keys", Style::title)).line()};
  for (const Key& key : kKeys)
    frame.push_back(std::move(LineOf(size.width).add(padded(key.key, 27, false), Style::title).add(key.what)).line());
  frame.emplace_back();
  for (const char* sentence : {"The lines of bars are what was, newest at the right, each look a column, each row by "
                               "its own highest; load by a whole core.",
                               "Rates of many SAs are of a longer time: they are asked for in parts.",
                               "strata show has the counters since the start, and the causes of drops in full."})
    add_sentence(frame, sentence, Style::plain, size);
  if (frame.size() > size.height) frame.resize(size.height);
  return frame;
}

Line keys_line(std::size_t width) {
  LineOf line(width);
  for (const Key& key : {Key{"q", " quit  "}, Key{"Tab", " section  "}, Key{"s", " sort  "}, Key{"p", " pause  "},
                         Key{"1 2 5", " seconds  "}, Key{"?", " help"}})
    line.add(key.key, Style::title).add(key.what, Style::dim);
  return std::move(line).line();
}

}  // namespace

Frame layout(const Model& model, View& view, Size size) {
  if (size.width < kSmallest.width || size.height < kSmallest.height) return too_small(size);
  if (view.has_help) return help(size);
  Frame frame{title_line(model, view, size.width)};
  if (!view.trouble.empty()) {
    add_sentence(frame, harmless(view.trouble), Style::alarm, {size.width, 1 + kTroubleLines});
  } else if (size.height >= kHeightForTotals) {
    frame.push_back(totals_line(model, size.width));
  }
  const std::size_t below = view.has_keys ? 1 : 0;
  add_sections(frame, model, view, {size.width, size.height - frame.size() - below});
  if (view.has_keys) {
    frame.resize(size.height - 1);
    frame.push_back(keys_line(size.width));
  }
  return frame;
}

std::size_t height_of_all(const Model& model, const View& view) {
  constexpr std::size_t kAround = 2 + kSectionCount - 1;
  std::size_t height = kAround;
  for (std::size_t what = 0; what < kSectionCount; ++what)
    height += 1 + wanted(section_of(static_cast<What>(what), model, view.glyphs), view);
  return height;
}

std::string text_of(const Frame& frame) {
  std::string text;
  for (const Line& line : frame) {
    std::string of_line;
    for (const Cell& cell : line) of_line += cell.text;
    text += of_line.erase(of_line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

}  // namespace strata::top
