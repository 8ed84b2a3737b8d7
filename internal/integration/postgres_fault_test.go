package integration

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"example.com/mailkey/internal/integration/services"
	"example.com/mailkey/storage"
	"example.com/mailkey/storage/postgres"
)

// noon is when everything happens.
var noon = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

// wide are limits that nobody reaches.
var wide = storage.AddressLimits{
	PerHour: 1e6, PerDay: 1e6, StrangersPerHour: 1e6, StrangersPerDay: 1e6,
	GuessesPerCode: 1000, Level1After: 1e6, Level2After: 1e6, StrangerGuessesPerDay: 1e6, FirstWait: time.Minute, LastWait: time.Hour,
}

// request asks for a code to be mailed to an address.
func request(email string) storage.CodeRequest {
	return storage.CodeRequest{
		Binding: []byte(email), Address: []byte(email), Device: []byte("device"), MailTo: email,
		ChallengeID: []byte("code"), Lifetime: time.Hour, UserID: email, MaxPending: 1e6,
	}
}

// guess is one at that code, for a session with the token.
func guess(email, token string, right bool) storage.Guess {
	return storage.Guess{
		Binding: []byte(email), ChallengeID: []byte("code"), Address: []byte(email), Device: []byte("device"),
		Right: right, Register: true, Email: email, MailTo: email,
		Session: storage.Session{TokenHash: token, ID: token, UserID: email, ExpiresAt: noon.Add(time.Hour)}, MaxSessions: 100,
	}
}

func requested(t *testing.T, s *postgres.Store, email string) {
	t.Helper()
	if got, err := s.RequestCode(t.Context(), request(email), wide, noon); err != nil || got.Full || got.Wait > 0 {
		t.Fatal(got, err)
	}
}

// redeemed checks what a guess is told; with an error, any result.
func redeemed(t *testing.T, s *postgres.Store, g storage.Guess, want storage.GuessResult, wantErr error) {
	t.Helper()
	got, err := s.Redeem(t.Context(), g, wide, noon)
	if !errors.Is(err, wantErr) || err == nil && got.Result != want {
		t.Errorf("result %d, %v; want %d, %v", got.Result, err, want, wantErr)
	}
}

// failures is how many wrong guesses were counted.
func failures(t *testing.T, s *postgres.Store) int {
	t.Helper()
	n, err := s.FailuresByHour(t.Context(), 1, noon)
	if err != nil {
		t.Fatal(err)
	}
	return n[0]
}

// The server undoes transactions for reasons that pass, and for one that does
// not. Each guess is counted once, or not at all.
func TestFault_R21_Undone(t *testing.T) {
	t.Parallel()
	db := pool(t, services.StartPostgres(t).URL("postgres"), 5)
	s := openPostgres(t, db, "mailkey")
	requested(t, s, "ann")
	execute(t, db,
		"CREATE TABLE plan (code TEXT)", "CREATE SEQUENCE times", // which no rollback takes back
		`CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			IF nextval('public.times') <= 2 THEN RAISE 'planned' USING ERRCODE = (SELECT code FROM public.plan); END IF;
			RETURN NEW;
		END $$`,
		"CREATE TRIGGER fail BEFORE INSERT OR UPDATE ON mailkey.failure_hours FOR EACH ROW EXECUTE FUNCTION fail()",
	)
	plan := func(code string, failures int) {
		execute(t, db, "DELETE FROM plan", "INSERT INTO plan VALUES ('"+code+"')", fmt.Sprintf("ALTER SEQUENCE times RESTART %d MINVALUE -100", 3-failures))
	}
	for i, row := range []struct {
		code     string
		failures int
		want     error
		counted  int
	}{
		{"40001", 2, nil, 1},
		{"40P01", 3, nil, 1},
		{"55P03", 1, nil, 1},
		{"40001", 4, storage.ErrBusy, 0},
		{"57014", 1, storage.ErrBusy, 0},
		{"22021", 1, nil, 0},
	} {
		plan(row.code, row.failures)
		before := failures(t, s)
		_, err := s.Redeem(t.Context(), guess("ann", "t", false), wide, noon)
		if row.code == "22021" {
			if err == nil || errors.Is(err, storage.ErrBusy) {
				t.Errorf("%v", err)
			}
		} else if !errors.Is(err, row.want) {
			t.Errorf("%d: %s, %d times: %v, want %v", i, row.code, row.failures, err, row.want)
		}
		plan("", 0)
		if counted := failures(t, s) - before; counted != row.counted {
			t.Errorf("%d: %s, %d times: counted %d times, want %d", i, row.code, row.failures, counted, row.counted)
		}
	}
}

