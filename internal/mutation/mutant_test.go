package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestMutants(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		find func(string) ([]mutant, error)
		text string
		want []string
	}{
		{"comparisons and numbers", inGo, "package p\n\nvar ok = a <= 10 || b == nil\n", []string{
			"3: <= -> <: var ok = a <= 10 || b == nil",
			"3: 10 -> 11: var ok = a <= 10 || b == nil",
			"3: 10 -> 9: var ok = a <= 10 || b == nil",
		}},
		{"what comes with an error", inGo, "package p\n\nfunc f() (int, error) {\n\treturn 7, err\n}\n", nil},
		{"what comes with another error", inGo, "package p\n\nfunc f() (int, error) {\n\treturn 7, wrap(err)\n}\n", nil},
		{"what comes with false", inGo, "package p\n\nfunc f() (int, bool) {\n\treturn 7, false\n}\n", nil},
		{"what comes without", inGo, "package p\n\nfunc f() (int, bool) {\n\treturn 0, ok\n}\n", []string{"4: 0 -> 1: return 0, ok"}},
		{"a query", inSQL, "-- 5 = 5\nUPDATE t SET a = ?, b = 'c < d' WHERE e = ? AND f > 0\n", []string{
			"2: = -> <>: UPDATE t SET a = ?, b = 'c < d' WHERE e = ? AND f > 0",
			"2: > -> >=: UPDATE t SET a = ?, b = 'c < d' WHERE e = ? AND f > 0",
			"2: 0 -> 1: UPDATE t SET a = ?, b = 'c < d' WHERE e = ? AND f > 0",
		}},
		{"a comparison twice", inSQL, "SELECT * FROM t WHERE a <= ? AND b <= ?\n", []string{
			"1: <= -> <: SELECT * FROM t WHERE a <= ? AND b <= ?",
			"1: <= -> < (2): SELECT * FROM t WHERE a <= ? AND b <= ?",
		}},
		{"what is PostgreSQL's", inSQL, "SELECT EXISTS (SELECT 1 FROM t /*postgres WHERE a = 2*/)\n", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "file")
			if err := os.WriteFile(file, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			mutants, err := tt.find(file)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, m := range numbered(mutants) {
				got = append(got, m.String()[len(file)+1:])
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

// The files and the changes that are listed are there.
func TestGroups(t *testing.T) {
	t.Chdir("../..")
	reasons, err := readEquivalent("internal/mutation/equivalent.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range groups {
		mutants, err := g.mutants()
		if err != nil {
			t.Fatal(err)
		}
		if len(mutants) < len(g.files) {
			t.Errorf("%d changes in %q", len(mutants), g.files)
		}
		for _, m := range mutants {
			delete(reasons, m.key())
		}
	}
	for key := range reasons {
		t.Errorf("equivalent.txt lists a change that there is not: %q", key)
	}
}
