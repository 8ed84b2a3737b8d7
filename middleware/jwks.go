package middleware

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
)

const (
	maxKeysBytes  = 64 << 10
	fetchTimeout  = 5 * time.Second
	fetchInterval = 5 * time.Minute
	fetchPause    = 10 * time.Second // between two fetches at least
)

// remoteKeys are the keys of an issuer elsewhere. The last good set stays in
// use while fetching fails, until it is too old.
type remoteKeys struct {
	address   string
	algorithm jwkset.ALG
	client    http.Client
	set       *jwkset.MemoryJWKSet
	fetchedAt atomic.Pointer[time.Time] // the set; nil: never
	missing   chan struct{}             // a token named a key that is not in the set
}

// remoteKey fetches the keys, and keeps fetching them until ctx ends. Nobody
// waits for a fetch but the caller of remoteKey, who waits for the first.
func remoteKey(ctx context.Context, config IDTokenConfig) (keyOf, error) {
	address := config.JWKSURL
	if address == "" {
		address = config.Issuer + "/.well-known/jwks.json"
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && !(u.Scheme == "http" && isLoopback(u.Hostname())) {
		return nil, fmt.Errorf("JWKSURL: %q is not https, and its host is not loopback", address)
	}
	k := &remoteKeys{
		address: address, algorithm: jwkset.ALG(config.Algorithm),
		set: jwkset.NewMemoryStorage(), missing: make(chan struct{}, 1),
	}
	if config.HTTPClient != nil {
		k.client = *config.HTTPClient
	}
	k.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	keys, err := keyfunc.New(keyfunc.Options{Ctx: ctx, Storage: k.set, UseWhitelist: []jwkset.USE{jwkset.UseSig}})
	if err != nil {
		return nil, err
	}
	go k.tend(ctx, k.fetch(ctx, nil))
	return func(ctx context.Context, t *jwt.Token) (any, error) {
		if at := k.fetchedAt.Load(); at == nil || time.Since(*at) > config.MaxKeyAge {
			return nil, errOldKeys // and tend is at it
		}
		key, err := keys.KeyfuncCtx(ctx)(t)
		if errors.Is(err, jwkset.ErrKeyNotFound) {
			select {
			case k.missing <- struct{}{}:
			default: // somebody else said so
			}
		}
		return key, err
	}, nil
}

// tend fetches the keys once in a while, sooner when one is missing or the last
// fetch failed, and never more often than every fetchPause.
func (k *remoteKeys) tend(ctx context.Context, failure error) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(fetchPause):
		}
		if failure == nil {
			select {
			case <-ctx.Done():
				return
			case <-k.missing:
			case <-time.After(fetchInterval - fetchPause):
			}
		}
		failure = k.fetch(ctx, failure)
	}
}

// fetch replaces the set if what it gets is one with keys of our algorithm. Of
// failures in a row it logs the first.
func (k *remoteKeys) fetch(ctx context.Context, before error) error {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	keys, err := k.get(ctx)
	if err == nil {
		err = k.set.KeyReplaceAll(ctx, keys)
	}
	if err == nil {
		now := time.Now()
		k.fetchedAt.Store(&now)
	}
	if err != nil && before == nil && !errors.Is(ctx.Err(), context.Canceled) {
		slog.Default().Error("the keys of the issuer were not fetched", "url", k.address, "cause", err)
	}
	return err
}

func (k *remoteKeys) get(ctx context.Context) ([]jwkset.JWK, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, k.address, nil)
	if err != nil {
		return nil, err
	}
	res, err := k.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }() // it was read
	body, err := io.ReadAll(io.LimitReader(res.Body, maxKeysBytes+1))
	if err != nil {
		return nil, err
	}
	var doc struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if res.StatusCode != http.StatusOK || len(body) > maxKeysBytes || json.Unmarshal(body, &doc) != nil {
		return nil, fmt.Errorf("status %d and %d bytes are no set of keys", res.StatusCode, len(body))
	}
	var keys []jwkset.JWK
	for _, raw := range doc.Keys {
		jwk, err := jwkset.NewJWKFromRawJSON(raw, jwkset.JWKMarshalOptions{}, jwkset.JWKValidateOptions{})
		if err != nil {
			continue // of a kind that others may know
		}
		if m := jwk.Marshal(); m.KID != "" && m.ALG == k.algorithm && m.USE == jwkset.UseSig {
			keys = append(keys, jwk)
		}
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("none of %d keys is for %s", len(doc.Keys), k.algorithm)
	}
	return keys, nil
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.Unmap().IsLoopback()
}
