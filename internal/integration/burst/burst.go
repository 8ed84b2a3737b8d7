// Package burst sends requests that a server gets at the same moment. A
// handler that looks first and counts later lets more through than it means
// to; one whose count and answer are one step does not.
//
// All of the requests but their last bytes are sent first. When the server
// has read them and waits, the rest comes at once: of many HTTP/2 streams in
// one packet ([OnePacket]), of many HTTP/1.1 connections one right after the
// other ([LastBytes]), or in this process without a network ([Barrier]).
// Requests without a body are held back as a whole, or but for the end of
// their headers.
package burst

import (
	"net/http"
	"runtime"
	"testing"
)

// Request is one request of a burst.
type Request struct {
	Method string
	Path   string
	Header http.Header
	Body   string
}

// Answer is what came back.
type Answer struct {
	Status int
	Header http.Header
	Body   string
}

// Way is a way to send requests at once.
type Way struct {
	Name    string
	aim     func(testing.TB, *Server, []Request) shot
	threads int // that run Go code; 0: as many as there are
}

// shot is what goes to one server.
type shot interface {
	fire() error                // sends what was held back
	answers() ([]Answer, error) // in the order of the requests
}

// The ways there are.
var (
	OnePacket = Way{Name: "one HTTP/2 packet", aim: aimStreams}
	LastBytes = Way{Name: "last bytes of HTTP/1.1", aim: aimConnections}
	Barrier   = Way{Name: "in process", aim: aimCalls}
)

// On returns the way under another name and with that many threads for all Go
// code of the process: tests that use it are not parallel.
func (w Way) On(name string, threads int) Way {
	w.Name += ", " + name
	w.threads = threads
	return w
}

// Fire sends the requests, dealt out to the servers in turn, and returns the
// answers in their order. On a machine that is too busy they cannot be held
// back together: then it returns nil, after all the same has been sent.
func (w Way) Fire(tb testing.TB, requests []Request, servers ...*Server) []Answer {
	tb.Helper()
	if w.threads > 0 {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(w.threads))
	}
	shots := make([]shot, len(servers))
	for i, s := range servers {
		shots[i] = w.aim(tb, s, share(requests, i, len(servers)))
	}
	together := true
	for i, s := range servers {
		together = s.await(share(requests, i, len(servers))) && together
	}
	for _, shot := range shots {
		if err := shot.fire(); err != nil && together {
			tb.Fatal(err)
		}
	}
	answers := make([]Answer, len(requests))
	for i, shot := range shots {
		some, err := shot.answers()
		if err != nil && together {
			tb.Fatal(err)
		}
		for j, a := range some {
			answers[i+j*len(servers)] = a
		}
	}
	if !together {
		for _, s := range servers {
			s.forget()
		}
		return nil
	}
	return answers
}

// share is every n-th of the requests, from the i-th on.
func share(requests []Request, i, n int) (some []Request) {
	for ; i < len(requests); i += n {
		some = append(some, requests[i])
	}
	return some
}
