package deps

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"go/version"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// No database folds letters: each does it differently. What is compared was
// folded in Go.
func TestAbuse_D07_NoFoldingInSQL(t *testing.T) {
	t.Parallel()
	bytesAlone := []byte(`COLLATE "C"`) // of PostgreSQL: compares as the others do
	folding := regexp.MustCompile(`(?i)\b(lower|upper|initcap|unaccent|normalize)\s*\(|\b(nocase|citext|collate|ilike|like|glob|regexp|similar)\b`)
	found := 0
	eachText(t, func(name string, text []byte) {
		if filepath.Ext(name) != ".sql" {
			return
		}
		found++
		for line := range bytes.Lines(text) {
			statement, _, _ := bytes.Cut(bytes.ReplaceAll(line, bytesAlone, nil), []byte("--"))
			if m := folding.Find(statement); m != nil {
				t.Errorf("%s: %q in %s", name, m, bytes.TrimSpace(line))
			}
		}
	})
	if found < 50 {
		t.Errorf("only %d files of SQL were looked at", found)
	}
}

// Queries are files. In Go no statement is put together from parts, where one
// of them could come from a request, and no driver is told to do so itself.
func TestAbuse_E17_NoSQLIsBuilt(t *testing.T) {
	t.Parallel()
	sql := regexp.MustCompile(`(?i)\b(select\s.*\sfrom|insert\s+into|update\s.*\sset|delete\s+from|where|values\s*\(|order\s+by)\b`)
	driver := regexp.MustCompile(`(?i)simple_?protocol|binary_parameters|interpolateParams|emulate_prepare`)
	eachText(t, func(name string, text []byte) {
		if filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
			return
		}
		if m := driver.Find(text); m != nil {
			t.Errorf("%s: %s", name, m)
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, name, text, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			var parts []ast.Expr
			switch n := n.(type) {
			case *ast.BinaryExpr:
				parts = []ast.Expr{n.X, n.Y}
			case *ast.CallExpr: // Sprintf, Join, WriteString and their like
				if called, ok := n.Fun.(*ast.SelectorExpr); ok && slices.Contains([]string{
					"Sprintf", "Fprintf", "Appendf", "Join", "Replace", "ReplaceAll", "WriteString",
				}, called.Sel.Name) {
					parts = n.Args
				}
			}
			for _, part := range parts {
				if text, ok := part.(*ast.BasicLit); ok && text.Kind == token.STRING && sql.MatchString(text.Value) {
					t.Errorf("%s: a statement is put together: %s", set.Position(part.Pos()), text.Value)
				}
			}
			return true
		})
	})
}

// fixedIn are the first versions without a hole that is known, for the modules
// that one was found in. A module that is not used is not looked for.
var fixedIn = map[string]string{
	"github.com/golang-jwt/jwt/v5":     "v5.2.2", // CVE-2025-30204
	"github.com/MicahParks/jwkset":     "v0.6.0", // CVE-2025-22149
	"github.com/MicahParks/keyfunc/v3": "v3.3.8", // earlier ones are retracted
	"github.com/wneessen/go-mail":      "v0.7.1", // CVE-2025-59937
	"github.com/jackc/pgx/v5":          "v5.9.2", // CVE-2026-41889, CVE-2026-33815, CVE-2026-33816
	"github.com/redis/go-redis/v9":     "v9.7.3", // CVE-2025-29923
}

// fixedGo is the first toolchain without a hole that is known in net/mail,
// net/http and crypto/tls.
const fixedGo = "go1.26.6"

// What can be known of known holes without asking anybody. A scanner, with its
// database, knows more.
func TestAbuse_J08_KnownHolesAreFixed(t *testing.T) {
	t.Parallel()
	if version.IsValid(runtime.Version()) && version.Compare(runtime.Version(), fixedGo) < 0 {
		t.Errorf("the tests are built with %s: before %s the standard library has known holes", runtime.Version(), fixedGo)
	}
	asGo := func(v string) string { return strings.Replace(v, "v", "go", 1) }
	seen := 0
	eachText(t, func(name string, _ []byte) {
		if filepath.Base(name) != "go.mod" || strings.HasPrefix(name, "tools/") {
			return
		}
		var mod struct {
			Toolchain string                           // what a clone is built with at least
			Require   []struct{ Path, Version string } // all that is linked, directly or not
			Replace   []struct{ Old struct{ Path string } }
		}
		if err := json.Unmarshal(command(t, "mod", "edit", "-json", name), &mod); err != nil {
			t.Fatal(err)
		}
		if mod.Toolchain != fixedGo {
			t.Errorf("%s has the toolchain %q, not %s", name, mod.Toolchain, fixedGo)
		}
		for _, r := range mod.Require {
			seen++
			if least, listed := fixedIn[r.Path]; listed && version.Compare(asGo(r.Version), asGo(least)) < 0 {
				t.Errorf("%s takes %s in %s: before %s it has a known hole", name, r.Path, r.Version, least)
			}
		}
		for _, r := range mod.Replace {
			if r.Old.Path != modulePath {
				t.Errorf("%s replaces %s", name, r.Old.Path)
			}
		}
	})
	if seen < 20 {
		t.Errorf("only %d modules were looked at", seen)
	}
}
