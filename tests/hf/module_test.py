"""What users of transformers' RoBERTa expect of an exported Linformer: arguments, outputs, losses."""

import unittest

import torch
import transformers
from hf_support import CLASSES, LENGTHS, VARIANTS, batch, logits_of, make_config, make_model, module


class ArgumentsTest(unittest.TestCase):
    def test_unknown_arguments_raise(self):
        ids, mask = batch()
        for cls in CLASSES:
            with self.assertRaisesRegex(TypeError, "attn_mask"):
                make_model(cls, "headwise")(input_ids=ids, attn_mask=mask)

    def test_wrong_inputs_say_what_is_wrong(self):
        ids, mask = batch()
        model = make_model(module.LinformerModel, "headwise")
        words = model.get_input_embeddings()(ids)
        pairs = mask.unsqueeze(1).expand(-1, 10, -1)
        cases = (
            ({}, "either input_ids or inputs_embeds"),
            ({"input_ids": ids, "inputs_embeds": words}, "either input_ids or inputs_embeds"),
            ({"input_ids": ids, "attention_mask": pairs}, r"shape \(3, 10, 10\), the input \(3, 10\)"),
            ({"input_ids": ids.repeat(1, 3)}, "30 tokens, the model takes at most 24"),
            ({"inputs_embeds": words.repeat(1, 3, 1)}, "30 tokens, the model takes at most 24"),
        )
        for inputs, message in cases:
            with self.assertRaisesRegex(ValueError, message):
                model(**inputs)
        with self.assertRaises(IndexError):  # there is one segment
            model(input_ids=ids, token_type_ids=torch.ones_like(ids))
        pooled = make_model(module.LinformerForSequenceClassification, "mixed")
        with self.assertRaisesRegex(ValueError, "pair_mean .* give input_ids"):
            pooled(inputs_embeds=words)
        with self.assertRaisesRegex(ValueError, "hidden_act 'relu' is not known"):
            make_config("headwise", hidden_act="relu")

    def test_masks_of_all_types_are_one(self):
        ids, mask = batch()
        for variant in VARIANTS:
            model = make_model(module.LinformerForMaskedLM, variant)
            expected = logits_of(model, input_ids=ids, attention_mask=mask)
            for given in (mask.bool(), mask.float(), mask.to(torch.int32), None):
                actual = logits_of(model, input_ids=ids, attention_mask=given)
                self.assertTrue(torch.equal(actual, expected), variant)

    def test_padding_changes_nothing(self):
        (ids, mask), (left_ids, left_mask) = batch(), batch("left")
        self.assertTrue(torch.equal(ids[mask.bool()], left_ids[left_mask.bool()]))
        for variant in VARIANTS:
            model = make_model(module.LinformerForMaskedLM, variant)
            expected = logits_of(model, input_ids=ids, attention_mask=mask)[mask.bool()]
            left = logits_of(model, input_ids=left_ids, attention_mask=left_mask)[left_mask.bool()]
            torch.testing.assert_close(left, expected, rtol=1e-5, atol=1e-5, msg=variant)
            single = logits_of(model, input_ids=ids[2:, :4])[0]
            torch.testing.assert_close(single, expected[-4:], rtol=1e-5, atol=1e-5, msg=variant)
            # What stands at padding does not matter.
            other = torch.where(mask.bool(), ids, 50)
            same = logits_of(model, input_ids=other, attention_mask=mask)[mask.bool()]
            self.assertTrue(torch.equal(same, expected), variant)

    def test_embeds_and_positions_replace_ids(self):
        ids, mask = batch("left")
        for variant in VARIANTS:
            model = make_model(module.LinformerForMaskedLM, variant)
            expected = logits_of(model, input_ids=ids, attention_mask=mask)
            words = model.get_input_embeddings()(ids).masked_fill(~mask.bool().unsqueeze(-1), 9.0)
            actual = logits_of(model, inputs_embeds=words, attention_mask=mask)
            self.assertTrue(torch.equal(actual, expected), variant)
            positions = mask.cumsum(1) * mask + 1
            actual = logits_of(model, input_ids=ids, attention_mask=mask, position_ids=positions)
            self.assertTrue(torch.equal(actual, expected), variant)
            ones = torch.full((1, 10), 5)
            actual = logits_of(model, input_ids=ids, attention_mask=mask, position_ids=ones)
            self.assertFalse(torch.allclose(actual, expected), variant)

    def test_config_says_what_is_returned(self):
        ids, _ = batch()
        for cls in CLASSES:
            model = make_model(cls, "headwise")
            self.assertIsNone(model(ids).attentions)
            model.config.output_attentions = model.config.output_hidden_states = True
            output = model(ids)
            self.assertEqual((len(output.attentions), len(output.hidden_states)), (2, 3))
            self.assertIsNone(model(ids, output_attentions=False).attentions)
            some = model(ids, output_hidden_states=[0, -1]).hidden_states
            self.assertEqual([state is None for state in some], [False, True, False])
            model.config.return_dict = False
            self.assertIsInstance(model(ids), tuple)
            self.assertNotIsInstance(model(ids, return_dict=True), tuple)


