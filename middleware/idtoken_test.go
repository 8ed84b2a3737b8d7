package middleware_test

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"

	"example.com/mailkey/auth"
	"example.com/mailkey/middleware"
	"example.com/mailkey/storage/memory"
)

var algorithms = []string{auth.RS256, auth.ES256, auth.EdDSA}

func onEachAlgorithm(t *testing.T, f func(t *testing.T, alg string)) {
	t.Parallel()
	for _, alg := range algorithms {
		t.Run(alg, func(t *testing.T) { t.Parallel(); f(t, alg) })
	}
}

// guard is RequireIDToken for the issuer and the client app, in front of
// whoami.
func guard(t *testing.T, config middleware.IDTokenConfig) http.Handler {
	t.Helper()
	if config.Issuer == "" {
		config.Issuer = "https://app.example"
	}
	if config.Clients == nil {
		config.Clients = []string{"app"}
	}
	require, err := middleware.RequireIDToken(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	return require(whoami)
}

// The tokens of a login are accepted by a service that has its keys, whether
// from the same process or over HTTP.
func TestIDToken(t *testing.T) {
	onEachAlgorithm(t, func(t *testing.T, alg string) {
		server := httptest.NewUnstartedServer(nil)
		issuer := "http://" + server.Listener.Addr().String()
		k := newKit(t, memory.New(), func(c *auth.Config) { c.Issuer, c.SigningAlgorithm = issuer, alg })
		server.Config.Handler = k.auth.Handler()
		server.Start()
		t.Cleanup(server.Close)
		app, other, web := k.login("app", "app@b.example"), k.login("other", "other@b.example"), k.login("web", "web@b.example")

		for name, config := range map[string]middleware.IDTokenConfig{
			"local":      {Auth: k.auth},
			"remote":     {HTTPClient: server.Client()},
			"remote, v1": {JWKSURL: issuer + "/api/v1/oauth2/keys"},
		} {
			t.Run(name, func(t *testing.T) {
				config.Issuer, config.Algorithm, config.Clients = issuer, alg, []string{"app", "web"}
				h := guard(t, config)
				wantBody(t, serve(h, request("GET", "/", byBearer(app.idToken))), "app@b.example")
				wantBody(t, serve(h, request("GET", "/", byBearer(web.idToken))), "web@b.example")
				wantBody(t, serve(h, request("POST", "/", header("Authorization", "bearer "+app.idToken))), "app@b.example")
				for name, r := range map[string]*http.Request{
					"nothing":              request("GET", "/"),
					"another client":       request("GET", "/", byBearer(other.idToken)),
					"the session_token":    request("GET", "/", byBearer(app.session)),
					"in session-token":     request("GET", "/", bySessionToken(app.idToken)),
					"in the cookie":        request("GET", "/", byCookie(app.idToken)),
					"in the query":         request("GET", "/?access_token="+app.idToken),
					"twice":                request("GET", "/", byBearer(app.idToken), byBearer(app.idToken)),
					"another scheme":       request("GET", "/", header("Authorization", "DPoP "+app.idToken)),
					"no scheme":            request("GET", "/", header("Authorization", app.idToken)),
					"beside another token": request("GET", "/", header("Authorization", "Bearer "+app.idToken+", Bearer "+app.idToken)),
				} {
					w := serve(h, r)
					wantNotSignedIn(t, w)
					if got := w.Header().Get("WWW-Authenticate"); got != `Bearer error="invalid_token"` {
						t.Errorf("WWW-Authenticate: got %q", got)
					}
					if t.Failed() {
						t.Fatal(name)
					}
				}
				w := serve(h, request("GET", "/", header("X-L", "zh")))
				wantRefusal(t, w, 401, "MAILKEY.SESSION.0001", "未登录")
				if got := w.Header().Get("Vary"); got != "Authorization" {
					t.Errorf("Vary: got %q", got)
				}
			})
		}
	})
}

func TestIdentityOfIDToken(t *testing.T) {
	t.Parallel()
	k := newKit(t, memory.New(), nil)
	login := k.login("app", "a@b.example")
	see := func(require func(http.Handler) http.Handler, by edit) (id auth.Identity) {
		serve(require(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			id, _ = auth.FromContext(r.Context())
		})), request("GET", "/", by))
		return id
	}
	require, err := middleware.RequireIDToken(t.Context(), middleware.IDTokenConfig{
		Issuer: k.conf.Issuer, Clients: []string{"app"}, Algorithm: auth.ES256, Auth: k.auth,
	})
	if err != nil {
		t.Fatal(err)
	}
	want := see(middleware.RequireSession(k.auth), bySessionToken(login.session))
	want.LoginAt = want.LoginAt.Truncate(time.Second) // auth_time
	k.store.counts()
	if got := see(require, byBearer(login.idToken)); got != want || want.UserID == "" {
		t.Errorf("got %+v, want that of the session, %+v", got, want)
	}
	if finds, saves, touches := k.store.counts(); finds+saves+touches > 0 {
		t.Error("the store was asked")
	}
}

