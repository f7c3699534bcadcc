package spec

import (
	"github.com/goccy/go-yaml/ast"
)

// root gives the tree of the file's one document.
func (c *checker) root(file *ast.File) *node {
	var documents []*ast.DocumentNode
	for _, d := range file.Docs {
		if _, directive := d.Body.(*ast.DirectiveNode); directive {
			at := position(d.Body)
			c.at(c.src.word(at.line, at.column), "", "yaml_directive", "a spec has no directives").note("remove the line")
			continue
		}
		if d.Body != nil || d.Start != nil && len(file.Docs) > 1 {
			documents = append(documents, d)
		}
	}
	if len(documents) == 0 || documents[0].Body == nil {
		if len(c.diags) == 0 {
			c.at(span{1, 1, 2}, "", "empty_file", "the file says nothing").
				note("a spec begins with `orrery: %d` and `system: NAME`", Version)
		}
		return nil
	}
	if len(documents) > 1 {
		at := span{1, 1, 4}
		if start := documents[1].Start; start != nil {
			at = span{start.Position.Line, start.Position.Column, start.Position.Column + 3}
		}
		c.at(at, "", "more_documents", "a file describes one system, and a second document begins here").
			note("put each system in a directory of its own")
	}
	convert := &converter{src: c.src, report: c.reportAt}
	root := convert.node(documents[0].Body, span{1, 1, 2})
	if root.shape == mapping && len(root.entries) > 0 {
		root.at = root.entries[0].key.at
	}
	root.partial = root.partial || len(c.lost) > 0 && root.shape != mapping
	return root
}
