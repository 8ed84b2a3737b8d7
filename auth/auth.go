package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/alexedwards/scs/v2"

	"example.com/mailkey/captcha"
	"example.com/mailkey/internal/failpoint"
)

// Auth is a mounted login. Make one with [New]; it is safe for concurrent use.
type Auth struct {
	config  Config
	issuer  *url.URL
	clients map[string]Client
	origins map[string]bool // of all clients
	catalog *catalog
	captcha *captcha.Service
	secrets []secretKeys // the current one first
	keys    *keySet      // as read at the start: for what never changes of them
	manager *scs.SessionManager

	sessions sessionStore

	crossOrigin http.CrossOriginProtection
	handlers    handlers

	ring    atomic.Pointer[keyring]
	reading sync.Mutex // one request at a time reads the keys anew

	delivery delivery
	breaker  atomic.Pointer[breakerState]

	clockWrong atomic.Bool
}

// New checks the configuration and returns every mistake at once. It reads the
// keys from the store, or makes them on the very first start; nothing runs in
// the background before [Auth.Run].
func New(config Config) (*Auth, error) {
	config, err := config.withDefaults()
	a := &Auth{config: config, clients: make(map[string]Client), origins: make(map[string]bool)}
	var catalogErr, captchaErr error
	a.catalog, catalogErr = newCatalog(config.DefaultLanguage, config.Messages)
	a.captcha, captchaErr = newCaptchas(config)
	if err := errors.Join(err, catalogErr, captchaErr); err != nil {
		return nil, fmt.Errorf("auth: %w", err)
	}

	a.issuer, _ = url.Parse(config.Issuer) // was parsed before
	a.delivery.wake = make(chan struct{}, 1)
	a.manager = a.newManager()
	a.sessions = config.Store
	if config.SessionStore != nil {
		a.sessions = &foreignSessions{config.SessionStore, config.Store, a}
	}
	for _, c := range config.Clients {
		a.clients[c.ID] = c
		for _, o := range c.Origins {
			a.origins[o] = true
			if err := a.crossOrigin.AddTrustedOrigin(o); err != nil {
				return nil, fmt.Errorf("auth: Origins: %w", err)
			}
		}
	}
	for _, s := range append([]Secret{config.Secret}, config.PreviousSecrets...) {
		if k := s.keys(); !slices.ContainsFunc(a.secrets, func(o secretKeys) bool { return o.id == k.id }) {
			a.secrets = append(a.secrets, k)
		}
	}

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	now := failpoint.Now()
	a.keys, err = loadKeys(ctx, config.Store, a.secrets, config.SigningAlgorithm, now)
	if err != nil {
		return nil, fmt.Errorf("auth: %w", err)
	}
	ring, err := newKeyring(a.keys, now)
	if err != nil {
		return nil, fmt.Errorf("auth: %w", err)
	}
	a.ring.Store(ring)
	if a.handlers, err = a.newHandlers(); err != nil {
		return nil, fmt.Errorf("auth: %w", err)
	}
	if config.InsecureCookie {
		config.Logger.Warn("the session cookie is not Secure: InsecureCookie is set")
	}
	if !isSafe(a.issuer) {
		config.Logger.Warn("codes, tokens and cookies can be read on the way: InsecureIssuer is set", "issuer", config.Issuer)
	}
	return a, nil
}

// newCaptchas leaves it to the check of Store to say that there is none.
func newCaptchas(config Config) (*captcha.Service, error) {
	if config.Store == nil {
		return nil, nil
	}
	return captcha.New(captcha.Config{Store: config.Store, Engines: config.Captchas})
}

// who names the parties of a flow by keyed hashes: what the store gets instead
// of the address and the fingerprint.
type who struct {
	address []byte // of the flow's address
	device  []byte // of the device, at its client
	binding []byte // of address, client, device and purpose: one flow. It begins with address
}

func (a *Auth) who(c *call, addr address, purpose string) who {
	address := a.keys.pseudonym("address", addr.folded)
	flow := a.keys.pseudonym("binding", addr.folded, c.client.ID, c.device.fingerprint, purpose)
	return who{
		address: address,
		device:  a.keys.pseudonym("device", c.client.ID, c.device.fingerprint),
		binding: slices.Concat(address, flow),
	}
}