// The connection is cut when something is being committed: the caller is told
// that nothing is known, and it is done once, or it is not.
func TestFault_R22_CommitIsNotAnswered(t *testing.T) {
	t.Parallel()
	server := services.StartPostgres(t)
	var mu sync.Mutex
	var next services.Cut
	var needle string
	proxy := services.StartProxy(t, server.Addr, func(sent []byte) (cut services.Cut) {
		mu.Lock()
		defer mu.Unlock()
		if needle != "" && bytes.Contains(sent, []byte(needle)) {
			cut, needle = next, ""
		}
		return cut
	})
	cut := func(at string, how services.Cut, call func() error) {
		t.Helper()
		mu.Lock()
		needle, next = at, how
		mu.Unlock()
		if err := call(); !errors.Is(err, storage.ErrUncertain) {
			t.Errorf("%v, want ErrUncertain", err)
		}
		mu.Lock()
		defer mu.Unlock()
		if needle != "" {
			t.Error("nothing was cut")
		}
	}
	s := openPostgres(t, pool(t, strings.Replace(server.URL("postgres"), server.Addr, proxy.Addr, 1), 5), "mailkey")
	sessions := func(name string, want int) {
		t.Helper()
		if list, err := s.ListSessions(t.Context(), name, noon); err != nil || len(list) != want {
			t.Errorf("%s has %d sessions, %v; want %d", name, len(list), err, want)
		}
	}
	for _, row := range []struct {
		name  string
		cut   services.Cut
		after storage.GuessResult // a second guess
		ended bool
	}{
		{"ann", services.Before, storage.GuessLoggedIn, false},
		{"ben", services.After, storage.GuessGone, true},
	} {
		requested(t, s, row.name)
		cut("COMMIT\x00", row.cut, func() error {
			_, err := s.Redeem(t.Context(), guess(row.name, row.name+"'s token", true), wide, noon)
			return err
		})
		redeemed(t, s, guess(row.name, row.name+"'s token", true), row.after, nil)
		sessions(row.name, 1)
		cut(row.name+"'s token", row.cut, func() error {
			_, err := s.EndSession(t.Context(), row.name+"'s token", noon)
			return err
		})
		sessions(row.name, map[bool]int{false: 1, true: 0}[row.ended])
	}
}

// The server is stopped, and crashes, while people log in. Of two guesses at
// each code one is let in at most, and everything works again.
func TestFault_R18_ServerRestarts(t *testing.T) {
	t.Parallel()
	server := services.StartPostgres(t)
	db := pool(t, server.URL("postgres"), 8)
	s := openPostgres(t, db, "mailkey")
	var all sync.WaitGroup
	var stop atomic.Bool
	var in, failed atomic.Int32
	for worker := range 4 {
		all.Go(func() {
			for i := 0; !stop.Load(); i++ {
				name := fmt.Sprint(worker, ",", i)
				if _, err := s.RequestCode(context.Background(), request(name), wide, noon); err != nil {
					failed.Add(1)
					if !errors.Is(err, storage.ErrBusy) && !errors.Is(err, storage.ErrUncertain) {
						t.Errorf("ask: %v", err)
					}
					continue
				}
				var pair sync.WaitGroup
				var let atomic.Int32
				for twice := range 2 {
					pair.Go(func() {
						got, err := s.Redeem(context.Background(), guess(name, fmt.Sprint(name, twice), true), wide, noon)
						switch {
						case err == nil && got.Result == storage.GuessLoggedIn:
							let.Add(1)
						case err != nil && !errors.Is(err, storage.ErrBusy) && !errors.Is(err, storage.ErrUncertain):
							t.Errorf("redeem: %v", err)
						}
					})
				}
				pair.Wait()
				in.Add(let.Load())
				if let.Load() > 1 {
					t.Errorf("%s was let in twice", name)
				}
			}
		})
	}
	for _, signal := range []func(){
		func() { server.Stop(t, services.Fast) },
		func() { server.Stop(t, services.Immediate) },
		func() { server.Kill() }, // the process of this time
	} {
		before := in.Load()
		eventually(t, func() bool { return in.Load() > before+20 })
		fails := failed.Load()
		signal()
		eventually(t, func() bool { return failed.Load() > fails })
		server.Start(t)
	}
	before := in.Load()
	eventually(t, func() bool { return in.Load() > before+20 })
	stop.Store(true)
	all.Wait()
	if n := ask[int](t, db, "SELECT count(*) FROM (SELECT user_id FROM mailkey.sessions GROUP BY user_id HAVING count(*) > 1) AS twice"); n > 0 {
		t.Errorf("%d users have two sessions for one code", n)
	}
	redeemed(t, s, guess("nobody", "t", true), storage.GuessGone, nil)
}

