package auth_test

import (
	"net/url"
	"strings"
	"testing"

	"example.com/mailkey/auth"
)

func TestSafeReturnPathKeeps(t *testing.T) {
	t.Parallel()
	longest := "/" + strings.Repeat("a", 2047)
	for target, want := range map[string]string{
		"/":                            "/",
		"/account":                     "/account",
		"/account/":                    "/account/",
		"/a/b/c.html":                  "/a/b/c.html",
		"/a?x=1&y=2":                   "/a?x=1&y=2",
		"/a?next=//evil.example":       "/a?next=//evil.example", // a value: whoever uses it has to check it
		"/a?u=https%3A%2F%2Fb.example": "/a?u=https%3A%2F%2Fb.example",
		"/a%20b":                       "/a%20b",
		"/%E4%BD%A0%E5%A5%BD":          "/%E4%BD%A0%E5%A5%BD",
		"/%e4%bd%a0":                   "/%E4%BD%A0",
		"/a#fragment":                  "/a",
		"/a?":                          "/a",
		"/~user/a+b;v=1,2":             "/~user/a+b;v=1,2",
		"/a:b@c":                       "/a:b@c",
		"/@evil.example":               "/@evil.example", // a name below our own host
		"/...":                         "/...",
		"/.well-known/x":               "/.well-known/x",
		"/100%25":                      "/100%25",
		"/%252f%252fevil.example":      "/%252f%252fevil.example", // unescaped once it is no slash
		"/https:evil.example":          "/https:evil.example",
		"/a?q=1?2":                     "/a?q=1?2",

		longest:                              longest,
		"/" + strings.Repeat(`"`, 682) + "a": "/" + strings.Repeat("%22", 682) + "a", // becomes as long
	} {
		if got, ok := auth.SafeReturnPath(target); !ok || got != want {
			t.Errorf("%q: got %q %v, want %q", target, got, ok, want)
		}
		if again, ok := auth.SafeReturnPath(want); !ok || again != want {
			t.Errorf("%q is not accepted as it is: %q %v", want, again, ok)
		}
	}
}

// openRedirects are what people have got past such checks elsewhere, and more.
var openRedirects = []string{
	"",
	" ",
	"account",
	"account/",
	"?next=/",
	"#/",
	".",
	"./",
	"../",
	"//",
	"///",
	"//evil.example",
	"//evil.example/",
	"///evil.example",
	"////evil.example",
	"/////evil.example//",
	"//evil.example/%2e%2e",
	"//evil.example/..",
	"//evil%E3%80%82example",
	"//evil。example",
	"//localhost",
	"//0x7f000001",
	"//[::1]",
	"//user@evil.example",
	"//app.example@evil.example",
	"//evil.example:443/",
	"//evil.example?",
	"//evil.example#",
	"http://evil.example",
	"https://evil.example",
	"https:evil.example",
	"https:/evil.example",
	"https:///evil.example",
	"https:\\\\evil.example",
	"HTTPS://EVIL.EXAMPLE",
	"https://app.example",
	"https://app.example.evil.example",
	"https://app.example@evil.example",
	"http:/\\evil.example",
	"ftp://evil.example",
	"javascript:alert(1)",
	"JaVaScRiPt:alert(1)",
	"java\tscript:alert(1)",
	"\x01javascript:alert(1)",
	"javascript://app.example/%0aalert(1)",
	"data:text/html,<script>alert(1)</script>",
	"vbscript:x",
	"file:///etc/passwd",
	"blob:https://evil.example/x",
	"mailto:a@evil.example",
	"@evil.example",
	":80",
	":@evil.example",
	"\\\\evil.example",
	"\\/evil.example",
	"\\evil.example",
	"/\\evil.example",
	"/\\/evil.example",
	"/\\\\evil.example",
	"//\\evil.example",
	"/a\\..\\..\\evil.example",
	"/%5cevil.example",
	"/%5C%5Cevil.example",
	"/a/%5c/b",
	"/%2fevil.example",
	"/%2Fevil.example",
	"/%2f%2fevil.example",
	"/a%2f..%2f..%2fevil.example",
	"/%2f/evil.example",
	"/%09/evil.example",
	"/\t/evil.example",
	"/\n/evil.example",
	"/\r/evil.example",
	"/\r\n/evil.example",
	"\t//evil.example",
	"\n//evil.example",
	" //evil.example",
	" /account",
	"/account ",
	"/\x00/evil.example",
	"/%00/evil.example",
	"/%0d%0aSet-Cookie:a=b",
	"/%0D%0ALocation:https://evil.example",
	"/a\r\nSet-Cookie: a=b",
	"/%7f",
	"/\x7f",
	"/\u0080",
	"/\u2028",
	"/\u00a0",
	"/你好",
	"\ufeff//evil.example",
	"/./",
	"/.",
	"/..",
	"/../",
	"/..//evil.example",
	"/.//evil.example",
	"/a/..//evil.example",
	"/a/../..//evil.example",
	"/%2e%2e//evil.example",
	"/%2e/evil.example",
	"/.%2e/evil.example",
	"/%2E%2E/%2E%2E/evil.example",
	"/a//b",
	"/a//",
	"/a/./b",
	"/a/../b",
	"/%",
	"/%zz",
	"/%e",
	"/a b",
	"/a?x=\tb",
	"/a?x=\r\nb",
	"/a?x=b c",
	"/a?x=\\",
	"/a?" + strings.Repeat("x", 2048),
	"/" + strings.Repeat(`"`, 1000), // three times as long when it is escaped
	"/" + strings.Repeat("a", 1<<20),
	"〱//evil.example",
	"/〱evil.example",
	"///\\;@evil.example",
	"////\\;@evil.example",
	"/\x0b/evil.example",
	"/\x0c//evil.example",
	"/%0a/evil.example",
	"/%0d%0a//evil.example",
	"/https://evil.example",
	"/http:///evil.example",
	"/javascript://%0aalert(1)",
	"/<>//evil.example",
	"/evil.example%2f%2e%2e",
	"/%5c%2fevil.example",
	"/%ff%2fevil.example",
	"/\xff",
	"https:%0a//evil.example",
	"%2f%2fevil.example",
	"%2F/evil.example",
	"%68ttps://evil.example",
	"x:y//evil.example",
	"//[::ffff:192.0.2.1]/",
	"//192.0.2.1",
	"//3221225985",
	"wss://evil.example",
	"view-source:https://evil.example",
	"about:blank",
	"/\u2044/evil.example",
	"/" + strings.Repeat("a", 2048),
	"/" + strings.Repeat(`"`, 682) + "aa",
}

