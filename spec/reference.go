package spec

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"orrery.dev/declare"
)

// Page is one page of the reference: the name of its file, and its Markdown.
type Page struct {
	Name string
	Text string
}

// generated stands at the end of each page.
const generated = "\n---\n\nThis page is made from the declarations that `orrery check` uses, by `orrery reference`.\n"

// Reference gives the pages of the reference, made from the same declarations as
// the checks: README.md first of all. Other files of the program's, beside
// system.yaml, get a page each.
func Reference(reg *Registry, files ...declare.Field) []Page {
	pages := []Page{
		{"README.md", referenceIndex},
		{"system.md", systemPage(reg)},
		{"features.md", featuresPage(reg)},
		{"models.md", modelsPage(reg)},
		{"diagnostics.md", diagnosticsPage()},
	}
	for _, f := range files {
		name := strings.TrimSuffix(f.Name, ".yaml") + ".md"
		pages = append(pages, Page{name, declarationPage(f)})
		pages[0].Text += fmt.Sprintf("\nAnd: [%s](%s), %s%s\n", f.Name, name, strings.ToLower(f.Doc[:1]), f.Doc[1:])
	}
	for i := range pages {
		pages[i].Text += generated
	}
	return pages
}

const referenceIndex = `# Reference

- [system.yaml](system.md): every key of the file that describes a system
- [Features](features.md): expressions, ratios and the kinds of aggregate
- [Models](models.md): the kinds of model and their parameters
- [Tokenizers](tokenizers.md): what of a model's tokenizer.json is read
- [Diagnostics](diagnostics.md): the codes of what ` + "`orrery check`" + ` reports

` + "`orrery schema`" + ` prints the JSON Schema that gives an editor all of this while you type.
`

// elsewhere are the keys with pages of their own.
var elsewhere = map[string]string{"features": "features.md", "model": "models.md"}

func systemPage(reg *Registry) string { return declarationPage(Declaration(reg)) }

// declarationPage describes a file by its declaration.
func declarationPage(root declare.Field) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n%s\n\n", root.Name, root.Doc)
	keyTable(&b, root.Fields)
	for _, f := range root.Fields {
		if elsewhere[f.Name] == "" {
			keySection(&b, f.Name, f)
		}
	}
	return b.String()
}

// keySection writes what stands in the mappings of a field, if it has any. path
// is the field's place, NAME for keys that the user names.
func keySection(b *strings.Builder, path string, f declare.Field) {
	for _, shape := range f.Shapes() {
		switch {
		case shape.Type != declare.Mapping:
		case shape.Each != nil:
			fmt.Fprintf(b, "\n## %s\n\n%s Each key is a name that you choose.\n", path, shape.Doc)
			for _, s := range shape.Each.Shapes() {
				if s.Type != declare.Mapping {
					fmt.Fprintf(b, "\n`%s.NAME` takes %s. %s\n", path, takes(s), s.Doc)
				}
			}
			keySection(b, path+".NAME", *shape.Each)
		default:
			doc := f.Doc
			if shape.Doc != "" {
				doc = shape.Doc
			}
			fmt.Fprintf(b, "\n## %s\n\n%s\n\n", path, doc)
			keyTable(b, shape.Fields)
			for _, field := range shape.Fields {
				keySection(b, path+"."+field.Name, field)
			}
		}
	}
}