// What is wrong with the configuration is said at once.
func TestIDTokenConfig(t *testing.T) {
	t.Parallel()
	good := middleware.IDTokenConfig{Issuer: "https://app.example", Clients: []string{"app"}, HTTPClient: newNetwork(says(500, "")).client()}
	for _, row := range []struct {
		name   string
		change func(*middleware.IDTokenConfig)
		want   []string
	}{
		{"good", func(*middleware.IDTokenConfig) {}, nil},
		{"http on loopback", func(c *middleware.IDTokenConfig) { c.Issuer = "http://127.0.0.1:8080" }, nil},
		{"http on localhost", func(c *middleware.IDTokenConfig) { c.Issuer = "http://localhost" }, nil},
		{"http on ::1", func(c *middleware.IDTokenConfig) { c.JWKSURL = "http://[::1]/keys" }, nil},
		{"nothing", func(c *middleware.IDTokenConfig) { *c = middleware.IDTokenConfig{} }, []string{"Issuer: required", "Clients: at least one"}},
		{"an empty client", func(c *middleware.IDTokenConfig) { c.Clients = []string{"app", ""} }, []string{"Clients:"}},
		{"HS256", func(c *middleware.IDTokenConfig) { c.Algorithm = "HS256" }, []string{"Algorithm:"}},
		{"none", func(c *middleware.IDTokenConfig) { c.Algorithm = "none" }, []string{"Algorithm:"}},
		{"http", func(c *middleware.IDTokenConfig) { c.Issuer = "http://app.example" }, []string{"JWKSURL:"}},
		{"http for the keys", func(c *middleware.IDTokenConfig) { c.JWKSURL = "http://app.example/keys" }, []string{"JWKSURL:"}},
		{"no host", func(c *middleware.IDTokenConfig) { c.JWKSURL = "/keys" }, []string{"JWKSURL:"}},
		{"a file", func(c *middleware.IDTokenConfig) { c.JWKSURL = "file:///etc/keys" }, []string{"JWKSURL:"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := good
			row.change(&c)
			_, err := middleware.RequireIDToken(t.Context(), c)
			if (err == nil) != (row.want == nil) {
				t.Fatalf("got %v", err)
			}
			for _, want := range row.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got %v, want it to say %q", err, want)
				}
			}
		})
	}
}

// forgery is a token that must not be accepted, or one at the edge that must.
type forgery struct {
	name  string
	token string
	ok    bool
}

