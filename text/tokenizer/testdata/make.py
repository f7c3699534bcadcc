"""Makes the tokenizers and cases of this folder with Hugging Face's tokenizers
library, version 0.22.1, which is what the Go package is held to:

    pip install tokenizers==0.22.1 sentencepiece==0.2.3 protobuf && python3 make.py

The texts are made here. Places are in bytes.
"""

import gzip
import json
import os
import random
import tempfile

import sentencepiece
from sentencepiece import sentencepiece_model_pb2

from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

here = os.path.dirname(os.path.abspath(__file__))
draw = random.Random(7)

subjects = "the gardener,a small orchestra,my neighbour,the night train,our café,Zoë,the 3rd committee,a naïve robot,the librarian,das Mädchen".split(",")
verbs = "wouldn't repair,carries,counted,has forgotten,re-reads,paints,can't find,unwinds,you're told about,grüßt".split(",")
objects = "the clock,seven lanterns,an umbrella,1,250 maps,half of the bridge,an unbelievable story,x_y = f(a+b);,tea & cake,the river's source,東京の地図".split(",")
ends = [".", "!", "?", "…", " :)", " 👍🏽", "\n", "  ", " -- today", ""]


def sentence():
    return f"{draw.choice(subjects)} {draw.choice(verbs)} {draw.choice(objects)}{draw.choice(ends)}"


corpus = [sentence() for _ in range(3000)]

alphabet = list("aabcdeehiorst  RZ.,'!?-_12&@#") + ["'s", "'ll", "the", "ing", "  ", "\t", "\n", "\r\n", "é", "e\u0301", "ï", "ß", "İ", "ﬁ", "½", "²", "٣", "Ⅷ", "ⓐ",
    "東", "京", "한", "\u1112\u1161\u11ab", "क्षि", "\u0323\u0307", "\u200d", "\u200b", "\u00ad", "\u00a0", "\u3000", "👍🏽", "👩\u200d👩", "€", "«", "。", "▁", "Ġ", "\u0000", "\ufffd", "\u0085", "\u2028",
    "\U0001d41b", "[MASK]", "[SEP]", "<mask>", "<s>", "zebra", "Zebra", "\u0903", "\u20dd", "\u0378", "\ue000"]
texts = ["", " ", "a", "  a", "a  ", "\n\n x", "don't", "DON'T we'LL", "a" * 130, "ab" * 400, "  [MASK] is  <mask>  here[MASK]zebra zebras Zebra", "héllo wörld ﬁne ½", "x" + "\u0301" * 50,
    "the\u00a0gardener  carries\n\n  tea", "{\"a\": [1, 2.5e-3]}"]
texts += [sentence() for _ in range(30)]
texts += ["".join(draw.choice(alphabet) for _ in range(draw.randint(1, 30))) for _ in range(220)]


def train(t, kind, **more):
    t.train_from_iterator(corpus, kind(vocab_size=more.pop("vocab_size", 420), show_progress=False, **more))
    return t


def word_piece(normalizer, split, **more):
    t = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=more.pop("chars", 100)))
    t.normalizer, t.pre_tokenizer = normalizer, split
    return train(t, trainers.WordPieceTrainer, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], **more)


def template(t, single="[CLS] $A [SEP]"):
    t.post_processor = processors.TemplateProcessing(single=single, pair=single + " $B:1 [SEP]:1",
        special_tokens=[(s, t.token_to_id(s)) for s in ["[CLS]", "[SEP]"]])


def byte_pair(normalizer, split, model=None, **more):
    t = Tokenizer(model or models.BPE())
    t.normalizer, t.pre_tokenizer = normalizer, split
    return train(t, trainers.BpeTrainer, **more)


made = {}

t = made["bert"] = word_piece(normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer())
template(t)
t.enable_truncation(24)
t.enable_padding()
t.add_tokens(["zebra"])

t = made["bert_cased"] = word_piece(normalizers.BertNormalizer(lowercase=False), pre_tokenizers.BertPreTokenizer(), chars=20)
t.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
t.enable_truncation(9, direction="left")
t.enable_padding(direction="left", pad_to_multiple_of=8, pad_id=0, pad_type_id=1)

