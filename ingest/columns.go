package ingest

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"orrery.dev"
	"orrery.dev/ingest/parquet"
)

// parquetFile is a Parquet file with its columns matched to fields.
type parquetFile struct {
	file *parquet.File
	rows *parquet.Reader
	// columns are those that are read, in the order of the file: each one's
	// description, its field and its place among all columns.
	columns []parquet.Column
	fields  []int
	places  []int
}

// openParquet matches the columns to fields by name and checks their types.
func (d *Decoder) openParquet(f *file) (*parquetFile, *header, error) {
	file, err := parquet.Open(f.path, f.raw, f.size)
	if err != nil {
		return nil, nil, err
	}
	p := &parquetFile{file: file}
	var names []string
	for _, c := range file.Columns() {
		names = append(names, c.Name)
	}
	h, err := d.matchHeader(f, names)
	if err != nil {
		return nil, nil, err
	}
	var wrong []string
	for i, c := range file.Columns() {
		field := h.fields[i]
		if field < 0 {
			continue
		}
		if r := &d.rules[field]; !r.takes(c) {
			wrong = append(wrong, fmt.Sprintf("the column `%s` is %s, its field of %s %s", c.Name, c.Type, d.event.Name, r.article()))
		}
		p.columns, p.fields, p.places = append(p.columns, c), append(p.fields, field), append(p.places, i)
	}
	if len(wrong) > 0 {
		return nil, nil, d.columnTypes(f.path, p, wrong)
	}
	p.rows = file.Read(p.places, MaxString)
	return p, h, nil
}

// columnTypes faults every column whose type does not fit.
func (d *Decoder) columnTypes(path string, p *parquetFile, wrong []string) error {
	e := orrery.Errorf(orrery.Invalid, "column_type", "%s: %s", path, strings.Join(wrong, "; "))
	for i, c := range p.columns {
		r := &d.rules[p.fields[i]]
		if r.takes(c) {
			continue
		}
		e = e.WithField(c.Name)
		if c.Kind == parquet.LocalTimestamp && r.kind == orrery.Timestamp {
			return e.WithNext("its zone is not known: write it with one (pandas: tz_localize, DuckDB: TIMESTAMPTZ, Spark: TIMESTAMP)")
		}
		break
	}
	return e.WithNext("write the column with another type")
}

// takes reports whether values of the column can be values of the field. Text is
// read as a cell of CSV is; numbers are where nothing is lost, value by value.
func (r *rule) takes(c parquet.Column) bool {
	switch c.Kind {
	case parquet.Text:
		return true
	case parquet.Int:
		return r.kind.Numeric() || r.name
	case parquet.Decimal, parquet.Float, parquet.Double:
		return r.kind.Numeric()
	case parquet.Timestamp:
		return r.kind == orrery.Timestamp
	case parquet.Bool:
		return r.kind == orrery.Bool
	}
	return false
}

// decodeRows fills in the events and rejections of a block of rows.
func (b *block) decodeRows(p *blockParser) {
	table, width := b.source.table, len(p.parser.rules)
	text := string(b.rows.Text)
	p.valid = utf8.ValidString(text)
	b.slab.values = grown(b.slab.values, b.rows.N*width)
	values := b.slab.values
	for i := range b.rows.N {
		p.line = b.rows.First + int64(i)
		p.parser.begin("", values[:width:width])
		clear(p.parser.values)
		for k, field := range table.fields {
			p.typed(field, &table.columns[k], b.rows.Cells[k][i], text, table.places[k])
		}
		if event, ok := p.parser.end(); ok {
			p.accept(event)
			values = values[width:]
		} else {
			if len(b.rejected) < p.keep {
				p.rowText = b.rowText(i, text)
			}
			p.reject("", p.parser.faults)
		}
	}
}

