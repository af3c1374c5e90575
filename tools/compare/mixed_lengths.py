"""Fine-tuning steps and predictions of transformers' RoBERTa on texts of mixed lengths, timed, as JSON: what
tools/compare/mixed_lengths.sh takes in turn with linformer-finetune and linformer-predict.

Batches are padded by DataCollatorWithPadding, as transformers' examples do. `--order` says which rows come together:
  random   as Trainer does by default (for predictions: the order of the file)
  grouped  as Trainer does with group_by_length (for predictions: sorted by length)
Rows are encoded and batches are padded before the clock starts.
"""

import argparse
import csv
import json
import time

import torch
from peers import SHAPES
from transformers import DataCollatorWithPadding, PreTrainedTokenizerFast, RobertaConfig
from transformers import RobertaForSequenceClassification
from transformers.trainer_pt_utils import LengthGroupedSampler


def encoded_rows(arguments):
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=arguments.tokenizer, bos_token="<s>", pad_token="<pad>", eos_token="</s>", unk_token="<unk>",
        cls_token="<s>", sep_token="</s>", mask_token="<mask>", model_input_names=["input_ids", "attention_mask"],
    )
    with open(arguments.table, encoding="utf-8", newline="\n") as file:
        table = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))[: arguments.rows or None]
    columns = [name for name in (arguments.text_column, arguments.pair_column) if name]
    texts = [[row[name] for row in table] for name in columns]
    encoded = tokenizer(*texts, truncation=True, max_length=SHAPES[arguments.model][5])
    names = sorted({row[arguments.label_column] for row in table})
    rows = [
        {"input_ids": ids, "attention_mask": [1] * len(ids), "labels": names.index(row[arguments.label_column])}
        for ids, row in zip(encoded["input_ids"], table)
    ]
    return tokenizer, rows, len(names)


def batches_of(rows, tokenizer, arguments):
    lengths = [len(row["input_ids"]) for row in rows]
    size = arguments.batch_size
    if arguments.task == "predict":
        order = list(range(len(rows)))
        if arguments.order == "grouped":
            order.sort(key=lambda i: -lengths[i])
    elif arguments.order == "grouped":
        generator = torch.Generator().manual_seed(1)
        order = list(LengthGroupedSampler(size, lengths=lengths, generator=generator))
    else:
        order = torch.randperm(len(rows)).tolist()
    collate = DataCollatorWithPadding(tokenizer)
    batches = [[rows[i] for i in order[begin : begin + size]] for begin in range(0, len(order), size)]
    if arguments.task == "train":
        # The grouped order begins with the longest batch, so steps are spread over the epoch.
        wanted = arguments.steps + 3
        batches = [batches[i * len(batches) // wanted] for i in range(min(wanted, len(batches)))]
    return [collate(batch) for batch in batches]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("task", choices=["train", "predict"])
    parser.add_argument("--table", required=True, help="tab-separated, with a header")
    parser.add_argument("--tokenizer", required=True, help="tokenizer.json")
    parser.add_argument("--text-column", required=True)
    parser.add_argument("--pair-column", default="")
    parser.add_argument("--label-column", required=True)
    parser.add_argument("--order", choices=["random", "grouped"], default="random")
    parser.add_argument("--model", choices=SHAPES, default="small")
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--steps", type=int, default=64)
    parser.add_argument("--rows", type=int, default=0, help="of the table; 0 = all")
    parser.add_argument("--threads", type=int, default=0)
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    torch.manual_seed(1)
    tokenizer, rows, num_labels = encoded_rows(arguments)
    layers, width, heads, _, _, n, _ = SHAPES[arguments.model]
    device = torch.device(arguments.device)
    model = RobertaForSequenceClassification(
        RobertaConfig(
            vocab_size=len(tokenizer), hidden_size=width, num_hidden_layers=layers, num_attention_heads=heads,
            intermediate_size=4 * width, max_position_embeddings=n + 2, type_vocab_size=1, num_labels=num_labels,
            pad_token_id=1, bos_token_id=0, eos_token_id=2,
        )
    ).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5, fused=True)

    def compute(batch):
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=arguments.precision == "bf16"):
            return model(**{name: value.to(device) for name, value in batch.items()})

    def train(batch):
        loss = compute(batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return loss.item()

    @torch.no_grad()
    def predict(batch):
        return compute(batch).logits.softmax(-1).cpu()

    step = train if arguments.task == "train" else predict
    model.train(arguments.task == "train")
    batches = batches_of(rows, tokenizer, arguments)
    for batch in batches[:3]:
        step(batch)
    timed = batches[3:] if arguments.task == "train" else batches
    start = time.perf_counter()
    for batch in timed:
        step(batch)
    seconds = time.perf_counter() - start
    tokens = sum(int(batch["attention_mask"].sum()) for batch in timed)
    places = sum(batch["input_ids"].numel() for batch in timed)
    examples = sum(batch["input_ids"].size(0) for batch in timed)
    result = {
        "tokens_per_second": tokens / seconds,
        "examples_per_second": examples / seconds,
        "padding_share": 1 - tokens / places,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
