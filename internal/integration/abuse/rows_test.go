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
	"example.com/mailkey/captcha"
	"example.com/mailkey/internal/integration/burst"
	"example.com/mailkey/internal/integration/house"
	"example.com/mailkey/internal/torture"
	"example.com/mailkey/storage"
)

// tables are all of a database's, and what bounds each of them.
var tables = map[string]string{
	"addresses":     "swept a year after the last mail",
	"beats":         "one row",
	"captchas":      "swept when they expire, and 20000 at most",
	"challenges":    "swept when they expire",
	"devices":       "swept 400 days after the last login",
	"failure_hours": "swept after eight days",
	"keys":          "one row",
	"limits":        "swept when they are full again",
	"sessions":      "swept when they expire",
	"tickets":       "swept when they expire",
	"users":         "people",
}

// dead fill each swept table with rows whose time is up, by the column that
// says so. BLOB is the type of keys.
var dead = map[string]struct{ columns, values, upAt string }{
	"addresses": {"key, state", "CAST('dead ' || i AS BLOB), ''", "seen_at"},
	"captchas":  {"id, kind, state, peer", "CAST('dead ' || i AS BLOB), 'pow', CAST('' AS BLOB), CAST('peer ' || i AS BLOB)", "expires_at"},
	"challenges": {
		"binding, id, address, secret_id, level, user_id, purpose, client_id, language, mail_to, created_at",
		"CAST('dead ' || i AS BLOB), CAST('x' AS BLOB), CAST('x' AS BLOB), '', 0, '', '', '', '', '', 0", "expires_at",
	},
	"devices":       {"address, device", "CAST('dead ' || i AS BLOB), CAST('x' AS BLOB)", "seen_at"},
	"failure_hours": {"shard, n", "0, 1", "hour"},
	"limits":        {"key", "CAST('dead ' || i AS BLOB)", "tat"},
	"sessions": {
		"token_hash, id, user_id, client_id, agent, os, claimed_ip, ip, data, created_at, last_seen_at",
		"'dead ' || i, '', 'nobody', '', '', '', '', '', CAST('' AS BLOB), 0, 0", "expires_at",
	},
	"tickets": {"id, binding", "CAST('dead ' || i AS BLOB), CAST('x' AS BLOB)", "expires_at"},
}

// fill adds n dead rows to each swept table. Their times are those of 1970.
func fill(t *testing.T, db house.Database, n int) {
	t.Helper()
	for table, row := range dead {
		values := row.values
		if db.Rows.DriverName() == "pgx" {
			values = strings.ReplaceAll(values, "BLOB", "BYTEA")
		}
		query := fmt.Sprintf("INSERT INTO %s (%s, %s) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < %d) SELECT %s, i FROM n",
			table, row.columns, row.upAt, n, values)
		if _, err := db.Rows.ExecContext(t.Context(), query); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
	}
}

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
	const n, batch = 10_000, 500
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

// count counts rows.
func count(h *house.House, from string, args ...any) (n int) {
	h.Helper()
	if err := h.Rows.GetContext(h.Context(), &n, h.Rows.Rebind("SELECT count(*) FROM "+from), args...); err != nil {
		h.Fatal(err)
	}
	return n
}

// sweepAll sweeps as Run does, at some time.
func sweepAll(h *house.House, now time.Time) {
	h.Helper()
	for {
		n, err := h.Store.Sweep(h.Context(), now, 500)
		if err != nil {
			h.Fatal(err)
		}
		if n == 0 {
			return
		}
	}
}

// Captchas that nobody solves are bounded, those of a peer and all of them, the
// oldest going first, and gone when their time is up, whether or not there are
// others.
func TestAbuse_A14_neverSolved(t *testing.T) {
	t.Parallel()
	house.OnEachDatabase(t, 1, nil, func(h *house.House) {
		const mine, perPeer = 25, 20
		var tokens, answers [mine]string
		for i := range mine {
			tokens[i], answers[i] = house.Solve(h, h.Do(by("192.0.2.1", house.Puzzle())))
		}
		if got := count(h, "captchas"); got != perPeer {
			h.Errorf("%d captchas of one peer, want %d", got, perPeer)
		}
		for i := range mine {
			email := house.Person()
			if i < mine-perPeer {
				h.Refused(house.Verify(tokens[i], answers[i], email), auth.ReasonCaptcha, "an old captcha")
			} else {
				h.Do(house.Verify(tokens[i], answers[i], email))
			}
		}

		n, most := torture.Rounds(1000, 1_000_000), torture.Rounds(100, 20_000)
		s, err := captcha.New(captcha.Config{Store: h.Store, Engines: []captcha.Engine{captcha.ProofOfWork(1)}, MaxTotal: most})
		if err != nil {
			h.Fatal(err)
		}
		const at = 8
		atOnce(at, func(i int) {
			for peer := i; peer < n; peer += at {
				if _, err := s.Issue(h.Context(), "", fmt.Append(nil, "peer ", peer)); err != nil {
					h.Error(err)
					return
				}
				if peer%(n/10) == 0 {
					if got := count(h, "captchas"); got > most+at {
						h.Errorf("%d captchas after %d, want %d at most", got, peer, most)
					}
				}
			}
		})
		if got := count(h, "captchas"); got > most || got < most-at {
			h.Errorf("%d captchas of %d are kept, want %d", got, n, most)
		}
		sweepAll(h, time.Now().Add(2*time.Minute))
		if got := count(h, "captchas"); got != 0 {
			h.Errorf("%d captchas are left when their time is up", got)
		}
	})
}

// Whoever makes addresses up, those of people and their own, leaves counts behind
// that are gone soon, and no trace of the people. Who is limited stays so,
// however many come after.
func TestAbuse_J12_randomAddresses(t *testing.T) {
	t.Parallel()
	slowly := func(c *auth.Config) { c.Limits.Login = auth.Rate{Count: 30, Per: 30 * time.Hour} }
	house.OnEachDatabase(t, 1, slowly, func(h *house.House) {
		h.SignedIn(house.Person())
		before := rows(h)
		const hot = "192.0.2.1"
		for range 30 {
			h.Refused(by(hot, house.Guess(house.Person(), "123456")), auth.ReasonCode, "a guess")
		}
		h.Refused(by(hot, house.Guess(house.Person(), "123456")), auth.ReasonLimit, "a guess too many")

		n := torture.Rounds(200, 20_000)
		const atOnceN, counts = 4, 14 // counts: of host and network for each request, and of the device
		atOnce(atOnceN, func(int) {
			for range n / atOnceN {
				for _, r := range []burst.Request{house.Puzzle(), house.Verify("x", "x", house.Person()), house.Send(house.Person(), "x"), house.Guess(house.Person(), "123456")} {
					if a := h.Call(r); a.Status >= 500 {
						h.Errorf("%s: %d %s", r.Path, a.Status, a.Body)
					}
				}
			}
		})
		after := rows(h)
		if got := after["limits"] - before["limits"]; got > counts*n+100 {
			h.Errorf("%d people left %d counts", n, got)
		}
		if got := after["captchas"] - before["captchas"]; got > min(n, 20_000) {
			h.Errorf("%d people left %d captchas", n, got)
		}
		wantRows(h, before, "limits", "captchas", "failure_hours")
		sweepAll(h, time.Now())
		h.Refused(by(hot, house.Guess(house.Person(), "123456")), auth.ReasonLimit, "who was limited before all the others")
		sweepAll(h, time.Now().Add(31*time.Hour))
		if got := count(h, "limits") + count(h, "captchas"); got != 0 {
			h.Errorf("%d counts and captchas are left when the time of all is up", got)
		}
	})
}
