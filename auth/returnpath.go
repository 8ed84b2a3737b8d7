package auth

import (
	"net/url"
	"path"
	"strings"
)

// ReturnTo is the query parameter in which a login page is told where the
// person wanted to go. Whoever reads it must pass it through [SafeReturnPath].
const ReturnTo = "return_to"

const maxReturnPath = 2048 // bytes

// SafeReturnPath returns the path, with its query, that a person may be sent
// to after a login, when a request asked for it: a path on the same origin and
// nothing else. ok is false for whatever a browser could read as another site.
// The path is parsed and put together anew, so what comes out is not what was
// put in byte by byte.
func SafeReturnPath(target string) (safe string, ok bool) {
	if len(target) > maxReturnPath || !strings.HasPrefix(target, "/") {
		return "", false
	}
	for i := range len(target) {
		if c := target[i]; c <= ' ' || c == '\\' || c >= 0x7f {
			return "", false
		}
	}
	u, err := url.Parse(target)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" {
		return "", false
	}
	// Neither as it is nor unescaped may the path have empty or dot segments,
	// or what becomes a slash or a control character somewhere on the way.
	clean := path.Clean(u.Path)
	if strings.HasSuffix(u.Path, "/") && clean != "/" {
		clean += "/"
	}
	if clean != u.Path || strings.ContainsFunc(u.Path, func(r rune) bool { return r < ' ' || r == '\\' || r == 0x7f }) ||
		strings.Contains(strings.ToLower(u.EscapedPath()), "%2f") {
		return "", false
	}
	safe = (&url.URL{Path: u.Path, RawQuery: u.RawQuery}).String()
	if len(safe) > maxReturnPath || !strings.HasPrefix(safe, "/") || strings.HasPrefix(safe, "//") {
		return "", false
	}
	return safe, true
}
