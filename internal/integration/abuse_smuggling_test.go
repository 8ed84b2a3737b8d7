package integration

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/mailkey/auth"
	"example.com/mailkey/internal/integration/services"
)

// smuggled is a request that hides in the body of another.
const smuggled = "GET /smuggled HTTP/1.1\r\nHost: app.example\r\n\r\n"

// probes are requests that two servers in a row may read differently: one sees
// a body where the other sees a second request.
var probes = []struct{ name, header, body string }{
	{"a length and chunks", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n" + smuggled},
	{"chunks and a length", "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n" + smuggled},
	{"a length of the second request", fmt.Sprintf("Content-Length: %d\r\nTransfer-Encoding: chunked\r\n", 5+len(smuggled)), "0\r\n\r\n" + smuggled},
	{"two lengths", fmt.Sprintf("Content-Length: 0\r\nContent-Length: %d\r\n", len(smuggled)), smuggled},
	{"two lengths, the other way round", fmt.Sprintf("Content-Length: %d\r\nContent-Length: 0\r\n", len(smuggled)), smuggled},
	{"a list of lengths", fmt.Sprintf("Content-Length: 0, %d\r\n", len(smuggled)), smuggled},
	{"a length with a sign", fmt.Sprintf("Content-Length: +%d\r\n", len(smuggled)), smuggled},
	{"a length that overflows", "Content-Length: 18446744073709551616\r\n", smuggled},
	{"a space before the colon", "Transfer-Encoding : chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n" + smuggled},
	{"a tab before the coding", fmt.Sprintf("Transfer-Encoding:\tchunked\r\nContent-Length: %d\r\n", 5+len(smuggled)), "0\r\n\r\n" + smuggled},
	{"a folded coding", fmt.Sprintf("Transfer-Encoding:\r\n chunked\r\nContent-Length: %d\r\n", 5+len(smuggled)), "0\r\n\r\n" + smuggled},
	{"an unknown coding", fmt.Sprintf("Transfer-Encoding: xchunked\r\nContent-Length: %d\r\n", 5+len(smuggled)), "0\r\n\r\n" + smuggled},
	{"two codings", fmt.Sprintf("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\nContent-Length: %d\r\n", 5+len(smuggled)), "0\r\n\r\n" + smuggled},
	{"a list of codings", fmt.Sprintf("Transfer-Encoding: chunked, identity\r\nContent-Length: %d\r\n", 5+len(smuggled)), "0\r\n\r\n" + smuggled},
	{"a coding with an underscore", fmt.Sprintf("Transfer_Encoding: chunked\r\nContent-Length: %d\r\n", 5+len(smuggled)), "0\r\n\r\n" + smuggled},
	{"a coding behind a bare CR", fmt.Sprintf("X: x\rTransfer-Encoding: chunked\r\nContent-Length: %d\r\n", 5+len(smuggled)), "0\r\n\r\n" + smuggled},
	{"a coding behind a NUL", fmt.Sprintf("X: x\x00\r\nTransfer-Encoding: chunked\r\nContent-Length: %d\r\n", 5+len(smuggled)), "0\r\n\r\n" + smuggled},
	{"a chunk that ends with a bare LF", "Transfer-Encoding: chunked\r\n", fmt.Sprintf("2\r\n{}\n%x\r\n%s\r\n0\r\n\r\n", len(smuggled), smuggled)},
	{"a size that ends with a bare LF", "Transfer-Encoding: chunked\r\n", "2;\n{}\r\n0\r\n\r\n"},
	{"an extension with a bare LF", "Transfer-Encoding: chunked\r\n", fmt.Sprintf("2;x\n%x\r\n{}\r\n0\r\n\r\n%s", 2, "")},
	{"a size with a sign", "Transfer-Encoding: chunked\r\n", "+2\r\n{}\r\n0\r\n\r\n"},
	{"a size in another base", "Transfer-Encoding: chunked\r\n", "0x2\r\n{}\r\n0\r\n\r\n"},
	{"a size that overflows", "Transfer-Encoding: chunked\r\n", "10000000000000002\r\n{}\r\n0\r\n\r\n"},
	{"a trailer that is a header", "Transfer-Encoding: chunked\r\nTrailer: Content-Length\r\n", "2\r\n{}\r\n0\r\nContent-Length: 100\r\nX-Client-Id: other\r\n\r\n"},
	{"an upgrade", fmt.Sprintf("Connection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\nContent-Length: %d\r\n", len(smuggled)), smuggled},
	{"a body that waits", fmt.Sprintf("Expect: 100-continue\r\nContent-Length: %d\r\n", len(smuggled)), smuggled},
	{"a body of a request for less", fmt.Sprintf("Connection: Content-Length\r\nContent-Length: %d\r\n", len(smuggled)), smuggled},
}

// A body is never a second request, neither to the login alone nor to one behind
// a proxy that keeps its connections: whoever comes next gets their own answer.
// Where two readings are possible the request is refused, or the connection
// ends with it.
func TestAbuse_E15_Smuggling(t *testing.T) {
	t.Parallel()
	i := newOIDCIssuer(t, auth.ES256, "")
	var mu sync.Mutex
	var seen []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		seen = append(seen, r.Method+" "+r.URL.Path)
		mu.Unlock()
		i.auth.Handler().ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	direct := server.Listener.Addr().String()
	proxied := services.StartNginx(t, direct).Addr
	for name, addr := range map[string]string{"direct": direct, "behind nginx": proxied} {
		for _, probe := range probes {
			mu.Lock()
			seen = nil
			mu.Unlock()
			answers := send(t, addr, probe.header, probe.body)
			if len(answers) == 0 || answers[0] >= 500 && answers[0] != http.StatusNotImplemented {
				t.Errorf("%s, %s: answers %v", name, probe.name, answers)
			}
			mu.Lock()
			requests := slices.Clone(seen)
			mu.Unlock()
			// What the server took for two requests has to have been two to the
			// proxy as well, which then passed on two answers.
			if len(requests) > len(answers) {
				t.Errorf("%s, %s: %v were answered with %v", name, probe.name, requests, answers)
			}
			for _, path := range []string{"/.well-known/jwks.json", "/nothing", "/.well-known/openid-configuration"} {
				res, err := http.Get("http://" + addr + path)
				if err != nil {
					t.Fatal(err)
				}
				body, _ := io.ReadAll(res.Body)
				res.Body.Close()
				if want := map[bool]int{true: 404, false: 200}[path == "/nothing"]; res.StatusCode != want || strings.Contains(string(body), "smuggled") {
					t.Errorf("%s, after %s: %s is answered with %d %s", name, probe.name, path, res.StatusCode, body)
				}
			}
		}
	}
}

// send sends a login with these headers and this body, and returns the statuses
// of all that is answered before the connection ends or is silent.
func send(t *testing.T, addr, header, body string) (statuses []int) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	_, _ = fmt.Fprintf(conn, "POST /api/v2/sdk/login/email-verify-code HTTP/1.1\r\nHost: app.example\r\nContent-Type: application/json\r\n"+
		"X-Operating-Sys-Version: x\r\nX-Device-Fingerprint: x\r\nX-Agent: x\r\nX-Client-Id: app\r\n%s\r\n%s", header, body)
	for reader := bufio.NewReader(conn); ; {
		res, err := http.ReadResponse(reader, nil)
		if err != nil {
			return statuses
		}
		_, _ = io.Copy(io.Discard, res.Body)
		res.Body.Close()
		if res.StatusCode != http.StatusContinue {
			statuses = append(statuses, res.StatusCode)
		}
		_ = conn.SetDeadline(time.Now().Add(200 * time.Millisecond)) // for what comes without being asked for
	}
}
