#include "linformer/report/html_text.h"

#include <gtest/gtest.h>

namespace linformer {
namespace {

TEST(HtmlText, EscapesMarkup) {
  EXPECT_EQ(html_escape("a < b && c > \"d\" 'e'"),
            "a &lt; b &amp;&amp; c &gt; &quot;d&quot; &#39;e&#39;");
  EXPECT_EQ(html_escape("&amp;"), "&amp;amp;");
  EXPECT_EQ(html_escape("</script><!--"), "&lt;/script&gt;&lt;!--");
  EXPECT_EQ(html_escape("k_{1}^2 @ \xC3\xA9 \xF0\x9F\x98\x80"),
            "k_{1}^2 @ \xC3\xA9 \xF0\x9F\x98\x80");
}

TEST(HtmlText, ReplacesWhatNoPageMayContain) {
  const std::string replaced = "\xEF\xBF\xBD";
  EXPECT_EQ(printable_text("a\xFFz"), "a" + replaced + "z");                // no UTF-8
  EXPECT_EQ(printable_text(std::string("a\0z", 3)), "a" + replaced + "z");  // NUL
  EXPECT_EQ(printable_text("\x1B[1m"), replaced + "[1m");
  EXPECT_EQ(printable_text("\xC2\x85"), replaced);      // U+0085, a C1 control
  EXPECT_EQ(printable_text("\xEF\xBF\xBE"), replaced);  // U+FFFE
  EXPECT_EQ(printable_text("a\r\n\tb"), "a \n\tb");
}

}  // namespace
}  // namespace linformer