t = made["bert_plain"] = word_piece(normalizers.BertNormalizer(clean_text=False, handle_chinese_chars=False, strip_accents=True, lowercase=False), pre_tokenizers.BertPreTokenizer())

t = made["word_piece_sequence"] = word_piece(
    normalizers.Sequence([normalizers.NFKD(), normalizers.StripAccents(), normalizers.Lowercase(), normalizers.Replace("&", " and "), normalizers.Replace(Regex(r"\d+"), "0"), normalizers.Strip()]),
    pre_tokenizers.Sequence([pre_tokenizers.Whitespace(), pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.Punctuation()]))
template(t, "[CLS] $A:1 [SEP]:1")
t.enable_padding(length=40)

t = made["word_piece_split"] = word_piece(
    normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()]),
    pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation("merged_with_previous"), pre_tokenizers.Digits(), pre_tokenizers.CharDelimiterSplit("_")]))
t.add_tokens([AddedToken("zebra", single_word=True, lstrip=True, rstrip=True), AddedToken("Zebra", normalized=True, single_word=False), AddedToken("the gardener", lstrip=True)])

t = made["gpt2"] = byte_pair(None, pre_tokenizers.ByteLevel(add_prefix_space=False), initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), special_tokens=["<s>", "<pad>"])
t.post_processor = processors.ByteLevel(trim_offsets=False)

t = made["roberta"] = byte_pair(None, pre_tokenizers.ByteLevel(add_prefix_space=True), initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    special_tokens=["<s>", "<pad>", "</s>", "<unk>"])
t.add_special_tokens([AddedToken("<mask>", lstrip=True)])
t.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), trim_offsets=True, add_prefix_space=True)
t.enable_truncation(30)
t.enable_padding(pad_id=1, pad_token="<pad>")

t = made["trimmed"] = byte_pair(normalizers.NFC(), pre_tokenizers.ByteLevel(add_prefix_space=False), initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), special_tokens=["<s>"])
t.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=True, add_prefix_space=False),
    processors.TemplateProcessing(single="<s> $A", pair="<s> $A $B:1", special_tokens=[("<s>", 0)])])

cl100k = r"""(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"""
made["cl100k"] = byte_pair(None, pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(cl100k), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]),
    models.BPE(ignore_merges=True), initial_alphabet=pre_tokenizers.ByteLevel.alphabet())

gpt2 = r"""'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"""
made["gpt2_split"] = byte_pair(normalizers.NFKC(), pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(gpt2), "removed", invert=True), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]),
    initial_alphabet=pre_tokenizers.ByteLevel.alphabet())

bytes_of = [f"<0x{b:02X}>" for b in range(256)]
made["llama"] = byte_pair(normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]), None,
    models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True), vocab_size=700, special_tokens=["<unk>", "<s>", "</s>"] + bytes_of, limit_alphabet=30)
made["llama"].post_processor = processors.TemplateProcessing(single="<s> $A", pair="<s> $A $B:1", special_tokens=[("<s>", 1)])

made["metaspace"] = byte_pair(normalizers.NFKC(), pre_tokenizers.Metaspace(prepend_scheme="first"), models.BPE(unk_token="<unk>", fuse_unk=True), special_tokens=["<unk>", "<s>"], limit_alphabet=40)
made["metaspace_always"] = byte_pair(normalizers.NFD(), pre_tokenizers.Metaspace(prepend_scheme="always", split=False), models.BPE(unk_token="<unk>"), special_tokens=["<unk>", "<s>"], limit_alphabet=40, vocab_size=300)
made["clip"] = byte_pair(normalizers.Lowercase(), pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(r"\s+"), "merged_with_next"), pre_tokenizers.Punctuation("contiguous")]),
    models.BPE(unk_token="[UNK]", end_of_word_suffix="</w>", continuing_subword_prefix="##"), special_tokens=["[UNK]"], end_of_word_suffix="</w>", continuing_subword_prefix="##")


def unigram(normalizer, split, model=None, **more):
    t = Tokenizer(model or models.Unigram())
    t.normalizer, t.pre_tokenizer = normalizer, split
    return train(t, trainers.UnigramTrainer, unk_token="<unk>", special_tokens=more.pop("special_tokens", ["<s>", "<pad>", "</s>", "<unk>"]), **more)


