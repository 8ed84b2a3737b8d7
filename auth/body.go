package auth

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"
)

// checkContent refuses bodies that are not JSON or too large, by what the
// headers declare. Without a body there is nothing to declare.
func checkContent(r *http.Request) error {
	if r.ContentLength == 0 {
		return nil
	}
	mediaType, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	charset := strings.ToLower(params["charset"])
	if err != nil || mediaType != "application/json" || r.Header.Get("Content-Encoding") != "" ||
		charset != "" && charset != "utf-8" && charset != "utf8" {
		return refuse(ReasonContentType)
	}
	if r.ContentLength > maxBody {
		return refuse(ReasonTooLarge)
	}
	return nil
}

// unreadGrace is how long the server may wait for the rest of a body that
// nobody reads, so that it can keep the connection.
const unreadGrace = 500 * time.Millisecond

// awaitBody bounds how long a body may still take to arrive. A client that
// sends it a byte at a time, or never, must not hold the handler, the answer or
// the connection, whatever timeouts the host's server has. Servers that cannot
// set deadlines have their own.
func (c *call) awaitBody(d time.Duration) {
	if c.unread {
		_ = http.NewResponseController(c.w).SetReadDeadline(time.Now().Add(d))
	}
}

// readBody reads the JSON body, which may have these fields only.
func (c *call) readBody(fields []string) error {
	data, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, maxBody))
	if err == nil && c.unread {
		c.unread = false
		_ = http.NewResponseController(c.w).SetReadDeadline(time.Time{}) // as in awaitBody
	}
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return refuse(ReasonTooLarge)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return refuse(ReasonTimeout)
	}
	if err != nil {
		return refuse(ReasonMalformed)
	}
	if c.body, err = parseObject(data); err != nil {
		return refuse(ReasonMalformed)
	}
	for name := range c.body {
		if !slices.Contains(fields, name) {
			return refuse(ReasonMalformed)
		}
	}
	return nil
}

// readAddress reads the field that holds an e-mail address.
func (c *call) readAddress(field string) (address, error) {
	typed := c.body[field]
	if typed == "" {
		return address{}, refuse(ReasonEmailEmpty)
	}
	addr, ok := parseAddress(typed)
	if !ok {
		return address{}, refuse(ReasonEmail)
	}
	return addr, nil
}
