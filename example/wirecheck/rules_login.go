package main

import "fmt"

// loginRules are about the code.
var loginRules = []rule{
	{5, "login/email", "an email that is missing is USER.0004, one that is no address REQUEST.0005", func(r *run) error {
		if err := r.refuses(emailEmpty, r.app.post(loginPath, "verify_code", "1")); err != nil {
			return err
		}
		return r.refuses(emailInvalid, r.app.post(loginPath, "email", "ann@localhost", "verify_code", "1"))
	}},
	{5, "login/code-missing", "a code that is missing or blank is PARAM.0009", func(r *run) error {
		return r.refuses(codeEmpty, r.app.post(loginPath, "email", "ann@example.org"), r.app.post(loginPath, "email", "ann@example.org", "verify_code", " "))
	}},
	{5, "login/emial", "email in both spellings is REQUEST.0001", func(r *run) error {
		return r.refuses(malformed, r.app.post(loginPath, "email", "ann@example.org", "emial", "ann@example.org", "verify_code", "1"))
	}},
	{5, "login/code-wrong", "a wrong code is CAPTCHA.0007", mailed(func(r *run) error {
		return r.refuses(codeIncorrect, r.app.post(loginPath, "email", r.address, "verify_code", wrong(r.code)))
	})},
	{5, "login/code-address", "the code of another address is CAPTCHA.0007", mailed(func(r *run) error {
		return r.refuses(codeIncorrect, r.app.post(loginPath, "email", "not-"+r.address, "verify_code", r.code))
	})},
	{5, "login/code-device", "the code of another device is CAPTCHA.0007", mailed(func(r *run) error {
		return r.refuses(codeIncorrect, r.app.elsewhere().post(loginPath, "email", r.address, "verify_code", r.code))
	})},
	{5, "login/code-client", "the code of another client is CAPTCHA.0007", mailed(func(r *run) error {
		if r.page.id == "" {
			return errNoCookieClient
		}
		other := r.app
		other.id = r.page.id
		return r.refuses(codeIncorrect, other.post(loginPath, "email", r.address, "verify_code", r.code))
	})},
	{5, "login/answer", "the right code, and spaces around it, gets a session_token, its expire, SUCCESS and an id_token", mailed(func(r *run) error {
		r.login = r.send(r.app.post(loginPath, "email", r.address, "verify_code", " "+r.code+" "))
		if err := r.login.ok(); err != nil {
			return err
		}
		r.app.session = r.login.text("session_token")
		if err := members(r.login.json, "session_token", "expire", "status", "id_token"); err != nil {
			return r.login.but("%v", err)
		}
		if r.login.text("status") != "SUCCESS" || r.login.number("expire") < 1 {
			return r.login.but("status should be SUCCESS, and expire a number of seconds")
		}
		return nil
	})},
	{5, "login/code-once", "a code works once", loggedIn(func(r *run) error {
		c := r.app
		c.session = ""
		return r.refuses(codeIncorrect, c.post(loginPath, "email", r.address, "verify_code", r.code))
	})},
}

// guessRules are about guessing.
var guessRules = []rule{
	{5, "guess/five", "after five wrong guesses the right code is CAPTCHA.0007, too", func(r *run) error {
		c, address := r.app.elsewhere(), r.newAddress()
		c.session = ""
		_, code, err := r.getMail(c, address)
		if err != nil {
			return err
		}
		for range 5 {
			if err := r.refuses(codeIncorrect, c.post(loginPath, "email", address, "verify_code", wrong(code))); err != nil {
				return err
			}
		}
		return r.refuses(codeIncorrect, c.post(loginPath, "email", address, "verify_code", code))
	}},
}

// wrong is a code of the same form.
func wrong(code string) string {
	last := code[len(code)-1]
	return fmt.Sprintf("%s%d", code[:len(code)-1], (last+1)%10)
}
