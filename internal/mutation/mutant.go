package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// mutant is one change to one file.
type mutant struct {
	file     string
	offset   int
	old, now string
	line     int
	code     string // the whole line before the change
	nth      int    // of those of the file that read the same
}

func (m mutant) String() string {
	return fmt.Sprintf("%s:%d: %s: %s", m.file, m.line, m.change(), m.code)
}

func (m mutant) change() string {
	change := m.old + " -> " + m.now
	if m.nth > 1 {
		change += fmt.Sprintf(" (%d)", m.nth)
	}
	return change
}

// key names the mutant as long as its line is not edited, wherever it moves.
func (m mutant) key() string { return strings.Join([]string{m.file, m.change(), m.code}, "\t") }

// numbered tells those apart that read the same.
func numbered(all []mutant) []mutant {
	seen := map[string]int{}
	for i, m := range all {
		seen[m.key()]++
		all[i].nth = seen[m.key()]
	}
	return all
}

var opposite = map[string]string{
	"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==", "=": "<>", "<>": "=",
}

// inGo finds the comparisons of a Go file, but those with nil, and its
// integers.
func inGo(file string) ([]mutant, error) {
	src, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	fset := token.NewFileSet()
	tree, err := parser.ParseFile(fset, file, src, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	var all []mutant
	add := func(at token.Pos, old, now string) {
		all = append(all, newMutant(file, src, fset.Position(at).Offset, old, now))
	}
	ast.Inspect(tree, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BinaryExpr:
			if now, ok := opposite[n.Op.String()]; ok && !isNil(n.X) && !isNil(n.Y) {
				add(n.OpPos, n.Op.String(), now)
			}
		case *ast.ReturnStmt:
			return !fails(n) // nobody looks at what comes with an error
		case *ast.BasicLit:
			if n.Kind != token.INT {
				return true
			}
			for _, now := range neighbours(n.Value) {
				add(n.ValuePos, n.Value, now)
			}
		}
		return true
	})
	return all, nil
}

// fails says whether a return gives back an error, or false, and nothing else
// that counts.
func fails(r *ast.ReturnStmt) bool {
	if len(r.Results) < 2 {
		return false
	}
	switch last := r.Results[len(r.Results)-1].(type) {
	case *ast.Ident:
		return isError(last) || last.Name == "false"
	case *ast.CallExpr:
		f, ok := last.Fun.(*ast.SelectorExpr)
		return ok && f.Sel.Name == "Errorf" || slices.ContainsFunc(last.Args, isError)
	}
	return false
}

func isError(e ast.Expr) bool {
	id, ok := e.(*ast.Ident)
	return ok && strings.HasPrefix(id.Name, "err")
}

func isNil(e ast.Expr) bool {
	id, ok := e.(*ast.Ident)
	return ok && id.Name == "nil"
}

var (
	sqlComparison = regexp.MustCompile(`<=|>=|<>|<|>|=`)
	sqlNumber     = regexp.MustCompile(`\b[0-9]+\b`)
	sqlIgnored    = regexp.MustCompile(`--[^\n]*|'[^']*'|:[a-z_0-9]+|/\*.*?\*/|\(SELECT 1\b`)
	sqlAssignment = regexp.MustCompile(`(?is)\bSET\b.*?(?:\bWHERE\b|\bRETURNING\b|$)`)
)

// inSQL finds the comparisons of a query, and its integers, but for what only
// PostgreSQL runs, since the tests use SQLite, and for the 1 of a row that is
// there or not.
func inSQL(file string) ([]mutant, error) {
	src, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	blank := func(b []byte) []byte { return bytes.Repeat([]byte{' '}, len(b)) }
	code := sqlIgnored.ReplaceAllFunc(src, blank)
	compared := sqlAssignment.ReplaceAllFunc(code, func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("="), []byte(" ")) })

	var all []mutant
	for _, at := range sqlComparison.FindAllIndex(compared, -1) {
		old := string(src[at[0]:at[1]])
		all = append(all, newMutant(file, src, at[0], old, opposite[old]))
	}
	for _, at := range sqlNumber.FindAllIndex(code, -1) {
		old := string(src[at[0]:at[1]])
		for _, now := range neighbours(old) {
			all = append(all, newMutant(file, src, at[0], old, now))
		}
	}
	return all, nil
}

// neighbours are the numbers next to a literal. Below 0 there is none: where
// the code says 0 it does not mean a limit.
func neighbours(literal string) []string {
	n, err := strconv.ParseInt(strings.ReplaceAll(literal, "_", ""), 0, 64)
	if err != nil {
		return nil
	}
	all := []string{strconv.FormatInt(n+1, 10)}
	if n > 0 {
		all = append(all, strconv.FormatInt(n-1, 10))
	}
	return all
}

func newMutant(file string, src []byte, offset int, old, now string) mutant {
	start := bytes.LastIndexByte(src[:offset], '\n') + 1
	end := len(src)
	if i := bytes.IndexByte(src[offset:], '\n'); i >= 0 {
		end = offset + i
	}
	return mutant{
		file: file, offset: offset, old: old, now: now,
		line: 1 + bytes.Count(src[:offset], []byte{'\n'}),
		code: strings.TrimSpace(string(src[start:end])),
	}
}
