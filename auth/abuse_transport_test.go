package auth_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"example.com/mailkey/auth"
)

// flood sends the head of a request and then the same bytes for as long as the
// server takes them. It returns the answer and how much that was.
func (k *kit) flood(head, body string) (a answer, taken int) {
	k.Helper()
	conn := k.dial()
	done := make(chan int, 1)
	go func() {
		_, err := io.WriteString(conn, head)
		sent := 0
		for err == nil && sent < 64<<20 {
			var n int
			n, err = io.WriteString(conn, body)
			sent += n
		}
		done <- sent
	}()
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		k.Fatalf("%q: %v", head, err)
	}
	defer res.Body.Close()
	read, err := io.ReadAll(res.Body)
	if err != nil {
		k.Fatalf("%q: %v", head, err)
	}
	return answer{res.StatusCode, res.Header, read}, <-done
}

// However much a body is, or says it is, the login reads eight kilobytes of it
// and the connection ends soon.
func TestAbuse_E08_EndlessBodies(t *testing.T) {
	t.Parallel()
	const gzipBomb = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"
	for _, row := range []struct {
		name, header, body string
		want               auth.Reason
	}{
		{"a gigabyte, declared", "Content-Length: 1073741824\r\n", strings.Repeat(" ", 4096), auth.ReasonTooLarge},
		{"more than there is, declared", "Content-Length: 9223372036854775807\r\n", strings.Repeat(" ", 4096), auth.ReasonTooLarge},
		{"chunks without an end", "Transfer-Encoding: chunked\r\n", "1000\r\n" + strings.Repeat(" ", 4096) + "\r\n", auth.ReasonTooLarge},
		{"small chunks without an end", "Transfer-Encoding: chunked\r\n", strings.Repeat("1\r\n \r\n", 100), auth.ReasonTooLarge},
		{"a gzip bomb", "Content-Encoding: gzip\r\nContent-Length: 1073741824\r\n", gzipBomb + strings.Repeat("\x00", 4096), auth.ReasonContentType},
		{"a gzip bomb in chunks", "Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", "1000\r\n" + strings.Repeat("\x00", 4096) + "\r\n", auth.ReasonContentType},
		{"a gigabyte of form", "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 1073741824\r\n", strings.Repeat("x", 4096), auth.ReasonContentType},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			play(t, nil, func(k *kit) {
				lines := k.rawHeaders()
				delete(lines, "Connection")
				if strings.Contains(row.header, "Content-Type") {
					delete(lines, "Content-Type")
				}
				head := "POST " + loginPath + " HTTP/1.1\r\n" + row.header
				for _, line := range lines {
					head += line
				}
				start := time.Now()
				a, taken := k.flood(head+"\r\n", row.body)
				if a.code() != string(row.want) {
					t.Errorf("%d %s, want %s", a.status, a.body, row.want)
				}
				// What is beyond the eight kilobytes net/http throws away, up to a
				// quarter of a megabyte, and what chunks add to that.
				if taken > 2<<20 {
					t.Errorf("%d bytes were taken", taken)
				}
				if took := time.Since(start); took > 2*time.Second {
					t.Errorf("the connection lasted for %v", took)
				}
			})
		})
	}
}

// A length that is not that of the body makes no second request of the rest.
func TestAbuse_E08_WrongLengths(t *testing.T) {
	t.Parallel()
	second := "POST " + logoutPath + " HTTP/1.1\r\nHost: app.example\r\n\r\n"
	for _, row := range []struct{ name, header, body string }{
		{"too short", "Content-Length: 10\r\n", goodLogin},
		{"none", "", goodLogin + second},
		{"two that differ", fmt.Sprintf("Content-Length: %d\r\nContent-Length: 2\r\n", len(goodLogin)), goodLogin},
		{"a list", "Content-Length: 2, 2\r\n", goodLogin},
		{"a sign", "Content-Length: +49\r\n", goodLogin},
		{"negative", "Content-Length: -1\r\n", goodLogin},
		{"hexadecimal", "Content-Length: 0x31\r\n", goodLogin},
		{"a coding that is unknown", "Transfer-Encoding: gzip\r\n", goodLogin},
		{"chunked twice", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			play(t, nil, func(k *kit) {
				start := "POST " + loginPath + " HTTP/1.1\r\n" + row.header
				for _, line := range k.rawHeaders() {
					start += line
				}
				conn := k.dial()
				go func() { _, _ = io.WriteString(conn, start+"\r\n"+row.body) }()
				_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
				all, err := io.ReadAll(conn)
				if n := strings.Count(string(all), "HTTP/1.1 "); err != nil || n != 1 || !strings.HasPrefix(string(all), "HTTP/1.1 4") && !strings.HasPrefix(string(all), "HTTP/1.1 501") {
					t.Errorf("%d answers, %v: %q", n, err, all)
				}
			})
		})
	}
}

// A byte in each second is not waited for any longer than none at all.
func TestAbuse_E09_SlowBody(t *testing.T) {
	t.Parallel()
	play(t, nil, func(k *kit) {
		head := "POST " + loginPath + " HTTP/1.1\r\nContent-Length: 1000\r\n"
		for _, line := range k.rawHeaders() {
			head += line
		}
		conn := k.dial()
		start := time.Now()
		go func() {
			_, err := io.WriteString(conn, head+"\r\n")
			for err == nil {
				time.Sleep(time.Second)
				_, err = io.WriteString(conn, " ")
			}
		}()
		all, err := io.ReadAll(conn)
		if took := time.Since(start); err != nil || took < 5*time.Second || took > 7*time.Second || !strings.HasPrefix(string(all), "HTTP/1.1 408 ") ||
			!strings.Contains(string(all), string(auth.ReasonTimeout)) {
			t.Errorf("after %v: %v, %q", took, err, all)
		}
	})
}
