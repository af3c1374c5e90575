"""What users of transformers' RoBERTa expect of an exported Linformer: its files, its training."""

import copy
import tempfile
import unittest

import torch
import transformers
from hf_support import CLASSES, VARIANTS, Folder, batch, logits_of, make_config, make_model, module


class WeightsTest(unittest.TestCase):
    def test_files_have_the_names_of_linformer_convert(self):
        for variant in VARIANTS:
            model = make_model(module.LinformerForMaskedLM, variant)
            names = set(Folder(model).weights())
            self.assertIn("lm_head.bias", names)
            self.assertNotIn("lm_head.decoder.bias", names)
            self.assertEqual("lm_head.decoder.weight" in names, variant == "untied")
            expected = {name for name, _ in model.named_parameters()}
            self.assertEqual(names, expected, variant)

    def test_a_folder_is_opened_saved_and_opened_again(self):
        ids, mask = batch()
        for variant in ("headwise", "untied", "lengths"):
            for cls, auto in (
                (CLASSES[1], transformers.AutoModelForMaskedLM),
                (CLASSES[2], transformers.AutoModelForSequenceClassification),
            ):
                model = make_model(cls, variant)
                expected = logits_of(model, input_ids=ids, attention_mask=mask)
                folder, again = Folder(model).path, tempfile.mkdtemp()
                opened = auto.from_pretrained(folder, trust_remote_code=True)
                self.assertNotIsInstance(opened, cls)  # the module of the folder
                actual = logits_of(opened, input_ids=ids, attention_mask=mask)
                self.assertTrue(torch.equal(actual, expected))
                opened.save_pretrained(again)
                last = auto.from_pretrained(again, trust_remote_code=True)
                actual = logits_of(last, input_ids=ids, attention_mask=mask)
                self.assertTrue(torch.equal(actual, expected))

    def test_missing_weights_start_and_the_others_stay(self):
        for variant in VARIANTS:
            model = make_model(module.LinformerForMaskedLM, variant)
            folder = Folder(model)
            whole = folder.weights()
            fresh = module.LinformerForMaskedLM(model.config).state_dict()
            for third in range(3):  # each is missing once, beside others that are there
                missing = list(whole)[third::3]
                folder.keep({name: value for name, value in whole.items() if name not in missing})
                opened = module.LinformerForMaskedLM.from_pretrained(folder.path)
                for name, value in opened.state_dict().items():
                    note = f"{variant}: {name}, missing: {name in missing}"
                    if name in whole and name not in missing:
                        self.assertTrue(torch.equal(value, whole[name]), note)
                    elif name in missing:
                        deviation, usual = value.std(correction=0), fresh[name].std(correction=0)
                        self.assertTrue(value.isfinite().all(), note)
                        self.assertLessEqual(abs(deviation - usual), 0.5 * usual, note)
                        apart = abs(value.mean() - fresh[name].mean())
                        self.assertLess(apart, 0.01 + 10 * usual / value.numel() ** 0.5, note)

    def test_projections_start_as_in_training(self):
        def start(**attention):
            torch.manual_seed(1)
            config = make_config("headwise", attention={"projected_length": 4, **attention})
            return module.LinformerModel(config).encoder.layer[0].attention["self"].E.detach()

        blocks = torch.arange(24).unsqueeze(0) // 6 == torch.arange(4).unsqueeze(1)
        middles = torch.arange(24).unsqueeze(0) == torch.tensor([3, 9, 15, 21]).unsqueeze(1)
        # Means of at least 96 numbers: within 30 percent of the deviation.
        for init, matrix, deviation in (
            ("normal", 0, 0.02),
            ("jl", 0, 0.5),
            ("block_average", blocks / 6, 0.002),
            ("strided", middles.float(), 0.002),
        ):
            noise = start(init=init) - matrix
            self.assertAlmostEqual(noise.std().item() / deviation, 1, delta=0.3, msg=init)
        kernel = start(init="strided", projection="conv", convolution_mixing="head")
        own = kernel.view(4, 8, 8, 6)[:, range(8), range(8)]  # heads, channels, taps
        self.assertTrue(((own[..., 3] - 1).abs() < 0.02).all())
        self.assertAlmostEqual(kernel.sum().item(), 32, delta=1)

    def test_projections_that_are_not_trained(self):
        attention = {"projected_length": 4, "train_projection": False}
        model = make_model(module.LinformerForMaskedLM, "headwise", attention=attention)
        opened = module.LinformerForMaskedLM.from_pretrained(Folder(model).path)
        for case in (model, opened):
            frozen = {name for name, value in case.named_parameters() if not value.requires_grad}
            self.assertEqual(len(frozen), 4)
            self.assertTrue(all(name.endswith((".E", ".F")) for name in frozen), frozen)

    def test_a_vocabulary_can_grow_and_shrink(self):
        ids, mask = batch(vocab_size=60)
        for variant in ("headwise", "untied"):
            model = make_model(module.LinformerForMaskedLM, variant)
            expected = logits_of(model, input_ids=ids, attention_mask=mask)
            for size in (120, 70):
                words = model.resize_token_embeddings(size)
                self.assertEqual(words.num_embeddings, size)
                self.assertEqual(model.get_output_embeddings().weight.shape[0], size)
                same = model.get_output_embeddings().weight is words.weight
                self.assertEqual(same, variant == "headwise")
                actual = logits_of(model, input_ids=ids, attention_mask=mask)
                self.assertEqual(actual.size(-1), size)
                kept = min(size, 99)
                torch.testing.assert_close(actual[..., :kept], expected[..., :kept])
                opened = module.LinformerForMaskedLM.from_pretrained(Folder(model).path)
                again = logits_of(opened, input_ids=ids, attention_mask=mask)
                self.assertTrue(torch.equal(again, actual))

    def test_weights_can_stay_on_disk(self):
        ids, mask = batch()
        places = {"roberta.embeddings": "cpu", "roberta.encoder": "disk", "lm_head": "cpu"}
        for variant in VARIANTS:
            model = make_model(module.LinformerForMaskedLM, variant)
            with tempfile.TemporaryDirectory() as disk:
                opened = module.LinformerForMaskedLM.from_pretrained(
                    Folder(model).path, device_map=places, offload_folder=disk
                )
                actual = logits_of(opened, input_ids=ids, attention_mask=mask)
            expected = logits_of(model, input_ids=ids, attention_mask=mask)
            self.assertTrue(torch.equal(actual, expected), variant)

    def test_a_model_can_be_exported_as_a_graph(self):
        ids, mask = batch()
        # The whole n = 24 is a special case of a slice of E, which the exporter does not take.
        sizes = {0: torch.export.Dim("rows"), 1: torch.export.Dim("length", max=23)}
        for variant in VARIANTS:
            model = make_model(module.LinformerForMaskedLM, variant)
            graph = torch.export.export(
                model,
                (),
                {"input_ids": ids, "attention_mask": mask},
                dynamic_shapes={"input_ids": sizes, "attention_mask": sizes},
                strict=False,
            ).module()
            short = {"input_ids": ids[:2, :8], "attention_mask": mask[:2, :8]}
            torch.testing.assert_close(graph(**short).logits, logits_of(model, **short))
            expected = logits_of(model, input_ids=ids, attention_mask=mask)
            model.config.return_dict = False
            traced = torch.jit.trace(model, (ids, mask))
            torch.testing.assert_close(traced(ids, mask)[0], expected)

    def test_number_types(self):
        ids, mask = batch()
        for variant in VARIANTS:
            model = make_model(module.LinformerForMaskedLM, variant)
            expected = logits_of(model, input_ids=ids, attention_mask=mask)[mask.bool()]
            for number in (torch.bfloat16, torch.float16):
                opened = module.LinformerForMaskedLM.from_pretrained(
                    Folder(model).path, torch_dtype=number
                )
                logits = logits_of(opened, input_ids=ids, attention_mask=mask)[mask.bool()]
                self.assertEqual(logits.dtype, number)
                worst = (logits.float() - expected).abs().max() / expected.abs().max()
                self.assertLess(worst.item(), 0.1, variant)


