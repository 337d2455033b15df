// What the control socket understands: the one table behind the methods, docs/control.md and docs/control.openrpc.json.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace strata::rpc {

// Of the protocol, not of the program. It rises when a method or a field is added; clients of an older one go on. What
// would break them gets another name.
inline constexpr unsigned kApiVersion = 7;

enum class Type : std::uint8_t {
  text,
  number,   // whole, not negative, up to 2^64 - 1
  real,     // with a fraction
  boolean,  // true or false
  texts,    // a list of texts
  object,   // Field::fields
  any,      // described elsewhere
};

struct Field {
  std::string_view name;
  Type type = Type::text;
  std::string_view about{};
  bool optional = false;  // a parameter may be left out; an answer's is null where it has no meaning
  std::uint64_t min = 0;  // of a number that is asked with
  std::uint64_t max = UINT64_MAX;
  std::span<const std::string_view> choices{};  // of a text; of each of the texts
  std::span<const Field> fields{};
};

enum class Answer : std::uint8_t {
  object,  // the fields themselves
  table,   // {"items": [objects with the fields], "total": ..., "next": ...}; asked for in parts by `from` and `most`
};

struct Method {
  std::string_view name;
  std::string_view about;
  std::span<const Field> params;
  Answer answer = Answer::object;
  std::span<const Field> result;
};

// What is told to those who have subscribed to it, as a notification: its method is "event." and the name.
struct Event {
  std::string_view name;
  std::string_view about;
  std::span<const Field> fields;
};

struct Error {
  int code;
  std::string_view name;
  std::string_view about;
};

namespace error {
inline constexpr int kParse = -32700;
inline constexpr int kInvalidRequest = -32600;
inline constexpr int kMethodNotFound = -32601;
inline constexpr int kInvalidParams = -32602;
inline constexpr int kInternal = -32603;
inline constexpr int kTooLarge = -32001;
inline constexpr int kTimedOut = -32002;
inline constexpr int kTooMany = -32003;
inline constexpr int kRefused = -32004;
inline constexpr int kStandsStill = -32005;
inline constexpr int kBusy = -32006;
inline constexpr int kNotApplied = -32007;
inline constexpr int kNotAllowed = -32008;
}  // namespace error

// Bounds that a client can meet, here because the document names them.
inline constexpr std::size_t kMostClients = 256;
inline constexpr std::size_t kKeptPlaces = 16;  // of these, for root and the gateway's own user
inline constexpr std::size_t kLongestRequest = std::size_t{1} << 20;
inline constexpr std::size_t kMostWaiting = std::size_t{4} << 20;
inline constexpr std::size_t kMostInBatch = 100;
inline constexpr unsigned kBatchSeconds = 1;  // of the gateway's time
inline constexpr unsigned kBatchWaits = 4;    // and so long by the clock, with what they wait for: workers, a file
inline constexpr std::size_t kRequestsPerSecond = 1000;
inline constexpr unsigned kPatienceSeconds = 10;
inline constexpr std::uint64_t kMostRows = 1000;

std::span<const Method> methods();
std::span<const Event> events();
std::span<const Error> errors();

// nullptr: there is none.
const Method* find_method(std::string_view name);

// Of every table.
std::span<const Field> table_params();

}  // namespace strata::rpc