// forgeries are tokens of somebody who has the issuer's key, where ours is it,
// or has not, where evil signs.
func forgeries(t *testing.T, ours, evil signer) []forgery {
	t.Helper()
	now := time.Now().Unix()
	var all []forgery
	add := func(ok bool, name, token string) { all = append(all, forgery{name, token, ok}) }
	signed := func(h, c any) string { return ours.sign(t, h, c) }
	claim := func(name string, value any) string { return signed(ours.header(), with(claims(), name, value)) }
	head := func(name string, value any) string { return signed(with(ours.header(), name, value), claims()) }
	valid := ours.valid(t)
	parts := strings.Split(valid, ".")

	add(true, "valid", valid)
	add(true, "aud is a list of one", claim("aud", []string{"app"}))
	add(true, "typ in lower case", head("typ", "jwt"))
	add(true, "expired within the leeway", claim("exp", now-29))
	add(true, "lives as long as can be configured", claim("exp", now+3600))
	add(true, "nbf ahead within the leeway", claim("nbf", now+30))
	add(true, "iat ahead within the leeway", claim("iat", now+30))
	add(true, "no nbf", claim("nbf", nil))
	add(true, "nbf an hour before iat", claim("nbf", now-3600))
	add(false, "nbf more than an hour before iat", claim("nbf", now-3601))
	add(true, "claims of the app", claim("https://app.example/role", "admin"))

	// The algorithm.
	for _, alg := range []string{"none", "None", "NONE", "nOnE", "", " "} {
		h := with(ours.header(), "alg", alg)
		add(false, "alg "+alg+", unsigned", segment(t, h)+"."+segment(t, claims())+".")
		add(false, "alg "+alg+", signed", signed(h, claims()))
		add(false, "alg "+alg+", the signature of another", segment(t, h)+"."+segment(t, claims())+"."+parts[2])
	}
	for _, alg := range []string{"RS256", "ES256", "EdDSA", "HS256", "HS384", "HS512", "RS384", "RS512", "PS256", "PS512", "ES384", "ES512", "ES256K", "Ed25519", "RSA-OAEP", "dir"} {
		if alg != ours.alg {
			add(false, "alg says "+alg, head("alg", alg))
		}
	}
	add(false, "alg is missing", head("alg", nil))
	add(false, "alg is a number", head("alg", 256))
	add(false, "alg is a list", head("alg", []string{ours.alg}))
	der, err := x509.MarshalPKIXPublicKey(ours.private.Public())
	if err != nil {
		t.Fatal(err)
	}
	publicJWK, err := json.Marshal(ours.jwk(t, jwkset.JWKMetadataOptions{KID: ours.kid, ALG: jwkset.ALG(ours.alg), USE: jwkset.UseSig}))
	if err != nil {
		t.Fatal(err)
	}
	for name, secret := range map[string][]byte{
		"DER": der, "PEM": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), "JWK": publicJWK,
		"JWKS": []byte(jwks(t, ours)), "kid": []byte(ours.kid), "nothing": {},
	} {
		for _, method := range []*jwt.SigningMethodHMAC{jwt.SigningMethodHS256, jwt.SigningMethodHS512} {
			add(false, method.Name+" with the "+name, signWith(t, method, secret, with(ours.header(), "alg", method.Name), claims()))
		}
	}
	if ours.alg == auth.RS256 {
		for _, method := range []jwt.SigningMethod{jwt.SigningMethodRS512, jwt.SigningMethodPS256} {
			add(false, method.Alg()+" with the right key", signWith(t, method, ours.private, with(ours.header(), "alg", method.Alg()), claims()))
		}
	}

	// The key.
	add(false, "another key", evil.sign(t, ours.header(), claims()))
	for _, kid := range []any{nil, "", 7, true, []string{ours.kid}, object{"kid": ours.kid}, ours.kid + "\n", ours.kid + "\x00", " " + ours.kid,
		"../../dev/null", "' OR 1", "https://evil.example/key", strings.Repeat("k", 129), strings.Repeat("k", 3000), "ключ"} {
		add(false, "kid is odd", head("kid", kid))
		add(false, "kid is odd, another key", evil.sign(t, with(ours.header(), "kid", kid), claims()))
	}
	evilJWK := evil.jwk(t, jwkset.JWKMetadataOptions{KID: ours.kid, ALG: jwkset.ALG(ours.alg), USE: jwkset.UseSig})
	evilDER, err := x509.MarshalPKIXPublicKey(evil.private.Public())
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]any{
		"jwk": evilJWK, "jku": "https://evil.example/keys", "x5u": "https://evil.example/chain",
		"x5c": []string{base64.StdEncoding.EncodeToString(evilDER)}, "x5t": "AA", "x5t#S256": "AA",
		"crit": []string{"exp"}, "b64": false, "zip": "DEF", "enc": "A128GCM", "epk": evilJWK, "cty": "JWT", "nonce": "x", "Kid": "x",
	} {
		add(false, "header "+name, head(name, value))
		add(false, "header "+name+", another key", evil.sign(t, with(ours.header(), name, value), claims()))
	}
	add(false, "header crit of nothing", head("crit", []string{}))
	for _, typ := range []any{nil, "", "JOSE", "at+jwt", "application/jwt", "JWE", "logout+jwt", 1, []string{"JWT"}} {
		add(false, "typ is odd", head("typ", typ))
	}

	// The claims.
	for _, exp := range []any{nil, 0, -1, "0", "1e20", "2099", true, []int{1}, object{}, -1e300, 1e300, 1e20, int64(1) << 62, 253402300799, now + 3601, now - 30, now - 300, now * 1000} {
		add(false, "exp is odd", claim("exp", exp))
	}
	add(false, "exp is null", signed(ours.header(), strings.Replace(jsonOf(t, with(claims(), "exp", "X")), `"exp":"X"`, `"exp":null`, 1)))
	for _, at := range []any{now + 31, now + 300, 1e300, "x", true, []int{1}} {
		add(false, "iat is odd", claim("iat", at))
		add(false, "nbf is odd", claim("nbf", at))
	}
	add(false, "iat is missing", claim("iat", nil))
	for _, iss := range []any{nil, "", "https://app.example/", "https://APP.example", "http://app.example", "https://evil.example", " https://app.example", "https://app.example\x00", 7, []string{"https://app.example"}} {
		add(false, "iss is odd", claim("iss", iss))
	}
	for _, aud := range []any{nil, "", "other", "App", "app ", "app,other", 7, true, []string{}, []string{"app", "other"}, []string{"other", "app"}, []string{"app", "app"}, []string{""}, []any{"app", 7}, object{"aud": "app"}} {
		add(false, "aud is odd", claim("aud", aud))
	}
	for _, sub := range []any{nil, "", 7, []string{"u1"}} {
		add(false, "sub is odd", claim("sub", sub))
	}
	add(false, "auth_time is a string", claim("auth_time", "now"))
	for name, doc := range map[string]string{"nothing": "", "null": "null", "a list": "[]", "a string": `"x"`, "cut": "{", "two": "{}{}", "not JSON": "x"} {
		add(false, "claims are "+name, signed(ours.header(), doc))
		add(false, "header is "+name, signed(doc, claims()))
	}

	// The spelling. Of 64 and of 256 bytes the last character has four bits
	// that say nothing.
	last := parts[2][len(parts[2])-1]
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	for i := range 15 {
		twin := alphabet[(strings.IndexByte(alphabet, last)+i+1)%64]
		if strings.IndexByte(alphabet, twin)/16 == strings.IndexByte(alphabet, last)/16 {
			add(false, "another last character", valid[:len(valid)-1]+string(twin))
		}
	}
	for pad, size := 2200, 0; size <= 4096; pad++ { // no base64 has 1 byte more than a multiple of 4
		token := signed(jsonOf(t, ours.header())+" ", with(claims(), "x", strings.Repeat("A", pad)))
		if size = len(token); size > 4090 {
			add(size <= 4096, "about 4 KiB", token)
		}
	}
	for name, token := range map[string]string{
		"padded": valid + "==", "newline": parts[0] + "." + parts[1] + "." + parts[2][:10] + "\n" + parts[2][10:],
		"carriage return": parts[0] + "." + parts[1][:10] + "\r\n" + parts[1][10:] + "." + parts[2],
		"space":           parts[0] + ". " + parts[1] + "." + parts[2], "NUL": valid + "\x00",
		"two parts": parts[0] + "." + parts[1], "four parts": valid + ".", "five parts": valid + "." + parts[1] + "." + parts[2],
		"a dot before": "." + valid, "dots": "..", "one dot": ".", "unsigned": parts[0] + "." + parts[1] + ".",
		"no header": "." + parts[1] + "." + parts[2], "no claims": parts[0] + ".." + parts[2], "quoted": `"` + valid + `"`,
		"standard base64": strings.NewReplacer("-", "+", "_", "/").Replace(valid) + "+",
		"escaped":         strings.ReplaceAll(valid, ".", "%2E"), "twice": valid + valid, "with a name": "id_token=" + valid,
		"1 MB of dots": strings.Repeat(".", 1<<20), "1 MB": parts[0] + "." + strings.Repeat("A", 1<<20) + "." + parts[2],
		"changed claims": parts[0] + "." + segment(t, with(claims(), "sub", "u2")) + "." + parts[2],
	} {
		add(false, name, token)
	}
	return all
}

