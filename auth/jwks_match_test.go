package auth_test

import (
	"testing"
)

// If-None-Match is a list of entity tags, in one header or several, or an
// asterisk (RFC 9110, 13.1.2).
func TestIfNoneMatch(t *testing.T) {
	t.Parallel()
	play(t, nil, func(k *kit) {
		for _, path := range []string{keysPath, jwksPath, discoveryPath} {
			etag := k.do(bare(k, "GET", path)).header.Get("ETag")
			for _, row := range []struct {
				name  string
				match []string
				want  int
			}{
				{"an asterisk", []string{"*"}, 304},
				{"first of a list", []string{etag + `, "x"`}, 304},
				{"last of a long list", []string{`"a", "b", W/"c", "d", ` + etag}, 304},
				{"tabs and empty members", []string{"\"x\",\t ,, " + etag + "\t,"}, 304},
				{"a comma inside a tag before it", []string{`"a,b", ` + etag}, 304},
				{"in the second of two headers", []string{`"x"`, etag}, 304},
				{"in the first of two headers", []string{etag, `"x"`}, 304},
				{"weak, in the second", []string{`W/"x"`, "W/" + etag}, 304},

				{"two headers of others", []string{`"x"`, `"y"`}, 200},
				{"an asterisk as a tag", []string{`"*"`}, 200},
				{"empty", []string{""}, 200},
				{"an empty tag", []string{`""`}, 200},
				{"another with ours inside", []string{`"x` + etag[1:]}, 200},
				{"ours with more", []string{etag[:len(etag)-1] + `x"`}, 200},
				{"ours without its end", []string{etag[:len(etag)-1]}, 200},
			} {
				for _, method := range []string{"GET", "HEAD"} {
					r := bare(k, method, path)
					r.Header["If-None-Match"] = row.match
					a := k.do(r)
					if a.status != row.want || a.header.Get("ETag") != etag || (len(a.body) > 0) != (row.want == 200 && method == "GET") {
						t.Errorf("%s %s, %s: %d, %d bytes, %v", method, path, row.name, a.status, len(a.body), a.header)
					}
				}
			}
		}
	})
}
