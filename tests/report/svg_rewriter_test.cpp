#include "report/svg_rewriter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/temporary_folder.h"

#include "linformer/core/error.h"

namespace linformer {
namespace {

using ::testing::HasSubstr;

/// What becomes of a part of gnuplot's output.
std::string rewritten(const std::string& part) {
  return rewritten_svg("<?xml version=\"1.0\"?>\n<svg \n width=\"7\">\n" + part + "</svg>\n", "",
                       "p");
}

TEST(SvgRewriter, BlackAndSignalsBecomeColoursOfThePage) {
  EXPECT_EQ(rewritten("<path stroke='black'  d='M0,0 '/>"),
            "<path stroke=\"currentColor\" d=\"M0,0\"/>\n</svg>\n");
  EXPECT_EQ(rewritten("<polygon fill = 'rgb(  1,   2,   0)' fill-opacity = '0.2'/>"),
            "<polygon fill=\"var(--plot-1,#0072b2)\" fill-opacity=\"0.2\"/>\n</svg>\n");
  EXPECT_EQ(rewritten("<use color='rgb(68, 1, 84)'/>"), "<use color=\"#440154\"/>\n</svg>\n");
  EXPECT_EQ(rewritten("<path style='fill:none; stroke:rgb(1,2,0)'/>"),
            "<path style=\"fill:none; stroke:var(--plot-1,#0072b2)\"/>\n</svg>\n");
}

TEST(SvgRewriter, IdsAndTheirReferencesGetThePrefix) {
  EXPECT_EQ(rewritten("<use xlink:href='#gpPt5' id='gpPt6'/>"),
            "<use href=\"#p-gpPt5\" id=\"p-gpPt6\"/>\n</svg>\n");
  EXPECT_EQ(rewritten("<polygon fill = 'url(#gpPat1)'/>"),
            "<polygon fill=\"url(#p-gpPat1)\"/>\n</svg>\n");
}

TEST(SvgRewriter, DropsWhatThePageDecidesOrNobodySees) {
  EXPECT_EQ(rewritten("<title>Gnuplot</title>\n<desc>Produced by GNUPLOT 6.0 </desc>\n"
                      "<rect x=\"0\" width=\"7\" fill=\"none\"/>\n"
                      "<g color=\"black\">\n<g color=\"gray\">\n</g>\n</g>\n"
                      "<use xlink:href='#gpPt6' color='white'/>"
                      "<filter id='textbox'><feFlood result='b'/></filter>"
                      "<g id=\"x_plot_1\" ><title>$data using 1:2</title>\n</g>"),
            "</svg>\n");
  EXPECT_EQ(rewritten("<g color=\"black\" font-family=\"sans-serif\"><text> 512</text></g>"),
            "<g><text>512</text>\n</g>\n</svg>\n");
}

TEST(SvgRewriter, RefusesWhatIsCut) {
  for (const char* drawn : {"", "<svg", "<svg>", "</svg><svg>"}) {
    EXPECT_THAT(message_of<RunError>([&] { rewritten_svg(drawn, "", "p"); }),
                HasSubstr("not a whole SVG"))
        << drawn;
  }
}

TEST(SvgRewriter, TheHeadIsEscaped) {
  EXPECT_THAT(svg_head(7, 5, "p", "a<b", "c&d"),
              ::testing::AllOf(HasSubstr("viewBox=\"0 0 7 5\""),
                               HasSubstr("<title id=\"p-title\">a&lt;b</title>"),
                               HasSubstr("<desc id=\"p-desc\">c&amp;d</desc>")));
}

}  // namespace
}  // namespace linformer
