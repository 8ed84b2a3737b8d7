package size

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
)

// counts say how much is stored. Sessions and users are alive, and a hundredth
// more of the rest is.
type counts struct {
	users, sessions int
	codes           int // expired ones
	others          int // expired captchas, tickets, limits, sessions, and what was remembered of addresses
}

// What was filled in and lives does so for longer than what logins make.
const (
	day      = 24 * time.Hour
	lifetime = 300 * day
)

// filler makes rows by statements of a database's own, in which {n} stands for
// their number, {dead} for how many of these have expired, {users} for that of
// the users, and {now}. They come to lie as they would have in the course of
// time: in the order of their keys where the table is one tree, else in that of
// their age.
type filler struct {
	db         *sqlx.DB
	statements map[string]string // by table
}

// fill fills an empty store.
func (f filler) fill(t *testing.T, c counts, now time.Time) {
	t.Helper()
	living := func(dead int) int { return dead + dead/100 + 1 }
	for _, table := range []struct {
		name    string
		n, dead int
	}{
		{"users", c.users, 0},
		{"sessions", c.sessions + c.others, c.others},
		{"challenges", living(c.codes), c.codes},
		{"captchas", living(min(c.others, 15_000)), min(c.others, 15_000)},
		{"tickets", living(c.others), c.others},
		{"limits", c.others + c.users/10, c.others},
		{"addresses", c.others + c.users, c.others},
		{"devices", c.others + c.users, c.others},
	} {
		start := time.Now()
		statement := strings.NewReplacer(
			"{n}", strconv.Itoa(table.n), "{dead}", strconv.Itoa(table.dead),
			"{users}", strconv.Itoa(c.users), "{now}", strconv.FormatInt(now.UnixMilli(), 10),
		).Replace(f.statements[table.name])
		f.exec(t, statement)
		t.Logf("%s: %d rows in %v", table.name, table.n, time.Since(start).Round(time.Millisecond))
	}
}

func (f filler) exec(t *testing.T, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := f.db.ExecContext(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// withoutIndexes calls f while there are none of those that query names, by how
// to drop them and how to make them again: to sort once is quicker.
func (f filler) withoutIndexes(t *testing.T, query string, fill func()) {
	t.Helper()
	var indexes []struct{ Dropped, Made string }
	if err := f.db.SelectContext(t.Context(), &indexes, query); err != nil {
		t.Fatal(err)
	}
	for _, i := range indexes {
		f.exec(t, i.Dropped)
	}
	fill()
	start := time.Now()
	for _, i := range indexes {
		f.exec(t, i.Made)
	}
	t.Logf("%d indexes in %v", len(indexes), time.Since(start).Round(time.Millisecond))
}

func userID(i int) string { return fmt.Sprintf("u_%022d", i) }

func emailOf(i int) string { return fmt.Sprintf("user%d@size.example", i) }
