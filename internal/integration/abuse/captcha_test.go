package abuse

import (
	"fmt"
	"testing"

	"example.com/mailkey/auth"
	"example.com/mailkey/internal/integration/house"
	"example.com/mailkey/internal/torture"
)

// Without a captcha_token there is no mail, and nothing is remembered of an
// address that somebody typed.
func TestAbuse_A01_B12_withoutCaptcha(t *testing.T) {
	t.Parallel()
	house.OnEachStore(t, 1, nil, func(h *house.House) {
		victim := house.Person()
		before := rows(h)
		for _, row := range []struct {
			member string
			want   auth.Reason
		}{
			{``, auth.ReasonCaptcha},
			{`,"captcha_token":""`, auth.ReasonCaptcha},
			{`,"captcha_token":"null"`, auth.ReasonCaptcha},
			{`,"captcha_token":"undefined"`, auth.ReasonCaptcha},
			{`,"captcha_token":"true"`, auth.ReasonCaptcha},
			{`,"captcha_token":"0"`, auth.ReasonCaptcha},
			{`,"captcha_token":" "`, auth.ReasonCaptcha},
			{`,"captcha_token":null`, auth.ReasonMalformed},
			{`,"captcha_token":0`, auth.ReasonMalformed},
			{`,"captcha_token":true`, auth.ReasonMalformed},
			{`,"captcha_token":[]`, auth.ReasonMalformed},
			{`,"captcha_token":["x"]`, auth.ReasonMalformed},
			{`,"captcha_token":{}`, auth.ReasonMalformed},
			{`,"captcha_token":{"$ne":""}`, auth.ReasonMalformed},
		} {
			body := fmt.Sprintf(`{"email":%q,"type":"LOGIN_EMS"%s}`, victim, row.member)
			h.Refused(withBody(house.Send(victim, ""), body), row.want, body)
		}
		for i := range torture.Rounds(200, 1000) { // far more than the address may have mails
			h.Refused(house.Send(victim, fmt.Sprint("made up ", i)), auth.ReasonCaptcha, "a made-up token")
		}
		wantRows(h, before, "limits")
		h.Do(house.Send(victim, h.Ticket(victim))) // at once
		h.Mails.Wait(h, victim, 1)
		wantMailed(h, victim)
	})
}

// A token cannot be made of a captcha and its answer: neither as the published
// examples show it nor in any other way.
func TestAbuse_A02_tokenMadeByHand(t *testing.T) {
	t.Parallel()
	house.OnEachStore(t, 1, nil, func(h *house.House) {
		victim := house.Person()
		captcha, answer := h.Puzzle()
		point := `{"x":` + answer + `.0,"y":5.0}`
		for _, token := range []string{
			captcha, answer, captcha + answer, captcha + "---" + answer, captcha + "---" + point, point, captcha + "." + answer, captcha + ":" + answer,
			answer + "---" + captcha, captcha + "---", "---" + point, captcha + "---" + point + "---" + victim,
		} {
			h.Refused(house.Send(victim, token), auth.ReasonCaptcha, token)
		}
		if a := h.Call(house.Verify(captcha, answer, victim)); house.Code(h, a) != house.OK {
			h.Errorf("the captcha was spent by one who did not answer it: %s", a.Body)
		}
		wantMailed(h)
	})
}

// A token is good for one mail, however often it is sent.
func TestAbuse_A03_tokenUsedAgain(t *testing.T) {
	t.Parallel()
	house.OnEachStore(t, 1, patient, func(h *house.House) {
		email := house.Person()
		ticket := h.Ticket(email)
		h.Do(house.Send(email, ticket))
		for range 99 {
			h.Refused(house.Send(email, ticket), auth.ReasonCaptcha, "the token again")
		}
		h.Mails.Wait(h, email, 1)
		wantMailed(h, email)
	})
}

// A token that somebody solved a captcha for is of no use to anybody else, and
// gone when it was tried.
func TestAbuse_A05_A06_tokenOfAnother(t *testing.T) {
	t.Parallel()
	two := func(c *auth.Config) { c.Clients = append(c.Clients, auth.Client{ID: "other"}) }
	house.OnEachStore(t, 1, two, func(h *house.House) {
		victim := house.Person()
		for _, row := range []struct{ name, email, header, value string }{
			{"for another address", victim, "X-Agent", "house"},
			{"of another client", "", "X-Client-Id", "other"},
			{"of another device", "", "X-Device-Fingerprint", "another device"},
		} {
			email := house.Person()
			if row.email == "" {
				row.email = email
			}
			ticket := h.Ticket(email)
			h.Refused(house.With(house.Send(row.email, ticket), row.header, row.value), auth.ReasonCaptcha, "a token "+row.name)
			h.Refused(house.Send(email, ticket), auth.ReasonCaptcha, "a token that was tried "+row.name)
		}
		wantMailed(h)
	})
}

// There is one type of code. Another one is refused before anything is spent,
// and there is no other space of codes to guess in.
func TestAbuse_A06_B13_otherTypes(t *testing.T) {
	t.Parallel()
	house.OnEachStore(t, 1, nil, func(h *house.House) {
		email := house.Person()
		ticket := h.Ticket(email)
		for _, kind := range []string{
			"", "REGISTER_EMS", "FORGET_PWD_EMS", "BIND_EMS", "LOGIN_SMS", "login_ems", "Login_Ems", "LOGIN_EMS ", " LOGIN_EMS", "LOGIN_EMS,REGISTER_EMS", "LOGIN-EMS", "*", "0",
		} {
			request := house.Request("POST", "/api/v2/sdk/email/send", "email", email, "type", kind, "captcha_token", ticket)
			h.Refused(request, auth.ReasonCodeType, "type "+kind)
		}
		h.Refused(house.Guess(email, "123456"), auth.ReasonCode, "a login with nothing sent")
		h.Do(house.Send(email, ticket))
		code := h.Mails.Wait(h, email, 1).Code
		if a := h.Call(house.Guess(email, code)); house.Code(h, a) != house.OK {
			h.Errorf("the code of the type there is: %s", a.Body)
		}
		wantMailed(h, email)
	})
}
