package cluster

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"example.com/mailkey/internal/integration/smtpd"
	"example.com/mailkey/internal/torture"
)

// Instances are replaced one after the other while people log in: nobody
// notices.
func TestFault_R35_rollingRestartUnderLoad(t *testing.T) {
	t.Parallel()
	c := newTrio(t)
	users := c.load(t, torture.Rounds(3, 16))
	for range torture.Rounds(1, 5) {
		for n, i := range c.instances {
			users.more(t, 3)
			i.Signal(t, syscall.SIGTERM)
			users.more(t, 3)
			i.EndsWell(t, 11*time.Second)
			if strings.Contains(i.Log(), "cut off") {
				t.Errorf("requests were cut off:\n%s", i.Log())
			}
			c.instances[n] = c.start(t, current(t), i.addr)
			c.instances[n].isUsed(t)
		}
	}
	users.more(t, 3)
	for _, address := range users.stop(t) {
		c.oneMail(t, address)
	}
}

// isUsed waits until the balancer has noticed that the instance is back: who is
// replaced before could be the last one it knows of.
func (i *instance) isUsed(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !strings.Contains(i.Log(), "msg=login"); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the balancer does not use the instance")
		}
	}
}

// load is people who log in, use their session, and log out, again and again.
type load struct {
	cancel    context.CancelFunc
	all       sync.WaitGroup
	done      atomic.Int64
	mu        sync.Mutex
	addresses []string
	failure   error
}

// load starts n of them.
func (c *cluster) load(t *testing.T, n int) *load {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	l := &load{cancel: cancel}
	for range n {
		l.all.Go(func() {
			for ctx.Err() == nil {
				address := newAddress()
				err := c.visit(t, newDevice(c.url), address)
				l.mu.Lock()
				l.addresses = append(l.addresses, address)
				if l.failure == nil {
					l.failure = err
				}
				l.mu.Unlock()
				l.done.Add(1)
			}
		})
	}
	t.Cleanup(func() { cancel(); l.all.Wait() })
	return l
}

// more waits until n more visits are over.
func (l *load) more(t *testing.T, n int64) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for until := l.done.Load() + n; l.done.Load() < until; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("nobody logs in any more")
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failure != nil {
		t.Fatal(l.failure)
	}
}

// stop lets those who are there finish, and returns the addresses of all.
func (l *load) stop(t *testing.T) []string {
	t.Helper()
	l.cancel()
	l.all.Wait()
	if l.failure != nil {
		t.Fatal(l.failure)
	}
	return l.addresses
}

// visit is one login from the captcha to the logout, all of which has to
// succeed.
func (c *cluster) visit(t *testing.T, d device, address string) error {
	ctx := context.WithoutCancel(t.Context())
	var last reply
	step := func(method, path string, body map[string]string) bool {
		var err error
		if last, err = d.ask(ctx, method, path, body); err != nil {
			last = reply{text: err.Error()}
		}
		return last.String() == ok
	}
	failed := func(what string) error { return fmt.Errorf("%s: got %s\n%s", what, last, last.text) }
	if !step("GET", captchaPath, nil) {
		return failed("captcha")
	}
	if !step("POST", verifyPath, solved(t, last, address)) {
		return failed("verify")
	}
	if !step("POST", sendPath, map[string]string{"email": address, "type": "LOGIN_EMS", "captcha_token": last.field("captcha_token")}) {
		return failed("send")
	}
	login := map[string]string{"email": address, "verify_code": c.relay.Next(t, address).Code(t)}
	if !step("POST", loginPath, login) {
		return failed("login")
	}
	d.session = last.field("session_token")
	for range 3 {
		if !step("POST", refreshPath, nil) {
			return failed("refresh")
		}
	}
	if !step("POST", logoutPath, nil) {
		return failed("logout")
	}
	return nil
}

