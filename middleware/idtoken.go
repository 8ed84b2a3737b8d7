package middleware

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"example.com/mailkey/auth"
)

// IDTokenConfig says which id_tokens [RequireIDToken] accepts.
type IDTokenConfig struct {
	// Issuer is Config.Issuer of the login. Required.
	Issuer string

	// Clients are the client ids whose tokens are accepted. Required.
	Clients []string

	// Algorithm is the one that tokens must be signed with. Default: RS256.
	Algorithm string

	// Auth is the login when it runs in the same process: its keys are used
	// directly. Default: none, they are fetched.
	Auth *auth.Auth

	// JWKSURL is where the keys are fetched from, over https but for loopback
	// addresses. Default: /.well-known/jwks.json below Issuer.
	JWKSURL string

	// HTTPClient fetches the keys, in 5 seconds at most and without following
	// redirects. Default: one with the default transport.
	HTTPClient *http.Client

	// MaxKeyAge is how long the keys that were fetched last stay in use while
	// fetching fails; after it every token is refused. It bounds how long a key
	// that its issuer withdrew can be kept alive by cutting this service off.
	// Default: 1 day (at least 10 minutes).
	MaxKeyAge time.Duration
}

const (
	maxTokenBytes = 4 << 10
	maxTokenLife  = time.Hour        // the most that an issuer can configure
	leeway        = 30 * time.Second // between the clocks of issuer and verifier

	defaultKeyAge = 24 * time.Hour
	leastKeyAge   = 10 * time.Minute // two times fetchInterval: one fetch may fail
)

// RequireIDToken lets requests through that carry a valid id_token in
// Authorization: Bearer, without asking the login's database, and answers all
// others with 401 and ReasonNotSignedIn. The identity is that of the token: a
// user who logged out or was disabled is let in until the token expires, in
// five minutes by default. Use [RequireSession] where that matters.
//
// Keys are fetched at once, for which it waits five seconds at most, and then in
// the background until ctx ends: every five minutes, and every ten seconds at
// most while that fails or when a token names a key that is not known. Requests
// do not wait for it: such a token is refused until its key is there.
func RequireIDToken(ctx context.Context, config IDTokenConfig) (func(http.Handler) http.Handler, error) {
	v, err := newVerifier(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("middleware: %w", err)
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Add("Vary", "Authorization")
			w.Header().Set("Cache-Control", "no-store")
			id, err := v.verify(r.Context(), bearer(r))
			if err != nil {
				w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
				auth.WriteError(w, r, auth.ReasonNotSignedIn)
				return
			}
			next.ServeHTTP(w, r.WithContext(auth.NewContext(r.Context(), id)))
		})
	}, nil
}

