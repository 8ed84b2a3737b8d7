package load

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"example.com/mailkey/auth/authtest"
	"example.com/mailkey/captcha"
	"example.com/mailkey/internal/integration/program"
	"example.com/mailkey/internal/integration/services"
)

var (
	people    = flag.Int("people", 4, "how many people log in at the same time, each again and again")
	duration  = flag.Duration("for", 0, "how long they do; 0: once each")
	databases = flag.String("database", "sqlite,postgres", "what the server keeps things in")
)

// patience is how long somebody waits for a mail.
const patience = 30 * time.Second

// A crowd logs in at a server, over HTTP and with mails over SMTP: each person
// with an address and from a network that nobody had before. The captcha is a
// proof of work of one bit; the databases wait for the disk.
func TestLoad(t *testing.T) {
	server, err := program.Build(t.TempDir(), "example.com/mailkey/internal/integration/faults/server")
	if err != nil {
		t.Fatal(err)
	}
	for name := range strings.SplitSeq(*databases, ",") {
		t.Run(name, func(t *testing.T) {
			database := filepath.Join(t.TempDir(), "load.db")
			if name == "postgres" {
				database = services.StartPostgres(t, "fsync=on").URL("postgres")
			}
			mails := newSink(t)
			p := program.Start(t, exec.Command(server, "-database", database, "-smtp", "smtp://"+mails.addr, "-pool", "16"))
			p.Serves(t)
			newCrowd(p.URL, mails).play(t)
			p.Terminate(t)
		})
	}
}

// crowd are people, and what they saw.
type crowd struct {
	url   string
	mails *sink
	http  *http.Client
	came  atomic.Int64

	mu      sync.Mutex
	took    map[string][]time.Duration
	refused map[string]int // by request and code
}

func newCrowd(url string, mails *sink) *crowd {
	return &crowd{
		url: url, mails: mails, took: make(map[string][]time.Duration), refused: make(map[string]int),
		http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: *people}, Timeout: patience},
	}
}

// play lets them log in, and logs how long it took.
func (c *crowd) play(t *testing.T) {
	start := time.Now()
	var all sync.WaitGroup
	for range *people {
		all.Go(func() {
			for again := true; again; again = time.Since(start) < *duration {
				if err := c.login(); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	took := time.Since(start)
	logins := len(c.took["whole login"])
	t.Logf("%d people, %d logins in %v: %.0f a second", *people, logins, took.Round(time.Millisecond), float64(logins)/took.Seconds())
	for _, what := range slices.Sorted(maps.Keys(c.took)) {
		times := slices.Sorted(slices.Values(c.took[what]))
		at := func(part float64) time.Duration {
			return times[int(part*float64(len(times)-1))].Round(10 * time.Microsecond)
		}
		t.Logf("%-40s p50 %v, p99 %v, longest %v", what, at(0.5), at(0.99), at(1))
	}
	if len(c.refused) > 0 {
		t.Logf("refused: %v", c.refused)
	}
	if logins == 0 {
		t.Error("nobody got in")
	}
}

// login is what one person does, from the captcha to the session. To be refused
// is no error: whoever is begins anew, as another person.
func (c *crowd) login() error {
	n := c.came.Add(1)
	email := fmt.Sprintf("ann%d@load.example", n)
	start := time.Now()
	var puzzle struct {
		Token string
		Pow   captcha.Proof
	}
	if ok, err := c.call(n, "captcha?type=pow", nil, &puzzle); !ok {
		return err
	}
	var verified struct {
		Ticket string `json:"captcha_token"`
	}
	ok, err := c.call(n, "captcha/verify", map[string]string{"token": puzzle.Token, "sender": email, "captcha_code": authtest.Solve(puzzle.Pow)}, &verified)
	if !ok {
		return err
	}
	code := c.mails.code(email)
	if ok, err = c.call(n, "email/send", map[string]string{"email": email, "type": "LOGIN_EMS", "captcha_token": verified.Ticket}, nil); !ok {
		return err
	}
	sent := time.Now()
	var digits string
	select {
	case digits = <-code:
	case <-time.After(patience):
		return errors.New("no mail came")
	}
	c.note("mail", time.Since(sent))
	if ok, err = c.call(n, "login/email-verify-code", map[string]string{"email": email, "verify_code": digits}, nil); ok {
		c.note("whole login", time.Since(start))
	}
	return err
}

func (c *crowd) note(what string, took time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.took[what] = append(c.took[what], took)
}

// call makes a request; ok is false when it is refused.
func (c *crowd) call(person int64, path string, fields map[string]string, answer any) (ok bool, err error) {
	method, body := http.MethodGet, []byte(nil)
	if fields != nil {
		method = http.MethodPost
		body, _ = json.Marshal(fields) // strings always can be
	}
	r, err := http.NewRequest(method, c.url+"/api/v2/sdk/"+path, bytes.NewReader(body))
	if err != nil {
		return false, err
	}
	r.Header = http.Header{
		"X-Operating-Sys-Version": {"load"}, "X-Device-Fingerprint": {fmt.Sprint("device ", person)}, "X-Agent": {"load"},
		"X-Client-Id": {"app"}, "Content-Type": {"application/json"},
		"X-Forwarded-For": {fmt.Sprintf("2001:%x:%x::1", person>>16, person&0xffff)},
	}
	start := time.Now()
	response, err := c.http.Do(r)
	if err != nil {
		return false, err
	}
	defer response.Body.Close()
	doc, err := io.ReadAll(response.Body)
	if err != nil {
		return false, err
	}
	path, _, _ = strings.Cut(path, "?")
	if response.StatusCode == http.StatusOK {
		c.note(path, time.Since(start))
		if answer != nil {
			err = json.Unmarshal(doc, answer)
		}
		return err == nil, err
	}
	var refusal struct {
		Code string `json:"error_code"`
	}
	_ = json.Unmarshal(doc, &refusal) // or it is none of ours
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refused[path+": "+cmp.Or(refusal.Code, response.Status)]++
	return false, nil
}
