package smtpmailer

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// pipe is a connection that fake time applies to, and that seems to lead to
// this machine.
type pipe struct{ net.Conn }

func (pipe) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

// over returns a mailer whose relay is the function, at the other end of a pipe.
func over(t *testing.T, relay func(net.Conn)) *Mailer {
	var running sync.WaitGroup
	t.Cleanup(running.Wait)
	return newMailer(t, Config{DialContext: func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		running.Go(func() {
			defer server.Close()
			relay(server)
		})
		return pipe{client}, nil
	}})
}

// answer reads a command and answers it after a pause, in the words given.
func answer(relay net.Conn, pause time.Duration, replies ...string) {
	lines := bufio.NewReader(relay)
	for i, reply := range replies {
		if i > 0 { // the first is the greeting
			if _, err := lines.ReadString('\n'); err != nil {
				return
			}
		}
		time.Sleep(pause)
		if _, err := io.WriteString(relay, reply+"\r\n"); err != nil {
			return
		}
	}
	for { // and then it only listens
		line, err := lines.ReadString('\n')
		if err != nil || line == "QUIT\r\n" {
			return
		}
	}
}

func TestFault_R01_R02_EveryWaitEnds(t *testing.T) {
	t.Parallel()
	drip := func(relay net.Conn) {
		for _, b := range []byte("220 " + strings.Repeat("x", 600)) {
			time.Sleep(time.Second)
			if _, err := relay.Write([]byte{b}); err != nil {
				return
			}
		}
	}
	silent := func(relay net.Conn) { io.Copy(io.Discard, relay) }
	accepts := []string{"220 x", "250 x", "250 x", "250 x", "354 x"}

	for _, tt := range []struct {
		name    string
		relay   func(net.Conn)
		timeout time.Duration // of the context; 0: none
		took    time.Duration
		class   string
		text    string
	}{
		{"no banner", silent, 0, 10 * time.Second, "retry", "greeting: no answer within 10s"},
		{"no banner, short context", silent, 2 * time.Second, 2 * time.Second, "retry", "greeting: context deadline exceeded"},
		{"a byte a second", drip, 0, 10 * time.Second, "retry", "greeting: no answer within 10s"},
		{"a byte a second, short context", drip, 3500 * time.Millisecond, 3500 * time.Millisecond, "retry", "greeting: context deadline exceeded"},
		{"each answer takes nine seconds", func(c net.Conn) { answer(c, 9*time.Second, accepts...) }, 0, 30 * time.Second, "retry", "RCPT: context deadline exceeded"},
		{"nothing after EHLO", func(c net.Conn) { answer(c, 0, accepts[:1]...) }, 0, 10 * time.Second, "retry", "EHLO: no answer within 10s"},
		{"nothing after RCPT", func(c net.Conn) { answer(c, 0, accepts[:3]...) }, 0, 10 * time.Second, "deferred", "RCPT: no answer within 10s"},
		{"nothing after DATA", func(c net.Conn) { answer(c, 0, accepts[:4]...) }, 0, 10 * time.Second, "retry", "DATA: no answer within 10s"},
		{"nothing after the text", func(c net.Conn) { answer(c, 0, accepts...) }, 0, 10 * time.Second, "unknown", "final dot: no answer within 10s"},
		{"nothing after the text, short context", func(c net.Conn) { answer(c, 0, accepts...) }, time.Second, time.Second, "unknown", "final dot: context deadline exceeded"},
		{"nothing to read the text", func(c net.Conn) {
			lines := bufio.NewReader(c)
			for _, reply := range accepts {
				io.WriteString(c, reply+"\r\n")
				lines.ReadString('\n')
			}
			time.Sleep(time.Minute)
		}, 0, 10 * time.Second, "unknown", "no answer within 10s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				if tt.timeout > 0 {
					ctx, cancel = context.WithTimeout(ctx, tt.timeout)
				}
				defer cancel()
				start := time.Now()
				err := over(t, tt.relay).SendCode(ctx, aMail())
				if took := time.Since(start); took != tt.took {
					t.Errorf("took %v, want %v", took, tt.took)
				}
				if err == nil || class(err) != tt.class || !strings.Contains(err.Error(), tt.text) {
					t.Errorf("got %s: %v, want %s: %s", class(err), err, tt.class, tt.text)
				}
			})
		})
	}
}

func TestDialEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		mailer := newMailer(t, Config{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}})
		start := time.Now()
		err := mailer.SendCode(t.Context(), aMail())
		if took := time.Since(start); took != 5*time.Second || class(err) != "retry" {
			t.Errorf("%v after %v", err, took)
		}
	})
}

// A mail is sent once the relay has said so: neither waiting for the goodbye
// nor a relay that forgets it makes a failure of it.
func TestGoodbyeDoesNotMatter(t *testing.T) {
	t.Parallel()
	accepts := []string{"220 x", "250 x", "250 x", "250 x", "354 x"}
	for name, goodbye := range map[string]func(net.Conn){
		"silence": func(c net.Conn) { io.Copy(io.Discard, c) },
		"cut":     func(net.Conn) {},
		"421":     func(c net.Conn) { io.WriteString(c, "421 busy\r\n") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				err := over(t, func(c net.Conn) {
					lines := bufio.NewReader(c)
					for i, reply := range accepts {
						if i > 0 {
							lines.ReadString('\n')
						}
						io.WriteString(c, reply+"\r\n")
					}
					for line := ""; line != ".\r\n"; {
						line, _ = lines.ReadString('\n')
					}
					io.WriteString(c, "250 queued\r\n")
					lines.ReadString('\n')
					goodbye(c)
				}).SendCode(t.Context(), aMail())
				if took := time.Since(start); err != nil || took > time.Second {
					t.Errorf("got %v after %v", err, took)
				}
			})
		})
	}
}

// The first digits of an answer are no answer.
func TestFault_R05_CutInTheMiddleOfAnAnswer(t *testing.T) {
	t.Parallel()
	replies := []string{"220 x", "250 x", "250 x", "250 x", "354 x", "250 x"}
	for cut, want := range []string{"retry", "retry", "retry", "retry", "retry", "unknown"} {
		for _, half := range []string{"", "2", "250", "250 que", "250-x\r\n250"} {
			err := over(t, func(c net.Conn) {
				lines := bufio.NewReader(c)
				for i, reply := range replies[:cut] {
					io.WriteString(c, reply+"\r\n")
					for line := ""; line == "" || i == 4 && line != ".\r\n"; {
						line, _ = lines.ReadString('\n')
					}
				}
				io.WriteString(c, half)
			}).SendCode(t.Context(), aMail())
			if class(err) != want {
				t.Errorf("answer %d cut after %q: %s: %v, want %s", cut, half, class(err), err, want)
			}
		}
	}
}

// A relay, or somebody in its place, cannot fill the memory with one reply.
func TestRelayThatNeverStops(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"one line":   strings.Repeat("x", 1<<10),
		"many lines": "220-x\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sent := 0
				err := over(t, func(c net.Conn) {
					for {
						n, err := io.WriteString(c, text)
						if sent += n; err != nil {
							return
						}
					}
				}).SendCode(t.Context(), aMail())
				synctest.Wait()
				if class(err) != "retry" || !strings.Contains(err.Error(), errTooMuch.Error()) || sent > replyLimit+8<<10 {
					t.Errorf("%d bytes, then %v", sent, err)
				}
			})
		})
	}
}

// localhost is a name, and a resolver may give it any meaning.
func TestPlainTextStaysOnThisMachine(t *testing.T) {
	t.Parallel()
	client, server := net.Pipe() // whose address is not a loopback one
	defer server.Close()
	mailer := newMailer(t, Config{URL: "smtp://u:password@localhost", DialContext: func(context.Context, string, string) (net.Conn, error) {
		return client, nil
	}})
	err := mailer.SendCode(t.Context(), aMail())
	if class(err) != "retry" || !strings.Contains(err.Error(), errNotLoopback.Error()) {
		t.Errorf("got %v", err)
	}
	if _, err := server.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("the connection is open: %v", err)
	}
}
