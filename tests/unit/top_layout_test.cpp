// The screen of strata top as text: what fits where, in every size, whatever the names are.
#include "cli/top/layout.hpp"

#include <gtest/gtest.h>

#include "tests/unit/top_answers.hpp"

namespace strata::top {
namespace {

TEST(TopText, FiguresTakeFiveColumnsAtTheMost) {
  const std::vector<std::pair<double, std::string>> cases{
      {0, "0"},          {-1, "0"},         {0.01, "<0.1"},   {0.4, "0.4"},        {3, "3"},
      {9.94, "9.9"},     {9.96, "10"},      {12.3, "12"},     {999.4, "999"},      {999.6, "1.00k"},
      {1234, "1.23k"},   {9994, "9.99k"},   {9996, "10.0k"},  {99949, "99.9k"},    {99951, "100k"},
      {999499, "999k"},  {999501, "1.00M"}, {1.5e9, "1.50G"}, {4.2949e9, "4.29G"}, {2e13, "20.0T"},
      {1.8e19, "18.0E"}, {1e30, "max"}};
  for (const auto& [value, text] : cases) {
    EXPECT_EQ(scaled(value), text);
    EXPECT_LE(scaled(value).size(), 5U);
  }
  EXPECT_EQ(scaled(std::nullopt), "-");
}

TEST(TopText, Durations) {
  EXPECT_EQ(duration(0.9), "00:00:00");
  EXPECT_EQ(duration(3723), "01:02:03");
  EXPECT_EQ(duration(86400 * 12 + 59), "12d 00:00:59");
  EXPECT_EQ(duration(-5), "00:00:00");
}

TEST(TopText, NamesHarmNoTerminal) {
  EXPECT_EQ(harmless("a\x1b[2Jb\n\x7f"), "a?[2Jb??");
  EXPECT_EQ(harmless("caf\u00e9 \u202e\u4e16"), "caf? ??");
  EXPECT_EQ(harmless("\xff\xc0"), "??");
}

TEST(TopText, LongNamesKeepBothEnds) {
  EXPECT_EQ(shortened("branch-office-0001", 18, Glyphs::utf8), "branch-office-0001");
  EXPECT_EQ(shortened("branch-office-0001", 10, Glyphs::utf8), "branc…0001");
  EXPECT_EQ(shortened("branch-office-0001", 9, Glyphs::ascii), "bran~0001");
  EXPECT_EQ(shortened("branch", 2, Glyphs::ascii), "br");
  EXPECT_EQ(shortened("branch", 0, Glyphs::ascii), "");
}

History history_of(const std::vector<std::optional<double>>& values) {
  History history;
  for (const auto& value : values) history.add(value);
  return history;
}

TEST(TopText, SparklinesAreByTheirOwnHighest) {
  EXPECT_EQ(sparkline(history_of({0, 1, 50, std::nullopt, 100}), 7, {}, Glyphs::utf8), "  ▁▂▅ █");
  EXPECT_EQ(sparkline(history_of({0, 1, 50, std::nullopt, 100}), 7, {}, Glyphs::ascii), "  _.= #");
  EXPECT_EQ(sparkline(history_of({0, 0}), 3, {}, Glyphs::ascii), " __");
  // Only what is shown counts.
  EXPECT_EQ(sparkline(history_of({1000, 1, 2}), 2, {}, Glyphs::ascii), "=#");
  EXPECT_EQ(sparkline(history_of({0.5, 2}), 2, 1.0F, Glyphs::ascii), "=#");
  EXPECT_EQ(sparkline({}, 0, {}, Glyphs::ascii), "");
  EXPECT_EQ(columns_of(sparkline(history_of({1}), 300, {}, Glyphs::utf8)), 300U);
}

TEST(TopText, Bars) {
  EXPECT_EQ(bar(0, 4, Glyphs::ascii), "....");
  EXPECT_EQ(bar(0.01, 4, Glyphs::ascii), "#...");
  EXPECT_EQ(bar(0.5, 4, Glyphs::utf8), "■■··");
  EXPECT_EQ(bar(7, 4, Glyphs::ascii), "####");
}

// --- the screen
// --------------------------------------------------------------------------------------------------------

// Of two looks, two seconds apart.
Model busy_gateway(std::size_t sas, const std::string& prefix = "from-") {
  Model model;
  for (const std::uint64_t look : {1, 2}) {
    const double at = static_cast<double>(look) * 2;
    Json steps = Json::array();
    for (const char* step : {"classify", "host_input", "esp_open", "local_sid", "end_dx4", "ip4_forward"})
      steps.push_back(stage_row(step, look * 2'000'000));
    steps.push_back(stage_row("fragment", 0));
    model.look({hello_at(at), list(port_row("wan", look * 2'468'000, 0, look), port_row("lan", 0, look * 2'000'000)),
                list(worker_row(0, 0.81, look), worker_row(1, 0.97, look)), steps,
                list(drop_row("esp.auth_failed", look * 8), drop_row("ip4.ttl_exceeded", 3))});
    Json rows = Json::array();
    for (std::size_t i = 0; i < sas; ++i) {
      const auto number = static_cast<unsigned>(i);
      rows.push_back(sa_row(prefix + std::to_string(i), look * 2 * i, number));
    }
    model.look_at_sas(hello_at(at), part_of(rows));
  }
  return model;
}

std::vector<std::string> lines_of(const Frame& frame) {
  std::vector<std::string> lines;
  const std::string text = text_of(frame);
  for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1)
    lines.push_back(text.substr(at, text.find('\n', at) - at));
  return lines;
}

// The first line that begins so.
std::string line_that_begins(const Frame& frame, const std::string& begin) {
  for (const std::string& line : lines_of(frame))
    if (line.starts_with(begin)) return line;
  return "no line begins with " + begin;
}

TEST(TopLayout, FitsEverySizeWhateverIsToBeShown) {
  for (const std::size_t sas : {0U, 1U, 300U}) {
    const Model model = busy_gateway(sas, std::string(90, 'n'));
    for (const Size size : {Size{80, 24}, Size{132, 50}, Size{40, 10}, Size{40, 8}, Size{400, 200}, Size{41, 300},
                            Size{300, 9}, Size{10, 3}, Size{1, 1}, Size{20, 40}}) {
      for (std::size_t what = 0; what < kSectionCount; ++what) {
        for (const char* trouble :
             {"", "a very long sentence of what is wrong with the gateway: nobody knows where it went"}) {
          View view{.large = static_cast<What>(what), .trouble = trouble};
          const auto lines = lines_of(layout(model, view, size));
          EXPECT_LE(lines.size(), size.height);
          for (const std::string& line : lines)
            EXPECT_LE(columns_of(line), size.width) << size.width << "x" << size.height << ": " << line;
        }
      }
    }
  }
}

TEST(TopLayout, EightyColumnsHaveAllSections) {
  const Model model = busy_gateway(10'000);
  View view;
  const Frame frame = layout(model, view, {80, 24});
  ASSERT_EQ(frame.size(), 24U);
  const auto lines = lines_of(frame);
  EXPECT_EQ(lines[0], "strata gw-a  up 00:00:04  every 1 s                           SAs: busiest first");
  EXPECT_EQ(lines[1], "in 1.23M pkt/s 987M bit/s  out 1.00M pkt/s 400M bit/s  dropped 4 pkt/s");
  EXPECT_EQ(line_that_begins(frame, "ports"),
            "ports     link  rx pkt/s  rx bit/s  tx pkt/s  tx bit/s  lost/s  history");
  EXPECT_EQ(line_that_begins(frame, "wan").substr(0, 64),
            "wan       up       1.23M      987M         0         0     0.5  ");
  EXPECT_TRUE(line_that_begins(frame, "wan").ends_with(" █"));
  EXPECT_EQ(line_that_begins(frame, "workers").substr(0, 36), "workers  CPU                     loa");
  EXPECT_NE(line_that_begins(frame, "1        any").find("97 %"), std::string::npos);
  EXPECT_NE(line_that_begins(frame, "stages 2/6").find("pkt/s"), std::string::npos);
  EXPECT_NE(line_that_begins(frame, "SAs 8/10000").find("SPI"), std::string::npos);
  EXPECT_NE(line_that_begins(frame, "esp.auth_failed").find(" 4 "), std::string::npos);
  EXPECT_EQ(lines[23], "q quit  Tab section  s sort  p pause  1 2 5 seconds  ? help");
}

TEST(TopLayout, TheBusiestSasComeFirstAndScroll) {
  const Model model = busy_gateway(10'000);
  View view;
  // Rates within a twentieth are alike, and stand in the gateway's order.
  const std::string first = line_that_begins(layout(model, view, {80, 24}), "from-");
  EXPECT_GE(std::stoi(first.substr(5)), 9500) << first;
  view.scroll = 1'000'000'000;
  const std::string end = text_of(layout(model, view, {80, 24}));
  EXPECT_EQ(view.scroll, 10'000 - view.page);
  EXPECT_NE(end.find("\nfrom-0 "), std::string::npos);
  EXPECT_EQ(end.find("\nfrom-" + std::to_string(view.page) + " "), std::string::npos);
  EXPECT_NE(end.find("\nfrom-" + std::to_string(view.page - 1) + " "), std::string::npos);
}

TEST(TopLayout, SasThatCarryMuchTheSameDoNotChangePlaces) {
  Model model;
  for (const std::uint64_t look : {0, 1})
    model.look_at_sas(
        hello_at(1 + static_cast<double>(look)),
        part_of(list(sa_row("a", look * 1000, 1), sa_row("b", look * 1001, 2), sa_row("c", look * 2000, 3))));
  View view;
  const std::string text = text_of(layout(model, view, {80, 24}));
  EXPECT_LT(text.find("\nc "), text.find("\na "));
  EXPECT_LT(text.find("\na "), text.find("\nb "));
}

TEST(TopLayout, OtherOrders) {
  const Model model = busy_gateway(12);
  const auto first_of = [&](Sort sort) {
    View view;
    view.sort[static_cast<std::size_t>(What::sas)] = sort;
    return line_that_begins(layout(model, view, {80, 24}), "from-").substr(0, 8);
  };
  EXPECT_EQ(first_of(Sort::given), "from-0  ");
  EXPECT_EQ(first_of(Sort::rate), "from-11 ");
  EXPECT_EQ(first_of(Sort::total), "from-11 ");
  EXPECT_EQ(first_of(Sort::name), "from-0  ");
}

TEST(TopLayout, TheLargeSectionHasTheRows) {
  const Model model = busy_gateway(100);
  View view{.large = What::stages};
  const std::string text = text_of(layout(model, view, {80, 24}));
  for (const char* step : {"classify", "host_input", "esp_open", "local_sid", "end_dx4", "ip4_forward"})
    EXPECT_NE(text.find("\n" + std::string(step) + " "), std::string::npos) << step;
  EXPECT_EQ(text.find("fragment"), std::string::npos);
}

TEST(TopLayout, ALargeScreenHasWhyAndPeersAndGaps) {
  const Model model = busy_gateway(5);
  View view;
  const std::string text = text_of(layout(model, view, {200, 60}));
  EXPECT_NE(text.find("a sentence"), std::string::npos);
  EXPECT_NE(text.find("192.0.2.2"), std::string::npos);
  EXPECT_NE(text.find("\n\nSAs "), std::string::npos);
}

TEST(TopLayout, ASmallScreenHasTheLargeSection) {
  const Model model = busy_gateway(100);
  for (std::size_t what = 0; what < kSectionCount; ++what) {
    View view{.large = static_cast<What>(what)};
    const std::string title(section_of(view.large, model, view.glyphs).title);
    const std::string text = text_of(layout(model, view, {40, 8}));
    EXPECT_NE(text.find("\n" + title), std::string::npos) << text;
  }
}

TEST(TopLayout, TooSmallIsSaid) {
  Model model;
  View view;
  EXPECT_EQ(text_of(layout(model, view, {30, 5})), "strata top: this terminal is\n30x5; make it 40x8 or larger\n");
}

TEST(TopLayout, NothingYetIsSaid) {
  Model model;
  View view;
  const std::string text = text_of(layout(model, view, {80, 24}));
  for (const char* none : {"no port", "no worker", "no packet yet", "no security association"})
    EXPECT_NE(text.find(none), std::string::npos) << none;
}

TEST(TopLayout, TroubleAndPauseAreSaid) {
  const Model model = busy_gateway(3);
  View view{.is_paused = true, .trouble = "no gateway runs at /run/strata/strata.sock any more"};
  const auto lines = lines_of(layout(model, view, {80, 24}));
  EXPECT_NE(lines[0].find("PAUSED"), std::string::npos);
  EXPECT_EQ(lines[1], view.trouble);
  EXPECT_EQ(lines.size(), 24U);
}

TEST(TopLayout, HelpFits) {
  Model model;
  View view{.has_help = true};
  for (const Size size : {Size{40, 8}, Size{80, 24}}) {
    const Frame frame = layout(model, view, size);
    EXPECT_LE(frame.size(), size.height);
    for (const std::string& line : lines_of(frame)) EXPECT_LE(columns_of(line), size.width);
  }
}

TEST(TopLayout, AsciiIsAllThatAnAsciiTerminalGets) {
  const Model model = busy_gateway(30, std::string(60, 'x'));
  View view{.glyphs = Glyphs::ascii};
  for (const char c : text_of(layout(model, view, {132, 50}))) EXPECT_TRUE(c == '\n' || (c >= ' ' && c <= '~'));
}

TEST(TopLayout, AllRowsFitIntoTheHeightOfAll) {
  const Model model = busy_gateway(500);
  View view{.most_rows = 20, .has_keys = false};
  const Frame frame = layout(model, view, {120, height_of_all(model, view)});
  EXPECT_EQ(frame.size(), height_of_all(model, view));
  const std::string text = text_of(frame);
  EXPECT_NE(text.find("SAs 20/500"), std::string::npos);
  EXPECT_NE(text.find("\nip4.ttl_exceeded"), std::string::npos);
  EXPECT_NE(text.find("\nip4_forward"), std::string::npos);
}

}  // namespace
}  // namespace strata::top
