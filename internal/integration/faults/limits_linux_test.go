package faults_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/internal/integration/program"
	"example.com/mailkey/internal/torture"
)

// The process may open 64 files, and somebody opens more connections than that.
// Who is connected is served, others wait, and everything is well when they have
// gone.
func TestFault_R42_noFiles(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, fresh func(testing.TB) database) {
		s := newSite(t, fresh(t).with("-pool", "4"))
		s.shell(`ulimit -n 64; exec "$@"`)
		s.steady()
		token := s.newPerson().logsIn()
		connected := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{}} // and stays so, whoever else closes theirs
		refresh := func() int {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.at.URL+"/api/v2/sdk/sso/session-token/id-token", nil)
			if err != nil {
				t.Fatal(err)
			}
			for name, value := range map[string]string{
				"X-Operating-Sys-Version": "test 1.0", "X-Device-Fingerprint": "device", "X-Agent": "person", "X-Client-Id": "app",
				"X-Forwarded-For": elsewhere(), "Session-Token": token,
			} {
				r.Header.Set(name, value)
			}
			response, err := connected.Do(r)
			if err != nil {
				t.Errorf("who is connected: %v", err)
				return 0
			}
			defer response.Body.Close()
			_, _ = io.Copy(io.Discard, response.Body)
			return response.StatusCode
		}
		if got := refresh(); got != http.StatusOK {
			t.Fatal(got)
		}
		var flood []net.Conn
		for range 100 {
			conn, err := net.Dial("tcp", strings.TrimPrefix(s.at.URL, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			flood = append(flood, conn)
		}
		s.eventually("it cannot accept any more", 10*time.Second, func() bool { return s.logged("too many open files") > 0 })
		for range 10 {
			if got := refresh(); got != http.StatusOK {
				t.Errorf("who is connected: %d", got)
			}
		}
		for _, conn := range flood {
			conn.Close()
		}
		s.recovers()
		connected.CloseIdleConnections()
		s.check()
	})
}

// Memory is short, and somebody asks for pictures as fast as he can. They are
// refused when too many are drawn at once; people log in all the while, and
// little memory is used.
func TestFault_R43_memory(t *testing.T) {
	t.Parallel()
	const limit = 128 << 20
	s := newSite(t, freshSQLite(t))
	s.start("GOMEMLIMIT=128MiB")
	s.steady()
	var stop atomic.Bool
	var drawn, refused atomic.Int64
	flood := func() string {
		p := s.newPerson()
		for !stop.Load() {
			puzzle := p.do(t.Context(), "GET", "/api/v2/sdk/captcha?type=digits", nil, nil)
			if puzzle.code != ok {
				refused.Add(1)
				continue
			}
			drawn.Add(1)
			s.hear(puzzle.field("token"))
		}
		return ""
	}
	people := func() string {
		defer stop.Store(true)
		for until := time.Now().Add(time.Duration(torture.Rounds(2, 60)) * time.Second); time.Now().Before(until); {
			if refused := s.newPerson().livesPatiently(); refused != "" {
				return refused
			}
		}
		return ""
	}
	things := []func() string{people}
	for range 24 {
		things = append(things, flood)
	}
	if got := together(things...)[0]; got != "" || refused.Load() == 0 {
		t.Errorf("somebody who logs in meanwhile: %s\n%s", got, s.at.Stderr)
	}
	resident := s.resident()
	t.Logf("%d pictures, %d refused; %d MB", drawn.Load(), refused.Load(), resident>>20)
	if resident > limit && !program.Race() { // which needs a multiple for itself
		t.Errorf("%d MB, want %d at most", resident>>20, limit>>20)
	}
	s.recovers()
	s.check()
}

// livesPatiently is live for somebody who asks for a captcha until there is one.
func (p *person) livesPatiently() (refused string) {
	p.Helper()
	var ticket string
	for answer := string(auth.ReasonBusy); answer != ok; ticket, answer = p.ticket() {
		if answer != string(auth.ReasonBusy) {
			return "captcha: " + answer
		}
	}
	if got := p.send(ticket); got != ok {
		return "send: " + got
	}
	if _, err := p.mail(0); err != nil {
		return err.Error()
	}
	return p.comesAndGoes()
}

// resident is the most memory that the process had.
func (s *site) resident() (bytes int) {
	s.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.at.PID()))
	if err != nil {
		s.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if n, err := fmt.Sscanf(line, "VmHWM: %d kB", &bytes); n == 1 && err == nil {
			return bytes << 10
		}
	}
	s.Fatalf("no VmHWM in %s", status)
	return 0
}

// hear asks for the sound of a captcha, which is large.
func (s *site) hear(token string) {
	s.Helper()
	r, err := http.NewRequestWithContext(s.Context(), http.MethodGet, s.at.URL+"/api/v2/sdk/captcha/audio?token="+token, nil)
	if err != nil {
		s.Fatal(err)
	}
	for name, value := range map[string]string{
		"X-Operating-Sys-Version": "test 1.0", "X-Device-Fingerprint": "device", "X-Agent": "person", "X-Client-Id": "app", "X-Forwarded-For": elsewhere(),
	} {
		r.Header.Set(name, value)
	}
	response, err := client.Do(r)
	if err != nil {
		return // lost
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body)
}

// The process gets a tenth of one processor, as a container may that is bounded
// so: ten milliseconds of each hundred. Everything takes longer, and is right.
func TestFault_R44_littleCPU(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, fresh func(testing.TB) database) {
		s := newSite(t, fresh(t))
		s.start("GOMAXPROCS=1")
		s.steady()
		var well atomic.Int64
		ctx, cancel := context.WithCancel(t.Context())
		starve := func() string {
			for ctx.Err() == nil {
				s.signal(syscall.SIGSTOP)
				time.Sleep(90 * time.Millisecond)
				s.signal(syscall.SIGCONT)
				time.Sleep(10 * time.Millisecond)
			}
			return ""
		}
		live := func() string {
			for until := time.Now().Add(time.Duration(torture.Rounds(5, 120)) * time.Second); time.Now().Before(until); {
				refused := s.newPerson().live()
				if refused == "" {
					well.Add(1)
				} else if !refusedFairly(refused) {
					return refused
				}
			}
			return ""
		}
		people := func() string {
			defer cancel()
			return strings.Join(together(live, live, live), "")
		}
		if got := together(people, starve)[0]; got != "" || well.Load() == 0 {
			t.Errorf("%d logged in; %s\n%s", well.Load(), got, s.at.Stderr)
		}
		s.recovers()
		s.check()
	})
}
