package cluster

import (
	"bytes"
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	_ "modernc.org/sqlite"

	"example.com/mailkey/internal/integration/program"
	"example.com/mailkey/internal/integration/smtpd"
)

// A single instance on SQLite becomes three on PostgreSQL, and nobody notices:
// who was signed in still is, a code that is out still works, no guess is
// forgotten, and mails that waited are delivered.
func TestImportFromSQLite(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	file := filepath.Join(directory(t), "mailkey.db")
	single := *c
	single.database = file
	before := single.start(t, current(t), freeAddrs(t, 1)[0])

	ann := newDevice(before.url()).login(t, c.relay, newAddress())
	token := ann.do(t, "POST", refreshPath, nil, ok)
	gone := newDevice(before.url()).login(t, c.relay, newAddress())
	gone.do(t, "POST", logoutPath, nil, ok)
	guesser, owner := newDevice(before.url()), newDevice(before.url())
	guessed, owned := guesser.code(t, c.relay, newAddress()), owner.code(t, c.relay, newAddress())
	for range 4 {
		guesser.do(t, "POST", loginPath, wrong(guessed), badCode)
		owner.do(t, "POST", loginPath, wrong(owned), badCode)
	}
	c.relay.Always(smtpd.Greeting, smtpd.Cut())
	late, lateAddress := newDevice(before.url()), newAddress()
	late.send(t, lateAddress)
	before.Terminate(t)
	c.relay.Always(smtpd.Greeting, smtpd.Pass())

	out := c.imports(t, file, 0)
	for _, want := range []string{"users: 2\n", "sessions: 2\n", "challenges: 5\n", "addresses: 5\n", "keys: 1\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("the import does not say %q:\n%s", want, out)
		}
	}
	c.sameRows(t, file)
	if out := c.imports(t, file, 1); !strings.Contains(out, "an instance has used it already") {
		t.Errorf("a second import: got\n%s", out)
	}

	addrs := freeAddrs(t, 3)
	c.startAll(t, current(t), addrs)
	c.balance(t, addrs)
	c.verify(t, c.url, token.field("id_token"))
	fresh := ann.at(c.url).do(t, "POST", refreshPath, nil, ok)
	if got, want := subject(t, fresh), subject(t, token); got != want {
		t.Errorf("the user is another: %q, was %q", got, want)
	}
	gone.at(c.url).do(t, "GET", sessionsPath, nil, noSession)
	guesser.at(c.url).do(t, "POST", loginPath, wrong(guessed), badCode)
	guesser.at(c.url).do(t, "POST", loginPath, guessed, badCode)
	owner.at(c.url).do(t, "POST", loginPath, owned, ok)
	code := c.relay.Next(t, lateAddress).Code(t)
	late.at(c.url).do(t, "POST", loginPath, map[string]string{"email": lateAddress, "verify_code": code}, ok)
	c.oneMail(t, lateAddress)
}

// Mistakes in what to import, and into what.
func TestImportRefuses(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	if out := c.imports(t, "missing.db", 1); !strings.Contains(out, "missing.db: no such file or directory") {
		t.Errorf("no such file: got\n%s", out)
	}
	c.start(t, current(t), freeAddrs(t, 1)[0])
	single := *c
	single.database = filepath.Join(directory(t), "mailkey.db")
	single.start(t, current(t), freeAddrs(t, 1)[0]).Terminate(t)
	if out := c.imports(t, single.database, 1); !strings.Contains(out, "an instance has used it already") {
		t.Errorf("a schema in use: got\n%s", out)
	}
	if out := single.imports(t, single.database, 2); !strings.Contains(out, "-import needs the postgres:// URL") {
		t.Errorf("into a file: got\n%s", out)
	}
}

// imports runs an import to its end and returns what it writes.
func (c *cluster) imports(t *testing.T, file string, status int) string {
	t.Helper()
	p := program.Start(t, exec.Command(current(t),
		"-database", c.database, "-schema", c.schema, "-secret-file", c.file, "-import", file))
	if got := p.Status(t, time.Minute); got != status {
		t.Fatalf("exit status of the import: got %d, want %d\n%s", got, status, p.Log())
	}
	return p.Log()
}

// sameRows requires that what lasts has the same rows in the file and the
// schema.
func (c *cluster) sameRows(t *testing.T, file string) {
	t.Helper()
	from, err := sqlx.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	for _, name := range []string{"addresses", "challenges", "devices", "failure_hours", "keys", "limits", "sessions", "users"} {
		want, got := lines(t, from, name), lines(t, c.pool, c.table(name))
		if !slices.Equal(got, want) || len(got) == 0 {
			t.Errorf("%s: got\n%swant\n%s", name, strings.Join(got, ""), strings.Join(want, ""))
		}
	}
}

// lines are the rows of a table as text, in order, but for decoys, which are
// there from the beginning.
func lines(t *testing.T, db *sqlx.DB, table string) (all []string) {
	t.Helper()
	rows, err := db.QueryxContext(t.Context(), `SELECT * FROM `+table) //nolint:sqlclosecheck,unqueryvet // it is closed below, and all columns are meant
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		row := make(map[string]any)
		if err := rows.MapScan(row); err != nil {
			t.Fatal(err)
		}
		if isDecoy(row["key"]) || isDecoy(row["binding"]) {
			continue
		}
		var line bytes.Buffer
		for _, column := range slices.Sorted(maps.Keys(row)) {
			fmt.Fprintf(&line, "%s=%#v ", column, row[column])
		}
		all = append(all, line.String()+"\n")
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(all)
	return all
}

func isDecoy(key any) bool {
	b, ok := key.([]byte)
	return ok && len(b) == 1
}
