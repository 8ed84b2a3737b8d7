package main

import (
	"context"
	"crypto/rand"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// run is one play of the rules: what was configured, and what rules leave
// behind for others.
type run struct {
	config
	ctx     context.Context
	http    *http.Client
	manners manners
	refused map[string]int // how often, by code
	unique  string         // of this run
	count   int            // of addresses

	app  client // the header client
	page client // the cookie client; without an id if there is none

	sent    reply  // the last answer to a request for a mail
	address string // that the header client logs in with
	ticket  string // that its mail was sent for
	code    string // that was mailed

	login, pageLogin, logout reply
}

func newRun(ctx context.Context, cfg config) *run {
	return &run{
		config:  cfg,
		ctx:     ctx,
		manners: make(manners),
		refused: make(map[string]int),
		unique:  strconv.FormatInt(time.Now().UnixMilli(), 36),
		http: &http.Client{
			Timeout:       30 * time.Second,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		app:  client{id: cfg.clientID, device: rand.Text()},
		page: client{id: cfg.cookieClientID, device: rand.Text(), cookie: true},
	}
}

// newAddress returns an address to log in with.
func (r *run) newAddress() string {
	r.count++
	return strings.ReplaceAll(r.addresses, "{n}", r.unique+strconv.Itoa(r.count))
}

// elsewhere is the same client on another device.
func (c client) elsewhere() client {
	c.device = rand.Text()
	return c
}

// getTicket passes a captcha for the address.
func (r *run) getTicket(c client, address string) (string, error) {
	a := r.send(c.get(captchaPath + "?type=pow"))
	if err := a.ok(); err != nil {
		return "", err
	}
	member, answer, err := r.solve(a)
	if err != nil {
		return "", err
	}
	a = r.send(c.post(verifyPath, "token", a.text("token"), "sender", address, member, answer))
	return a.text("captcha_token"), a.ok()
}

// getMail has a code mailed.
func (r *run) getMail(c client, address string) (ticket, code string, err error) {
	for {
		if ticket, err = r.getTicket(c, address); err != nil {
			return "", "", err
		}
		r.sent = r.sendOnce(c.post(sendPath, "email", address, "type", "LOGIN_EMS", "captcha_token", ticket))
		if r.sent.status == http.StatusTooManyRequests && r.waits(r.sent) {
			continue // with another ticket: this one may be spent
		}
		if err := r.sent.ok(); err != nil {
			return "", "", err
		}
		code, err = r.codes.code(r.ctx, address)
		return ticket, code, err
	}
}
