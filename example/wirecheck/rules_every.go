package main

import (
	"net/http"
	"strconv"
	"strings"
)

// everyRules are about every answer to every request of the run. They look
// back at all of them.
var everyRules = []rule{
	{1, "every/no-store", "it is not to be stored, but for the public documents", manner("no-store")},
	{1, "every/nosniff", "its type is not to be guessed", manner("nosniff")},
	{1, "every/type", "it is JSON and says its charset, but for sound", manner("type")},
	{1, "every/refusal", "a refusal is two strings, error_code and error_msg, with the status of the code", manner("refusal")},
	{1, "every/english", "the text of a refusal is that of docs/wire.md", manner("english")},
	{1, "every/chinese", "and so it is in Chinese", manner("chinese")},
	{1, "every/retry-after", "a 429 has Retry-After in seconds", manner("retry-after")},
}

func manner(name string) func(*run) error {
	return func(r *run) error { return r.manners[name] }
}

// manners is what was wrong with an answer, by the name of the manner: the
// first case of each.
type manners map[string]error

// look looks at an answer.
func (m manners) look(a reply) {
	bad := func(name, format string, args ...any) {
		if m[name] == nil {
			m[name] = a.but(format, args...)
		}
	}
	document := a.request.path == keysPath || a.request.path == jwksPath || a.request.path == discoveryPath
	if got := a.header.Get("Cache-Control"); got != "no-store" && !(document && a.status == http.StatusOK) {
		bad("no-store", "Cache-Control is %q", got)
	}
	if got := a.header.Get("X-Content-Type-Options"); got != "nosniff" {
		bad("nosniff", "X-Content-Type-Options is %q", got)
	}
	sound := strings.HasPrefix(a.request.path, audioPath) && a.status == http.StatusOK
	if got := a.header.Get("Content-Type"); !sound && got != "application/json; charset=utf-8" {
		bad("type", "Content-Type is %q", got)
	}
	if a.status == http.StatusOK {
		return
	}
	code, text := a.text("error_code"), a.text("error_msg")
	known, ok := refusals[code]
	if !ok || known.status != a.status || text == "" || len(a.json) != 2 {
		bad("refusal", "that is no refusal")
		return
	}
	switch language := a.request.header.Values("X-L"); {
	case len(language) != 1:
	case language[0] == "en" && text != known.en:
		bad("english", "the text should be %q", known.en)
	case language[0] == "zh" && text != known.zh:
		bad("chinese", "the text should be %q", known.zh)
	}
	if seconds, err := strconv.Atoi(a.header.Get("Retry-After")); a.status == http.StatusTooManyRequests && (err != nil || seconds < 1) {
		bad("retry-after", "Retry-After is %q", a.header.Get("Retry-After"))
	}
}
