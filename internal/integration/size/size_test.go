package size

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/internal/integration/services"
	"example.com/mailkey/internal/torture"
	"example.com/mailkey/storage"
)

// batch is how much is swept at a time, of each kind: as auth does.
const (
	batch = 25
	kinds = 7 // of what there is to sweep here
)

// tooSlow is how many times as long something must not take in a full database.
const tooSlow = 1.5

var databases = flag.String("database", "sqlite,postgres", "what to fill")

// What is stored does not make a login, a session check or a sweep slow, and the
// sweep does not make logins slow. One database is measured after the other: the
// machine's memory holds one full one.
func TestSize(t *testing.T) {
	logins, checks, batches := torture.Rounds(4, 500), torture.Rounds(40, 20_000), torture.Rounds(2, 160)
	spare := batch * batches
	few := counts{users: 2 * (logins + checks), codes: spare, others: spare}
	many := counts{
		users: torture.Rounds(1_000, 1_000_000), sessions: torture.Rounds(5_000, 5_000_000),
		codes: torture.Rounds(10_000, 10_000_000), others: torture.Rounds(1_000, 200_000),
	}
	making := map[string]func(t *testing.T, few, many counts, now time.Time) pair{"sqlite": onSQLite, "postgres": onPostgres}
	for name := range strings.SplitSeq(*databases, ",") {
		t.Run(name, func(t *testing.T) {
			now := time.Now()
			p := making[name](t, few, many, now)
			before, removed := make(map[*side]stock), make(map[*side]int)
			for _, s := range p {
				s.signIn(checks)
				before[s] = s.stock(now)
			}
			p.compare("login of a user", logins, (*side).loginOfUser)
			p.compare("first login", logins, (*side).loginOfNewcomer)
			p.compare("session check", checks, (*side).check)
			p.compare("one batch swept", batches, func(s *side) time.Duration {
				n, took := s.sweep(now)
				removed[s] += n
				if n > kinds*batch {
					t.Errorf("%s: %d rows were swept at a time", s.name, n)
				}
				return took
			})
			full := p[1]
			removed[full] += full.loginsWhileSwept(torture.Rounds(2, 20), torture.Rounds(2, 50))
			removed[full] += full.sweepAll(now)
			after := full.stock(now)
			if removed[full] != before[full].dead || after.dead != 0 || after.living != before[full].living {
				t.Errorf("%s: of %+v, %d were swept, which left %+v", full.name, before[full], removed[full], after)
			}
			full.endAll()
		})
	}
}

// pair are an empty database and a full one.
type pair [2]*side

// compare measures something on both in turn.
func (p pair) compare(name string, times int, measure func(*side) time.Duration) {
	t := p[0].T
	t.Helper()
	var took [len(p)][]time.Duration
	for i := range times {
		for k := range p { // each comes first as often as the other
			k = (i + k) % len(p)
			took[k] = append(took[k], measure(p[k]))
		}
	}
	few, many := median(took[0]), median(took[1])
	t.Logf("%s: empty %v, full %v", name, few, many)
	notMuchLonger(t, name, few, many)
}

// notMuchLonger judges by many times alone: a few are no measure.
func notMuchLonger(t *testing.T, name string, without, with time.Duration) {
	t.Helper()
	ratio := float64(with) / float64(without)
	t.Logf("%s: %.2f times as long", name, ratio)
	if ratio > tooSlow && torture.Rounds(0, 1) > 0 {
		t.Error("that is too much")
	}
}

// onSQLite makes and fills two files.
func onSQLite(t *testing.T, few, many counts, now time.Time) pair {
	t.Helper()
	empty, _ := newSQLite(t, "empty", few, now)
	full, opened := newSQLite(t, "full", many, now)
	start := time.Now()
	full.ask("PRAGMA quick_check(1)")
	t.Logf("the full file of %v pages was opened in %v; to check all of it takes %v", full.ask("PRAGMA page_count"), opened, time.Since(start))
	if opened > 3*time.Second {
		t.Error("to open a file takes the longer the more is in it")
	}
	full.plans(sqliteScans)
	return pair{empty, full}
}

// onPostgres makes and fills two schemas on one server.
func onPostgres(t *testing.T, few, many counts, now time.Time) pair {
	t.Helper()
	server := services.StartPostgres(t, "fsync=on", "shared_buffers=2GB", "max_wal_size=4GB", "maintenance_work_mem=1GB")
	empty, full := newPostgres(t, server, "empty", few, now), newPostgres(t, server, "full", many, now)
	t.Logf("the full schema has %v bytes", full.ask(
		"SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'"))
	full.plans(postgresScans)
	return pair{empty, full}
}

