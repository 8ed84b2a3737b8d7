package burst

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

// connections are requests on an HTTP/1.1 connection each, one byte of each
// of which is missing.
type connections struct {
	requests []Request
	conns    []net.Conn
	last     [][]byte
}

func aimConnections(tb testing.TB, s *Server, requests []Request) shot {
	tb.Helper()
	c := &connections{requests: requests}
	for _, r := range requests {
		conn, err := net.Dial("tcp", s.Addr())
		if err != nil {
			tb.Fatal(err)
		}
		tb.Cleanup(func() { conn.Close() })
		conn.SetDeadline(time.Now().Add(time.Minute))
		text := r.Text()
		most := len(text) - 1
		if _, err := conn.Write(text[:most]); err != nil {
			tb.Fatal(err)
		}
		c.conns = append(c.conns, conn)
		c.last = append(c.last, text[most:])
	}
	return c
}

// Text is the request as HTTP/1.1 sends it.
func (r Request) Text() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: burst.example\r\nContent-Length: %d\r\n", r.Method, r.Path, len(r.Body))
	r.Header.Write(&b)
	b.WriteString("\r\n" + r.Body)
	return b.Bytes()
}

func (c *connections) fire() error {
	for i, conn := range c.conns {
		if _, err := conn.Write(c.last[i]); err != nil {
			return err
		}
	}
	return nil
}

func (c *connections) answers() (answers []Answer, err error) {
	for i, conn := range c.conns {
		res, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: c.requests[i].Method})
		if err != nil {
			return nil, err
		}
		text, err := io.ReadAll(res.Body)
		if err != nil {
			return nil, err
		}
		answers = append(answers, Answer{res.StatusCode, res.Header, string(text)})
		if err := conn.Close(); err != nil {
			return nil, err
		}
	}
	return answers, nil
}
