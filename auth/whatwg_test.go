package auth_test

import (
	"net/url"
	"strings"
	"testing"
)

// page is where a person logs in: what the Location of an answer is read
// against.
const (
	pageOrigin = "https://app.example"
	pagePath   = "/login"
)

// browse reads a reference on the page as browsers do, by the URL standard of
// the WHATWG (https://url.spec.whatwg.org/#concept-basic-url-parser): tabs and
// line ends are nowhere, a backslash is a slash, and any number of slashes
// begins a host. The path is unescaped, its dot segments are resolved. What
// leads away from the page's origin has no path.
func browse(ref string) (origin, path string) {
	ref = strings.TrimFunc(ref, func(r rune) bool { return r <= ' ' })
	ref = strings.NewReplacer("\t", "", "\n", "", "\r", "").Replace(ref)
	if scheme, rest, ok := cutScheme(ref); ok {
		slashes := len(rest) - len(strings.TrimLeft(rest, `/\`))
		if scheme != "https" || slashes >= 2 && rest[:2] == "//" {
			return scheme + ":" + rest, ""
		}
		ref = rest // "https:path" is relative on an https page
	}
	ref, _, _ = strings.Cut(ref, "#")
	ref, _, _ = strings.Cut(ref, "?")
	ref = strings.ReplaceAll(ref, `\`, "/")
	switch {
	case strings.HasPrefix(ref, "//"):
		return "https:" + ref, ""
	case ref == "":
		ref = pagePath
	case ref[0] != '/':
		ref = "/" + ref // the page is at the top
	}
	return pageOrigin, resolveDots(ref)
}

// cutScheme cuts a scheme off.
func cutScheme(ref string) (scheme, rest string, ok bool) {
	scheme, rest, ok = strings.Cut(ref, ":")
	scheme = strings.ToLower(scheme)
	for i, c := range []byte(scheme) {
		letter := 'a' <= c && c <= 'z'
		if !letter && (i == 0 || (c < '0' || c > '9') && c != '+' && c != '-' && c != '.') {
			return "", "", false
		}
	}
	return scheme, rest, ok && scheme != ""
}

// resolveDots walks along a path, segment by segment. "%2e" is a dot.
func resolveDots(path string) string {
	segments := strings.Split(path[1:], "/")
	var kept []string
	for i, s := range segments {
		last := i == len(segments)-1
		switch strings.ReplaceAll(strings.ToLower(s), "%2e", ".") {
		case "..":
			kept = kept[:max(0, len(kept)-1)]
			if last {
				kept = append(kept, "")
			}
		case ".":
			if last {
				kept = append(kept, "")
			}
		default:
			if unescaped, err := url.PathUnescape(s); err == nil {
				s = unescaped
			}
			kept = append(kept, s)
		}
	}
	return "/" + strings.Join(kept, "/")
}

// The readings of the standard's own examples, and of what the fuzzer is to
// notice.
func TestBrowse(t *testing.T) {
	t.Parallel()
	const here = pageOrigin
	for ref, want := range map[string][2]string{
		"":                        {here, "/login"},
		"/a/b?c#d":                {here, "/a/b"},
		"a":                       {here, "/a"},
		"?x":                      {here, "/login"},
		"/a/../b":                 {here, "/b"},
		"/a/%2E%2e/b":             {here, "/b"},
		"/a/..":                   {here, "/"},
		"/a/.":                    {here, "/a/"},
		"/../../a":                {here, "/a"},
		"/a%20b":                  {here, "/a b"},
		`\a\b`:                    {here, "/a/b"},
		"https:a":                 {here, "/a"},
		"https:/a":                {here, "/a"},
		"/https://evil.example":   {here, "/https://evil.example"},
		"//evil.example":          {"https://evil.example", ""},
		`\\evil.example`:          {"https://evil.example", ""},
		`/\evil.example`:          {"https://evil.example", ""},
		"/\t/evil.example":        {"https://evil.example", ""},
		"\x01\x20//evil.example":  {"https://evil.example", ""},
		"https://evil.example":    {"https://evil.example", ""},
		"HTTPS:\n//evil.example":  {"https://evil.example", ""},
		"http:a":                  {"http:a", ""},
		"javascript:alert(1)":     {"javascript:alert(1)", ""},
		"java\nscript:alert(1)":   {"javascript:alert(1)", ""},
		"data:text/html,<script>": {"data:text/html,<script>", ""},
	} {
		if origin, path := browse(ref); origin != want[0] || path != want[1] {
			t.Errorf("%q: got %q, %q, want %q", ref, origin, path, want)
		}
	}
}
