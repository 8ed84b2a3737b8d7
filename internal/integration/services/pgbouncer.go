package services

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"example.com/mailkey/internal/integration/program"
)

// Pgbouncer is a pooler before a PostgreSQL server, in transaction mode.
type Pgbouncer struct {
	*program.Process
	Addr string
}

// StartPgbouncer starts a pooler with further settings, such as
// "default_pool_size=3".
func StartPgbouncer(tb testing.TB, p *Postgres, settings ...string) *Pgbouncer {
	tb.Helper()
	path := installed(tb, "pgbouncer")
	b := &Pgbouncer{Addr: FreeAddr(tb)}
	dir := directory(tb, "pgbouncer")
	host, port, err := net.SplitHostPort(b.Addr)
	if err != nil {
		tb.Fatal(err)
	}
	serverHost, serverPort, err := net.SplitHostPort(p.Addr)
	if err != nil {
		tb.Fatal(err)
	}
	users, config := filepath.Join(dir, "users.txt"), filepath.Join(dir, "pgbouncer.ini")
	for name, text := range map[string]string{
		users: `"postgres" ""`,
		config: fmt.Sprintf("[databases]\n* = host=%s port=%s\n\n[pgbouncer]\n", serverHost, serverPort) + strings.Join(append([]string{
			"listen_addr = " + host, "listen_port = " + port, "unix_socket_dir =",
			"auth_type = trust", "auth_file = " + users, "admin_users = postgres", "pool_mode = transaction",
		}, settings...), "\n"),
	} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			tb.Fatal(err)
		}
	}
	b.Process = run(tb, dir, exec.Command(path, config))
	b.Await(tb, dials(b.Addr))
	return b
}

// URL is where to find a database of the server behind the pooler.
func (b *Pgbouncer) URL(database string) string { return postgresURL(b.Addr, database) }