// stock is how much there is of what was filled in.
type stock struct{ dead, living int }

// stocks are the tables that are swept, and what by.
var stocks = map[string]string{
	"challenges": "expires_at", "captchas": "expires_at", "tickets": "expires_at", "sessions": "expires_at", "limits": "tat",
	"addresses": "seen_at", "devices": "seen_at",
}

func (s *side) stock(now time.Time) (all stock) {
	s.Helper()
	for table, column := range stocks {
		dead, living := now, now.Add(lifetime-day)
		if column == "seen_at" {
			dead, living = now.Add(-420*day), now.Add(-300*day)
		}
		var n struct{ Dead, Living int }
		err := s.db.GetContext(s.Context(), &n, s.db.Rebind(fmt.Sprintf(
			"SELECT (SELECT count(*) FROM %[1]s WHERE %[2]s <= ?) AS dead, (SELECT count(*) FROM %[1]s WHERE %[2]s > ?) AS living", table, column)),
			dead.UnixMilli(), living.UnixMilli())
		if err != nil {
			s.Fatal(err)
		}
		all.dead += n.Dead
		if column != "seen_at" { // those of who logs in are among the others
			all.living += n.Living
		}
	}
	return all
}

// loginsWhileSwept compares logins with and without an instance beside them
// that does what there is to do in the background, in turn.
func (s *side) loginsWhileSwept(rounds, logins int) (removed int) {
	s.Helper()
	var alone, beside []time.Duration
	var n atomic.Int64
	config := s.kit.Config
	config.Store = swept{s.store, &n}
	other, err := auth.New(config)
	if err != nil {
		s.Fatal(err)
	}
	var sweeping time.Duration
	for range rounds {
		for range logins {
			alone = append(alone, s.loginOfUser())
		}
		ctx, cancel := context.WithCancel(s.Context())
		ended := make(chan error)
		go func() { ended <- other.Run(ctx) }()
		start := time.Now()
		for range logins {
			beside = append(beside, s.loginOfUser())
		}
		sweeping += time.Since(start)
		cancel()
		if err := <-ended; err != nil {
			s.Fatal(err)
		}
	}
	s.Logf("%s: a login alone: %s", s.name, spread(alone))
	s.Logf("%s: beside a sweep of %.0f rows a second: %s", s.name, float64(n.Load())/sweeping.Seconds(), spread(beside))
	notMuchLonger(s.T, "a login beside a sweep", median(alone), median(beside))
	return int(n.Load())
}

// sweepAll sweeps until nothing is left.
func (s *side) sweepAll(now time.Time) (removed int) {
	s.Helper()
	var batches []time.Duration
	start := time.Now()
	for {
		n, took := s.sweep(now)
		if n == 0 {
			break
		}
		removed += n
		batches = append(batches, took)
	}
	took := time.Since(start)
	s.Logf("%s: %d rows swept in %v, %.0f a second", s.name, removed, took.Round(time.Millisecond), float64(removed)/took.Seconds())
	for tenth := range slices.Chunk(batches, len(batches)/10+1) {
		s.Logf("a batch: %s", spread(tenth))
	}
	return removed
}

// endAll ends everybody's sessions.
func (s *side) endAll() {
	s.Helper()
	now := time.Now()
	var living int
	err := s.db.GetContext(s.Context(), &living,
		s.db.Rebind("SELECT count(*) FROM sessions WHERE ended_at IS NULL AND expires_at > ?"), now.UnixMilli())
	if err != nil {
		s.Fatal(err)
	}
	ended, err := s.store.EndSessions(s.Context(), storage.SessionFilter{}, now)
	if err != nil || ended != living {
		s.Errorf("%s: %d of %d sessions were ended: %v", s.name, ended, living, err)
	}
	s.Logf("%s: %d sessions ended in %v", s.name, ended, time.Since(now).Round(time.Millisecond))
}

func median(times []time.Duration) time.Duration {
	return slices.Sorted(slices.Values(times))[len(times)/2].Round(100 * time.Nanosecond)
}

func spread(times []time.Duration) string {
	sorted := slices.Sorted(slices.Values(times))
	at := func(part float64) time.Duration {
		return sorted[int(part*float64(len(sorted)-1))].Round(10 * time.Microsecond)
	}
	return fmt.Sprintf("median %v, p99 %v, longest %v", at(0.5), at(0.99), at(1))
}