func TestAbuse_I04_openRedirects(t *testing.T) {
	t.Parallel()
	for _, target := range openRedirects {
		if got, ok := auth.SafeReturnPath(target); ok || got != "" {
			t.Errorf("%.100q: got %q %v", target, got, ok)
		}
	}
}

// What is accepted leads, for Go as for a browser, to the path on our origin that
// was asked for; and so would what was asked for by itself.
func FuzzSafeReturnPath(f *testing.F) {
	for _, target := range openRedirects {
		f.Add(target)
	}
	for _, target := range []string{"/", "/account", "/a/b/?x=1&y=//z", "/%E4%BD%A0", "/%252f%252fevil", "/%25%35%63", "/;@evil.example", "/a#//b"} {
		f.Add(target)
	}
	base, err := url.Parse(pageOrigin + pagePath)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, target string) {
		safe, ok := auth.SafeReturnPath(target)
		if !ok {
			if safe != "" {
				t.Fatalf("%q is refused, and yet there is %q", target, safe)
			}
			return
		}
		if again, ok := auth.SafeReturnPath(safe); !ok || again != safe {
			t.Fatalf("%q becomes %q, and that %q %v", target, safe, again, ok)
		}
		for i := range len(safe) {
			if c := safe[i]; c <= ' ' || c >= 0x7f || c == '\\' {
				t.Fatalf("%q becomes %q", target, safe)
			}
		}
		asked, err := url.Parse(target)
		if err != nil {
			t.Fatalf("%q is accepted: %v", target, err)
		}
		for _, ref := range []string{target, safe} {
			if origin, path := browse(ref); origin != pageOrigin || path != asked.Path {
				t.Fatalf("%q becomes %q, and a browser reads %q as %q at %q", target, safe, ref, path, origin)
			}
		}
		if unescaped, err := url.PathUnescape(safe); err == nil { // by something on the way
			if origin, _ := browse(unescaped); origin != pageOrigin {
				t.Fatalf("%q becomes %q, which unescaped leads to %q", target, safe, origin)
			}
		}
		u, err := base.Parse(safe)
		if err != nil {
			t.Fatalf("%q becomes %q: %v", target, safe, err)
		}
		if u.Scheme != "https" || u.Host != "app.example" || u.User != nil || u.Opaque != "" {
			t.Fatalf("%q becomes %q, which leads to %v", target, safe, u)
		}
		if u.Path != asked.Path || u.RawQuery != asked.RawQuery {
			t.Fatalf("%q becomes %q: another place", target, safe)
		}
	})
}