// More connections are asked for than the server has.
func TestFault_R23_TooManyConnections(t *testing.T) {
	t.Parallel()
	server := services.StartPostgres(t, "max_connections=8", "superuser_reserved_connections=0")
	s := openPostgres(t, pool(t, server.URL("postgres"), 40), "mailkey")
	requested(t, s, "ann")
	lock, err := pool(t, server.URL("postgres"), 1).BeginTxx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lock.Rollback() }() // if the test ends before
	if _, err := lock.ExecContext(t.Context(), "SELECT key FROM mailkey.addresses FOR UPDATE"); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	var counted atomic.Int32
	for range 80 {
		all.Go(func() {
			got, err := s.Redeem(t.Context(), guess("ann", "t", false), wide, noon)
			switch {
			case err == nil && got.Result == storage.GuessWrong:
				counted.Add(1)
			case !errors.Is(err, storage.ErrBusy):
				t.Errorf("%v, %v", got.Result, err)
			}
		})
	}
	// Whoever has a connection waits for the lock, and keeps it from the others.
	eventually(t, func() bool { return strings.Contains(server.Log(), "too many clients") })
	if err := lock.Rollback(); err != nil {
		t.Fatal(err)
	}
	all.Wait()
	if n := failures(t, s); n != int(counted.Load()) {
		t.Errorf("%d guesses were counted, and %d told so", n, counted.Load())
	}
}

// Callers give up at any moment. No guess that was counted is taken back, and
// no connection is lost or left in a transaction.
func TestFault_R24_CallersGiveUp(t *testing.T) {
	t.Parallel()
	db := pool(t, services.StartPostgres(t).URL("postgres"), 2) // so that many give up while they wait for one
	s := openPostgres(t, db, "mailkey")
	requested(t, s, "ann")
	const processes = "SELECT coalesce(string_agg(pid::text, ' ' ORDER BY pid), '') FROM pg_stat_activity WHERE backend_type = 'client backend'"
	var warm sync.WaitGroup
	for range 2 {
		warm.Go(func() { _, _ = db.Exec("SELECT pg_sleep(0.1)") })
	}
	warm.Wait()
	before := ask[string](t, db, processes)

	var all sync.WaitGroup
	var told atomic.Int32
	for worker := range 4 {
		random := rand.New(rand.NewPCG(uint64(worker), 24))
		all.Go(func() {
			for range 250 {
				ctx, cancel := context.WithCancel(context.Background())
				if random.IntN(8) > 0 {
					time.AfterFunc(time.Duration(random.IntN(4000))*time.Microsecond, cancel)
				}
				got, err := s.Redeem(ctx, guess("ann", "t", false), wide, noon)
				if err == nil && got.Result == storage.GuessWrong {
					told.Add(1)
				} else if err != nil && !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
				if _, err := s.TakeLimits(ctx, noon, storage.Limit{Key: []byte("a"), Count: 1e6, Window: 1e6 * time.Second},
					storage.Limit{Key: []byte("b"), Count: 1e6, Window: 1e6 * time.Second}); err != nil && !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
				cancel()
			}
		})
	}
	all.Wait()
	if counted := failures(t, s); counted != int(told.Load()) || counted == 1000 {
		t.Errorf("%d guesses were counted, %d told so", counted, told.Load())
	}
	if after := ask[string](t, db, processes); after != before {
		t.Errorf("the connections were %s and are %s", before, after)
	}
	if n := ask[int](t, db, "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'"); n > 0 {
		t.Errorf("%d connections are in a transaction", n)
	}
}

