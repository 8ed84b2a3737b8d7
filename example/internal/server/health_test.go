package server

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gorilla/mux"
)

func TestHealth(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name      string
		inService error
		stopping  bool
		status    int
		body      string
		parts     bool
	}{
		{"ready", nil, false, http.StatusOK, "ready\n", false},
		{"out of service", errors.New("the clock is wrong"), false, http.StatusServiceUnavailable, "the clock is wrong\n", false},
		{"stopping", nil, true, http.StatusServiceUnavailable, "stopping\n", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			h := &health{inService: func() error { return test.inService }}
			h.stopping.Store(test.stopping)
			router := mux.NewRouter()
			h.routes(router)
			w := httptest.NewRecorder()
			h.parting(router).ServeHTTP(w, httptest.NewRequest("GET", "/healthz", nil))
			if w.Code != test.status || w.Body.String() != test.body {
				t.Errorf("got %d %q, want %d %q", w.Code, w.Body, test.status, test.body)
			}
			if parts := w.Header().Get("Connection") == "close"; parts != test.parts {
				t.Errorf("the connection is closed: %t, want %t", parts, test.parts)
			}
		})
	}
}
