package services

import (
	"context"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"example.com/mailkey/internal/integration/program"
)

// Postgres is a PostgreSQL server with one database, postgres, whose owner is
// its superuser.
type Postgres struct {
	*program.Process
	Addr string
	dir  string
	args []string
}

// StartPostgres starts a server with further settings, such as
// "max_connections=20". Unless they say so, it does not wait for the disk.
func StartPostgres(tb testing.TB, settings ...string) *Postgres {
	tb.Helper()
	initdb := installed(tb, "initdb")
	p := &Postgres{Addr: FreeAddr(tb), dir: directory(tb, "postgres")}
	command(tb, p.dir, initdb, "--pgdata="+p.data(), "--no-sync", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C")

	host, port, err := net.SplitHostPort(p.Addr)
	if err != nil {
		tb.Fatal(err)
	}
	p.listen(host, port, settings)
	p.Start(tb)
	return p
}

func (p *Postgres) data() string { return filepath.Join(p.dir, "data") }

// listen says where the server will be, with which settings.
func (p *Postgres) listen(host, port string, settings []string) {
	p.args = []string{"-D", p.data(), "-h", host, "-p", port, "-k", p.dir, "-c", "fsync=off"}
	p.With(settings...)
}

// StartStandby starts a server that follows p, as the standby of that name. It
// can be read, and become a primary by Promote.
func (p *Postgres) StartStandby(tb testing.TB, name string, settings ...string) *Postgres {
	tb.Helper()
	s := &Postgres{Addr: FreeAddr(tb), dir: directory(tb, "standby")}
	host, port, err := net.SplitHostPort(s.Addr)
	if err != nil {
		tb.Fatal(err)
	}
	command(tb, s.dir, installed(tb, "pg_basebackup"), "--pgdata="+s.data(), "--no-sync", "--checkpoint=fast", "--write-recovery-conf",
		"--dbname="+p.URL("postgres")+"&application_name="+name)
	s.listen(host, port, settings)
	s.Start(tb)
	return s
}

// Promote makes a standby a primary.
func (p *Postgres) Promote(tb testing.TB) {
	tb.Helper()
	command(tb, p.dir, installed(tb, "pg_ctl"), "promote", "--pgdata="+p.data(), "--wait")
}

// With adds settings, which count from the next start on.
func (p *Postgres) With(settings ...string) {
	for _, s := range settings {
		p.args = append(p.args, "-c", s)
	}
}

// Start starts the server again, after Stop or Kill.
func (p *Postgres) Start(tb testing.TB) {
	tb.Helper()
	p.Process = run(tb, p.dir, exec.Command(installed(tb, "postgres"), p.args...))
	p.Await(tb, func(ctx context.Context) error {
		return exec.CommandContext(ctx, installed(tb, "pg_isready"), "-q", "-d", p.URL("postgres")).Run()
	})
}

// Dump is what pg_dump makes of a schema.
func (p *Postgres) Dump(tb testing.TB, database, schema string) []byte {
	tb.Helper()
	cmd := exec.Command(installed(tb, "pg_dump"), "-d", p.URL(database), "--schema="+`"`+schema+`"`)
	out, err := cmd.Output()
	if err != nil {
		tb.Fatalf("pg_dump: %v", err)
	}
	return out
}

// WAL is the log that replicas follow.
func (p *Postgres) WAL(tb testing.TB) (log []byte) {
	tb.Helper()
	segments, err := filepath.Glob(filepath.Join(p.dir, "data", "pg_wal", "0*"))
	if err != nil || len(segments) == 0 {
		tb.Fatalf("no log: %v", err)
	}
	for _, path := range segments {
		segment, err := os.ReadFile(path)
		if err != nil {
			tb.Fatal(err)
		}
		log = append(log, segment...)
	}
	return log
}

// The ways to stop it: as pg_ctl stop -m does.
var (
	Fast      os.Signal = syscall.SIGINT  // ends what is running
	Immediate os.Signal = syscall.SIGQUIT // as if it had crashed
)

// URL is where to find a database of the server.
func (p *Postgres) URL(database string) string { return postgresURL(p.Addr, database) }

func postgresURL(addr, database string) string {
	u := url.URL{Scheme: "postgres", User: url.User("postgres"), Host: addr, Path: "/" + database}
	return u.String() + "?sslmode=disable"
}
