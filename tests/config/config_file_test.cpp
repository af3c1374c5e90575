#include "linformer/config/config_file.h"

#include <bit>
#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/test_files.h"
#include "core/temporary_folder.h"

#include "linformer/config/pretrain_config.h"
#include "linformer/config/setting_names.h"
#include "linformer/core/error.h"
#include "linformer/core/random.h"

namespace linformer {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

enum class Fruit { kApple, kPear };

}  // namespace

template <>
struct EnumNames<Fruit> {
  static constexpr std::array<std::string_view, 2> kNames{"apple", "pear"};
};

namespace {

struct Inner {
  double rate = 0.5;
  Fruit fruit = Fruit::kApple;

  template <class Self, class Visitor>
  static void visit_fields(Self& config, Visitor&& field) {
    field("rate", config.rate, "a rate");
    field("fruit", config.fruit, "a fruit");
  }
  bool operator==(const Inner&) const = default;
};

/// One field of every type.
struct Everything {
  bool flag = false;
  int64_t count = 3;
  double share = 0.1;
  std::string name = "x";
  std::vector<std::string> names{"a"};
  std::vector<double> numbers{1.0, 2.5};
  std::optional<int64_t> limit;
  std::optional<double> range = 0.02;
  Inner inner;

  template <class Self, class Visitor>
  static void visit_fields(Self& config, Visitor&& field) {
    field("flag", config.flag, "a flag");
    field("count", config.count, "a count");
    field("share", config.share, "a share", linformer::share());
    field("name", config.name, "a name");
    field("names", config.names, "names");
    field("numbers", config.numbers, "numbers");
    field("limit", config.limit, "a limit", between(1, 1000000000));
    field("range", config.range, "a range", "auto");
    field("inner", config.inner, "a section");
  }
  bool operator==(const Everything&) const = default;
};

Everything parse(const std::string& text) {
  Everything config;
  read_yaml(fields_of(config), text, "file.yaml");
  return config;
}

std::string refusal(const std::string& text) {
  return message_of<UsageError>([&] { parse(text); });
}

Everything with(const std::vector<std::string>& overrides) {
  return load_config<Everything>("", overrides);
}

TEST(ReadYaml, SetsFieldsOfEveryType) {
  const Everything config = parse(
      "flag: true\ncount: -12\nshare: 1e-3\nname: a b\nnames: [p, 'q, r']\nnumbers: [0.9, 1]\n"
      "limit: 1e9\nrange: auto\ninner: {rate: 2, fruit: pear}\n");
  EXPECT_TRUE(config.flag);
  EXPECT_EQ(config.count, -12);
  EXPECT_EQ(config.share, 1e-3);
  EXPECT_EQ(config.name, "a b");
  EXPECT_THAT(config.names, ElementsAre("p", "q, r"));
  EXPECT_THAT(config.numbers, ElementsAre(0.9, 1.0));
  EXPECT_EQ(config.limit, 1'000'000'000);
  EXPECT_EQ(config.range, std::nullopt);
  EXPECT_EQ(config.inner.rate, 2.0);
  EXPECT_EQ(config.inner.fruit, Fruit::kPear);
}

TEST(ReadYaml, KeepsDefaultsOfAbsentKeysAndEmptySections) {
  Everything expected;
  expected.count = 4;
  EXPECT_EQ(parse("count: 4\ninner:\n"), expected);
}

TEST(ReadYaml, UnknownKeyNamesLineColumnAndNearestKey) {
  EXPECT_EQ(refusal("count: 4\ninner:\n  rate: 1\n  friut: pear\n"),
            "file.yaml:4:3: unknown key inner.friut\n  fix: did you mean inner.fruit?");
  EXPECT_EQ(refusal("inner: {zzzzzzzz: 1}\n"),
            "file.yaml:1:9: unknown key inner.zzzzzzzz\n  fix: known keys here: rate fruit");
}

TEST(ReadYaml, IllTypedValuesSayWhatWasExpected) {
  EXPECT_EQ(refusal("flag: true\ncount: 1.5\n"),
            "file.yaml:2:8: count takes a whole number, found '1.5'\n"
            "  fix: give count as a whole number, e.g. 3");
  EXPECT_EQ(refusal("inner: {fruit: paer}\n"),
            "file.yaml:1:16: inner.fruit takes one of apple or pear, found 'paer'\n"
            "  fix: did you mean pear?");
  EXPECT_THAT(refusal("flag: yes\n"), HasSubstr("flag takes true or false, found 'yes'"));
  EXPECT_THAT(refusal("count: \"3\"\n"), HasSubstr("fix: remove the quotes"));
  EXPECT_THAT(refusal("count: 99999999999999999999\n"), HasSubstr("a whole number"));
  EXPECT_THAT(refusal("count: 1e300\n"), HasSubstr("a whole number"));
  EXPECT_THAT(refusal("count: 3x\n"), HasSubstr("found '3x'"));
  EXPECT_THAT(refusal("count:\n"), HasSubstr("found nothing"));
  EXPECT_THAT(refusal("share: [1]\n"), HasSubstr("share takes a number, found a list"));
  EXPECT_THAT(refusal("name: {a: 1}\n"), HasSubstr("name takes text, found a section of keys"));
  EXPECT_THAT(refusal("name: ~\n"), HasSubstr("name takes text, found nothing"));
  EXPECT_THAT(refusal("names: a\n"), HasSubstr("fix: write [a]"));
  EXPECT_THAT(refusal("numbers: [1, two]\n"),
              HasSubstr("file.yaml:1:14: numbers takes a list of numbers, found 'two'"));
  EXPECT_THAT(refusal("limit: auto\n"), HasSubstr("limit takes a whole number or null"));
  EXPECT_THAT(refusal("range: wide\n"), HasSubstr("range takes a number or auto"));
  EXPECT_THAT(refusal("inner: 5\n"), HasSubstr("inner is a section of keys, found '5'"));
}

TEST(ReadYaml, RefusesNumbersThatAreNotFinite) {
  for (const char* word : {".inf", "-.inf", ".nan", "inf", "nan", "-Infinity", "1e999"}) {
    const std::string text = refusal(std::string("share: ") + word + "\n");
    EXPECT_THAT(text, HasSubstr("share takes a number")) << word;
  }
  EXPECT_THAT(refusal("share: .nan\n"), HasSubstr("fix: give a finite number"));
  EXPECT_THAT(refusal("numbers: [1, .inf]\n"), HasSubstr("file.yaml:1:14"));
}

TEST(ReadYaml, RefusesDuplicateKeys) {
  EXPECT_EQ(refusal("count: 1\nshare: 0.1\ncount: 2\n"),
            "file.yaml:3:1: count is given twice\n  fix: remove one of the two lines");
}

TEST(ReadYaml, RefusesTextThatIsNotOneYamlMapping) {
  EXPECT_THAT(refusal("a: [1\nb: 2\n"), HasSubstr("this is not valid YAML"));
  EXPECT_THAT(refusal("inner:\n\trate: 1\n"), AllOf(HasSubstr("file.yaml:2:"), HasSubstr("tab")));
  EXPECT_THAT(refusal("- 1\n"), HasSubstr("file.yaml:1:1: expected sections of keys"));
  EXPECT_THAT(refusal("[a]: 1\n"), HasSubstr("a key has to be a word"));
  EXPECT_THAT(refusal("count: 1\n---\ncount: 2\n"), HasSubstr("a second YAML document"));
  for (const char* text : {"", "\n\n", "# only a comment\n", "---\n", "~\n"}) {
    EXPECT_THAT(refusal(text), HasSubstr("file.yaml: holds no settings")) << text;
  }
}

TEST(ReadConfigText, RefusesMissingBinaryAndOtherFiles) {
  const TemporaryFolder folder;
  const auto refused = [](const std::string& path) {
    return message_of<UsageError>([&] { read_config_text(path); });
  };
  EXPECT_THAT(refused(folder.file("none.yaml")), HasSubstr("there is no such configuration file"));
  EXPECT_THAT(refused(folder.path()), HasSubstr("is not a regular file"));
  EXPECT_THAT(refused(write_bytes(folder.file("b.yaml"), std::string("a: 1\0\x01", 6))),
              HasSubstr("is a binary file"));
}

TEST(LoadConfig, OverridesWinOverTheFileAndLaterOnesOverEarlier) {
  const TemporaryFolder folder;
  const std::string path = write_bytes(folder.file("c.yaml"), "count: 5\ninner: {rate: 7}\n");
  const Everything config =
      load_config<Everything>(path, {"inner.rate=8", "count=6", "count=7", "names=[x, y]",
                                     "inner={fruit: pear}", "range=auto", "name=a=b"});
  EXPECT_EQ(config.count, 7);
  EXPECT_EQ(config.inner.rate, 8.0);  // the later section only sets the keys that it names
  EXPECT_EQ(config.inner.fruit, Fruit::kPear);
  EXPECT_THAT(config.names, ElementsAre("x", "y"));
  EXPECT_EQ(config.range, std::nullopt);
  EXPECT_EQ(config.name, "a=b");
}

TEST(LoadConfig, WrongOverridesAreNamedAsTyped) {
  const auto refused = [](const std::string& text) {
    return message_of<UsageError>([&] { with({text}); });
  };
  EXPECT_EQ(refused("inner.friut=pear"),
            "--set inner.friut=pear: unknown key inner.friut\n  fix: did you mean inner.fruit?");
  EXPECT_EQ(refused("iner.rate=1"),
            "--set iner.rate=1: unknown key iner\n  fix: did you mean inner?");
  EXPECT_THAT(refused("count"), HasSubstr("has to look like section.key=value"));
  EXPECT_THAT(refused("=3"), HasSubstr("has to look like section.key=value"));
  EXPECT_THAT(refused("count.x=3"), HasSubstr("count has no keys below"));
  EXPECT_THAT(refused("count=abc"),
              HasSubstr("--set count=abc: count takes a whole number, found 'abc'"));
  EXPECT_THAT(refused("count="), HasSubstr("found nothing"));
  EXPECT_THAT(refused("names=[a"), HasSubstr("this is not valid YAML"));
  EXPECT_THAT(refused("inner=3"), HasSubstr("inner is a section of keys"));
}

TEST(DumpYaml, WritesEveryDefault) {
  EXPECT_EQ(dump_yaml(Everything{}),
            "flag: false\ncount: 3\nshare: 0.1\nname: x\nnames: [a]\nnumbers: [1.0, 2.5]\n"
            "limit: null\nrange: 0.02\ninner:\n  rate: 0.5\n  fruit: apple\n");
}

TEST(DumpYaml, NumbersHaveAPointAsOtherReadersWant) {
  Inner config;
  for (const auto& [value, text] :
       std::vector<std::pair<double, std::string>>{{5e-4, "5.0e-04"},
                                                   {1.5e-9, "1.5e-09"},
                                                   {2.0, "2.0"},
                                                   {0.15, "0.15"},
                                                   {-3e20, "-3.0e+20"}}) {
    config.rate = value;
    EXPECT_THAT(dump_yaml(config), HasSubstr("rate: " + text + "\n"));
  }
}

/// Random values, extreme ones included.
class RandomConfig {
 public:
  explicit RandomConfig(uint64_t seed) : random_(RandomPurpose::kTest, {seed}) {}

  void fill(const FieldList& fields) {
    for (const Field& field : fields) std::visit([this](auto& t) { set(t); }, field.target);
  }

 private:
  void set(bool* value) { *value = random_.below(2) == 1; }
  void set(int64_t* value) {
    *value = static_cast<int64_t>(random_.next_u64() >> random_.below(64));
    if (random_.below(4) == 0) *value = INT64_MIN;
  }
  void set(double* value) {
    do {
      *value = random_.below(2) == 0 ? std::bit_cast<double>(random_.next_u64())
                                     : static_cast<double>(random_.below(1000));
    } while (!std::isfinite(*value));
  }
  void set(std::string* value) {
    static const std::vector<std::string> kPieces{
        "a",   "Z",  "1",    ".",          "/",    "-",    " ",  ":",    "#",  "'",    "\"",
        "\\",  "\n", "\t",   "\r",         "\x01", "\x7f", ",",  "[",    "]",  "{",    "}",
        "&",   "*",  "!",    "|",          ">",    "%",    "@",  "`",    "~",  "null", "true",
        "1e5", "ä",  "日本", "\U0001F600", "?",    "=",    "<<", "--- ", "..."};
    value->clear();
    for (uint64_t i = random_.below(8); i > 0; --i)
      *value += kPieces[random_.below(kPieces.size())];
  }
  template <class T>
  void set(std::vector<T>* values) {
    values->resize(random_.below(4));
    for (T& value : *values) set(&value);
  }
  template <class T>
  void set(const OptionalTarget<T>& target) {
    target.value->reset();
    if (random_.below(2) == 0) set(&target.value->emplace());
  }
  template <class T>
  void set(OneOrMany<T>* value) {
    std::vector<T> values(1 + random_.below(3), T(0));
    for (T& item : values) set(&item);
    *value = OneOrMany<T>(std::move(values));
  }
  void set(const EnumListTarget& target) {
    std::vector<size_t> indices(1 + random_.below(3));
    for (size_t& index : indices) index = random_.below(target.names.size());
    target.set(indices);
  }
  void set(const EnumTarget& target) { target.set(random_.below(target.names.size())); }
  void set(const FieldList& fields) { fill(fields); }

  RandomStream random_;
};

template <class C>
void expect_dump_reads_back(uint64_t seed) {
  C config;
  RandomConfig(seed).fill(fields_of(config));
  for (const DumpStyle style : {DumpStyle::kPlain, DumpStyle::kCommented}) {
    const std::string text = dump_yaml(config, style);
    C read;
    ASSERT_NO_THROW(read_yaml(fields_of(read), text, "dump")) << text;
    ASSERT_EQ(read, config) << text;
  }
}

TEST(DumpYaml, ReadingItBackGivesTheSameConfig) {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    expect_dump_reads_back<Everything>(seed);
    expect_dump_reads_back<PretrainConfig>(seed);
  }
}

TEST(DumpYaml, CommentsCarryTheHelp) {
  EXPECT_THAT(dump_yaml(Everything{}, DumpStyle::kCommented),
              HasSubstr("# a section\ninner:\n  # a rate\n  rate: 0.5\n"));
}

TEST(ConfigHelp, IsWhatTheDocumentationShows) {
  const std::string page = read_bytes(std::string(LINFORMER_SOURCE_DIR) + "/docs/configuration.md");
  EXPECT_THAT(page, HasSubstr("```text\n" + config_help<PretrainConfig>() + "```\n"));
}

TEST(ConfigHelp, ListsEveryKeyWithTypeDefaultAndHelp) {
  const std::string help = config_help<Everything>();
  EXPECT_THAT(help, HasSubstr("  inner.fruit = apple  (apple or pear)\n      a fruit\n"));
  EXPECT_THAT(help, HasSubstr("  range = 0.02  (a number or auto)\n"));
  EXPECT_THAT(help, HasSubstr("  share = 0.1  (a number, at least 0 and below 1)\n"));
  EXPECT_THAT(help, HasSubstr("  limit = null  (a whole number, 1 to 1000000000, or null)\n"));
}

TEST(FirstChangedSetting, NamesTheKeyAndBothValues) {
  const std::string mine = "a.b: 1\na.c: [x, y]\n";
  EXPECT_FALSE(first_changed_setting(mine, mine));
  const auto changed = first_changed_setting(mine, "a.b: 1\na.c: [x]\n").value();
  EXPECT_EQ(changed.key, "a.c");
  EXPECT_EQ(changed.value, "[x, y]");
  EXPECT_EQ(changed.other, "[x]");
  const auto more = first_changed_setting(mine, mine + "d: 2\n").value();
  EXPECT_EQ(more.key, "d");
  EXPECT_EQ(more.value, "nothing");
  EXPECT_EQ(more.other, "2");
}

TEST(SettingsText, HasALineForEachField) {
  ScheduleConfig schedule;
  const std::string text = settings_text(fields_of(schedule));
  EXPECT_THAT(text, ::testing::HasSubstr("warmup_steps: 0\n"));
  schedule.warmup_steps = 7;
  const auto changed = first_changed_setting(settings_text(fields_of(schedule)), text).value();
  EXPECT_EQ(changed.key, "warmup_steps");
}

TEST(ConfigFile, WalksThroughNoEndlessValue) {
  const auto problem = [](const std::string& text) {
    return message_of<UsageError>([&] {
      PretrainConfig config;
      read_yaml(fields_of(config), text, "file.yaml");
    });
  };
  const std::string key = "model:\n  attention:\n    projected_length: ";
  EXPECT_THAT(problem(key + "&a [*a]\n"),
              HasSubstr("file.yaml:3:27: an alias (*) stands within the value that it names"));
  EXPECT_THAT(problem(key + "&a [[1, {b: *a}], 2]\n"), HasSubstr("an alias (*) stands within"));
  // The parser does not move past a comma in front: it finds empty documents there for ever.
  for (const char* text : {",a", ",", "a: 1\n---\n,b", ", num_hidden_layers: &n 2, b"}) {
    EXPECT_THAT(problem(text), HasSubstr("a second YAML document begins here")) << text;
  }
  EXPECT_THAT(problem(key + std::string(100'000, '[')), HasSubstr("nested more than 100 levels"));
  EXPECT_THAT(problem(std::string(100'000, '{')), HasSubstr("nested more than 100 levels"));
  std::string stairs;  // "- - - 1"
  for (int i = 0; i < 100'000; ++i) stairs += "- ";
  EXPECT_THAT(problem(stairs + "1\n"), HasSubstr("nested more than 100 levels"));
  // Aliases of aliases: each name stands for a list of the one before, deep or wide.
  std::string deep = "a0: &a0 [1]\n";
  std::string wide = deep;
  for (int i = 1; i < 200; ++i) {
    const std::string name = "a" + std::to_string(i);
    const std::string before = "*a" + std::to_string(i - 1);
    deep += name + ": &" + name + " [" + before + "]\n";
    wide += name + ": &" + name + " [" + before + ", " + before + ", " + before + "]\n";
  }
  EXPECT_THAT(problem(deep), HasSubstr("nested more than 100 levels"));
  EXPECT_THAT(problem(wide), HasSubstr("more than a million values"));
  PretrainConfig config;
  EXPECT_THAT(message_of<UsageError>([&] {
                apply_override(fields_of(config), "model.attention.projected_length=&a [*a]");
              }),
              HasSubstr("an alias (*) stands within"));
  // An alias as such is fine.
  read_yaml(fields_of(config), "model: {num_hidden_layers: &n 3, num_attention_heads: *n}\n",
            "file.yaml");
  EXPECT_EQ(config.model.num_attention_heads, 3);
}

TEST(SettingNames, AreWhatTheUserWrites) {
  EXPECT_EQ(setting_name("run.dir"), "run.dir");
  name_setting("run.dir", "--output");
  EXPECT_EQ(setting_name("run.dir"), "--output");
  name_setting("run.dir", "run.dir");
  // An apostrophe in a name is text.
  PretrainConfig config;
  apply_override(fields_of(config), quoted_assignment("run.dir", "it's: [here]"));
  EXPECT_EQ(config.run.dir, "it's: [here]");
}

TEST(Override, CompletesTheKeysOfTheModel) {
  PretrainConfig config;
  const FieldList fields = fields_of(config);
  EXPECT_EQ(whole_key(fields, "hidden_size"), "model.hidden_size");
  EXPECT_EQ(whole_key(fields, "attention.type"), "model.attention.type");
  EXPECT_EQ(whole_key(fields, "projected_length"), "model.attention.projected_length");
  EXPECT_EQ(whole_key(fields, "training.max_steps"), "training.max_steps");
  EXPECT_EQ(whole_key(fields, "max_steps"), "max_steps");  // of no model
  apply_override(fields, "hidden_size=96");
  EXPECT_EQ(config.model.hidden_size, 96);
  EXPECT_THAT(message_of<UsageError>([&] { apply_override(fields, "hidden_size=x"); }),
              HasSubstr("model.hidden_size takes"));
  EXPECT_THAT(message_of<UsageError>([&] { apply_override(fields, "max_steps=3"); }),
              HasSubstr("unknown key max_steps"));
}

}  // namespace
}  // namespace linformer
