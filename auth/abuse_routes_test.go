package auth_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/mux"

	"example.com/mailkey/auth"
)

// routes are all paths of the contract and their methods.
var routes = map[string]string{
	captchaPath:                              "GET",
	captchaPath + "/audio":                   "GET",
	verifyPath:                               "POST",
	sendPath:                                 "POST",
	loginPath:                                "POST",
	"/api/v2/sdk/sso/session-token/id-token": "POST",
	logoutPath:                               "GET, POST",
	"/api/v2/sdk/sessions":                   "GET, DELETE",
	"/api/v2/sdk/sessions/{id}":              "DELETE",
	keysPath:                                 "GET, HEAD",
	jwksPath:                                 "GET, HEAD",
	discoveryPath:                            "GET, HEAD",
}

// There is nothing but the contract: no page for debugging, none for tests.
func TestAbuse_J09_NoOtherRoutes(t *testing.T) {
	t.Parallel()
	play(t, nil, func(k *kit) {
		router := mux.NewRouter()
		k.auth.Routes(router)
		var mounted []string
		if err := router.Walk(func(r *mux.Route, _ *mux.Router, _ []*mux.Route) error {
			template, err := r.GetPathTemplate()
			mounted = append(mounted, template)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		slices.Sort(mounted)
		if want := slices.Sorted(maps.Keys(routes)); !slices.Equal(mounted, want) {
			t.Errorf("mounted are\n%v, want\n%v", mounted, want)
		}
		for _, below := range []string{"", "/api/v2/sdk", "/api/v2", "/api", "/.well-known"} {
			for _, name := range []string{
				"/", "/debug/pprof/", "/debug/pprof/heap", "/debug/vars", "/debug/requests", "/metrics", "/health", "/healthz", "/status", "/test", "/dev/mail", "/admin",
				"/users", "/swagger.json", "/openapi.json", "/graphql", "/.env", "/.git/config", "/server-status", "/captcha/answer", "/email/code", "/config", "/mailkey.db",
			} {
				for _, method := range []string{"GET", "POST"} {
					if a := k.do(k.request(method, below+name, "")); a.status != 404 {
						t.Errorf("%s %s: %d %s", method, below+name, a.status, a.body)
					}
				}
			}
		}
	})
}

func TestAbuse_E12_Methods(t *testing.T) {
	t.Parallel()
	play(t, nil, func(k *kit) {
		for route, allowed := range routes {
			for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "OPTIONS", "PROPFIND", "get", "LOGIN"} {
				if slices.Contains(strings.Split(allowed, ", "), method) {
					continue
				}
				for _, override := range []string{"", "X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"} {
					r := k.request(method, strings.Replace(route, "{id}", "x", 1)+"?_method=POST", "")
					if override != "" {
						r.Header.Set(override, allowed[:strings.IndexByte(allowed+",", ',')])
					}
					a := k.do(r)
					if a.status != 405 || a.header.Get("Allow") != allowed || method != "HEAD" && a.code() != string(auth.ReasonMethod) {
						t.Errorf("%s %s %s: %d, Allow %q, %s", method, route, override, a.status, a.header.Get("Allow"), a.body)
					}
				}
			}
		}
	})
}

func TestAbuse_E11_ContentTypes(t *testing.T) {
	t.Parallel()
	play(t, nil, func(k *kit) {
		i := 0
		try := func(contentType string, want auth.Reason) {
			t.Helper()
			for path, body := range goodBodies {
				i++
				r := k.as(from(fmt.Sprintf("10.%d.%d.1", i>>8, i&255))).request("POST", path, body)
				r.Header.Set("Content-Type", contentType)
				if a := k.do(r); (a.code() == string(auth.ReasonContentType)) != (want != "") || a.status >= 500 {
					t.Errorf("%s, %q: %d %s", path, contentType, a.status, a.body)
				}
			}
		}
		for _, contentType := range []string{
			"", " ", "text/plain", "text/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml", "application/json-patch+json",
			"application/vnd.api+json", "application/jsonp", "application", "application/", "json", "*/*", "application/*", "application/json, text/plain",
			"application/json; charset=utf-16", "application/json; charset=utf-7", "application/json; charset=latin1", "application/json; charset=\"utf-8 \"",
			"application/json;charset=utf-8;charset=utf-16", "application/json;", "application /json", "text/plain;application/json",
		} {
			want := auth.ReasonContentType
			if contentType == "application/json;" { // an empty parameter is none
				want = ""
			}
			try(contentType, want)
		}
		for _, contentType := range []string{"application/json", "Application/JSON", "application/json; charset=utf-8", "application/json;charset=UTF-8", `application/json; charset="utf8"`} {
			try(contentType, "")
		}
	})
}

// What a URL says beside its path counts for nothing: secrets do not belong
// there.
func TestAbuse_E13_Query(t *testing.T) {
	onEachStore(t, nil, func(k *kit) {
		code := k.code("ann@b.example")
		query := "?" + url.Values{"email": {"ann@b.example"}, "verify_code": {code}, "captcha_token": {"x"}, "session-token": {"x"}, "client_id": {"web"}}.Encode()
		for _, row := range []struct {
			method, body string
			want         auth.Reason
		}{
			{"POST", "", auth.ReasonMalformed}, {"POST", "{}", auth.ReasonEmailEmpty}, {"GET", "", auth.ReasonMethod},
			{"POST", `{"email":"ann@b.example"}`, auth.ReasonCodeEmpty}, {"POST", `{"email":"ann@b.example","verify_code":"` + wrong(code) + `"}`, auth.ReasonCode},
		} {
			if a := k.do(k.request(row.method, loginPath+query, row.body)); a.code() != string(row.want) {
				t.Errorf("%s %s: %s, want %s", row.method, row.body, a.body, row.want)
			}
		}
		token := k.login("ann@b.example", code).field(t, "session_token")
		if a := k.get(logoutPath + "?session-token=" + token + "&session_token=" + token); a.code() != string(auth.ReasonSessionInvalid) || !k.alive(token) {
			t.Errorf("logout by query: %s", a.body)
		}
		time.Sleep(time.Minute)
		if a := k.do(k.request("POST", sendPath+"?captcha_token="+k.ticket("ann@b.example"), `{"email":"ann@b.example","type":"LOGIN_EMS"}`)); a.code() != string(auth.ReasonCaptcha) {
			t.Errorf("a ticket by query: %s", a.body)
		}
	})
}

// Ten thousand cookies are a lot to read, and change nothing.
func TestAbuse_E16_ManyCookies(t *testing.T) {
	t.Parallel()
	play(t, nil, func(k *kit) {
		web := k.as(asWeb)
		token := cookieOf(t, web.login("ann@b.example", web.code("ann@b.example"))).Value
		for name, cookie := range map[string]string{
			"many":                   strings.Repeat("a=;", 10_000),
			"many with a name alone": strings.Repeat("a;", 10_000),
			"many of ours":           strings.Repeat(auth.CookieName+"=;", 10_000),
			"many, and a session":    strings.Repeat("a=;", 10_000) + auth.CookieName + "=" + token,
			"a session, and another": auth.CookieName + "=" + token + ";" + auth.CookieName + "=" + strings.Repeat("A", 43),
			"a session twice":        auth.CookieName + "=" + token + ";" + auth.CookieName + "=" + token,
			"one that is long":       auth.CookieName + "=" + strings.Repeat("A", 100_000),
		} {
			r := web.request("POST", "/api/v2/sdk/sso/session-token/id-token", "")
			r.Header.Set("Cookie", cookie)
			if a := web.do(r); a.code() != string(auth.ReasonSessionInvalid) {
				t.Errorf("%s: %d %s", name, a.status, a.body)
			}
		}
		r := web.request("POST", logoutPath, "")
		r.Header.Set("Cookie", auth.CookieName+"="+strings.Repeat("A", 2<<20))
		if a := web.do(r); a.status != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("two megabytes: %d", a.status)
		}
		if !k.alive(token) {
			t.Error("the session was ended")
		}
	})
}
