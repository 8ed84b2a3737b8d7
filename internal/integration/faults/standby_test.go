package faults_test

import (
	"database/sql"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"example.com/mailkey/internal/integration/services"
)

// pair is a PostgreSQL server and its standby, behind an address that leads to
// the one that is the primary.
type pair struct {
	*testing.T
	primary, standby *services.Postgres
	proxy            *services.Proxy
}

// newPair starts one. A synchronous standby has each commit that waits for the
// disk before its client learns of it.
func newPair(t *testing.T, synchronous bool) *pair {
	t.Helper()
	var settings []string
	if synchronous {
		settings = []string{"synchronous_standby_names=standby"}
	}
	p := &pair{T: t, primary: services.StartPostgres(t)}
	p.standby = p.primary.StartStandby(t, "standby", "log_statement=all")
	if synchronous { // from now on: nothing could be backed up before
		p.primary.Stop(t, services.Fast)
		p.primary.With(settings...)
		p.primary.Start(t)
	}
	p.proxy = services.StartProxy(t, p.primary.Addr, func([]byte) services.Cut { return services.Pass })
	p.caughtUp()
	return p
}

func (p *pair) at() database {
	return postgresAt(strings.Replace(p.primary.URL("postgres"), p.primary.Addr, p.proxy.Addr, 1))
}

// ask returns the one value of a query to one of the two.
func (p *pair) ask(server *services.Postgres, query string) (value string) {
	p.Helper()
	db, err := sql.Open("pgx", server.URL("postgres"))
	if err != nil {
		p.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRow(query).Scan(&value); err != nil && err != sql.ErrNoRows {
		p.Fatalf("%s: %v", query, err)
	}
	return value
}

// caughtUp waits until the standby is where the primary is.
func (p *pair) caughtUp() {
	p.Helper()
	for late := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		at := p.ask(p.primary, "SELECT pg_current_wal_flush_lsn()")
		if p.ask(p.standby, fmt.Sprintf("SELECT (coalesce(pg_last_wal_replay_lsn(), '0/0') >= '%s')::text", at)) == "true" &&
			p.ask(p.primary, "SELECT count(*)::text FROM pg_stat_replication") == "1" {
			return
		}
		if time.Now().After(late) {
			p.Fatalf("the standby lags behind\n%s", p.standby.Log())
		}
	}
}

// part cuts the standby off: it gets nothing any more.
func (p *pair) part() {
	p.Helper()
	for _, statement := range []string{"ALTER SYSTEM SET primary_conninfo = ''", "SELECT pg_reload_conf()"} {
		db, err := sql.Open("pgx", p.standby.URL("postgres"))
		if err == nil {
			_, err = db.Exec(statement)
		}
		if err != nil {
			p.Fatal(err)
		}
		db.Close()
	}
	for late := time.Now().Add(30 * time.Second); p.ask(p.primary, "SELECT count(*)::text FROM pg_stat_replication") != "0"; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(late) {
			p.Fatal("the standby still follows")
		}
	}
}

// failOver kills the primary and makes the standby one.
func (p *pair) failOver() {
	p.Helper()
	p.primary.Stop(p, services.Immediate)
	p.standby.Promote(p)
	p.proxy.Redirect(p.standby.Addr)
}

// postgresAgain is where tests look into the database after a failover.
func postgresAgain(t *testing.T, dsn string, p *pair) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	u.Host = p.standby.Addr
	return u.String()
}