// keyTable writes the keys of a mapping.
func keyTable(b *strings.Builder, fields []declare.Field) {
	b.WriteString("| key | takes | default | meaning |\n|---|---|---|---|\n")
	for _, f := range fields {
		value := "–"
		switch {
		case f.Required:
			value = "required"
		case f.Default != "":
			value = inCode(f.Default)
		}
		doc := f.Doc
		if page := elsewhere[f.Name]; page != "" && f.Type != declare.FeatureRef {
			doc += " See [" + strings.TrimSuffix(page, ".md") + "](" + page + ")."
		}
		if f.Example != "" {
			doc += " Example: " + inCode(f.Example)
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", inCode(f.Name), tableCell(takes(f)), value, tableCell(doc))
	}
}

func inCode(text string) string { return "`" + strings.ReplaceAll(text, "|", `\|`) + "`" }

func tableCell(text string) string {
	return strings.ReplaceAll(strings.ReplaceAll(text, `\|`, "|"), "|", `\|`)
}

// takes says in words what a field takes, with its bounds and values.
func takes(f declare.Field) string {
	var words []string
	for _, s := range f.Shapes() {
		w := typeWords(s.Type)
		if s.Type == declare.Any {
			w = "a value of the field"
		}
		if s.Enum != nil {
			w = strings.ReplaceAll(quoted(s.Enum), " and ", " or ")
		}
		for _, also := range s.Words {
			w += " or " + inCode(also)
		}
		if s.List {
			w += ", or a list of such"
		}
		if !slices.Contains(words, w) {
			words = append(words, w)
		}
	}
	return strings.Join(words, " or ") + boundWords(f)
}

func boundWords(f declare.Field) string {
	number := func(b *float64) string { return strconv.FormatFloat(*b, 'f', -1, 64) }
	switch {
	case (f.Type == declare.Duration || f.Type == declare.Bytes) && f.Above != nil:
		return ""
	case f.Min != nil && f.Max != nil:
		return fmt.Sprintf(" from %s to %s", number(f.Min), number(f.Max))
	case f.Above != nil && f.Max != nil:
		return fmt.Sprintf(" above %s, up to %s", number(f.Above), number(f.Max))
	case f.Min != nil:
		return ", at least " + number(f.Min)
	case f.Above != nil:
		return " above " + number(f.Above)
	case f.Max != nil:
		return ", at most " + number(f.Max)
	}
	return ""
}

func featuresPage(reg *Registry) string {
	var b strings.Builder
	field := featuresField(reg)
	fmt.Fprintf(&b, "# Features\n\n`features:` has %s%s Each key is a name that you choose.\n", strings.ToLower(field.Doc[:1]), field.Doc[1:])
	shapes := field.Each.OneOf
	own := len(shapes) - len(reg.Features)
	b.WriteString("\n## Expressions and ratios\n")
	for _, s := range shapes[:own] {
		fmt.Fprintf(&b, "\n%s\n\n", s.Doc)
		if s.Type == declare.Mapping {
			keyTable(&b, s.Fields)
		} else {
			fmt.Fprintf(&b, "    NAME: %s\n", s.Example)
		}
	}
	b.WriteString("\n## Aggregates\n\nAn aggregate sums up the events of one entity over a window. It is written as the name of its kind with the event, or\n" +
		"the field, that it reads:\n\n    customer_count: {count: transaction, by: customer, window: [1d, 7d]}\n\n" +
		"Beside that, each kind takes these keys; `current` has a default of its own in some.\n\n")
	if len(reg.Features) > 0 {
		keyTable(&b, aggregateField(&declare.Kind{Name: "KIND", Operand: &declare.Field{}}).Fields[1:])
	}
	for i := range reg.Features {
		aggregateSection(&b, &reg.Features[i])
	}
	return b.String()
}

func aggregateSection(b *strings.Builder, kind *declare.Kind) {
	fmt.Fprintf(b, "\n### %s\n\n%s\n\n", kind.Name, kind.Doc)
	operand := aggregateField(kind).Fields[0]
	fmt.Fprintf(b, "- takes %s: %s", typeWords(operand.Type), inCode(operand.Example))
	if len(kind.FieldTypes) > 0 {
		fmt.Fprintf(b, ", of type %s", strings.ReplaceAll(quoted(kind.FieldTypes), " and ", " or "))
	}
	b.WriteByte('\n')
	if kind.WithoutCurrent {
		b.WriteString("- `current` is `false` unless you say otherwise\n")
	}
	if kind.NeedsWindow {
		b.WriteString("- `window: ever` makes no sense for it\n")
	}
	if len(kind.Fields) > 0 {
		b.WriteByte('\n')
		keyTable(b, kind.Fields)
	}
}

func modelsPage(reg *Registry) string {
	var b strings.Builder
	b.WriteString("# Models\n\n`model:` says which kind of model gives the score, and what it is fitted on.\n")
	for i, f := range modelField(reg) {
		if i == 0 && len(f.OneOf) > 0 {
			b.WriteString("\n")
			shared := sharedModelKeys(reg, f)
			keyTable(&b, shared)
			for _, field := range shared {
				if field.Name == "train" || field.Name == "monotone" {
					keySection(&b, "model."+field.Name, field)
				}
			}
		}
	}
	for i := range reg.Models {
		kind := &reg.Models[i]
		fmt.Fprintf(&b, "\n## %s\n\n%s\n", kind.Name, kind.Doc)
		if own := slices.Concat(kind.Keys, headField(reg, kind)); len(own) > 0 {
			b.WriteString("\nKeys of its own:\n\n")
			keyTable(&b, own)
		}
		if kind.Head {
			fmt.Fprintf(&b, "\nIt can be the head of a network%s.\n", without(kind))
		}
		if len(kind.Fields) > 0 {
			b.WriteString("\nKeys of `params`:\n\n")
			keyTable(&b, kind.Fields)
		}
	}
	return b.String()
}

// without says which parameters a kind does not take as a head.
func without(kind *declare.Kind) string {
	var names []string
	for _, f := range kind.Fields {
		if f.Alone {
			names = append(names, f.Name)
		}
	}
	if names == nil {
		return ""
	}
	return ", then without " + quoted(names)
}

// sharedModelKeys gives the keys that all kinds of model take, and those that
// some do, with their names.
func sharedModelKeys(reg *Registry, f declare.Field) []declare.Field {
	shape, some := f.OneOf[0], []string{}
	for i := range reg.Models {
		if reg.Models[i].Monotone {
			shape, some = f.OneOf[i], append(some, reg.Models[i].Name)
		}
	}
	shared := slices.Clone(shape.Fields)
	shared[0].Enum = nil
	shared[0].Doc = "The kind of model, one of those below."
	for i := range shared {
		if shared[i].Name == "monotone" {
			shared[i].Doc += " Taken by " + quoted(some) + "."
		}
	}
	return shared
}

func diagnosticsPage() string {
	var b strings.Builder
	b.WriteString("# Diagnostics\n\n`orrery check` reports each fault with its place, a sentence, and a code that stays the same.\n\n| code | meaning |\n|---|---|\n")
	all := Codes()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintf(&b, "| `%s` | %s |\n", name, tableCell(all[name]))
	}
	return b.String()
}
