#include "dataplane/graph.hpp"

#include "dataplane/worker.hpp"

namespace strata {
namespace {

// Beside the ports what stands outside of a worker's journey.
constexpr const char* kAnotherWorker = "another worker";

// What one parameter of a step says: a burst is an edge, the ends are a list of causes, all else is no part of the
// graph.
template <class Parameter>
struct Reads {
  static void into(std::vector<std::string>&, std::vector<Cause>&) {}
};
template <>
struct Reads<Handoff&> {
  static void into(std::vector<std::string>& stages, std::vector<Cause>&) { stages.emplace_back(kAnotherWorker); }
};
template <class Stage>
struct Reads<Burst<Stage>&> {
  static void into(std::vector<std::string>& stages, std::vector<Cause>&) { stages.emplace_back(kStageName<Stage>); }
};
template <Cause... Listed>
struct Reads<EndsOf<Listed...>> {
  static void into(std::vector<std::string>&, std::vector<Cause>& causes) { causes = {Listed...}; }
};

// Where a step's packets come from is its first burst; but rx takes them from a port, pick_up from a ring.
enum class Takes : std::uint8_t { from_burst, from_port, from_worker };

template <class Return, class... Parameters>
GraphStep step(const char* name, Return (*)(Parameters...), Takes takes = Takes::from_burst) {
  GraphStep made{.name = name, .from = {}, .to = {}, .causes = {}};
  (Reads<Parameters>::into(made.to, made.causes), ...);
  if (takes == Takes::from_burst) {
    made.from = made.to.front();
    made.to.erase(made.to.begin());
  }
  if (takes == Takes::from_worker) made.from = kAnotherWorker;
  return made;
}

template <class Return, class Class, class... Parameters>
GraphStep step(const char* name, Return (Class::*)(Parameters...), Takes takes) {
  return step(name, static_cast<Return (*)(Parameters...)>(nullptr), takes);
}

// In a flowchart a name with a space in it needs another one for itself.
std::string node(const std::string& stage) { return stage == kAnotherWorker ? "worker([" + stage + "])" : stage; }

std::string shown(const std::string& stage) { return stage == kAnotherWorker ? stage : "`" + stage + "`"; }

// Inside a pair of bars, what Mermaid would read as its own has to be quoted; our names have none of it.
std::string arrow(const std::string& from, const std::string& step, const std::string& to) {
  return "    " + node(from) + " -->|" + step + "| " + node(to) + "\n";
}

}  // namespace

std::vector<GraphStep> journey_graph() {
  return {step("rx", &PortIo::receive<Burst<stage::Frame>>, Takes::from_port),
          step("classify", &classify),
          step("classify_host", &classify_host),
          step("arp_input", &arp_input),
          step("host_input", &host_input),
          step("reassemble", &reassemble),
          step("spread_in", &spread_in),
          step("esp_open", &esp_open),
          step("local_sid", &local_sid),
          step("end_dx4", &end_dx4),
          step("ip4_forward", &ip4_forward),
          step("local_deliver", &local_deliver),
          step("icmp_error", &icmp_error),
          step("ip4_output", &ip4_output),
          step("fragment", &fragment),
          step("resolve", &resolve),
          step("resume", &resume),
          step("give_up", &give_up),
          step("h_encaps", &h_encaps),
          step("spread_out", &spread_out),
          step("esp_seal", &esp_seal),
          step("spread_tx", &spread_tx),
          step("to_host", &to_host<stage::Arp>),
          step("to_host", &to_host<stage::Fragment>),
          step("to_host", &to_host<stage::Local>),
          step("to_host", &to_host<stage::Refused>),
          step("to_host", &to_host<stage::Unresolved>),
          step("pick_up", &Handoff::pick_up, Takes::from_worker),
          step("tx", &PortIo::transmit)};
}

std::string journey_markdown() {
  std::string text = "```mermaid\nflowchart LR\n";
  for (const GraphStep& s : journey_graph()) {
    if (s.from.empty()) text += arrow("port_in([port])", s.name, s.to.front());
    if (s.to.empty()) text += arrow(s.from, s.name, "port_out([port])");
    if (s.from.empty()) continue;
    for (const std::string& to : s.to) text += arrow(s.from, s.name, to);
  }
  text += "```\n\n| step | from | to | ends |\n|---|---|---|---|\n";
  for (const GraphStep& s : journey_graph()) {
    text += "| `" + s.name + "` | " + (s.from.empty() ? "a port" : shown(s.from)) + " | ";
    for (const std::string& to : s.to) text += (&to == &s.to.front() ? "" : ", ") + shown(to);
    text += s.to.empty() ? "a port |" : " |";
    for (const Cause cause : s.causes) text += " `" + std::string(text_of(cause).name) + "`";
    text += " |\n";
  }
  return text;
}

std::string causes_markdown() {
  std::string text = "| name | fate | what happened | asked for by |\n|---|---|---|---|\n";
  for (const CauseText& cause : kCauses) {
    const char* fate = cause.fate == Fate::dropped ? "dropped" : cause.fate == Fate::consumed ? "consumed" : "punted";
    text += "| `" + std::string(cause.name) + "` | " + fate + " | " + std::string(cause.sentence) + " | " +
            std::string(cause.source) + " |\n";
  }
  return text;
}

}  // namespace strata
