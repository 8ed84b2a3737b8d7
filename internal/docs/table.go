package main

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

var place = regexp.MustCompile(`(?s)(<!-- fields of (\S+) -->\n).*?(<!-- end of fields -->\n)`)

// withTables returns the document with its tables made anew.
func withTables(root string, document []byte) ([]byte, error) {
	var errs []error
	text := place.ReplaceAllFunc(document, func(old []byte) []byte {
		parts := place.FindSubmatch(old)
		fields, err := fieldsOf(root, string(parts[2]))
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", parts[2], err))
		}
		return bytes.Join([][]byte{parts[1], table(fields), parts[3]}, nil)
	})
	return text, errors.Join(errs...)
}

// field is a row: one field, or several that share a comment.
type field struct {
	names     []string
	comment   string
	what      string // the first sentence, without the name
	byDefault string // what it says of Default or Required
}

func table(fields []field) []byte {
	var b bytes.Buffer
	b.WriteString("\n| field | default | |\n|---|---|---|\n")
	cell := strings.NewReplacer("|", `\|`, "<", `\<`, "[", "`", "]", "`").Replace
	for _, f := range fields {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", strings.Join(f.names, "`, `"), cell(f.byDefault), cell(f.what))
	}
	b.WriteString("\n")
	return b.Bytes()
}

// fieldsOf reads the fields of a struct, which is named as in auth.Config.
func fieldsOf(root, name string) ([]field, error) {
	dir, typeName := name[:len(name)-len(path.Ext(name))], strings.TrimPrefix(path.Ext(name), ".")
	files, err := filepath.Glob(filepath.Join(root, dir, "*.go"))
	if err != nil {
		return nil, err
	}
	var found *ast.StructType
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok && spec.Name.Name == typeName {
				found, _ = spec.Type.(*ast.StructType)
			}
			return found == nil
		})
	}
	if found == nil {
		return nil, errors.New("there is no such struct")
	}

	var fields []field
	for _, f := range found.Fields.List {
		comment := f.Doc.Text() + f.Comment.Text()
		switch {
		case len(f.Names) != 1 || !f.Names[0].IsExported():
		case comment != "":
			fields = append(fields, field{names: []string{f.Names[0].Name}, comment: strings.Join(strings.Fields(comment), " ")})
		case len(fields) > 0: // shares the comment of the one before
			last := &fields[len(fields)-1]
			last.names = append(last.names, f.Names[0].Name)
		}
	}
	var errs []error
	for i := range fields {
		errs = append(errs, fields[i].describe())
	}
	return fields, errors.Join(errs...)
}

// endOfSentence does not match the dots of app.example.
var endOfSentence = regexp.MustCompile(`\.(\s+|$)`)

// describe takes the comment apart.
func (f *field) describe() error {
	sentences := endOfSentence.Split(f.comment, -1)
	subject := regexp.MustCompile(`^(` + strings.Join(f.names, " and ") + `|` + f.names[0] + `) ((is|are) )?`)
	f.what = subject.ReplaceAllString(sentences[0], "")
	f.what = strings.ToUpper(f.what[:1]) + f.what[1:]
	for _, sentence := range sentences[1:] {
		if said, ok := strings.CutPrefix(sentence, "Default: "); ok {
			f.byDefault = said
		}
		if said, ok := strings.CutPrefix(sentence, "Required"); ok {
			f.byDefault = "**required**" + said
		}
	}
	if f.byDefault == "" {
		return fmt.Errorf("the comment of %s says neither Default nor Required", f.names[0])
	}
	return nil
}
