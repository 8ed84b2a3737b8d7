package faults_test

import (
	"encoding/json"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/mailkey/internal/integration/faults"
	"example.com/mailkey/internal/integration/program"
	"example.com/mailkey/internal/integration/smtpd"
)

// site is a login on a database, and all that its people were told.
type site struct {
	*testing.T
	db        database
	relay     *smtpd.Server
	relayURL  string           // as servers are told
	authority *smtpd.Authority // of the relay's certificate
	names     *names           // where its name is looked up
	redis     *sessionRedis    // that keeps the sessions, if not the database
	at        *program.Process // where people go
	ahead     time.Duration    // the clock there, see pass

	mu        sync.Mutex
	processes []*program.Process
	people    []*person
	calm      faults.State // before anything broke
}

func newSite(t *testing.T, db database) *site {
	t.Helper()
	return newSiteWith(t, db, smtpd.New(t, smtpd.Config{}))
}

func newSiteWith(t *testing.T, db database, relay *smtpd.Server) *site {
	t.Helper()
	return &site{T: t, db: db, relay: relay, relayURL: relay.URL()}
}

// launch starts a server that may or may not come up.
func (s *site) launch(env ...string) *program.Process {
	s.Helper()
	cmd := s.command(env...)
	p := program.Start(s, cmd)
	s.processes = append(s.processes, p)
	return p
}

func (s *site) command(env ...string) *exec.Cmd {
	s.Helper()
	cmd := exec.Command(shared.program(s), slices.Concat(s.db.args, []string{"-smtp", s.relayURL})...)
	cmd.Env = env
	return cmd
}

// start starts a server and sends people there.
func (s *site) start(env ...string) *program.Process {
	s.Helper()
	p := s.launch(env...)
	p.Serves(s)
	s.at = p
	return p
}

// serves reports whether a server came up, instead of ending, and sends people
// there.
func (s *site) serves(p *program.Process) bool {
	s.Helper()
	if !p.ServesOrEnds(s) {
		return false
	}
	s.at = p
	return true
}

// fail sets the failpoints of the server.
func (s *site) fail(plan string) { s.Helper(); s.put("/failpoints", plan) }

// pass lets time pass at the server, whose database has no clock of its own.
func (s *site) pass(d time.Duration) {
	s.Helper()
	s.ahead += d
	s.put("/clock", s.ahead.String())
}

func (s *site) put(path, text string) {
	s.Helper()
	r, err := http.NewRequestWithContext(s.Context(), http.MethodPut, s.at.URL+path, strings.NewReader(text))
	if err != nil {
		s.Fatal(err)
	}
	response, err := client.Do(r)
	if err != nil {
		s.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		s.Fatalf("PUT %s %s: %s", path, text, response.Status)
	}
}

// eventually waits until something is so.
func (s *site) eventually(what string, within time.Duration, so func() bool) {
	s.Helper()
	for late := time.Now().Add(within); !so(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(late) {
			s.Fatalf("not within %v: %s\n%s", within, what, s.at.Stderr)
		}
	}
}

// logged is how often the server wrote a text.
func (s *site) logged(text string) int { return strings.Count(s.at.Stderr.String(), text) }

// state looks into the server.
func (s *site) state() (state faults.State) {
	s.Helper()
	response, err := client.Get(s.at.URL + "/state")
	if err != nil {
		s.Fatal(err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(&state); err != nil {
		s.Fatal(err)
	}
	return state
}

// steady lets somebody log in, and remembers how the server looks then.
func (s *site) steady() {
	s.Helper()
	s.newPerson().logsIn()
	s.calm = s.state()
}

// recovers waits until somebody who has never been there can log in, which is
// at most 30 seconds after the fault ended.
func (s *site) recovers() {
	s.Helper()
	began := time.Now()
	for {
		if got := s.newPerson().live(); got == "" {
			return
		} else if time.Since(began) > 30*time.Second {
			s.Fatalf("30 seconds after the fault nobody can log in: %s\n%s", got, s.at.Stderr)
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// together does things at the same time.
func together(things ...func() string) (results []string) {
	results = make([]string, len(things))
	var all sync.WaitGroup
	for i, do := range things {
		all.Go(func() { results[i] = do() })
	}
	all.Wait()
	return results
}

var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 20 * time.Second}
