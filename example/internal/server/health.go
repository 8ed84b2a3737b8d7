package server

import (
	"errors"
	"io"
	"net/http"
	"sync/atomic"

	"github.com/gorilla/mux"
)

// health tells a load balancer at /healthz whether to send requests here. It
// does not ask the database: when that is away, it is away from all instances,
// and taking them all out of service helps nobody.
type health struct {
	inService func() error
	stopping  atomic.Bool
}

var errStopping = errors.New("stopping")

func (h *health) routes(r *mux.Router) {
	r.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) {
		err := h.inService()
		if h.stopping.Load() {
			err = errStopping
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		answer := "ready"
		if err != nil {
			answer = err.Error()
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_, _ = io.WriteString(w, answer+"\n") // the client went away: nothing to do
	}).Methods(http.MethodGet, http.MethodHead)
}

// parting lets connections go with their next answer once the server stops:
// one that is closed while it is idle may have a request on its way.
func (h *health) parting(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h.stopping.Load() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}
