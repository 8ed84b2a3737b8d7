package middleware

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/MicahParks/keyfunc/v3"
	"golang.org/x/time/rate"
)

const (
	maxKeysBytes   = 64 << 10
	fetchTimeout   = 5 * time.Second
	fetchInterval  = 5 * time.Minute
	unknownKeyWait = 10 * time.Second // between two looks for a key that is not known
)

// remoteKey fetches keys. The last good set stays in use when fetching fails.
func remoteKey(ctx context.Context, config IDTokenConfig) (func(context.Context, string) (any, error), error) {
	address := config.JWKSURL
	if address == "" {
		address = config.Issuer + "/.well-known/jwks.json"
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && !(u.Scheme == "http" && isLoopback(u.Hostname())) {
		return nil, fmt.Errorf("JWKSURL: %q is not https, and its host is not loopback", address)
	}
	client := http.Client{Timeout: fetchTimeout}
	if config.HTTPClient != nil {
		client = *config.HTTPClient
	}
	if client.Transport == nil {
		client.Transport = http.DefaultTransport
	}
	client.Transport = keysTransport{client.Transport}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

	keys, err := keyfunc.NewDefaultOverrideCtx(ctx, []string{address}, keyfunc.Override{
		Client:            &client,
		HTTPTimeout:       fetchTimeout,
		RefreshInterval:   fetchInterval,
		RefreshUnknownKID: rate.NewLimiter(rate.Every(unknownKeyWait), 1),
		RateLimitWaitMax:  time.Millisecond, // who comes later is refused at once
	})
	if err != nil {
		return nil, fmt.Errorf("JWKSURL: %w", err)
	}
	return func(ctx context.Context, kid string) (any, error) {
		jwk, err := keys.Storage().KeyRead(ctx, kid)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errUnknownKey, err)
		}
		if m := jwk.Marshal(); m.ALG != jwkset.ALG(config.Algorithm) || m.USE != jwkset.UseSig {
			return nil, errUnknownKey
		}
		return jwk.Key(), nil
	}, nil
}

// keysTransport refuses answers that are too large or hold no keys, which
// would replace a good set by none.
type keysTransport struct{ next http.RoundTripper }

func (t keysTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := t.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxKeysBytes+1))
	err = errors.Join(err, res.Body.Close())
	if err != nil {
		return nil, err
	}
	var set struct{ Keys []json.RawMessage }
	if res.StatusCode != http.StatusOK || len(body) > maxKeysBytes || json.Unmarshal(body, &set) != nil || len(set.Keys) == 0 {
		return nil, fmt.Errorf("status %d and %d bytes are no set of keys", res.StatusCode, len(body))
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	return res, nil
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}