class AttentionsTest(unittest.TestCase):
    def attentions(self, variant, padding="right"):
        ids, mask = batch(padding)
        with torch.no_grad():
            output = make_model(module.LinformerModel, variant)(
                ids, attention_mask=mask, output_attentions=True
            )
        return output.attentions, mask.bool()

    def test_shapes(self):
        keys = {"lengths": (8, 8), "pooling": (8, 8), "mixed": (4, 10), "standard": (10, 10)}
        for variant in VARIANTS:
            weights, mask = self.attentions(variant)
            self.assertEqual(
                [tuple(layer.shape) for layer in weights],
                [(3, 4, 10, k) for k in keys.get(variant, (4, 4))],
                variant,
            )
            for layer in weights:
                rows = layer.sum(-1).transpose(1, 2)[mask]
                torch.testing.assert_close(rows, torch.ones_like(rows))

    def test_a_head_with_fewer_rows_ends_with_zeros(self):
        weights, _ = self.attentions("lengths")
        for head, k in enumerate((2, 4, 8, 4)):
            self.assertTrue((weights[0][:, head, :, :k] > 0).all())
            self.assertTrue((weights[0][:, head, :, k:] == 0).all())

    def test_rows_stay_with_their_tokens(self):
        for variant in VARIANTS:
            right, mask = self.attentions(variant)
            left, left_mask = self.attentions(variant, "left")
            for ours, theirs in zip(left, right):
                if ours.size(-1) == 10:  # keys are tokens: their order moves too
                    for row, n in enumerate(LENGTHS):
                        torch.testing.assert_close(
                            ours[row, :, 10 - n :, 10 - n :], theirs[row, :, :n, :n]
                        )
                        self.assertTrue((theirs[row, :, :, n:] == 0).all())
                else:
                    ours, theirs = ours.transpose(1, 2)[left_mask], theirs.transpose(1, 2)[mask]
                    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)

    def test_a_window_is_seen(self):
        weights, _ = self.attentions("mixed")
        distance = (torch.arange(10).unsqueeze(1) - torch.arange(10)).abs()
        self.assertTrue((weights[1][0, :, distance > 2] == 0).all())
        self.assertTrue((weights[1][0, :, distance <= 2] > 0).all())


