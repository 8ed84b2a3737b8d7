package smtpd

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
)

// listener hands connections to go-smtp through the conn that scripts them.
type listener struct {
	net.Listener
	server *Server
}

func (l listener) Accept() (net.Conn, error) {
	raw, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.server.mu.Lock()
	l.server.open++
	l.server.dialed++
	l.server.mu.Unlock()
	c := &conn{Conn: raw, raw: raw, server: l.server}
	if l.server.config.ImplicitTLS {
		c.encrypt()
	}
	c.lines = bufio.NewReader(c.Conn)
	return c, nil
}

// conn stands between the client and go-smtp, which sees plain text and only
// the commands that the script lets pass. One goroutine reads and writes it; any
// may close it.
type conn struct {
	net.Conn // TLS after encrypt
	raw      net.Conn
	server   *Server
	lines    *bufio.Reader
	rest     []byte // of a line that go-smtp has begun to read

	encrypted bool
	greeted   bool
	inText    bool            // between 354 and the dot
	offerTLS  bool            // the next reply is to EHLO
	lose      bool            // close instead of the next reply
	pause     time.Duration   // before each byte
	refusal   *smtp.SMTPError // of the mail that is being read
	closing   sync.Once
}

func (c *conn) encrypt() {
	c.Conn = tls.Server(c.Conn, &tls.Config{Certificates: []tls.Certificate{*c.server.config.Certificate}})
	c.encrypted = true
}

// offersTLS says whether STARTTLS is on offer at this moment.
func (c *conn) offersTLS() bool { return c.server.config.Certificate != nil && !c.encrypted }

func (c *conn) Read(p []byte) (int, error) {
	for len(c.rest) == 0 {
		line, err := c.lines.ReadBytes('\n')
		if err != nil {
			return 0, err
		}
		if c.admit(line) {
			c.rest = line
		}
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

// admit plays the script for a line of the client, and says whether go-smtp
// should see it.
func (c *conn) admit(line []byte) bool {
	command := strings.TrimRight(string(line), "\r\n")
	if c.inText && command != "." {
		return true
	}
	verb, _, _ := strings.Cut(strings.ToUpper(command), " ")
	stage := Stage(verb)
	c.server.record(command)
	wasText := c.inText
	c.inText = false

	switch a := c.server.next(stage); a.kind {
	case reply:
		if wasText { // go-smtp has to leave the text first
			c.refusal = &smtp.SMTPError{Code: a.code, EnhancedCode: smtp.NoEnhancedCode, Message: a.text}
			return true
		}
		c.reply(a)
		return false
	case cut:
		c.Close()
		return false
	case hang:
		c.hang()
		return false
	case lose:
		if stage == STARTTLS {
			io.WriteString(c.Conn, "220 2.0.0 Go ahead\r\n")
			c.Close()
			return false
		}
		c.lose = true
	case drip:
		c.pause = a.pause
	case wait:
		time.Sleep(a.pause)
	}

	switch {
	case stage == EHLO:
		c.offerTLS = c.offersTLS()
	case stage == STARTTLS && c.offersTLS():
		c.send([]byte("220 2.0.0 Go ahead\r\n"))
		c.encrypt()
		c.lines.Reset(c.Conn)
		return false
	}
	return true
}

func (c *conn) Write(p []byte) (int, error) {
	if !c.greeted {
		c.greeted = true
		switch a := c.server.next(Greeting); a.kind {
		case reply:
			c.reply(a)
			return len(p), nil
		case cut, lose:
			c.Close()
		case hang:
			c.hang()
		case drip:
			c.pause = a.pause
		case wait:
			time.Sleep(a.pause)
		}
	}
	if c.lose {
		c.Close()
	}
	c.inText = bytes.HasPrefix(p, []byte("354 "))
	if err := c.send(p); err != nil {
		return 0, err
	}
	if c.offerTLS {
		c.offerTLS = false
		if err := c.send([]byte("250-STARTTLS\r\n")); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

func (c *conn) send(p []byte) error {
	if c.pause == 0 {
		_, err := c.Conn.Write(p)
		return err
	}
	for i := range p {
		time.Sleep(c.pause)
		if _, err := c.Conn.Write(p[i : i+1]); err != nil {
			return err
		}
	}
	return nil
}

func (c *conn) reply(a Action) {
	lines := strings.Split(a.text, "\n")
	for i, line := range lines {
		sep := "-"
		if i == len(lines)-1 {
			sep = " "
		}
		c.send(fmt.Appendf(nil, "%03d%s%s\r\n", a.code, sep, line))
	}
}

// hang waits until the client closes the connection, or the server ends.
func (c *conn) hang() {
	io.Copy(io.Discard, c.Conn)
	c.Close()
}

func (c *conn) Close() error {
	c.closing.Do(func() {
		c.server.mu.Lock()
		c.server.open--
		c.server.mu.Unlock()
	})
	return c.raw.Close()
}
