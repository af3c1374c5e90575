// Losses and accuracies by group (linformer-eval perplexity --by) as JSON and as tables.
#include "eval_groups.h"

#include <cmath>
#include <cstdio>
#include <set>
#include <span>
#include <utility>

#include <nlohmann/json.hpp>

#include "table_output.h"

#include "linformer/core/format.h"
#include "linformer/metrics/percent.h"

namespace linformer {

namespace {

double share_of(const LossGroup& group, const LossTable& table) {
  int64_t all = 0;
  for (const LossGroup& each : table.groups) all += each.totals.nll.masked_tokens;
  return static_cast<double>(group.totals.nll.masked_tokens) / static_cast<double>(all);
}

std::string number_or_dash(double value) {
  return std::isnan(value) ? "-" : format_number(value, 5);
}

}  // namespace

std::vector<LossTable> loss_tables(const std::vector<std::string>& by, const LossGroups& groups,
                                   const UnigramModel* unigram) {
  std::vector<LossTable> all;
  std::set<std::string> done;
  for (const std::string& name : by) {
    if (!done.insert(name).second) continue;
    for (LossTable& table :
         groups.tables(enum_of<LossSplit>(name).value(),
                       unigram != nullptr ? unigram->counts() : std::span<const int64_t>())) {
      all.push_back(std::move(table));
    }
  }
  return all;
}

nlohmann::ordered_json loss_tables_json(const std::vector<LossTable>& tables) {
  using Json = nlohmann::ordered_json;
  Json json = Json::object();
  for (const LossTable& table : tables) {
    Json groups = Json::array();
    for (const LossGroup& group : table.groups) {
      groups.push_back({{"group", group.name},
                        {"masked_tokens", group.totals.nll.masked_tokens},
                        {"share", share_of(group, table)},
                        {"nll_sum", group.totals.nll.nll_sum},
                        {"loss", group.totals.nll.mean()},
                        {"perplexity", group.totals.nll.perplexity()},
                        {"accuracy", group.totals.accuracy()}});
    }
    json[table.key] = std::move(groups);
  }
  return json;
}

void print_loss_tables(const std::vector<LossTable>& tables) {
  for (const LossTable& table : tables) {
    std::vector<std::vector<std::string>> rows{
        {table.title, "masked tokens", "share", "nats a token", "perplexity", "accuracy"}};
    for (const LossGroup& group : table.groups) {
      rows.push_back({group.name, format_count(group.totals.nll.masked_tokens),
                      percent_text(share_of(group, table), 1),
                      number_or_dash(group.totals.nll.mean()),
                      number_or_dash(group.totals.nll.perplexity()),
                      percent_text(group.totals.accuracy(), 1)});
    }
    std::printf("\n%s", shown_table(rows).c_str());
  }
}

}  // namespace linformer
