package cluster

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"example.com/mailkey/internal/integration/program"
	"example.com/mailkey/internal/torture"
	"example.com/mailkey/storage/postgres"
)

// nextMigration is what the next version of the program would add. It takes its
// time, so that it can be cut in two.
const nextMigration = `
CREATE TABLE half (id BIGINT);
SELECT pg_sleep(2);
CREATE TABLE whole (id BIGINT);
ALTER TABLE users ADD COLUMN nickname TEXT;
`

// nextProgram is example/cluster with that migration.
func nextProgram(tb testing.TB) string {
	tb.Helper()
	return built(tb, buildNextOnce)
}

var buildNextOnce = sync.OnceValues(func() (string, error) {
	migrations, err := filepath.Abs("../../../storage/postgres/migrations")
	if err != nil {
		return "", err
	}
	known, err := filepath.Glob(filepath.Join(migrations, "*.sql"))
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp(workDir, "next")
	if err != nil {
		return "", err
	}
	file, overlay := filepath.Join(dir, "next.sql"), filepath.Join(dir, "overlay.json")
	next := filepath.Join(migrations, fmt.Sprintf("%04d_next.sql", len(known)+1))
	doc, err := json.Marshal(map[string]map[string]string{"Replace": {next: file}})
	if err != nil {
		return "", err
	}
	for name, text := range map[string][]byte{file: []byte(nextMigration), overlay: doc} {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			return "", err
		}
	}
	return program.Build(dir, example, "-overlay", overlay)
})

// version is how many migrations the schema has had.
func (c *cluster) version(tb testing.TB) int {
	tb.Helper()
	return c.count(tb, `SELECT max(version) FROM `+c.table("mailkey_migrations"))
}

// has reports whether the schema has a table.
func (c *cluster) has(tb testing.TB, table string) bool {
	tb.Helper()
	return c.count(tb, `SELECT count(to_regclass($1))`, c.table(table)) == 1
}

// A new version is brought in instance by instance, and taken back: the two
// understand each other, whatever is asked of which.
func TestFault_R33_twoVersionsSideBySide(t *testing.T) {
	t.Parallel()
	c := newTrio(t)
	before := c.version(t)
	replace := func(n int, path string) {
		t.Helper()
		c.instances[n].Terminate(t)
		c.instances[n] = c.start(t, path, c.instances[n].addr)
	}
	old, next := newDevice(c.instances[1].url()), newDevice(c.instances[0].url())
	waiting, waitingAddress := old, newAddress() // for a code that is used at the end
	login := waiting.code(t, c.relay, waitingAddress)

	replace(0, nextProgram(t))
	if got := c.version(t); got != before+1 || !c.has(t, "whole") {
		t.Fatalf("version of the schema: got %d, want %d", got, before+1)
	}
	for _, pair := range [][2]device{{old, next}, {next, old}} {
		d, other := pair[0], newDevice("").at(pair[1].url)
		other.fingerprint = d.fingerprint
		code := d.code(t, c.relay, newAddress())
		other.do(t, "POST", loginPath, wrong(code), badCode)
		d.session = other.do(t, "POST", loginPath, code, ok).field("session_token")
		other.session = d.session
		c.verify(t, d.url, other.do(t, "POST", refreshPath, nil, ok).field("id_token"))
		d.do(t, "POST", logoutPath, nil, ok)
		other.do(t, "GET", sessionsPath, nil, noSession)
	}
	replace(1, nextProgram(t))
	replace(2, nextProgram(t))
	session := newDevice(c.url).login(t, c.relay, newAddress())

	for n := range c.instances { // back to where it began
		replace(n, current(t))
	}
	session.do(t, "POST", refreshPath, nil, ok)
	waiting.at(c.url).do(t, "POST", loginPath, login, ok)
	newDevice(c.url).login(t, c.relay, newAddress())
	if got := c.version(t); got != before+1 {
		t.Errorf("version of the schema: got %d, want %d", got, before+1)
	}
}

// An instance dies while it changes the tables: nothing is changed, those that
// serve go on, and the next two to start do the work, once.
func TestFault_R34_killedInTheMiddleOfAMigration(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	serving := c.start(t, current(t), freeAddrs(t, 1)[0])
	before := c.version(t)
	migrating := func() bool { // this schema: other tests do so to theirs at the same time
		return c.count(t, `SELECT count(*) FROM pg_stat_activity WHERE query = $1 AND state = 'active'
			AND pid IN (SELECT pid FROM pg_locks WHERE relation = to_regclass($2))`, nextMigration, c.table("mailkey_migrations")) == 1
	}

	dying := c.launch(t, nextProgram(t), freeAddrs(t, 1)[0])
	c.await(t, migrating)
	dying.Kill()
	newDevice(serving.url()).login(t, c.relay, newAddress())

	both := []*instance{}
	for _, addr := range freeAddrs(t, 2) {
		both = append(both, c.launch(t, nextProgram(t), addr))
	}
	c.await(t, migrating)
	if c.version(t) != before || c.has(t, "half") {
		t.Error("half of a migration was kept")
	}
	for _, i := range both {
		i.serves(t)
		newDevice(i.url()).login(t, c.relay, newAddress())
	}
	newDevice(serving.url()).login(t, c.relay, newAddress())
	if got := c.version(t); got != before+1 || !c.has(t, "half") || !c.has(t, "whole") {
		t.Errorf("version of the schema: got %d, want %d", got, before+1)
	}
}

// await polls until something is so.
func (c *cluster) await(t *testing.T, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !so(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it does not happen within a minute")
		}
	}
}

// Twenty instances find no tables at the same moment.
func TestFault_R34_twentyMigrateTogether(t *testing.T) {
	t.Parallel()
	for range torture.Rounds(3, 50) {
		c := newCluster(t)
		errs := make([]error, 20)
		start := make(chan struct{})
		var all sync.WaitGroup
		for n := range errs {
			all.Go(func() {
				<-start
				errs[n] = c.migrate(t)
			})
		}
		close(start)
		all.Wait()
		for _, err := range errs {
			if err != nil {
				t.Fatal(err)
			}
		}
		if n := c.count(t, `SELECT count(*) FROM `+c.table("mailkey_migrations")); n != c.version(t) {
			t.Errorf("%d migrations were made up to version %d", n, c.version(t))
		}
	}
}

// migrate does what an instance does first, on a connection of its own.
func (c *cluster) migrate(t *testing.T) error {
	db, err := sqlx.Open("pgx", c.database)
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	_, err = postgres.Open(t.Context(), db, c.schema)
	return err
}
