package abuse

import (
	"bufio"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/internal/integration/burst"
	"example.com/mailkey/internal/integration/house"
	"example.com/mailkey/internal/torture"
)

// mostGrowth is by how much the memory of a server may grow in a flood, however
// long that lasts, and mostGoroutines how many are left after it: an idle server
// has some twenty.
const (
	mostGrowth     = 128 << 20
	mostGoroutines = 50
)

// flood makes n requests, many at a time, while people log in, and counts the
// answers. It checks that the memory has a bound, and, when the flood is long,
// that the logins were fast.
func (g *target) flood(n int, request func(i int) burst.Request) (answers map[string]int) {
	g.Helper()
	const atOnceN = 32
	var next atomic.Int64
	var mu sync.Mutex
	answers = make(map[string]int)
	wave := func(n int) {
		next.Store(0)
		atOnce(atOnceN, func(int) {
			for i := int(next.Add(1)); i <= n; i = int(next.Add(1)) {
				a, err := g.call(request(i))
				code := "no answer"
				if err == nil {
					code = house.Code(g, a)
				} else {
					g.Logf("request %d: %v", i, err)
				}
				mu.Lock()
				answers[code]++
				mu.Unlock()
			}
		})
	}
	g.logsIn()
	wave(min(n, 1000)) // until what it keeps for reuse is there
	g.resetPeak()
	before := g.memory("VmRSS")

	start, ended := time.Now(), make(chan struct{})
	go func() { defer close(ended); wave(n) }()
	var took []time.Duration
	pause := time.Duration(torture.Rounds(50, 1000)) * time.Millisecond
	for flooding := true; flooding; {
		took = append(took, g.logsIn())
		select {
		case <-ended:
			flooding = false
		case <-time.After(pause):
		}
	}
	lasted := time.Since(start)
	slices.Sort(took)
	p99 := took[len(took)*99/100]
	grown := g.memory("VmHWM") - before
	g.Logf("%d requests in %v; %d logins, p50 %v, p99 %v; memory %d MB, grown by %d MB at most; database %d MB; answers %v",
		n, lasted.Round(time.Millisecond), len(took), took[len(took)/2], p99, before>>20, grown>>20, g.size()>>20, answers)
	if grown > mostGrowth {
		g.Errorf("the memory grew by %d bytes, from %d", grown, before)
	}
	if long := torture.Rounds(0, 1) == 1; long && p99 > 500*time.Millisecond {
		g.Errorf("one login of a hundred took %v", p99)
	}
	return answers
}

// Pictures cost the most of all that anybody can have for nothing. A peer is
// limited; of many peers, those get none that are too many at a time, and the
// memory and the people who log in do not notice. Full, that is 2000 in each
// second of a minute.
func TestAbuse_A13_A14_floodOfCaptchas(t *testing.T) {
	onEachTarget(t, func(g *target) {
		got := g.flood(torture.Rounds(1000, 120_000), func(int) burst.Request {
			return stranger(house.Request("GET", "/api/v2/sdk/captcha"))
		})
		wantAnswers(g, got, house.OK, string(auth.ReasonBusy))
		const peer = "192.0.2.1"
		limited := 0
		for range 100 {
			a, err := g.call(by(peer, house.Request("GET", "/api/v2/sdk/captcha")))
			if err != nil {
				g.Fatal(err)
			}
			if a.Status == http.StatusTooManyRequests {
				limited++
			}
		}
		if limited == 0 {
			g.Error("one peer got a hundred captchas")
		}
		g.rests()
	})
}

// Ever new addresses, of people and of peers, fill no memory, whatever is counted
// already. Full, that is nine million limits of the last hour, and a million requests.
func TestAbuse_J12_floodOfAddresses(t *testing.T) {
	onEachTarget(t, func(g *target) {
		g.counts(torture.Rounds(2000, 9_000_000))
		n := torture.Rounds(2000, 1_000_000)
		got := g.flood(n, func(i int) burst.Request {
			switch i % 4 {
			case 0:
				return stranger(house.Guess(someone(), "123456"))
			case 1:
				return stranger(house.Send(someone(), rand.Text()))
			case 2:
				return stranger(house.Verify(rand.Text(), "1", someone()))
			default:
				return stranger(house.Logout(rand.Text()))
			}
		})
		wantAnswers(g, got, string(auth.ReasonCode), string(auth.ReasonCaptcha), string(auth.ReasonSessionInvalid))
		g.rests()
	})
}