// lockedRow is a transaction of somebody else's that holds a user back.
func lockedRow(t *testing.T, db *sqlx.DB) (release func()) {
	t.Helper()
	tx, err := db.Beginx()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec("SELECT 1 FROM mailkey.users FOR UPDATE"); err != nil {
		t.Fatal(err)
	}
	return func() { _ = tx.Rollback() }
}

// Whoever waits for somebody else is told so in the end, and nothing was
// changed.
func TestPostgresTimeouts(t *testing.T) {
	t.Parallel()
	server := services.StartPostgres(t)
	db := pool(t, server.URL("postgres"), 8)
	s := openPostgres(t, db, "mailkey")
	requested(t, s, "ann")
	redeemed(t, s, guess("ann", "first", true), storage.GuessLoggedIn, nil)
	requested(t, s, "ann")

	t.Run("a lock", func(t *testing.T) {
		release := lockedRow(t, db)
		start := time.Now()
		redeemed(t, s, guess("ann", "second", true), 0, storage.ErrBusy)
		if took := time.Since(start); took < 3*time.Second || took > 6*time.Second {
			t.Errorf("it took %v: want four tries of a second", took)
		}
		release()
		redeemed(t, s, guess("ann", "second", true), storage.GuessLoggedIn, nil)
	})
	t.Run("a lock that is given up in time", func(t *testing.T) {
		requested(t, s, "ann")
		release := lockedRow(t, db)
		time.AfterFunc(1500*time.Millisecond, release)
		redeemed(t, s, guess("ann", "third", true), storage.GuessLoggedIn, nil)
	})
	t.Run("a statement", func(t *testing.T) {
		requested(t, s, "ann")
		execute(t, db, `CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(10); RETURN NEW; END $$`,
			"CREATE TRIGGER slow BEFORE UPDATE ON mailkey.users FOR EACH ROW EXECUTE FUNCTION slow()")
		start := time.Now()
		redeemed(t, s, guess("ann", "fourth", true), 0, storage.ErrBusy)
		if took := time.Since(start); took < 1900*time.Millisecond || took > 4*time.Second {
			t.Errorf("it took %v: want one try of two seconds", took)
		}
		execute(t, db, "DROP TRIGGER slow ON mailkey.users")
	})
	t.Run("a single statement", func(t *testing.T) {
		execute(t, db, "CREATE TRIGGER slow BEFORE UPDATE ON mailkey.sessions FOR EACH ROW EXECUTE FUNCTION slow()")
		start := time.Now()
		_, err := s.EndSession(t.Context(), "first", noon)
		if took := time.Since(start); !errors.Is(err, storage.ErrUncertain) || took < 1900*time.Millisecond || took > 4*time.Second {
			t.Errorf("%v after %v", err, took)
		}
		execute(t, db, "DROP TRIGGER slow ON mailkey.sessions")
		eventually(t, func() bool { // the server was told to stop
			return ask[int](t, db, "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'UPDATE%'") == 0
		})
	})
	t.Run("settings", func(t *testing.T) {
		execute(t, db, "ALTER ROLE postgres SET default_transaction_isolation = 'serializable'", "ALTER ROLE postgres SET lock_timeout = 0",
			"CREATE TABLE seen (settings TEXT)",
			`CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
				INSERT INTO public.seen SELECT string_agg(current_setting(name), ' ' ORDER BY name) FROM unnest(ARRAY['transaction_isolation',
				'lock_timeout', 'statement_timeout', 'idle_in_transaction_session_timeout', 'synchronous_commit']) AS name;
				RETURN NEW;
			END $$`,
			"CREATE TRIGGER look AFTER INSERT ON mailkey.sessions FOR EACH ROW EXECUTE FUNCTION look()")
		fresh := openPostgres(t, pool(t, server.URL("postgres"), 3), "mailkey")
		requested(t, fresh, "ben")
		redeemed(t, fresh, guess("ben", "ben", true), storage.GuessLoggedIn, nil)
		if got, want := ask[string](t, db, "SELECT settings FROM seen"), "5s 1s 2s on read committed"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
	})
}