def precompiled(rules):
    """The table that sentencepiece makes of rules, which map texts to texts."""
    with tempfile.TemporaryDirectory() as folder:
        write = lambda name, text: open(os.path.join(folder, name), "w").write(text) and os.path.join(folder, name)
        points = lambda s: " ".join(f"{ord(c):X}" for c in s)
        sentencepiece.SentencePieceTrainer.train(input=write("texts", "\n".join(corpus)), model_prefix=os.path.join(folder, "model"), hard_vocab_limit=False,
            normalization_rule_tsv=write("rules", "".join(f"{points(a)}\t{points(b)}\n" for a, b in rules.items())), minloglevel=2)
        model = sentencepiece_model_pb2.ModelProto()
        model.ParseFromString(open(os.path.join(folder, "model.model"), "rb").read())
        return model.normalizer_spec.precompiled_charsmap


# One character for one, more for one, fewer for several, and none.
table = precompiled({"é": "e", "e\u0301": "e", "ß": "ss", "…": "...", "½": "1\u20442", "ﬁ": "fi", "\t": " ", "\r\n": " ", "\n": " ", "\u00a0": " ", "\u3000": " ", "²": "2",
    "\u200b": "", "\u00ad": "", "İ": "i\u0307", "한": "\u1112\u1161\u11ab", "\u1112\u1161\u11ab": "han", "क्षि": "kshi", "👍🏽": "+1", "\u0378": "ab" * 9, "東京": "tokyo", "a\u0301": "a", "\u0301": ""})

t = made["xlm_roberta"] = unigram(normalizers.Sequence([normalizers.Precompiled(table), normalizers.Replace(Regex(" {2,}"), " ")]),
    pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]))
t.add_special_tokens([AddedToken("<mask>", lstrip=True)])
t.post_processor = processors.TemplateProcessing(single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
t.enable_truncation(25)
t.enable_padding(pad_id=1, pad_token="<pad>")

made["albert"] = unigram(normalizers.Sequence([normalizers.Replace("``", '"'), normalizers.NFKD(), normalizers.StripAccents(), normalizers.Lowercase(), normalizers.Precompiled(table)]),
    pre_tokenizers.Metaspace(), vocab_size=200)
made["unigram_whole"] = unigram(normalizers.Nmt(), None, vocab_size=150)

# A vocabulary of one's own, in which several ways score alike.
made["unigram_bytes"] = Tokenizer(models.Unigram([("<unk>", 0.0), ("▁", -2.0), ("a", -1.0), ("b", -1.5), ("ab", -2.5), ("ba", -2.25), ("aba", -3.5), ("the", -2.0), ("<s>", -4.0), ("é", -1.0), ("東京", -9.0), ("ing", -3.0), ("i", -1.0), ("n", -1.0), ("g", -1.0), ("b", -0.5)]
    + [(b, -6.0) for b in bytes_of], 0, True))
made["unigram_bytes"].pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)

made["word_level"] = Tokenizer(models.WordLevel(unk_token="<unk>"))
made["word_level"].pre_tokenizer = pre_tokenizers.Whitespace()
train(made["word_level"], trainers.WordLevelTrainer, vocab_size=30, special_tokens=["<unk>"])


def places(text, offsets):
    at = [0]
    for c in text:
        at.append(at[-1] + len(c.encode()))
    return [[at[a], at[b]] for a, b in offsets]


cases = {}
for name, t in made.items():
    path = os.path.join(here, name + ".json")
    t.save(path, pretty=False)
    t = Tokenizer.from_file(path)
    encoded = t.encode_batch(texts) if t.padding is None else [e for i in range(0, len(texts), 4) for e in t.encode_batch(texts[i:i + 4])]
    cases[name] = [{"ids": e.ids, "offsets": places(text, e.offsets), "types": e.type_ids, "mask": e.attention_mask, "special": e.special_tokens_mask}
        for text, e in zip(texts, encoded)]
with open(os.path.join(here, "cases.json.gz"), "wb") as f:
    f.write(gzip.compress(json.dumps({"texts": texts, "cases": cases}, ensure_ascii=False).encode(), 9, mtime=0))