// bearer returns the token of the one Authorization header.
func bearer(r *http.Request) string {
	values := r.Header.Values("Authorization")
	if len(values) != 1 {
		return ""
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// verifier checks id_tokens as RFC 8725 asks: one algorithm, one issuer, one
// audience, a key that is named and known, an expiry.
type verifier struct {
	clients []string
	parser  *jwt.Parser
	key     keyOf
}

// keyOf returns the key that a token must be signed with. The token names one.
type keyOf func(context.Context, *jwt.Token) (any, error)

func newVerifier(ctx context.Context, config IDTokenConfig) (*verifier, error) {
	config.Algorithm = cmp.Or(config.Algorithm, auth.RS256)
	config.MaxKeyAge = cmp.Or(config.MaxKeyAge, defaultKeyAge)
	var errs []error
	if config.Issuer == "" {
		errs = append(errs, errors.New("Issuer: required"))
	}
	if len(config.Clients) == 0 || slices.Contains(config.Clients, "") {
		errs = append(errs, errors.New("Clients: at least one is required, and none may be empty"))
	}
	if !slices.Contains([]string{auth.RS256, auth.ES256, auth.EdDSA}, config.Algorithm) {
		errs = append(errs, fmt.Errorf("Algorithm: %q is not RS256, ES256 or EdDSA", config.Algorithm))
	}
	if config.MaxKeyAge < leastKeyAge {
		errs = append(errs, fmt.Errorf("MaxKeyAge: %v is less than %v", config.MaxKeyAge, leastKeyAge))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	v := &verifier{clients: config.Clients, parser: jwt.NewParser(
		jwt.WithValidMethods([]string{config.Algorithm}),
		jwt.WithIssuer(config.Issuer),
		jwt.WithExpirationRequired(),
		jwt.WithIssuedAt(),
		jwt.WithLeeway(leeway),
		jwt.WithStrictDecoding(),
	)}
	if config.Auth != nil {
		v.key = localKey(config.Auth, config.Algorithm)
		return v, nil
	}
	var err error
	v.key, err = remoteKey(ctx, config)
	return v, err
}

// localKey takes the keys of a login in this process.
func localKey(a *auth.Auth, algorithm string) keyOf {
	return func(ctx context.Context, t *jwt.Token) (any, error) {
		kid, _ := t.Header["kid"].(string)
		key, alg, ok := a.PublicKey(ctx, kid)
		if !ok || alg != algorithm {
			return nil, errUnknownKey
		}
		return key, nil
	}
}

var (
	errUnknownKey = errors.New("unknown key")
	errOldKeys    = errors.New("the keys were not fetched for too long")
	errToken      = errors.New("not an id_token")
)

func (v *verifier) verify(ctx context.Context, token string) (auth.Identity, error) {
	if !looksLikeToken(token) {
		return auth.Identity{}, errToken
	}
	// A map, since names count to the letter. To a struct "SUB" and "\u017fub" are
	// "sub", too, and the last of them wins: whoever has a say in other claims
	// would have one in these.
	claims := make(jwt.MapClaims)
	_, err := v.parser.ParseWithClaims(token, claims, func(t *jwt.Token) (any, error) {
		if !headerOK(t.Header) {
			return nil, errToken
		}
		return v.key(ctx, t)
	})
	if err != nil {
		return auth.Identity{}, err
	}
	audience, err := claims.GetAudience()
	if err != nil || len(audience) != 1 || !slices.Contains(v.clients, audience[0]) || !timesOK(claims) {
		return auth.Identity{}, errToken
	}
	sub, subOK := claim[string](claims, "sub")
	email, emailOK := claim[string](claims, "email")
	sid, sidOK := claim[string](claims, "sid")
	authTime, authTimeOK := claim[float64](claims, "auth_time")
	if !subOK || !emailOK || !sidOK || !authTimeOK || sub == "" {
		return auth.Identity{}, errToken
	}
	return auth.Identity{
		UserID: sub, Email: email, SessionID: sid, ClientID: audience[0], LoginAt: time.Unix(int64(authTime), 0).UTC(),
	}, nil
}

// claim returns a claim, which may be missing; ok is false when it is of
// another type.
func claim[T any](claims jwt.MapClaims, name string) (value T, ok bool) {
	value, ok = claims[name].(T)
	return value, ok || claims[name] == nil
}

// timesOK is true when the times fit each other, as they do in tokens of ours.
// The parser compared them with the clock, after turning numbers that are too
// large for a time into others.
func timesOK(claims jwt.MapClaims) bool {
	exp, _ := claims["exp"].(float64)
	iat, there := claims["iat"].(float64)
	nbf, ok := claim[float64](claims, "nbf")
	if claims["nbf"] == nil {
		nbf = iat
	}
	most := maxTokenLife.Seconds()
	return there && ok && exp-iat <= most && math.Abs(nbf-iat) <= most
}

// looksLikeToken turns away what is too large or spelt otherwise than a token
// is, before anything is decoded.
func looksLikeToken(token string) bool {
	if token == "" || len(token) > maxTokenBytes || strings.Count(token, ".") != 2 {
		return false
	}
	for i := range len(token) {
		if c := token[i]; !isKeyChar(c) && c != '.' {
			return false
		}
	}
	return true
}

// headerOK is true for a header that names a key. Whatever else a header could
// say about keys, or ask to be done, is refused.
func headerOK(header map[string]any) bool {
	for name := range header {
		if name != "alg" && name != "kid" && name != "typ" {
			return false
		}
	}
	kid, _ := header["kid"].(string)
	typ, _ := header["typ"].(string)
	if !strings.EqualFold(typ, "JWT") || kid == "" || len(kid) > 128 {
		return false
	}
	for i := range len(kid) {
		if !isKeyChar(kid[i]) {
			return false
		}
	}
	return true
}

func isKeyChar(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '-' || c == '_'
}