func jsonOf(tb testing.TB, v any) string {
	tb.Helper()
	doc, err := json.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	return string(doc)
}

// Nothing in a token makes the verifier ask anybody anything, or wait.
func TestAbuse_G01_G02_G03_G04_G05_G07_Forgeries(t *testing.T) {
	onEachAlgorithm(t, func(t *testing.T, alg string) {
		synctest.Test(t, func(t *testing.T) {
			time.Sleep(250 * time.Millisecond) // away from a whole second
			ours, evil := newSigner(t, alg, strings.Repeat("k", 128)), newSigner(t, alg, "evil")
			n := newNetwork(says(200, jwks(t, ours)))
			h := guard(t, middleware.IDTokenConfig{Algorithm: alg, HTTPClient: n.client()})
			n.become(func(r *http.Request) (*http.Response, error) {
				t.Errorf("%s was asked", r.URL)
				return nil, net.ErrClosed
			})
			time.Sleep(750 * time.Millisecond)
			now := time.Now()
			for _, f := range forgeries(t, ours, evil) {
				w := serve(h, request("GET", "/", byBearer(f.token)))
				if (w.Code == 200) != f.ok {
					t.Errorf("%s: got %d; %.300s", f.name, w.Code, f.token)
				}
				if w.Code != 200 {
					wantNotSignedIn(t, w)
				}
			}
			if waited := time.Since(now); waited != 0 {
				t.Errorf("something waited for %v", waited)
			}
			time.Sleep(4 * time.Minute) // nothing was put off, either
			if got := n.fetches.Load(); got != 1 {
				t.Errorf("%d fetches, want the one at the start", got)
			}
		})
	})
}

