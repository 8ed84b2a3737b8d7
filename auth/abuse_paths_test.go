package auth_test

import (
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strings"
	"testing"

	"example.com/mailkey/auth"
)

// respelt are other spellings of a path.
func respelt(good string) []string {
	sdk := func(instead string) string { return strings.Replace(good, "/sdk/", instead, 1) }
	return []string{
		"/" + good, good + "/", good + "//", good + "/.", good + "/..", sdk("/sdk/../sdk/"), sdk("/sdk/./"), sdk("//sdk/"), sdk("/sdk/%2e%2e/sdk/"), sdk("/sdk%2f"),
		sdk(`/sdk\`), sdk("/sdk%5c"), good + "%00", good + "%20", good + "%0a", good + ";a=b", good + "%3fa=b", good + "%23", good + ".json", strings.ToUpper(good),
		"/%2f" + good[1:], "/%2F%2F" + good[1:], strings.Replace(good, "login", "%6cogin", 1), strings.Replace(good, "login", "%256cogin", 1), "/x/.." + good,
		"/x/%2e%2e" + good, "/.." + good, good[1:], "*", "",
	}
}

// Another spelling of a path is another path: nothing is tidied up, unescaped
// or redirected.
func TestAbuse_E14_Paths(t *testing.T) {
	t.Parallel()
	for _, prefix := range []string{"", "/auth"} {
		play(t, func(c *auth.Config) { c.Issuer += prefix }, func(k *kit) {
			for i, target := range respelt(prefix + loginPath) {
				a := k.speak("POST "+target, k.as(from(fmt.Sprintf("10.0.%d.1", i))).rawHeaders(), goodLogin)
				if a.status != 404 && (a.status != 400 || isOurs(a)) {
					t.Errorf("%q: %d %v %s", target, a.status, a.header, a.body)
				}
			}
		})
	}
}

// Routers of apps may tidy up and unescape. Even so a path leads to its own
// handler or to none.
func TestAbuse_E14_PathsBehindRouters(t *testing.T) {
	t.Parallel()
	for _, row := range mounts {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			play(t, func(c *auth.Config) { c.Issuer = row.issuer }, func(k *kit) {
				k.http = k.serve(row.mount(k.auth, http.NotFoundHandler()))
				good := strings.TrimPrefix(row.issuer, "https://app.example") + loginPath
				for i, target := range respelt(good) {
					a := k.speak("POST "+target, k.as(from(fmt.Sprintf("10.0.%d.1", i))).rawHeaders(), goodLogin)
					var ok bool
					switch a.status {
					case 400:
						unescaped, _ := url.PathUnescape(target)
						ok = !isOurs(a) || a.code() == string(auth.ReasonCode) && unescaped == good
					case 404, 405:
						ok = true
					case 301, 307, 308:
						location, err := url.Parse(a.header.Get("Location"))
						ok = err == nil && location.Host == "" && path.Clean(location.Path) == strings.TrimSuffix(location.Path, "/")
					}
					if !ok {
						t.Errorf("%q: %d %v %s", target, a.status, a.header, a.body)
					}
				}
			})
		})
	}
}