class TrainingTest(unittest.TestCase):
    def gradients(self, model, **inputs):
        model.zero_grad()
        torch.manual_seed(11)  # the same dropout
        model(**inputs).loss.backward()
        return {name: value.grad.clone() for name, value in model.named_parameters()}

    def test_every_weight_learns_with_and_without_checkpointing(self):
        ids, mask = batch("left")
        for variant in VARIANTS:
            for cls, labels in ((CLASSES[1], ids), (CLASSES[2], torch.tensor([1, 0, 1]))):
                model = make_model(cls, variant).train()
                if model.config.type_vocab_size > 0:
                    types = {"token_type_ids": ids % model.config.type_vocab_size}
                else:
                    types = {}
                inputs = {"input_ids": ids, "attention_mask": mask, "labels": labels, **types}
                expected = self.gradients(model, **inputs)
                for name, gradient in expected.items():
                    if "key.bias" not in name:  # in standard attention it has none
                        self.assertGreater(gradient.abs().sum().item(), 0, f"{variant}: {name}")
                for reentrant in (True, False):
                    model.gradient_checkpointing_enable({"use_reentrant": reentrant})
                    self.assertTrue(model.is_gradient_checkpointing)
                    for name, gradient in self.gradients(model, **inputs).items():
                        torch.testing.assert_close(gradient, expected[name], msg=f"{variant} {name}")
                model.gradient_checkpointing_disable()

    def test_padding_has_no_gradient(self):
        ids, mask = batch()
        for variant in VARIANTS:
            model = make_model(module.LinformerForMaskedLM, variant)
            words = model.get_input_embeddings()(ids).detach().requires_grad_()
            labels = torch.where(mask.bool(), ids, -100)
            model(inputs_embeds=words, attention_mask=mask, labels=labels).loss.backward()
            self.assertTrue(words.grad.isfinite().all(), variant)
            self.assertTrue((words.grad[~mask.bool()] == 0).all(), variant)

    def test_micro_batches_of_trainer_add_up_to_the_batch(self):
        """Their labels differ in number: 1 of row 2 must not weigh as much as 9 of row 0."""
        ids, mask = batch()
        few = torch.full_like(ids, -100)
        for row, labels in enumerate((9, 4, 1)):
            few[row, :labels] = ids[row, :labels]
        several = torch.tensor([[1.0, 0], [0, 1], [1, 1]])
        cases = (
            (CLASSES[1], {}, few),
            (CLASSES[2], {}, torch.tensor([1, 0, 1])),
            (CLASSES[2], {"problem_type": "multi_label_classification"}, several),
            (CLASSES[2], {"num_labels": 1}, torch.tensor([0.5, 2.0, -1.0])),
        )
        for cls, settings, labels in cases:
            start = make_model(
                cls, "headwise", hidden_dropout_prob=0, attention_probs_dropout_prob=0, **settings
            )
            rows = [
                {"input_ids": ids[i], "attention_mask": mask[i], "labels": labels[i]}
                for i in range(3)
            ]
            ends = [self.train(start, rows, size) for size in (3, 1)]
            moved = 0.0
            for name, value in start.state_dict().items():
                torch.testing.assert_close(ends[0][name], ends[1][name], rtol=1e-4, atol=1e-6)
                moved = max(moved, (ends[0][name] - value).abs().max().item())
            self.assertGreater(moved, 1e-4)

    def train(self, start, rows, batch_size):
        model = copy.deepcopy(start)
        with tempfile.TemporaryDirectory() as folder:
            arguments = transformers.TrainingArguments(
                output_dir=folder,
                per_device_train_batch_size=batch_size,
                gradient_accumulation_steps=len(rows) // batch_size,
                max_steps=1,
                learning_rate=0.1,
                lr_scheduler_type="constant",
                optim="sgd",
                max_grad_norm=0,
                use_cpu=True,
                report_to=[],
                save_strategy="no",
                disable_tqdm=True,
            )
            transformers.Trainer(model=model, args=arguments, train_dataset=rows).train()
        return model.state_dict()
