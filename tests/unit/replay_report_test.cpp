// The report of `strata replay`, for people and as JSON.
#include "replay/report.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

namespace strata::replay {
namespace {

std::uint64_t& count(Report& report, Cause cause) { return report.causes[static_cast<std::size_t>(cause)]; }

Report sample() {
  Report report;
  report.config = "a.yaml";
  report.received = 8;
  report.sent = 3;
  count(report, Cause::esp_replayed) = 2;
  count(report, Cause::esp_auth_failed) = 1;
  count(report, Cause::ip4_ttl_exceeded) = 1;
  count(report, Cause::esp_nat_keepalive) = 1;
  report.ports = {{"wan", 8, 0}, {"lan", 0, 3}};
  report.security_associations = {{"from-b", 3, 360}};
  report.local_sids = {{"fc00:1::d4/128", 3, 360}};
  report.audit.push_back({.cause = Cause::esp_replayed,
                          .port = "wan",
                          .spi = 0x1001,
                          .source = "192.0.2.2",
                          .destination = "192.0.2.1",
                          .sequence = 7,
                          .time_ns = 1'700'000'000'000'001'000});
  return report;
}

ExplainedPacket replayed() {
  return {.number = 3,
          .port = "wan",
          .summary = "192.0.2.2 > 192.0.2.1 ESP spi 0x00001001 seq 7, 132 octets",
          .steps = {"classify: IPv4 to own address", "esp_open: from-b, sequence 7"},
          .end = End::dropped,
          .cause = Cause::esp_replayed,
          .reason = {},
          .to = {}};
}

TEST(Report, ForPeople) {
  EXPECT_EQ(to_text(sample()),
            "port  received  sent\n"
            "wan          8     0\n"
            "lan          0     3\n"
            "\n"
            "dropped           packets  why\n"
            "ip4.ttl_exceeded        1  the IPv4 TTL was 1 or 0 on arrival (RFC 1812 5.3.1)\n"
            "esp.replayed            2  this sequence number was received before (RFC 4303 3.4.3)\n"
            "esp.auth_failed         1  the ICV is wrong: altered on the way, or not the peer's key (RFC 4303 3.4.4)\n"
            "\n"
            "consumed           packets  why\n"
            "esp.nat_keepalive        1  a NAT keepalive (one octet FF) (RFC 3948 2.3)\n"
            "\n"
            "SA      packets  octets\n"
            "from-b        3     360\n"
            "\n"
            "local SID       packets  octets\n"
            "fc00:1::d4/128        3     360\n"
            "\n"
            "audit         port  SPI     source     destination  sequence\n"
            "esp.replayed  wan   0x1001  192.0.2.2  192.0.2.1           7\n"
            "\n"
            "8 received + 0 generated = 3 sent + 4 dropped + 1 consumed + 0 punted + 0 parked: balanced\n");
}

TEST(Report, SaysWhatIsMissing) {
  Report report = sample();
  report.received = 9;
  EXPECT_TRUE(to_text(report).ends_with("0 parked: NOT balanced: 1 missing\n"));
  EXPECT_FALSE(to_json(report)["balanced"].get<bool>());
  report.received = 6;
  EXPECT_TRUE(to_text(report).ends_with("0 parked: NOT balanced: 2 too many\n"));
  report.generated = 1;
  report.sent = 1;
  report.parked = 1;
  EXPECT_TRUE(report.balanced());
}

TEST(Report, OneLineAPacket) {
  EXPECT_EQ(to_line(replayed()),
            "#3 wan 192.0.2.2 > 192.0.2.1 ESP spi 0x00001001 seq 7, 132 octets | classify: IPv4 to own address | "
            "esp_open: from-b, sequence 7 | dropped esp.replayed: this sequence number was received before "
            "(RFC 4303 3.4.3)\n");
  ExplainedPacket sent = replayed();
  sent.end = End::sent;
  sent.cause.reset();
  sent.to = "lan";
  EXPECT_TRUE(to_line(sent).ends_with(" | sent to lan\n"));
  sent.reason = "to 10.1.0.2";
  EXPECT_TRUE(to_line(sent).ends_with(" | sent to lan: to 10.1.0.2\n"));
}

TEST(Report, ExpectationsAndErrorsAreTold) {
  Report report = sample();
  report.expect = {{.port = "lan", .file = "e.pcap", .difference = Difference{2, "packet 2 differs\n"}, .error = {}},
                   {.port = "wan", .file = "w.pcap", .difference = {}, .error = {}},
                   {.port = "dmz", .file = "d.pcap", .difference = {}, .error = "d.pcap: empty file, not a capture"}};
  report.errors = {"in.pcap: truncated after packet 8: tried to read 16 bytes, only got 3"};
  const std::string text = to_text(report);
  EXPECT_NE(text.find("expect lan: not as in e.pcap; the first difference:\npacket 2 differs\n"), text.npos);
  EXPECT_NE(text.find("expect wan: as in w.pcap\n"), text.npos);
  EXPECT_NE(text.find("expect dmz: d.pcap: empty file, not a capture\n"), text.npos);
  EXPECT_NE(text.find("error: in.pcap: truncated after packet 8"), text.npos);

  const auto json = to_json(report);
  EXPECT_EQ(
      json["expect"][0],
      (nlohmann::ordered_json{{"port", "lan"}, {"match", false}, {"packet", 2}, {"difference", "packet 2 differs\n"}}));
  EXPECT_EQ(json["expect"][1], (nlohmann::ordered_json{{"port", "wan"}, {"match", true}}));
  EXPECT_FALSE(json["expect"][2]["match"].get<bool>());
  EXPECT_EQ(json["errors"].size(), 1u);
}

TEST(Report, AsJson) {
  const auto json = to_json(sample());
  EXPECT_EQ(json["config"], "a.yaml");
  EXPECT_EQ(json["received"], 8);
  EXPECT_EQ(json["dropped"].dump(), R"({"ip4.ttl_exceeded":1,"esp.replayed":2,"esp.auth_failed":1})");
  EXPECT_EQ(json["consumed"].dump(), R"({"esp.nat_keepalive":1})");
  EXPECT_EQ(json["punted"].dump(), "{}") << "an object even when there is nothing in it";
  EXPECT_EQ(json["ports"].dump(), R"({"wan":{"received":8,"sent":0},"lan":{"received":0,"sent":3}})");
  EXPECT_EQ(json["security_associations"].dump(), R"({"from-b":{"packets":3,"bytes":360}})");
  EXPECT_EQ(json["audit"].dump(),
            R"([{"cause":"esp.replayed","port":"wan","spi":"0x1001","source":"192.0.2.2","destination":"192.0.2.1",)"
            R"("sequence":7,"time":1700000000.000001}])");
  EXPECT_TRUE(json["balanced"].get<bool>());
  EXPECT_FALSE(json.contains("packets")) << "only with --explain";
}

TEST(Report, ExplainedPacketsAsJson) {
  Report report = sample();
  report.explained = true;
  EXPECT_EQ(to_json(report)["packets"].dump(), "[]");
  report.packets = {replayed()};
  const auto json = to_json(report)["packets"][0];
  EXPECT_EQ(json["number"], 3);
  EXPECT_EQ(json["end"], "dropped");
  EXPECT_EQ(json["cause"], "esp.replayed");
  EXPECT_EQ(json["reason"], "this sequence number was received before (RFC 4303 3.4.3)");
  EXPECT_TRUE(json["to"].is_null());
  EXPECT_EQ(json["steps"].size(), 2u);
}

TEST(Report, AuditOfAnOpenedPacketHasNoSequence) {
  Report report = sample();
  report.audit.front().sequence.reset();
  report.audit_suppressed = 2;
  EXPECT_TRUE(to_json(report)["audit"][0]["sequence"].is_null());
  EXPECT_EQ(to_json(report)["audit_suppressed"], 2);
  EXPECT_NE(to_text(report).find("esp.replayed  wan   0x1001  192.0.2.2  192.0.2.1\nand 2 more\n"), std::string::npos)
      << to_text(report);
}

// Every key, at whatever depth, except those that are names the user gave or causes.
void keys_of(const nlohmann::ordered_json& json, const std::string& above, std::vector<std::string>& keys) {
  const bool named = above == "ports" || above == "security_associations" || above == "local_sids";
  const bool causes = above == "dropped" || above == "consumed" || above == "punted";
  for (const auto& item : json.items()) {
    const bool key = json.is_object() && !named && !causes;
    if (key) keys.push_back(item.key());
    if (item.value().is_structured()) keys_of(item.value(), key ? item.key() : "", keys);
  }
}

TEST(Report, TheReferenceNamesEveryKey) {
  std::ifstream file(STRATA_SOURCE_ROOT "/docs/replay.md");
  const std::string reference(std::istreambuf_iterator<char>(file), {});
  ASSERT_FALSE(reference.empty());
  Report report = sample();
  report.explained = true;
  report.packets = {replayed()};
  report.expect = {{.port = "lan", .file = "e.pcap", .difference = Difference{2, "text"}, .error = "error"}};
  std::vector<std::string> keys;
  keys_of(to_json(report), "", keys);
  EXPECT_GT(keys.size(), 35u);
  for (const std::string& key : keys) EXPECT_NE(reference.find("`" + key + "`"), reference.npos) << key;
}

TEST(Report, EachFateHasItsEnd) {
  EXPECT_EQ(end_of(Fate::dropped), End::dropped);
  EXPECT_EQ(end_of(Fate::consumed), End::consumed);
  EXPECT_EQ(end_of(Fate::punted), End::punted);
}

TEST(Report, NamesThatAreNoUtf8DoNotThrow) {
  Report report = sample();
  report.config = "\xff.yaml";
  EXPECT_NE(to_json_text(report).find("\xef\xbf\xbd.yaml"), std::string::npos);
}

}  // namespace
}  // namespace strata::replay
