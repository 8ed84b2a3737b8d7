package main

import "strings"

// answerRules are about answering a captcha.
var answerRules = []rule{
	{3, "answer/one", "both answers, or neither, are REQUEST.0001", func(r *run) error {
		q := []string{"token", "x", "sender", "ann@example.org"}
		return r.refuses(malformed, r.app.post(verifyPath, q...), r.app.post(verifyPath, append(q, "captcha_code", "1", "point_json", `{"x":1.0,"y":5.0}`)...))
	}},
	{3, "answer/sender", "a sender that is missing or empty is USER.0004, one that is no address REQUEST.0005", func(r *run) error {
		if err := r.refuses(emailEmpty, r.app.post(verifyPath, "token", "x", "sender", "", "captcha_code", "1")); err != nil {
			return err
		}
		return r.refuses(emailInvalid, r.app.post(verifyPath, "token", "x", "sender", "Ann <ann@example.org>", "captcha_code", "1"))
	}},
	{3, "answer/unknown", "an answer to a captcha that there is not is CAPTCHA.0002", func(r *run) error {
		return r.refuses(captchaFailed, r.app.post(verifyPath, "token", strings.Repeat("A", 43), "sender", "ann@example.org", "captcha_code", "1"))
	}},
	{3, "answer/wrong-spends", "a wrong answer is CAPTCHA.0002, and spends the captcha", func(r *run) error {
		captcha := r.send(r.app.get(captchaPath + "?type=pow"))
		member, right, err := r.solve(captcha)
		if err != nil {
			return err
		}
		wrong := strings.Repeat("0", 65) // too long for anything
		if member == "point_json" {
			wrong = `{"x":-100.0,"y":5.0}`
		}
		answer := func(a string) request {
			return r.app.post(verifyPath, "token", captcha.text("token"), "sender", "ann@example.org", member, a)
		}
		return r.refuses(captchaFailed, answer(wrong), answer(right))
	}},
	{3, "answer/once", "a right answer earns a captcha_token, once", func(r *run) error {
		captcha := r.send(r.app.get(captchaPath + "?type=pow"))
		member, right, err := r.solve(captcha)
		if err != nil {
			return err
		}
		q := r.app.post(verifyPath, "token", captcha.text("token"), "sender", "ann@example.org", member, right)
		a := r.send(q)
		if err := a.ok(); err != nil {
			return err
		}
		ticket := a.text("captcha_token")
		if err := members(a.json, "captcha_token"); err != nil || len(ticket) < 22 || strings.Contains(ticket, captcha.text("token")) {
			return a.but("that is no random captcha_token (%v)", err)
		}
		return r.refuses(captchaFailed, q)
	}},
}
