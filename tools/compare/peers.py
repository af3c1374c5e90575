"""One training step of another program, timed, as JSON: what tools/compare/compare.sh takes in turn with linformer-bench step.

A step is forward pass, backward pass, clipping and AdamW of a masked language model on random tokens, of which 15 % are
predicted. Each peer is used as its documentation says. Shapes are those of linformer-bench step.
"""

import argparse
import json
import sys
import time
import types

import torch

SHAPES = {  # layers, width, heads, vocabulary, sequences, n, k
    "small": (4, 256, 4, 16000, 8, 512, 128),
    "base": (12, 768, 12, 50000, 2, 512, 128),
}


def transformers_model(shape, dropout):
    from transformers import RobertaConfig, RobertaForMaskedLM

    layers, width, heads, words, _, n, _ = shape
    model = RobertaForMaskedLM(
        RobertaConfig(
            vocab_size=words, hidden_size=width, num_hidden_layers=layers, num_attention_heads=heads,
            intermediate_size=4 * width, max_position_embeddings=n + 2, type_vocab_size=1,
            hidden_dropout_prob=dropout, attention_probs_dropout_prob=dropout,
        )
    )

    def loss(ids, mask, labels):
        return model(input_ids=ids, labels=torch.where(mask, labels, -100)).loss

    return model, loss


def fairseq_model(shape, dropout):
    """fairseq's examples/linformer. Its dictionary and task are stood in for, so that no data is needed."""
    import dataclasses

    # Since Python 3.11, a default of a dataclass has to be hashable; those of fairseq's settings are not.
    original = dataclasses.dataclass

    def hashable(cls=None, **options):
        if cls is None:
            return lambda named: hashable(named, **options)
        if "fairseq" in cls.__module__ and "__hash__" not in cls.__dict__:
            options.setdefault("unsafe_hash", True)
        return original(cls, **options)

    dataclasses.dataclass = hashable
    try:
        from examples.linformer.linformer_src.models.linformer_roberta import LinformerModel
    finally:
        dataclasses.dataclass = original

    layers, width, heads, words, _, n, k = shape

    class Words:
        def __len__(self):
            return words

        def pad(self):
            return 1

    args = types.SimpleNamespace(
        encoder_layers=layers, encoder_embed_dim=width, encoder_ffn_embed_dim=4 * width, encoder_attention_heads=heads,
        dropout=dropout, attention_dropout=dropout, activation_dropout=0.0, tokens_per_sample=n, max_positions=n,
        compressed=n // k, shared_kv_compressed=1, shared_layer_kv_compressed=0, freeze_compress=0,
        max_source_positions=n,
    )
    model = LinformerModel.build_model(args, types.SimpleNamespace(source_dictionary=Words()))

    def loss(ids, mask, labels):
        logits = model(ids, masked_tokens=mask)[0]
        return torch.nn.functional.cross_entropy(logits.float(), labels[mask])

    return model, loss


def all_logits_loss(model):
    """These models have no way to ask for some positions alone."""

    def loss(ids, mask, labels):
        return torch.nn.functional.cross_entropy(model(ids)[mask].float(), labels[mask])

    return model, loss


def lucidrains_model(shape, dropout):
    from linformer import LinformerLM

    layers, width, heads, words, _, n, k = shape
    return all_logits_loss(
        LinformerLM(num_tokens=words, dim=width, seq_len=n, depth=layers, heads=heads, k=k, share_kv=True, dropout=dropout)
    )


def tatp22_model(shape, dropout):
    from linformer_pytorch import LinformerLM

    layers, width, heads, words, _, n, k = shape
    return all_logits_loss(
        LinformerLM(
            num_tokens=words, input_size=n, channels=width, dim_d=width // heads, dim_k=k, dim_ff=4 * width,
            dropout_ff=dropout, dropout=dropout, nhead=heads, depth=layers, activation="gelu", parameter_sharing="kv",
        )
    )


PEERS = {
    "transformers": transformers_model,  # standard attention
    "fairseq": fairseq_model,
    "lucidrains": lucidrains_model,
    "tatp22": tatp22_model,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("peer", choices=PEERS)
    parser.add_argument("--model", choices=SHAPES, default="small")
    parser.add_argument("--batch-size", type=int, default=0)
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--fairseq", help="folder of fairseq's sources")
    arguments = parser.parse_args()
    if arguments.fairseq:
        sys.path.insert(0, arguments.fairseq)
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    device = torch.device(arguments.device)
    shape = SHAPES[arguments.model]
    words, n = shape[3], shape[5]
    batch = arguments.batch_size or shape[4]
    torch.manual_seed(1)
    model, loss = PEERS[arguments.peer](shape, arguments.dropout)
    model.to(device).train()
    if arguments.compile:
        loss = torch.compile(loss)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)
    predicted = (torch.arange(batch * n) % 20 < 3).view(batch, n).to(device)  # 15 %

    def step():
        ids = torch.randint(5, words, (batch, n), device=device)
        labels = torch.randint(5, words, (batch, n), device=device)
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=arguments.precision == "bf16"):
            value = loss(ids, predicted, labels)
        value.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return value.item()  # waits for the device

    for _ in range(3):
        step()
    seconds = []
    for _ in range(arguments.steps):
        start = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - start)
    median = sorted(seconds)[len(seconds) // 2]
    result = {
        "tokens_per_second": batch * n / median,
        "step_seconds": median,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "peak_tensor_bytes": torch.cuda.max_memory_allocated() if device.type == "cuda" else None,
        "precision": arguments.precision,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
