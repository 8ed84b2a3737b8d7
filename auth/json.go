package auth

import (
	"errors"
	"unicode/utf16"
	"unicode/utf8"
)

// The largest member name and value of a request, in bytes, and the largest
// answer to a captcha: the token of a hosted one may have some thousands.
const (
	maxString = 512
	maxAnswer = 4096
)

var errJSON = errors.New("not one JSON object of strings")

// parseObject reads the body of a request: one JSON object whose values are
// all strings, as every request of the contract is. It takes exactly the
// grammar of RFC 8259 and the additions of RFC 7493 (I-JSON): names are unique
// and compared byte by byte, text is UTF-8 without lone surrogates. It also
// refuses U+0000, which not every database can store. encoding/json is more
// forgiving in each of these, and what two parsers read differently is where
// checks are slipped past.
func parseObject(body []byte) (map[string]string, error) {
	if !utf8.Valid(body) {
		return nil, errJSON
	}
	p := &jsonParser{in: body}
	object := make(map[string]string, 4)
	if !p.next('{') {
		return nil, errJSON
	}
	for p.space(); !p.take('}'); {
		if len(object) > 0 && !p.take(',') {
			return nil, errJSON
		}
		name, ok := p.string(maxString)
		if !ok || !p.next(':') {
			return nil, errJSON
		}
		most := maxString
		if name == "captcha_code" {
			most = maxAnswer
		}
		value, ok := p.string(most)
		if _, duplicate := object[name]; !ok || duplicate {
			return nil, errJSON
		}
		object[name] = value
		p.space()
	}
	if p.space(); len(p.in) > 0 {
		return nil, errJSON
	}
	return object, nil
}

type jsonParser struct{ in []byte }

func (p *jsonParser) space() {
	for len(p.in) > 0 && (p.in[0] == ' ' || p.in[0] == '\t' || p.in[0] == '\n' || p.in[0] == '\r') {
		p.in = p.in[1:]
	}
}

func (p *jsonParser) take(c byte) bool {
	if len(p.in) == 0 || p.in[0] != c {
		return false
	}
	p.in = p.in[1:]
	return true
}

func (p *jsonParser) next(c byte) bool {
	p.space()
	return p.take(c)
}

// string reads a string of at most so many bytes.
func (p *jsonParser) string(most int) (string, bool) {
	if !p.next('"') {
		return "", false
	}
	var out []byte
	for len(p.in) > 0 && len(out) <= most {
		c := p.in[0]
		p.in = p.in[1:]
		switch {
		case c == '"':
			return string(out), true
		case c == '\\':
			r, ok := p.escape()
			if !ok {
				return "", false
			}
			out = utf8.AppendRune(out, r)
		case c < 0x20:
			return "", false
		default:
			out = append(out, c)
		}
	}
	return "", false
}

func (p *jsonParser) escape() (rune, bool) {
	if len(p.in) == 0 {
		return 0, false
	}
	c := p.in[0]
	p.in = p.in[1:]
	switch c {
	case '"', '\\', '/':
		return rune(c), true
	case 'b':
		return '\b', true
	case 'f':
		return '\f', true
	case 'n':
		return '\n', true
	case 'r':
		return '\r', true
	case 't':
		return '\t', true
	case 'u':
		r, ok := p.hex4()
		if !ok || r == 0 {
			return 0, false
		}
		if !utf16.IsSurrogate(r) {
			return r, true
		}
		if !p.take('\\') || !p.take('u') {
			return 0, false
		}
		low, ok := p.hex4()
		r = utf16.DecodeRune(r, low)
		return r, ok && r != utf8.RuneError
	}
	return 0, false
}

func (p *jsonParser) hex4() (r rune, ok bool) {
	if len(p.in) < 4 {
		return 0, false
	}
	for _, c := range p.in[:4] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	p.in = p.in[4:]
	return r, true
}