class RobertaTest(unittest.TestCase):
    """With standard attention the module is transformers' RoBERTa, argument by argument."""

    def pair(self, head, **settings):
        ours = make_model(getattr(module, "LinformerFor" + head), "standard", **settings)
        config = transformers.RobertaConfig(
            **{
                name: getattr(ours.config, name)
                for name in (
                    "vocab_size hidden_size num_hidden_layers num_attention_heads intermediate_size "
                    "max_position_embeddings type_vocab_size layer_norm_eps num_labels problem_type"
                ).split()
            },
            attn_implementation="eager",
        )
        theirs = getattr(transformers, "RobertaFor" + head)(config).eval()
        weights = {name: value for name, value in ours.state_dict().items()}
        if head == "MaskedLM":
            weights["lm_head.decoder.bias"] = weights["lm_head.bias"]
        missing, unexpected = theirs.load_state_dict(weights, strict=False)
        self.assertEqual(unexpected, [])
        self.assertEqual([name for name in missing if "_ids" not in name], [])
        theirs.tie_weights()
        return ours, theirs

    def compare(self, ours, theirs, mask, **inputs):
        inputs.update(output_hidden_states=True, output_attentions=True, attention_mask=mask)
        with torch.no_grad():
            actual, expected = ours(**inputs), theirs(**inputs)
            short, long = ours(**inputs, return_dict=False), theirs(**inputs, return_dict=False)
        self.assertEqual(list(actual.keys()), list(expected.keys()))
        self.assertEqual(len(short), len(long))
        valid = mask.bool()
        whole = actual.logits.dim() == 2
        near = {"rtol": 1e-4, "atol": 1e-5}
        pick = (lambda x: x) if whole else (lambda x: x[valid])
        torch.testing.assert_close(pick(actual.logits), pick(expected.logits), **near)
        if actual.loss is not None:
            torch.testing.assert_close(actual.loss, expected.loss, **near)
        for a, b in zip(actual.hidden_states, expected.hidden_states):
            torch.testing.assert_close(a[valid], b[valid], **near)
        for a, b in zip(actual.attentions, expected.attentions):
            torch.testing.assert_close(a.transpose(1, 2)[valid], b.transpose(1, 2)[valid], **near)

    def test_masked_lm(self):
        ours, theirs = self.pair("MaskedLM")
        for padding in ("right", "left"):
            ids, mask = batch(padding)
            labels = torch.where((ids > 40) & mask.bool(), ids, -100)
            positions = (torch.arange(10).expand(3, -1) % 20) * mask + 2
            self.compare(ours, theirs, mask, input_ids=ids)
            self.compare(ours, theirs, mask, input_ids=ids, labels=labels)
            self.compare(ours, theirs, mask, input_ids=ids, position_ids=positions)
            self.compare(ours, theirs, mask, input_ids=ids, token_type_ids=torch.zeros_like(ids))
            words = torch.randn(3, 10, 32)
            self.compare(ours, theirs, mask, inputs_embeds=words, position_ids=positions)

    def test_losses_of_classifiers(self):
        ids, mask = batch()
        several = torch.tensor([[1.0, 0, 1], [0, 0, 1], [1, 1, 0]])
        cases = (
            (3, None, torch.tensor([2, 0, 1]), "single_label_classification"),
            (3, "single_label_classification", torch.tensor([2, 0, 1]), None),
            (3, None, several, "multi_label_classification"),
            (3, "multi_label_classification", several, None),
            (1, None, torch.tensor([0.5, 2.0, -1.0]), "regression"),
            (1, "regression", torch.tensor([[0.5], [2.0], [-1.0]]), None),
            (3, "regression", several, None),
        )
        for num_labels, problem, labels, decided in cases:
            ours, theirs = self.pair(
                "SequenceClassification", num_labels=num_labels, problem_type=problem
            )
            self.compare(ours, theirs, mask, input_ids=ids, labels=labels)
            self.assertEqual(ours.config.problem_type, decided or problem)
        ours, _ = self.pair("SequenceClassification", num_labels=3)
        with self.assertRaises(RuntimeError):  # nothing is spread over other rows
            ours.config.problem_type = "regression"
            ours(ids, attention_mask=mask, labels=torch.tensor([1.0, 2.0, 3.0]))

    def test_a_projection_that_keeps_every_row_is_standard_attention(self):
        standard = make_model(module.LinformerForMaskedLM, "standard")
        projected = make_model(
            module.LinformerForMaskedLM,
            "headwise",
            type_vocab_size=1,
            attention={"projected_length": 24, "sharing": "layerwise"},
        )
        projected.load_state_dict(standard.state_dict(), strict=False)
        with torch.no_grad():
            projected.roberta.encoder.E.copy_(torch.eye(24))
        torch.manual_seed(3)
        ids = torch.randint(3, 90, (2, 24))
        torch.testing.assert_close(
            logits_of(projected, input_ids=ids), logits_of(standard, input_ids=ids)
        )
