package tokenizer

import (
	"fmt"
	"strings"
)

// Part is a kind of part that a tokenizer.json may have.
type Part struct {
	// Section is the key that it stands under, Kind its type.
	Section, Kind string
	// Read says that this program does it. What it does not do it refuses.
	Read bool
	// Doc says what it does, and what of it is refused.
	Doc string
}

// Parts lists the kinds of part that Hugging Face's tokenizers 0.22 writes, in the
// order of their work.
func Parts() []Part {
	return []Part{
		{"normalizer", "BertNormalizer", true, "Takes control characters out, puts blanks around Chinese characters, takes accents off, lower-cases: each as the file says."},
		{"normalizer", "Lowercase", true, "Lower-cases."},
		{"normalizer", "NFC", true, "Unicode's normal form."},
		{"normalizer", "NFD", true, "Unicode's normal form."},
		{"normalizer", "NFKC", true, "Unicode's normal form."},
		{"normalizer", "NFKD", true, "Unicode's normal form."},
		{"normalizer", "Nmt", true, "Takes control characters out and makes other white space blanks, as sentencepiece does."},
		{"normalizer", "Precompiled", true, "sentencepiece's table of characters."},
		{"normalizer", "Prepend", true, "Puts a text in front."},
		{"normalizer", "Replace", true, "Puts a text in place of what a pattern matches."},
		{"normalizer", "Sequence", true, "Several, one after another."},
		{"normalizer", "Strip", true, "Takes white space off the ends."},
		{"normalizer", "StripAccents", true, "Takes marks off."},
		{"normalizer", "ByteLevel", false, "Writes bytes as characters; as a pre-tokenizer it is read."},
		{"pre_tokenizer", "BertPreTokenizer", true, "Cuts at white space and around punctuation."},
		{"pre_tokenizer", "ByteLevel", true, "Writes bytes as characters, after GPT-2's pattern where the file says so."},
		{"pre_tokenizer", "CharDelimiterSplit", true, "Cuts at a character."},
		{"pre_tokenizer", "Digits", true, "Cuts around numbers, or each digit."},
		{"pre_tokenizer", "Metaspace", true, "Writes blanks as a sign, and cuts there, as sentencepiece does."},
		{"pre_tokenizer", "Punctuation", true, "Cuts around punctuation."},
		{"pre_tokenizer", "Sequence", true, "Several, one after another."},
		{"pre_tokenizer", "Split", true, "Cuts by a pattern."},
		{"pre_tokenizer", "Whitespace", true, "Cuts into words and what lies between them."},
		{"pre_tokenizer", "WhitespaceSplit", true, "Cuts at white space."},
		{"pre_tokenizer", "FixedLength", false, "Cuts after so many characters."},
		{"pre_tokenizer", "UnicodeScripts", false, "Cuts where the script changes."},
		{"model", "BPE", true, "Byte-pair encoding. `dropout` above 0 is refused: tokens would be left to chance."},
		{"model", "Unigram", true, "The most probable of all ways to cut a word. A file without `unk_id` is refused."},
		{"model", "WordLevel", true, "A word is a token."},
		{"model", "WordPiece", true, "The longest token first."},
		{"post_processor", "BertProcessing", true, "Puts one token in front and one behind."},
		{"post_processor", "ByteLevel", true, "Takes blanks out of the places of tokens."},
		{"post_processor", "RobertaProcessing", true, "Puts one token in front and one behind, and takes blanks out of the places of tokens."},
		{"post_processor", "Sequence", true, "Several, one after another."},
		{"post_processor", "TemplateProcessing", true, "Puts tokens around those of the text. Of its templates `single` is used; one that has the text more than once is refused."},
	}
}

// Reference is the page of what is read of a tokenizer.json, in Markdown.
func Reference() string {
	var b strings.Builder
	b.WriteString(`# Tokenizers

A model of text reads tokens, and which ones a tokenizer.json says: the file of Hugging Face's tokenizers library that is
published with a model. What is read of it gives the tokens that the library gives. What is not known is refused by name
with the code ` + "`tokenizer_unsupported`" + `, and a file that is none with ` + "`tokenizer_malformed`" + `, so that nothing differs in
silence: a key that this page does not name is refused as well.

`)
	section := ""
	for _, p := range Parts() {
		if p.Section != section {
			section = p.Section
			fmt.Fprintf(&b, "\n## %s\n\n| type | | what it does |\n|---|---|---|\n", section)
		}
		read := "read"
		if !p.Read {
			read = "refused"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", p.Kind, read, p.Doc)
	}
	fmt.Fprintf(&b, `
## The rest of the file

| key | what is read |
|---|---|
| %s | 1.0 |
| %s | Tokens that are looked for in the text itself, of up to %d bytes. |
| %s | How many tokens a text may have, and which end is cut off. The strategy OnlySecond is refused; the stride says what becomes of what is cut off, and is not used. |
| %s | Which token fills up shorter texts, and on which side. A model is run on texts padded to the longest among them, whatever length the file asks for. |
| %s | Not used: it makes text of tokens. |

A pattern is a text or a regular expression of up to %d bytes, of what RE2 and Oniguruma understand alike. Of expressions
that look ahead, %s is read, which is how GPT-2 and its like leave the last blank to the next word. Sequences are up
to %d deep, and a normalizer may make a text %d times as long.
`, "`version`", "`added_tokens`", mostText, "`truncation`", "`padding`", "`decoder`", longestPattern, "`"+lookahead+"`", mostNested, mostGrowth)
	return b.String()
}
