package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"example.com/mailkey/captcha"
)

// Auth is a mounted login. Make one with [New]; it is safe for concurrent use.
type Auth struct {
	config  Config
	issuer  *url.URL
	clients map[string]Client
	catalog *catalog
	captcha *captcha.Service
	secrets []secretKeys // the current one first
	keys    *keySet

	crossOrigin http.CrossOriginProtection
	handlers    handlers

	delivery delivery
	breaker  atomic.Pointer[breakerState]
}

// New checks the configuration and returns every mistake at once. It reads the
// keys from the store, or makes them on the very first start; nothing runs in
// the background before [Auth.Run].
func New(config Config) (*Auth, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("auth: %w", err)
	}
	a := &Auth{config: config, clients: make(map[string]Client)}
	a.delivery.wake = make(chan struct{}, 1)
	a.issuer, _ = url.Parse(config.Issuer) // was parsed before
	for _, c := range config.Clients {
		a.clients[c.ID] = c
	}
	for _, s := range append([]Secret{config.Secret}, config.PreviousSecrets...) {
		a.secrets = append(a.secrets, s.keys())
	}

	var catalogErr, captchaErr error
	a.catalog, catalogErr = newCatalog(config.DefaultLanguage, config.Messages)
	a.captcha, captchaErr = captcha.New(captcha.Config{Store: config.Store, Engines: config.Captchas})
	if err := errors.Join(catalogErr, captchaErr); err != nil {
		return nil, fmt.Errorf("auth: %w", err)
	}

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	a.keys, err = loadKeys(ctx, config.Store, a.secrets, config.SigningAlgorithm, time.Now())
	if err != nil {
		return nil, fmt.Errorf("auth: %w", err)
	}
	if a.handlers, err = a.newHandlers(); err != nil {
		return nil, fmt.Errorf("auth: %w", err)
	}
	return a, nil
}

// who names the parties of a flow by keyed hashes: what the store gets instead
// of the address and the fingerprint.
type who struct {
	address []byte // of the flow's address
	device  []byte // of the device, at its client
	binding []byte // of address, client, device and purpose: one flow
}

func (a *Auth) who(c *call, addr address, purpose string) who {
	return who{
		address: a.keys.pseudonym("address", addr.folded),
		device:  a.keys.pseudonym("device", c.client.ID, c.device.fingerprint),
		binding: a.keys.pseudonym("binding", addr.folded, c.client.ID, c.device.fingerprint, purpose),
	}
}
