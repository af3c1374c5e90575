#include "linformer/config/distributed_config.h"

#include "rules.h"

namespace linformer {

void DistributedConfig::validate() const {
  require_positive("distributed.timeout_seconds", timeout_seconds);
  require_positive("distributed.bucket_megabytes", bucket_megabytes);
}

}  // namespace linformer
