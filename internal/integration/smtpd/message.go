package smtpd

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"testing"
)

// Message is a mail as it arrived.
type Message struct {
	From string   // the envelope's
	To   []string // the envelope's
	Raw  []byte   // headers and body, lines ending in CRLF
	TLS  bool     // whether it came encrypted
	User string   // as whom the client had authenticated
}

// Part is one alternative of a mail, decoded.
type Part struct {
	Type   string // like text/plain
	Params map[string]string
	Body   string // lines ending in LF
}

// Parse takes the mail apart: a multipart/alternative of texts.
func (m Message) Parse(tb testing.TB) (mail.Header, []Part) {
	tb.Helper()
	msg, err := mail.ReadMessage(bytes.NewReader(m.Raw))
	if err != nil {
		tb.Fatalf("smtpd: the mail does not parse: %v\n%s", err, m.Raw)
	}
	mediaType, params, err := mime.ParseMediaType(msg.Header.Get("Content-Type"))
	if err != nil || mediaType != "multipart/alternative" {
		tb.Fatalf("smtpd: Content-Type is %q (%v), want multipart/alternative", mediaType, err)
	}
	var parts []Part
	for r := multipart.NewReader(msg.Body, params["boundary"]); ; {
		p, err := r.NextRawPart()
		if err == io.EOF {
			return msg.Header, parts
		}
		if err != nil {
			tb.Fatalf("smtpd: the mail's parts do not parse: %v", err)
		}
		parts = append(parts, parsePart(tb, p))
	}
}

func parsePart(tb testing.TB, p *multipart.Part) Part {
	tb.Helper()
	mediaType, params, err := mime.ParseMediaType(p.Header.Get("Content-Type"))
	if err != nil {
		tb.Fatalf("smtpd: Content-Type of a part: %v", err)
	}
	if enc := p.Header.Get("Content-Transfer-Encoding"); enc != "quoted-printable" {
		tb.Fatalf("smtpd: Content-Transfer-Encoding is %q, want quoted-printable", enc)
	}
	body, err := io.ReadAll(quotedprintable.NewReader(p))
	if err != nil {
		tb.Fatalf("smtpd: a part does not decode: %v", err)
	}
	return Part{Type: mediaType, Params: params, Body: strings.ReplaceAll(string(body), "\r\n", "\n")}
}

// Text returns the part for people who read plain text.
func (m Message) Text(tb testing.TB) string { tb.Helper(); return m.part(tb, "text/plain") }

// HTML returns the part for everyone else.
func (m Message) HTML(tb testing.TB) string { tb.Helper(); return m.part(tb, "text/html") }

func (m Message) part(tb testing.TB, mediaType string) string {
	tb.Helper()
	_, parts := m.Parse(tb)
	for _, p := range parts {
		if p.Type == mediaType {
			return p.Body
		}
	}
	tb.Fatalf("smtpd: the mail has no %s part", mediaType)
	return ""
}

// Code returns the code of the mail, from the last line of its text, which is
// "@host #code".
func (m Message) Code(tb testing.TB) string {
	tb.Helper()
	text := m.Text(tb)
	last := text[strings.LastIndexByte(text, '\n')+1:]
	host, code, ok := strings.Cut(last, " #")
	if !ok || !strings.HasPrefix(host, "@") {
		tb.Fatalf("smtpd: the last line of the mail is %q, want @host #code", last)
	}
	return code
}
