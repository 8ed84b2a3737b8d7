package cluster

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// network is what can go wrong between the balancer and the instances: the next
// request for a path is cut, once.
type network struct {
	mu    sync.Mutex
	path  string
	fault *fault
}

// fault is how a request is cut.
type fault struct {
	name   string
	before bool // the instance does not even get the request
	strike func(w http.ResponseWriter, i *instance)
}

// closes ends the connection without an answer.
func closes(http.ResponseWriter, *instance) { panic(http.ErrAbortHandler) }

// resets does so, as when a machine has died.
func resets(w http.ResponseWriter, _ *instance) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	_ = conn.(*net.TCPConn).SetLinger(0)
	conn.Close()
}

// badGateway is the answer of another proxy on the way.
func badGateway(w http.ResponseWriter, _ *instance) { w.WriteHeader(http.StatusBadGateway) }

// kills ends the instance, too.
func kills(w http.ResponseWriter, i *instance) {
	i.Kill()
	closes(w, i)
}

// cut makes the next request for the path fail so.
func (n *network) cut(path string, f fault) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.path, n.fault = path, &f
}

// struck reports whether it did.
func (n *network) struck() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.fault == nil
}

func (n *network) take(path string) *fault {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.fault == nil || path != n.path {
		return nil
	}
	f := n.fault
	n.fault = nil
	return f
}

// to starts a way to an instance and returns its address.
func (n *network) to(tb testing.TB, i *instance) (addr string) {
	tb.Helper()
	target, err := url.Parse(i.url())
	if err != nil {
		tb.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host, r.Out.Header = r.In.Host, r.In.Header
		},
		Transport:    &http.Transport{DisableKeepAlives: true},
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) }, // gone
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f := n.take(r.URL.Path)
		switch {
		case f == nil:
			proxy.ServeHTTP(w, r)
			return
		case !f.before:
			proxy.ServeHTTP(httptest.NewRecorder(), r)
		}
		f.strike(w, i)
	}))
	tb.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}