// wantAnswers checks that there are no other answers than these.
func wantAnswers(g *target, got map[string]int, want ...string) {
	g.Helper()
	for code := range maps.Keys(got) {
		if !slices.Contains(want, code) {
			g.Errorf("the answers are %v", got)
		}
	}
}

// Bodies without an end, bodies that do not come and headers that do not come
// hold a connection for seconds, and no memory worth speaking of.
func TestAbuse_E08_E09_floodOfBodies(t *testing.T) {
	g := onSQLite(t)
	n := torture.Rounds(50, 1000)
	head := "POST /api/v2/sdk/login/email-verify-code HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" +
		"X-Operating-Sys-Version: x\r\nX-Device-Fingerprint: x\r\nX-Agent: x\r\nX-Client-Id: example\r\nX-Forwarded-For: %s\r\n"
	chunk := "10000\r\n" + strings.Repeat(" ", 0x10000) + "\r\n"
	g.logsIn()
	g.resetPeak()
	before := g.memory("VmRSS")

	var ended sync.WaitGroup
	var sent atomic.Int64
	statuses := make([][3]int, n)
	for i := range n {
		head := fmt.Sprintf(head, netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 1}))
		ended.Go(func() { // without an end
			statuses[i][0] = g.begin(head+"Transfer-Encoding: chunked\r\n\r\n", func(conn io.Writer) {
				for range 1 << 14 { // a gigabyte
					written, err := io.WriteString(conn, chunk)
					sent.Add(int64(written))
					if err != nil {
						return
					}
				}
			})
		})
		ended.Go(func() { // that does not come
			statuses[i][1] = g.begin(head+"Content-Length: 8000\r\n\r\n{\"email\":", nothing)
		})
		ended.Go(func() { // nor do the headers
			statuses[i][2] = g.begin(head+"X-Slow: ", nothing)
		})
	}
	for range 3 { // meanwhile
		g.logsIn()
	}
	ended.Wait()
	grown := g.memory("VmHWM") - before
	t.Logf("3 * %d connections; memory %d MB, grown by %d MB at most; %d MB of bodies were taken", n, before>>20, grown>>20, sent.Load()>>20)
	if grown > mostGrowth {
		t.Errorf("the memory grew by %d bytes, from %d", grown, before)
	}
	const each = 8 << 20 // what waits in the buffers of both ends
	if taken := sent.Load(); taken > int64(n)*each {
		t.Errorf("%d bytes were taken of %d bodies", taken, n)
	}
	// Who goes on sending may not hear the answer before the connection is reset,
	// and on a busy machine it ends before the request was begun with.
	heard := 0
	for i, got := range statuses {
		if (got[0] != http.StatusRequestEntityTooLarge && got[0] != 0) || (got[1] != http.StatusRequestTimeout && got[1] != 0) || got[2] != 0 {
			t.Errorf("connections %d ended with %v, want 413, 408 and nothing", i, got)
		}
		if got[1] != 0 {
			heard++
		}
	}
	if heard < n/2 {
		t.Errorf("%d of %d heard why their connection ended", heard, n)
	}
	g.rests()
}

// begin begins a request, goes on in the background, and returns the status of
// the answer; 0 when the connection ended without one, -1 when it did not end.
func (g *target) begin(start string, goOn func(io.Writer)) (status int) {
	conn, err := net.Dial("tcp", strings.TrimPrefix(g.process.URL, "http://"))
	if err != nil {
		g.Error(err)
		return -1
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	_, _ = io.WriteString(conn, start) // a failure is seen when there is no answer
	go goOn(conn)
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return -1
	case err != nil:
		return 0
	}
	response.Body.Close()
	return response.StatusCode
}

func nothing(io.Writer) {}
