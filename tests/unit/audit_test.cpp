#include "dataplane/ipsec/audit.hpp"

#include <gtest/gtest.h>

namespace strata {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr Origin kFrom(SaId(4), PortId(1), Side::unprotected_side, static_cast<Arrival>(9));

AuditEvent event(Cause cause, std::uint32_t sequence = 0) {
  return {.cause = cause,
          .from = kFrom,
          .spi = 0x1001,
          .sequence = sequence,
          .source = {0xc0000202},
          .destination = {0xc0000201}};
}

std::vector<AuditEvent> collected(Audit& audit) {
  std::vector<AuditEvent> events;
  audit.collect([&](const AuditEvent& e) { events.push_back(e); });
  return events;
}

TEST(AuditLog, Duty14_KeepsWhatRfc4303AsksFor) {
  Audit audit;
  audit.set_time(1'700'000'000'000'000'042);
  audit.note(event(Cause::esp_no_sa, 7));
  const auto events = collected(audit);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].time_ns, 1'700'000'000'000'000'042u);
  EXPECT_EQ(events[0].cause, Cause::esp_no_sa);
  EXPECT_EQ(events[0].spi, 0x1001u);
  EXPECT_EQ(events[0].sequence, 7u);
  EXPECT_EQ(events[0].source.value, 0xc0000202u);
  EXPECT_EQ(events[0].destination.value, 0xc0000201u);
  EXPECT_EQ(events[0].from.sa(), SaId(4));
  EXPECT_EQ(events[0].from.port(), PortId(1));
  EXPECT_EQ(events[0].from.place(), static_cast<Arrival>(9));
  EXPECT_FALSE(events[0].inner);
  EXPECT_TRUE(collected(audit).empty()) << "collected events are forgotten";
}

TEST(AuditLog, KeepsTheInnerAddresses) {
  Audit audit;
  AuditEvent made = event(Cause::policy_selector_mismatch);
  made.inner.emplace();
  made.inner->source.octets[15] = 1;
  made.inner->destination.octets[15] = 2;
  audit.note(made);
  const auto events = collected(audit);
  ASSERT_EQ(events.size(), 1u);
  ASSERT_TRUE(events[0].inner);
  EXPECT_EQ(events[0].inner->source.octets[15], 1);
  EXPECT_EQ(events[0].inner->destination.octets[15], 2);
}

TEST(AuditLog, SoManyOfACauseInASecond) {
  Audit audit;
  audit.set_time(5 * kSecond);
  for (std::uint32_t i = 0; i < 25; ++i) audit.note(event(Cause::esp_replayed, i));
  audit.note(event(Cause::esp_auth_failed, 100));
  auto events = collected(audit);
  ASSERT_EQ(events.size(), Audit::kPerSecond + 1u);
  for (std::uint32_t i = 0; i < Audit::kPerSecond; ++i) EXPECT_EQ(events[i].sequence, i) << "the first are kept";
  EXPECT_EQ(events.back().cause, Cause::esp_auth_failed) << "a flood of one cause hides no other";
  EXPECT_EQ(audit.suppressed(), 15u);

  // To collect them buys no more in the same second; the next second does.
  audit.set_time(6 * kSecond - 1);
  audit.note(event(Cause::esp_replayed));
  EXPECT_TRUE(collected(audit).empty());
  EXPECT_EQ(audit.suppressed(), 16u);
  audit.set_time(6 * kSecond);
  audit.note(event(Cause::esp_replayed));
  EXPECT_EQ(collected(audit).size(), 1u);
  EXPECT_EQ(audit.suppressed(), 16u);
}

TEST(AuditLog, ACauseMayComeInTheFirstSecondOfAll) {
  Audit audit;
  for (int i = 0; i < 11; ++i) audit.note(event(Cause::esp_no_sa));
  EXPECT_EQ(collected(audit).size(), 10u);
  EXPECT_EQ(audit.suppressed(), 1u);
}

TEST(AuditLog, IsBoundedWhenNobodyCollects) {
  Audit audit;
  std::uint64_t noted = 0;
  for (std::uint64_t second = 1; second < 100; ++second) {
    audit.set_time(second * kSecond);
    for (int i = 0; i < 9; ++i, ++noted) audit.note(event(Cause::esp_replayed));
  }
  EXPECT_EQ(audit.suppressed(), noted - Audit::kKept);
  const auto events = collected(audit);
  ASSERT_EQ(events.size(), Audit::kKept);
  EXPECT_EQ(events.front().time_ns, kSecond);
  audit.note(event(Cause::esp_replayed));
  EXPECT_EQ(collected(audit).size(), 1u) << "there is room again";
}

TEST(AuditLog, Duty72_CountsMarksThatNoHonestPathMakes) {
  Audit audit;
  std::uint64_t anomalous = 0;
  for (std::uint8_t outer = 0; outer < 4; ++outer)
    for (std::uint8_t inner = 0; inner < 4; ++inner) {
      const wire::EcnDecap ecn = wire::ecn_decapsulate(static_cast<wire::Ecn>(outer), static_cast<wire::Ecn>(inner));
      anomalous += ecn.anomalous ? 1 : 0;
      audit.note_ecn(ecn);
    }
  EXPECT_GT(anomalous, 0u);
  EXPECT_EQ(audit.ecn_anomalies(), anomalous);
  EXPECT_TRUE(collected(audit).empty());
}

}  // namespace
}  // namespace strata
