package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const root = "../.."

func TestTablesAreFresh(t *testing.T) {
	t.Parallel()
	for _, name := range documents {
		old, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		fresh, err := withTables(root, old)
		if err != nil {
			t.Error(err)
		}
		if !bytes.Equal(old, fresh) {
			t.Errorf("a table of %s is not what the comments say: run go generate ./internal/docs", name)
		}
		if !bytes.Contains(fresh, []byte("| `")) {
			t.Errorf("%s has no table", name)
		}
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, source, want string }{
		{
			"a comment above",
			"// Lifetime is how long it lives, on app.example. It matters. Default: 5 minutes (1\n// second to 1 hour).\nLifetime int",
			"| `Lifetime` | 5 minutes (1 second to 1 hour) | How long it lives, on app.example |\n",
		},
		{"a comment beside", "Count int // mails per peer. Default: 10", "| `Count` | 10 | Mails per peer |\n"},
		{"required", "// URL names it. Required: https.\nURL string", "| `URL` | **required**: https | Names it |\n"},
		{"one comment for two", "// A and B are bounds. Default: 1 and 2.\nA int\nB int", "| `A`, `B` | 1 and 2 | Bounds |\n"},
		{"what Markdown would not show", "// A is <b> or [B]. Default: a|b.\nA int", "| `A` | a\\|b | \\<b> or `B` |\n"},
		{"an error", "// A is said. The default is not.\nA int", "the comment of A says neither Default nor Required"},
		{"no field", "// a is not exported. Default: 1.\na int", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			source := "package p\n\ntype T struct {\n" + row.source + "\n}\n"
			if err := os.WriteFile(filepath.Join(dir, "p.go"), []byte(source), 0o600); err != nil {
				t.Fatal(err)
			}
			text, err := withTables(dir, []byte("before\n<!-- fields of ..T -->\nold\n<!-- end of fields -->\nafter\n"))
			got := string(text)
			if err != nil {
				got = err.Error()
			}
			if !strings.Contains(got, row.want) || strings.Contains(got, "old") {
				t.Errorf("got %s", got)
			}
		})
	}
	if _, err := withTables(t.TempDir(), []byte("<!-- fields of auth.Nothing -->\n<!-- end of fields -->\n")); err == nil {
		t.Error("a struct that does not exist is no error")
	}
}
