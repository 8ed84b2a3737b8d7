package abuse

import (
	"bytes"
	"crypto/rand"
	"database/sql"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/internal/integration/burst"
	"example.com/mailkey/internal/integration/house"
	"example.com/mailkey/internal/integration/program"
	"example.com/mailkey/internal/integration/services"
	"example.com/mailkey/internal/integration/smtpd"
)

// target is the example, as a process of its own and behind a trusted proxy.
type target struct {
	*testing.T
	process *program.Process
	relay   *smtpd.Server
	client  *http.Client
	files   string  // of its database, if that is SQLite
	db      *sql.DB // the same database
}

var example = sync.OnceValues(func() (path string, err error) {
	return program.Build(workDir, "example.com/mailkey/example/cluster")
})

// onEachTarget plays f on the example with each database.
func onEachTarget(t *testing.T, f func(g *target)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { f(onSQLite(t)) })
	t.Run("postgres", func(t *testing.T) {
		secret := filepath.Join(t.TempDir(), "secret")
		if err := os.WriteFile(secret, fmt.Appendf(nil, "%x", rand.Text()+rand.Text()), 0o600); err != nil {
			t.Fatal(err)
		}
		g := newTarget(t)
		url := services.StartPostgres(t).URL("postgres")
		g.start("-database", url, "-secret-file", secret)
		g.open("pgx", url)
		f(g)
	})
}

func onSQLite(t *testing.T) *target {
	t.Helper()
	g := newTarget(t)
	g.files = filepath.Join(t.TempDir(), "flooded.db")
	g.start("-database", g.files)
	g.open("sqlite", "file:"+g.files+"?_pragma=busy_timeout(60000)")
	return g
}

func (g *target) open(driver, source string) {
	g.Helper()
	var err error
	if g.db, err = sql.Open(driver, source); err != nil {
		g.Fatal(err)
	}
	g.Cleanup(func() { g.db.Close() })
}

// counts makes n limits, as requests from as many addresses in this hour would
// have. The server gets its turn in between.
func (g *target) counts(n int) {
	g.Helper()
	statement := `INSERT INTO mailkey.limits (key, tat) SELECT sha256(i::text::bytea), $3 FROM generate_series($1::int, $2::int - 1) AS i`
	if g.files != "" { // in the order of the keys, or each was on a page of its own
		statement = `WITH RECURSIVE made (i) AS (SELECT $1 UNION ALL SELECT i + 1 FROM made WHERE i + 1 < $2)
			INSERT INTO limits (key, tat) SELECT unhex(printf('%08x', i * 400) || hex(randomblob(28))), $3 FROM made`
	}
	const atOnce = 50_000
	for i := 0; i < n; i += atOnce {
		if _, err := g.db.ExecContext(g.Context(), statement, i, min(i+atOnce, n), time.Now().Add(time.Hour).UnixMilli()); err != nil {
			g.Fatal(err)
		}
	}
}

func newTarget(t *testing.T) *target {
	t.Helper()
	return &target{
		T: t, relay: smtpd.New(t, smtpd.Config{}),
		client: &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}},
	}
}

func (g *target) start(args ...string) {
	g.Helper()
	path, err := example()
	if err != nil {
		g.Fatal(err)
	}
	g.process = program.Start(g, exec.Command(path, append(args,
		"-addr", "127.0.0.1:0", "-captcha", "digits,pow", "-trusted-proxies", "127.0.0.0/8", "-smtp", g.relay.URL())...))
	g.Cleanup(func() {
		if g.Failed() {
			g.Logf("the server said:\n%s", g.process.Stderr)
		}
	})
	g.process.Serves(g)
}

