package main

import (
	"net/http"
	"slices"
	"strings"
)

// requestRules are about what all requests have in common.
var requestRules = []rule{
	{1, "request/path", "a path that there is not is REQUEST.0008", func(r *run) error {
		return r.refuses(notFound, r.app.get("/api/v2/sdk/nothing"), r.app.get(captchaPath+"/"))
	}},
	{1, "request/method", "a method that the path does not have is REQUEST.0002, and Allow lists those that it has", methods},
	{1, "request/cross-origin", "what a page of another origin sends is REQUEST.0007", func(r *run) error {
		return r.refuses(crossOrigin,
			r.app.post(loginPath).with("Sec-Fetch-Site", "cross-site"), r.app.post(loginPath).with("Sec-Fetch-Site", "same-site"),
			r.app.post(loginPath).with("Origin", "https://elsewhere.example"), r.app.post(loginPath).with("Origin", "null"))
	}},
	{1, "request/device", "a device header that is missing or empty is PARAM.0001", func(r *run) error {
		for _, name := range deviceHeaders {
			if err := r.refuses(deviceIncomplete, r.app.get(captchaPath).with(name), r.app.get(captchaPath).with(name, "")); err != nil {
				return err
			}
		}
		return nil
	}},
	{1, "request/device-once", "a header that is there twice is PARAM.0001", func(r *run) error {
		once := r.app.get(captchaPath).with("X-Device-Ip", "192.0.2.1")
		for name, values := range once.header {
			if err := r.refuses(deviceIncomplete, once.with(name, values[0], values[0])); err != nil {
				return err
			}
		}
		return nil
	}},
	{1, "request/device-form", "an X-device-ip that is no address, or an X-L that is no language, is PARAM.0001", func(r *run) error {
		return r.refuses(deviceIncomplete, r.app.get(captchaPath).with("X-Device-Ip", "localhost"), r.app.get(captchaPath).with("X-L", "../../etc"))
	}},
	{1, "request/client", "a client id that is missing or empty is PARAM.0002", func(r *run) error {
		return r.refuses(clientEmpty, r.app.get(captchaPath).with("X-Client-Id"), r.app.get(captchaPath).with("X-Client-Id", ""))
	}},
	{1, "request/client-known", "a client id that is not registered is PARAM.0003", func(r *run) error {
		return r.refuses(clientUnknown, r.app.get(captchaPath).with("X-Client-Id", "nobody-"+r.unique))
	}},
	{1, "request/optional", "X-device-ip and X-L may be there or not; a language without texts is none", func(r *run) error {
		for _, q := range []request{
			r.app.get(captchaPath).with("X-L"), r.app.get(captchaPath).with("X-L", "x-nobody"), r.app.get(captchaPath).with("X-Device-Ip", "2001:db8::1"),
		} {
			if err := r.send(q).ok(); err != nil {
				return err
			}
		}
		return nil
	}},
	{1, "request/header-names", "names of headers ignore case", func(r *run) error {
		q := r.app.get(captchaPath)
		q.header = make(http.Header)
		for name, values := range r.app.get(captchaPath).header {
			q.header[strings.ToLower(name)] = values
		}
		return r.send(q).ok()
	}},
	{1, "request/language", "X-L decides on the language, then Accept-Language", func(r *run) error {
		for _, row := range []struct{ xl, accept, want string }{
			{"zh", "en", refusals[clientEmpty].zh}, {"zh-CN", "en", refusals[clientEmpty].zh}, {"en", "zh", refusals[clientEmpty].en},
			{"", "zh-CN,en;q=0.5", refusals[clientEmpty].zh}, {"", "en-GB,zh;q=0.5", refusals[clientEmpty].en},
		} {
			a := r.send(r.app.get(captchaPath).with("X-Client-Id").with("X-L", row.xl).with("Accept-Language", row.accept))
			if got := a.text("error_msg"); got != row.want {
				return a.but("with X-L %q and Accept-Language %q should have said %q", row.xl, row.accept, row.want)
			}
		}
		return nil
	}},
	{1, "request/order", "the first check that fails decides, in the order of docs/wire.md", order},
}

// methods tries some that paths do not have.
func methods(r *run) error {
	for path, has := range map[string][]string{
		captchaPath: {"GET"}, audioPath: {"GET"}, verifyPath: {"POST"}, sendPath: {"POST"}, loginPath: {"POST"}, refreshPath: {"POST"},
		logoutPath: {"GET", "POST"}, sessionsPath: {"DELETE", "GET"}, sessionsPath + "/x": {"DELETE"},
	} {
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
			if slices.Contains(has, method) {
				continue
			}
			a := r.send(r.app.request(method, path))
			if err := a.refused(methodNotAllowed); err != nil {
				return err
			}
			allow := strings.Split(strings.ReplaceAll(a.header.Get("Allow"), " ", ""), ",")
			if slices.Sort(allow); !slices.Equal(allow, has) {
				return a.but("Allow is %q and should be %q", a.header.Get("Allow"), strings.Join(has, ", "))
			}
		}
	}
	return nil
}

// order makes a request that is wrong in every way and mends one thing after
// the other.
func order(r *run) error {
	q := public("/api/v2/sdk/nothing").with("Sec-Fetch-Site", "cross-site").with("Content-Type", "text/plain").with("X-L", "en")
	q.body = strings.Repeat(" ", 9000)
	for _, step := range []struct {
		refused string
		mend    func()
	}{
		{notFound, func() { q.path = loginPath }},
		{methodNotAllowed, func() { q.method = "POST" }},
		{crossOrigin, func() { q = q.with("Sec-Fetch-Site", "same-origin") }},
		{wrongContentType, func() { q = q.with("Content-Type", "application/json") }},
		{tooLarge, func() { q.body = "[]" }},
		{deviceIncomplete, func() {
			for _, name := range deviceHeaders {
				q = q.with(name, "wirecheck")
			}
		}},
		{clientEmpty, func() { q = q.with("X-Client-Id", "nobody-"+r.unique) }},
		{clientUnknown, func() { q = q.with("X-Client-Id", r.app.id) }},
		{malformed, func() {}},
	} {
		if err := r.refuses(step.refused, q); err != nil {
			return err
		}
		step.mend()
	}
	return nil
}
