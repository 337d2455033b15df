// The control socket's language: the schema against its documents, and lines against JSON-RPC 2.0.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <set>
#include <thread>

#include "control/cpu_time.hpp"
#include "control/rpc/dispatcher.hpp"
#include "control/rpc/schema_text.hpp"

namespace strata::rpc {
namespace {

std::string content_of(const std::string& path) {
  std::ifstream file(std::string(STRATA_SOURCE_ROOT) + "/" + path);
  EXPECT_TRUE(file.good()) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(RpcDocs, ReferenceIsTheSchemas) {
  const std::string text = content_of("docs/control.md");
  const std::size_t start = text.find('\n', text.find("<!-- reference begin")) + 1;
  EXPECT_EQ(text.substr(start, text.find("<!-- reference end") - start), reference_markdown())
      << "strata-control-docs --reference makes it anew";
}

TEST(RpcDocs, OpenRpcIsTheSchemas) {
  EXPECT_EQ(content_of("docs/control.openrpc.json"), openrpc().dump(2) + "\n")
      << "strata-control-docs --openrpc makes it anew";
}

TEST(RpcDocs, WhatIsInTheSchemaIsSaidAndNamedOnce) {
  std::set<std::string_view> names;
  for (const Method& method : methods()) {
    EXPECT_TRUE(names.insert(method.name).second) << method.name;
    EXPECT_FALSE(method.about.empty() || method.result.empty()) << method.name;
    EXPECT_TRUE(method.answer == Answer::object || method.params.empty()) << method.name;
    for (const Field& field : method.result) EXPECT_FALSE(field.about.empty()) << method.name << "." << field.name;
    for (const Field& field : method.params) EXPECT_FALSE(field.about.empty()) << method.name << "." << field.name;
  }
  std::set<int> codes;
  for (const Error& error : errors()) EXPECT_TRUE(codes.insert(error.code).second) << error.code;
}

// A method without parameters, a table, and one that has to be told something.
class RpcDispatcher : public testing::Test {
 protected:
  RpcDispatcher() {
    dispatcher_.add("hello", [this](ClientId client, const Request&) -> tl::expected<Json, Failure> {
      ++called_;
      last_client_ = client;
      return Json{{"program", "strata"}};
    });
    dispatcher_.add("show.ports", [this](ClientId, const Request& params) -> tl::expected<Json, Failure> {
      ++called_;
      return Json{{"params", params}};
    });
    dispatcher_.add("subscribe", [this](ClientId, const Request& params) -> tl::expected<Json, Failure> {
      ++called_;
      return Json{{"params", params}};
    });
    dispatcher_.add("report", [](ClientId, const Request&) -> tl::expected<Json, Failure> {
      return Json{{"report", std::string(kMostWaiting, 'x')}};
    });
    dispatcher_.add("show.config", [](ClientId, const Request&) -> tl::expected<Json, Failure> {
      return tl::unexpected(Failure{error::kTooLarge, "it is what it is"});
    });
  }

  std::string say(const std::string& line) { return dispatcher_.answer(ClientId{7}, line).line; }
  std::size_t requests_in(const std::string& line) { return dispatcher_.answer(ClientId{7}, line).requests; }
  int code_of(const std::string& line) {
    const Json answer = Json::parse(say(line));
    EXPECT_EQ(answer["jsonrpc"], "2.0");
    return answer["error"]["code"].get<int>();
  }

  Dispatcher dispatcher_;
  unsigned called_ = 0;
  ClientId last_client_{};
};

TEST_F(RpcDispatcher, ARequestIsAnswered) {
  EXPECT_EQ(say(R"({"jsonrpc":"2.0","method":"hello","id":1})"),
            R"({"jsonrpc":"2.0","result":{"program":"strata"},"id":1})");
  EXPECT_EQ(last_client_, ClientId{7});
}

TEST_F(RpcDispatcher, TheIdComesBackAsItWas) {
  for (const std::string id : {"0", "-5", "18446744073709551615", "1.5", R"("a \" b")", "null", R"("\u0000")"})
    EXPECT_NE(say(R"({"jsonrpc":"2.0","method":"hello","id":)" + id + "}").find(R"("id":)" + id + "}"),
              std::string::npos)
        << id;
}

TEST_F(RpcDispatcher, ANotificationIsDoneAndNotAnswered) {
  EXPECT_EQ(say(R"({"jsonrpc":"2.0","method":"hello"})"), "");
  EXPECT_EQ(called_, 1U);
  EXPECT_EQ(say(R"({"jsonrpc":"2.0","method":"nothing"})"), "");
  EXPECT_EQ(say(R"({"jsonrpc":"2.0","method":"hello","params":{"a":1}})"), "");
  EXPECT_EQ(called_, 1U);
}

TEST_F(RpcDispatcher, GarbageIsAParseError) {
  for (const std::string line : {"GET / HTTP/1.1", "{", "[1,2", "\"a", "{\"jsonrpc\": \"2.0\",}", "\xff\xfe", "nul",
                                 R"({"jsonrpc":"2.0","method":"hello","id":1} x)", "1e999"}) {
    EXPECT_EQ(code_of(line), error::kParse) << line;
    EXPECT_TRUE(Json::parse(say(line))["id"].is_null());
  }
}

TEST_F(RpcDispatcher, WhatIsNoRequestIsAnInvalidOne) {
  for (const std::string line :
       {"1", "null", "\"hello\"", "{}", R"({"method":"hello","id":1})", R"({"jsonrpc":"1.0","method":"hello","id":1})",
        R"({"jsonrpc":2.0,"method":"hello","id":1})", R"({"jsonrpc":"2.0","id":1})",
        R"({"jsonrpc":"2.0","method":1,"id":1})", R"({"jsonrpc":"2.0","method":"hello","id":{}})",
        R"({"jsonrpc":"2.0","method":"hello","id":[1]})", R"({"jsonrpc":"2.0","method":"hello","id":true})",
        R"({"jsonrpc":"2.0","method":"hello","params":1,"id":1})", "[]"})
    EXPECT_EQ(code_of(line), error::kInvalidRequest) << line;
  EXPECT_EQ(called_, 0U);
}

TEST_F(RpcDispatcher, AMethodThatIsNotThereIsNotFound) {
  for (const std::string name : {"", "Hello", "show", "hello ", "rpc.discover"})
    EXPECT_EQ(code_of(R"({"jsonrpc":"2.0","method":")" + name + R"(","id":1})"), error::kMethodNotFound) << name;
}

TEST_F(RpcDispatcher, ParametersAreWhatTheSchemaSays) {
  const auto with = [](const std::string& method, const std::string& params) {
    return R"({"jsonrpc":"2.0","method":")" + method + R"(","params":)" + params + R"(,"id":1})";
  };
  for (const std::string params : {"{}", "[]", R"({"from":0})", R"({"most":1})", R"({"from":9999999,"most":1000})"})
    EXPECT_EQ(Json::parse(say(with("show.ports", params))).contains("result"), true) << params;
  for (const std::string params :
       {R"({"from":-1})", R"({"from":1.0})", R"({"from":"1"})", R"({"from":null})", R"({"most":0})", R"({"most":1001})",
        R"({"first":1})", "[0]", R"({"":0})", R"({"from":18446744073709551616})"})
    EXPECT_EQ(code_of(with("show.ports", params)), error::kInvalidParams) << params;
  EXPECT_EQ(Json::parse(say(with("subscribe", R"({"events":["link"]})"))).contains("result"), true);
  for (const std::string params : {"{}", "[]", R"({"events":"link"})", R"({"events":["links"]})", R"({"events":[1]})",
                                   R"({"events":["link"],"drops_per_second":true})"})
    EXPECT_EQ(code_of(with("subscribe", params)), error::kInvalidParams) << params;
  EXPECT_EQ(code_of(with("hello", R"({"a":1})")), error::kInvalidParams);
}

TEST_F(RpcDispatcher, ABatchIsAnsweredInItsOrder) {
  const Json answers = Json::parse(say(R"([{"jsonrpc":"2.0","method":"hello","id":1}, 5,
      {"jsonrpc":"2.0","method":"hello"}, {"jsonrpc":"2.0","method":"none","id":"x"}])"));
  ASSERT_EQ(answers.size(), 3U);
  EXPECT_EQ(answers[0]["id"], 1);
  EXPECT_EQ(answers[1]["error"]["code"], error::kInvalidRequest);
  EXPECT_EQ(answers[2]["error"]["code"], error::kMethodNotFound);
  EXPECT_EQ(answers[2]["id"], "x");
  EXPECT_EQ(called_, 2U);
  EXPECT_EQ(say(R"([{"jsonrpc":"2.0","method":"hello"}])"), "");
}

TEST_F(RpcDispatcher, ABatchHasABound) {
  const auto batch = [](std::size_t n) {
    std::string text;
    for (std::size_t i = 0; i < n; ++i)
      text += (i == 0 ? "[" : ",") + std::string(R"({"jsonrpc":"2.0","method":"hello","id":1})");
    return text + "]";
  };
  EXPECT_EQ(Json::parse(say(batch(kMostInBatch))).size(), kMostInBatch);
  EXPECT_EQ(code_of(batch(kMostInBatch + 1)), error::kInvalidRequest);
  EXPECT_EQ(called_, kMostInBatch);
  EXPECT_EQ(requests_in(batch(7)), 7U);
  EXPECT_EQ(requests_in(batch(kMostInBatch + 1)), kMostInBatch);
  for (const std::string line : {"no JSON", "[]", "{}"}) EXPECT_EQ(requests_in(line), 1U);
}

// However much work its requests are, others are served meanwhile; each that asked for an answer has one.
TEST_F(RpcDispatcher, ABatchHasABoundInTime) {
  dispatcher_.add("show.sas", [this](ClientId, const Request&) -> tl::expected<Json, Failure> {
    ++called_;
    const auto until = cpu_time_of_this_thread() + std::chrono::milliseconds(510);
    while (cpu_time_of_this_thread() < until) continue;
    return Json::object();
  });
  std::string batch = "[";
  for (std::size_t i = 0; i < kMostInBatch; ++i)
    batch += std::string(i == 0 ? "" : ",") + R"({"jsonrpc":"2.0","method":"show.sas")" +
             (i % 2 == 0 ? R"(,"id":)" + std::to_string(i) : "") + "}";
  const Json answers = Json::parse(say(batch + "]"));
  EXPECT_GE(called_, 1U);
  EXPECT_LE(called_, 2U);
  ASSERT_EQ(answers.size(), kMostInBatch / 2);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    EXPECT_EQ(answers[i]["id"], 2 * i);
    EXPECT_EQ(answers[i].contains("error"), i >= 1) << i;
    if (i >= 1) {
      EXPECT_EQ(answers[i]["error"]["code"], error::kTooLarge) << i;
    }
  }
}

// Waiting is no work, and holds others up all the same.
TEST_F(RpcDispatcher, ABatchHasABoundInWaiting) {
  dispatcher_.add("show.sas", [this](ClientId, const Request&) -> tl::expected<Json, Failure> {
    ++called_;
    std::this_thread::sleep_for(std::chrono::milliseconds(1500));
    return Json::object();
  });
  std::string batch = "[";
  for (std::size_t i = 0; i < 10; ++i)
    batch += std::string(i == 0 ? "" : ",") + R"({"jsonrpc":"2.0","method":"show.sas","id":)" + std::to_string(i) + "}";
  const Json answers = Json::parse(say(batch + "]"));
  EXPECT_GE(called_, 1U);
  EXPECT_LE(called_, 3U);
  ASSERT_EQ(answers.size(), 10U);
  EXPECT_EQ(answers.back()["error"]["code"], error::kTooLarge);
}

TEST_F(RpcDispatcher, AnAnswerHasABound) {
  EXPECT_EQ(code_of(R"({"jsonrpc":"2.0","method":"report","id":1})"), error::kTooLarge);
  const std::string id(kLongestRequest / 200, 'i');
  std::string batch;
  for (std::size_t i = 0; i < kMostInBatch; ++i)
    batch += (i == 0 ? "[" : ",") + (R"({"jsonrpc":"2.0","method":"show.config","id":")" + id + R"("})");
  const std::string answer = say(batch + "]");
  EXPECT_LE(answer.size(), kMostWaiting);
  EXPECT_EQ(Json::parse(answer).size(), kMostInBatch);
}

// Deep and wide requests cost no more than their octets.
TEST_F(RpcDispatcher, WhatIsDeepOrWideIsRefusedSoon) {
  EXPECT_EQ(code_of(std::string(kLongestRequest, '[')), error::kParse);
  const std::string deep = std::string(kLongestRequest / 2, '[') + std::string(kLongestRequest / 2, ']');
  EXPECT_EQ(code_of(deep), error::kInvalidRequest);
  const std::size_t half = kLongestRequest / 2 - 100;
  const std::string inside = std::string(half, '[') + std::string(half, ']');
  for (const std::string& params : {inside, R"({"x":)" + inside + "}"}) {
    const std::string line = R"({"jsonrpc":"2.0","method":"hello","id":1,"params":)" + params + "}";
    EXPECT_EQ(code_of(line), error::kInvalidRequest);
    EXPECT_EQ(code_of("[" + line + "]"), error::kInvalidRequest);
  }
  const std::string brackets =
      R"({"jsonrpc":"2.0","method":"hello","id":1,"params":{"\\":")" + std::string(99, '[') + "\"}}";
  EXPECT_EQ(code_of(brackets), error::kInvalidParams) << "in a text they are none";
  std::string wide = R"({"jsonrpc":"2.0","method":"hello","params":{)";
  for (int i = 0; i < 100'000; ++i) wide += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\":0";
  EXPECT_EQ(code_of(wide + "},\"id\":1}"), error::kInvalidParams);
}

TEST_F(RpcDispatcher, EventsAreNotifications) {
  EXPECT_EQ(event_line("link", {{"port", "wan"}, {"up", true}}),
            R"({"jsonrpc":"2.0","method":"event.link","params":{"port":"wan","up":true}})");
}

TEST_F(RpcDispatcher, WhatHasNoHandlerIsKnown) { EXPECT_EQ(dispatcher_.missing().size(), methods().size() - 5); }

}  // namespace
}  // namespace strata::rpc
