#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "linformer/config/expected_file.h"
#include "linformer/config/pretrain_config.h"
#include "linformer/objectives/masked_lm_objective.h"
#include "linformer/report/expected_band.h"
#include "linformer/train/trainer.h"

namespace linformer {

/// settings_text() of what all processes of a run have to agree on: everything but places and
/// threads.
std::string shared_settings(PretrainConfig config);

/// What a run is compared with. A file that was found by its name is for runs of its configuration
/// and data alone; one that the user named is compared in any case.
struct Expectation {
  enum class Origin { kNamed, kFound };
  ExpectedCurve curve;
  Origin origin = Origin::kNamed;
};

/// Masked-LM pre-training of one run folder: MaskedLmObjective and its trainer. At its end, it
/// writes report.html.
class PretrainingRun {
 public:
  /// As Trainer's. With `expected`, each evaluation is compared with it, and a warning says when
  /// the run leaves the band.
  explicit PretrainingRun(
      PretrainConfig config,
      std::shared_ptr<ProcessGroup> processes = std::make_shared<ProcessGroup>(),
      std::optional<Expectation> expected = std::nullopt);

  StopReason run();

  /// Everything that the run has reached so far beside what was expected; empty without an
  /// expectation.
  std::vector<BandCheck> band_checks() const;

  const PretrainConfig& config() const { return task_.config(); }
  const TrainingState& state() const { return trainer_.state(); }
  const Model& model() const { return task_.model(); }
  /// The last evaluation of this session, if there was one.
  const std::optional<EvaluationResult>& last_evaluation() const { return task_.last_evaluation(); }

 private:
  TrainerSetup setup();
  void check_expectation();
  void compare_last_evaluation();

  std::optional<Expectation> expected_;
  int64_t compared_step_ = 0;
  bool outside_ = false;
  MaskedLmObjective task_;
  std::shared_ptr<ProcessGroup> processes_;
  Trainer trainer_;
};

}  // namespace linformer
