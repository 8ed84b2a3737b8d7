package main

// sendRules are about the mail. With the two codes that later rules need they
// make ten requests, as many as the default limits allow within ten minutes.
var sendRules = []rule{
	{4, "send/type", "another type than LOGIN_EMS is REQUEST.0006", func(r *run) error {
		return r.refuses(typeUnsupported, r.app.post(sendPath, "email", "ann@example.org", "type", "REGISTER_EMS", "captcha_token", "x"))
	}},
	{4, "send/ticket-address", "a captcha_token for another address is CAPTCHA.0002", func(r *run) error {
		return r.refusesTicket(r.app, "bob@example.org")
	}},
	{4, "send/ticket-client", "a captcha_token of another client is CAPTCHA.0002", func(r *run) error {
		if r.page.id == "" {
			return errNoCookieClient
		}
		other := r.app
		other.id = r.page.id
		return r.refusesTicket(other, "ann@example.org")
	}},
	{4, "send/ticket-device", "a captcha_token of another device is CAPTCHA.0002, and is spent", func(r *run) error {
		ticket, err := r.getTicket(r.app, "ann@example.org")
		if err != nil {
			return err
		}
		q := []string{"email", "ann@example.org", "type", "LOGIN_EMS", "captcha_token", ticket}
		return r.refuses(captchaFailed, r.app.elsewhere().post(sendPath, q...), r.app.post(sendPath, q...))
	}},
	{4, "send/answer", "it says how long the code lives, and when another mail can be had", func(r *run) error {
		address := r.newAddress()
		ticket, code, err := r.getMail(r.app, address)
		if err != nil {
			return err
		}
		r.address, r.ticket, r.code = address, ticket, code
		if err := members(r.sent.json, "expire", "resend_after"); err != nil || r.sent.number("expire") < 1 || r.sent.number("resend_after") < 1 {
			return r.sent.but("expire and resend_after should be numbers of seconds, and all that is in it (%v)", err)
		}
		return nil
	}},
	{4, "send/ticket-once", "a captcha_token works once", mailed(func(r *run) error {
		return r.refuses(captchaFailed, r.app.post(sendPath, "email", r.address, "type", "LOGIN_EMS", "captcha_token", r.ticket))
	})},
	{4, "send/resend-after", "another mail before resend_after is LIMIT.0001", mailed(func(r *run) error {
		ticket, err := r.getTicket(r.app, r.address)
		if err != nil {
			return err
		}
		return r.sendOnce(r.app.post(sendPath, "email", r.address, "type", "LOGIN_EMS", "captcha_token", ticket)).refused(limited)
	})},
}

// refusesTicket has a captcha_token for ann@example.org refused, when the client
// wants a mail to the address for it.
func (r *run) refusesTicket(c client, address string) error {
	ticket, err := r.getTicket(r.app, "ann@example.org")
	if err != nil {
		return err
	}
	return r.refuses(captchaFailed, c.post(sendPath, "email", address, "type", "LOGIN_EMS", "captcha_token", ticket))
}
