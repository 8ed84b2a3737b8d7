package postgres

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestTranslate(t *testing.T) {
	t.Parallel()
	d := &dialect{schema: quote(`my "own" $1?`)}
	for _, row := range []struct{ query, want string }{
		{"SELECT sealed FROM keys WHERE id = 1\n", `SELECT sealed FROM %s.keys WHERE id = 1`},
		{"-- What of users?\nDELETE FROM users\n WHERE id = ?\n", "DELETE FROM %s.users\n WHERE id = $1"},
		{
			"SELECT 1 FROM sessions s\n  JOIN users u ON u.id = s.user_id WHERE s.id = ? AND u.id = ?",
			"SELECT 1 FROM %s.sessions s\n  JOIN %s.users u ON u.id = s.user_id WHERE s.id = $1 AND u.id = $2",
		},
		{
			"INSERT INTO limits (key) VALUES (?) ON CONFLICT (key) DO UPDATE SET key = limits.key",
			"INSERT INTO %s.limits (key) VALUES ($1) ON CONFLICT (key) DO UPDATE SET key = limits.key",
		},
		{
			"WITH dead AS (SELECT id FROM tickets LIMIT ? /*postgres FOR UPDATE SKIP LOCKED*/) DELETE FROM tickets WHERE id IN (SELECT id FROM dead)",
			"WITH dead AS (SELECT id FROM %s.tickets LIMIT $1 FOR UPDATE SKIP LOCKED) DELETE FROM %s.tickets WHERE id IN (SELECT id FROM dead)",
		},
		{
			"SELECT id, /*sqlite*/ t.key, /**/ k.key FROM tickets /*sqlite*/ JOIN keys t ON t.id = 1 /**/ JOIN keys k ON k.id = ?",
			"SELECT id,  k.key FROM %s.tickets  JOIN %s.keys k ON k.id = $1",
		},
		{"SELECT 1 /*postgres FROM locks WHERE name = 'outbox' FOR UPDATE*/", "SELECT 1 FROM %s.locks WHERE name = 'outbox' FOR UPDATE"},
	} {
		want := strings.ReplaceAll(row.want, "%s", `"my ""own"" $1?"`)
		if got := d.text(row.query); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		if d.text(row.query) != want {
			t.Error("another text the second time")
		}
	}
}

// No query is left with a table that is not qualified: it would be looked for in
// the search_path, which is anybody's.
func TestEveryQueryIsTranslated(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../internal/sqlstore/queries/*.sql")
	if err != nil || len(files) < 50 {
		t.Fatal(files, err)
	}
	d := &dialect{schema: "my"}
	used := make(map[string]bool)
	for _, file := range files {
		query, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text := d.text(string(query))
		for _, left := range []string{"?", "/*", "--", ";"} {
			if strings.Contains(text, left) {
				t.Errorf("%s: %s is left in\n%s", file, left, text)
			}
		}
		ours := regexp.MustCompile(`(?:WITH|,) (\w+) AS \(`).FindAllStringSubmatch(text, -1)
		for _, found := range regexp.MustCompile(`\b(?:FROM|JOIN|INTO|UPDATE)\s+([\w.]+)`).FindAllStringSubmatch(text, -1) {
			name, qualified := strings.CutPrefix(found[1], "my.")
			used[name] = true
			named := slices.ContainsFunc(ours, func(with []string) bool { return with[1] == name })
			keyword := name == "SET" || name == "SKIP" // DO UPDATE SET, FOR UPDATE SKIP LOCKED
			if !qualified && !named && !keyword {
				t.Errorf("%s: %s is not qualified in\n%s", file, name, text)
			}
		}
	}
	for _, name := range tables {
		if !used[name] {
			t.Errorf("no query is about %s", name)
		}
	}
}

func TestTablesAreThoseOfTheMigrations(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("migrations/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	var made []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range regexp.MustCompile(`CREATE TABLE (\w+)`).FindAllSubmatch(text, -1) {
			made = append(made, string(found[1]))
		}
	}
	slices.Sort(made)
	if fmt.Sprint(made) != fmt.Sprint(tables) {
		t.Errorf("made  %s\nknown %s", made, tables)
	}
}

// What is left out of an import is left out on purpose.
func TestEveryTableIsImportedOrShortLived(t *testing.T) {
	t.Parallel()
	got := []string{"beats", "captchas", "locks", "tickets"}
	for _, i := range imports {
		got = append(got, i.table)
		if !strings.Contains(i.read+" ", " FROM "+i.table+" ") || strings.Count(i.write, i.table) != 2 {
			t.Errorf("%s: %s; %s", i.table, i.read, i.write)
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, tables) {
		t.Errorf("imported or not: %s\ntables: %s", got, tables)
	}
}
