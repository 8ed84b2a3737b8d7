package timing

import (
	"bufio"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"example.com/mailkey/internal/integration/burst"
)

// Conn is a connection on which one request follows the other.
type Conn struct {
	conn   net.Conn
	reader *bufio.Reader
}

// Dial connects to a server of HTTP/1.1.
func Dial(addr string) (*Conn, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	return &Conn{conn, bufio.NewReader(conn)}, nil
}

// Close ends the connection.
func (c *Conn) Close() error { return c.conn.Close() }

// Time makes a request and says how long it took until the whole answer was
// there.
func (c *Conn) Time(r burst.Request) (burst.Answer, time.Duration, error) {
	text := r.Text()
	start := time.Now()
	if _, err := c.conn.Write(text); err != nil {
		return burst.Answer{}, 0, err
	}
	res, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		return burst.Answer{}, 0, err
	}
	body, err := io.ReadAll(res.Body)
	return burst.Answer{Status: res.StatusCode, Header: res.Header, Body: string(body)}, time.Since(start), err
}

// Pairs makes n pairs of requests, one of each class, in an order that is drawn
// by lot. All of them have to be answered alike.
func (c *Conn) Pairs(n int, classes [2]func(i int) burst.Request) (times [2][]time.Duration, err error) {
	var first string
	lots := make([]byte, n)
	_, _ = rand.Read(lots) // never fails
	for i, lot := range lots {
		var pair [2]burst.Request
		for _, class := range []byte{lot >> 1 & 1, lot>>1&1 ^ 1} { // what is made ready last is nearest in the caches
			pair[class] = classes[class](i)
		}
		for _, class := range []byte{lot & 1, lot&1 ^ 1} {
			answer, d, err := c.Time(pair[class])
			if err != nil {
				return times, err
			}
			answer.Header.Del("Date")
			text := fmt.Sprint(answer.Status, answer.Header, answer.Body)
			if first == "" {
				first = text
			}
			if text != first {
				return times, fmt.Errorf("answers differ: %s, and %s", first, text)
			}
			times[class] = append(times[class], d)
		}
	}
	return times, nil
}
