package captcha

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"example.com/mailkey/storage"
)

const maxForm = 8 << 10 // bytes

// Handler serves the captcha over HTTP, for apps that use this package alone.
// Its paths are relative to where it is mounted:
//
//	mux.Handle("/captcha/", http.StripPrefix("/captcha", service.Handler()))
//
//	GET /captcha/?type=digits            issues a challenge; type is optional
//	    {"token": "…", "type": "digits", "expire": 120, "image": "…"}
//	GET /captcha/audio?token=…&lang=zh   plays it; 404 when there is nothing to play
//	POST /captcha/                       answers it: a form with token, and code or point
//	    {"ok": true}
//
// "expire" is in seconds; "image" and "piece" are PNGs in base64; "pow" is a
// [Proof]. A point is what [Slider] says. Fetch the audio once and play what was fetched: an audio element
// may ask for it several times, and each time counts.
//
// The answer to POST is for the page to know. An app that guards something
// calls [Service.Verify] there instead, with the token and the answer from the
// guarded request. Limit how often an address may ask, in front of Handler.
func (s *Service) Handler() http.Handler {
	peer := s.cfg.Peer
	if peer == nil {
		peer = peerAddress(rand.Text())
	}
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", s.handler(func(w http.ResponseWriter, r *http.Request) error {
		c, err := s.Issue(r.Context(), r.URL.Query().Get("type"), peer(r))
		if err != nil {
			return err
		}
		writeJSON(w, http.StatusOK, struct {
			Token  string `json:"token"`
			Kind   string `json:"type"`
			Expire int    `json:"expire"`
			Image  []byte `json:"image,omitempty"`
			Piece  []byte `json:"piece,omitempty"`
			Proof  *Proof `json:"pow,omitempty"`
		}{c.Token, c.Kind, int(s.cfg.Lifetime / time.Second), c.Image, c.Piece, c.Proof})
		return nil
	}))
	mux.Handle("GET /audio", s.handler(func(w http.ResponseWriter, r *http.Request) error {
		query := r.URL.Query()
		wav, ok, err := s.Audio(r.Context(), query.Get("token"), query.Get("lang"))
		if err != nil {
			return err
		}
		if !ok {
			writeJSON(w, http.StatusNotFound, failure{"nothing to play"})
			return nil
		}
		w.Header().Set("Content-Type", "audio/wav")
		w.Header().Set("Content-Length", strconv.Itoa(len(wav)))
		_, _ = w.Write(wav)
		return nil
	}))
	mux.Handle("POST /{$}", s.handler(func(w http.ResponseWriter, r *http.Request) error {
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		if err := r.ParseForm(); err != nil {
			writeJSON(w, http.StatusBadRequest, failure{"malformed form"})
			return nil
		}
		a := Answer{Code: r.PostForm.Get("code"), Point: r.PostForm.Get("point")}
		ok, err := s.Verify(r.Context(), r.PostForm.Get("token"), a)
		if err != nil {
			return err
		}
		writeJSON(w, http.StatusOK, struct {
			OK bool `json:"ok"`
		}{ok})
		return nil
	}))
	return mux
}

type failure struct {
	Error string `json:"error"`
}

// handler makes a handler of h and writes its error: the cause to the log, and
// whether to come back to the client. h has written nothing then.
func (s *Service) handler(h func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		err := h(w, r)
		switch {
		case err == nil:
		case errors.Is(err, context.Canceled): // nobody is there to be told
		case errors.Is(err, ErrBusy) || errors.Is(err, storage.ErrBusy):
			w.Header().Set("Retry-After", "1")
			writeJSON(w, http.StatusServiceUnavailable, failure{"busy"})
		default:
			s.cfg.Logger.ErrorContext(r.Context(), "captcha", "error", err)
			writeJSON(w, http.StatusInternalServerError, failure{"internal error"})
		}
	})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // fails when nobody is there to be told
}

// peerAddress tells peers apart by the address of the connection, IPv6 by /64,
// under a keyed hash.
func peerAddress(key string) func(*http.Request) []byte {
	return func(r *http.Request) []byte {
		peer := r.RemoteAddr
		if ap, err := netip.ParseAddrPort(peer); err == nil {
			addr := ap.Addr().Unmap()
			if addr.Is6() {
				addr = netip.PrefixFrom(addr, 64).Masked().Addr()
			}
			peer = addr.String()
		}
		mac := hmac.New(sha256.New, []byte(key))
		mac.Write([]byte(peer))
		return mac.Sum(nil)
	}
}
