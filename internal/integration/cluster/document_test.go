package cluster

import (
	"bufio"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The commands of docs/cluster.md, run one after the other as they stand there,
// do what it says.
func TestDocument(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	dir := directory(t)

	// What there is before: an instance on SQLite, and somebody who is signed in.
	single := *c
	single.database, single.file = filepath.Join(dir, "mailkey.db"), filepath.Join(dir, "mailkey.db.secret")
	if err := os.WriteFile(single.file, []byte(c.secretText()), 0o600); err != nil {
		t.Fatal(err)
	}
	before := single.start(t, current(t), freeAddrs(t, 1)[0])
	ann := newDevice(before.url()).login(t, c.relay, newAddress())
	before.Terminate(t)

	var script strings.Builder
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(document(t), -1) {
		if strings.HasPrefix(block[1], "kill ") { // until here
			script.WriteString("echo; echo started; read -r\n")
		}
		script.WriteString(block[1])
	}
	addrs := freeAddrs(t, 3)
	server := postgresServer(t).Addr
	shell := startShell(t, dir, replaceAll(t, script.String(),
		"go build -o mailkey ./example/cluster", "cp "+current(t)+" mailkey", // not into the tree
		"127.0.0.1:5432", server,
		"http://127.0.0.1:8080", c.url,
		"8081 8082 8083", ports(t, addrs),
	), append(postgresEnvironment(t, server),
		"MAILKEY_SMTP="+c.relay.URL(), "MAILKEY_CLIENT=app", "MAILKEY_CAPTCHA=pow"))

	shell.waitFor(t, "started")
	c.balance(t, addrs)
	for _, addr := range addrs {
		newDevice("http://"+addr).awaitOK(t, "/healthz")
	}
	ann.at(c.url).do(t, "POST", refreshPath, nil, ok)
	newDevice(c.url).login(t, c.relay, newAddress())

	shell.line(t)
	shell.ends(t)
	for _, addr := range addrs {
		if conn, err := net.Dial("tcp", addr); err == nil {
			conn.Close()
			t.Errorf("an instance still listens at %s", addr)
		}
	}
}

// replaceAll replaces what a reader would, too. All of it has to be there.
func replaceAll(t *testing.T, text string, pairs ...string) string {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("docs/cluster.md has no %q in its commands:\n%s", pairs[i], text)
		}
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

func ports(t *testing.T, addrs []string) string {
	t.Helper()
	var list []string
	for _, addr := range addrs {
		_, port, err := net.SplitHostPort(addr)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, port)
	}
	return strings.Join(list, " ")
}

// postgresEnvironment makes psql and its like find a server.
func postgresEnvironment(t *testing.T, addr string) []string {
	t.Helper()
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	return append(os.Environ(), "PGHOST="+host, "PGPORT="+port, "PGUSER=postgres")
}

// shell runs commands.
type shell struct {
	cmd   *exec.Cmd
	in    io.Writer
	lines chan string // of its output; closed at its end
	log   strings.Builder
}

func startShell(t *testing.T, dir, script string, env []string) *shell {
	t.Helper()
	s := &shell{cmd: exec.Command("bash", "-euc", script), lines: make(chan string, 10_000)}
	s.cmd.Dir, s.cmd.Env = dir, env
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	in, err := s.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	s.in = in
	out, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	s.cmd.Stdout, s.cmd.Stderr = w, w
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	go func() {
		defer close(s.lines)
		for scanner := bufio.NewScanner(out); scanner.Scan(); {
			s.lines <- scanner.Text()
		}
	}()
	t.Cleanup(func() {
		if s.cmd.ProcessState == nil { // has not ended
			_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL) // and all that it started
			_ = s.cmd.Wait()                                      // was killed
		}
		out.Close()
	})
	return s
}

// next returns the next line; ok is false at the end.
func (s *shell) next(t *testing.T) (line string, ok bool) {
	t.Helper()
	select {
	case line, ok = <-s.lines:
		s.log.WriteString(line + "\n")
		return line, ok
	case <-time.After(time.Minute):
		t.Fatalf("the shell says nothing more:\n%s", &s.log)
		return "", false
	}
}

func (s *shell) waitFor(t *testing.T, want string) {
	t.Helper()
	for {
		line, ok := s.next(t)
		if !ok {
			t.Fatalf("the shell ends without %q:\n%s", want, &s.log)
		}
		if line == want {
			return
		}
	}
}

// line lets the shell read a line.
func (s *shell) line(t *testing.T) {
	t.Helper()
	if _, err := io.WriteString(s.in, "\n"); err != nil {
		t.Fatal(err)
	}
}

// ends waits for the end.
func (s *shell) ends(t *testing.T) {
	t.Helper()
	for {
		if _, ok := s.next(t); !ok {
			break
		}
	}
	if err := s.cmd.Wait(); err != nil {
		t.Errorf("the shell ended with %v:\n%s", err, &s.log)
	}
}
