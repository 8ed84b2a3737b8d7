package main

import "strings"

// bodyRules are about the bodies of requests.
var bodyRules = []rule{
	{1, "body/content-type", "a body that is not declared as JSON in UTF-8, or is compressed, is REQUEST.0004", func(r *run) error {
		q := r.app.post(loginPath, "email", "ann@example.org", "verify_code", "1")
		return r.refuses(wrongContentType,
			q.with("Content-Type"), q.with("Content-Type", "text/plain"), q.with("Content-Type", "application/x-www-form-urlencoded"),
			q.with("Content-Type", "application/json; charset=utf-16"), q.with("Content-Encoding", "gzip"))
	}},
	{1, "body/charset", "utf-8 and utf8 may be declared", func(r *run) error {
		q := r.app.post(verifyPath, "token", "x", "captcha_code", "1")
		return r.refuses(emailEmpty, q.with("Content-Type", "application/json; charset=utf-8"), q.with("Content-Type", "application/json;charset=utf8"))
	}},
	{1, "body/size", "a body of more than 8192 bytes is REQUEST.0003, declared or not", func(r *run) error {
		declared := r.app.request("POST", loginPath).json("{" + strings.Repeat(" ", 8192) + "}")
		undeclared := declared
		undeclared.undeclared = true
		return r.refuses(tooLarge, declared, undeclared)
	}},
	{1, "body/members-once", "a member that is there twice is REQUEST.0001", func(r *run) error {
		return r.refuses(malformed, r.app.request("POST", loginPath).json(`{"email":"ann@example.org","email":"bob@example.org","verify_code":"1"}`))
	}},
	{1, "body/members-known", "a member that is not known, or spelt differently, is REQUEST.0001", func(r *run) error {
		return r.refuses(malformed, r.app.post(loginPath, "email", "ann@example.org", "verify_code", "1", "user_id", "1"),
			r.app.post(loginPath, "Email", "ann@example.org", "verify_code", "1"))
	}},
	{1, "body/strings", "a value that is not a string is REQUEST.0001", func(r *run) error {
		return r.refuses(malformed, r.app.request("POST", loginPath).json(`{"email":"ann@example.org","verify_code":123456}`))
	}},
	{1, "body/json", "what is not exactly one JSON object in UTF-8 is REQUEST.0001", func(r *run) error {
		q := r.app.request("POST", loginPath)
		return r.refuses(malformed, q.json(`null`), q.json(`{"email":"ann@example.org","verify_code":"1"}{}`),
			q.json("{\"email\":\"\xff@example.org\",\"verify_code\":\"1\"}"), q.json(`{"email":"\ud800@example.org","verify_code":"1"}`))
	}},
}