// Requests that an instance has begun to read when it is told to end are served,
// and what they asked for is done, by another instance if need be.
func TestFault_R35_requestsInFlight(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	leaving := c.startAll(t, current(t), freeAddrs(t, 2))[0]
	var requests []*halfway
	for range 8 {
		address := newAddress()
		d := newDevice(leaving.url())
		requests = append(requests, d.begin(t, sendPath, d.ticket(t, address)))
	}
	leaving.Signal(t, syscall.SIGTERM)
	c.await(t, func() bool { // until nobody new is let in
		conn, err := net.Dial("tcp", leaving.addr)
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
	for _, r := range requests {
		if got := r.finish(t); got != http.StatusOK {
			t.Errorf("a request in flight: got %d", got)
		}
	}
	leaving.EndsWell(t, 11*time.Second)
	for _, r := range requests {
		c.oneMail(t, r.address)
	}
}

// halfway is a request whose body the server waits for.
type halfway struct {
	conn    net.Conn
	answer  *bufio.Reader
	body    []byte
	address string
}

// begin sends all of a request but its body, and waits until that is asked for.
func (d device) begin(t *testing.T, path string, body map[string]string) *halfway {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(d.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(30 * time.Second))
	doc, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequest("POST", d.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	d.describe(r.Header)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Expect", "100-continue")
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n", path, r.Host, len(doc))
	if err := r.Header.Write(conn); err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(conn, "\r\n")
	h := &halfway{conn, bufio.NewReader(conn), doc, body["email"]}
	if line, err := h.answer.ReadString('\n'); err != nil || line != "HTTP/1.1 100 Continue\r\n" {
		t.Fatalf("got %q, %v, want 100 Continue", line, err)
	}
	if _, err := h.answer.Discard(len("\r\n")); err != nil {
		t.Fatal(err)
	}
	return h
}

// finish sends the body and returns the status of the answer.
func (h *halfway) finish(t *testing.T) int {
	t.Helper()
	if _, err := h.conn.Write(h.body); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(h.answer, nil)
	if err != nil {
		t.Fatalf("a request in flight was cut off: %v", err)
	}
	response.Body.Close()
	return response.StatusCode
}

// What was accepted is mailed, even if all instances end before: once.
func TestFault_R35_theOutboxOutlivesTheInstances(t *testing.T) {
	t.Parallel()
	c := newTrio(t)
	broken := smtpd.Cut()
	if torture.Rounds(0, 1) > 0 {
		broken = smtpd.Hang() // as long as instances wait
	}
	c.relay.Always(smtpd.Greeting, broken)
	logins := make(map[string]device)
	for range 6 {
		d, address := newDevice(c.url), newAddress()
		d.send(t, address)
		logins[address] = d
	}
	for _, i := range c.instances {
		i.Signal(t, syscall.SIGTERM)
	}
	var addrs []string
	for _, i := range c.instances {
		i.EndsWell(t, 11*time.Second)
		addrs = append(addrs, i.addr)
	}
	if n := c.count(t, `SELECT count(*) FROM `+c.table("challenges")+` WHERE due_at IS NOT NULL`); n != 6 {
		t.Errorf("mails in the outbox: got %d, want 6", n)
	}
	c.relay.Always(smtpd.Greeting, smtpd.Pass())
	c.startAll(t, current(t), addrs)
	for address, d := range logins {
		c.oneMail(t, address) // within a minute: one that was tried twice waits for half of it
		code := c.relay.Next(t, address).Code(t)
		d.do(t, "POST", loginPath, map[string]string{"email": address, "verify_code": code}, ok)
	}
}

// An instance that was told to end says so to the balancer, and serves on for a
// while. Mails that are asked for there are delivered by another.
func TestFault_R35_drain(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	leaving := c.startAll(t, current(t), freeAddrs(t, 2), "-drain", "3s")[0]
	c.await(t, func() bool { return c.count(t, `SELECT count(*) FROM `+c.table("beats")) == 1 })
	d := newDevice(leaving.url())
	began := time.Now()
	leaving.Signal(t, syscall.SIGTERM)
	for d.do(t, "GET", "/healthz", nil).String() != "503" {
		if time.Since(began) > 3*time.Second {
			t.Fatal("/healthz does not say that the instance ends")
		}
	}
	d.login(t, c.relay, newAddress())
	leaving.EndsWell(t, 11*time.Second)
	if took := time.Since(began); took < 3*time.Second {
		t.Errorf("it served on for %v, want 3s", took)
	}
}
