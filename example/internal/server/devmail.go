package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"html/template"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/http"
	"net/mail"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/gorilla/mux"

	"example.com/mailkey/auth"
	"example.com/mailkey/auth/smtpmailer"
)

// devMails is how many mails are kept.
const devMails = 50

// devMailer shows the mails of this run in the terminal and at /dev/mail,
// instead of sending them.
type devMailer struct {
	compose  *smtpmailer.Mailer
	terminal io.Writer

	mu    sync.Mutex
	count int
	mails []devMail // newest first
}

// devMail is a mail as a reader sees it.
type devMail struct {
	Number            int // in this run
	To, Subject, Date string
	Text, HTML        string
}

// SendCode implements [auth.Mailer].
func (d *devMailer) SendCode(_ context.Context, m auth.CodeMail) error {
	raw, err := d.compose.Message(m)
	if err != nil {
		return err
	}
	read, err := readMail(raw)
	if err != nil {
		return fmt.Errorf("read the mail again: %w", err)
	}
	read.To = m.To

	d.mu.Lock()
	defer d.mu.Unlock()
	d.count++
	read.Number = d.count
	d.mails = slices.Insert(d.mails, 0, read)
	d.mails = d.mails[:min(len(d.mails), devMails)]
	rule := strings.Repeat("-", 72)
	fmt.Fprintf(d.terminal, "%s\nTo: %s\nSubject: %s\n\n%s\n%s\n", rule, read.To, read.Subject, read.Text, rule)
	return nil
}

// readMail takes a mail apart that smtpmailer wrote: one text, twice.
func readMail(raw []byte) (m devMail, err error) {
	msg, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return m, err
	}
	m.Date = msg.Header.Get("Date")
	if m.Subject, err = new(mime.WordDecoder).DecodeHeader(msg.Header.Get("Subject")); err != nil {
		return m, err
	}
	_, params, err := mime.ParseMediaType(msg.Header.Get("Content-Type"))
	if err != nil {
		return m, err
	}
	for parts := multipart.NewReader(msg.Body, params["boundary"]); ; {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return m, nil
		}
		if err != nil {
			return m, err
		}
		body, err := io.ReadAll(quotedprintable.NewReader(part))
		if err != nil {
			return m, err
		}
		text := strings.ReplaceAll(string(body), "\r\n", "\n")
		if strings.HasPrefix(part.Header.Get("Content-Type"), "text/html") {
			m.HTML = text
		} else {
			m.Text = text
		}
	}
}

func (d *devMailer) routes(r *mux.Router) {
	page := template.Must(template.ParseFS(web, "web/devmail.html"))
	r.Handle(devMailPath, fromHere(func(w http.ResponseWriter, _ *http.Request) {
		d.mu.Lock()
		mails := slices.Clone(d.mails)
		d.mu.Unlock()
		secure(w, "default-src 'none'; style-src 'self'; img-src data:; frame-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'")
		_ = page.Execute(w, mails) // the client went away: nothing to do
	})).Methods(http.MethodGet)

	// The HTML of a mail has its styles inline, so it is a page of its own, in
	// a frame and a sandbox.
	r.Handle(devMailPath+"/{number:[0-9]+}", fromHere(func(w http.ResponseWriter, r *http.Request) {
		number, _ := strconv.Atoi(mux.Vars(r)["number"])
		d.mu.Lock()
		i := slices.IndexFunc(d.mails, func(m devMail) bool { return m.Number == number })
		var html string
		if i >= 0 {
			html = d.mails[i].HTML
		}
		d.mu.Unlock()
		if i < 0 {
			http.NotFound(w, r)
			return
		}
		secure(w, "sandbox; default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; frame-ancestors 'self'")
		w.Header().Set("X-Frame-Options", "SAMEORIGIN")
		_, _ = io.WriteString(w, html)
	})).Methods(http.MethodGet)
}

// fromHere serves requests to a loopback name alone. The port is not open to
// other machines, but a page elsewhere could point its own name at it and read
// the codes.
func fromHere(h http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u := url.URL{Host: r.Host}
		if !isLoopback(u.Hostname()) || forwarded(r) {
			http.Error(w, "mails are shown at localhost only", http.StatusForbidden)
			return
		}
		h(w, r)
	})
}

// forwarded reports whether a proxy passed the request on: whoever is behind
// it is not on this machine. nginx as it comes says nothing of itself, but speaks
// HTTP/1.0.
func forwarded(r *http.Request) bool {
	if !r.ProtoAtLeast(1, 1) {
		return true
	}
	for _, name := range []string{"X-Forwarded-For", "Forwarded", "Via"} {
		if len(r.Header.Values(name)) > 0 {
			return true
		}
	}
	return false
}
