// The completion for bash, from the tree of commands.
#include "cli/manual.hpp"

namespace strata::cli {
namespace {

// Which command it is comes of the words so far; what may follow is then looked up. Where nothing is found bash
// completes names of files, as most values are.
constexpr std::string_view kBegin = R"(# bash completion for strata; made by strata manual bash-completion
_strata() {
    local word command=strata current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} i
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        [[ " $(_strata_words "$command" commands) " != *" $word "* ]] || command+=" $word"
    done
    local words
    words=$(_strata_words "$command" "$before")
    [[ -n $words ]] || words=$(_strata_words "$command" all)
    if [[ " $(_strata_words "$command" files) " == *" $before "* ]]; then words=; fi
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}

# _strata_words COMMAND WHAT: all that may follow it, its commands, its options whose value is free, or an option's values
_strata_words() {
    case $1:$2 in
)";

constexpr std::string_view kEnd = R"(    esac
}

complete -o bashdefault -o default -F _strata strata
)";

// "{in,out}" of the description of an option that takes one of a few; empty: it takes what it likes.
std::string choices_of(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const std::size_t first = type.find('{');
  const std::size_t last = type.find('}', first);
  if (last == std::string::npos) return {};
  std::string words = type.substr(first + 1, last - first - 1);
  for (char& c : words)
    if (c == ',') c = ' ';
  return words;
}

void add(std::string& list, const std::string& word) {
  if (!word.empty()) list += (list.empty() ? "" : " ") + word;
}

std::string row(const std::string& command, const std::string& what, const std::string& words) {
  return words.empty() ? "" : "        '" + command + ":" + what + "') echo '" + words + "' ;;\n";
}

void write_command(const CLI::App& command, const std::string& name, std::string& out) {
  std::string commands;
  for (const CLI::App* below : command.get_subcommands([](const CLI::App*) { return true; }))
    add(commands, below->get_name());
  std::string all = commands;
  std::string files;
  for (const CLI::Option* option : command.get_options()) {
    const std::string choices = choices_of(*option);
    if (option->get_positional()) add(all, choices);
    for (const std::string& long_name : option->get_lnames()) {
      add(all, "--" + long_name);
      out += row(name, "--" + long_name, choices);
      if (option->get_items_expected_max() != 0 && choices.empty()) add(files, "--" + long_name);
    }
  }
  out += row(name, "commands", commands) + row(name, "files", files) + row(name, "all", all);
  for (const CLI::App* below : command.get_subcommands([](const CLI::App*) { return true; }))
    write_command(*below, name + " " + below->get_name(), out);
}

}  // namespace

std::string bash_completion(const CLI::App& app) {
  std::string out(kBegin);
  write_command(app, "strata", out);
  return out + std::string(kEnd);
}

}  // namespace strata::cli