// The same without the issuer's key, against keys of this process.
func TestAbuse_G01_G07_ForgeriesWithoutTheKey(t *testing.T) {
	onEachAlgorithm(t, func(t *testing.T, alg string) {
		k := newKit(t, memory.New(), func(c *auth.Config) { c.SigningAlgorithm = alg })
		token := k.login("app", "a@b.example").idToken
		h := guard(t, middleware.IDTokenConfig{Algorithm: alg, Auth: k.auth})
		wantBody(t, serve(h, request("GET", "/", byBearer(token))), "a@b.example")
		parsed, _, err := jwt.NewParser().ParseUnverified(token, jwt.MapClaims{})
		if err != nil {
			t.Fatal(err)
		}
		evil := newSigner(t, alg, parsed.Header["kid"].(string))
		if alg == auth.RS256 {
			evil.private = newSigner(t, alg, "evil").private
		}
		for _, f := range forgeries(t, evil, newSigner(t, alg, "evil")) {
			if w := serve(h, request("GET", "/", byBearer(f.token))); w.Code != 401 {
				t.Errorf("%s: got %d; %.300s", f.name, w.Code, f.token)
			}
		}
	})
}

// Tokens of the wrong size or shape cost next to nothing.
func TestAbuse_G06_ShapelessTokensAreCheap(t *testing.T) {
	k := newKit(t, memory.New(), nil)
	k.stop() // nothing else may allocate
	h := guard(t, middleware.IDTokenConfig{Algorithm: auth.ES256, Auth: k.auth})
	plain := testing.AllocsPerRun(100, func() { serve(h, request("GET", "/")) })
	for name, token := range map[string]string{
		"1 MB of dots": strings.Repeat(".", 1<<20), "1 MB": strings.Repeat("A", 1<<20), "too large": "e30." + strings.Repeat("A", 4093) + ".A",
	} {
		r := request("GET", "/", byBearer(token))
		if got := testing.AllocsPerRun(100, func() { serve(h, r) }); got > plain {
			t.Errorf("%s: %v allocations, %v without a token", name, got, plain)
		}
	}
}

// id_tokens live for five minutes, whatever becomes of the session or the user;
// where that matters, the session is asked.
func TestAbuse_G17_IDTokenOutlivesItsSession(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(k *kit, session string) error{
		"logout": func(k *kit, session string) error { k.logout(session); return nil },
		"the user is disabled": func(k *kit, _ string) error {
			user, err := k.auth.UserByEmail(k.Context(), "a@b.example")
			if err != nil {
				return err
			}
			return k.auth.DisableUser(k.Context(), user.ID)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				k := newKit(t, memory.New(), nil)
				login := k.login("app", "a@b.example")
				byToken := guard(t, middleware.IDTokenConfig{Algorithm: auth.ES256, Auth: k.auth})
				bySession := middleware.RequireSession(k.auth)(whoami)
				wantBody(t, serve(bySession, request("GET", "/", bySessionToken(login.session))), "a@b.example")
				if err := end(k, login.session); err != nil {
					t.Fatal(err)
				}
				wantNotSignedIn(t, serve(bySession, request("GET", "/", bySessionToken(login.session))))
				time.Sleep(5*time.Minute + 29*time.Second)
				wantBody(t, serve(byToken, request("GET", "/", byBearer(login.idToken))), "a@b.example")
				time.Sleep(time.Second)
				wantNotSignedIn(t, serve(byToken, request("GET", "/", byBearer(login.idToken))))
			})
		})
	}
}
