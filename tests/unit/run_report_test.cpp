// The report of `strata run`, for people and as JSON, and its lines of rates.
#include "control/run_report.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "control/rates.hpp"

namespace strata {
namespace {

RunReport sample() {
  RunReport report;
  report.config = "a.yaml";
  report.received = 8;
  report.sent = 6;
  report.causes[static_cast<std::size_t>(Cause::esp_replayed)] = 2;
  report.ports = {{"wan", 8, 0}, {"lan", 0, 6}};
  report.security_associations = {{"from-b", 6, 720}};
  report.local_sids = {{"fc00:1::d4/128", 6, 720}};
  report.audit_suppressed = 3;
  report.ecn_anomalies = 1;
  report.seconds = 12.34;
  report.devices = {{.port = "wan",
                     .device = "net_tap0,iface=t0",
                     .received = 8,
                     .received_octets = 1152,
                     .missed = 4,
                     .no_buffers = 5,
                     .bad = 7,
                     .sent = 0,
                     .sent_octets = 0,
                     .not_sent = 9}};
  report.workers = {{.cpu = 2, .received = 8, .handed_over = 3, .busy = 0.25},
                    {.cpu = {}, .received = 0, .handed_over = 0, .busy = 0.5}};
  report.buffers_missing = 0;
  return report;
}

TEST(RunReport, ForPeople) {
  EXPECT_EQ(to_text(sample()),
            "port  received  sent\n"
            "wan          8     0\n"
            "lan          0     6\n"
            "\n"
            "dropped       packets  why\n"
            "esp.replayed        2  this sequence number was received before (RFC 4303 3.4.3)\n"
            "\n"
            "SA      packets  octets\n"
            "from-b        6     720\n"
            "\n"
            "local SID       packets  octets\n"
            "fc00:1::d4/128        6     720\n"
            "\n"
            "device             received  missed  no buffer  bad  sent  not sent\n"
            "net_tap0,iface=t0         8       4          5    7     0         9\n"
            "\n"
            "worker  CPU  received  handed over  busy %\n"
            "     0  2           8            3    25.0\n"
            "     1  any         0            0    50.0\n"
            "\n"
            "1 ECN marks that no honest path makes (RFC 6040 4.2), forwarded all the same\n"
            "\n"
            "12.3 s; 3 audit events were counted, not told; all packet buffers came back\n"
            "8 received + 0 generated = 6 sent + 2 dropped + 0 consumed + 0 punted + 0 parked: balanced\n");
}

TEST(RunReport, SaysWhatIsLost) {
  RunReport report = sample();
  report.buffers_missing = 2;
  report.errors = {"something"};
  report.sent = 5;
  const std::string text = to_text(report);
  EXPECT_NE(text.find("error: something\n"), std::string::npos);
  EXPECT_NE(text.find("2 packet buffers are lost\n"), std::string::npos);
  EXPECT_NE(text.find("NOT balanced: 1 missing\n"), std::string::npos);
  EXPECT_EQ(to_json(report)["buffers_missing"], 2);
  EXPECT_EQ(to_json(report)["balanced"], false);
}

TEST(RunReport, WhileItRunsBuffersAreOnTheirWay) {
  RunReport report = sample();
  report.buffers_missing.reset();
  EXPECT_EQ(to_text(report).find("buffers"), std::string::npos);
  EXPECT_TRUE(to_json(report)["buffers_missing"].is_null());
}

TEST(RunReport, AsJson) {
  const nlohmann::ordered_json json = to_json(sample());
  EXPECT_EQ(json["config"], "a.yaml");
  EXPECT_EQ(json["dropped"], nlohmann::ordered_json({{"esp.replayed", 2}}));
  EXPECT_EQ(json["devices"]["wan"]["received_bytes"], 1152);
  EXPECT_EQ(json["devices"]["wan"]["no_buffers"], 5);
  EXPECT_EQ(json["devices"]["wan"]["not_sent"], 9);
  EXPECT_EQ(json["workers"][0]["cpu"], 2);
  EXPECT_EQ(json["workers"][0]["handed_over"], 3);
  EXPECT_EQ(json["workers"][0]["busy"], 0.25);
  EXPECT_TRUE(json["workers"][1]["cpu"].is_null());
  EXPECT_EQ(json["balanced"], true);
}

TEST(RunReport, TheReferenceNamesEveryKey) {
  std::ifstream file(STRATA_SOURCE_ROOT "/docs/running.md");
  const std::string reference(std::istreambuf_iterator<char>(file), {});
  ASSERT_FALSE(reference.empty());
  const nlohmann::ordered_json json = to_json(sample());
  std::size_t at = 0;
  for (const auto& item : json.items()) {
    const std::size_t found = reference.find("`" + item.key() + "`", at);
    EXPECT_NE(found, std::string::npos) << item.key() << ", or it is out of order";
    if (found != std::string::npos && item.key() != "dropped" && item.key() != "consumed") at = found;
  }
  for (const auto& item : json["workers"][0].items())
    EXPECT_NE(reference.find("`" + item.key() + "`"), std::string::npos) << item.key();
  for (const auto& item : json["devices"]["wan"].items())
    EXPECT_NE(reference.find("`" + item.key() + "`"), std::string::npos) << item.key();
}

TEST(Rates, AreThoseSinceTheLastLine) {
  Rates rates;
  DeviceCount count{.port = "wan", .device = {}, .received = 100, .received_octets = 100'000, .missed = 1, .sent = 50};
  EXPECT_EQ(rates.line(count, 2),
            "port wan: received 50 packets/s 0.400 Mbit/s, sent 25 packets/s 0.000 Mbit/s, 1 lost by the device");
  count.received = 160;
  EXPECT_EQ(rates.line(count, 2),
            "port wan: received 30 packets/s 0.000 Mbit/s, sent 0 packets/s 0.000 Mbit/s, 0 lost by the device");
}

TEST(Rates, OfADeviceThatCountsAnew) {
  Rates rates;
  rates.line({.port = "wan", .device = {}, .received = 100}, 1);
  EXPECT_EQ(rates.line({.port = "wan", .device = {}, .received = 7}, 1).find("port wan: received 7 packets/s"), 0u);
}

}  // namespace
}  // namespace strata
