#include <cstring>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "checkpoint/safetensors_bytes.h"
#include "config/test_files.h"
#include "core/temporary_folder.h"

#include "linformer/checkpoint/safetensors.h"
#include "linformer/core/error.h"

namespace linformer {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class SafetensorsReader : public ::testing::Test {
 protected:
  std::string refusal(const std::string& bytes) {
    const std::string path = write_bytes(folder_.file("x.safetensors"), bytes);
    const std::string text = message_of<RunError>([&] { SafetensorsFile file(path); });
    EXPECT_THAT(text, StartsWith(path + ": "));
    EXPECT_THAT(text, HasSubstr("\n  fix: "));
    return text;
  }
  std::string refusal(const std::string& header, const std::string& data) {
    return refusal(safetensors_bytes(header, data));
  }

  TemporaryFolder folder_;
};

TEST_F(SafetensorsReader, GivesNamesTypesShapesAndBytes) {
  const std::string header =
      R"({"__metadata__":{"format":"pt"},"a":{"dtype":"I16","shape":[2,1],"data_offsets":[2,6]},)"
      R"("b":{"dtype":"F16","shape":[],"data_offsets":[0,2]},)"
      R"("none":{"dtype":"F32","shape":[3,0],"data_offsets":[6,6]}}  )";
  const std::string path = write_bytes(folder_.file("x.safetensors"),
                                       safetensors_bytes(header, std::string("\0\x3c\1\0\2\0", 6)));
  const SafetensorsFile file(path);
  EXPECT_EQ(file.metadata().at("format"), "pt");
  EXPECT_EQ(file.tensors().size(), 3u);
  const TensorView& a = file.at("a");
  EXPECT_EQ(a.type, TensorType::kI16);
  EXPECT_THAT(a.shape, ElementsAre(2, 1));
  EXPECT_EQ(a.num_elements(), 2);
  EXPECT_EQ(std::to_integer<int>(a.bytes[2]), 2);
  EXPECT_THAT(file.at("b").shape, ElementsAre());
  EXPECT_EQ(file.at("b").num_elements(), 1);
  EXPECT_EQ(file.at("none").num_elements(), 0);
  EXPECT_THAT(message_of<RunError>([&] { file.at("aa"); }),
              HasSubstr("has no tensor aa\n  fix: the nearest name is a"));
}

TEST_F(SafetensorsReader, AnEmptyHeaderIsAnEmptyFile) {
  const std::string path = write_bytes(folder_.file("x.safetensors"), safetensors_bytes("{}", ""));
  EXPECT_TRUE(SafetensorsFile(path).tensors().empty());
}

TEST_F(SafetensorsReader, RefusesHeadersThatDoNotFitTheFile) {
  EXPECT_THAT(refusal(""), HasSubstr("has 0 bytes"));
  EXPECT_THAT(refusal("1234567"), HasSubstr("has 7 bytes"));
  EXPECT_THAT(refusal(std::string("\x10\0\0\0\0\0\0\0{}", 10)), HasSubstr("claims 16 bytes"));
  EXPECT_THAT(refusal(std::string(8, '\xff') + "{}"), HasSubstr("claims 18446744073709551615"));
  EXPECT_THAT(refusal(std::string(8, '\0') + "{}"), HasSubstr("claims 0 bytes"));
  EXPECT_THAT(refusal("[1, 2]", ""), HasSubstr("is not a safetensors file"));
}

TEST_F(SafetensorsReader, RefusesBrokenJson) {
  EXPECT_THAT(refusal("{\"a\": ", ""), HasSubstr("is not valid JSON"));
  EXPECT_THAT(refusal("{\"\xff\": 1}", ""), HasSubstr("is not valid JSON"));
  const std::string a = R"("a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]})";
  EXPECT_THAT(refusal("{" + a + "," + a + "}", "x"), HasSubstr("holds a twice"));
  EXPECT_THAT(refusal(R"({"a":{"dtype":"U8","dtype":"I8","shape":[1],"data_offsets":[0,1]}})", "x"),
              HasSubstr("holds dtype twice"));
  EXPECT_THAT(refusal(R"({"__metadata__":{"x":1}})", ""), HasSubstr("__metadata__ x is not text"));
  EXPECT_THAT(refusal(R"({"__metadata__":[]})", ""), HasSubstr("__metadata__ is not an object"));
}