// Commits wait for a standby that does not exist, which shows who waits for
// what was committed to be safe, and who does not. Whoever waits too long is
// told that nothing is known, and the change is there once.
func TestPostgresDurability(t *testing.T) {
	t.Parallel()
	server := services.StartPostgres(t)
	db := pool(t, server.URL("postgres"), 8)
	s := openPostgres(t, db, "mailkey")
	requested(t, s, "ann")
	redeemed(t, s, guess("ann", "token", true), storage.GuessLoggedIn, nil)
	requested(t, s, "ben")
	execute(t, db, "ALTER SYSTEM SET synchronous_standby_names = 'nobody'", "SELECT pg_reload_conf()")
	eventually(t, func() bool { // another process of the server has to notice, too
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		_, err := db.ExecContext(ctx, "COMMENT ON SCHEMA mailkey IS 'waits'")
		return err != nil
	})

	ctx, a, b := t.Context(), []byte("a"), []byte("b")
	for _, row := range []struct {
		name  string
		waits bool
		call  func() error
	}{
		{"Beat", false, func() error { return s.Beat(ctx, noon) }},
		{"PutCaptcha", false, func() error { return s.PutCaptcha(ctx, storage.Captcha{ID: a, ExpiresAt: noon}, 1, 1) }},
		{"PutTicket", false, func() error { return s.PutTicket(ctx, storage.Ticket{ID: a, Binding: a, ExpiresAt: noon}) }},
		{"TakeLimits of one", false, func() error {
			_, err := s.TakeLimits(ctx, noon, storage.Limit{Key: a, Count: 2, Window: time.Hour})
			return err
		}},
		{"TakeLimits of two", false, func() error {
			_, err := s.TakeLimits(ctx, noon, storage.Limit{Key: a, Count: 2, Window: time.Hour}, storage.Limit{Key: b, Count: 2, Window: time.Hour})
			return err
		}},
		{"TouchSession", false, func() error { return s.TouchSession(ctx, "token", noon) }},
		{"Sweep", false, func() error { _, err := s.Sweep(ctx, noon.Add(time.Minute), 10); return err }},
		{"TakeLimits of one that lasts", true, func() error {
			_, err := s.TakeLimits(ctx, noon, storage.Limit{Key: []byte("c"), Count: 1, Window: time.Hour, Durable: true})
			return err
		}},
		{"SaveKeys", true, func() error { _, err := s.SaveKeys(ctx, a, 0); return err }},
		{"EndSession", true, func() error { _, err := s.EndSession(ctx, "token", noon); return err }},
		{"a wrong guess", true, func() error { _, err := s.Redeem(ctx, guess("ben", "t", false), wide, noon); return err }},
		{"a login", true, func() error { _, err := s.Redeem(ctx, guess("ben", "t", true), wide, noon); return err }},
	} {
		t.Run(row.name, func(t *testing.T) {
			start := time.Now()
			err := row.call()
			took := time.Since(start)
			if row.waits && (!errors.Is(err, storage.ErrUncertain) || took < 1900*time.Millisecond || took > 7*time.Second) {
				t.Errorf("%v after %v: want to wait in vain", err, took)
			}
			if !row.waits && err != nil {
				t.Errorf("%v after %v: want not to wait", err, took)
			}
		})
	}
	execute(t, db, "ALTER SYSTEM RESET synchronous_standby_names", "SELECT pg_reload_conf()")
	if n := failures(t, s); n != 1 {
		t.Errorf("the wrong guess was counted %d times", n)
	}
	redeemed(t, s, guess("ben", "another", true), storage.GuessGone, nil)
	for name, live := range map[string]int{"ann": 0, "ben": 1} {
		if list, err := s.ListSessions(ctx, name, noon); err != nil || len(list) != live {
			t.Errorf("%s has %d sessions, %v; want %d", name, len(list), err, live)
		}
	}
}