// typed gives field f the value of a cell. What needs no thought is taken over;
// everything else goes through its text, so that it is judged as in other files.
func (b *blockParser) typed(f int, c *parquet.Column, cell parquet.Cell, text string, at int) {
	p := &b.parser
	r := &p.rules[f]
	if f == p.received {
		p.receivedAt = at
	}
	switch {
	case cell.State == parquet.Null:
		if r.required {
			p.add(p.missingFault(f, at))
		}
	case cell.State == parquet.Long:
		p.add(r.longFault(cell.Len, at))
	case c.Kind == parquet.Text:
		s := text[cell.From : cell.From+cell.Len]
		if !b.valid && !utf8.ValidString(s) {
			p.add(Fault{Field: r.field.Name, Code: "utf8_invalid", Message: fmt.Sprintf("`%s` is %s, which is not UTF-8", r.field.Name, r.excerpt(s)),
				Next: "encode the text as UTF-8", Offset: at})
			return
		}
		p.set(f, s, at)
	case c.Kind == parquet.Timestamp:
		p.instant(f, cell, text, at)
	case c.Kind == parquet.Bool:
		p.values[f] = orrery.BoolValue(cell.Bits != 0)
	default:
		v, wrong := r.number(c, cell)
		if wrong != fine {
			p.set(f, numberText(c, cell, text), at)
			return
		}
		p.values[f] = v
	}
}

// rowText writes row i as a JSON object of the columns that are read. What JSON
// has no number for is a string.
func (b *block) rowText(i int, text string) string {
	out := []byte{'{'}
	for k := range b.source.table.columns {
		c, cell := &b.source.table.columns[k], b.rows.Cells[k][i]
		if cell.State == parquet.Null {
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(appendString(out, c.Name), ':')
		switch {
		case cell.State == parquet.Long:
			out = append(out, `"…"`...)
		case c.Kind == parquet.Text:
			out = appendString(out, text[cell.From:cell.From+cell.Len])
		case c.Kind == parquet.Bool:
			out = strconv.AppendBool(out, cell.Bits != 0)
		case c.Kind == parquet.Timestamp && cell.State == parquet.Present:
			out = appendString(out, orrery.Instant(cell.Bits).String())
		default:
			number := numberText(c, cell, text)
			if !json.Valid([]byte(number)) {
				number = string(appendString(nil, number))
			}
			out = append(out, number...)
		}
	}
	return string(append(out, '}'))
}

// number takes over a number that is stored as the field's values are. The flaw
// says only that it is not, or breaks a rule.
func (r *rule) number(c *parquet.Column, cell parquet.Cell) (orrery.Value, flaw) {
	switch {
	case cell.State != parquet.Present:
	case r.kind == orrery.Int && c.Kind == parquet.Int, r.kind == orrery.Decimal && c.Kind == parquet.Decimal && r.scale == c.Scale:
		return r.units(cell.Bits)
	case r.kind == orrery.Float && (c.Kind == parquet.Float || c.Kind == parquet.Double):
		x := math.Float64frombits(uint64(cell.Bits))
		if x == 0 {
			x = 0 // Not minus zero.
		}
		if !math.IsNaN(x) && !math.IsInf(x, 0) {
			return r.double(x)
		}
	}
	return orrery.Value{}, flawNumber
}

func (p *parser) instant(f int, cell parquet.Cell, text string, at int) {
	days := cell.Bits / microsPerDay
	if cell.State == parquet.Wide || days < firstDay || days > lastDay || cell.Bits < firstDay*microsPerDay {
		shown := numberText(&parquet.Column{Kind: parquet.Int}, cell, text)
		p.add(p.rules[f].fault(flawTimeYear, shown, at))
		return
	}
	p.values[f] = orrery.TimestampValue(orrery.Instant(cell.Bits))
}

// numberText writes a number as CSV would hold it: a binary one with the fewest
// digits that tell it from its neighbours.
func numberText(c *parquet.Column, cell parquet.Cell, text string) string {
	digits := ""
	switch {
	case c.Kind == parquet.Double:
		return strconv.FormatFloat(math.Float64frombits(uint64(cell.Bits)), 'g', -1, 64)
	case c.Kind == parquet.Float:
		return strconv.FormatFloat(math.Float64frombits(uint64(cell.Bits)), 'g', -1, 32)
	case cell.State == parquet.Wide:
		digits = text[cell.From : cell.From+cell.Len]
	default:
		digits = strconv.FormatInt(cell.Bits, 10)
	}
	if c.Kind != parquet.Decimal || c.Scale == 0 {
		return digits
	}
	digits, negative := strings.CutPrefix(digits, "-")
	digits = strings.Repeat("0", max(0, c.Scale+1-len(digits))) + digits
	digits = digits[:len(digits)-c.Scale] + "." + digits[len(digits)-c.Scale:]
	if negative {
		return "-" + digits
	}
	return digits
}
