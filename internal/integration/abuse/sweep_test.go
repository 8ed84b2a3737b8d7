package abuse

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/internal/integration/house"
	"example.com/mailkey/internal/torture"
	"example.com/mailkey/storage"
)

// sweeper records how much is swept at a time.
type sweeper struct {
	storage.Store
	mu      sync.Mutex
	limits  []int
	removed []int
}

func (s *sweeper) Sweep(ctx context.Context, now time.Time, limit int) (removed int, err error) {
	removed, err = s.Store.Sweep(ctx, now, limit)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limits, s.removed = append(s.limits, limit), append(s.removed, removed)
	return removed, err
}

// What is dead is removed a little at a time, whatever there is of it, and people
// log in meanwhile.
func TestAbuse_J10_sweptInBatches(t *testing.T) {
	t.Parallel()
	const batch = 25
	n := torture.Rounds(2000, 100_000) // in each table
	for name, open := range map[string]func(*testing.T) house.Database{"sqlite": house.SQLite, "postgres": house.Postgres} {
		t.Run(name, func(t *testing.T) {
			db := open(t)
			db.Connect()
			fill(t, db, n)
			s := &sweeper{}
			h := house.Open(t, db, 1, func(c *auth.Config) { s.Store, c.Store = c.Store, s })
			h.SignedIn(house.Person())
			wait(h, func() bool {
				s.mu.Lock()
				defer s.mu.Unlock()
				return len(s.removed) > 0 && s.removed[len(s.removed)-1] == 0
			})
			if want := n/batch + 1; len(s.limits) < want {
				t.Errorf("%d rows of each table were removed in %d batches, want %d at least", n, len(s.limits), want)
			}
			if most := slices.Max(s.limits); most > batch {
				t.Errorf("a batch may have %d rows of each table, want %d", most, batch)
			}
			if most := slices.Max(s.removed); most > batch*len(dead) {
				t.Errorf("a batch had %d rows of %d tables", most, len(dead))
			}
			for table := range dead {
				if left := count(h, table+" WHERE "+dead[table].upAt+" <= ?", n); left != 0 {
					t.Errorf("%d dead rows are left in %s", left, table)
				}
			}
		})
	}
}

// Each table is known here with what bounds it, and what is swept is found by an
// index.
func TestAbuse_J10_indexes(t *testing.T) {
	t.Parallel()
	house.OnEachDatabase(t, 1, nil, func(h *house.House) {
		isPostgres := h.Rows.DriverName() == "pgx"
		list, explain := "SELECT name FROM sqlite_master WHERE type = 'table'", "EXPLAIN QUERY PLAN "
		if isPostgres {
			list, explain = "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()", "EXPLAIN "
			if _, err := h.Rows.ExecContext(h.Context(), "SET enable_seqscan = off"); err != nil { // where an index serves, it is used
				h.Fatal(err)
			}
		}
		var names []string
		if err := h.Rows.SelectContext(h.Context(), &names, list); err != nil || len(names) < len(tables) {
			h.Fatalf("the tables are %q, %v", names, err)
		}
		for _, name := range names {
			if tables[name] == "" && name != "locks" && name != "mailkey_migrations" {
				h.Errorf("nobody says what bounds %s", name)
			}
		}

		files, err := filepath.Glob(filepath.FromSlash("../../../storage/internal/sqlstore/queries/*_sweep.sql"))
		if err != nil || len(files) != len(dead) {
			h.Fatalf("%q, %v", files, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				h.Fatal(err)
			}
			query := strings.NewReplacer("/*postgres ", "", "*/", "").Replace(string(text))
			if !isPostgres {
				query = string(text)
			}
			query = strings.Replace(strings.Replace(query, "?", "1000", 1), "?", "500", 1)
			found, err := h.Rows.QueryxContext(h.Context(), explain+query)
			if err != nil {
				h.Fatalf("%s: %v", query, err)
			}
			var plan string
			for found.Next() {
				line, err := found.SliceScan()
				if err != nil {
					h.Fatal(err)
				}
				plan += fmt.Sprintln(line[len(line)-1])
			}
			if err := found.Err(); err != nil {
				h.Fatal(err)
			}
			for table := range dead {
				if strings.Contains(plan, "Seq Scan on "+table+" ") || strings.Contains(plan, "SCAN "+table) {
					h.Errorf("%s is read from one end to the other:\n%s", table, plan)
				}
			}
			if !strings.Contains(plan, "Index") && !strings.Contains(plan, "INDEX") && !strings.Contains(plan, "PRIMARY KEY") {
				h.Errorf("no index is used:\n%s", plan)
			}
		}
	})
}