// call makes a request over the network.
func (g *target) call(r burst.Request) (burst.Answer, error) {
	request, err := http.NewRequestWithContext(g.Context(), r.Method, g.process.URL+r.Path, strings.NewReader(r.Body))
	if err != nil {
		return burst.Answer{}, err
	}
	request.Header = r.Header.Clone()
	request.Header.Set("X-Client-Id", "example")
	response, err := g.client.Do(request)
	if err != nil {
		return burst.Answer{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return burst.Answer{Status: response.StatusCode, Header: response.Header, Body: string(body)}, err
}

// do is call for a request that has to succeed, and how long that took. What is
// shed in a flood is tried again, by somebody else: those who are told to wait
// are not.
func (g *target) do(r burst.Request) (a burst.Answer, took time.Duration) {
	g.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		start := time.Now()
		var err error
		if a, err = g.call(r); err != nil {
			g.Fatal(err)
		}
		if a.Status == http.StatusOK {
			return a, time.Since(start)
		}
		if house.Code(g, a) != string(auth.ReasonBusy) {
			break
		}
		r = stranger(r)
	}
	g.Fatalf("%s: %d %s", r.Path, a.Status, a.Body)
	return a, 0
}

// logsIn is somebody who logs in, and how long the login took.
func (g *target) logsIn() (took time.Duration) {
	g.Helper()
	email := house.Person()
	puzzle, _ := g.do(house.Puzzle())
	token, answer := house.Solve(g, puzzle)
	ticket, _ := g.do(house.Verify(token, answer, email))
	g.do(house.Send(email, house.Field(g, ticket, "captcha_token")))
	_, took = g.do(house.Guess(email, g.relay.Next(g, email).Code(g)))
	return took
}

// stranger is a request from somewhere on the internet.
func stranger(r burst.Request) burst.Request {
	var addr [16]byte
	_, _ = rand.Read(addr[:]) // never fails
	addr[0] = 0x20
	return by(netip.AddrFrom16(addr).String(), r)
}

// someone is an address that nobody has.
func someone() string { return strings.ToLower(rand.Text()) + "@b.example" }

// memory is a line of the process's status, in bytes.
func (g *target) memory(name string) int {
	g.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", g.process.PID()))
	if err != nil {
		g.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == name+":" {
			kB, err := strconv.Atoi(fields[1])
			if err != nil {
				g.Fatal(err)
			}
			return kB << 10
		}
	}
	g.Fatalf("no %s in\n%s", name, status)
	return 0
}

// resetPeak makes VmHWM what VmRSS is.
func (g *target) resetPeak() {
	g.Helper()
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", g.process.PID()), []byte("5"), 0); err != nil {
		g.Fatal(err)
	}
}

// size is that of the database with its log.
func (g *target) size() (bytes int64) {
	for _, path := range []string{g.files, g.files + "-wal"} {
		if info, err := os.Stat(path); err == nil {
			bytes += info.Size()
		}
	}
	return bytes
}

// rests checks that nothing goes on in the server any more. It ends it.
func (g *target) rests() {
	g.Helper()
	g.logsIn()
	g.client.CloseIdleConnections()
	deadline := time.Now().Add(20 * time.Second)
	for ; g.connections() > 0; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			g.Fatalf("%d connections are left", g.connections())
		}
	}
	if err := syscall.Kill(g.process.PID(), syscall.SIGQUIT); err != nil { // prints all goroutines
		g.Fatal(err)
	}
	g.process.Status(g, 10*time.Second)
	log := g.process.Stderr.String()
	if n := len(goroutine.FindAllString(log, -1)); n == 0 || n > mostGoroutines {
		g.Errorf("%d goroutines are left, want %d at most:\n%s", n, mostGoroutines, log)
	}
	if strings.Contains(log, "level=ERROR") || strings.Contains(log, "DATA RACE") {
		g.Errorf("the log is\n%s", log)
	}
}

var goroutine = regexp.MustCompile(`(?m)^goroutine \d+ .*\[`)

// connections are those that the server has accepted.
func (g *target) connections() (n int) {
	g.Helper()
	_, port, _ := strings.Cut(strings.TrimPrefix(g.process.URL, "http://"), ":")
	number, err := strconv.Atoi(port)
	if err != nil {
		g.Fatal(err)
	}
	table, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/tcp", g.process.PID()))
	if err != nil {
		g.Fatal(err)
	}
	local := fmt.Sprintf(":%04X ", number)
	for line := range bytes.Lines(table) {
		fields := bytes.Fields(line)
		const established, closeWait = "01", "08"
		if len(fields) > 3 && bytes.HasSuffix(append(fields[1], ' '), []byte(local)) && (string(fields[3]) == established || string(fields[3]) == closeWait) {
			n++
		}
	}
	return n
}
