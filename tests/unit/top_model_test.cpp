// What strata top makes of answers: rates from two looks, histories, and who is gone.
#include "cli/top/model.hpp"

#include <gtest/gtest.h>

#include "cli/top/to_json.hpp"
#include "tests/unit/top_answers.hpp"

namespace strata::top {
namespace {

constexpr std::optional<double> kUnknown;

TEST(TopRate, OneLookIsNoRate) {
  Rate rate;
  rate.look(5000, 10);
  EXPECT_EQ(rate.per_second(), kUnknown);
  EXPECT_EQ(rate.total(), 5000U);
}

TEST(TopRate, IsBetweenTheLastTwoLooksByTheGatewaysClock) {
  Rate rate;
  rate.look(1000, 10);
  rate.look(1500, 12);
  EXPECT_EQ(rate.per_second(), 250);
  rate.look(1500, 13);
  EXPECT_EQ(rate.per_second(), 0);
}

TEST(TopRate, OfTwoLooksAtOneMomentThereIsNone) {
  Rate rate;
  rate.look(1000, 10);
  rate.look(1500, 10);
  EXPECT_EQ(rate.per_second(), kUnknown);
}

TEST(TopRate, ACounterThatBeginsAnewIsNotNegative) {
  Rate rate;
  rate.look(1000, 10);
  rate.look(30, 11);
  EXPECT_EQ(rate.per_second(), 30);
}

TEST(TopRate, UpToTheLargestNumbers) {
  Rate rate;
  rate.look(UINT64_MAX - 8, 10);
  rate.look(UINT64_MAX, 12);
  EXPECT_EQ(rate.per_second(), 4);
}

TEST(TopHistory, KeepsTheNewestAndSaysWhatIsNotKnown) {
  History history;
  EXPECT_EQ(history.at(0), std::nullopt);
  for (std::size_t i = 0; i < History::kPoints + 5; ++i) history.add(static_cast<double>(i));
  history.add(std::nullopt);
  EXPECT_EQ(history.size(), History::kPoints);
  EXPECT_EQ(history.at(0), std::nullopt);
  EXPECT_EQ(history.at(1), static_cast<float>(History::kPoints + 4));
  EXPECT_EQ(history.at(History::kPoints - 1), 6.0F);
  EXPECT_EQ(history.at(History::kPoints), std::nullopt);
}

TEST(TopModel, RatesOfPortsWorkersAndStages) {
  Model model;
  EXPECT_TRUE(model.empty());
  model.look({hello_at(10), list(port_row("wan", 100, 0), port_row("lan", 0, 90)), list(worker_row(0, 0.25, 100)),
              list(stage_row("classify", 100)), list()});
  model.look({hello_at(12), list(port_row("wan", 300, 0, 6), port_row("lan", 0, 280)), list(worker_row(0, 0.75, 300)),
              list(stage_row("classify", 300)), list()});
  EXPECT_EQ(model.name(), "gw-a");
  EXPECT_EQ(model.seconds(), 12);
  ASSERT_EQ(model.ports().size(), 2U);
  EXPECT_EQ(model.ports()[0].received.per_second(), 100);
  EXPECT_EQ(model.ports()[0].received_bytes.per_second(), 10000);
  EXPECT_EQ(model.ports()[0].lost.per_second(), 3);
  EXPECT_EQ(model.ports()[1].sent.per_second(), 95);
  EXPECT_EQ(model.ports()[1].history.at(0), 95.0F);
  EXPECT_EQ(model.ports()[1].history.at(1), std::nullopt);
  EXPECT_EQ(model.workers()[0].busy, 0.75);
  EXPECT_EQ(model.workers()[0].history.at(1), 0.25F);
  EXPECT_EQ(model.workers()[0].received.per_second(), 100);
  EXPECT_EQ(model.stages()[0].packets.per_second(), 100);
  EXPECT_EQ(model.dropped_per_second(), 0);
}

TEST(TopModel, ACauseThatIsNewlyThereBeganSinceTheLastLook) {
  Model model;
  model.look(glance_at(10, list(), list(drop_row("esp.replayed", 50))));
  EXPECT_EQ(model.dropped_per_second(), kUnknown);
  model.look(glance_at(
      12, list(),
      list(drop_row("esp.auth_failed", 80), drop_row("esp.replayed", 60), drop_row("arp.answered", 1000, "consumed"))));
  ASSERT_EQ(model.drops().size(), 3U);
  EXPECT_EQ(model.drops()[0].cause, "esp.auth_failed");
  EXPECT_EQ(model.drops()[0].packets.per_second(), 40);
  EXPECT_EQ(model.drops()[1].packets.per_second(), 5);
  EXPECT_EQ(model.dropped_per_second(), 45);
}

TEST(TopModel, APortThatIsGoneIsForgotten) {
  Model model;
  model.look(glance_at(10, list(port_row("wan", 1, 1), port_row("lan", 2, 2))));
  model.look(glance_at(11, list(port_row("lan", 4, 2))));
  ASSERT_EQ(model.ports().size(), 1U);
  EXPECT_EQ(model.ports()[0].name, "lan");
  EXPECT_EQ(model.ports()[0].received.per_second(), 2);
}

TEST(TopModel, AnotherStartOfTheGatewayBeginsAnew) {
  for (const Json& hello : {hello_at(11, 8), hello_at(3, 7)}) {
    Model model;
    model.look(glance_at(9, list(port_row("wan", 1000, 0))));
    model.look(glance_at(10, list(port_row("wan", 2000, 0)), list(drop_row("esp.replayed", 3))));
    model.look({hello, list(port_row("wan", 5000, 0)), list(), list(), list()});
    EXPECT_EQ(model.ports()[0].received.per_second(), kUnknown);
    EXPECT_EQ(model.ports()[0].history.size(), 1U);
    EXPECT_TRUE(model.drops().empty());
  }
}

TEST(TopModel, AfterAPauseThereIsAGapAndNoRateOverIt) {
  Model model;
  model.look(glance_at(10, list(port_row("wan", 1000, 0)), list(drop_row("esp.replayed", 3))));
  model.look(glance_at(11, list(port_row("wan", 2000, 0)), list(drop_row("esp.replayed", 4))));
  model.interrupt();
  model.look(glance_at(100, list(port_row("wan", 3000, 0)), list(drop_row("esp.replayed", 4))));
  EXPECT_EQ(model.ports()[0].received.per_second(), kUnknown);
  EXPECT_EQ(model.dropped_per_second(), kUnknown);
  model.look(glance_at(101, list(port_row("wan", 3500, 0)), list(drop_row("esp.replayed", 4))));
  EXPECT_EQ(model.ports()[0].received.per_second(), 500);
  EXPECT_EQ(model.ports()[0].history.at(1), std::nullopt);
  EXPECT_EQ(model.ports()[0].history.at(2), 1000.0F);
}

TEST(TopModel, SasComeInParts) {
  Model model;
  model.look_at_sas(hello_at(10), part_of(list(sa_row("a", 100, 1), sa_row("b", 100, 2)), 2));
  model.look_at_sas(hello_at(11), part_of(list(sa_row("c", 100, 3))));
  // Each by its own two looks.
  model.look_at_sas(hello_at(12), part_of(list(sa_row("a", 300, 1), sa_row("b", 100, 2)), 2));
  model.look_at_sas(hello_at(15), part_of(list(sa_row("c", 900, 3))));
  ASSERT_EQ(model.sas().size(), 3U);
  EXPECT_EQ(model.sas()[0].packets.per_second(), 100);
  EXPECT_EQ(model.sas()[0].bytes.per_second(), 100000);
  EXPECT_EQ(model.sas()[1].packets.per_second(), 0);
  EXPECT_EQ(model.sas()[2].packets.per_second(), 200);
}

TEST(TopModel, SasComeAndGo) {
  Model model;
  model.look_at_sas(hello_at(10), part_of(list(sa_row("a", 100, 1), sa_row("b", 100, 2), sa_row("c", 7, 3))));
  // b is gone; a was rekeyed, and the new one is there since the round before; c comes twice, as the table moved.
  model.look_at_sas(hello_at(12), part_of(list(sa_row("a", 150, 1), sa_row("a", 40, 9), sa_row("c", 9, 3)), 3));
  model.look_at_sas(hello_at(13), part_of(list(sa_row("c", 9, 3))));
  ASSERT_EQ(model.sas().size(), 3U);
  EXPECT_EQ(model.sas()[0].name, "a");
  EXPECT_EQ(model.sas()[0].packets.per_second(), 25);
  EXPECT_EQ(model.sas()[1].name, "c");
  EXPECT_EQ(model.sas()[1].packets.per_second(), 1);
  EXPECT_EQ(model.sas()[2].spi, 9U);
  EXPECT_EQ(model.sas()[2].packets.per_second(), 20);
  model.look_at_sas(hello_at(14), part_of(list(sa_row("c", 19, 3))));
  ASSERT_EQ(model.sas().size(), 1U);
  EXPECT_EQ(model.sas()[0].packets.per_second(), 5);
}

TEST(TopModel, AnswersOfAnotherShapeDoNoHarm) {
  Model model;
  model.look({Json(), Json(), Json(5), Json("text"), list(Json(1), Json::object())});
  model.look_at_sas(Json("x"), Json());
  model.look_at_sas(hello_at(1), part_of(list(Json(), Json{{"name", 5}, {"spi", 5}, {"packets", -1}})));
  EXPECT_EQ(model.sas().size(), 2U);
}

TEST(TopModel, AsJson) {
  Model model;
  model.look(glance_at(10, list(port_row("wan", 0, 0))));
  model.look_at_sas(hello_at(10), part_of(list(sa_row("a", 100, 1))));
  EXPECT_EQ(to_json(model)["sas"][0]["packets_per_second"], nullptr);
  model.look(glance_at(12, list(port_row("wan", 10, 0)), list(drop_row("esp.replayed", 4))));
  const Json json = to_json(model);
  EXPECT_EQ(json["ports"][0]["received_per_second"], 5);
  EXPECT_EQ(json["drops"][0]["packets_per_second"], 2);
  EXPECT_EQ(json["workers"][0]["busy"], 0.5);
  EXPECT_EQ(json["stages"][0]["packets"], 10);
}

}  // namespace
}  // namespace strata::top