TEST_F(SafetensorsReader, RefusesTensorsThatDoNotAddUpByName) {
  const auto one = [](const std::string& dtype, const std::string& shape,
                      const std::string& offsets) {
    return R"({"layer.E":{"dtype":)" + dtype + R"(,"shape":)" + shape + R"(,"data_offsets":)" +
           offsets + "}}";
  };
  const std::vector<std::array<std::string, 4>> cases{
      {R"("F8")", "[4]", "[0,4]", "unknown element type \"F8\""},
      {"5", "[4]", "[0,4]", "unknown element type 5"},
      {R"("U8")", "[5]", "[0,4]", "its shape (5) of U8 does not fit its 4 bytes"},
      {R"("F32")", "[4]", "[0,4]", "does not fit its 4 bytes"},
      {R"("U8")", "[]", "[0,4]", "its shape () of U8 does not fit"},
      {R"("U8")", "[-4]", "[0,4]", "its shape [-4] holds no sizes"},
      {R"("U8")", "[4.0]", "[0,4]", "holds no sizes"},
      {R"("U8")", "4", "[0,4]", "its shape is not a list"},
      {R"("U8")", "[4294967296,4294967296]", "[0,4]", "does not fit its 4 bytes"},
      {R"("F32")", "[4611686018427387905]", "[0,4]", "does not fit its 4 bytes"},
      {R"("U8")", "[5]", "[0,5]", "do not lie in the file's 4 bytes"},
      {R"("U8")", "[4]", "[4,0]", "do not lie in"},
      {R"("U8")", "[4]", "[0]", "data_offsets are not two numbers"},
      {R"("U8")", "[4]", "[-1,3]", "data_offsets are not two numbers"},
      {R"("U8")", "[3]", "[1,4]", "has unused bytes before it"},
  };
  for (const auto& [dtype, shape, offsets, expected] : cases) {
    const std::string text = refusal(one(dtype, shape, offsets), "data");
    EXPECT_THAT(text, HasSubstr("tensor layer.E: "));
    EXPECT_THAT(text, HasSubstr(expected));
  }
  EXPECT_THAT(refusal(one(R"("U8")", "[3]", "[0,3]"), "data"),
              HasSubstr("1 bytes belong to no tensor"));
  EXPECT_THAT(refusal(R"({"a":[1]})", ""), HasSubstr("tensor a: does not have dtype"));
  EXPECT_THAT(refusal(R"({"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},)"
                      R"("b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}})",
                      "data"),
              HasSubstr("tensor b: overlaps another tensor"));
}

TEST_F(SafetensorsReader, RefusesAFileCutShortAnywhere) {
  const std::string whole =
      safetensors_bytes(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})", "data");
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_NE(refusal(whole.substr(0, size)), "") << size;
  }
}

TEST_F(SafetensorsReader, ReadsFilesOfOtherPrograms) {
  const std::string fixtures = std::string(LINFORMER_SHARED_DIR) + "/fixtures";
  if (!std::filesystem::exists(fixtures)) GTEST_SKIP() << fixtures << " is not there";
  size_t files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(fixtures)) {
    if (entry.path().extension() != ".safetensors") continue;
    const SafetensorsFile file(entry.path().string());
    EXPECT_FALSE(file.tensors().empty());
    EXPECT_NO_THROW(file.verify());  // these have no checksums
    ++files;
  }
  EXPECT_EQ(files, 24u);
  const SafetensorsFile model(fixtures + "/hf-roberta-masked-lm/model.safetensors");
  const TensorView& positions = model.at("roberta.embeddings.position_embeddings.weight");
  EXPECT_THAT(positions.shape, ElementsAre(18, 32));  // max_position_embeddings x hidden_size
  EXPECT_EQ(positions.type, TensorType::kF32);
}

}  // namespace
}  // namespace linformer
